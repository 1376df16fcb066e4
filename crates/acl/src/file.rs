//! Users as lines of text: the file of `ACL LOAD` and `ACL SAVE`.

use crate::pattern::has_spaces;
use crate::rule_error::RuleError;
use crate::users::{DEFAULT_USER, Users, join_selectors};

impl Users {
    /// What `text`, lines of `user name rule ..`, says instead of what there is. If anything is
    /// wrong with it nothing changes, and the error names each fault and the line that has it in
    /// `file`.
    ///
    /// The default user goes on, as changed, and so do others that were there before if `go_on` says
    /// so; else they are other users of the same names.
    pub fn load(&mut self, text: &[u8], file: &str, go_on: bool) -> Result<(), String> {
        let mut loaded = self.emptied();
        let mut faults = String::new();
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            let line = line.trim_ascii();
            if !line.is_empty()
                && let Err(fault) = self.load_line(line, &mut loaded, go_on)
            {
                faults.push_str(&fault.describe(file, number));
            }
        }
        if !faults.is_empty() {
            return Err(format!(
                "{faults}WARNING: ACL errors detected, no change to the previously active ACL \
                 rules was performed"
            ));
        }
        loaded.add_default();
        *self = loaded;
        Ok(())
    }

    fn load_line(&self, line: &[u8], loaded: &mut Users, go_on: bool) -> Result<(), Fault> {
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let (name, rules) = match words.as_slice() {
            [b"user", name, rules @ ..] => (*name, rules),
            _ => return Err(Fault::NoUser),
        };
        let shown = String::from_utf8_lossy(name).into_owned();
        if has_spaces(name) {
            return Err(Fault::BadName(shown));
        }
        if loaded.get(name).is_some() {
            return Err(Fault::Twice(shown));
        }
        let rules = join_selectors(rules).map_err(|_| Fault::Unmatched)?;
        let mut user = loaded.copy(name);
        if let Some(before) = self.get(name)
            && (go_on || name == DEFAULT_USER)
        {
            user.continue_as(before);
        }
        for rule in &rules {
            let refuse = |error| Fault::Rule(String::from_utf8_lossy(rule).into_owned(), error);
            loaded.apply(&mut user, rule.trim_ascii()).map_err(refuse)?;
        }
        loaded.insert(user);
        Ok(())
    }
}

/// What is wrong with a line.
enum Fault {
    NoUser,
    BadName(String),
    Twice(String),
    Unmatched,
    Rule(String, RuleError),
}

impl Fault {
    fn describe(&self, file: &str, line: usize) -> String {
        match self {
            Fault::NoUser => {
                format!("{file}:{line} should start with user keyword followed by the username. ")
            }
            Fault::BadName(name) => {
                format!("'{file}:{line}: username '{name}' contains invalid characters. ")
            }
            Fault::Twice(name) => {
                format!("WARNING: Duplicate user '{name}' found on line {line}. ")
            }
            Fault::Unmatched => {
                format!("{file}:{line}: Unmatched parenthesis in selector definition.")
            }
            // Of a command that does not exist nothing needs hiding; another word may be a password.
            Fault::Rule(rule, error @ RuleError::Unknown) => {
                format!("{file}:{line}: Error in applying operation '{rule}': {error}. ")
            }
            Fault::Rule(_, error) => format!("{file}:{line}: {error}. "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::catalog;
    use commands::Compat;
    use proptest::prelude::*;

    fn refusal(text: &str) -> String {
        let mut users = Users::new(catalog());
        users.set(b"bob", &[b"on"]).unwrap();
        let before = users.text(Compat::Redis72);
        let refused = users.load(text.as_bytes(), "f", true).unwrap_err();
        assert_eq!(users.text(Compat::Redis72), before);
        let (faults, _) = refused.split_once("WARNING: ACL errors").unwrap();
        faults.to_owned()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut users = Users::new(catalog());
        let rules: [&[u8]; 5] = [b"on", b">x", b"+@read", b"%R~a", b"(~b &c +set)"];
        users.set(b"bob", &rules).unwrap();
        for compat in [Compat::Redis70, Compat::Redis72] {
            let text = users.text(compat);
            let mut read = Users::new(catalog());
            read.load(&text, "f", true).unwrap();
            assert_eq!(read.text(compat), text);
        }
    }

    #[test]
    fn a_file_replaces_all_users() {
        let mut users = Users::new(catalog());
        users.set(b"bob", &[b"on"]).unwrap();
        let bob = users.get(b"bob").unwrap().clone();
        users
            .load(b"\n user bob on +get \r\n\nuser carl\n", "f", true)
            .unwrap();
        assert_eq!(users.iter().len(), 3);
        assert!(users.default_user().is_unrestricted());
        assert!(users.get(b"bob").unwrap().is_same(&bob));
        let carl = users.get(b"carl").unwrap().clone();
        users.load(b"user carl on", "f", false).unwrap();
        assert!(!users.get(b"carl").unwrap().is_same(&carl));
        users.load(b"user default off", "f", true).unwrap();
        assert!(users.get(b"bob").is_none());
        assert!(!users.default_user().is_enabled());
    }

    #[test]
    fn faults_are_named_with_their_lines() {
        assert_eq!(
            refusal("user a on\nusr b\n"),
            "f:2 should start with user keyword followed by the username. "
        );
        assert_eq!(
            refusal("user a on\nuser a off"),
            "WARNING: Duplicate user 'a' found on line 2. "
        );
        assert_eq!(
            refusal("user a +nosuch"),
            "f:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. "
        );
        assert_eq!(refusal("user a secret"), "f:1: Syntax error. ");
        assert_eq!(
            refusal("user a (+get"),
            "f:1: Unmatched parenthesis in selector definition."
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(user [a-c] [-+@~&%()#<>! a-z|*RW]{0,30}\n?){0,4}") {
            let mut users = Users::new(catalog());
            if users.load(text.as_bytes(), "f", true).is_ok() {
                let told = users.text(Compat::Redis72);
                let mut again = Users::new(catalog());
                prop_assert_eq!(again.load(&told, "f", true), Ok(()));
                prop_assert_eq!(again.text(Compat::Redis72), told);
            }
        }
    }
}
