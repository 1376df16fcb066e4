//! BITOP: strings combined bit by bit.

use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::{StringRef, Ttl};
use packed::IntText;

/// DIFF, DIFF1, ANDOR and ONE came with Redis 8.2. X is the first string, Y any of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    And,
    Or,
    Xor,
    Not,
    /// In X and in no Y.
    Diff,
    /// In some Y and not in X.
    Diff1,
    /// In X and in some Y.
    AndOr,
    /// In exactly one of all.
    One,
}

const WORDS: [(&str, Operation); 8] = [
    ("AND", Operation::And),
    ("OR", Operation::Or),
    ("XOR", Operation::Xor),
    ("NOT", Operation::Not),
    ("DIFF", Operation::Diff),
    ("DIFF1", Operation::Diff1),
    ("ANDOR", Operation::AndOr),
    ("ONE", Operation::One),
];

impl Operation {
    fn parse(args: &mut Args<'_>) -> Result<Operation, Error> {
        WORDS
            .into_iter()
            .find_map(|(word, operation)| args.keyword(word).then_some(operation))
            .ok_or(Error::Syntax)
    }

    /// Whether servers before Redis 8.2 do not know it.
    fn is_later(self) -> bool {
        let known = [
            Operation::And,
            Operation::Or,
            Operation::Xor,
            Operation::Not,
        ];
        !known.contains(&self)
    }

    /// Refuses a number of strings that makes no sense.
    fn check_count(self, count: usize) -> Result<(), Error> {
        let word = WORDS.into_iter().find(|(_, operation)| *operation == self);
        let word = word.map_or("", |(word, _)| word);
        match self {
            Operation::Not if count != 1 => Err(Error::err(
                "BITOP NOT must be called with a single source key.",
            )),
            Operation::Diff | Operation::Diff1 | Operation::AndOr if count < 2 => Err(Error::err(
                format_args!("BITOP {word} must be called with at least two source keys."),
            )),
            _ => Ok(()),
        }
    }
}

/// How one more string is merged into the result so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    And,
    Or,
    Xor,
    /// The string turned over, whatever was there.
    Not,
    /// The string without the result.
    Without,
    /// The result without the string.
    Remove,
}

impl Step {
    fn apply(self, result: &mut [u8], bytes: &[u8]) {
        for (into, byte) in result.iter_mut().zip(bytes) {
            match self {
                Step::And => *into &= byte,
                Step::Or => *into |= byte,
                Step::Xor => *into ^= byte,
                Step::Not => *into = !byte,
                Step::Without => *into = byte & !*into,
                Step::Remove => *into &= !byte,
            }
        }
    }

    /// Merges a string, which goes on with zeros.
    fn take(self, result: &mut [u8], string: &StringRef<'_>) {
        let end = for_each_chunk(string, |at, chunk| self.apply(&mut result[at..], chunk));
        if matches!(self, Step::And | Step::Without) {
            result[end..].fill(0);
        }
    }
}

/// Hands each part of a string with its offset to `f`; the length of the string.
fn for_each_chunk(string: &StringRef<'_>, mut f: impl FnMut(usize, &[u8])) -> usize {
    let mut at = 0;
    for chunk in string.spelled(&mut IntText::new()).chunks() {
        f(at, chunk);
        at += chunk.len();
    }
    at
}

pub(super) fn bitop(ctx: &mut Context<'_, '_>) -> Outcome {
    let operation = Operation::parse(&mut ctx.args)?;
    let (dest, keys) = (ctx.args.bytes()?, ctx.args.rest());
    operation.check_count(keys.len())?;
    let result = combine(ctx, operation, keys)?;
    keys.iter().for_each(|key| ctx.event_if_missing(key));
    let changed = if result.is_empty() {
        ctx.remove_stored(dest)
    } else {
        ctx.keys.set_string(ctx.db, dest, &result, Ttl::Clear);
        ctx.event(EventClass::STRING, "set", dest);
        true
    };
    if changed && operation.is_later() {
        log_result(ctx, dest, &result);
    }
    ctx.reply.integer(result.len() as i64);
    Ok(())
}

/// Servers that do not know an operation would pass it over in a log, so they get what came of it.
fn log_result(ctx: &mut Context<'_, '_>, dest: &[u8], result: &[u8]) {
    if result.is_empty() {
        ctx.effects.push(&[b"DEL", dest]);
    } else {
        ctx.effects.push(&[b"SET", dest, result]);
    }
}

/// The combined bytes, as many as the longest string has.
fn combine(ctx: &Context<'_, '_>, operation: Operation, keys: &[&[u8]]) -> Result<Vec<u8>, Error> {
    let strings = keys
        .iter()
        .map(|key| {
            Ok(ctx
                .keys
                .string(ctx.db, key)?
                .unwrap_or(StringRef::Bytes(b"")))
        })
        .collect::<Result<Vec<StringRef<'_>>, Error>>()?;
    let len = strings.iter().map(StringRef::len).max().unwrap_or(0);
    let mut result = vec![0; len];
    let Some((first, others)) = strings.split_first() else {
        return Ok(result);
    };
    let mut merge = |step: Step, strings: &[StringRef<'_>]| {
        strings.iter().for_each(|s| step.take(&mut result, s));
    };
    match operation {
        Operation::Or => merge(Step::Or, &strings),
        Operation::Xor => merge(Step::Xor, &strings),
        Operation::Not => merge(Step::Not, &strings),
        Operation::And => {
            merge(Step::Or, &[*first]);
            merge(Step::And, others);
        }
        Operation::Diff | Operation::Diff1 | Operation::AndOr => {
            merge(Step::Or, others);
            merge(against_others(operation), &[*first]);
        }
        Operation::One => only_one(&mut result, &strings),
    }
    Ok(result)
}

/// How the first string is merged with the union of the others.
fn against_others(operation: Operation) -> Step {
    match operation {
        Operation::Diff => Step::Without,
        Operation::Diff1 => Step::Remove,
        _ => Step::And,
    }
}

/// The bits that exactly one of the strings has.
fn only_one(once: &mut [u8], strings: &[StringRef<'_>]) {
    let mut more = vec![0; once.len()];
    for string in strings {
        for_each_chunk(string, |at, chunk| {
            for ((once, more), byte) in once[at..].iter_mut().zip(&mut more[at..]).zip(chunk) {
                *more |= *once & byte;
                *once |= byte;
            }
        });
    }
    Step::Remove.apply(once, &more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fixture;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Whether a bit is in the result, from whether it is in each of the strings.
    fn wanted(operation: Operation, bits: &[bool]) -> bool {
        let others = bits[1..].iter().any(|bit| *bit);
        let count = bits.iter().filter(|bit| **bit).count();
        match operation {
            Operation::And => count == bits.len(),
            Operation::Or => count > 0,
            Operation::Xor => count % 2 == 1,
            Operation::Not => !bits[0],
            Operation::Diff => bits[0] && !others,
            Operation::Diff1 => others && !bits[0],
            Operation::AndOr => bits[0] && others,
            Operation::One => count == 1,
        }
    }

    fn bit(bytes: &[u8], at: usize) -> bool {
        bytes
            .get(at / 8)
            .is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_bit_is_as_its_operation_says(
            strings in vec(vec(any::<u8>(), 0..6), 2..5),
            (word, operation) in prop::sample::select(WORDS.to_vec()),
        ) {
            let count = if operation == Operation::Not { 1 } else { strings.len() };
            let strings = &strings[..count];
            let mut fixture = Fixture::new();
            let mut line = format!("bitop {word} d");
            for (i, string) in strings.iter().enumerate() {
                fixture.run(&format!("set k{i} {}", crate::testing::quoted(string)));
                line += &format!(" k{i}");
            }
            let len = strings.iter().map(Vec::len).max().unwrap_or(0);
            prop_assert_eq!(fixture.run(&line), format!("(integer) {len}"));
            for at in 0..len * 8 {
                let bits: Vec<bool> = strings.iter().map(|string| bit(string, at)).collect();
                let got = fixture.run(&format!("getbit d {at}"));
                prop_assert_eq!(got, format!("(integer) {}", u8::from(wanted(operation, &bits))));
            }
        }
    }
}
