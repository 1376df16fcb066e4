//! Counting and finding bits within a range.

use crate::{Args, Context, Error, Outcome};
use keyspace::StringRef;
use packed::{IntText, number};
use std::ops::Range;

/// The range of BITCOUNT and BITPOS as it was asked for.
#[derive(Clone, Copy)]
struct Asked {
    start: i64,
    /// Negative from the end; the end of the string if absent.
    end: Option<i64>,
    in_bits: bool,
}

const WHOLE: Asked = Asked {
    start: 0,
    end: None,
    in_bits: false,
};

impl Asked {
    /// Takes `BYTE` or `BIT`, if anything is left.
    fn unit(args: &mut Args<'_>) -> Result<bool, Error> {
        let in_bits = args.keyword("BIT");
        if !in_bits && !args.is_done() && !args.keyword("BYTE") {
            return Err(Error::Syntax);
        }
        args.done()?;
        Ok(in_bits)
    }

    /// The bits meant, of a string of `len` bytes.
    fn bits(self, len: usize) -> Range<usize> {
        let units = if self.in_bits { len * 8 } else { len } as i64;
        let end = self.end.unwrap_or(-1);
        let from_front = |at: i64| if at < 0 { (at + units).max(0) } else { at };
        let (start, end) = (from_front(self.start), from_front(end).min(units - 1));
        if start > end {
            return 0..0;
        }
        let scale = if self.in_bits { 1 } else { 8 };
        start as usize * scale..(end as usize + 1) * scale
    }
}

pub(super) fn bitcount(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let asked = if ctx.args.is_done() {
        WHOLE
    } else if !(2..=3).contains(&ctx.args.left()) {
        return Err(Error::Syntax);
    } else {
        let (start, end) = (ctx.args.int()?, Some(ctx.args.int()?));
        let in_bits = Asked::unit(&mut ctx.args)?;
        Asked {
            start,
            end,
            in_bits,
        }
    };
    let count = match ctx.keys.string(ctx.db, key)? {
        Some(string) => {
            let backwards = asked.start < 0 && asked.end.is_some_and(|end| end < asked.start);
            // Ends from the back in the wrong order meet in the first unit once they are clamped.
            // Only BITPOS lets that count.
            let bits = if backwards {
                0..0
            } else {
                asked.bits(string.len())
            };
            count_ones(string.spelled(&mut IntText::new()), bits)
        }
        None => 0,
    };
    ctx.reply.integer(count as i64);
    Ok(())
}

fn count_ones(string: StringRef<'_>, bits: Range<usize>) -> u64 {
    masked(string, bits, false)
        .map(|part| {
            let (first, last) = (part.first.count_ones(), part.last.count_ones());
            u64::from(first) + ones(part.middle) + u64::from(last)
        })
        .sum()
}

fn ones(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words
        .iter()
        .map(|word| u64::from_le_bytes(*word).count_ones());
    let rest = rest.iter().map(|byte| byte.count_ones());
    words.chain(rest).map(u64::from).sum()
}

/// A stretch of a string with its partial bytes taken off and masked.
struct Part<'s> {
    /// Offset of `first` in the string, in bytes.
    at: usize,
    first: u8,
    middle: &'s [u8],
    last: u8,
}

/// The bytes that hold `bits`, chunk by chunk; bits outside of the range read as `outside`.
fn masked(
    string: StringRef<'_>,
    bits: Range<usize>,
    outside: bool,
) -> impl Iterator<Item = Part<'_>> {
    let filler = if outside { 0xff } else { 0 };
    let mut chunk_at = 0;
    string.chunks().filter_map(move |chunk| {
        let at = chunk_at;
        chunk_at += chunk.len();
        let start = bits.start.max(at * 8);
        let end = bits.end.min((at + chunk.len()) * 8);
        (start < end).then(|| part(chunk, at, start..end, filler))
    })
}

/// `bits` lie within the chunk, which begins at byte `at`.
fn part(chunk: &[u8], at: usize, bits: Range<usize>, filler: u8) -> Part<'_> {
    let (first_at, last_at) = (bits.start / 8 - at, (bits.end - 1) / 8 - at);
    let front = 0xff_u8 >> (bits.start % 8);
    let back = 0xff_u8 << (7 - (bits.end - 1) % 8);
    let keep = |byte: u8, mask: u8| byte & mask | filler & !mask;
    let bytes = chunk.get(first_at..=last_at).unwrap_or(&[]);
    let (first, middle, last) = match bytes {
        [first, middle @ .., last] => (keep(*first, front), middle, keep(*last, back)),
        [only] => (keep(*only, front & back), &[][..], filler),
        [] => (filler, &[][..], filler),
    };
    Part {
        at: at + first_at,
        first,
        middle,
        last,
    }
}

pub(super) fn bitpos(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let bit = match number::parse_i64(ctx.args.bytes()?) {
        Some(bit @ (0 | 1)) => bit == 1,
        Some(_) => return Err(Error::err("The bit argument must be 1 or 0.")),
        None => return Err(Error::NotInteger),
    };
    let mut asked = WHOLE;
    if ctx.args.left() > 3 {
        return Err(Error::Syntax);
    }
    if !ctx.args.is_done() {
        asked.start = ctx.args.int()?;
    }
    if !ctx.args.is_done() {
        let end = ctx.args.bytes()?;
        asked.in_bits = Asked::unit(&mut ctx.args)?;
        // Servers look at the unit first.
        asked.end = Some(number::parse_i64(end).ok_or(Error::NotInteger)?);
    }
    let position = match ctx.keys.string(ctx.db, key)? {
        Some(string) => find(string.spelled(&mut IntText::new()), bit, asked),
        None if bit => -1,
        None => 0,
    };
    ctx.reply.integer(position);
    Ok(())
}

/// The first such bit. A string that ends in ones is thought to go on with zeros, unless the end
/// of the range was given.
fn find(string: StringRef<'_>, bit: bool, asked: Asked) -> i64 {
    let bits = asked.bits(string.len());
    if bits.is_empty() {
        return -1;
    }
    let end = bits.end;
    let found = masked(string, bits, !bit).find_map(|part| first_bit(&part, bit));
    match found {
        Some(position) => position as i64,
        None if !bit && asked.end.is_none() => end as i64,
        None => -1,
    }
}

fn first_bit(part: &Part<'_>, bit: bool) -> Option<usize> {
    let hopeless = if bit { 0 } else { 0xff };
    let bytes = || {
        let middle = part.middle.iter().copied();
        std::iter::once(part.first).chain(middle).chain([part.last])
    };
    let index = bytes().position(|byte| byte != hopeless)?;
    let byte = bytes().nth(index)? ^ hopeless;
    Some((part.at + index) * 8 + byte.leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(bytes: &[u8], bits: Range<usize>) -> Vec<bool> {
        bits.map(|at| bytes[at / 8] >> (7 - at % 8) & 1 == 1)
            .collect()
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_bit_by_bit(
            bytes in proptest::collection::vec(proptest::sample::select(vec![0_u8, 0xff, 1, 0x80, 0x5a]), 0..40),
            start in -350_i64..350, end in -350_i64..350, in_bits: bool, bit: bool,
        ) {
            let asked = Asked { start, end: Some(end), in_bits };
            let string = StringRef::Bytes(&bytes);
            let range = asked.bits(bytes.len());
            let wanted = naive(&bytes, range.clone());
            let ones = wanted.iter().filter(|bit| **bit).count() as u64;
            proptest::prop_assert_eq!(count_ones(string, range.clone()), ones);
            let position = wanted.iter().position(|&found| found == bit);
            let position = position.map_or(-1, |at| (range.start + at) as i64);
            proptest::prop_assert_eq!(find(string, bit, asked), position);
        }
    }
}
