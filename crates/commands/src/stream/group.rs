//! XGROUP: making, moving and removing groups and their consumers.

use super::ids::parse_bound;
use super::no_group;
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::{IfMissing, Stream};
use units::StreamId;

/// Options behind the id of CREATE and SETID.
#[derive(Debug, Default)]
struct Options {
    make_stream: bool,
    entries_read: Option<u64>,
}

impl Options {
    fn parse(args: &mut Args<'_>, subcommand: &str) -> Result<Options, Error> {
        let mut options = Options::default();
        while !args.is_done() {
            if subcommand == "create" && args.keyword("MKSTREAM") {
                options.make_stream = true;
            } else if args.left() >= 2 && args.keyword("ENTRIESREAD") {
                options.entries_read = parse_entries_read(args)?;
            } else {
                let said = String::from_utf8_lossy(args.argv()[1]);
                return Err(Error::err(format_args!(
                    "unknown subcommand or wrong number of arguments for '{said}'. Try XGROUP HELP."
                )));
            }
        }
        Ok(options)
    }
}

/// -1 says that the number is not known.
fn parse_entries_read(args: &mut Args<'_>) -> Result<Option<u64>, Error> {
    match args.int()? {
        -1 => Ok(None),
        read => match u64::try_from(read) {
            Ok(read) => Ok(Some(read)),
            Err(_) => Err(Error::err("value for ENTRIESREAD must be positive or -1")),
        },
    }
}

/// `$` is the last id of the stream, 0-0 if there is none; `-` and `+` are the ends of all ids.
fn parse_group_id(text: &[u8], stream: Option<&Stream>) -> Result<StreamId, Error> {
    match text {
        b"$" => Ok(stream.map_or(StreamId::MIN, |stream| stream.last_id())),
        text => parse_bound(text, 0),
    }
}

/// The stream whose groups are changed, with a group of that name if one is needed.
fn stream_with_group<'k>(
    ctx: &'k Context<'_, '_>,
    key: &[u8],
    group: Option<&[u8]>,
) -> Result<&'k Stream, Error> {
    let stream = ctx.keys.stream(ctx.db, key)?.ok_or_else(|| {
        Error::err(
            "The XGROUP subcommand requires the key to exist. Note that for CREATE you may want \
             to use the MKSTREAM option to create an empty stream automatically.",
        )
    })?;
    match group {
        Some(group) if stream.group(group).is_none() => Err(no_group(key, group)),
        _ => Ok(stream),
    }
}

pub(super) fn create(ctx: &mut Context<'_, '_>) -> Outcome {
    let (_create, key) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let (group, id) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let options = Options::parse(&mut ctx.args, "create")?;
    if !options.make_stream {
        stream_with_group(ctx, key, None)?;
    }
    let stream = ctx.keys.stream(ctx.db, key)?;
    let id = parse_group_id(id, stream)?;
    if stream.is_some_and(|stream| stream.group(group).is_some()) {
        return Err(Error::Text(
            "BUSYGROUP Consumer Group name already exists".into(),
        ));
    }
    ctx.keys
        .edit(ctx.db, key, IfMissing::Create, |stream: &mut Stream| {
            stream.create_group(group, id, options.entries_read)
        })?;
    ctx.event(EventClass::STREAM, "xgroup-create", key);
    ctx.reply.ok();
    Ok(())
}

pub(super) fn setid(ctx: &mut Context<'_, '_>) -> Outcome {
    let (_setid, key) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let (group, id) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let options = Options::parse(&mut ctx.args, "setid")?;
    let stream = stream_with_group(ctx, key, Some(group))?;
    let id = parse_group_id(id, Some(stream))?;
    ctx.keys
        .edit(ctx.db, key, IfMissing::Skip, |stream: &mut Stream| {
            stream.edit_group(group, |group| group.set_id(id, options.entries_read))
        })?;
    ctx.event(EventClass::STREAM, "xgroup-setid", key);
    ctx.reply.ok();
    Ok(())
}

pub(super) fn destroy(ctx: &mut Context<'_, '_>) -> Outcome {
    let (_destroy, key, group) = (ctx.args.bytes()?, ctx.args.bytes()?, ctx.args.bytes()?);
    stream_with_group(ctx, key, None)?;
    let destroyed = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |stream: &mut Stream| {
            stream.destroy_group(group)
        })?;
    let destroyed = destroyed.unwrap_or(false);
    if destroyed {
        ctx.event(EventClass::STREAM, "xgroup-destroy", key);
    }
    ctx.reply.integer(destroyed.into());
    Ok(())
}

pub(super) fn createconsumer(ctx: &mut Context<'_, '_>) -> Outcome {
    let (_create, key) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let (group, consumer) = (ctx.args.bytes()?, ctx.args.bytes()?);
    stream_with_group(ctx, key, Some(group))?;
    let now = ctx.keys.now();
    let created = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |stream: &mut Stream| {
            stream.edit_group(group, |group| group.create_consumer(consumer, now))
        })?;
    let created = created.flatten().unwrap_or(false);
    if created {
        ctx.event(EventClass::STREAM, "xgroup-createconsumer", key);
    }
    ctx.reply.integer(created.into());
    Ok(())
}

/// Replies with the number of entries that the consumer had pending.
pub(super) fn delconsumer(ctx: &mut Context<'_, '_>) -> Outcome {
    let (_delete, key) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let (group, consumer) = (ctx.args.bytes()?, ctx.args.bytes()?);
    stream_with_group(ctx, key, Some(group))?;
    let pending = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |stream: &mut Stream| {
            stream.edit_group(group, |group| group.delete_consumer(consumer))
        })?;
    let pending = pending.flatten().flatten();
    if pending.is_some() {
        ctx.event(EventClass::STREAM, "xgroup-delconsumer", key);
    }
    ctx.reply.integer(pending.unwrap_or(0) as i64);
    Ok(())
}

pub(super) fn help(ctx: &mut Context<'_, '_>) -> Outcome {
    const LINES: [&str; 15] = [
        "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CREATE <key> <group> <id|$> [option]",
        "    Make a group that reads what comes behind an id.",
        "    * MKSTREAM: make the stream too if there is none.",
        "    * ENTRIESREAD <number>: how many entries it has read so far.",
        "CREATECONSUMER <key> <group> <consumer>",
        "    Make a consumer.",
        "DELCONSUMER <key> <group> <consumer>",
        "    Remove a consumer and what it has pending.",
        "DESTROY <key> <group>",
        "    Remove a group.",
        "SETID <key> <group> <id|$> [ENTRIESREAD <number>]",
        "    Have a group go on behind an id.",
        "HELP",
        "    This list.",
    ];
    ctx.reply.array(LINES.len());
    LINES.iter().for_each(|line| ctx.reply.simple(line));
    Ok(())
}
