//! The sparse form: runs of equal registers, from the first to the last.
//!
//! ```text
//! 00nnnnnn            ZERO   n + 1 registers are 0
//! 01nnnnnn nnnnnnnn   XZERO  n + 1 registers are 0
//! 1vvvvvnn            VAL    n + 1 registers are v + 1
//! ```
//!
//! Two forms can say the same; to come to the same bytes as Redis, runs are split and merged
//! exactly where it splits and merges them.

use super::REGISTERS;
use super::hash::Place;
use crate::Error;

/// A value beyond this needs the dense form.
pub(super) const VALUE_MAX: u8 = 32;
const VALUE_RUN_MAX: usize = 4;
const ZERO_RUN_MAX: usize = 64;
/// How many runs from the changed one on are looked at for merging.
const MERGE_LOOKS: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// Registers in the run; at least 1.
    len: usize,
    /// 0 to 32.
    value: u8,
}

impl Run {
    /// The run at the start of `bytes` and how many bytes say it.
    fn read(bytes: &[u8]) -> Option<(Run, usize)> {
        Some(match *bytes {
            [first, ..] if first & 0x80 != 0 => {
                let value = (first >> 2 & 31) + 1;
                let len = usize::from(first & 3) + 1;
                (Run { len, value }, 1)
            }
            [first, second, ..] if first & 0x40 != 0 => {
                let len = usize::from(first & 0x3f) << 8 | usize::from(second);
                (
                    Run {
                        len: len + 1,
                        value: 0,
                    },
                    2,
                )
            }
            [first, ..] if first & 0x40 == 0 => {
                let len = usize::from(first) + 1;
                (Run { len, value: 0 }, 1)
            }
            _ => return None,
        })
    }

    /// Nothing is written for an empty run.
    fn write(self, out: &mut Vec<u8>) {
        let last = self.len.wrapping_sub(1);
        match self {
            Run { len: 0, .. } => {}
            Run { value: 0, len } if len <= ZERO_RUN_MAX => out.push(last as u8),
            Run { value: 0, .. } => out.extend([0x40 | (last >> 8) as u8, last as u8]),
            Run { value, .. } => out.push(0x80 | (value - 1) << 2 | last as u8),
        }
    }
}

pub(super) fn corrupted() -> Error {
    Error::Text("INVALIDOBJ Corrupted HLL object detected".into())
}

/// The runs of a form where all registers are 0.
pub(super) fn empty() -> Vec<u8> {
    let mut bytes = Vec::new();
    Run {
        len: REGISTERS,
        value: 0,
    }
    .write(&mut bytes);
    bytes
}

/// Hands each run with its first register to `f`; runs must cover the registers exactly.
pub(super) fn for_each_run(
    mut bytes: &[u8],
    mut f: impl FnMut(usize, usize, u8),
) -> Result<(), Error> {
    let mut first = 0;
    while !bytes.is_empty() {
        let (run, said) = Run::read(bytes).ok_or_else(corrupted)?;
        if run.len > REGISTERS - first {
            return Err(corrupted());
        }
        f(first, run.len, run.value);
        first += run.len;
        bytes = &bytes[said..];
    }
    if first == REGISTERS {
        Ok(())
    } else {
        Err(corrupted())
    }
}

/// The runs as PFDEBUG DECODE shows them: `z:LENGTH` in one byte, `Z:LENGTH` in two,
/// `v:VALUE,LENGTH`.
pub(super) fn describe(mut bytes: &[u8]) -> Result<String, Error> {
    for_each_run(bytes, |_, _, _| {})?;
    let mut words = Vec::new();
    while let Some((Run { len, value }, said)) = Run::read(bytes) {
        words.push(match (value, said) {
            (0, 1) => format!("z:{len}"),
            (0, _) => format!("Z:{len}"),
            _ => format!("v:{value},{len}"),
        });
        bytes = &bytes[said..];
    }
    Ok(words.join(" "))
}

/// What became of an attempt to raise a register.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Raised {
    /// It already was that high.
    No,
    Yes,
    /// The result would not fit the sparse form; nothing was changed.
    NeedsDense,
}

/// The run that holds a register.
struct Found {
    run: Run,
    first: usize,
    /// Offset and length of what says it.
    at: usize,
    said: usize,
    /// Offset of the run before, or of this one if it is the first.
    prev: usize,
}

fn find(bytes: &[u8], register: usize) -> Option<Found> {
    let (mut first, mut at, mut prev) = (0, 0, 0);
    loop {
        let (run, said) = Run::read(bytes.get(at..)?)?;
        if register < first + run.len {
            return Some(Found {
                run,
                first,
                at,
                said,
                prev,
            });
        }
        first += run.len;
        prev = at;
        at += said;
    }
}

/// Raises a register. `bytes` may grow up to `len_max`.
pub(super) fn raise(bytes: &mut Vec<u8>, place: Place, len_max: usize) -> Result<Raised, Error> {
    if place.count > VALUE_MAX {
        return Ok(Raised::NeedsDense);
    }
    let found = find(bytes, place.register).ok_or_else(corrupted)?;
    if found.run.value >= place.count {
        return Ok(Raised::No);
    }
    let said = split(&found, place);
    if said.len() > found.said && bytes.len() + said.len() - found.said > len_max {
        return Ok(Raised::NeedsDense);
    }
    bytes.splice(found.at..found.at + found.said, said);
    merge(bytes, found.prev);
    Ok(Raised::Yes)
}

/// The run with one of its registers raised, as up to three runs.
fn split(found: &Found, place: Place) -> Vec<u8> {
    let before = place.register - found.first;
    let after = found.run.len - before - 1;
    let mut said = Vec::with_capacity(5);
    Run {
        len: before,
        ..found.run
    }
    .write(&mut said);
    Run {
        len: 1,
        value: place.count,
    }
    .write(&mut said);
    Run {
        len: after,
        ..found.run
    }
    .write(&mut said);
    said
}

/// Joins neighbours of the same value where a single run can hold them.
fn merge(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..MERGE_LOOKS {
        let Some((run, said)) = bytes.get(at..).and_then(Run::read) else {
            return;
        };
        let next = bytes.get(at + said..).and_then(Run::read);
        match next {
            Some((next, 1))
                if run.value > 0
                    && next.value == run.value
                    && run.len + next.len <= VALUE_RUN_MAX =>
            {
                let mut joined = Vec::with_capacity(1);
                Run {
                    len: run.len + next.len,
                    value: run.value,
                }
                .write(&mut joined);
                bytes.splice(at..at + 2, joined);
            }
            _ => at += said,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_read_as_they_were_written() {
        for len in [1, 4, 64, 65, 16_384] {
            for value in [0, 1, 32] {
                let run = Run { len, value };
                if value > 0 && len > VALUE_RUN_MAX {
                    continue;
                }
                let mut said = Vec::new();
                run.write(&mut said);
                assert_eq!(Run::read(&said), Some((run, said.len())));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_an_array(
            places in proptest::collection::vec((0..300_usize, 1..8_u8), 0..200)
        ) {
            let mut bytes = empty();
            let mut wanted = vec![0; REGISTERS];
            for (register, count) in places {
                let raised = raise(&mut bytes, Place { register, count }, 3000);
                let wanted_raised = if wanted[register] < count { Raised::Yes } else { Raised::No };
                proptest::prop_assert_eq!(raised, Ok(wanted_raised));
                wanted[register] = count.max(wanted[register]);
            }
            let mut got = Vec::new();
            for_each_run(&bytes, |_, len, value| got.extend(vec![value; len])).expect("sound");
            proptest::prop_assert_eq!(got, wanted);
        }
    }
}
