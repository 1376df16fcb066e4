//! When keys expire.

use crate::expire_time::ExpireUnit;
use crate::{Args, Context, Error, EventClass, Outcome};
use packed::number;
use units::UnixMillis;

pub(super) fn expire(ctx: &mut Context<'_, '_>) -> Outcome {
    set_expire(ctx, ExpireUnit::Ex, "expire")
}

pub(super) fn pexpire(ctx: &mut Context<'_, '_>) -> Outcome {
    set_expire(ctx, ExpireUnit::Px, "pexpire")
}

pub(super) fn expireat(ctx: &mut Context<'_, '_>) -> Outcome {
    set_expire(ctx, ExpireUnit::ExAt, "expireat")
}

pub(super) fn pexpireat(ctx: &mut Context<'_, '_>) -> Outcome {
    set_expire(ctx, ExpireUnit::PxAt, "pexpireat")
}

/// Which deadlines may be replaced.
#[derive(Default)]
struct Condition {
    only_without: bool,
    only_with: bool,
    only_later: bool,
    only_earlier: bool,
}

impl Condition {
    fn parse(args: &mut Args<'_>) -> Result<Condition, Error> {
        let mut condition = Condition::default();
        while let Some(word) = args.peek() {
            if args.keyword("NX") {
                condition.only_without = true;
            } else if args.keyword("XX") {
                condition.only_with = true;
            } else if args.keyword("GT") {
                condition.only_later = true;
            } else if args.keyword("LT") {
                condition.only_earlier = true;
            } else {
                let word = String::from_utf8_lossy(word);
                return Err(Error::err(format!("Unsupported option {word}")));
            }
        }
        condition.refuse_contradictions()?;
        Ok(condition)
    }

    fn refuse_contradictions(&self) -> Result<(), Error> {
        let other = self.only_with || self.only_later || self.only_earlier;
        if self.only_without && other {
            let text = "NX and XX, GT or LT options at the same time are not compatible";
            return Err(Error::err(text));
        }
        if self.only_later && self.only_earlier {
            let text = "GT and LT options at the same time are not compatible";
            return Err(Error::err(text));
        }
        Ok(())
    }

    /// Whether `new` may replace `old`; a key without a deadline has it infinitely late.
    fn allows(&self, old: Option<UnixMillis>, new: UnixMillis) -> bool {
        !(self.only_without && old.is_some()
            || self.only_with && old.is_none()
            || self.only_later && old.is_none_or(|old| new <= old)
            || self.only_earlier && old.is_some_and(|old| new >= old))
    }
}

fn set_expire(ctx: &mut Context<'_, '_>, unit: ExpireUnit, command: &'static str) -> Outcome {
    let (key, number) = (ctx.args.bytes()?, ctx.args.bytes()?);
    // A wrong option comes before a wrong number.
    let condition = Condition::parse(&mut ctx.args)?;
    let number = number::parse_i64(number).ok_or(Error::NotInteger)?;
    let deadline = unit.deadline(number, ctx.keys.now());
    let deadline = deadline.ok_or(Error::InvalidExpire(command))?;
    let old = ctx.keys.get(ctx.db, key).map(|entry| entry.deadline());
    let allowed = old.is_some_and(|old| condition.allows(old, deadline));
    if allowed {
        apply(ctx, key, deadline);
    }
    ctx.reply.integer(allowed.into());
    Ok(())
}

fn apply(ctx: &mut Context<'_, '_>, key: &[u8], deadline: UnixMillis) {
    if ctx.is_past(deadline) {
        ctx.keys.remove(ctx.db, key);
        ctx.event(EventClass::GENERIC, "del", key);
        ctx.effects.push(&[b"DEL", key]);
        return;
    }
    ctx.keys.set_deadline(ctx.db, key, Some(deadline));
    ctx.event(EventClass::GENERIC, "expire", key);
    let mut buffer = itoa::Buffer::new();
    let ms = buffer.format(deadline.0).as_bytes();
    let mut argv: Vec<&[u8]> = vec![b"PEXPIREAT", key, ms];
    argv.extend(ctx.args.argv().iter().skip(3));
    ctx.effects.push(&argv);
}

pub(super) fn ttl(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_time(ctx, |deadline, now| {
        (deadline.since(now).max(0) + 500) / 1000
    })
}

pub(super) fn pttl(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_time(ctx, |deadline, now| deadline.since(now).max(0))
}

pub(super) fn expiretime(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_time(ctx, |deadline, _| deadline.0.saturating_add(500) / 1000)
}

pub(super) fn pexpiretime(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_time(ctx, |deadline, _| deadline.0)
}

/// Answers -2 for no key, -1 for no deadline, and what `show` makes of one otherwise.
fn reply_time(ctx: &mut Context<'_, '_>, show: fn(UnixMillis, UnixMillis) -> i64) -> Outcome {
    let key = ctx.args.bytes()?;
    let now = ctx.keys.now();
    let time = match ctx.keys.peek(ctx.db, key).map(|entry| entry.deadline()) {
        None => -2,
        Some(None) => -1,
        Some(Some(deadline)) => show(deadline, now),
    };
    ctx.reply.integer(time);
    Ok(())
}

pub(super) fn persist(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let entry = ctx.keys.get(ctx.db, key);
    let had_deadline = entry.is_some_and(|entry| entry.deadline().is_some());
    if had_deadline {
        ctx.keys.set_deadline(ctx.db, key, None);
        ctx.event(EventClass::GENERIC, "persist", key);
    }
    ctx.reply.integer(had_deadline.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Fixture;

    #[test]
    fn effects_carry_absolute_times() {
        let mut fixture = Fixture::new();
        fixture.run_all(&["set k v", "expire k 10"]);
        assert_eq!(fixture.effects(), "PEXPIREAT k 1700000010000");
        fixture.run("pexpire k 20000 gt");
        assert_eq!(fixture.effects(), "PEXPIREAT k 1700000020000 gt");
        fixture.run("pexpire k 1 gt");
        assert_eq!(fixture.effects(), "");
        fixture.run("expireat k 1");
        assert_eq!(fixture.effects(), "DEL k");
    }

    #[test]
    fn time_passes() {
        let mut fixture = Fixture::new();
        fixture.run_all(&["set k v", "pexpire k 1400"]);
        assert_eq!(fixture.run("ttl k"), "(integer) 1");
        fixture.pass(1399);
        assert_eq!(fixture.run("pttl k"), "(integer) 1");
        fixture.pass(1);
        assert_eq!(fixture.run("pttl k"), "(integer) 0");
        fixture.pass(1);
        assert_eq!(fixture.run("pttl k"), "(integer) -2");
        assert_eq!(fixture.run("dbsize"), "(integer) 0");
    }

    #[test]
    fn a_replayed_deadline_does_not_remove() {
        let mut fixture = Fixture::new();
        fixture.settings.replaying = true;
        fixture.run_all(&["set k v", "pexpireat k 1"]);
        assert_eq!(fixture.run("pexpiretime k"), "(integer) 1");
    }
}
