//! BITOP: strings combined bit by bit.

use crate::{Args, Context, Error, Outcome};
use keyspace::{StringRef, Ttl};
use packed::IntText;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    And,
    Or,
    Xor,
    Not,
}

impl Operation {
    fn parse(args: &mut Args<'_>) -> Result<Operation, Error> {
        let words = [
            ("AND", Operation::And),
            ("OR", Operation::Or),
            ("XOR", Operation::Xor),
            ("NOT", Operation::Not),
        ];
        words
            .into_iter()
            .find_map(|(word, operation)| args.keyword(word).then_some(operation))
            .ok_or(Error::Syntax)
    }

    /// Merges `bytes` from `offset` on into the result so far.
    fn apply(self, result: &mut [u8], bytes: &[u8]) {
        for (into, byte) in result.iter_mut().zip(bytes) {
            match self {
                Operation::And => *into &= byte,
                Operation::Or => *into |= byte,
                Operation::Xor => *into ^= byte,
                Operation::Not => *into = !byte,
            }
        }
    }
}

pub(super) fn bitop(ctx: &mut Context<'_, '_>) -> Outcome {
    let operation = Operation::parse(&mut ctx.args)?;
    let (dest, keys) = (ctx.args.bytes()?, ctx.args.rest());
    if operation == Operation::Not && keys.len() != 1 {
        let text = "BITOP NOT must be called with a single source key.";
        return Err(Error::err(text));
    }
    let result = combine(ctx, operation, keys)?;
    if result.is_empty() {
        ctx.keys.remove(ctx.db, dest);
    } else {
        ctx.keys.set_string(ctx.db, dest, &result, Ttl::Clear);
    }
    ctx.reply.integer(result.len() as i64);
    Ok(())
}

/// The combined bytes, as many as the longest string has; shorter ones go on with zeros.
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
    for (i, string) in strings.iter().enumerate() {
        // The first string is copied, whatever the operation, unless it is to be turned over.
        let first = i == 0 && operation != Operation::Not;
        let step = if first { Operation::Or } else { operation };
        let mut at = 0;
        for chunk in string.spelled(&mut IntText::new()).chunks() {
            step.apply(&mut result[at..], chunk);
            at += chunk.len();
        }
        if step == Operation::And {
            result[at..].fill(0);
        }
    }
    Ok(result)
}
