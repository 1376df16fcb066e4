//! Members of a sorted set that follow each other, with their scores, in one block.
//!
//! ```text
//!  count   2    number of members
//!  width   1    bytes of a score, and
//!  shift   1    and
//!  text    4    bytes of all members together
//!  base    8    what scores have in common: see `frame.rs`
//!  scores  count * width
//!  behind  count * 2      how many bytes of members follow each member
//!          free room
//!  members text           one after the other, up to the end of the block
//! ```
//!
//! Numbers are little-endian. A search reads scores only. A block is of 2 KiB with the counts of
//! its reference, so that it fills an allocator's class and a block that is given back fits the next
//! that is wanted. Smaller is only the block of a sorted set that has one, and larger that of a
//! single member which is.

use super::frame::Frame;
use crate::account::{free_slice, let_go_slice, own_slice, slice_bytes};
use crate::usable_size;
use std::ops::Range;
use std::sync::Arc;

/// A block, shared with clones until it is written.
#[derive(Debug, Clone)]
pub(super) struct Chunk(Arc<[u8]>);

/// A score and a member.
pub(super) type Pair<'a> = (f64, &'a [u8]);

/// What an `Arc` puts before its payload: two counts.
const COUNTS: usize = 2 * size_of::<usize>();
const HEADER: usize = 16;
/// Bytes of the number of bytes behind a member.
const BEHIND: usize = 2;
/// Bytes of the smallest block and of a full-size one.
const BLOCK_MIN: usize = 256 - COUNTS;
const BLOCK: usize = 2048 - COUNTS;
/// Bytes of a full-size block that pairs can take.
pub(super) const ROOM: usize = BLOCK - HEADER;

/// A chunk to be read, its header taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChunkRef<'a> {
    block: &'a [u8],
    frame: Frame,
    count: usize,
    /// Bytes of all members.
    text: usize,
}

impl<'a> ChunkRef<'a> {
    #[inline]
    pub(super) fn len(self) -> usize {
        self.count
    }

    #[inline]
    pub(super) fn score(self, at: usize) -> f64 {
        let from = HEADER + at * self.frame.width();
        // There are eight bytes: of what comes behind the scores, if not of the score.
        let word = self.block[from..].first_chunk().copied();
        self.frame
            .decode(u64::from_le_bytes(word.unwrap_or_default()))
    }

    /// How many bytes of members come from the member `at` on: for the number of members, none.
    #[inline]
    fn from(self, at: usize) -> usize {
        let Some(before) = at.checked_sub(1) else {
            return self.text;
        };
        let place = HEADER + self.count * self.frame.width() + BEHIND * before;
        usize::from(u16::from_le_bytes([
            self.block[place],
            self.block[place + 1],
        ]))
    }

    #[inline]
    pub(super) fn member(self, at: usize) -> &'a [u8] {
        let end = self.block.len();
        &self.block[end - self.from(at)..end - self.from(at + 1)]
    }

    #[inline]
    pub(super) fn pair(self, at: usize) -> Pair<'a> {
        (self.score(at), self.member(at))
    }

    pub(super) fn pairs(self) -> impl Iterator<Item = Pair<'a>> {
        (0..self.count).map(move |at| self.pair(at))
    }

    /// Bytes that the pairs take.
    pub(super) fn used(self) -> usize {
        self.count * (self.frame.width() + BEHIND) + self.text
    }

    /// How many pairs, from the first on, are `before`.
    #[inline]
    pub(super) fn partition_point(self, before: impl Fn(usize) -> bool) -> usize {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// Pairs that ascend, to be put into chunks.
#[derive(Debug)]
pub(super) struct Load<'a> {
    pairs: Vec<Pair<'a>>,
    /// Bytes of a score if all were in one chunk.
    width: usize,
    /// Bytes that all pairs take of one chunk, or of several together at most.
    cost: usize,
}

impl<'a> Load<'a> {
    /// All pairs of some chunks.
    pub(super) fn of(chunks: &[ChunkRef<'a>]) -> Load<'a> {
        let count = chunks.iter().map(|chunk| chunk.len()).sum::<usize>();
        let mut pairs = Vec::with_capacity(count + 1);
        for chunk in chunks {
            pairs.extend(chunk.pairs());
        }
        Load::new(pairs)
    }

    fn new(pairs: Vec<Pair<'a>>) -> Load<'a> {
        let width = Frame::of(pairs.iter().map(|pair| pair.0)).width();
        let text = pairs.iter().map(|pair| pair.1.len()).sum::<usize>();
        Load {
            width,
            cost: pairs.len() * (width + BEHIND) + text,
            pairs,
        }
    }

    /// The same with one more, as the one `at`.
    pub(super) fn with(mut self, at: usize, pair: Pair<'a>) -> Load<'a> {
        self.pairs.insert(at, pair);
        Load::new(self.pairs)
    }

    /// Bytes that all take of one chunk, or of several together at most.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// The pairs in about `parts` chunks of about the same size. A single one that is `alone` in its
    /// sorted set may be small.
    pub(super) fn pack(&self, parts: usize, alone: bool) -> Vec<Chunk> {
        let share = self.cost.div_ceil(parts).min(ROOM);
        let mut ends = Vec::with_capacity(parts);
        let mut sum = 0;
        for (at, (_, member)) in self.pairs.iter().enumerate() {
            let size = self.width + BEHIND + member.len();
            let is_share = ends.len() + 1 < parts && sum + size / 2 > share;
            if sum > 0 && (is_share || sum + size > ROOM) {
                ends.push(at);
                sum = 0;
            }
            sum += size;
        }
        ends.push(self.pairs.len());
        let is_small = alone && ends.len() == 1;
        let least = if is_small { BLOCK_MIN } else { BLOCK };
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts
            .zip(&ends)
            .map(|(start, &end)| Chunk::of(&self.pairs[start..end], least))
            .collect()
    }
}

impl Chunk {
    /// These pairs in a block of `least` bytes or more.
    fn of(pairs: &[Pair<'_>], least: usize) -> Chunk {
        let frame = Frame::of(pairs.iter().map(|pair| pair.0));
        let text = pairs.iter().map(|(_, member)| member.len()).sum();
        let used = HEADER + pairs.len() * (frame.width() + BEHIND) + text;
        let mut block: Arc<[u8]> = std::iter::repeat_n(0, block_for(used).max(least)).collect();
        let bytes = Arc::make_mut(&mut block);
        write_header(bytes, frame, pairs.len(), text);
        for (at, (score, _)) in pairs.iter().enumerate() {
            write_score(bytes, frame, at, frame.encode(*score).unwrap_or_default());
        }
        let (mut place, mut start) = (HEADER + pairs.len() * frame.width(), bytes.len() - text);
        for (_, member) in pairs {
            let end = start + member.len();
            bytes[start..end].copy_from_slice(member);
            write_behind(bytes, place, bytes.len() - end);
            (place, start) = (place + BEHIND, end);
        }
        Chunk(block)
    }

    #[inline]
    pub(super) fn view(&self) -> ChunkRef<'_> {
        let block = &*self.0;
        let header: [u8; HEADER] = block.first_chunk().copied().unwrap_or_default();
        let [c0, c1, width, shift, t0, t1, t2, t3, base @ ..] = header;
        ChunkRef {
            block,
            frame: Frame {
                base: u64::from_le_bytes(base),
                shift,
                width,
            },
            count: usize::from(u16::from_le_bytes([c0, c1])),
            text: u32::from_le_bytes([t0, t1, t2, t3]) as usize,
        }
    }

    /// Bytes taken of an allocator.
    pub(super) fn heap_bytes(&self) -> usize {
        slice_bytes(&self.0)
    }

    /// Drops a chunk of the live side.
    pub(super) fn let_go(self) {
        let_go_slice(self.0);
    }

    /// Frees the chunk: its bytes, if nobody else shares it.
    pub(super) fn free(self) -> usize {
        free_slice(self.0)
    }

    /// Adds a pair as the one `at`; `false` if there is no room for it as the block is, or the
    /// score is not within the frame.
    pub(super) fn insert(&mut self, at: usize, score: f64, member: &[u8]) -> bool {
        let view = self.view();
        let ChunkRef {
            frame, count, text, ..
        } = view;
        let more = frame.width() + BEHIND;
        // A larger block is of one member: how much follows a member there may not fit two bytes.
        let room = self.0.len().min(BLOCK);
        let (Some(word), true) = (
            frame.encode(score),
            HEADER + view.used() + more + member.len() <= room,
        ) else {
            return false;
        };
        let from = view.from(at);
        let old = HEADER + count * frame.width();
        let (score_at, behind_at) = (HEADER + at * frame.width(), old + BEHIND * at);
        let block = own_slice(&mut self.0);
        let end = block.len() - from;
        let start = end - member.len();
        block.copy_within(block.len() - text..end, block.len() - text - member.len());
        block[start..end].copy_from_slice(member);
        // From the back, so that nothing is overwritten before it has moved.
        block.copy_within(behind_at..old + BEHIND * count, behind_at + more);
        block.copy_within(old..behind_at, old + frame.width());
        block.copy_within(score_at..old, score_at + frame.width());
        write_score(block, frame, at, word);
        let (old, behind_at) = (old + frame.width(), behind_at + frame.width());
        change_behind(&mut block[old..behind_at], |bytes| {
            bytes + member.len() as u16
        });
        write_behind(block, behind_at, from);
        write_header(block, frame, count + 1, text + member.len());
        true
    }

    /// Removes the pairs in `range`, which are there.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        let view = self.view();
        let ChunkRef {
            frame, count, text, ..
        } = view;
        let (from, to) = (view.from(range.start), view.from(range.end));
        let (left, gone) = (count - range.len(), from - to);
        let width = frame.width();
        let (old, new) = (HEADER + count * width, HEADER + left * width);
        let tail = new + BEHIND * range.start;
        let block = own_slice(&mut self.0);
        let (first, last) = (block.len() - text, block.len() - from);
        block.copy_within(first..last, first + gone);
        block.copy_within(
            HEADER + range.end * width..old,
            HEADER + range.start * width,
        );
        block.copy_within(old..old + BEHIND * range.start, new);
        block.copy_within(old + BEHIND * range.end..old + BEHIND * count, tail);
        change_behind(&mut block[new..tail], |bytes| bytes - gone as u16);
        write_header(block, frame, left, text - gone);
    }
}

/// Bytes of a block for pairs that take `used` bytes, header included.
fn block_for(used: usize) -> usize {
    let bytes = used + COUNTS;
    let block = if used <= BLOCK {
        bytes.next_power_of_two()
    } else {
        usable_size(bytes)
    };
    block - COUNTS
}

fn write_header(block: &mut [u8], frame: Frame, count: usize, text: usize) {
    let text = u32::try_from(text).expect("a member is shorter than 4 GiB");
    block[..2].copy_from_slice(&(count as u16).to_le_bytes());
    block[2..4].copy_from_slice(&[frame.width, frame.shift]);
    block[4..8].copy_from_slice(&text.to_le_bytes());
    block[8..HEADER].copy_from_slice(&frame.base.to_le_bytes());
}

fn write_score(block: &mut [u8], frame: Frame, at: usize, word: u64) {
    let width = frame.width();
    block[HEADER + at * width..][..width].copy_from_slice(&word.to_le_bytes()[..width]);
}

fn write_behind(block: &mut [u8], at: usize, bytes: usize) {
    block[at..at + BEHIND].copy_from_slice(&(bytes as u16).to_le_bytes());
}

fn change_behind(behind: &mut [u8], change: impl Fn(u16) -> u16) {
    for bytes in behind.as_chunks_mut::<BEHIND>().0 {
        *bytes = change(u16::from_le_bytes(*bytes)).to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(chunk: &Chunk) -> Vec<(f64, Vec<u8>)> {
        let pairs = chunk.view().pairs();
        pairs
            .map(|(score, member)| (score, member.to_vec()))
            .collect()
    }

    fn borrowed(pairs: &[(f64, Vec<u8>)]) -> Vec<Pair<'_>> {
        pairs
            .iter()
            .map(|(score, member)| (*score, &member[..]))
            .collect()
    }

    #[test]
    fn blocks_fill_their_classes() {
        for used in [
            HEADER,
            240,
            241,
            1000,
            2032,
            2033,
            BLOCK,
            BLOCK + 1,
            100_000,
        ] {
            let block = block_for(used);
            assert!(block >= used && usable_size(block + COUNTS) == block + COUNTS);
        }
        assert_eq!(block_for(BLOCK), BLOCK);
    }

    #[test]
    fn a_block_takes_what_it_has_room_for() {
        let mut chunk = Chunk::of(&[(1.0, b"a"), (200.0, b"z")], BLOCK_MIN);
        assert!(!chunk.insert(1, 1.01, b"b"), "no score of the frame");
        let frozen = chunk.clone();
        while chunk.insert(1, 2.0, b"0123456789") {}
        let (view, frame) = (chunk.view(), chunk.view().frame);
        assert!(HEADER + view.used() + frame.width() + BEHIND + 10 > BLOCK_MIN);
        assert!(HEADER + view.used() <= BLOCK_MIN);
        assert_eq!(frozen.view().len(), 2);
    }

    #[test]
    fn a_member_larger_than_a_block_has_one_of_its_own() {
        let large = vec![b'l'; 100_000];
        let all = [(1.0, &b"a"[..]), (2.0, &large), (3.0, b"z")];
        let chunks = Load::new(all.to_vec()).pack(1, true);
        let lens: Vec<usize> = chunks.iter().map(|chunk| chunk.view().len()).collect();
        assert_eq!(lens, [1, 1, 1]);
        assert_eq!(chunks[1].view().member(0), large);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn pairs_move_together(
            steps in prop::collection::vec((0u8..4, 0usize..99, -99i32..99, prop::collection::vec(any::<u8>(), 0..40)), 0..200),
        ) {
            let (mut chunk, mut model) = (Chunk::of(&[], BLOCK), Vec::new());
            for (kind, at, score, member) in steps {
                let (at, score) = (at % (model.len() + 1), f64::from(score) / 4.0);
                if kind == 0 {
                    let range = at..model.len().min(at + 3);
                    chunk.remove(range.clone());
                    model.drain(range);
                } else {
                    model.insert(at, (score, member.clone()));
                    if !chunk.insert(at, score, &member) {
                        let all = borrowed(&model);
                        if Load::new(all.clone()).cost() > ROOM { break }
                        chunk = Chunk::of(&all, BLOCK);
                    }
                }
                prop_assert_eq!(pairs(&chunk), model.clone());
                prop_assert!(chunk.view().used() >= Load::new(borrowed(&model)).cost());
            }
        }

        #[test]
        fn packing_keeps_all_and_shares_evenly(
            members in prop::collection::vec((-99i32..99, 0usize..300), 0..300),
            parts in 1usize..4,
        ) {
            let all: Vec<(f64, Vec<u8>)> = members
                .into_iter()
                .map(|(score, len)| (f64::from(score), vec![b'm'; len]))
                .collect();
            let load = Load::new(borrowed(&all));
            let chunks = load.pack(parts, false);
            let packed: Vec<_> = chunks.iter().flat_map(pairs).collect();
            prop_assert_eq!(packed, all.clone());
            for chunk in &chunks {
                prop_assert!(chunk.view().used() <= ROOM);
            }
            if load.cost() < parts * (ROOM - 304) {
                prop_assert!(chunks.len() <= parts);
            }
        }
    }
}
