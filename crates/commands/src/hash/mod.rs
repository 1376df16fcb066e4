//! Hashes: fields with values, each of which may have a deadline of its own.

mod deadline;
mod expire;
mod extended;
mod number;
mod random;

use crate::scan_options::{ScanOf, ScanOptions, parse_cursor, reply_scan};
use crate::{
    Command, Context, Error, EventClass, Flags, Group, KeyAccess, KeySpec, Outcome, Spec, tips,
};
use keyspace::{Hash, HashRef, IfMissing};
use packed::IntText;
use units::UnixMillis;

const WRITE: Flags = Flags::WRITE.union(Flags::FAST);
const GROW: Flags = WRITE.union(Flags::DENYOOM);
const READ: Flags = Flags::READONLY;
const FAST: Flags = READ.union(Flags::FAST);

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Hash, flags).keys(KeySpec::FIRST)
}

/// The hashes' rows of the table.
#[rustfmt::skip]
pub(crate) const COMMANDS: &[Command] = &[
    Command::new(spec("hset", -4, GROW)
        .doc("2.0.0", "O(N) for N fields", "key field value [field value ...]", "Sets fields of a hash, and makes the hash if there is none."), hset),
    Command::new(spec("hmset", -4, GROW)
        .doc("2.0.0", "O(N) for N fields", "key field value [field value ...]", "Sets fields of a hash and replies OK."), hmset),
    Command::new(spec("hsetnx", 4, GROW).access(&[KeyAccess::GROW])
        .doc("2.0.0", "O(1)", "key field value", "Sets a field that does not exist yet."), hsetnx),
    Command::new(spec("hget", 3, FAST)
        .doc("2.0.0", "O(1)", "key field", "Returns the value of a field."), hget),
    Command::new(spec("hmget", -3, FAST)
        .doc("2.0.0", "O(N) for N fields", "key field [field ...]", "Returns the values of several fields."), hmget),
    Command::new(spec("hgetall", 2, READ).tips(tips::UNORDERED)
        .doc("2.0.0", "O(N) for a hash of N fields", "key", "Returns every field and its value."), hgetall),
    Command::new(spec("hkeys", 2, READ).tips(tips::UNORDERED)
        .doc("2.0.0", "O(N) for a hash of N fields", "key", "Returns the names of all fields."), hkeys),
    Command::new(spec("hvals", 2, READ).tips(tips::UNORDERED)
        .doc("2.0.0", "O(N) for a hash of N fields", "key", "Returns the values of all fields."), hvals),
    Command::new(spec("hlen", 2, FAST).access(&[KeyAccess::LOOK])
        .doc("2.0.0", "O(1)", "key", "Counts the fields of a hash."), hlen),
    Command::new(spec("hexists", 3, FAST).access(&[KeyAccess::LOOK])
        .doc("2.0.0", "O(1)", "key field", "Tells whether a hash has a field."), hexists),
    Command::new(spec("hdel", -3, WRITE).access(&[KeyAccess::SHRINK])
        .doc("2.0.0", "O(N) for N fields", "key field [field ...]", "Removes fields of a hash."), hdel),
    Command::new(spec("hincrby", 4, GROW).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("2.0.0", "O(1)", "key field increment", "Adds to the integer in a field."), number::hincrby),
    Command::new(spec("hincrbyfloat", 4, GROW).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("2.6.0", "O(1)", "key field increment", "Adds to the floating point number in a field."), number::hincrbyfloat),
    Command::new(spec("hstrlen", 3, FAST).access(&[KeyAccess::LOOK])
        .doc("3.2.0", "O(1)", "key field", "Returns the length of a field's value in bytes."), hstrlen),
    Command::new(spec("hrandfield", -2, READ).tips(tips::VARIES)
        .doc("6.2.0", "O(N) for N drawn fields", "key [count [WITHVALUES]]", "Draws random fields."), random::hrandfield),
    Command::new(spec("hscan", -3, READ).tips(tips::VARIES)
        .doc("2.8.0", "O(1) a call, O(N) for a whole iteration", "key cursor [MATCH pattern] [COUNT count] [NOVALUES]", "Walks over a hash in steps."), hscan),
    Command::new(spec("hexpire", -6, WRITE)
        .doc("7.4.0", "O(N) for N fields", "key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]", "Has fields expire in a number of seconds."), expire::hexpire),
    Command::new(spec("hpexpire", -6, WRITE)
        .doc("7.4.0", "O(N) for N fields", "key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]", "Has fields expire in a number of milliseconds."), expire::hpexpire),
    Command::new(spec("hexpireat", -6, WRITE)
        .doc("7.4.0", "O(N) for N fields", "key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]", "Has fields expire at a time given in seconds."), expire::hexpireat),
    Command::new(spec("hpexpireat", -6, WRITE)
        .doc("7.4.0", "O(N) for N fields", "key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]", "Has fields expire at a time given in milliseconds."), expire::hpexpireat),
    Command::new(spec("httl", -5, FAST).tips(tips::VARIES)
        .doc("7.4.0", "O(N) for N fields", "key FIELDS numfields field [field ...]", "Returns the seconds that fields have left."), deadline::httl),
    Command::new(spec("hpttl", -5, FAST).tips(tips::VARIES)
        .doc("7.4.0", "O(N) for N fields", "key FIELDS numfields field [field ...]", "Returns the milliseconds that fields have left."), deadline::hpttl),
    Command::new(spec("hexpiretime", -5, FAST)
        .doc("7.4.0", "O(N) for N fields", "key FIELDS numfields field [field ...]", "Returns when fields expire, in seconds."), deadline::hexpiretime),
    Command::new(spec("hpexpiretime", -5, FAST)
        .doc("7.4.0", "O(N) for N fields", "key FIELDS numfields field [field ...]", "Returns when fields expire, in milliseconds."), deadline::hpexpiretime),
    Command::new(spec("hpersist", -5, WRITE)
        .doc("7.4.0", "O(N) for N fields", "key FIELDS numfields field [field ...]", "Takes their deadlines from fields."), deadline::hpersist),
    Command::new(spec("hgetex", -5, WRITE).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("8.0.0", "O(N) for N fields", "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]", "Returns the values of fields and changes their deadlines."), extended::hgetex),
    Command::new(spec("hsetex", -6, GROW)
        .doc("8.0.0", "O(N) for N fields", "key [NX | XX] [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]", "Sets fields and their deadline."), extended::hsetex),
    Command::new(spec("hgetdel", -5, WRITE).access(&[KeyAccess::TAKE])
        .doc("8.0.0", "O(N) for N fields", "key FIELDS numfields field [field ...]", "Returns the values of fields and removes them."), extended::hgetdel),
];

/// The time against which fields expire: never while a log is replayed, which says itself what
/// expired.
fn field_now(ctx: &Context<'_, '_>) -> UnixMillis {
    if ctx.settings.replaying {
        UnixMillis(i64::MIN)
    } else {
        ctx.keys.now()
    }
}

/// Removes the fields whose time has come, before a command changes the hash, and says so to
/// other copies of the data; whether there were any.
fn drop_due(ctx: &mut Context<'_, '_>, key: &[u8]) -> Result<bool, Error> {
    let now = field_now(ctx);
    let hash = ctx.keys.hash(ctx.db, key)?;
    let earliest = hash.and_then(|hash| hash.earliest_deadline());
    if earliest.is_none_or(|earliest| earliest > now) {
        return Ok(false);
    }
    let dropped = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |hash: &mut Hash| {
            hash.expire_fields(now)
        })?;
    let dropped = dropped.unwrap_or_default();
    if !dropped.is_empty() {
        ctx.event_shrunk(EventClass::HASH, "hexpired", key);
    }
    log_removed(ctx, key, dropped.iter().map(Vec::as_slice));
    Ok(!dropped.is_empty())
}

/// [`drop_due`] for commands that are repeated as they were sent: they follow the removal.
fn drop_due_and_repeat(ctx: &mut Context<'_, '_>, key: &[u8]) -> Outcome {
    if drop_due(ctx, key)? {
        ctx.effects.push(ctx.args.argv());
    }
    Ok(())
}

/// One HDEL of those fields, if there are any.
fn log_removed<'f>(
    ctx: &mut Context<'_, '_>,
    key: &'f [u8],
    fields: impl Iterator<Item = &'f [u8]>,
) {
    let mut argv: Vec<&[u8]> = vec![b"HDEL", key];
    argv.extend(fields);
    if argv.len() > 2 {
        ctx.effects.push(&argv);
    }
}

fn hset(ctx: &mut Context<'_, '_>) -> Outcome {
    let added = set_pairs(ctx, "hset")?;
    ctx.reply.integer(added as i64);
    Ok(())
}

fn hmset(ctx: &mut Context<'_, '_>) -> Outcome {
    set_pairs(ctx, "hmset")?;
    ctx.reply.ok();
    Ok(())
}

/// How many fields are new.
fn set_pairs(ctx: &mut Context<'_, '_>, name: &str) -> Result<usize, Error> {
    let key = ctx.args.bytes()?;
    let (pairs, odd) = ctx.args.rest().as_chunks::<2>();
    if !odd.is_empty() {
        return Err(Error::WrongArity(name.to_owned()));
    }
    drop_due_and_repeat(ctx, key)?;
    let settings = ctx.keys.settings();
    let added = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Create, |hash: &mut Hash| {
            let new = pairs
                .iter()
                .filter(|[field, value]| hash.set(&settings, field, value));
            new.count()
        })?;
    ctx.event(EventClass::HASH, "hset", key);
    Ok(added.unwrap_or(0))
}

fn hsetnx(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, field, value) = (ctx.args.bytes()?, ctx.args.bytes()?, ctx.args.bytes()?);
    drop_due_and_repeat(ctx, key)?;
    let now = field_now(ctx);
    let hash = ctx.keys.hash(ctx.db, key)?;
    let missing = hash.is_none_or(|hash| hash.get(field, now).is_none());
    if missing {
        let settings = ctx.keys.settings();
        ctx.keys
            .edit(ctx.db, key, IfMissing::Create, |hash: &mut Hash| {
                hash.set(&settings, field, value)
            })?;
        ctx.event(EventClass::HASH, "hset", key);
    }
    ctx.reply.integer(missing.into());
    Ok(())
}

fn hget(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, field) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let now = field_now(ctx);
    let hash = ctx.keys.hash(ctx.db, key)?;
    reply_field(ctx.reply, hash, field, now);
    Ok(())
}

fn hmget(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let fields = ctx.args.rest();
    let now = field_now(ctx);
    let hash = ctx.keys.hash(ctx.db, key)?;
    ctx.reply.array(fields.len());
    for field in fields {
        reply_field(ctx.reply, hash, field, now);
    }
    Ok(())
}

/// The value of a field, or null.
fn reply_field(
    reply: &mut dyn crate::ReplySink,
    hash: Option<HashRef<'_>>,
    field: &[u8],
    now: UnixMillis,
) {
    match hash.and_then(|hash| hash.get(field, now)) {
        Some(value) => reply.string(value),
        None => reply.null(),
    }
}

/// How many fields an iteration at `now` yields.
fn live_len(hash: HashRef<'_>, now: UnixMillis) -> usize {
    if hash.has_deadlines() {
        hash.iter(now).count()
    } else {
        hash.len()
    }
}

fn hgetall(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let now = field_now(ctx);
    let Some(hash) = ctx.keys.hash(ctx.db, key)? else {
        ctx.reply.map(0);
        return Ok(());
    };
    ctx.reply.map(live_len(hash, now));
    for (field, value, _) in hash.iter(now) {
        ctx.reply.element(field);
        ctx.reply.string(value);
    }
    Ok(())
}

fn hkeys(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let now = field_now(ctx);
    let Some(hash) = ctx.keys.hash(ctx.db, key)? else {
        ctx.reply.array(0);
        return Ok(());
    };
    ctx.reply.array(live_len(hash, now));
    for (field, _, _) in hash.iter(now) {
        ctx.reply.element(field);
    }
    Ok(())
}

fn hvals(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let now = field_now(ctx);
    let Some(hash) = ctx.keys.hash(ctx.db, key)? else {
        ctx.reply.array(0);
        return Ok(());
    };
    ctx.reply.array(live_len(hash, now));
    for (_, value, _) in hash.iter(now) {
        ctx.reply.string(value);
    }
    Ok(())
}

/// Counts expired fields too until they are removed, as Redis does.
fn hlen(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let len = ctx.keys.hash(ctx.db, key)?.map_or(0, |hash| hash.len());
    ctx.reply.integer(len as i64);
    Ok(())
}

fn hexists(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, field) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let now = field_now(ctx);
    let hash = ctx.keys.hash(ctx.db, key)?;
    let found = hash.is_some_and(|hash| hash.get(field, now).is_some());
    ctx.reply.integer(found.into());
    Ok(())
}

fn hdel(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let fields = ctx.args.rest();
    drop_due_and_repeat(ctx, key)?;
    let removed = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |hash: &mut Hash| {
            fields.iter().filter(|field| hash.remove(field)).count()
        })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        ctx.event_shrunk(EventClass::HASH, "hdel", key);
    }
    ctx.reply.integer(removed as i64);
    Ok(())
}

fn hstrlen(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, field) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let now = field_now(ctx);
    let hash = ctx.keys.hash(ctx.db, key)?;
    let value = hash.and_then(|hash| hash.get(field, now));
    ctx.reply
        .integer(value.map_or(0, |value| value.len()) as i64);
    Ok(())
}

/// A missing key is answered before the options are looked at, as Redis does.
fn hscan(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let cursor = parse_cursor(&mut ctx.args)?;
    let now = field_now(ctx);
    let Some(hash) = ctx.keys.hash(ctx.db, key)? else {
        reply_scan(ctx.reply, 0, &[]);
        return Ok(());
    };
    let options = ScanOptions::parse(&mut ctx.args, ScanOf::Hash)?;
    let mut found = Vec::new();
    let next = hash.scan(cursor, options.count, &mut |field, value, deadline| {
        let mut buffer = IntText::default();
        let field = field.text(&mut buffer);
        if deadline.is_some_and(|deadline| deadline <= now) || !options.wants(field) {
            return;
        }
        found.push(field.to_vec());
        if !options.names_only {
            found.push(value.to_vec());
        }
    });
    reply_scan(ctx.reply, next, &found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_effects, check_transcript};

    #[test]
    fn transcript() {
        check_transcript("hash");
    }

    #[test]
    fn effects_make_a_twin() {
        check_effects("hash");
        check_effects("hash_field_ttl");
    }

    #[test]
    fn transcript_of_field_deadlines() {
        check_transcript("hash_field_ttl");
    }
}
