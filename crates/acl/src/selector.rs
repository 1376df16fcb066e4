use crate::catalog::{Catalog, CommandId};
use crate::command_rules::CommandRules;
use crate::denial::Denial;
use crate::pattern::{KeyPattern, channel_fits, word};
use crate::rule_error::RuleError;
use commands::{Compat, KeyAccess, KeyRef, Spec};

/// One set of rules: which commands, on which keys and channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    commands: CommandRules,
    keys: Patterns<KeyPattern>,
    channels: Patterns<Vec<u8>>,
}

/// Everything, or what fits one of some patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Patterns<P> {
    All,
    Some(Vec<P>),
}

impl<P> Patterns<P> {
    fn are_all(&self) -> bool {
        matches!(self, Patterns::All)
    }

    fn listed(&self) -> &[P] {
        match self {
            Patterns::All => &[],
            Patterns::Some(patterns) => patterns,
        }
    }
}

/// A request whose rights are to be looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) id: CommandId,
    pub(crate) spec: &'a Spec,
    pub(crate) argv: &'a [&'a [u8]],
    pub(crate) keys: &'a [KeyRef],
}

impl Selector {
    /// Allows nothing; or every channel, if that is what new selectors allow.
    pub(crate) fn new(catalog: &Catalog, all_channels: bool) -> Selector {
        Selector {
            commands: CommandRules::none(catalog),
            keys: Patterns::Some(Vec::new()),
            channels: match all_channels {
                true => Patterns::All,
                false => Patterns::Some(Vec::new()),
            },
        }
    }

    /// From rules with parentheses around them.
    ///
    /// None of the rules may end in a parenthesis: the line that describes the selector is read
    /// back word by word, and the first word that ends in one would close it.
    pub(crate) fn parse(
        catalog: &Catalog,
        text: &[u8],
        all_channels: bool,
    ) -> Result<Selector, RuleError> {
        let inner = text
            .strip_prefix(b"(")
            .and_then(|text| text.strip_suffix(b")"));
        let inner = inner.ok_or(RuleError::Syntax)?;
        let mut selector = Selector::new(catalog, all_channels);
        let rules = inner.split(u8::is_ascii_whitespace);
        for rule in rules.filter(|rule| !rule.is_empty()) {
            if rule.ends_with(b")") {
                return Err(RuleError::Syntax);
            }
            selector.apply(catalog, rule)?;
        }
        Ok(selector)
    }

    /// Whether nothing is left to look at.
    pub(crate) fn allows_everything(&self) -> bool {
        self.commands.allow_all() && self.keys.are_all() && self.channels.are_all()
    }

    /// Carries out a rule.
    pub(crate) fn apply(&mut self, catalog: &Catalog, rule: &[u8]) -> Result<(), RuleError> {
        match rule.to_ascii_lowercase().as_slice() {
            b"allkeys" | b"~*" => self.keys = Patterns::All,
            b"resetkeys" => self.keys = Patterns::Some(Vec::new()),
            b"allchannels" | b"&*" => self.channels = Patterns::All,
            b"resetchannels" => self.channels = Patterns::Some(Vec::new()),
            b"allcommands" | b"+@all" => self.commands = CommandRules::all(catalog),
            b"nocommands" | b"-@all" => self.commands = CommandRules::none(catalog),
            _ => match rule {
                [b'~' | b'%', ..] => self.add_keys(rule)?,
                [b'&', channels @ ..] => self.add_channels(channels)?,
                _ => self.commands.apply(catalog, rule)?,
            },
        }
        Ok(())
    }

    fn add_keys(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        let Patterns::Some(patterns) = &mut self.keys else {
            return Err(RuleError::AfterAllKeys);
        };
        let new = KeyPattern::parse(rule)?;
        match patterns
            .iter_mut()
            .find(|known| known.pattern == new.pattern)
        {
            Some(known) => {
                known.read |= new.read;
                known.write |= new.write;
            }
            None => patterns.push(new),
        }
        Ok(())
    }

    fn add_channels(&mut self, pattern: &[u8]) -> Result<(), RuleError> {
        let Patterns::Some(patterns) = &mut self.channels else {
            return Err(RuleError::AfterAllChannels);
        };
        let pattern = word(pattern)?;
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
        Ok(())
    }

    pub(crate) fn check(&self, request: Request<'_>) -> Result<(), Denial> {
        let exempt = request.spec.flags.contains(commands::Flags::NO_AUTH);
        if !exempt && !self.commands.allow(request.id, request.argv) {
            return Err(Denial::Command);
        }
        let argv = request.argv;
        let denied = |key: &&KeyRef| !self.allows_key(argv[key.at], key.access);
        if let Some(key) = request.keys.iter().find(denied) {
            return Err(Denial::Key(key.at));
        }
        let (channels, is_pattern) = request.spec.channels.of(argv);
        for at in channels {
            if !self.allows_channel(argv[at], is_pattern) {
                return Err(Denial::Channel(at));
            }
        }
        Ok(())
    }

    pub(crate) fn allows_key(&self, key: &[u8], access: KeyAccess) -> bool {
        let fits = |pattern: &KeyPattern| pattern.allows(key, access);
        self.keys.are_all() || self.keys.listed().iter().any(fits)
    }

    /// Whether that may be done with every key there may be.
    pub(crate) fn allows_every_key(&self, access: KeyAccess) -> bool {
        let every = |pattern: &KeyPattern| pattern.grants(access) && pattern.pattern == b"*";
        self.keys.are_all() || self.keys.listed().iter().any(every)
    }

    pub(crate) fn allows_channel(&self, channel: &[u8], is_pattern: bool) -> bool {
        self.channels.are_all() || channel_fits(self.channels.listed(), channel, is_pattern)
    }

    /// Rules on commands that lead to this selector's.
    pub fn commands(&self, catalog: &Catalog, compat: Compat) -> String {
        self.commands.describe(catalog, compat)
    }

    /// The patterns of keys, as rules.
    pub fn keys(&self) -> Vec<u8> {
        match &self.keys {
            Patterns::All => b"~*".to_vec(),
            Patterns::Some(patterns) => {
                let rules: Vec<_> = patterns.iter().map(KeyPattern::describe).collect();
                rules.join(&b' ')
            }
        }
    }

    /// The patterns of channels, as rules.
    pub fn channels(&self) -> Vec<u8> {
        match &self.channels {
            Patterns::All => b"&*".to_vec(),
            Patterns::Some(patterns) => {
                let rules: Vec<_> = patterns.iter().map(|it| [b"&", &it[..]].concat()).collect();
                rules.join(&b' ')
            }
        }
    }

    /// Rules that lead here, in a line.
    pub(crate) fn describe(&self, catalog: &Catalog, compat: Compat) -> Vec<u8> {
        let mut words = vec![self.keys()];
        if !self.channels.are_all() {
            words.push(b"resetchannels".to_vec());
        }
        words.push(self.channels());
        words.push(self.commands(catalog, compat).into_bytes());
        words.retain(|word| !word.is_empty());
        words.join(&b' ')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::catalog;

    fn selector(rules: &str) -> Selector {
        Selector::parse(catalog(), format!("({rules})").as_bytes(), false).unwrap()
    }

    fn check(selector: &Selector, line: &str) -> Result<(), Denial> {
        let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let find = |command: &&commands::Command| command.spec.name.as_bytes() == argv[0];
        let spec = &commands::all().find(find).unwrap().spec;
        let keys = spec.key_refs(&argv).unwrap_or_default();
        let id = catalog().id(spec.name).unwrap();
        selector.check(Request {
            id,
            spec,
            argv: &argv,
            keys: &keys,
        })
    }

    #[test]
    fn commands_come_before_keys() {
        let given = selector("+get +mget ~a* %R~r");
        assert_eq!(check(&given, "get abc"), Ok(()));
        assert_eq!(check(&given, "get x"), Err(Denial::Key(1)));
        assert_eq!(check(&given, "set a x"), Err(Denial::Command));
        assert_eq!(check(&given, "mget a r x"), Err(Denial::Key(3)));
    }

    #[test]
    fn what_is_done_with_a_key_counts() {
        let given = selector("+@all %R~r %W~w");
        assert_eq!(check(&given, "get r"), Ok(()));
        assert_eq!(check(&given, "get w"), Err(Denial::Key(1)));
        assert_eq!(check(&given, "set w 1"), Ok(()));
        assert_eq!(check(&given, "set w 1 get"), Err(Denial::Key(1)));
        assert_eq!(check(&given, "copy r w"), Ok(()));
        assert_eq!(check(&given, "copy w r"), Err(Denial::Key(1)));
        assert_eq!(check(&given, "zunionstore w 2 r r"), Ok(()));
        assert_eq!(check(&given, "zunionstore r 1 r"), Err(Denial::Key(1)));
        assert_eq!(check(&given, "sort r by x get y store w"), Ok(()));
        assert_eq!(check(&given, "sort r store r"), Err(Denial::Key(3)));
        assert_eq!(
            check(&given, "georadius r 1 1 1 m store r"),
            Err(Denial::Key(7))
        );
        assert_eq!(
            check(&given, "georadius r 1 1 1 m store r store w"),
            Err(Denial::Key(7)),
            "each destination counts"
        );
        assert_eq!(check(&given, "pfmerge w"), Err(Denial::Key(1)));
        assert_eq!(
            check(&given, "xreadgroup group streams c streams w >"),
            Err(Denial::Key(5))
        );
        assert_eq!(check(&given, "bitfield r get u8 0"), Ok(()));
        assert_eq!(check(&given, "bitfield r set u8 0 1"), Err(Denial::Key(1)));
    }

    #[test]
    fn every_key_means_every_key() {
        assert!(selector("%R~*").allows_every_key(KeyAccess::READ));
        assert!(!selector("%W~*").allows_every_key(KeyAccess::READ));
        assert!(!selector("~**").allows_every_key(KeyAccess::READ));
    }

    #[test]
    fn a_line_leads_back() {
        for line in [
            "~a %R~b resetchannels &c +@all",
            "~* &* -@all +get",
            "resetchannels -@all",
        ] {
            let given = selector(line);
            let told = given.describe(catalog(), Compat::Redis72);
            assert_eq!(String::from_utf8(told).unwrap(), line);
        }
    }

    #[test]
    fn patterns_behind_everything_are_refused() {
        let mut all = selector("~* &*");
        let refused = all.apply(catalog(), b"~a");
        assert_eq!(refused, Err(RuleError::AfterAllKeys));
        let refused = all.apply(catalog(), b"&a");
        assert_eq!(refused, Err(RuleError::AfterAllChannels));
        for text in ["(", ")", "((+get)", "(%)", "(+)", "(-)", "(+@)", "(&a\0b)"] {
            let refused = Selector::parse(catalog(), text.as_bytes(), false);
            assert!(refused.is_err(), "{text}");
        }
    }
}
