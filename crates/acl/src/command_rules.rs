//! Which commands may be run: a bit for each, first arguments that are let through all the same,
//! and the rules as they were given.

use crate::catalog::{Catalog, CommandId, CommandSet};
use crate::rule_error::RuleError;
use commands::{CATEGORIES, Compat};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandRules {
    allowed: CommandSet,
    /// It began with all commands, those that are yet to come included.
    future: bool,
    /// First arguments with which a command that is not allowed may be run.
    first_args: BTreeMap<CommandId, Vec<Vec<u8>>>,
    /// What was said since all or no commands were allowed, the latest of each.
    said: Vec<Said>,
}

/// A rule as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    allowed: bool,
    /// In lower case: a command, a subcommand, or a category with its `@`.
    what: String,
}

impl CommandRules {
    pub(crate) fn none(catalog: &Catalog) -> CommandRules {
        CommandRules {
            allowed: CommandSet::empty(catalog),
            future: false,
            first_args: BTreeMap::new(),
            said: Vec::new(),
        }
    }

    pub(crate) fn all(catalog: &Catalog) -> CommandRules {
        CommandRules {
            allowed: CommandSet::full(catalog),
            future: true,
            ..CommandRules::none(catalog)
        }
    }

    /// Whether every command is allowed with any arguments.
    pub(crate) fn allow_all(&self) -> bool {
        self.allowed.is_full()
    }

    pub(crate) fn allow(&self, id: CommandId, argv: &[&[u8]]) -> bool {
        if self.allowed.contains(id) {
            return true;
        }
        let (Some(words), Some(first)) = (self.first_args.get(&id), argv.get(1)) else {
            return false;
        };
        words.iter().any(|word| word.eq_ignore_ascii_case(first))
    }

    /// Carries out `+command`, `-command`, `+@category` and the like; not those on all commands.
    pub(crate) fn apply(&mut self, catalog: &Catalog, rule: &[u8]) -> Result<(), RuleError> {
        match rule {
            [b'+', b'@', category @ ..] => self.set_category(catalog, category, true),
            [b'-', b'@', category @ ..] => self.set_category(catalog, category, false),
            [b'+', command @ ..] => self.add(catalog, command),
            [b'-', command @ ..] => {
                let id = catalog.named(command).ok_or(RuleError::Unknown)?;
                self.set(catalog, id, false);
                self.say(false, catalog.name(id));
                Ok(())
            }
            _ => Err(RuleError::Syntax),
        }
    }

    fn add(&mut self, catalog: &Catalog, command: &[u8]) -> Result<(), RuleError> {
        let bar = command.iter().rposition(|byte| *byte == b'|');
        if let Some(bar) = bar {
            let first = catalog.named(&command[..bar]).ok_or(RuleError::Unknown)?;
            if catalog.is_subcommand(first) {
                return Err(RuleError::FirstArgOfSubcommand);
            }
            if bar + 1 == command.len() {
                return Err(RuleError::Syntax);
            }
            if !catalog.is_container(first) {
                self.add_first_arg(first, &command[bar + 1..]);
                self.say(true, &String::from_utf8_lossy(command).to_lowercase());
                return Ok(());
            }
        }
        let id = catalog.named(command).ok_or(RuleError::Unknown)?;
        self.set(catalog, id, true);
        self.say(true, catalog.name(id));
        Ok(())
    }

    fn add_first_arg(&mut self, id: CommandId, word: &[u8]) {
        let words = self.first_args.entry(id).or_default();
        if !words.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            words.push(word.to_vec());
        }
    }

    fn set_category(
        &mut self,
        catalog: &Catalog,
        name: &[u8],
        allowed: bool,
    ) -> Result<(), RuleError> {
        let category = Catalog::category(name).ok_or(RuleError::Unknown)?;
        for id in catalog.ids_in(category) {
            self.set(catalog, id, allowed);
        }
        self.say(allowed, &format!("@{}", CATEGORIES[category]));
        Ok(())
    }

    /// A container stands for its subcommands as well.
    fn set(&mut self, catalog: &Catalog, id: CommandId, allowed: bool) {
        self.allowed.set(catalog.with_subcommands(id), allowed);
        self.first_args.remove(&id);
    }

    /// Remembers a rule, in place of an earlier one on the same thing or a part of it.
    fn say(&mut self, allowed: bool, what: &str) {
        let part = format!("{what}|");
        self.said
            .retain(|said| said.what != what && !said.what.starts_with(&part));
        let what = what.to_owned();
        self.said.push(Said { allowed, what });
    }

    /// Rules that lead here from nothing. Since 7.2 they are those that were given; 7.0 knows the
    /// bits alone and finds the shortest way to them.
    pub(crate) fn describe(&self, catalog: &Catalog, compat: Compat) -> String {
        let mut words = vec![self.beginning().to_owned()];
        if compat.derives_access_rules() {
            words.extend(self.derived(catalog));
        } else {
            let said = self.said.iter();
            words.extend(said.map(|said| rule(said.allowed, &said.what)));
        }
        words.join(" ")
    }

    fn beginning(&self) -> &'static str {
        match self.future {
            true => "+@all",
            false => "-@all",
        }
    }

    /// First whole categories, as long as one of them is nearer to the bits than to their opposite,
    /// the best first; then single commands, for what is still missing.
    fn derived(&self, catalog: &Catalog) -> Vec<String> {
        let adds = !self.future;
        let mut left = self.clone();
        let mut reached = match self.future {
            true => CommandRules::all(catalog),
            false => CommandRules::none(catalog),
        };
        let mut words = Vec::new();
        let mut open: Vec<usize> = (0..CATEGORIES.len()).collect();
        while let Some(best) = left.best_category(catalog, &open, adds) {
            open.retain(|category| *category != best);
            words.push(rule(adds, &format!("@{}", CATEGORIES[best])));
            for id in catalog.ids_in(best) {
                reached.set(catalog, id, adds);
                left.set(catalog, id, !adds);
            }
        }
        for id in catalog.ids() {
            words.extend(self.correct(catalog, id, &mut reached));
        }
        words
    }

    /// The category of `open` that has the fewest commands to be corrected afterwards.
    fn best_category(&self, catalog: &Catalog, open: &[usize], adds: bool) -> Option<usize> {
        let mut best: Option<(usize, usize, usize)> = None;
        for &category in open {
            let ids: Vec<CommandId> = catalog.ids_in(category).collect();
            let same = ids.iter().filter(|id| self.allowed.contains(**id) == adds);
            let same = same.count();
            let differ = ids.len() - same;
            let better = best.is_none_or(|(_, most_same, least)| {
                differ < least || differ == least && same > most_same
            });
            if same > differ && better {
                best = Some((category, same, differ));
            }
        }
        best.map(|(category, ..)| category)
    }

    /// The rules that make one command in `reached` what it is here.
    fn correct(&self, catalog: &Catalog, id: CommandId, reached: &mut CommandRules) -> Vec<String> {
        let (allowed, name) = (self.allowed.contains(id), catalog.name(id));
        let mut words = Vec::new();
        if reached.allowed.contains(id) != allowed {
            reached.set(catalog, id, allowed);
            words.push(rule(allowed, name));
        }
        if !allowed {
            let first_args = self.first_args.get(&id).into_iter().flatten();
            let text = |word: &Vec<u8>| format!("{name}|{}", String::from_utf8_lossy(word));
            words.extend(first_args.map(|word| rule(true, &text(word))));
        }
        words
    }
}

fn rule(allowed: bool, what: &str) -> String {
    match allowed {
        true => format!("+{what}"),
        false => format!("-{what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::catalog;
    use proptest::prelude::*;

    fn rules(all: bool, text: &str) -> CommandRules {
        let catalog = catalog();
        let mut rules = match all {
            true => CommandRules::all(catalog),
            false => CommandRules::none(catalog),
        };
        for word in text.split_whitespace() {
            rules.apply(catalog, word.as_bytes()).unwrap();
        }
        rules
    }

    fn allows(rules: &CommandRules, line: &str) -> bool {
        let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let id = catalog().named(argv[0]).unwrap();
        rules.allow(id, &argv)
    }

    #[test]
    fn later_rules_win() {
        let given = rules(false, "+@string -@write +append");
        assert!(allows(&given, "get a"));
        assert!(allows(&given, "append a b"));
        assert!(!allows(&given, "set a b"));
        assert_eq!(
            given.describe(catalog(), Compat::Redis72),
            "-@all +@string -@write +append"
        );
    }

    #[test]
    fn a_container_stands_for_what_it_contains() {
        let given = rules(false, "+object -object|freq");
        let catalog = catalog();
        let may = |name| given.allow(catalog.id(name).unwrap(), &[b"object", b"x"]);
        assert!(may("object|encoding") && !may("object|freq"));
        let text = given.describe(catalog, Compat::Redis72);
        assert_eq!(text, "-@all +object -object|freq");
        let taken_back = rules(false, "+object -object|freq -object");
        let text = taken_back.describe(catalog, Compat::Redis72);
        assert_eq!(text, "-@all -object");
    }

    #[test]
    fn a_first_argument_lets_through_what_is_not_allowed() {
        let given = rules(false, "+move|0 +expire|k");
        assert!(allows(&given, "expire K 1"));
        assert!(!allows(&given, "expire other 1"));
        let text = given.describe(catalog(), Compat::Redis70);
        assert_eq!(text, "-@all +expire|k +move|0");
        assert!(!allows(&rules(false, "+expire|k -expire"), "expire k 1"));
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        let mut none = CommandRules::none(catalog());
        for (rule, error) in [
            ("+nosuch", RuleError::Unknown),
            ("-get|x", RuleError::Unknown),
            ("+@nosuch", RuleError::Unknown),
            ("+object|nosuch", RuleError::Unknown),
            ("+object|freq|x", RuleError::FirstArgOfSubcommand),
            ("+get|", RuleError::Syntax),
            ("get", RuleError::Syntax),
        ] {
            let refused = none.apply(catalog(), rule.as_bytes());
            assert_eq!(refused, Err(error), "{rule}");
        }
        assert_eq!(none, CommandRules::none(catalog()));
    }

    #[test]
    fn bits_alone_lead_back_to_a_category() {
        let text = |all, given| rules(all, given).describe(catalog(), Compat::Redis70);
        assert_eq!(text(false, "+@string"), "-@all +@string");
        assert_eq!(text(false, "+@string -append"), "-@all +@string -append");
        assert_eq!(text(true, "-get -append"), "+@all -append -get");
    }

    proptest! {
        /// Either description leads to the same bits.
        #[test]
        fn descriptions_lead_back(
            all: bool,
            picks in prop::collection::vec((any::<bool>(), any::<bool>(), 0usize..500), 0..12),
        ) {
            let catalog = catalog();
            let mut given = if all { CommandRules::all(catalog) } else { CommandRules::none(catalog) };
            for (allowed, is_category, at) in picks {
                let id = catalog.ids().nth(at % catalog.len()).unwrap();
                let what = match is_category {
                    true => format!("@{}", CATEGORIES[at % CATEGORIES.len()]),
                    false => catalog.name(id).to_owned(),
                };
                given.apply(catalog, rule(allowed, &what).as_bytes()).unwrap();
            }
            for compat in [Compat::Redis70, Compat::Redis72] {
                let text = given.describe(catalog, compat);
                let (begin, rest) = text.split_once(' ').unwrap_or((&text, ""));
                let again = rules(begin == "+@all", rest);
                prop_assert_eq!(&again.allowed, &given.allowed, "{}", text);
            }
        }
    }
}
