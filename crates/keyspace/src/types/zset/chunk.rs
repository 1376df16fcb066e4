use super::order::is_before;
use crate::usable_size;
use crate::value::arc_bytes;
use std::ops::Range;

/// Members of a sorted set that follow each other, with their scores.
///
/// Three arrays, so that a search reads scores only and a member costs no allocation of its own.
#[derive(Debug, Clone, Default)]
pub(super) struct Chunk {
    scores: Vec<f64>,
    /// Where each member ends in `bytes`; it begins where the one before it ends.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

/// A chunk is split beyond either of these, unless it is down to one member.
pub(super) const MEMBERS_MAX: usize = 128;
const BYTES_MAX: usize = 8192;

impl Chunk {
    pub(super) fn len(&self) -> usize {
        self.scores.len()
    }

    /// Bytes taken of an allocator by this behind an `Arc`.
    pub(super) fn heap_bytes(&self) -> usize {
        arc_bytes::<Chunk>()
            + usable_size(self.scores.capacity() * size_of::<f64>())
            + usable_size(self.ends.capacity() * size_of::<u32>())
            + usable_size(self.bytes.capacity())
    }

    pub(super) fn score(&self, at: usize) -> f64 {
        self.scores.get(at).copied().unwrap_or_default()
    }

    fn start(&self, at: usize) -> usize {
        at.checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |end| *end as usize)
    }

    pub(super) fn member(&self, at: usize) -> &[u8] {
        self.bytes
            .get(self.start(at)..self.start(at + 1))
            .unwrap_or(&[])
    }

    /// Whether one more member of that size makes it too large.
    pub(super) fn is_full_for(&self, member: &[u8]) -> bool {
        !self.scores.is_empty()
            && (self.len() >= MEMBERS_MAX || self.bytes.len() + member.len() > BYTES_MAX)
    }

    /// Whether this and `next` together fill no more than half a chunk.
    pub(super) fn is_small_with(&self, next: &Chunk) -> bool {
        self.len() + next.len() <= MEMBERS_MAX / 2
            && self.bytes.len() + next.bytes.len() <= BYTES_MAX / 2
    }

    /// The place of a member that is there.
    pub(super) fn find(&self, score: f64, member: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before((self.score(middle), self.member(middle)), (score, member)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low < self.len() && self.member(low) == member).then_some(low)
    }

    pub(super) fn insert(&mut self, at: usize, score: f64, member: &[u8]) {
        let start = self.start(at);
        let size = u32::try_from(member.len()).expect("a member is shorter than 4 GiB");
        reserve(&mut self.scores, 1);
        self.scores.insert(at, score);
        reserve(&mut self.ends, 1);
        self.ends.insert(at, start as u32);
        self.ends[at..].iter_mut().for_each(|end| *end += size);
        let old = self.bytes.len();
        reserve(&mut self.bytes, member.len());
        self.bytes.resize(old + member.len(), 0);
        self.bytes.copy_within(start..old, start + member.len());
        self.bytes[start..start + member.len()].copy_from_slice(member);
    }

    pub(super) fn remove(&mut self, range: Range<usize>) {
        let (start, end) = (self.start(range.start), self.start(range.end));
        self.bytes.drain(start..end);
        self.ends[range.end..]
            .iter_mut()
            .for_each(|e| *e -= (end - start) as u32);
        self.ends.drain(range.clone());
        self.scores.drain(range);
    }

    /// Takes out what lies from `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Chunk {
        let start = self.start(at);
        let mut tail = Chunk {
            scores: self.scores.split_off(at),
            ends: self.ends.split_off(at),
            bytes: self.bytes.split_off(start),
        };
        tail.ends.iter_mut().for_each(|end| *end -= start as u32);
        self.shrink();
        tail
    }

    /// Adds what follows.
    pub(super) fn append(&mut self, next: &Chunk) {
        let start = self.bytes.len() as u32;
        self.scores.extend_from_slice(&next.scores);
        self.ends.extend(next.ends.iter().map(|end| start + end));
        self.bytes.extend_from_slice(&next.bytes);
    }

    /// Gives back room that is not needed.
    pub(super) fn shrink(&mut self) {
        self.scores.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.bytes.shrink_to_fit();
    }
}

/// Makes room for so many more, up to the end of an allocator's class and no further: doubling
/// would leave a quarter of all chunks empty.
fn reserve<T>(vec: &mut Vec<T>, more: usize) {
    let len = vec.len() + more;
    if len > vec.capacity() {
        let room = usable_size(len * size_of::<T>()) / size_of::<T>();
        vec.reserve_exact(room - vec.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_move_together_with_their_scores() {
        let mut chunk = Chunk::default();
        chunk.insert(0, 2.0, b"ccc");
        chunk.insert(0, 1.0, b"a");
        chunk.insert(1, 1.0, b"");
        let pairs = |chunk: &Chunk| -> Vec<_> {
            (0..chunk.len())
                .map(|at| (chunk.score(at), chunk.member(at).to_vec()))
                .collect()
        };
        let all = [(1.0, b"a".to_vec()), (1.0, vec![]), (2.0, b"ccc".to_vec())];
        assert_eq!(pairs(&chunk), all);
        let mut tail = chunk.split_off(1);
        assert_eq!(
            (pairs(&chunk), pairs(&tail)),
            (all[..1].to_vec(), all[1..].to_vec())
        );
        tail.append(&chunk);
        tail.remove(0..1);
        assert_eq!(pairs(&tail), [all[2].clone(), all[0].clone()]);
    }
}
