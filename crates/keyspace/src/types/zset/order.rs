//! The order of a large sorted set: chunks of members in leaves, leaves in branches, branches in one
//! array, with counts on each level. Two million members make some 250 branches.
//!
//! Invariants: no chunk and no branch is empty; a count is that of what lies below; `first` is the
//! score of the first member below; members ascend throughout.

use super::chunk::Chunk;
use crate::usable_size;
use crate::value::arc_bytes;
use std::ops::Range;
use std::sync::Arc;

#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    branches: Vec<Branch>,
    len: usize,
    /// Of the chunks, as an allocator counts.
    chunk_bytes: usize,
    leaves: usize,
}

#[derive(Debug, Clone)]
struct Branch {
    first: f64,
    count: usize,
    leaves: Arc<Vec<Leaf>>,
}

#[derive(Debug, Clone)]
pub(super) struct Leaf {
    first: f64,
    count: usize,
    chunk: Arc<Chunk>,
}

/// A branch is split when it would have more leaves.
const LEAVES_MAX: usize = 256;

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
    At(&'a Chunk, usize),
}

impl<'a> Member<'a> {
    pub(super) fn bytes(self) -> &'a [u8] {
        match self {
            Member::Bytes(bytes) => bytes,
            Member::FirstOf(chunk) => chunk.member(0),
            Member::FirstBelow(leaves) => leaves.first().map_or(&[], |leaf| leaf.chunk.member(0)),
            Member::At(chunk, at) => chunk.member(at),
        }
    }
}

/// A place in the order: `at` may be one past the last of its chunk.
#[derive(Debug, Clone, Copy)]
struct Place {
    branch: usize,
    leaf: usize,
    at: usize,
}

impl Leaf {
    fn new(chunk: Chunk) -> Leaf {
        Leaf {
            first: chunk.score(0),
            count: chunk.len(),
            chunk: Arc::new(chunk),
        }
    }
}

impl Branch {
    fn new(leaves: Vec<Leaf>) -> Branch {
        Branch {
            first: leaves.first().map_or(0.0, |leaf| leaf.first),
            count: leaves.iter().map(|leaf| leaf.count).sum(),
            leaves: Arc::new(leaves),
        }
    }
}

impl Order {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes taken of an allocator, outside of itself.
    pub(super) fn heap_bytes(&self) -> usize {
        // Branches lie between half full and full; their exact capacities are not worth a count.
        let branches = self.branches.len() * arc_bytes::<Vec<Leaf>>()
            + self.leaves * size_of::<Leaf>() * 4 / 3;
        usable_size(self.branches.capacity() * size_of::<Branch>()) + branches + self.chunk_bytes
    }

    /// The chunks, to be freed one by one: the bytes of each.
    pub(super) fn into_parts(self) -> impl Iterator<Item = usize> + Send {
        let leaves = |branch: Branch| Arc::into_inner(branch.leaves).unwrap_or_default();
        let leaves = self.branches.into_iter().flat_map(leaves);
        leaves.map(|leaf| leaf.chunk.heap_bytes())
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
        let chunk = leaves.get(leaf).map(|leaf| &*leaf.chunk);
        let at = chunk.map_or(0, |chunk| {
            let (mut low, mut high) = (0, chunk.len());
            while low < high {
                let middle = low + (high - low) / 2;
                if before(chunk.score(middle), Member::At(chunk, middle)) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            low
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

    fn chunk(&self, branch: usize, leaf: usize) -> Option<&Chunk> {
        Some(&*self.branches.get(branch)?.leaves.get(leaf)?.chunk)
    }

    /// Changes a chunk and what is said of it above; drops it if it is empty then.
    fn change(&mut self, place: Place, change: impl FnOnce(&mut Chunk)) {
        let branch = &mut self.branches[place.branch];
        let leaves = Arc::make_mut(&mut branch.leaves);
        let leaf = &mut leaves[place.leaf];
        self.chunk_bytes -= leaf.chunk.heap_bytes();
        self.len -= leaf.count;
        branch.count -= leaf.count;
        let chunk = Arc::make_mut(&mut leaf.chunk);
        change(chunk);
        leaf.count = chunk.len();
        leaf.first = chunk.score(0);
        if leaf.count == 0 {
            leaves.remove(place.leaf);
            self.leaves -= 1;
        } else {
            self.chunk_bytes += leaf.chunk.heap_bytes();
            self.len += leaf.count;
            branch.count += leaf.count;
        }
        match leaves.first() {
            Some(leaf) => branch.first = leaf.first,
            None => {
                self.branches.remove(place.branch);
            }
        }
    }

    /// Puts a chunk before the leaf at `place`; splits the branch if it has too many.
    fn insert_chunk(&mut self, place: Place, chunk: Chunk) {
        self.len += chunk.len();
        self.chunk_bytes += chunk.heap_bytes();
        self.leaves += 1;
        let leaf = Leaf::new(chunk);
        let Some(branch) = self.branches.get_mut(place.branch) else {
            self.branches.push(Branch::new(vec![leaf]));
            return;
        };
        branch.count += leaf.count;
        let leaves = Arc::make_mut(&mut branch.leaves);
        leaves.insert(place.leaf, leaf);
        branch.first = leaves.first().map_or(0.0, |leaf| leaf.first);
        if leaves.len() > LEAVES_MAX {
            // Growth at the end leaves full branches behind.
            let at_end = place.leaf + 1 == leaves.len();
            let tail = leaves.split_off(if at_end { place.leaf } else { leaves.len() / 2 });
            let tail = Branch::new(tail);
            branch.count -= tail.count;
            self.branches.insert(place.branch + 1, tail);
        }
    }

    /// Adds a member that is not there.
    pub(super) fn insert(&mut self, score: f64, member: &[u8]) {
        let mut place = self.place_where(|s, m| s < score || (s == score && m.bytes() < member));
        let Some(chunk) = self.chunk(place.branch, place.leaf) else {
            let mut chunk = Chunk::default();
            chunk.insert(0, score, member);
            return self.insert_chunk(place, chunk);
        };
        if chunk.is_full_for(member) {
            place = self.split(place);
        }
        self.change(place, |chunk| chunk.insert(place.at, score, member));
    }

    /// Splits a full chunk; where `place` is then. Growth at the end leaves full chunks behind.
    fn split(&mut self, place: Place) -> Place {
        let len = self.chunk(place.branch, place.leaf).map_or(0, Chunk::len);
        let at = if place.at == len {
            len - 1
        } else {
            (len / 2).max(1)
        };
        let at = at.max(1).min(len);
        if at == len {
            // A single member, which is too large for another beside it.
            return self.beside_single(place);
        }
        let mut tail = Chunk::default();
        self.change(place, |chunk| tail = chunk.split_off(at));
        self.insert_chunk(
            Place {
                leaf: place.leaf + 1,
                ..place
            },
            tail,
        );
        self.normal(match place.at.checked_sub(at) {
            None => place,
            Some(at) => Place {
                leaf: place.leaf + 1,
                at,
                ..place
            },
        })
    }

    /// An empty chunk before or behind a chunk of one member, where `place` says.
    fn beside_single(&mut self, place: Place) -> Place {
        let place = Place {
            leaf: place.leaf + usize::from(place.at > 0),
            at: 0,
            ..place
        };
        self.insert_chunk(place, Chunk::default());
        self.normal(place)
    }

    /// The same place after its branch may have been split.
    fn normal(&self, place: Place) -> Place {
        let held = self
            .branches
            .get(place.branch)
            .map_or(0, |branch| branch.leaves.len());
        if place.leaf < held {
            place
        } else {
            Place {
                branch: place.branch + 1,
                leaf: place.leaf - held,
                at: place.at,
            }
        }
    }

    /// Removes a member that is there.
    pub(super) fn remove(&mut self, score: f64, member: &[u8]) {
        // Up to and with the member, so that the place is in its own chunk.
        let place = self.place_where(|s, m| s < score || (s == score && m.bytes() <= member));
        let chunk = self.chunk(place.branch, place.leaf);
        if let Some(at) = chunk.and_then(|chunk| chunk.find(score, member)) {
            self.change(place, |chunk| chunk.remove(at..at + 1));
            self.merge(place);
        }
    }

    /// Joins a chunk with the next of its branch, and the branch with the next, if they are small.
    fn merge(&mut self, place: Place) {
        let chunk = self.chunk(place.branch, place.leaf);
        let next = self.chunk(place.branch, place.leaf + 1);
        if let (Some(chunk), Some(next)) = (chunk, next)
            && chunk.is_small_with(next)
        {
            let mut taken = next.clone();
            let len = taken.len();
            self.change(
                Place {
                    leaf: place.leaf + 1,
                    ..place
                },
                |next| next.remove(0..len),
            );
            self.change(place, |chunk| chunk.append(&taken));
            taken.shrink();
        }
        if let [left, right, ..] = self.branches.get(place.branch..).unwrap_or(&[])
            && left.leaves.len() + right.leaves.len() <= LEAVES_MAX / 4
        {
            let joined = left
                .leaves
                .iter()
                .chain(right.leaves.iter())
                .cloned()
                .collect();
            self.branches[place.branch] = Branch::new(joined);
            self.branches.remove(place.branch + 1);
        }
    }

    /// Removes the members with these ranks, which are there.
    pub(super) fn remove_ranks(&mut self, ranks: Range<usize>) {
        let mut left = ranks.len();
        while left > 0 {
            let place = self.place_of_rank(ranks.start);
            let Some(chunk) = self.chunk(place.branch, place.leaf) else {
                return;
            };
            let taken = left.min(chunk.len() - place.at);
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
            front: self.place_of_rank(ranks.start),
            back: self.place_of_rank(last),
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
                assert!(leaf.count > 0 && leaf.count == leaf.chunk.len());
                assert_eq!(leaf.first, leaf.chunk.score(0));
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
    front: Place,
    /// The next to be given from the back.
    back: Place,
    left: usize,
}

impl<'a> OrderIter<'a> {
    fn at(&self, place: Place) -> Option<(f64, &'a [u8])> {
        let chunk = self.order.chunk(place.branch, place.leaf)?;
        Some((chunk.score(place.at), chunk.member(place.at)))
    }
}

impl<'a> Iterator for OrderIter<'a> {
    type Item = (f64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let item = self.at(self.front);
        let Place { branch, leaf, at } = &mut self.front;
        let leaves = &self.order.branches.get(*branch)?.leaves;
        *at += 1;
        if *at >= leaves.get(*leaf)?.count {
            (*at, *leaf) = (0, *leaf + 1);
        }
        if *leaf >= leaves.len() {
            (*leaf, *branch) = (0, *branch + 1);
        }
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for OrderIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let item = self.at(self.back);
        if self.left == 0 {
            return item;
        }
        let Place { branch, leaf, at } = &mut self.back;
        if *at > 0 {
            *at -= 1;
            return item;
        }
        if *leaf > 0 {
            *leaf -= 1;
        } else {
            *branch = branch.checked_sub(1)?;
            *leaf = self
                .order
                .branches
                .get(*branch)?
                .leaves
                .len()
                .checked_sub(1)?;
        }
        *at = self
            .order
            .branches
            .get(*branch)?
            .leaves
            .get(*leaf)?
            .count
            .checked_sub(1)?;
        item
    }
}

impl ExactSizeIterator for OrderIter<'_> {}
