//! Lines of `redis.conf`: a name, and its values behind it.

use super::names::FORGOTTEN;
use super::table::{Marks, Row};
use super::{Config, ConfigError};

/// What lines said besides the settings of a [`Config`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines {
    /// Users, each as its line has it behind the word `user`.
    pub(crate) users: Vec<String>,
    /// A line named save points: those to come add to it.
    save_said: bool,
}

impl Lines {
    /// Takes over what a line says that was split into words.
    pub(crate) fn read(&mut self, config: &mut Config, words: &[&str]) -> Result<(), ConfigError> {
        let Some((name, values)) = words.split_first() else {
            return Ok(());
        };
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("user") && !values.is_empty() {
            self.users.push(values.join(" "));
            return Ok(());
        }
        if FORGOTTEN.iter().any(|known| is(known)) {
            return Ok(());
        }
        let row = config.row(name);
        let row = row.ok_or_else(|| ConfigError::Unknown((*name).to_owned()))?;
        let mut value = value_of(row, values)?;
        if is("save") {
            value = self.with_save_points_before(config, value);
        }
        config.set(name, &value)
    }

    /// The first line replaces the default, those behind it add to it; an empty one takes back all.
    fn with_save_points_before(&mut self, config: &Config, points: String) -> String {
        let before = std::mem::replace(&mut self.save_said, true);
        match before && !points.is_empty() {
            true => format!("{} {points}", config.get("save").unwrap_or_default()),
            false => points,
        }
    }
}

/// All values as one: most settings have exactly one.
fn value_of(row: Row, values: &[&str]) -> Result<String, ConfigError> {
    match values {
        [value] => Ok((*value).to_owned()),
        _ if row.marks().contains(Marks::WORDS) => Ok(values.join(" ")),
        _ => Err(ConfigError::Invalid {
            name: row.name(),
            value: values.join(" "),
            expected: "wrong number of arguments".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> (Config, Result<(), ConfigError>) {
        let (mut config, mut state) = (Config::default(), Lines::default());
        let outcome = lines.iter().try_for_each(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            state.read(&mut config, &words)
        });
        (config, outcome)
    }

    #[test]
    fn save_points_add_up_until_an_empty_line() {
        let save = |lines: &[&str]| read(lines).0.get("save").unwrap();
        assert_eq!(save(&[]), "3600 1 300 100 60 10000");
        assert_eq!(save(&["save 900 1", "SAVE 300 10"]), "900 1 300 10");
        assert_eq!(save(&["save 900 1", "save ", "save 60 5"]), "60 5");
    }

    #[test]
    fn most_settings_have_one_value() {
        for line in ["maxmemory", "maxmemory 1 2"] {
            let (_, refused) = read(&[line]);
            assert_eq!(
                refused.unwrap_err().to_string(),
                "wrong number of arguments"
            );
        }
        let (config, read_all) = read(&["client-output-buffer-limit pubsub 1 2 3"]);
        assert_eq!(read_all, Ok(()));
        let limits = config.get("client-output-buffer-limit").unwrap();
        assert!(limits.ends_with("pubsub 1 2 3"), "{limits}");
    }

    #[test]
    fn users_and_what_is_forgotten() {
        let (mut config, mut state) = (Config::default(), Lines::default());
        for words in [
            &["user", "bob", "on"][..],
            &["lua-replicate-commands", "yes"],
        ] {
            assert_eq!(state.read(&mut config, words), Ok(()));
        }
        assert_eq!(state.users, ["bob on"]);
        let unknown = state.read(&mut config, &["nosuch", "1"]);
        assert_eq!(unknown, Err(ConfigError::Unknown("nosuch".into())));
    }
}
