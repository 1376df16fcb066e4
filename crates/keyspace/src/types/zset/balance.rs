//! How chunks of an order come and go.
//!
//! A chunk that is full first shares with a neighbor that is not, and with a full one it makes three
//! of the two; so chunks that are filled in no order are four fifths full, where splitting each by
//! itself would leave them two thirds full. Growth at either end leaves full chunks behind.

use super::chunk::{Chunk, ChunkRef, Load, Pair, ROOM};
use super::order::{Branch, LEAVES_MAX, Leaf, Order, Place};
use crate::account::{let_go, own};
use std::ops::Range;

/// Two chunks share what they hold if so much of them stays free then.
const FREE_MIN: usize = ROOM / 4;
/// A chunk and its neighbor become one if they hold no more together.
const MERGED_MAX: usize = ROOM * 2 / 3;

impl Order {
    /// Adds a pair where its chunk has no room for it.
    pub(super) fn make_room(&mut self, place: Place, pair: Pair<'_>) {
        let Place { branch, leaf, at } = place;
        let old = leaf..leaf + usize::from(self.leaves > 0);
        let load = Load::of(&self.chunks_of(branch, old.clone())).with(at, pair);
        if load.cost() <= ROOM || self.leaves == 0 {
            let chunks = load.pack(1, self.leaves <= 1);
            return self.replace(branch, old, chunks);
        }
        if let Some(beside) = self.beside_end(place) {
            let chunks = Load::of(&[]).with(0, pair).pack(1, false);
            return self.replace(branch, beside..beside, chunks);
        }
        let Some(window) = self.neighbors(branch, leaf) else {
            let chunks = load.pack(2, false);
            return self.replace(branch, old, chunks);
        };
        let before: usize = (window.start..leaf)
            .map(|leaf| self.count_of(branch, leaf))
            .sum();
        let load = Load::of(&self.chunks_of(branch, window.clone())).with(before + at, pair);
        let is_enough = load.cost() + FREE_MIN <= 2 * ROOM;
        let chunks = load.pack(if is_enough { 2 } else { 3 }, false);
        self.replace(branch, window, chunks);
    }

    /// The place for another leaf, if `place` is the first or the last of the whole order.
    fn beside_end(&self, place: Place) -> Option<usize> {
        let Place { branch, leaf, at } = place;
        let last = self.branches.len() - 1;
        let is_last = branch == last && leaf + 1 == self.branches[last].leaves.len();
        if is_last && at == self.count_of(branch, leaf) {
            Some(leaf + 1)
        } else {
            ((branch, leaf, at) == (0, 0, 0)).then_some(0)
        }
    }

    /// A leaf and the emptier of its neighbors in the branch, if it has one.
    fn neighbors(&self, branch: usize, leaf: usize) -> Option<Range<usize>> {
        let used = |leaf| Some(self.leaf(branch, leaf)?.chunk.view().used());
        let right = used(leaf + 1).map(|used| (used, leaf..leaf + 2));
        let left = leaf.checked_sub(1).and_then(used);
        let left = left.map(|used| (used, leaf - 1..leaf + 1));
        let emptier = left.into_iter().chain(right).min_by_key(|(used, _)| *used);
        emptier.map(|(_, window)| window)
    }

    fn count_of(&self, branch: usize, leaf: usize) -> usize {
        self.leaf(branch, leaf).map_or(0, |leaf| leaf.count)
    }

    fn chunks_of(&self, branch: usize, leaves: Range<usize>) -> Vec<ChunkRef<'_>> {
        let chunks = leaves.filter_map(|leaf| Some(self.leaf(branch, leaf)?.chunk.view()));
        chunks.collect()
    }

    /// Puts chunks in place of some leaves of a branch.
    fn replace(&mut self, number: usize, old: Range<usize>, chunks: Vec<Chunk>) {
        if self.branches.is_empty() {
            self.branches.push(Branch::new(Vec::new()));
        }
        let branch = &mut self.branches[number];
        let leaves = own(&mut branch.leaves);
        for leaf in &leaves[old.clone()] {
            self.len -= leaf.count;
            self.leaves -= 1;
            self.chunk_bytes -= leaf.chunk.heap_bytes();
        }
        let new: Vec<Leaf> = chunks.into_iter().map(Leaf::new).collect();
        for leaf in &new {
            self.len += leaf.count;
            self.leaves += 1;
            self.chunk_bytes += leaf.chunk.heap_bytes();
        }
        let end = old.start + new.len();
        let old = leaves.splice(old, new);
        old.for_each(|leaf| leaf.chunk.let_go());
        self.settle(number, end);
    }

    /// Sums up a branch whose leaves before `end` have just been put there, and splits it if it
    /// has too many.
    fn settle(&mut self, number: usize, end: usize) {
        let branch = &mut self.branches[number];
        let leaves = own(&mut branch.leaves);
        let tail = (leaves.len() > LEAVES_MAX).then(|| {
            // Growth at the end leaves full branches behind.
            let at_end = end == leaves.len();
            leaves.split_off(if at_end { end - 1 } else { leaves.len() / 2 })
        });
        let leaves = std::mem::take(leaves);
        *branch = Branch::new(leaves);
        if let Some(tail) = tail {
            self.branches.insert(number + 1, Branch::new(tail));
        }
    }

    /// Joins a chunk that has become small with a neighbor, and a branch with the next.
    pub(super) fn merge(&mut self, place: Place) {
        let branch = place.branch;
        let used = |leaf| Some(self.leaf(branch, leaf)?.chunk.view().used());
        if used(place.leaf).is_some_and(|used| used <= MERGED_MAX / 2)
            && let Some(window) = self.neighbors(branch, place.leaf)
            && window.clone().filter_map(used).sum::<usize>() <= MERGED_MAX
        {
            let load = Load::of(&self.chunks_of(branch, window.clone()));
            let chunks = load.pack(1, self.leaves == 2);
            self.replace(branch, window, chunks);
        }
        self.merge_branch(branch);
    }

    fn merge_branch(&mut self, number: usize) {
        if let [left, right, ..] = self.branches.get(number..).unwrap_or(&[])
            && left.leaves.len() + right.leaves.len() <= LEAVES_MAX / 4
        {
            let leaves = left.leaves.iter().chain(right.leaves.iter());
            let joined = Branch::new(leaves.cloned().collect());
            let old = self.branches.splice(number..number + 2, [joined]);
            old.for_each(|branch| let_go(branch.leaves));
        }
    }
}
