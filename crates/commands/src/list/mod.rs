//! Lists: sequences of byte strings, worked on at either end or by index.

mod blocking;
mod position;
mod transfer;

use crate::rank_range::rank_range;
use crate::{
    Args, Command, Context, Error, EventClass, Flags, Group, KeyAccess, KeySpec, Outcome, Spec,
};
use keyspace::{IfMissing, List, Settings};

const WRITE: Flags = Flags::WRITE;
const GROW: Flags = Flags::WRITE.union(Flags::DENYOOM);
const PUSH: Flags = GROW.union(Flags::FAST);
const READ: Flags = Flags::READONLY;
const WAITING: Flags = WRITE.union(Flags::BLOCKING);
const WAITING_TO_GROW: Flags = GROW.union(Flags::NOSCRIPT).union(Flags::BLOCKING);

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::List, flags).keys(KeySpec::FIRST)
}

/// The lists' rows of the table.
#[rustfmt::skip]
pub(crate) const COMMANDS: &[Command] = &[
    Command::new(spec("lpush", -3, PUSH).access(&[KeyAccess::GROW])
        .doc("1.0.0", "O(N) for N pushed elements", "key element [element ...]", "Pushes elements at the head of a list, one after the other."), lpush),
    Command::new(spec("rpush", -3, PUSH).access(&[KeyAccess::GROW])
        .doc("1.0.0", "O(N) for N pushed elements", "key element [element ...]", "Pushes elements at the tail of a list, one after the other."), rpush),
    Command::new(spec("lpushx", -3, PUSH).access(&[KeyAccess::GROW])
        .doc("2.2.0", "O(N) for N pushed elements", "key element [element ...]", "Pushes elements at the head of a list that exists."), lpushx),
    Command::new(spec("rpushx", -3, PUSH).access(&[KeyAccess::GROW])
        .doc("2.2.0", "O(N) for N pushed elements", "key element [element ...]", "Pushes elements at the tail of a list that exists."), rpushx),
    Command::new(spec("lpop", -2, WRITE.union(Flags::FAST)).access(&[KeyAccess::TAKE])
        .doc("1.0.0", "O(N) for N popped elements", "key [count]", "Takes elements off the head of a list."), lpop),
    Command::new(spec("rpop", -2, WRITE.union(Flags::FAST)).access(&[KeyAccess::TAKE])
        .doc("1.0.0", "O(N) for N popped elements", "key [count]", "Takes elements off the tail of a list."), rpop),
    Command::new(spec("llen", 2, READ.union(Flags::FAST)).access(&[KeyAccess::LOOK])
        .doc("1.0.0", "O(1)", "key", "Counts the elements of a list."), llen),
    Command::new(spec("lrange", 4, READ)
        .doc("1.0.0", "O(S+N) for an offset of S and N elements", "key start stop", "Returns the elements between two indexes, both included."), lrange),
    Command::new(spec("lindex", 3, READ)
        .doc("1.0.0", "O(N) for N elements to walk over", "key index", "Returns the element at an index."), lindex),
    Command::new(spec("lset", 4, GROW)
        .doc("1.0.0", "O(N) for N elements to walk over", "key index element", "Replaces the element at an index."), lset),
    Command::new(spec("linsert", 5, GROW).access(&[KeyAccess::GROW])
        .doc("2.2.0", "O(N) for N elements before the pivot", "key <BEFORE | AFTER> pivot element", "Inserts an element next to the first one that equals a pivot."), linsert),
    Command::new(spec("lrem", 4, WRITE).access(&[KeyAccess::SHRINK])
        .doc("1.0.0", "O(N+M) for a list of N elements, M of them removed", "key count element", "Removes elements that equal a value, counted from either end."), lrem),
    Command::new(spec("ltrim", 4, WRITE).access(&[KeyAccess::SHRINK])
        .doc("1.0.0", "O(N) for N removed elements", "key start stop", "Keeps the elements between two indexes and removes the others."), ltrim),
    Command::new(spec("lpos", -3, READ)
        .doc("6.0.6", "O(N) for N elements to compare", "key element [RANK rank] [COUNT num-matches] [MAXLEN len]", "Finds the indexes of elements that equal a value."), position::lpos),
    Command::new(spec("lmove", 5, GROW).keys(KeySpec::FIRST_TWO).access(&[KeyAccess::TAKE, KeyAccess::GROW])
        .doc("6.2.0", "O(1)", "source destination <LEFT | RIGHT> <LEFT | RIGHT>", "Moves an element from an end of one list to an end of another."), transfer::lmove),
    Command::new(spec("rpoplpush", 3, GROW).keys(KeySpec::FIRST_TWO).access(&[KeyAccess::TAKE, KeyAccess::GROW])
        .doc("1.2.0", "O(1)", "source destination", "Moves the last element of a list to the head of another."), transfer::rpoplpush),
    Command::new(spec("lmpop", -4, WRITE.union(Flags::MOVABLEKEYS)).keys(KeySpec::Numkeys { dest: None, count_at: 1 }).access(&[KeyAccess::TAKE])
        .doc("7.0.0", "O(N+M) for N keys and M popped elements", "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]", "Takes elements off an end of the first of several lists that has any."), transfer::lmpop),
    Command::new(spec("blpop", -3, WAITING.union(Flags::NOSCRIPT)).keys(KeySpec::ALL_BUT_LAST).access(&[KeyAccess::TAKE])
        .doc("2.0.0", "O(N) for N keys", "key [key ...] timeout", "Takes an element off the head of the first of several lists that has any, and waits for one if none has."), blocking::blpop),
    Command::new(spec("brpop", -3, WAITING.union(Flags::NOSCRIPT)).keys(KeySpec::ALL_BUT_LAST).access(&[KeyAccess::TAKE])
        .doc("2.0.0", "O(N) for N keys", "key [key ...] timeout", "Takes an element off the tail of the first of several lists that has any, and waits for one if none has."), blocking::brpop),
    Command::new(spec("blmove", 6, WAITING_TO_GROW).keys(KeySpec::FIRST_TWO).access(&[KeyAccess::TAKE, KeyAccess::GROW])
        .doc("6.2.0", "O(1)", "source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout", "Moves an element from an end of one list to an end of another, and waits for it if there is none."), blocking::blmove),
    Command::new(spec("brpoplpush", 4, WAITING_TO_GROW).keys(KeySpec::FIRST_TWO).access(&[KeyAccess::TAKE, KeyAccess::GROW])
        .doc("2.2.0", "O(1)", "source destination timeout", "Moves the last element of a list to the head of another, and waits for it if there is none."), blocking::brpoplpush),
    Command::new(spec("blmpop", -5, WAITING.union(Flags::MOVABLEKEYS)).keys(KeySpec::Numkeys { dest: None, count_at: 2 }).access(&[KeyAccess::TAKE])
        .doc("7.0.0", "O(N+M) for N keys and M popped elements", "timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]", "Takes elements off an end of the first of several lists that has any, and waits for one if none has."), blocking::blmpop),
];

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Left,
    Right,
}

impl End {
    fn parse(args: &mut Args<'_>) -> Result<End, Error> {
        if args.keyword("LEFT") {
            Ok(End::Left)
        } else if args.keyword("RIGHT") {
            Ok(End::Right)
        } else {
            Err(Error::Syntax)
        }
    }

    fn name(self) -> &'static [u8] {
        match self {
            End::Left => b"LEFT",
            End::Right => b"RIGHT",
        }
    }

    fn push(self, list: &mut List, settings: &Settings, element: &[u8]) {
        match self {
            End::Left => list.push_front(settings, element),
            End::Right => list.push_back(settings, element),
        }
    }

    /// What is told of a list that got elements at this end.
    fn push_event(self) -> &'static str {
        match self {
            End::Left => "lpush",
            End::Right => "rpush",
        }
    }

    /// What is told of a list that lost elements at this end.
    fn pop_event(self) -> &'static str {
        match self {
            End::Left => "lpop",
            End::Right => "rpop",
        }
    }

    fn pop(self, list: &mut List) -> Option<Vec<u8>> {
        match self {
            End::Left => list.pop_front(),
            End::Right => list.pop_back(),
        }
    }
}

fn lpush(ctx: &mut Context<'_, '_>) -> Outcome {
    push(ctx, End::Left, IfMissing::Create)
}

fn rpush(ctx: &mut Context<'_, '_>) -> Outcome {
    push(ctx, End::Right, IfMissing::Create)
}

fn lpushx(ctx: &mut Context<'_, '_>) -> Outcome {
    push(ctx, End::Left, IfMissing::Skip)
}

fn rpushx(ctx: &mut Context<'_, '_>) -> Outcome {
    push(ctx, End::Right, IfMissing::Skip)
}

/// Replies with the new length, 0 if there is no list and none was made.
fn push(ctx: &mut Context<'_, '_>, end: End, missing: IfMissing) -> Outcome {
    let key = ctx.args.bytes()?;
    let elements = ctx.args.rest();
    let settings = ctx.keys.settings();
    let len = ctx.keys.edit(ctx.db, key, missing, |list: &mut List| {
        for element in elements {
            end.push(list, &settings, element);
        }
        list.as_ref().len()
    })?;
    if len.is_some() {
        ctx.event(EventClass::LIST, end.push_event(), key);
    }
    ctx.reply.integer(len.unwrap_or(0) as i64);
    Ok(())
}

fn lpop(ctx: &mut Context<'_, '_>) -> Outcome {
    pop(ctx, End::Left)
}

fn rpop(ctx: &mut Context<'_, '_>) -> Outcome {
    pop(ctx, End::Right)
}

/// One element as a bulk string, or with a count as many as there are in an array.
fn pop(ctx: &mut Context<'_, '_>, end: End) -> Outcome {
    let key = ctx.args.bytes()?;
    if ctx.args.left() > 1 {
        return Err(Error::WrongArity(end.pop_event().to_owned()));
    }
    if ctx.args.is_done() {
        match pop_many(ctx, key, end, 1)?.first() {
            Some(element) => ctx.reply.bulk(element),
            None => ctx.reply.null(),
        }
        return Ok(());
    }
    let count = ctx.args.positive()?;
    if ctx.keys.list(ctx.db, key)?.is_none() {
        ctx.reply.null_array();
        return Ok(());
    }
    let popped = pop_many(ctx, key, end, count)?;
    reply_all(ctx, &popped);
    Ok(())
}

/// Takes at most `count` elements off `end`, nearest first.
fn pop_many(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    end: End,
    count: usize,
) -> Result<Vec<Vec<u8>>, Error> {
    let popped = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |list: &mut List| {
            let count = count.min(list.as_ref().len());
            (0..count).map_while(|_| end.pop(list)).collect()
        })?;
    let popped: Vec<Vec<u8>> = popped.unwrap_or_default();
    if !popped.is_empty() {
        ctx.event_shrunk(EventClass::LIST, end.pop_event(), key);
    }
    Ok(popped)
}

fn reply_all(ctx: &mut Context<'_, '_>, elements: &[Vec<u8>]) {
    ctx.reply.array(elements.len());
    for element in elements {
        ctx.reply.bulk(element);
    }
}

fn llen(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let len = ctx.keys.list(ctx.db, key)?.map_or(0, |list| list.len());
    ctx.reply.integer(len as i64);
    Ok(())
}

fn lrange(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let (start, stop) = (ctx.args.int()?, ctx.args.int()?);
    let Some(list) = ctx.keys.list(ctx.db, key)? else {
        ctx.reply.array(0);
        return Ok(());
    };
    let range = rank_range(start, stop, list.len());
    ctx.reply.array(range.len());
    for element in list.range(range.start, range.end) {
        ctx.reply.element(element);
    }
    Ok(())
}

/// A missing key is answered before the index is looked at, as Redis does.
fn lindex(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let Some(list) = ctx.keys.list(ctx.db, key)? else {
        ctx.reply.null();
        return Ok(());
    };
    let index = ctx.args.int()?;
    match isize::try_from(index).ok().and_then(|at| list.get(at)) {
        Some(element) => ctx.reply.element(element),
        None => ctx.reply.null(),
    }
    Ok(())
}

fn lset(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    if ctx.keys.list(ctx.db, key)?.is_none() {
        return Err(Error::NoSuchKey);
    }
    let index = isize::try_from(ctx.args.int()?).map_err(|_| Error::IndexOutOfRange)?;
    let element = ctx.args.bytes()?;
    let settings = ctx.keys.settings();
    let set = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |list: &mut List| {
            list.set(&settings, index, element)
        })?;
    if set != Some(true) {
        return Err(Error::IndexOutOfRange);
    }
    ctx.event(EventClass::LIST, "lset", key);
    ctx.reply.ok();
    Ok(())
}

/// Replies with the new length, 0 if there is no list, -1 if it has no such pivot.
fn linsert(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let before = ctx.args.keyword("BEFORE");
    if !before && !ctx.args.keyword("AFTER") {
        return Err(Error::Syntax);
    }
    let (pivot, element) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let settings = ctx.keys.settings();
    let inserted = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |list: &mut List| {
            list.insert(&settings, pivot, before, element)
        })?;
    if let Some(Some(_)) = inserted {
        ctx.event(EventClass::LIST, "linsert", key);
    }
    ctx.reply.integer(match inserted {
        None => 0,
        Some(None) => -1,
        Some(Some(len)) => len as i64,
    });
    Ok(())
}

fn lrem(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let (count, element) = (ctx.args.int()?, ctx.args.bytes()?);
    let removed = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |list: &mut List| {
            list.remove_matching(count, element)
        })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        ctx.event_shrunk(EventClass::LIST, "lrem", key);
    }
    ctx.reply.integer(removed as i64);
    Ok(())
}

fn ltrim(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let (start, stop) = (ctx.args.int()?, ctx.args.int()?);
    let trimmed = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |list: &mut List| {
            let kept = rank_range(start, stop, list.as_ref().len());
            list.trim(kept.start, kept.end);
        })?;
    if trimmed.is_some() {
        ctx.event_shrunk(EventClass::LIST, "ltrim", key);
    }
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_effects, check_transcript};

    #[test]
    fn transcript() {
        check_transcript("list");
    }

    #[test]
    fn effects_make_a_twin() {
        check_effects("list");
    }
}
