//! What OBJECT tells of a value.

use crate::{Context, Error, Outcome, ReplySink};
use keyspace::{EntryRef, StringRef, ValueRef};

pub(super) fn encoding(ctx: &mut Context<'_, '_>) -> Outcome {
    let compat = ctx.settings.compat;
    tell(ctx, |entry, reply| {
        reply.bulk(compat.encoding(entry.value()).as_bytes());
        Ok(())
    })
}

/// What Redis shares between keys for ever has this many references.
const SHARED: i64 = i32::MAX as i64;

/// Values are not shared between keys in a way that counts, so every value has one reference; but
/// for small numbers, which clients know to be shared where nothing is evicted by its uses.
pub(super) fn refcount(ctx: &mut Context<'_, '_>) -> Outcome {
    let shares = ctx.settings.shares_integers;
    tell(ctx, |entry, reply| {
        reply.integer(match entry.value() {
            ValueRef::String(StringRef::Int(0..10_000)) if shares => SHARED,
            _ => 1,
        });
        Ok(())
    })
}

pub(super) fn idletime(ctx: &mut Context<'_, '_>) -> Outcome {
    let now = ctx.keys.now();
    tell(ctx, |entry, reply| {
        if entry.counts_uses() {
            return Err(Error::err(
                "An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
            ));
        }
        reply.integer(entry.idle_secs(now) as i64);
        Ok(())
    })
}

pub(super) fn freq(ctx: &mut Context<'_, '_>) -> Outcome {
    let now = ctx.keys.now();
    tell(ctx, |entry, reply| {
        if !entry.counts_uses() {
            return Err(Error::err(
                "An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
            ));
        }
        reply.integer(entry.freq(now).into());
        Ok(())
    })
}

/// MEMORY USAGE. Bytes are counted as they come and go, so SAMPLES is checked and not needed.
pub(super) fn memory_usage(ctx: &mut Context<'_, '_>) -> Outcome {
    let (_subcommand, key) = (ctx.args.bytes()?, ctx.args.bytes()?);
    while !ctx.args.is_done() {
        if !ctx.args.keyword("SAMPLES") || ctx.args.is_done() {
            return Err(Error::Syntax);
        }
        if ctx.args.int()? < 0 {
            return Err(Error::Syntax);
        }
    }
    match ctx.keys.memory_usage(ctx.db, key) {
        Some(bytes) => ctx.reply.integer(bytes as i64),
        None => ctx.reply.null(),
    }
    Ok(())
}

/// Answers about the entry behind the subcommand, which does not count as used by that.
fn tell(
    ctx: &mut Context<'_, '_>,
    answer: impl FnOnce(EntryRef<'_>, &mut dyn ReplySink) -> Outcome,
) -> Outcome {
    let (_subcommand, key) = (ctx.args.bytes()?, ctx.args.bytes()?);
    match ctx.keys.peek(ctx.db, key) {
        Some(entry) => answer(entry, ctx.reply),
        None => {
            ctx.reply.null();
            Ok(())
        }
    }
}

pub(super) fn help(ctx: &mut Context<'_, '_>) -> Outcome {
    const LINES: [&str; 11] = [
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    The form in which the value of the key is kept.",
        "FREQ <key>",
        "    How often the key is used, on a logarithmic scale.",
        "IDLETIME <key>",
        "    Seconds since the key was last used.",
        "REFCOUNT <key>",
        "    References to the value of the key.",
        "HELP",
        "    This list.",
    ];
    ctx.reply.array(LINES.len());
    for line in LINES {
        ctx.reply.simple(line);
    }
    Ok(())
}
