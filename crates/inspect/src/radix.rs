//! How many nodes the radix tree of a stream's ids has, without building it.
//!
//! A tree has a node for each id, one for each place where ids part, and one for each run of bytes
//! that leads from one such place to the next.

use units::StreamId;

/// Bytes of an id.
const DEPTH: u32 = 16;

/// A tree that ids are added to in ascending order.
#[derive(Debug, Clone, Default)]
pub(crate) struct RadixTree {
    /// Ids in it.
    pub(crate) ids: u64,
    /// Nodes that no further id can change.
    nodes: u64,
    last: [u8; DEPTH as usize],
    /// The depths at which the path to the last id parts, a bit each.
    open: u32,
}

impl RadixTree {
    /// Adds an id, which is larger than those before.
    pub(crate) fn add(&mut self, id: StreamId) {
        let id = id.to_be_bytes();
        if self.ids > 0 {
            let same = self.last.iter().zip(&id).take_while(|(a, b)| a == b);
            let shared = (same.count() as u32).min(DEPTH - 1);
            self.close(Some(shared));
            self.open |= 1 << shared;
        }
        self.ids += 1;
        self.last = id;
    }

    /// Counts the last id's node and the places on its path that are deeper than `to`, which nothing
    /// can lead to any more, each with the bytes before it.
    fn close(&mut self, to: Option<u32>) {
        let mut end = DEPTH;
        loop {
            let deepest = self.open.checked_ilog2();
            let start = deepest.max(to).map_or(0, |depth| depth + 1);
            self.nodes += 1 + u64::from(end > start);
            match deepest.filter(|depth| to.is_none_or(|to| *depth > to)) {
                None => return,
                Some(depth) => {
                    self.open &= !(1 << depth);
                    end = depth;
                }
            }
        }
    }

    /// All its nodes; a tree without ids has one.
    pub(crate) fn nodes(mut self) -> u64 {
        if self.ids == 0 {
            return 1;
        }
        self.close(None);
        self.nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn nodes(ids: &BTreeSet<(u64, u64)>) -> u64 {
        let mut tree = RadixTree::default();
        for (ms, seq) in ids {
            tree.add(StreamId { ms: *ms, seq: *seq });
        }
        tree.nodes()
    }

    /// Nodes below a prefix, found by looking at every id.
    fn plain(ids: &[[u8; 16]], depth: usize) -> u64 {
        let ends = (depth..16).find(|at| ids.iter().any(|id| id[*at] != ids[0][*at]));
        let Some(parts) = ends else {
            return 1 + u64::from(depth < 16);
        };
        let below = ids.chunk_by(|a, b| a[parts] == b[parts]);
        let below: u64 = below.map(|ids| plain(ids, parts + 1)).sum();
        1 + u64::from(depth < parts) + below
    }

    proptest! {
        #[test]
        fn as_many_as_a_tree_would_have(
            ids in prop::collection::btree_set((0..5_u64, 0..100_000_u64), 1..60),
        ) {
            let bytes: Vec<[u8; 16]> = ids
                .iter()
                .map(|(ms, seq)| StreamId { ms: *ms, seq: *seq }.to_be_bytes())
                .collect();
            prop_assert_eq!(nodes(&ids), plain(&bytes, 0));
        }
    }

    /// As `XINFO STREAM` of Redis 7.0.15 told them (`radix-tree-nodes`).
    #[test]
    fn trees_are_as_a_server_says() {
        let of = |ids: &[(u64, u64)]| nodes(&ids.iter().copied().collect());
        assert_eq!(of(&[]), 1);
        assert_eq!(of(&[(1, 1)]), 2);
        assert_eq!(of(&[(1, 1), (101, 1)]), 6);
        assert_eq!(of(&[(1, 1), (1, 2)]), 4);
    }
}
