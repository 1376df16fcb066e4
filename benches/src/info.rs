//! What a server tells of itself.

use kvdump::{Call, Tcp};

use crate::Outcome;

/// A field of a section of INFO, if the server has it.
pub(crate) fn text(connection: &mut Tcp, section: &str, name: &str) -> Outcome<Option<String>> {
    let told = connection.ask(&["INFO", section])?.into_text()?;
    Ok(find(&told, name).map(str::to_owned))
}

/// As [`text`], of a number; 0 if the server has no such field.
pub(crate) fn number(connection: &mut Tcp, section: &str, name: &str) -> Outcome<u64> {
    let told = text(connection, section, name)?;
    Ok(told.map_or(Ok(0), |number| number.parse())?)
}

fn find<'a>(told: &'a str, name: &str) -> Option<&'a str> {
    let fields = told.lines().filter_map(|line| line.split_once(':'));
    let mut named = fields.filter(|(field, _)| *field == name);
    named.next().map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let told = "# Memory\r\nused_memory_peak:7\r\nused_memory:5\r\n";
        assert_eq!(find(told, "used_memory"), Some("5"));
        assert_eq!(find(told, "memory"), None);
    }
}
