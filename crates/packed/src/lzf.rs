//! LZF: the compression of long strings in RDB files.
//!
//! Literal runs and references to the last 8 KiB, byte-aligned; no header, no checksum, no end mark.
//!
//! ```text
//!   control byte c
//!   000nnnnn                        n + 1 literal bytes follow (1..=32)
//!   nnnooooo oooooooo               copy n + 2 bytes (3..=8) from o + 1 bytes back
//!   111ooooo nnnnnnnn oooooooo      copy n + 9 bytes (9..=264) from o + 1 bytes back
//!
//!   A copy may overlap what it writes: 1 byte back repeats that byte.
//!
//!   Example: 00 61  E0 0A 00        "a", then 19 times the byte before: 20 times "a"
//! ```
//!
//! Invariants: what was compressed decompresses to the same bytes; compressed data is at least 4 bytes smaller than the
//! original, or there is none; references reach back 1..=8192 bytes.

mod unpacker;

pub use unpacker::Unpacker;

use crate::wire;
use crate::{Error, ErrorKind};

const LITERALS_MAX: usize = 32;
const MATCH_MIN: usize = 3;
const MATCH_MAX: usize = 264;
/// Matches shorter than this have their length in the control byte.
const MATCH_LONG: usize = 9;
const DISTANCE_MAX: usize = 8192;
/// Bytes that compression must save to be worth it.
const GAIN_MIN: usize = 4;
/// No three compressed bytes expand to more than `MATCH_MAX`.
const EXPANSION_MAX: usize = 88;
const EXPANSION_SLACK: usize = 32;

const TABLE_BITS: u32 = 13;
/// Failed probes after which the search begins to step over bytes: one byte more per this many.
const PATIENCE_BITS: u32 = 5;

/// Where three-byte sequences were last seen. Good for any number of calls, and best reused: it is never cleared.
#[derive(Clone)]
pub struct Table {
    /// By hash: position + `base` of the call that wrote it. What is below `base` is from an earlier call.
    slots: Box<[u32; 1 << TABLE_BITS]>,
    base: u32,
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Table {
    /// An empty table, 32 KiB.
    pub fn new() -> Self {
        Self {
            slots: Box::new([0; 1 << TABLE_BITS]),
            base: 1,
        }
    }

    /// Whether positions below `len` fit a u32 on top of `base`, which starts over if need be.
    fn make_room(&mut self, len: usize) -> bool {
        let fits = |base: u32| u32::try_from(len).is_ok_and(|len| base.checked_add(len).is_some());
        if !fits(self.base) {
            self.slots.fill(0);
            self.base = 1;
        }
        fits(self.base)
    }

    /// Puts position `at` in place of what the table has for the first three bytes of `word`: how far back that is, if
    /// it is of this call.
    #[inline]
    fn swap(&mut self, word: u32, at: usize) -> Option<usize> {
        let hash = (word << 8).wrapping_mul(0x9e37_79b1) >> (32 - TABLE_BITS);
        let now = self.base + at as u32;
        let slot = &mut self.slots[hash as usize & ((1 << TABLE_BITS) - 1)];
        let before = std::mem::replace(slot, now);
        (before >= self.base).then(|| (now - before) as usize)
    }
}

/// Four bytes at `at`.
#[inline]
fn four(bytes: &[u8], at: usize) -> Option<u32> {
    wire::array(bytes, at).map(u32::from_le_bytes)
}

/// Appends the compressed form of `input` to `out` and gives its size; `None`, and `out` as it was, if it would not be
/// at least 4 bytes smaller.
pub fn compress(input: &[u8], out: &mut Vec<u8>, table: &mut Table) -> Option<usize> {
    let limit = input.len().checked_sub(GAIN_MIN)?;
    if !table.make_room(input.len()) {
        return None;
    }
    let before = out.len();
    out.resize(before + limit, 0);
    let place = out.get_mut(before..).unwrap_or_default();
    let size = compress_into(input, Packed { place, len: 0 }, table);
    // What this call has entered is below the next one's base, and so forgotten without clearing.
    table.base += input.len() as u32;
    out.truncate(before + size.unwrap_or(0));
    size
}

/// Compresses all of `input`; `None` if `packed` has no room for it.
fn compress_into(input: &[u8], mut packed: Packed<'_>, table: &mut Table) -> Option<usize> {
    let (mut at, mut literals_from, mut misses) = (0, 0, 0usize);
    while let Some(word) = four(input, at) {
        let distance = table
            .swap(word, at)
            .filter(|distance| *distance <= DISTANCE_MAX);
        let same = distance.filter(|distance| {
            four(input, at - distance).is_some_and(|old| (old ^ word) << 8 == 0)
        });
        let Some(distance) = same else {
            at += 1 + (misses >> PATIENCE_BITS);
            misses += 1;
            continue;
        };
        let len = match_len(input, at, distance);
        packed.literals(input, literals_from, at)?;
        packed.reference(distance, len)?;
        remember(input, at, len, table);
        at += len;
        literals_from = at;
        misses = 0;
    }
    packed.literals(input, literals_from, input.len())?;
    Some(packed.len)
}

/// Enters the last positions of a match into the table, where what follows is most likely to continue.
#[inline]
fn remember(input: &[u8], at: usize, len: usize, table: &mut Table) {
    for at in [at + len - 2, at + len - 1] {
        if let Some(word) = four(input, at) {
            table.swap(word, at);
        }
    }
}

/// How many bytes at `at` equal those `distance` before; 3 are known to.
#[inline]
fn match_len(input: &[u8], at: usize, distance: usize) -> usize {
    let end = input.len().min(at + MATCH_MAX);
    let mut here = at + MATCH_MIN;
    while let Some(word) = wire::array::<8>(input, here)
        && let Some(old) = wire::array::<8>(input, here - distance)
        && here < end
    {
        let differ = u64::from_le_bytes(word) ^ u64::from_le_bytes(old);
        if differ != 0 {
            here += (differ.trailing_zeros() / 8) as usize;
            return here.min(end) - at;
        }
        here += 8;
    }
    while here < end && input.get(here) == input.get(here - distance) {
        here += 1;
    }
    here.min(end) - at
}

/// Compressed bytes in a place of fixed size.
struct Packed<'a> {
    place: &'a mut [u8],
    len: usize,
}

impl Packed<'_> {
    /// Adds `input[from..to]` as literal runs.
    #[inline]
    fn literals(&mut self, input: &[u8], mut from: usize, to: usize) -> Option<()> {
        while from < to {
            let len = (to - from).min(LITERALS_MAX);
            let end = self.len + 1 + len;
            let (control, rest) = self.place.get_mut(self.len..)?.split_first_mut()?;
            if end > self.len + 1 + rest.len() {
                return None;
            }
            *control = (len - 1) as u8;
            copy_run(input, from, rest, 0, len);
            self.len = end;
            from += len;
        }
        Some(())
    }

    /// Adds a reference.
    #[inline]
    fn reference(&mut self, distance: usize, len: usize) -> Option<()> {
        let [high, low] = ((distance - 1) as u16).to_be_bytes();
        let rest = self.place.get_mut(self.len..)?;
        if len < MATCH_LONG {
            *rest.first_chunk_mut()? = [((len - 2) << 5) as u8 | high, low];
            self.len += 2;
        } else {
            *rest.first_chunk_mut()? = [0xe0 | high, (len - MATCH_LONG) as u8, low];
            self.len += 3;
        }
        Some(())
    }
}

/// Copies `len` (at most 32) bytes; false if one side does not have them. Where both sides have 32 it copies 32, which
/// is a few moves and no call; what is too much is overwritten later.
#[inline]
fn copy_run(input: &[u8], from: usize, out: &mut [u8], to: usize, len: usize) -> bool {
    let source = input
        .get(from..)
        .and_then(|rest| rest.first_chunk::<LITERALS_MAX>());
    let place = out
        .get_mut(to..)
        .and_then(|rest| rest.first_chunk_mut::<LITERALS_MAX>());
    if let (Some(source), Some(place)) = (source, place) {
        *place = *source;
        return true;
    }
    match (input.get(from..from + len), out.get_mut(to..to + len)) {
        (Some(source), Some(place)) => {
            place.copy_from_slice(source);
            true
        }
        _ => false,
    }
}

/// The most bytes that `compressed` bytes can stand for; a larger claim is refused.
pub const fn expansion_limit(compressed: usize) -> usize {
    compressed
        .saturating_mul(EXPANSION_MAX)
        .saturating_add(EXPANSION_SLACK)
}

/// Refuses a claim of 0, and one beyond [`expansion_limit`].
fn check_claim(compressed: usize, claimed: u64) -> Result<(), Error> {
    let limit = expansion_limit(compressed) as u64;
    match claimed {
        0 => Err(Error::new(0, ErrorKind::Empty)),
        found if found > limit => Err(Error::new(0, ErrorKind::Expansion { limit, found })),
        _ => Ok(()),
    }
}

/// Appends the `claimed` bytes that `input` stands for to `out`; on an error `out` is as it was.
///
/// Refuses what is not exactly `claimed` bytes, a claim of 0, and, before it reserves anything, a claim beyond
/// [`expansion_limit`].
pub fn decompress(input: &[u8], claimed: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    check_claim(input.len(), claimed as u64)?;
    let before = out.len();
    out.resize(before + claimed, 0);
    let result = expand(input, out.get_mut(before..).unwrap_or_default());
    if result.is_err() {
        out.truncate(before);
    }
    result
}

/// Fills `out` exactly.
fn expand(input: &[u8], out: &mut [u8]) -> Result<(), Error> {
    let (mut at, mut written) = (0, 0);
    while at < input.len() {
        let item = expand_item(input, at, out, written)?;
        at += item.width;
        written += item.len;
    }
    check_whole(at, out.len() as u64, written as u64)
}

/// Checks the size of what all `at` bytes of the input stood for.
fn check_whole(at: usize, expected: u64, found: u64) -> Result<(), Error> {
    match expected == found {
        true => Ok(()),
        false => Err(Error::new(at, ErrorKind::OriginalSize { expected, found })),
    }
}

/// A literal run or a reference that was carried out.
struct Item {
    /// The bytes that it takes.
    width: usize,
    /// The bytes that it stands for.
    len: usize,
}

/// Carries out the item at `input[at]`, which is there, behind the first `written` bytes of `out`.
#[inline]
fn expand_item(input: &[u8], at: usize, out: &mut [u8], written: usize) -> Result<Item, Error> {
    let control = input.get(at).copied().unwrap_or_default();
    let fail = |kind| Error::new(at, kind);
    if control < 32 {
        let len = usize::from(control) + 1;
        check_room(out.len(), written, len).map_err(fail)?;
        if !copy_run(input, at + 1, out, written, len) {
            return Err(fail(ErrorKind::Short {
                expected: len as u64,
                found: (input.len() - at - 1) as u64,
            }));
        }
        let width = 1 + len;
        return Ok(Item { width, len });
    }
    let (reference, width) = read_match(input, at).ok_or_else(|| {
        let expected = if control >= 0xe0 { 3 } else { 2 };
        fail(ErrorKind::Short {
            expected,
            found: (input.len() - at) as u64,
        })
    })?;
    let len = reference.len;
    check_room(out.len(), written, len).map_err(fail)?;
    if reference.distance > written {
        let (distance, available) = (reference.distance as u64, written as u64);
        return Err(fail(ErrorKind::Reference {
            distance,
            available,
        }));
    }
    copy_match(out, written, reference);
    Ok(Item { width, len })
}

#[inline]
fn check_room(claimed: usize, written: usize, len: usize) -> Result<(), ErrorKind> {
    if len <= claimed - written {
        return Ok(());
    }
    Err(ErrorKind::OriginalSize {
        expected: claimed as u64,
        found: (written + len) as u64,
    })
}

#[derive(Clone, Copy)]
struct Match {
    distance: usize,
    len: usize,
}

/// Reads a reference at `at`: it and the bytes that it takes.
#[inline]
fn read_match(input: &[u8], at: usize) -> Option<(Match, usize)> {
    let &[control, next, ..] = input.get(at..)? else {
        return None;
    };
    let (len, low, width) = match control >> 5 {
        7 => (MATCH_LONG + usize::from(next), *input.get(at + 2)?, 3),
        short => (usize::from(short) + 2, next, 2),
    };
    let distance = usize::from(u16::from_be_bytes([control & 0x1f, low])) + 1;
    Some((Match { distance, len }, width))
}

/// Copies a reference whose source and target both lie within `out`.
#[inline]
fn copy_match(out: &mut [u8], to: usize, Match { distance, len }: Match) {
    let from = to - distance;
    let Some((done, rest)) = out.split_at_mut_checked(to) else {
        return;
    };
    // One fixed copy, which is a few moves and no call; what is too much is overwritten later.
    if len <= 32 && copy_chunk::<32>(done, from, rest)
        || len <= 8 && copy_chunk::<8>(done, from, rest)
    {
        return;
    }
    copy_overlapping(out, to, distance, len);
}

/// Copies `N` bytes to the start of `rest`; false if one side does not have them.
#[inline]
fn copy_chunk<const N: usize>(done: &[u8], from: usize, rest: &mut [u8]) -> bool {
    match (wire::array::<N>(done, from), rest.first_chunk_mut::<N>()) {
        (Some(source), Some(place)) => {
            *place = source;
            true
        }
        _ => false,
    }
}

/// Copies in rounds that double: what was written is source for what follows.
fn copy_overlapping(out: &mut [u8], to: usize, distance: usize, len: usize) {
    let from = to - distance;
    if distance == 1 {
        let byte = out[from];
        return out[to..to + len].fill(byte);
    }
    let mut done = 0;
    while done < len {
        let round = (distance + done).min(len - done);
        out.copy_within(from..from + round, to + done);
        done += round;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(input: &[u8], table: &mut Table) -> Option<usize> {
        let mut packed = b"before".to_vec();
        let size = compress(input, &mut packed, table);
        assert_eq!(packed.len(), 6 + size.unwrap_or(0));
        if let Some(size) = size {
            assert!(size + GAIN_MIN <= input.len());
            let mut out = b"before".to_vec();
            decompress(&packed[6..], input.len(), &mut out).unwrap();
            assert_eq!(&out[6..], input);
        }
        size
    }

    fn refused(input: &[u8], claimed: usize) -> ErrorKind {
        let mut out = b"kept".to_vec();
        let error = decompress(input, claimed, &mut out).unwrap_err();
        assert_eq!(out, b"kept");
        error.kind
    }

    #[test]
    fn the_example_in_the_drawing() {
        let mut packed = Vec::new();
        compress(&[b'a'; 20], &mut packed, &mut Table::new());
        assert_eq!(packed, [0, b'a', 0xe0, 0x0a, 0]);
        let mut out = Vec::new();
        assert_eq!(decompress(&packed, 20, &mut out), Ok(()));
        assert_eq!(out, [b'a'; 20]);
    }

    #[test]
    fn saves_four_bytes_or_says_no() {
        let mut table = Table::new();
        for len in 0..8 {
            assert_eq!(round_trip(&vec![b'x'; len], &mut table), None, "{len}");
        }
        assert_eq!(round_trip(&[b'x'; 8], &mut table), Some(4));
        let noise: Vec<u8> = (0..5000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 ^ (n >> 3) as u8)
            .collect();
        let _ = round_trip(&noise, &mut table);
    }

    #[test]
    fn long_runs_far_matches_and_table_wrap() {
        let mut table = Table::new();
        table.base = u32::MAX - 1000;
        let mut input = vec![0; 100_000];
        input.extend((0..8192u32).map(|n| ((n * n) >> 5) as u8));
        input.extend_from_within(input.len() - 8192..);
        assert!(round_trip(&input, &mut table).unwrap() < 10_000);
        assert!(table.base < u32::MAX / 2);
        assert!(round_trip(&input, &mut table).is_some());
    }

    #[test]
    fn every_distance_and_length_copies_right() {
        for distance in (1..40).chain([264, 8191, 8192]) {
            for len in (3..70).chain([263, 264]) {
                let mut expected: Vec<u8> =
                    (0..distance).map(|n| (n * 7 + n / 256) as u8).collect();
                let mut place = vec![0; 9000];
                let mut packed = Packed {
                    place: &mut place,
                    len: 0,
                };
                packed.literals(&expected, 0, distance).unwrap();
                packed.reference(distance, len).unwrap();
                let size = packed.len;
                (0..len).for_each(|_| expected.push(expected[expected.len() - distance]));
                let mut out = Vec::new();
                decompress(&place[..size], distance + len, &mut out).unwrap();
                assert_eq!(out, expected, "{len} bytes from {distance} back");
            }
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(refused(&[0, b'a'], 0), ErrorKind::Empty);
        assert_eq!(
            refused(&[0, b'a'], 209),
            ErrorKind::Expansion {
                limit: 208,
                found: 209
            }
        );
        assert_eq!(
            refused(&[1, b'a'], 2),
            ErrorKind::Short {
                expected: 2,
                found: 1
            }
        );
        assert_eq!(
            refused(&[0, b'a'], 2),
            ErrorKind::OriginalSize {
                expected: 2,
                found: 1
            }
        );
        assert_eq!(
            refused(&[1, b'a', b'b'], 1),
            ErrorKind::OriginalSize {
                expected: 1,
                found: 2
            }
        );
        assert_eq!(
            refused(&[0, b'a', 0x20, 1], 4),
            ErrorKind::Reference {
                distance: 2,
                available: 1
            }
        );
        assert_eq!(
            refused(&[0, b'a', 0x20], 4),
            ErrorKind::Short {
                expected: 2,
                found: 1
            }
        );
        assert_eq!(
            refused(&[0, b'a', 0xe0, 0], 10),
            ErrorKind::Short {
                expected: 3,
                found: 2
            }
        );
        assert_eq!(
            refused(&[0, b'a', 0x20, 0], 3),
            ErrorKind::OriginalSize {
                expected: 3,
                found: 4
            }
        );
    }

    proptest! {
        #[test]
        fn round_trips(pieces in prop::collection::vec((0usize..300, any::<u8>(), 1usize..600), 0..40)) {
            // Each piece is noise of some alphabet, or a copy of what came before.
            let mut input: Vec<u8> = Vec::new();
            for (len, seed, back) in pieces {
                for step in 0..len {
                    let noise = (step as u32 ^ u32::from(seed)).wrapping_mul(2_654_435_761) >> 24;
                    let copy = input.len().checked_sub(back).map(|at| input[at]);
                    input.push(copy.filter(|_| seed < 128).unwrap_or(noise as u8));
                }
            }
            let mut table = Table::new();
            let first = round_trip(&input, &mut table);
            prop_assert_eq!(round_trip(&input, &mut table), first);
        }

        #[test]
        fn bad_bytes_never_panic(input in prop::collection::vec(any::<u8>(), 0..80), claimed in 0usize..2000) {
            let mut out = Vec::new();
            if decompress(&input, claimed, &mut out).is_ok() {
                prop_assert_eq!(out.len(), claimed);
            } else {
                prop_assert!(out.is_empty());
            }
        }
    }
}
