//! Numbers of commands, by which statistics are kept.

use super::{Named, WITHOUT_SUBCOMMANDS, all};
use commands::Spec;
use hashbrown::HashTable;
use std::sync::LazyLock;

/// A number of a command, from 0 to below [`count`]: the same while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommandId(u16);

impl CommandId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The names of commands that can run, in order, and the numbers of their specs.
struct Numbered {
    names: Vec<&'static str>,
    ids: HashTable<(usize, CommandId)>,
}

static NUMBERED: LazyLock<Numbered> = LazyLock::new(|| {
    let specs: Vec<&'static Spec> = all().flat_map(Named::runnable).collect();
    let mut names: Vec<&'static str> = specs.iter().map(|spec| counted_as(spec)).collect();
    names.sort_unstable();
    names.dedup();
    let mut ids = HashTable::with_capacity(specs.len());
    for spec in specs {
        let at = names.binary_search(&counted_as(spec));
        let number = at.expect("its name is among them") as u16;
        let id = (address(spec), CommandId(number));
        ids.insert_unique(hash_address(id.0), id, |(address, _)| {
            hash_address(*address)
        });
    }
    Numbered { names, ids }
});

/// The name under which a command is counted.
fn counted_as(spec: &'static Spec) -> &'static str {
    match spec.name.split_once('|') {
        Some((WITHOUT_SUBCOMMANDS, _)) => WITHOUT_SUBCOMMANDS,
        _ => spec.name,
    }
}

/// How many numbers there are.
pub(crate) fn count() -> usize {
    NUMBERED.names.len()
}

/// Every number, with its command's name, in the order of names.
pub(crate) fn numbered() -> impl Iterator<Item = (CommandId, &'static str)> {
    let names = NUMBERED.names.iter().enumerate();
    names.map(|(number, name)| (CommandId(number as u16), *name))
}

/// The name of a command that was resolved or identified, as it is counted.
pub(crate) fn name_of(id: CommandId) -> &'static str {
    NUMBERED.names[id.index()]
}

/// The number of a command that was resolved or identified.
#[inline]
pub(crate) fn id_of(spec: &'static Spec) -> CommandId {
    let address = address(spec);
    let found = NUMBERED
        .ids
        .find(hash_address(address), |(of, _)| *of == address);
    found.expect("every command has a number").1
}

fn address(spec: &'static Spec) -> usize {
    std::ptr::from_ref(spec).addr()
}

fn hash_address(address: usize) -> u64 {
    (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::identify;

    #[test]
    fn every_command_that_runs_has_a_number() {
        assert_eq!(numbered().count(), count());
        for spec in all().flat_map(Named::runnable) {
            assert_eq!(name_of(id_of(spec)), counted_as(spec));
        }
        let name = |argv: &[&[u8]]| name_of(id_of(identify(argv).unwrap().spec()));
        assert_eq!(name(&[b"config", b"get"]), "config|get");
        assert_eq!(name(&[b"debug", b"sleep"]), "debug");
    }
}
