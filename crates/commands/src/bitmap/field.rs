//! BITFIELD: integers of 1 to 64 bits anywhere inside a string, highest bit first.

use super::{bit_offset, bytes_max};
use crate::{Args, Context, Error, EventClass, KeyAccess, Outcome};
use keyspace::{IfMissing, StringRef, StringValue};

/// An integer type such as `u8` or `i64`; unsigned ones have at most 63 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FieldType {
    signed: bool,
    bits: u32,
}

/// What happens to a number that does not fit its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overflow {
    Wrap,
    Sat,
    Fail,
}

#[derive(Debug, Clone, Copy)]
enum Action {
    Get,
    Set(i64, Overflow),
    IncrBy(i64, Overflow),
}

#[derive(Debug, Clone, Copy)]
struct Operation {
    field: FieldType,
    /// In bits.
    offset: usize,
    action: Action,
}

impl FieldType {
    fn parse(args: &mut Args<'_>) -> Result<FieldType, Error> {
        let wrong = || {
            Error::err(
                "Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
            )
        };
        let (signed, digits) = match args.bytes()? {
            [b'i', digits @ ..] => (true, digits),
            [b'u', digits @ ..] => (false, digits),
            _ => return Err(wrong()),
        };
        let bits = packed::number::parse_i64(digits).ok_or_else(wrong)?;
        let most = if signed { 64 } else { 63 };
        if !(1..=most).contains(&bits) {
            return Err(wrong());
        }
        Ok(FieldType {
            signed,
            bits: bits as u32,
        })
    }

    fn min(self) -> i128 {
        if self.signed {
            -(1 << (self.bits - 1))
        } else {
            0
        }
    }

    fn max(self) -> i128 {
        (1 << (self.bits - u32::from(self.signed))) - 1
    }

    /// The number that the lowest bits of `raw` spell.
    fn decode(self, raw: u64) -> i64 {
        let unused = 64 - self.bits;
        if self.signed {
            (raw << unused) as i64 >> unused
        } else {
            (raw << unused >> unused) as i64
        }
    }

    /// The number that SET means to store: by its bits for an unsigned field. In a signed one the
    /// servers look for room above it in 64 bits, where numbers near the smallest look too large.
    fn taken(self, number: i64) -> i128 {
        let number_as_is = i128::from(number);
        if !self.signed {
            i128::from(number as u64)
        } else if self.bits < 64 && self.max() - number_as_is > i128::from(i64::MAX) {
            number_as_is + (1 << 64)
        } else {
            number_as_is
        }
    }

    /// What a number becomes in this field; `None` if it is refused.
    fn fit(self, number: i128, overflow: Overflow) -> Option<i64> {
        if (self.min()..=self.max()).contains(&number) {
            return Some(number as i64);
        }
        match overflow {
            Overflow::Wrap => Some(self.decode(number as u64)),
            Overflow::Sat => Some(number.clamp(self.min(), self.max()) as i64),
            Overflow::Fail => None,
        }
    }
}

impl Overflow {
    fn parse(args: &mut Args<'_>) -> Result<Overflow, Error> {
        let words = [
            ("WRAP", Overflow::Wrap),
            ("SAT", Overflow::Sat),
            ("FAIL", Overflow::Fail),
        ];
        words
            .into_iter()
            .find_map(|(word, overflow)| args.keyword(word).then_some(overflow))
            .ok_or_else(|| Error::err("Invalid OVERFLOW type specified"))
    }
}

impl Operation {
    /// Takes the operations up to the end of the arguments.
    fn parse_all(args: &mut Args<'_>, bytes_max: usize) -> Result<Vec<Operation>, Error> {
        let mut operations = Vec::new();
        let mut overflow = Overflow::Wrap;
        while !args.is_done() {
            if args.left() > 1 && args.keyword("OVERFLOW") {
                overflow = Overflow::parse(args)?;
                continue;
            }
            operations.push(Operation::parse(args, overflow, bytes_max)?);
        }
        Ok(operations)
    }

    fn parse(
        args: &mut Args<'_>,
        overflow: Overflow,
        bytes_max: usize,
    ) -> Result<Operation, Error> {
        enum Word {
            Get,
            Set,
            IncrBy,
        }
        let word = if args.left() >= 3 && args.keyword("GET") {
            Word::Get
        } else if args.left() >= 4 && args.keyword("SET") {
            Word::Set
        } else if args.left() >= 4 && args.keyword("INCRBY") {
            Word::IncrBy
        } else {
            return Err(Error::Syntax);
        };
        let field = FieldType::parse(args)?;
        let offset = bit_offset(args, Some(field.bits), bytes_max)?;
        let action = match word {
            Word::Get => Action::Get,
            Word::Set => Action::Set(args.int()?, overflow),
            Word::IncrBy => Action::IncrBy(args.int()?, overflow),
        };
        Ok(Operation {
            field,
            offset,
            action,
        })
    }

    fn writes(&self) -> bool {
        !matches!(self.action, Action::Get)
    }

    /// The bytes that hold the field: at most nine.
    fn bytes(&self) -> std::ops::Range<usize> {
        self.offset / 8..(self.offset + self.field.bits as usize).div_ceil(8)
    }

    fn read(&self, string: StringRef<'_>) -> i64 {
        self.field
            .decode((self.window(string) >> self.shift()) as u64)
    }

    /// The bytes of the field as one number; those behind the end of the string are zeros.
    fn window(&self, string: StringRef<'_>) -> u128 {
        let bytes = self.bytes();
        let held = string.range(bytes.start.min(string.len()), bytes.end.min(string.len()));
        let held = held.iter().copied().chain(std::iter::repeat(0));
        held.take(bytes.len())
            .fold(0, |window, byte| window << 8 | u128::from(byte))
    }

    /// Bits of the last byte behind the field.
    fn shift(&self) -> usize {
        self.bytes().end * 8 - self.offset - self.field.bits as usize
    }

    /// Does what is asked; the number to reply, or `None` where overflow is refused. A
    /// field that stays as it was does not count as a change.
    fn run(&self, string: &mut StringValue) -> Option<i64> {
        let old = self.read(string.as_ref());
        let (new, reply) = match self.action {
            Action::Get => return Some(old),
            Action::Set(number, overflow) => {
                (self.field.fit(self.field.taken(number), overflow)?, old)
            }
            Action::IncrBy(by, overflow) => {
                let sum = i128::from(old) + i128::from(by);
                let sum = self.field.fit(sum, overflow)?;
                (sum, sum)
            }
        };
        if new != old {
            self.write(string, new);
        }
        Some(reply)
    }

    fn write(&self, string: &mut StringValue, number: i64) {
        let (bytes, shift) = (self.bytes(), self.shift());
        let mask = u128::from(u64::MAX >> (64 - self.field.bits)) << shift;
        let kept = self.window(string.as_ref()) & !mask;
        let window = kept | u128::from(number as u64) << shift & mask;
        let all = window.to_be_bytes();
        string.set_range(bytes.start, &all[16 - bytes.len()..]);
    }
}

/// What BITFIELD does with its key: unless each operation is a `GET`, it changes it.
pub(super) fn access(argv: &[&[u8]]) -> KeyAccess {
    let mut rest = argv.get(2..).unwrap_or_default();
    while let Some(word) = rest.first() {
        let operands = match word.to_ascii_uppercase().as_slice() {
            b"GET" => 2,
            b"OVERFLOW" => 1,
            _ => return KeyAccess::READ_AND_CHANGE,
        };
        rest = rest.get(1 + operands..).unwrap_or_default();
    }
    KeyAccess::READ
}

pub(super) fn bitfield(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let max = bytes_max(ctx);
    let operations = Operation::parse_all(&mut ctx.args, max)?;
    if !operations.iter().any(Operation::writes) {
        ctx.event_if_missing(key);
        return reply_reads(ctx, key, &operations);
    }
    let before = ctx.keys.changes();
    let replies = ctx.keys.edit(
        ctx.db,
        key,
        IfMissing::Create,
        |string: &mut StringValue| {
            let run = |operation: &Operation| operation.run(string);
            let replies = operations.iter().map(run).collect::<Vec<Option<i64>>>();
            grow(string, &operations);
            replies
        },
    )?;
    ctx.event_if_changed(before, EventClass::STRING, "setbit", key);
    let replies = replies.unwrap_or_default();
    ctx.reply.array(replies.len());
    for reply in replies {
        match reply {
            Some(number) => ctx.reply.integer(number),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}

/// Lengthens the string to the last bit that any operation may write, even if it wrote nothing.
fn grow(string: &mut StringValue, operations: &[Operation]) {
    let writers = operations.iter().filter(|operation| operation.writes());
    let len = writers.map(|operation| operation.bytes().end).max();
    let len = len.unwrap_or(0);
    if string.as_ref().len() < len {
        string.set_range(len - 1, &[0]);
    }
}

pub(super) fn bitfield_ro(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let max = bytes_max(ctx);
    let operations = Operation::parse_all(&mut ctx.args, max)?;
    if operations.iter().any(Operation::writes) {
        return Err(Error::err("BITFIELD_RO only supports the GET subcommand"));
    }
    reply_reads(ctx, key, &operations)
}

fn reply_reads(ctx: &mut Context<'_, '_>, key: &[u8], operations: &[Operation]) -> Outcome {
    let string = ctx.keys.string(ctx.db, key)?;
    let string = string.unwrap_or(StringRef::Bytes(b""));
    ctx.reply.array(operations.len());
    for operation in operations {
        ctx.reply.integer(operation.read(string));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_fitted_as_asked() {
        let i8 = FieldType {
            signed: true,
            bits: 8,
        };
        assert_eq!(i8.fit(127, Overflow::Fail), Some(127));
        assert_eq!(i8.fit(128, Overflow::Fail), None);
        assert_eq!(i8.fit(128, Overflow::Wrap), Some(-128));
        assert_eq!(i8.fit(-300, Overflow::Sat), Some(-128));
        let u63 = FieldType {
            signed: false,
            bits: 63,
        };
        assert_eq!(u63.fit(1 << 63, Overflow::Sat), Some(i64::MAX));
        assert_eq!(u63.fit(-1, Overflow::Wrap), Some(i64::MAX));
        let i64 = FieldType {
            signed: true,
            bits: 64,
        };
        assert_eq!(i64.fit(1 << 63, Overflow::Wrap), Some(i64::MIN));
    }
}
