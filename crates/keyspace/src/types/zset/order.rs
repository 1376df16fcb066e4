//! The order of a large sorted set: chunks of members in leaves, leaves in branches, branches in one
//! array, with counts on each level. Two million members make some 150 branches.
//!
//! Invariants: no chunk and no branch is empty; a count is that of what lies below; `first` is the
//! score of the first member below; members ascend throughout.

use super::chunk::{Chunk, ChunkRef};
use crate::account::{Block, free, own};
use crate::usable_size;
use crate::value::arc_bytes;
use std::ops::Range;
use std::sync::Arc;

#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    pub(super) branches: Vec<Branch>,
    pub(super) len: usize,
    /// Of the chunks, as an allocator counts.
    pub(super) chunk_bytes: usize,
    pub(super) leaves: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) first: f64,
    pub(super) count: usize,
    pub(super) leaves: Arc<Vec<Leaf>>,
}

#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) first: f64,
    pub(super) count: usize,
    pub(super) chunk: Chunk,
}

/// What a leaf takes in its branch. Branches lie between half full and full; their exact capacities
/// are not worth a count.
const LEAF_BYTES: usize = size_of::<Leaf>() * 4 / 3;

/// A branch is split when it would have more leaves.
pub(super) const LEAVES_MAX: usize = 256;

/// Whether a pair of score and member comes before another.
pub(super) fn is_before(left: (f64, &[u8]), right: (f64, &[u8])) -> bool {
    left.0 < right.0 || (left.0 == right.0 && left.1 < right.1)
}

/// A member that is not looked up until it is asked for: scores often decide by themselves.
#[derive(Clone, Copy)]
pub(super) enum Member<'a> {
    Bytes(&'a [u8]),
    FirstOf(&'a Chunk),
    FirstBelow(&'a [Leaf]),
    At(ChunkRef<'a>, usize),
}

impl<'a> Member<'a> {
    pub(super) fn bytes(self) -> &'a [u8] {
        match self {
            Member::Bytes(bytes) => bytes,
            Member::FirstOf(chunk) => chunk.view().member(0),
            Member::FirstBelow(leaves) => leaves
                .first()
                .map_or(&[], |leaf| leaf.chunk.view().member(0)),
            Member::At(chunk, at) => chunk.member(at),
        }
    }
}

/// A place in the order: `at` may be one past the last of its chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) branch: usize,
    pub(super) leaf: usize,
    pub(super) at: usize,
}

impl Leaf {
    pub(super) fn new(chunk: Chunk) -> Leaf {
        Leaf {
            first: chunk.view().score(0),
            count: chunk.view().len(),
            chunk,
        }
    }
}

impl Branch {
    pub(super) fn new(leaves: Vec<Leaf>) -> Branch {
        Branch {
            first: leaves.first().map_or(0.0, |leaf| leaf.first),
            count: leaves.iter().map(|leaf| leaf.count).sum(),
            leaves: Arc::new(leaves),
        }
    }
}

impl Block for Vec<Leaf> {
    fn block_bytes(&self) -> usize {
        arc_bytes::<Vec<Leaf>>() + self.len() * LEAF_BYTES
    }
}

impl Order {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes taken of an allocator, outside of itself.
    pub(super) fn heap_bytes(&self) -> usize {
        let branches = self.branches.len() * arc_bytes::<Vec<Leaf>>() + self.leaves * LEAF_BYTES;
        self.list_bytes() + branches + self.chunk_bytes
    }

    /// Bytes of the list of branches.
    pub(super) fn list_bytes(&self) -> usize {
        usable_size(self.branches.capacity() * size_of::<Branch>())
    }

    /// The chunks, to be freed one by one: the bytes of each. What others share is left to them and
    /// does not count.
    pub(super) fn into_parts(self) -> impl Iterator<Item = usize> + Send {
        let list = self.list_bytes();
        let branches = self.branches.into_iter().map(|branch| branch.leaves);
        let chunks = branches.filter_map(free).flat_map(|(bytes, leaves)| {
            let chunks = leaves.into_iter().map(|leaf| leaf.chunk.free());
            std::iter::once(bytes).chain(chunks)
        });
        std::iter::once(list).chain(chunks)
    }

    /// Where members stop to be `before`.
    fn place_where(&self, before: impl Fn(f64, Member<'_>) -> bool) -> Place {
        let below = |branch: &Branch| before(branch.first, Member::FirstBelow(&branch.leaves));
        let branch = self.branches.partition_point(below).saturating_sub(1);
        let Some(leaves) = self.branches.get(branch).map(|branch| &branch.leaves) else {
            return Place {
                branch,
                leaf: 0,
                at: 0,
            };
        };
        let below = |leaf: &Leaf| before(leaf.first, Member::FirstOf(&leaf.chunk));
        let leaf = leaves.partition_point(below).saturating_sub(1);
        let at = leaves.get(leaf).map_or(0, |leaf| {
            let chunk = leaf.chunk.view();
            chunk.partition_point(|at| before(chunk.score(at), Member::At(chunk, at)))
        });
        Place { branch, leaf, at }
    }

    /// How many members, from the first on, are `before`.
    pub(super) fn rank_where(&self, before: impl Fn(f64, Member<'_>) -> bool) -> usize {
        let place = self.place_where(before);
        let branches = self
            .branches
            .iter()
            .take(place.branch)
            .map(|branch| branch.count);
        let leaves = self.branches.get(place.branch).map_or(0, |branch| {
            branch
                .leaves
                .iter()
                .take(place.leaf)
                .map(|leaf| leaf.count)
                .sum()
        });
        branches.sum::<usize>() + leaves + place.at
    }

    /// The place of the member with this rank, which is there.
    fn place_of_rank(&self, mut rank: usize) -> Place {
        for (branch, node) in self.branches.iter().enumerate() {
            if rank >= node.count {
                rank -= node.count;
                continue;
            }
            for (leaf, node) in node.leaves.iter().enumerate() {
                if rank < node.count {
                    return Place {
                        branch,
                        leaf,
                        at: rank,
                    };
                }
                rank -= node.count;
            }
        }
        Place {
            branch: self.branches.len(),
            leaf: 0,
            at: 0,
        }
    }

    pub(super) fn leaf(&self, branch: usize, leaf: usize) -> Option<&Leaf> {
        self.branches.get(branch)?.leaves.get(leaf)
    }

    /// Changes a chunk and what is said of it above; drops it if it is empty then.
    fn change<R>(&mut self, place: Place, change: impl FnOnce(&mut Chunk) -> R) -> R {
        let branch = &mut self.branches[place.branch];
        let leaves = own(&mut branch.leaves);
        let leaf = &mut leaves[place.leaf];
        let was = leaf.count;
        let result = change(&mut leaf.chunk);
        let view = leaf.chunk.view();
        (leaf.count, leaf.first) = (view.len(), view.score(0));
        self.len = self.len - was + leaf.count;
        branch.count = branch.count - was + leaf.count;
        if leaf.count == 0 {
            self.chunk_bytes -= leaf.chunk.heap_bytes();
            leaves.remove(place.leaf).chunk.let_go();
            self.leaves -= 1;
        }
        match leaves.first() {
            Some(leaf) => branch.first = leaf.first,
            None => {
                self.branches.remove(place.branch);
            }
        }
        result
    }

    /// Adds a member that is not there.
    pub(super) fn insert(&mut self, score: f64, member: &[u8]) {
        let place = self.place_where(|s, m| s < score || (s == score && m.bytes() < member));
        let fits = self.leaf(place.branch, place.leaf).is_some()
            && self.change(place, |chunk| chunk.insert(place.at, score, member));
        if !fits {
            self.make_room(place, (score, member));
        }
    }

    /// Removes a member that is there.
    pub(super) fn remove(&mut self, score: f64, member: &[u8]) {
        // Up to and with the member, so that the place is behind it in its own chunk.
        let place = self.place_where(|s, m| s < score || (s == score && m.bytes() <= member));
        if let Some(at) = place.at.checked_sub(1) {
            self.change(place, |chunk| chunk.remove(at..at + 1));
            self.merge(place);
        }
    }

    /// Removes the members with these ranks, which are there.
    pub(super) fn remove_ranks(&mut self, ranks: Range<usize>) {
        let mut left = ranks.len();
        while left > 0 {
            let place = self.place_of_rank(ranks.start);
            let Some(leaf) = self.leaf(place.branch, place.leaf) else {
                return;
            };
            let taken = left.min(leaf.count - place.at);
            self.change(place, |chunk| chunk.remove(place.at..place.at + taken));
            left -= taken;
            if left == 0 {
                self.merge(place);
            }
        }
    }

    /// The members with these ranks, which are there.
    pub(super) fn range(&self, ranks: Range<usize>) -> OrderIter<'_> {
        let last = ranks.end.saturating_sub(1);
        OrderIter {
            order: self,
            front: End::at(self.place_of_rank(ranks.start)),
            back: End::at(self.place_of_rank(last)),
            left: ranks.len(),
        }
    }

    #[cfg(test)]
    pub(super) fn check(&self) {
        let all: Vec<_> = self.range(0..self.len).collect();
        assert_eq!(all.len(), self.len);
        assert!(all.windows(2).all(|pair| is_before(pair[0], pair[1])));
        assert_eq!(
            self.len,
            self.branches
                .iter()
                .map(|branch| branch.count)
                .sum::<usize>()
        );
        assert_eq!(
            self.leaves,
            self.branches.iter().map(|b| b.leaves.len()).sum::<usize>()
        );
        let mut bytes = 0;
        for branch in &self.branches {
            assert_eq!(
                branch.count,
                branch.leaves.iter().map(|leaf| leaf.count).sum::<usize>()
            );
            assert_eq!(branch.first, branch.leaves[0].first);
            assert!(branch.leaves.len() <= LEAVES_MAX);
            for leaf in &*branch.leaves {
                let chunk = leaf.chunk.view();
                assert!(leaf.count > 0 && leaf.count == chunk.len());
                assert_eq!(leaf.first, chunk.score(0));
                bytes += leaf.chunk.heap_bytes();
            }
        }
        assert_eq!(bytes, self.chunk_bytes);
    }
}

/// Scores and members in order, from either end.
#[derive(Debug, Clone)]
pub(super) struct OrderIter<'a> {
    order: &'a Order,
    /// The next to be given from the front.
    front: End<'a>,
    /// The next to be given from the back.
    back: End<'a>,
    left: usize,
}

/// A place, and its chunk once it was read: often one end of a range never is.
#[derive(Debug, Clone)]
struct End<'a> {
    place: Place,
    chunk: Option<ChunkRef<'a>>,
}

impl<'a> End<'a> {
    fn at(place: Place) -> End<'a> {
        End { place, chunk: None }
    }

    /// The chunk of the place, which there is.
    #[inline]
    fn chunk(&mut self, order: &'a Order) -> &ChunkRef<'a> {
        let Place { branch, leaf, .. } = self.place;
        self.chunk
            .get_or_insert_with(|| order.branches[branch].leaves[leaf].chunk.view())
    }

    /// The first of the next chunk.
    #[cold]
    fn next_chunk(&self, order: &Order) -> End<'a> {
        let Place { branch, leaf, .. } = self.place;
        let is_last = order.leaf(branch, leaf + 1).is_none();
        let (branch, leaf) = if is_last {
            (branch + 1, 0)
        } else {
            (branch, leaf + 1)
        };
        End::at(Place {
            branch,
            leaf,
            at: 0,
        })
    }

    /// The last of the chunk before, which there is.
    #[cold]
    fn chunk_before(&self, order: &Order) -> End<'a> {
        let Place { branch, leaf, .. } = self.place;
        let (branch, leaf) = match leaf.checked_sub(1) {
            Some(leaf) => (branch, leaf),
            None => (branch - 1, order.branches[branch - 1].leaves.len() - 1),
        };
        let at = order.branches[branch].leaves[leaf].count - 1;
        End::at(Place { branch, leaf, at })
    }
}

impl<'a> Iterator for OrderIter<'a> {
    type Item = (f64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let at = self.front.place.at;
        let chunk = self.front.chunk(self.order);
        let (pair, len) = (chunk.pair(at), chunk.len());
        self.front.place.at += 1;
        if at + 1 == len {
            self.front = self.front.next_chunk(self.order);
        }
        Some(pair)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for OrderIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let at = self.back.place.at;
        let pair = self.back.chunk(self.order).pair(at);
        match at.checked_sub(1) {
            Some(at) => self.back.place.at = at,
            None if self.left > 0 => self.back = self.back.chunk_before(self.order),
            None => {}
        }
        Some(pair)
    }
}

impl ExactSizeIterator for OrderIter<'_> {}
