use crate::catalog::Catalog;
use crate::pattern::has_spaces;
use crate::rule_error::RuleError;
use crate::user::User;
use commands::Compat;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The user that clients are before they say who they are. It is always there.
pub const DEFAULT_USER: &[u8] = b"default";

/// Every user, by name.
#[derive(Debug, Clone)]
pub struct Users {
    by_name: BTreeMap<Vec<u8>, Arc<User>>,
    catalog: &'static Catalog,
    births: u64,
    /// Whether new users and selectors may use every channel (`acl-pubsub-default`).
    all_channels: bool,
}

impl Users {
    /// With the user `default` alone, who needs no password and may do everything.
    pub fn new(catalog: &'static Catalog) -> Users {
        let mut users = Users {
            by_name: BTreeMap::new(),
            catalog,
            births: 0,
            all_channels: false,
        };
        users.add_default();
        users
    }

    /// Says whether users and selectors that are made from now on may use every channel.
    pub fn set_all_channels(&mut self, all_channels: bool) {
        self.all_channels = all_channels;
    }

    /// Adds the default user as it is before anything is said of it, if it is not there.
    pub(crate) fn add_default(&mut self) {
        if self.get(DEFAULT_USER).is_none() {
            let rules = ["+@all", "~*", "&*", "on", "nopass"].map(str::as_bytes);
            self.set(DEFAULT_USER, &rules).expect("rules that hold");
        }
    }

    /// Without any user, not even the default one.
    pub(crate) fn emptied(&self) -> Users {
        Users {
            by_name: BTreeMap::new(),
            ..*self
        }
    }

    /// The commands that rules speak of.
    pub fn catalog(&self) -> &'static Catalog {
        self.catalog
    }

    /// The user of that name.
    pub fn get(&self, name: &[u8]) -> Option<&Arc<User>> {
        self.by_name.get(name)
    }

    /// The user that clients are before they say who they are.
    pub fn default_user(&self) -> &Arc<User> {
        self.get(DEFAULT_USER).expect("it can't be removed")
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<User>> {
        self.by_name.values()
    }

    /// Changes a user by rules, or makes it; does nothing if one of them is refused. The error is
    /// a line for whoever gave them.
    pub fn set(&mut self, name: &[u8], rules: &[&[u8]]) -> Result<(), String> {
        if has_spaces(name) {
            return Err("Usernames can't contain spaces or null characters".to_owned());
        }
        let rules = join_selectors(rules)
            .map_err(|at| format!("Unmatched parenthesis in acl selector starting at '{at}'."))?;
        let mut user = self.copy(name);
        for rule in &rules {
            let refuse = |error: RuleError| {
                let rule = String::from_utf8_lossy(rule);
                format!("Error in ACL SETUSER modifier '{rule}': {error}")
            };
            self.apply(&mut user, rule).map_err(refuse)?;
        }
        self.insert(user);
        Ok(())
    }

    /// The user of that name to be changed, or a new one.
    pub(crate) fn copy(&mut self, name: &[u8]) -> User {
        match self.by_name.get(name) {
            Some(user) => User::clone(user),
            None => {
                self.births += 1;
                User::new(self.catalog, name, self.births, self.all_channels)
            }
        }
    }

    pub(crate) fn apply(&self, user: &mut User, rule: &[u8]) -> Result<(), RuleError> {
        user.apply(self.catalog, rule, self.all_channels)
    }

    pub(crate) fn insert(&mut self, user: User) {
        self.by_name.insert(user.name().to_vec(), Arc::new(user));
    }

    /// Removes a user; whether it was there. The default user stays.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        name != DEFAULT_USER && self.by_name.remove(name).is_some()
    }

    /// The user of that name, if it may be had with that password.
    pub fn authenticate(&self, name: &[u8], password: &[u8]) -> Option<&Arc<User>> {
        self.get(name).filter(|user| user.admits(password))
    }

    /// Gives the default user that password alone, or takes all of them away for none
    /// (`requirepass`).
    pub fn set_default_password(&mut self, password: &[u8]) {
        let mut user = self.copy(DEFAULT_USER);
        let rule = match password.is_empty() {
            true => b"nopass".to_vec(),
            false => [b">", password].concat(),
        };
        for rule in [b"resetpass".to_vec(), rule] {
            self.apply(&mut user, &rule).expect("a rule on passwords");
        }
        self.insert(user);
    }

    /// A line for each user, which [`Users::load`] takes.
    pub fn text(&self, compat: Compat) -> Vec<u8> {
        let line = |user: &Arc<User>| [user.line(self.catalog, compat), b"\n".to_vec()].concat();
        self.iter().flat_map(line).collect()
    }
}

/// Puts together rules in parentheses that were given as several words; an error is the word that
/// opens one which nothing closes.
pub(crate) fn join_selectors<'a>(words: &[&'a [u8]]) -> Result<Vec<Cow<'a, [u8]>>, String> {
    let mut rules: Vec<Cow<'a, [u8]>> = Vec::new();
    let mut open: Option<(&[u8], Vec<u8>)> = None;
    for &word in words {
        let closes = word.ends_with(b")");
        open = match open {
            None if word.starts_with(b"(") && !closes => Some((word, word.to_vec())),
            None => {
                rules.push(Cow::Borrowed(word));
                None
            }
            Some((first, mut text)) => {
                text.push(b' ');
                text.extend_from_slice(word);
                if closes {
                    rules.push(Cow::Owned(text));
                    None
                } else {
                    Some((first, text))
                }
            }
        };
    }
    match open {
        None => Ok(rules),
        Some((first, _)) => Err(String::from_utf8_lossy(first).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::catalog;

    fn set(users: &mut Users, name: &str, rules: &str) -> Result<(), String> {
        let rules: Vec<&[u8]> = rules.split(' ').map(str::as_bytes).collect();
        users.set(name.as_bytes(), &rules)
    }

    #[test]
    fn a_refused_rule_leaves_the_user_as_it_was() {
        let mut users = Users::new(catalog());
        set(&mut users, "bob", "on >a").unwrap();
        let refused = set(&mut users, "bob", "off +nosuch").unwrap_err();
        assert_eq!(
            refused,
            "Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL"
        );
        assert!(users.authenticate(b"bob", b"a").is_some());
        assert!(set(&mut users, "carl", "nosuch").is_err());
        assert!(users.get(b"carl").is_none());
        assert!(set(&mut users, "a b", "on").is_err());
    }

    #[test]
    fn selectors_may_come_in_pieces() {
        let mut users = Users::new(catalog());
        set(&mut users, "bob", "on (~a +get ) ( +set )").unwrap();
        assert_eq!(users.get(b"bob").unwrap().others().len(), 2);
        let refused = set(&mut users, "bob", "(~a +get").unwrap_err();
        assert_eq!(
            refused,
            "Unmatched parenthesis in acl selector starting at '(~a'."
        );
    }

    #[test]
    fn selectors_whose_line_would_end_early_are_refused() {
        let mut users = Users::new(catalog());
        for rules in [&b"(~a) +get)"[..], b"(+get ~a))", b"(+get &a))"] {
            let refused = users.set(b"bob", &[b"on", rules]).unwrap_err();
            assert!(refused.ends_with("Syntax error"), "{refused}");
        }
        assert!(users.get(b"bob").is_none());
        set(&mut users, "bob", "on ~a) (~a)b +get)").unwrap();
        let line = users
            .get(b"bob")
            .unwrap()
            .line(catalog(), Compat::default());
        let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
        let mut read = Users::new(catalog());
        read.set(b"bob", &words[2..]).unwrap();
        assert_eq!(read.get(b"bob").unwrap().others().len(), 1);
    }

    #[test]
    fn the_default_user_stays() {
        let mut users = Users::new(catalog());
        assert!(users.default_user().is_unrestricted());
        assert!(!users.remove(DEFAULT_USER));
        users.set_default_password(b"secret");
        assert!(users.authenticate(b"default", b"").is_none());
        assert!(users.authenticate(b"default", b"secret").is_some());
        users.set_default_password(b"");
        assert!(users.authenticate(b"default", b"any").is_some());
    }

    #[test]
    fn a_user_made_anew_is_another_one() {
        let mut users = Users::new(catalog());
        set(&mut users, "bob", "on").unwrap();
        let first = users.get(b"bob").unwrap().clone();
        set(&mut users, "bob", "off").unwrap();
        assert!(users.get(b"bob").unwrap().is_same(&first));
        assert!(users.remove(b"bob"));
        set(&mut users, "bob", "on").unwrap();
        assert!(!users.get(b"bob").unwrap().is_same(&first));
    }
}
