use crate::catalog::Catalog;
use crate::denial::Denial;
use crate::password::PasswordHash;
use crate::rule_error::RuleError;
use crate::selector::{Request, Selector};
use commands::{Compat, KeyAccess, Spec};

/// A user: who may be it, and what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    name: Vec<u8>,
    /// Tells it from other users of the same name, that were deleted or are yet to come.
    birth: u64,
    enabled: bool,
    /// Any password will do.
    nopass: bool,
    /// What was said of the payloads of `RESTORE`; kept for whoever asks, as they are always
    /// checked.
    sanitize: Option<bool>,
    passwords: Vec<PasswordHash>,
    /// The rules outside of parentheses.
    root: Selector,
    selectors: Vec<Selector>,
    unrestricted: bool,
}

impl User {
    /// Nobody can be it yet, and it may do nothing.
    pub(crate) fn new(catalog: &Catalog, name: &[u8], birth: u64, all_channels: bool) -> User {
        User {
            name: name.to_vec(),
            birth,
            enabled: false,
            nopass: false,
            sanitize: None,
            passwords: Vec::new(),
            root: Selector::new(catalog, all_channels),
            selectors: Vec::new(),
            unrestricted: false,
        }
    }

    /// Its name, of any bytes but spaces and NUL.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Whether it is that user, before or after some change, and not another one of its name.
    pub fn is_same(&self, other: &User) -> bool {
        self.birth == other.birth
    }

    /// Makes it that user, changed, rather than another one of its name.
    pub(crate) fn continue_as(&mut self, before: &User) {
        self.birth = before.birth;
    }

    /// Whether it may do everything, so that nothing needs looking at.
    pub fn is_unrestricted(&self) -> bool {
        self.unrestricted
    }

    /// Whether a client may be it.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether any password will do.
    pub fn needs_no_password(&self) -> bool {
        self.nopass
    }

    /// Carries out a rule. `all_channels` is what new selectors allow.
    pub(crate) fn apply(
        &mut self,
        catalog: &Catalog,
        rule: &[u8],
        all_channels: bool,
    ) -> Result<(), RuleError> {
        match rule.to_ascii_lowercase().as_slice() {
            b"" => {}
            b"on" => self.enabled = true,
            b"off" => self.enabled = false,
            b"sanitize-payload" => self.sanitize = Some(true),
            b"skip-sanitize-payload" => self.sanitize = Some(false),
            b"nopass" => self.set_passwords(true),
            b"resetpass" => self.set_passwords(false),
            b"clearselectors" => self.selectors.clear(),
            b"reset" => {
                *self = User::new(catalog, &self.name, self.birth, all_channels);
                self.sanitize = Some(true);
            }
            _ => self.apply_other(catalog, rule, all_channels)?,
        }
        let unrestricted = self.selectors().any(Selector::allows_everything);
        self.unrestricted = unrestricted;
        Ok(())
    }

    fn apply_other(
        &mut self,
        catalog: &Catalog,
        rule: &[u8],
        all_channels: bool,
    ) -> Result<(), RuleError> {
        match rule {
            [b'>', password @ ..] => self.add_password(PasswordHash::of(password)),
            [b'#', hash @ ..] => self.add_password(PasswordHash::parse(hash)?),
            [b'<', password @ ..] => self.remove_password(&PasswordHash::of(password))?,
            [b'!', hash @ ..] => self.remove_password(&PasswordHash::parse(hash)?)?,
            [b'(', .., b')'] => {
                let selector = Selector::parse(catalog, rule, all_channels)?;
                self.selectors.push(selector);
            }
            _ => self.root.apply(catalog, rule)?,
        }
        Ok(())
    }

    fn set_passwords(&mut self, nopass: bool) {
        self.nopass = nopass;
        self.passwords.clear();
    }

    fn add_password(&mut self, hash: PasswordHash) {
        self.nopass = false;
        if !self.passwords.contains(&hash) {
            self.passwords.push(hash);
        }
    }

    fn remove_password(&mut self, hash: &PasswordHash) -> Result<(), RuleError> {
        let at = self.passwords.iter().position(|known| known == hash);
        self.passwords.remove(at.ok_or(RuleError::NoSuchPassword)?);
        Ok(())
    }

    /// Whether somebody with that password may be it.
    pub fn admits(&self, password: &[u8]) -> bool {
        let hash = PasswordHash::of(password);
        let known = |ours: &PasswordHash| ours.matches(&hash);
        self.enabled && (self.nopass || self.passwords.iter().any(known))
    }

    /// Whether it may do what `argv`, a request for the command of `spec`, asks for.
    pub fn check(&self, catalog: &Catalog, spec: &Spec, argv: &[&[u8]]) -> Result<(), Denial> {
        if self.unrestricted {
            return Ok(());
        }
        let keys = spec.key_refs(argv).unwrap_or_default();
        let request = Request {
            id: catalog.id(spec.name).ok_or(Denial::Command)?,
            spec,
            argv,
            keys: &keys,
        };
        let mut nearest = Denial::Command;
        for selector in self.selectors() {
            match selector.check(request) {
                Ok(()) => return Ok(()),
                Err(denial) => nearest = nearest.max(denial),
            }
        }
        Err(nearest)
    }

    /// The same, where the command may do that with keys that are not among its arguments.
    pub fn check_any_key(
        &self,
        catalog: &Catalog,
        spec: &Spec,
        argv: &[&[u8]],
        access: KeyAccess,
    ) -> bool {
        let keys = spec.key_refs(argv).unwrap_or_default();
        let Some(id) = catalog.id(spec.name) else {
            return false;
        };
        let request = Request {
            id,
            spec,
            argv,
            keys: &keys,
        };
        let fits = |selector: &Selector| {
            selector.check(request).is_ok() && selector.allows_every_key(access)
        };
        self.unrestricted || self.selectors().any(fits)
    }

    /// Whether it may listen to a channel, or to those that fit a pattern.
    pub fn allows_channel(&self, channel: &[u8], is_pattern: bool) -> bool {
        self.selectors()
            .any(|selector| selector.allows_channel(channel, is_pattern))
    }

    /// The rules outside of parentheses.
    pub fn root(&self) -> &Selector {
        &self.root
    }

    /// Those in parentheses.
    pub fn others(&self) -> &[Selector] {
        &self.selectors
    }

    fn selectors(&self) -> impl Iterator<Item = &Selector> {
        std::iter::once(&self.root).chain(&self.selectors)
    }

    /// What it is set to, in the words of rules.
    pub fn flags(&self, compat: Compat) -> Vec<&'static str> {
        let state = if self.enabled { "on" } else { "off" };
        let sanitize = match self.sanitize {
            Some(false) => Some("skip-sanitize-payload"),
            Some(true) => Some("sanitize-payload"),
            None => (!compat.derives_access_rules()).then_some("sanitize-payload"),
        };
        let nopass = self.nopass.then_some("nopass");
        [Some(state), nopass, sanitize]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The SHA-256 of each password, in hexadecimal digits.
    pub fn passwords(&self) -> impl ExactSizeIterator<Item = &str> {
        self.passwords.iter().map(PasswordHash::text)
    }

    /// The line that makes this user: `user name on #.. ~* ..`.
    pub fn line(&self, catalog: &Catalog, compat: Compat) -> Vec<u8> {
        let mut words = vec![b"user".to_vec(), self.name.clone()];
        let flags = self.flags(compat).into_iter();
        words.extend(flags.map(|flag| flag.as_bytes().to_vec()));
        words.extend(self.passwords().map(|hash| format!("#{hash}").into_bytes()));
        words.push(self.root.describe(catalog, compat));
        for selector in &self.selectors {
            let rules = selector.describe(catalog, compat);
            words.push([b"(", &rules[..], b")"].concat());
        }
        words.join(&b' ')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::catalog;

    fn user(rules: &[&str]) -> User {
        let mut user = User::new(catalog(), b"bob", 1, false);
        for rule in rules {
            user.apply(catalog(), rule.as_bytes(), false).unwrap();
        }
        user
    }

    fn line(user: &User, compat: Compat) -> String {
        String::from_utf8(user.line(catalog(), compat)).unwrap()
    }

    #[test]
    fn a_new_user_may_do_nothing() {
        let new = user(&[]);
        let text = "user bob off sanitize-payload resetchannels -@all";
        assert_eq!(line(&new, Compat::Redis72), text);
        let text = "user bob off resetchannels -@all";
        assert_eq!(line(&new, Compat::Redis70), text);
        assert!(!new.admits(b"") && !new.is_unrestricted());
    }

    #[test]
    fn passwords_come_and_go() {
        let mut bob = user(&["on", ">a", ">b", ">a"]);
        assert_eq!(bob.passwords().len(), 2);
        assert!(bob.admits(b"a") && bob.admits(b"b") && !bob.admits(b"c"));
        bob.apply(catalog(), b"<a", false).unwrap();
        assert!(!bob.admits(b"a"));
        let gone = bob.apply(catalog(), b"<a", false);
        assert_eq!(gone, Err(RuleError::NoSuchPassword));
        bob.apply(catalog(), b"nopass", false).unwrap();
        assert!(bob.admits(b"anything"));
        bob.apply(catalog(), b"off", false).unwrap();
        assert!(!bob.admits(b"anything"));
    }

    #[test]
    fn one_selector_alone_must_allow_all_of_it() {
        let bob = user(&["+get", "~a", "(+set ~b)"]);
        let check = |line: &str| {
            let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            let find = |command: &&commands::Command| command.spec.name.as_bytes() == argv[0];
            let spec = &commands::all().find(find).unwrap().spec;
            bob.check(catalog(), spec, &argv)
        };
        assert_eq!(check("get a"), Ok(()));
        assert_eq!(check("set b 1"), Ok(()));
        assert_eq!(check("get b"), Err(Denial::Key(1)));
        assert_eq!(check("del b"), Err(Denial::Command));
    }

    #[test]
    fn everything_in_any_selector_is_everything() {
        assert!(user(&["allkeys", "allchannels", "allcommands"]).is_unrestricted());
        assert!(user(&["(~* &* +@all)"]).is_unrestricted());
        assert!(!user(&["~*", "&*", "+@all", "-get"]).is_unrestricted());
        assert!(!user(&["~*", "+@all", "(&*)"]).is_unrestricted());
        assert!(!user(&["(~* &* +@all)", "reset"]).is_unrestricted());
    }

    #[test]
    fn a_line_holds_all_of_it() {
        let bob = user(&["on", ">a", "%R~x", "+@read", "(~y &z +set)"]);
        assert_eq!(
            line(&bob, Compat::Redis72),
            "user bob on sanitize-payload \
             #ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb \
             %R~x resetchannels -@all +@read (~y resetchannels &z -@all +set)"
        );
    }
}
