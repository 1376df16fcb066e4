use super::mailbox::Mailbox;
use commands::glob;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What a subscription names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A channel.
    Channel,
    /// Every channel that fits a pattern.
    Pattern,
    /// A channel of `SPUBLISH`.
    Sharded,
}

/// A channel or pattern, shared by those who subscribed to it.
pub(crate) type Name = Arc<[u8]>;

/// Who listens, by mailbox number, so that messages go out in an order that does not change.
type Listeners = BTreeMap<u64, Arc<Mailbox>>;

/// Everything that somebody subscribed to, and who did.
#[derive(Debug, Default)]
pub(super) struct Topics([HashMap<Name, Listeners>; 3]);

impl Topics {
    fn of(&self, kind: Kind) -> &HashMap<Name, Listeners> {
        &self.0[kind as usize]
    }

    /// Adds a subscription; returns the name under which others have it too.
    pub(super) fn add(&mut self, kind: Kind, name: &[u8], mailbox: &Arc<Mailbox>) -> Name {
        let topics = &mut self.0[kind as usize];
        let name = match topics.get_key_value(name) {
            Some((known, _)) => known.clone(),
            None => Name::from(name),
        };
        let listeners = topics.entry(name.clone()).or_default();
        listeners.insert(mailbox.id, mailbox.clone());
        name
    }

    pub(super) fn remove(&mut self, kind: Kind, name: &[u8], mailbox: &Mailbox) {
        let topics = &mut self.0[kind as usize];
        if let Some(listeners) = topics.get_mut(name) {
            listeners.remove(&mailbox.id);
            if listeners.is_empty() {
                topics.remove(name);
            }
        }
    }

    /// Whether anybody subscribed to a channel or a pattern.
    pub(super) fn have_listeners(&self) -> bool {
        !self.of(Kind::Channel).is_empty() || !self.of(Kind::Pattern).is_empty()
    }

    /// Calls `f` with everyone who gets what is published to `channel` (a channel of `kind`), and
    /// the pattern by which they do.
    pub(super) fn for_each(
        &self,
        kind: Kind,
        channel: &[u8],
        mut f: impl FnMut(&Arc<Mailbox>, Option<&Name>),
    ) {
        if let Some(listeners) = self.of(kind).get(channel) {
            listeners.values().for_each(|mailbox| f(mailbox, None));
        }
        if kind == Kind::Sharded {
            return;
        }
        for (pattern, listeners) in self.of(Kind::Pattern) {
            if glob::matches(pattern, channel) {
                let by = Some(pattern);
                listeners.values().for_each(|mailbox| f(mailbox, by));
            }
        }
    }

    /// The names of that kind which fit `pattern`, all of them for `None`.
    pub(super) fn names(&self, kind: Kind, pattern: Option<&[u8]>) -> Vec<Name> {
        let fits = |name: &&Name| pattern.is_none_or(|pattern| glob::matches(pattern, name));
        self.of(kind).keys().filter(fits).cloned().collect()
    }

    /// How many subscribed to `name`.
    pub(super) fn listeners(&self, kind: Kind, name: &[u8]) -> usize {
        self.of(kind).get(name).map_or(0, BTreeMap::len)
    }

    /// How many names of that kind there are.
    pub(super) fn len(&self, kind: Kind) -> usize {
        self.of(kind).len()
    }

    /// Every mailbox, some more than once.
    pub(super) fn mailboxes(&self) -> impl Iterator<Item = &Arc<Mailbox>> {
        let listeners = self.0.iter().flat_map(HashMap::values);
        listeners.flat_map(BTreeMap::values)
    }
}
