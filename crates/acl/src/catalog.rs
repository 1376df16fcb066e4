use commands::{CATEGORIES, Spec};
use std::collections::HashMap;
use std::ops::Range;

/// The number of a command in a [`Catalog`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(u16);

impl CommandId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The commands there are, as rules see them: numbered by name, a container right before its
/// subcommands.
#[derive(Debug)]
pub struct Catalog {
    rows: Vec<Row>,
    by_name: HashMap<&'static str, CommandId>,
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    /// A bit for each of [`CATEGORIES`].
    categories: u32,
    /// How many subcommands follow.
    subcommands: usize,
}

impl Catalog {
    /// Of these commands, containers and subcommands included, in any order.
    pub fn new(specs: impl IntoIterator<Item = &'static Spec>) -> Catalog {
        let mut rows: Vec<Row> = specs.into_iter().map(Row::new).collect();
        rows.sort_by_key(|row| (row.container(), row.name));
        let mut at = 0;
        while at < rows.len() {
            let subcommands = rows[at + 1..].iter();
            let of_this =
                |row: &&Row| row.name != rows[at].name && row.container() == rows[at].name;
            let count = subcommands.take_while(of_this).count();
            rows[at].subcommands = count;
            at += 1 + count;
        }
        let names = rows.iter().map(|row| row.name);
        let by_name = names.zip((0..).map(CommandId)).collect();
        Catalog { rows, by_name }
    }

    /// The command of that name in lower case; `container|subcommand` for a subcommand. One that is
    /// not listed counts as its container: rules see the second word as an argument.
    pub fn id(&self, name: &str) -> Option<CommandId> {
        let container = || name.split_once('|').map(|(container, _)| container);
        let listed = |name: &str| self.by_name.get(name).copied();
        listed(name).or_else(|| listed(container()?))
    }

    /// The names of the commands in a category (a name of [`CATEGORIES`]).
    pub fn names_in(&self, category: usize) -> impl Iterator<Item = &'static str> {
        let bit = 1 << category;
        let rows = self
            .rows
            .iter()
            .filter(move |row| row.categories & bit != 0);
        rows.map(|row| row.name)
    }

    /// The index in [`CATEGORIES`] of the category of that name, in any case.
    pub fn category(name: &[u8]) -> Option<usize> {
        CATEGORIES
            .iter()
            .position(|known| known.as_bytes().eq_ignore_ascii_case(name))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = CommandId> + use<> {
        (0..self.rows.len() as u16).map(CommandId)
    }

    pub(crate) fn ids_in(&self, category: usize) -> impl Iterator<Item = CommandId> {
        self.ids()
            .filter(move |id| self.rows[id.index()].categories & (1 << category) != 0)
    }

    pub(crate) fn name(&self, id: CommandId) -> &'static str {
        self.rows[id.index()].name
    }

    /// The indexes of a command and of its subcommands.
    pub(crate) fn with_subcommands(&self, id: CommandId) -> Range<usize> {
        let at = id.index();
        at..at + 1 + self.rows[at].subcommands
    }

    /// The command that a rule names, in any case.
    pub(crate) fn named(&self, word: &[u8]) -> Option<CommandId> {
        let name = std::str::from_utf8(word).ok()?.to_ascii_lowercase();
        self.by_name.get(name.as_str()).copied()
    }

    pub(crate) fn is_container(&self, id: CommandId) -> bool {
        self.rows[id.index()].subcommands > 0
    }

    pub(crate) fn is_subcommand(&self, id: CommandId) -> bool {
        self.name(id).contains('|')
    }
}

impl Row {
    fn new(spec: &'static Spec) -> Row {
        let bit = |name| CATEGORIES.iter().position(|known| *known == name);
        let bits = spec.categories().filter_map(bit);
        Row {
            name: spec.name,
            categories: bits.fold(0, |all, at| all | 1 << at),
            subcommands: 0,
        }
    }

    /// Its container's name, or its own.
    fn container(&self) -> &'static str {
        self.name.split('|').next().unwrap_or(self.name)
    }
}

/// A set of commands: a bit for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandSet {
    words: Vec<u64>,
    len: usize,
}

impl CommandSet {
    pub(crate) fn empty(catalog: &Catalog) -> CommandSet {
        let len = catalog.len();
        CommandSet {
            words: vec![0; len.div_ceil(64)],
            len,
        }
    }

    pub(crate) fn full(catalog: &Catalog) -> CommandSet {
        let mut set = CommandSet::empty(catalog);
        set.set(0..set.len, true);
        set
    }

    pub(crate) fn set(&mut self, indexes: Range<usize>, allowed: bool) {
        for at in indexes {
            let bit = 1 << (at % 64);
            match allowed {
                true => self.words[at / 64] |= bit,
                false => self.words[at / 64] &= !bit,
            }
        }
    }

    pub(crate) fn contains(&self, id: CommandId) -> bool {
        self.words[id.index() / 64] & (1 << (id.index() % 64)) != 0
    }

    pub(crate) fn is_full(&self) -> bool {
        let ones: u32 = self.words.iter().map(|word| word.count_ones()).sum();
        ones as usize == self.len
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use commands::Flags;
    use std::collections::BTreeMap;
    use std::sync::LazyLock;

    /// What contains the subcommands among the commands on keys.
    static CONTAINERS: LazyLock<Vec<Spec>> = LazyLock::new(|| {
        let subcommands = commands::all().filter_map(|command| {
            let (container, _) = command.spec.name.split_once('|')?;
            Some((container, command.spec.group))
        });
        let containers: BTreeMap<_, _> = subcommands.collect();
        let new = |(name, group)| Spec::new(name, -2, group, Flags::empty());
        containers.into_iter().map(new).collect()
    });

    /// Of the commands on keys.
    pub(crate) fn catalog() -> &'static Catalog {
        static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
            let specs = commands::all().map(|command| &command.spec);
            Catalog::new(specs.chain(CONTAINERS.iter()))
        });
        &CATALOG
    }
}

#[cfg(test)]
mod tests {
    use super::testing::catalog;
    use super::*;

    #[test]
    fn a_container_comes_with_its_subcommands() {
        let catalog = catalog();
        let object = catalog.named(b"OBJECT").unwrap();
        let names: Vec<&str> = catalog
            .with_subcommands(object)
            .map(|at| catalog.rows[at].name)
            .collect();
        assert_eq!(names[0], "object");
        assert!(names.len() > 3);
        assert!(names[1..].iter().all(|name| name.starts_with("object|")));
        assert!(catalog.is_container(object));
        assert!(!catalog.is_container(catalog.named(b"get").unwrap()));
    }

    #[test]
    fn categories_hold_what_their_name_says() {
        let catalog = catalog();
        let string = Catalog::category(b"STRING").unwrap();
        let names: Vec<&str> = catalog.names_in(string).collect();
        assert!(names.contains(&"get") && !names.contains(&"lpush"));
        assert_eq!(Catalog::category(b"nosuch"), None);
    }

    #[test]
    fn a_set_is_full_when_nothing_is_missing() {
        let catalog = catalog();
        let mut set = CommandSet::full(catalog);
        assert!(set.is_full());
        let get = catalog.named(b"get").unwrap();
        set.set(catalog.with_subcommands(get), false);
        assert!(!set.is_full() && !set.contains(get));
    }
}
