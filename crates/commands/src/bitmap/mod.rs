//! Strings as arrays of bits. Bit 0 is the highest of the first byte.

mod field;
mod operation;
mod range;

use crate::{
    Args, Command, Context, Error, EventClass, Flags, Group, KeyAccess, KeySpec, Outcome, Spec,
};
use keyspace::{IfMissing, StringValue};
use packed::number;

const fn row(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Bitmap, flags).keys(KeySpec::FIRST)
}

const READ: Flags = Flags::READONLY;
const READ_FAST: Flags = Flags::READONLY.union(Flags::FAST);
const GROW: Flags = Flags::WRITE.union(Flags::DENYOOM);

/// Every key from the destination of BITOP on.
const FROM_SECOND: KeySpec = KeySpec::Range {
    first: 2,
    last: -1,
    step: 1,
};

const FIELD_ACCESS: &[KeyAccess] = &[KeyAccess::READ_AND_CHANGE.union(KeyAccess::VARIABLE_FLAGS)];

#[rustfmt::skip]
pub(crate) const COMMANDS: &[Command] = &[
    Command::new(row("setbit", 4, GROW).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("2.2.0", "O(1)", "key offset value", "Sets one bit and returns what it was."), setbit),
    Command::new(row("getbit", 3, READ_FAST)
        .doc("2.2.0", "O(1)", "key offset", "Returns one bit."), getbit),
    Command::new(row("bitcount", -2, READ)
        .doc("2.6.0", "O(N)", "key [start end [BYTE | BIT]]", "Counts the bits that are set."), range::bitcount),
    Command::new(row("bitpos", -3, READ)
        .doc("2.8.7", "O(N)", "key bit [start [end [BYTE | BIT]]]", "Finds the first bit that is set, or the first that is not."), range::bitpos),
    Command::new(row("bitop", -4, GROW).keys(FROM_SECOND).access(&[KeyAccess::OVERWRITE, KeyAccess::READ])
        .doc("2.6.0", "O(N)", "<AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey key [key ...]", "Combines strings bit by bit and stores the result."), operation::bitop),
    Command::new(row("bitfield", -2, GROW).access(FIELD_ACCESS).access_by_args(field::access)
        .doc("3.2.0", "O(1) for each operation", "key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY encoding offset increment> ...]",
            "Reads and writes integers of any width inside a string."), field::bitfield),
    Command::new(row("bitfield_ro", -2, READ_FAST)
        .doc("6.0.0", "O(1) for each operation", "key [GET encoding offset [GET encoding offset ...]]",
            "Reads integers of any width inside a string."), field::bitfield_ro),
];

/// Takes the offset of a bit. `width` is that of the field in bits if offsets may be counted in
/// fields, as in `#2`.
fn bit_offset(args: &mut Args<'_>, width: Option<u32>, bytes_max: usize) -> Result<usize, Error> {
    let wrong = || Error::err("bit offset is not an integer or out of range");
    let text = args.bytes()?;
    let (digits, factor) = match (text, width) {
        ([b'#', digits @ ..], Some(width)) => (digits, u64::from(width)),
        _ => (text, 1),
    };
    let number = number::parse_i64(digits).and_then(|number| u64::try_from(number).ok());
    let offset = number.and_then(|number| number.checked_mul(factor));
    offset
        .and_then(|offset| usize::try_from(offset).ok())
        .filter(|offset| offset >> 3 < bytes_max)
        .ok_or_else(wrong)
}

fn bytes_max(ctx: &Context<'_, '_>) -> usize {
    if ctx.settings.replaying {
        usize::MAX >> 3
    } else {
        ctx.settings.string_bytes_max
    }
}

fn setbit(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let max = bytes_max(ctx);
    let offset = bit_offset(&mut ctx.args, None, max)?;
    let bit = match ctx.args.bytes()? {
        b"0" => false,
        b"1" => true,
        _ => return Err(Error::err("bit is not an integer or out of range")),
    };
    let before = ctx.keys.changes();
    let old = ctx.keys.edit(
        ctx.db,
        key,
        IfMissing::Create,
        |string: &mut StringValue| string.set_bit(offset, bit),
    )?;
    ctx.event_if_changed(before, EventClass::STRING, "setbit", key);
    ctx.reply.integer(old.unwrap_or(false).into());
    Ok(())
}

fn getbit(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let max = bytes_max(ctx);
    let offset = bit_offset(&mut ctx.args, None, max)?;
    let string = ctx.keys.string(ctx.db, key)?;
    let bit = string.is_some_and(|string| string.get_bit(offset));
    ctx.reply.integer(bit.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Fixture, check_effects, check_transcript};

    #[test]
    fn transcript() {
        check_transcript("bitmap");
    }

    #[test]
    fn effects_make_a_twin() {
        check_effects("bitmap");
    }

    #[test]
    fn bits_of_long_strings_are_found() {
        let mut fixture = Fixture::new();
        fixture.run("setbit k 1000003 1");
        fixture.run("setbit k 70000 1");
        assert_eq!(fixture.run("bitcount k"), "(integer) 2");
        assert_eq!(fixture.run("bitpos k 1"), "(integer) 70000");
        assert_eq!(fixture.run("bitpos k 1 8751"), "(integer) 1000003");
        assert_eq!(fixture.run("bitcount k 70001 -1 BIT"), "(integer) 1");
        assert_eq!(fixture.run("bitop not n k"), "(integer) 125001");
        assert_eq!(fixture.run("bitpos n 0 70001 -1 BIT"), "(integer) 1000003");
        assert_eq!(fixture.run("bitfield k get u9 1000000"), "1) (integer) 32");
    }
}
