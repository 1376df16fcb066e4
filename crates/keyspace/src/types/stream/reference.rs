//! What groups have to do with entries that are removed.

use super::node::NodeRef;
use super::{Stream, Trim};
use packed::listpack::Pos;
use std::ops::Bound;
use std::sync::Arc;
use units::StreamId;

/// What removing an entry means for the groups that refer to it (Redis 8.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum References {
    /// `KEEPREF`: it goes, and stays pending where it was.
    #[default]
    Keep,
    /// `DELREF`: it goes, and is pending nowhere any more.
    Delete,
    /// `ACKED`: it stays as long as any group refers to it.
    Acked,
}

impl Stream {
    /// Whether any group has the entry pending, or has not been delivered it yet. Ids of no entry
    /// are judged alike.
    pub fn is_referenced(&self, id: StreamId) -> bool {
        let mut groups = self.groups.values();
        groups.any(|group| id > group.last_id() || group.pending_entry(id).is_some())
    }

    /// Takes an entry off what every group has pending; the groups that had it.
    pub fn drop_references(&mut self, id: StreamId) -> Vec<Arc<[u8]>> {
        let groups = self.groups.iter();
        let having = groups.filter(|(_, group)| group.pending_entry(id).is_some());
        let names: Vec<Arc<[u8]>> = having.map(|(name, _)| name.clone()).collect();
        for name in &names {
            self.edit_group(name, |group| group.ack(id));
        }
        names
    }

    /// Removes the oldest entries as [`Stream::trim`] does, and minds what groups refer to: with
    /// [`References::Acked`] entries in between may stay, and with `approx` as well the first node
    /// that would leave one ends it.
    pub fn trim_with(
        &mut self,
        trim: Trim,
        references: References,
        approx: bool,
        limit: u64,
    ) -> u64 {
        match references {
            References::Keep => self.trim(trim, approx, limit),
            References::Delete => {
                let oldest = self.oldest_ids(trim, limit);
                let removed = self.trim(trim, approx, limit);
                for id in oldest.into_iter().take(removed as usize) {
                    self.drop_references(id);
                }
                removed
            }
            References::Acked => self.trim_acked(trim, approx, limit),
        }
    }

    /// The entries that trimming could remove; none if nobody refers to any.
    fn oldest_ids(&self, trim: Trim, limit: u64) -> Vec<StreamId> {
        if self.groups.is_empty() {
            return Vec::new();
        }
        let ids = self.iter().map(|entry| entry.id);
        let most = match limit {
            0 => usize::MAX,
            limit => limit as usize,
        };
        match trim {
            Trim::MaxLen(_) => ids.take(self.surplus(trim).min(most)).collect(),
            Trim::MinId(min) => ids.take_while(|id| *id < min).take(most).collect(),
        }
    }

    /// Entries beyond the length wanted, if it is a length that is wanted.
    fn surplus(&self, trim: Trim) -> usize {
        match trim {
            Trim::MaxLen(max) => {
                usize::try_from(max).map_or(0, |max| self.length.saturating_sub(max))
            }
            Trim::MinId(_) => usize::MAX,
        }
    }

    fn trim_acked(&mut self, trim: Trim, approx: bool, limit: u64) -> u64 {
        let mut removed = 0;
        let mut from = Bound::Unbounded;
        while let Some((&master, node)) = self.nodes.range((from, Bound::Unbounded)).next() {
            from = Bound::Excluded(master);
            let alive = node.live();
            let is_beyond = matches!(trim, Trim::MinId(min) if master >= min);
            let is_too_much = limit > 0 && removed + alive as u64 > limit;
            if self.surplus(trim) == 0 || is_beyond || is_too_much {
                break;
            }
            let doomed = self.unreferenced(master, trim);
            if approx && doomed.len() < alive {
                break;
            }
            removed += doomed.len() as u64;
            self.length -= doomed.len();
            if !doomed.is_empty() {
                self.change_node(master, |node| node.mark_deleted(&doomed));
            }
        }
        if removed > 0 {
            self.find_first();
            self.changes += removed;
        }
        removed
    }

    /// The entries of a node that may go, as many as have to.
    fn unreferenced(&self, master: StreamId, trim: Trim) -> Vec<Pos> {
        let listpack = self.nodes.get(&master).map(|node| node.listpack());
        let entries = listpack.and_then(|listpack| NodeRef::new(master, listpack));
        let alive = entries.into_iter().flat_map(NodeRef::entries);
        alive
            .filter(|entry| !entry.is_deleted)
            .filter(|entry| !matches!(trim, Trim::MinId(min) if entry.id >= min))
            .filter(|entry| !self.is_referenced(entry.id))
            .map(|entry| entry.pos)
            .take(self.surplus(trim))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn id(ms: u64) -> StreamId {
        StreamId::new(ms, 1)
    }

    /// A stream of entries 1 to `len`, in nodes of three, of which a group was delivered those up to
    /// `read` and acknowledged `acked`.
    fn stream(len: u64, read: u64, acked: &[u64]) -> Stream {
        let mut settings = Settings::for_tests();
        settings.limits.stream_node_max_entries = 3;
        let mut stream = Stream::default();
        for ms in 1..=len {
            let added = stream.append(&settings, id(ms), &[[b"f", b"v"]]);
            added.expect("ids rise");
        }
        stream.create_group(b"g", StreamId::MIN, None);
        stream.edit_group(b"g", |group| {
            let now = units::UnixMillis(0);
            group.create_consumer(b"c", now);
            for ms in (1..=read).filter(|ms| !acked.contains(ms)) {
                group.assign(id(ms), b"c", now, 1);
            }
            group.set_id(id(read), None);
        });
        stream
    }

    fn ids(stream: &Stream) -> Vec<u64> {
        stream.iter().map(|entry| entry.id.ms).collect()
    }

    #[test]
    fn what_nobody_refers_to_may_go() {
        let mut stream = stream(8, 6, &[2, 3, 5]);
        assert!(stream.is_referenced(id(1)) && !stream.is_referenced(id(2)));
        assert!(stream.is_referenced(id(7)));
        assert_eq!(
            stream.trim_with(Trim::MaxLen(6), References::Acked, false, 0),
            2
        );
        assert_eq!(ids(&stream), [1, 4, 5, 6, 7, 8]);
        assert_eq!(stream.max_deleted_id(), StreamId::MIN);
        assert_eq!(
            stream.trim_with(Trim::MinId(id(5)), References::Acked, false, 0),
            0
        );
        assert_eq!(
            stream.trim_with(Trim::MinId(id(5)), References::Delete, false, 0),
            2
        );
        let group = stream.group(b"g").expect("it is there");
        assert_eq!(
            group.pending().map(|(id, _)| id.ms).collect::<Vec<_>>(),
            [6]
        );
    }

    #[test]
    fn approximately_means_whole_nodes() {
        let mut stream = stream(9, 9, &[1, 2, 3, 5, 7, 8, 9]);
        assert_eq!(
            stream.trim_with(Trim::MaxLen(0), References::Acked, true, 0),
            3
        );
        assert_eq!(ids(&stream), [4, 5, 6, 7, 8, 9]);
        assert_eq!(stream.drop_references(id(4)).len(), 1);
        stream.drop_references(id(6));
        assert_eq!(
            stream.trim_with(Trim::MaxLen(0), References::Acked, true, 5),
            3
        );
        assert_eq!(ids(&stream), [7, 8, 9]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn trims_as_a_list_would(
            len in 0..20_u64, read in 0..20_u64, acked in prop::collection::vec(1..20_u64, 0..15),
            keep in 0..20_u64, by_length in any::<bool>(), delete in any::<bool>(),
        ) {
            let read = read.min(len);
            let mut stream = stream(len, read, &acked);
            let acked: BTreeSet<u64> = acked.into_iter().collect();
            let old = |ms: &u64| if by_length { *ms <= len.saturating_sub(keep) } else { *ms < keep };
            let references = if delete { References::Delete } else { References::Acked };
            let free = |ms: &u64| delete || *ms <= read && acked.contains(ms);
            let most = if by_length { len.saturating_sub(keep) as usize } else { usize::MAX };
            let candidates = (1..=len).filter(|ms| by_length || old(ms));
            let gone: BTreeSet<u64> = candidates.filter(free).take(most).collect();
            let trim = if by_length { Trim::MaxLen(keep) } else { Trim::MinId(id(keep)) };
            let wanted: Vec<u64> = (1..=len).filter(|ms| !gone.contains(ms)).collect();
            prop_assert_eq!(stream.trim_with(trim, references, false, 0), gone.len() as u64);
            prop_assert_eq!(ids(&stream), wanted);
            prop_assert_eq!(stream.len(), (len as usize) - gone.len());
            let pending = stream.group(b"g").expect("there").pending().len();
            let still = (1..=read).filter(|ms| !(acked.contains(ms) || delete && gone.contains(ms)));
            prop_assert_eq!(pending, still.count());
        }
    }
}
