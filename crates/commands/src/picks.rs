//! Random elements, as SRANDMEMBER, HRANDFIELD and ZRANDMEMBER draw them.

use crate::{Args, Error};
use fastrand::Rng;
use std::collections::HashSet;

/// How many elements are drawn, and whether one may come twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picks {
    /// That many different ones, or all there are.
    Distinct(usize),
    /// Exactly that many.
    Repeated(usize),
}

/// More repeated draws than this are refused: a reply of that size could not be held, and the
/// request for it is 20 bytes.
const REPEATED_MAX: u64 = 1 << 26;

impl Picks {
    /// Takes a count; a negative one asks for repetition.
    pub(crate) fn parse(args: &mut Args<'_>) -> Result<Picks, Error> {
        let count = args.int_between(-i64::MAX, i64::MAX)?;
        if count >= 0 {
            return Ok(Picks::Distinct(
                usize::try_from(count).unwrap_or(usize::MAX),
            ));
        }
        if count.unsigned_abs() > REPEATED_MAX {
            return Err(Error::err("value is out of range"));
        }
        Ok(Picks::Repeated(count.unsigned_abs() as usize))
    }

    /// Refuses counts whose pairs could not be counted, as commands that reply in pairs do.
    pub(crate) fn in_pairs(self) -> Result<Picks, Error> {
        match self {
            Picks::Distinct(count) if count > i64::MAX as usize / 2 => {
                Err(Error::err("value is out of range"))
            }
            picks => Ok(picks),
        }
    }
}

/// Draws `wanted` different elements out of `len` (at most: some of them may not come up in
/// `all`). Few out of many are drawn by chance, more by walking over all.
pub(crate) fn distinct<T>(
    rng: &mut Rng,
    wanted: usize,
    len: usize,
    all: impl Iterator<Item = T>,
    mut random: impl FnMut(&mut Rng) -> Option<T>,
    name: impl Fn(&T) -> Vec<u8>,
) -> Vec<T> {
    if wanted >= len {
        return all.collect();
    }
    if len <= WALKED_MAX || wanted > len / 3 {
        return reservoir(rng, wanted, all);
    }
    let mut seen = HashSet::new();
    let mut drawn = Vec::new();
    let mut tries = 0;
    while drawn.len() < wanted && tries < 32 * wanted {
        tries += 1;
        drawn.extend(random(rng).filter(|element| seen.insert(name(element))));
    }
    if drawn.len() < wanted {
        drawn = reservoir(rng, wanted, all);
    }
    drawn
}

/// Collections of this size are walked over whatever is wanted of them.
const WALKED_MAX: usize = 512;

/// `wanted` elements of an iteration of unknown length, each as likely as any other.
fn reservoir<T>(rng: &mut Rng, wanted: usize, all: impl Iterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for (i, element) in all.enumerate() {
        if kept.len() < wanted {
            kept.push(element);
        } else if let Some(slot) = kept.get_mut(rng.usize(..=i)) {
            *slot = element;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(wanted: usize, len: usize) -> Vec<usize> {
        let mut rng = Rng::with_seed(1);
        let random = |rng: &mut Rng| Some(rng.usize(..len));
        let mut drawn = distinct(&mut rng, wanted, len, 0..len, random, |n| {
            n.to_le_bytes().to_vec()
        });
        drawn.sort_unstable();
        drawn
    }

    #[test]
    fn draws_are_distinct_whatever_the_way() {
        for (wanted, len) in [(0, 9), (3, 9), (9, 9), (12, 9), (40, 5000), (4000, 5000)] {
            let mut drawn = draw(wanted, len);
            drawn.dedup();
            assert_eq!(drawn.len(), wanted.min(len), "{wanted} of {len}");
        }
    }

    #[test]
    fn what_never_comes_up_does_not_hang() {
        let mut rng = Rng::with_seed(1);
        let drawn = distinct(&mut rng, 5, 1000, 0..3, |_| Some(1), |_| vec![1]);
        assert_eq!(drawn, [0, 1, 2]);
    }

    #[test]
    fn extreme_counts_are_refused() {
        for count in ["-9223372036854775808", "-9223372036854775807"] {
            let argv: [&[u8]; 2] = [b"srandmember", count.as_bytes()];
            assert!(Picks::parse(&mut Args::new(&argv)).is_err());
        }
        assert!(Picks::Distinct(i64::MAX as usize).in_pairs().is_err());
    }
}
