//! Sets: unordered collections of different byte strings.

mod algebra;
mod random;

use crate::scan_options::{ScanOf, ScanOptions, parse_cursor, reply_scan};
use crate::{Command, Context, EventClass, Flags, Group, KeyAccess, KeySpec, Outcome, Spec, tips};
use keyspace::{IfMissing, Set};
use packed::IntText;

const WRITE: Flags = Flags::WRITE;
const FAST: Flags = Flags::FAST;
const GROW: Flags = Flags::WRITE.union(Flags::DENYOOM);
const READ: Flags = Flags::READONLY;

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Set, flags).keys(KeySpec::FIRST)
}

/// The sets' rows of the table.
#[rustfmt::skip]
pub(crate) const COMMANDS: &[Command] = &[
    Command::new(spec("sadd", -3, GROW.union(FAST)).access(&[KeyAccess::GROW])
        .doc("1.0.0", "O(N) for N members", "key member [member ...]", "Adds members to a set, and makes the set if there is none."), sadd),
    Command::new(spec("srem", -3, WRITE.union(FAST)).access(&[KeyAccess::SHRINK])
        .doc("1.0.0", "O(N) for N members", "key member [member ...]", "Removes members from a set."), srem),
    Command::new(spec("sismember", 3, READ.union(FAST)).access(&[KeyAccess::LOOK])
        .doc("1.0.0", "O(1)", "key member", "Tells whether a set has a member."), sismember),
    Command::new(spec("smismember", -3, READ.union(FAST))
        .doc("6.2.0", "O(N) for N members", "key member [member ...]", "Tells of each of several members whether a set has it."), smismember),
    Command::new(spec("scard", 2, READ.union(FAST)).access(&[KeyAccess::LOOK])
        .doc("1.0.0", "O(1)", "key", "Counts the members of a set."), scard),
    Command::new(spec("smembers", 2, READ).tips(tips::UNORDERED)
        .doc("1.0.0", "O(N) for a set of N members", "key", "Returns all members of a set."), smembers),
    Command::new(spec("smove", 4, WRITE.union(FAST)).keys(KeySpec::FIRST_TWO).access(&[KeyAccess::TAKE, KeyAccess::GROW])
        .doc("1.0.0", "O(1)", "source destination member", "Moves a member from one set to another."), smove),
    Command::new(spec("spop", -2, WRITE.union(FAST)).access(&[KeyAccess::TAKE]).tips(tips::VARIES)
        .doc("1.0.0", "O(N) for N popped members", "key [count]", "Takes random members out of a set."), random::spop),
    Command::new(spec("srandmember", -2, READ).tips(tips::VARIES)
        .doc("1.0.0", "O(N) for N drawn members", "key [count]", "Draws random members and leaves them in the set."), random::srandmember),
    Command::new(spec("sinter", -2, READ).keys(KeySpec::ALL).tips(tips::UNORDERED)
        .doc("1.0.0", "O(N*M) for M sets, the smallest of N members", "key [key ...]", "Returns what is in all of several sets."), algebra::sinter),
    Command::new(spec("sintercard", -3, READ.union(Flags::MOVABLEKEYS)).keys(KeySpec::Numkeys { dest: None, count_at: 1 })
        .doc("7.0.0", "O(N*M) for M sets, the smallest of N members", "numkeys key [key ...] [LIMIT limit]", "Counts what is in all of several sets, up to a limit."), algebra::sintercard),
    Command::new(spec("sinterstore", -3, GROW).keys(KeySpec::ALL).access(&[KeyAccess::CHANGE, KeyAccess::READ])
        .doc("1.0.0", "O(N*M) for M sets, the smallest of N members", "destination key [key ...]", "Stores what is in all of several sets."), algebra::sinterstore),
    Command::new(spec("sunion", -2, READ).keys(KeySpec::ALL).tips(tips::UNORDERED)
        .doc("1.0.0", "O(N) for N members in all", "key [key ...]", "Returns what is in any of several sets."), algebra::sunion),
    Command::new(spec("sunionstore", -3, GROW).keys(KeySpec::ALL).access(&[KeyAccess::OVERWRITE, KeyAccess::READ])
        .doc("1.0.0", "O(N) for N members in all", "destination key [key ...]", "Stores what is in any of several sets."), algebra::sunionstore),
    Command::new(spec("sdiff", -2, READ).keys(KeySpec::ALL).tips(tips::UNORDERED)
        .doc("1.0.0", "O(N*M) for M sets, the first of N members", "key [key ...]", "Returns what is in the first of several sets only."), algebra::sdiff),
    Command::new(spec("sdiffstore", -3, GROW).keys(KeySpec::ALL).access(&[KeyAccess::OVERWRITE, KeyAccess::READ])
        .doc("1.0.0", "O(N*M) for M sets, the first of N members", "destination key [key ...]", "Stores what is in the first of several sets only."), algebra::sdiffstore),
    Command::new(spec("sscan", -3, READ).tips(tips::VARIES)
        .doc("2.8.0", "O(1) a call, O(N) for a whole iteration", "key cursor [MATCH pattern] [COUNT count]", "Walks over a set in steps."), sscan),
];

fn sadd(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let members = ctx.args.rest();
    let settings = ctx.keys.settings();
    let added = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Create, |set: &mut Set| {
            let added = members.iter().filter(|m| set.insert(&settings, m));
            added.count()
        })?;
    let added = added.unwrap_or(0);
    if added > 0 {
        ctx.event(EventClass::SET, "sadd", key);
    }
    ctx.reply.integer(added as i64);
    Ok(())
}

fn srem(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let members = ctx.args.rest();
    let removed = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |set: &mut Set| {
            members.iter().filter(|m| set.remove(m)).count()
        })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        ctx.event_shrunk(EventClass::SET, "srem", key);
    }
    ctx.reply.integer(removed as i64);
    Ok(())
}

fn sismember(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, member) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let set = ctx.keys.set(ctx.db, key)?;
    let found = set.is_some_and(|set| set.contains(member));
    ctx.reply.integer(found.into());
    Ok(())
}

fn smismember(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let members = ctx.args.rest();
    let set = ctx.keys.set(ctx.db, key)?;
    ctx.reply.array(members.len());
    for member in members {
        let found = set.is_some_and(|set| set.contains(member));
        ctx.reply.integer(found.into());
    }
    Ok(())
}

fn scard(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let len = ctx.keys.set(ctx.db, key)?.map_or(0, |set| set.len());
    ctx.reply.integer(len as i64);
    Ok(())
}

fn smembers(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let Some(set) = ctx.keys.set(ctx.db, key)? else {
        ctx.reply.set(0);
        return Ok(());
    };
    ctx.reply.set(set.len());
    set.iter().for_each(|member| ctx.reply.element(member));
    Ok(())
}

/// Replies 1 if the member moved. Both types are checked before either set is touched.
fn smove(ctx: &mut Context<'_, '_>) -> Outcome {
    let (source, destination) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let member = ctx.args.bytes()?;
    let Some(set) = ctx.keys.set(ctx.db, source)? else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let found = set.contains(member);
    ctx.keys.set(ctx.db, destination)?;
    if found && source != destination {
        let settings = ctx.keys.settings();
        ctx.keys
            .edit(ctx.db, source, IfMissing::Skip, |set: &mut Set| {
                set.remove(member)
            })?;
        ctx.event_shrunk(EventClass::SET, "srem", source);
        let added = ctx
            .keys
            .edit(ctx.db, destination, IfMissing::Create, |set: &mut Set| {
                set.insert(&settings, member)
            })?;
        if added == Some(true) {
            ctx.event(EventClass::SET, "sadd", destination);
        }
    }
    ctx.reply.integer(found.into());
    Ok(())
}

/// A missing key is answered before the options are looked at, as Redis does.
fn sscan(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let cursor = parse_cursor(&mut ctx.args)?;
    let Some(set) = ctx.keys.set(ctx.db, key)? else {
        reply_scan(ctx.reply, 0, &[]);
        return Ok(());
    };
    let options = ScanOptions::parse(&mut ctx.args, ScanOf::Set)?;
    let mut found = Vec::new();
    let next = set.scan(cursor, options.count, &mut |member| {
        let mut buffer = IntText::default();
        let member = member.text(&mut buffer);
        if options.wants(member) {
            found.push(member.to_vec());
        }
    });
    reply_scan(ctx.reply, next, &found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Fixture, bulks, check_effects, check_transcript};
    use std::collections::BTreeSet;

    #[test]
    fn transcript() {
        check_transcript("set");
    }

    #[test]
    fn effects_make_a_twin() {
        check_effects("set");
    }

    fn with_members(fixture: &mut Fixture, key: &str, members: impl Iterator<Item = usize>) {
        for member in members {
            fixture.run(&format!("sadd {key} member:{member}"));
        }
    }

    #[test]
    fn a_large_set_is_walked_over_once() {
        let mut fixture = Fixture::new();
        with_members(&mut fixture, "k", 0..1000);
        let mut seen = Vec::new();
        let mut cursor = "0".to_owned();
        loop {
            let reply = bulks(&fixture.run(&format!("sscan k {cursor} count 50")));
            seen.extend_from_slice(&reply[1..]);
            cursor.clone_from(&reply[0]);
            if cursor == "0" {
                break;
            }
        }
        let different: BTreeSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), different.len()), (1000, 1000));
    }

    #[test]
    fn what_spop_took_is_what_it_repeats() {
        let mut fixture = Fixture::new();
        with_members(&mut fixture, "k", 0..2000);
        let popped: BTreeSet<String> = bulks(&fixture.run("spop k 1500")).into_iter().collect();
        let effects = fixture.effects();
        let repeated = effects.lines().flat_map(|line| line.split(' ').skip(2));
        let repeated: BTreeSet<String> = repeated.map(str::to_owned).collect();
        assert_eq!(popped.len(), 1500);
        assert_eq!(popped, repeated);
        assert_eq!(fixture.run("scard k"), "(integer) 500");
    }

    #[test]
    fn draws_are_different_unless_asked_otherwise() {
        let mut fixture = Fixture::new();
        with_members(&mut fixture, "k", 0..1000);
        for count in [1, 10, 500, 999, 1000, 5000] {
            let drawn = bulks(&fixture.run(&format!("srandmember k {count}")));
            let different: BTreeSet<&String> = drawn.iter().collect();
            assert_eq!(drawn.len(), count.min(1000));
            assert_eq!(different.len(), drawn.len());
        }
        assert_eq!(bulks(&fixture.run("srandmember k -2500")).len(), 2500);
    }
}
