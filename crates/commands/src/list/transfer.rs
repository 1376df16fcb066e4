use super::{End, pop_many};
use crate::numkeys::numkeys;
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::{IfMissing, List};

/// An element on its way from an end of one list to an end of another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transfer<'a> {
    pub(super) source: &'a [u8],
    pub(super) destination: &'a [u8],
    pub(super) from: End,
    pub(super) to: End,
}

impl<'a> Transfer<'a> {
    /// Takes source, destination and the end of each.
    pub(super) fn parse(args: &mut Args<'a>) -> Result<Transfer<'a>, Error> {
        Ok(Transfer {
            source: args.bytes()?,
            destination: args.bytes()?,
            from: End::parse(args)?,
            to: End::parse(args)?,
        })
    }

    /// Takes source and destination, for a move from tail to head.
    pub(super) fn tail_to_head(args: &mut Args<'a>) -> Result<Transfer<'a>, Error> {
        Ok(Transfer {
            source: args.bytes()?,
            destination: args.bytes()?,
            from: End::Right,
            to: End::Left,
        })
    }

    /// Replies with the element that moved. Both types are checked before either list is touched.
    pub(super) fn run(self, ctx: &mut Context<'_, '_>) -> Outcome {
        if ctx.keys.list(ctx.db, self.source)?.is_none() {
            ctx.reply.null();
            return Ok(());
        }
        ctx.keys.list(ctx.db, self.destination)?;
        let moved = if self.source == self.destination {
            self.rotate(ctx)?
        } else {
            self.hand_over(ctx)?
        };
        let Some(element) = moved else {
            ctx.reply.null();
            return Ok(());
        };
        ctx.event(EventClass::LIST, self.to.push_event(), self.destination);
        ctx.event_shrunk(EventClass::LIST, self.from.pop_event(), self.source);
        ctx.reply.bulk(&element);
        Ok(())
    }

    /// One edit, so that a list of one element is never empty in between and keeps its deadline.
    fn rotate(self, ctx: &mut Context<'_, '_>) -> Result<Option<Vec<u8>>, Error> {
        let settings = ctx.keys.settings();
        let rotate = |list: &mut List| {
            let element = self.from.pop(list)?;
            self.to.push(list, &settings, &element);
            Some(element)
        };
        let moved = ctx
            .keys
            .edit(ctx.db, self.source, IfMissing::Skip, rotate)?;
        Ok(moved.flatten())
    }

    fn hand_over(self, ctx: &mut Context<'_, '_>) -> Result<Option<Vec<u8>>, Error> {
        let settings = ctx.keys.settings();
        let pop = |list: &mut List| self.from.pop(list);
        let popped = ctx.keys.edit(ctx.db, self.source, IfMissing::Skip, pop)?;
        let Some(element) = popped.flatten() else {
            return Ok(None);
        };
        let push = |list: &mut List| self.to.push(list, &settings, &element);
        ctx.keys
            .edit(ctx.db, self.destination, IfMissing::Create, push)?;
        Ok(Some(element))
    }
}

pub(super) fn lmove(ctx: &mut Context<'_, '_>) -> Outcome {
    Transfer::parse(&mut ctx.args)?.run(ctx)
}

pub(super) fn rpoplpush(ctx: &mut Context<'_, '_>) -> Outcome {
    Transfer::tail_to_head(&mut ctx.args)?.run(ctx)
}

/// Several elements off an end of the first of several lists that has any.
#[derive(Debug, Clone, Copy)]
pub(super) struct MultiPop<'a> {
    pub(super) keys: &'a [&'a [u8]],
    end: End,
    count: usize,
}

impl<'a> MultiPop<'a> {
    /// Takes the keys, the end and a count.
    pub(super) fn parse(args: &mut Args<'a>) -> Result<MultiPop<'a>, Error> {
        let keys = numkeys(args)?;
        let end = End::parse(args)?;
        let mut count = 1;
        if args.keyword("COUNT") {
            let refusal = "count should be greater than 0";
            count = args.int_in(1..=i64::MAX, refusal)? as usize;
        }
        args.done()?;
        Ok(MultiPop { keys, end, count })
    }

    /// Replies with the key and its elements; `false`, and no reply, if no list has any. Repeated
    /// as an LPOP or RPOP of what was taken, since that names the key.
    pub(super) fn run(self, ctx: &mut Context<'_, '_>) -> Result<bool, Error> {
        for &key in self.keys {
            if ctx.keys.list(ctx.db, key)?.is_none() {
                continue;
            }
            let popped = pop_many(ctx, key, self.end, self.count)?;
            log_pop(ctx, key, self.end, popped.len());
            ctx.reply.array(2);
            ctx.reply.bulk(key);
            super::reply_all(ctx, &popped);
            return Ok(true);
        }
        Ok(false)
    }
}

pub(super) fn lmpop(ctx: &mut Context<'_, '_>) -> Outcome {
    if !MultiPop::parse(&mut ctx.args)?.run(ctx)? {
        ctx.reply.null_array();
    }
    Ok(())
}

fn log_pop(ctx: &mut Context<'_, '_>, key: &[u8], end: End, count: usize) {
    let name: &[u8] = match end {
        End::Left => b"LPOP",
        End::Right => b"RPOP",
    };
    let count = itoa::Buffer::new().format(count).to_owned();
    ctx.effects.push(&[name, key, count.as_bytes()]);
}
