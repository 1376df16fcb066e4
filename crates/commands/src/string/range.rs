//! Commands on part of a string.

use crate::{Context, Error, EventClass, Outcome};
use keyspace::{IfMissing, StringValue, Ttl};
use std::ops::Range;

pub(super) fn getrange(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, start, end) = (ctx.args.bytes()?, ctx.args.int()?, ctx.args.int()?);
    match ctx.keys.string(ctx.db, key)? {
        None => ctx.reply.bulk(b""),
        Some(string) => {
            let range = byte_range(start, end, string.len());
            ctx.reply.bulk(&string.range(range.start, range.end));
        }
    }
    Ok(())
}

/// The bytes from `start` to `end`, both included and negative from the end of `len` bytes.
fn byte_range(start: i64, end: i64, len: usize) -> Range<usize> {
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let len = len as i64;
    let from_front = |at: i64| if at < 0 { (at + len).max(0) } else { at };
    let (start, end) = (from_front(start), from_front(end).min(len - 1));
    if start > end {
        0..0
    } else {
        start as usize..end as usize + 1
    }
}

pub(super) fn setrange(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, offset, value) = (ctx.args.bytes()?, ctx.args.int()?, ctx.args.bytes()?);
    let offset = usize::try_from(offset).map_err(|_| Error::err("offset is out of range"))?;
    let old_len = ctx
        .keys
        .string(ctx.db, key)?
        .map_or(0, |string| string.len());
    if value.is_empty() {
        ctx.reply.integer(old_len as i64);
        return Ok(());
    }
    check_len(ctx, offset, value.len())?;
    let len = ctx.keys.edit(
        ctx.db,
        key,
        IfMissing::Create,
        |string: &mut StringValue| string.set_range(offset, value),
    )?;
    ctx.event(EventClass::STRING, "setrange", key);
    ctx.reply.integer(len.unwrap_or(0) as i64);
    Ok(())
}

pub(super) fn strlen(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let len = ctx
        .keys
        .string(ctx.db, key)?
        .map_or(0, |string| string.len());
    ctx.reply.integer(len as i64);
    Ok(())
}

pub(super) fn append(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, value) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let old_len = ctx
        .keys
        .string(ctx.db, key)?
        .map_or(0, |string| string.len());
    check_len(ctx, old_len, value.len())?;
    let len = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |string: &mut StringValue| {
            string.append(value)
        })?;
    if len.is_none() {
        // Even nothing appended to nothing makes a key.
        ctx.keys.set_string(ctx.db, key, value, Ttl::Clear);
    }
    ctx.event(EventClass::STRING, "append", key);
    ctx.reply.integer(len.unwrap_or(value.len()) as i64);
    Ok(())
}

fn check_len(ctx: &Context<'_, '_>, offset: usize, len: usize) -> Outcome {
    let max = ctx.settings.string_bytes_max;
    match offset.checked_add(len) {
        Some(total) if total <= max || ctx.settings.replaying => Ok(()),
        _ => Err(Error::err(
            "string exceeds maximum allowed size (proto-max-bulk-len)",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_clamped_on_both_sides() {
        assert_eq!(byte_range(0, -1, 5), 0..5);
        assert_eq!(byte_range(-3, -1, 5), 2..5);
        assert_eq!(byte_range(-1, -3, 5), 0..0);
        assert_eq!(byte_range(3, 1, 5), 0..0);
        assert_eq!(byte_range(i64::MIN, i64::MAX, 5), 0..5);
        assert_eq!(byte_range(0, -1, 0), 0..0);
        assert_eq!(byte_range(9, 9, 5), 0..0);
    }
}
