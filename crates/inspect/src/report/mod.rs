//! A summary, for people and for programs.

pub mod html;
mod json;
mod table;
mod text;
mod what_if;

pub use json::to_json;
pub use text::write_text;
pub use what_if::{what_if_json, write_what_if};

use rdb::Checksum;

/// A number of bytes with its unit, powers of 1,024: `1.5 MiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let unit = (count.ilog2() / 10 - 1) as usize;
    let scaled = count as f64 / 1024_f64.powi(unit as i32 + 1);
    format!("{scaled:.1} {}", UNITS.get(unit).unwrap_or(&"EiB"))
}

/// A number with commas: `1,234,567`.
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A name with bytes that are not printable ASCII as `\xHH`.
pub fn printable(name: &[u8]) -> String {
    name.escape_ascii().to_string()
}

/// What a footer said.
pub(crate) fn checksum_name(checksum: Option<Checksum>) -> &'static str {
    match checksum {
        Some(Checksum::Verified(_)) => "right",
        Some(Checksum::NotComputed) => "not computed",
        Some(Checksum::Absent) => "none in this version",
        None => "not reached",
    }
}

/// Range of sizes that row `i` of [`crate::Summary::sizes`] stands for.
pub(crate) fn size_name(at: usize) -> String {
    let end = |power: usize| bytes(1_u64.checked_shl(power as u32).unwrap_or(u64::MAX));
    match at {
        0 => "0 B".to_owned(),
        _ => format!("{} to {}", end(at - 1), end(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
        assert_eq!(size_name(7), "64 B to 128 B");
    }
}
