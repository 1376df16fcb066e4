use super::entries::reply_entries;
use super::ids::{parse_id, parse_limit};
use crate::wait::{Wait, timeout_millis};
use crate::{Args, Context, Error, Outcome, Protocol, ReplySink, Settings};
use keyspace::{Entry, Type};
use units::{StreamId, UnixMillis};

/// What XREAD and XREADGROUP take.
pub(super) struct ReadRequest<'a> {
    /// Entries of each stream at most.
    pub(super) limit: usize,
    /// Group and consumer.
    pub(super) group: Option<(&'a [u8], &'a [u8])>,
    /// Whether, and until when, to wait if there is nothing.
    wait: Option<Option<UnixMillis>>,
    /// Entries do not become pending.
    pub(super) no_ack: bool,
    pub(super) keys: &'a [&'a [u8]],
    /// One for each key.
    pub(super) ids: &'a [&'a [u8]],
}

impl<'a> ReadRequest<'a> {
    pub(super) fn parse(
        args: &mut Args<'a>,
        for_group: bool,
        now: UnixMillis,
    ) -> Result<ReadRequest<'a>, Error> {
        let mut request = ReadRequest {
            limit: usize::MAX,
            group: None,
            wait: None,
            no_ack: false,
            keys: &[],
            ids: &[],
        };
        while !args.keyword("STREAMS") {
            if args.left() >= 2 && args.keyword("COUNT") {
                request.limit = parse_limit(args)?;
            } else if args.left() >= 2 && args.keyword("BLOCK") {
                request.wait = Some(timeout_millis(args, now)?);
            } else if args.left() >= 3 && args.keyword("GROUP") {
                only_xreadgroup("GROUP", for_group)?;
                request.group = Some((args.bytes()?, args.bytes()?));
            } else if args.keyword("NOACK") {
                only_xreadgroup("NOACK", for_group)?;
                request.no_ack = true;
            } else {
                return Err(Error::Syntax);
            }
        }
        request.take_streams(args)?;
        if for_group && request.group.is_none() {
            return Err(Error::err("Missing GROUP option for XREADGROUP"));
        }
        Ok(request)
    }

    fn take_streams(&mut self, args: &mut Args<'a>) -> Result<(), Error> {
        let streams = args.rest();
        if streams.is_empty() {
            return Err(Error::Syntax);
        }
        if streams.len() % 2 == 1 {
            return Err(Error::err(
                "Unbalanced XREAD list of streams: for each stream key an ID or '$' must be \
                 specified.",
            ));
        }
        (self.keys, self.ids) = streams.split_at(streams.len() / 2);
        Ok(())
    }

    /// Refuses to wait in a script, which nobody could wake.
    pub(super) fn refuse_in_script(&self, name: &str, settings: &Settings) -> Outcome {
        match self.wait.is_some() && settings.in_script {
            false => Ok(()),
            true => Err(Error::err(format_args!(
                "{name} command is not allowed with BLOCK option from scripts"
            ))),
        }
    }

    /// What there is to wait for, if the request says to.
    pub(super) fn wait(&self) -> Option<Wait> {
        let wait = |until| Wait::for_keys(self.keys, Type::Stream, until);
        self.wait.map(wait)
    }
}

fn only_xreadgroup(option: &str, for_group: bool) -> Result<(), Error> {
    if for_group {
        return Ok(());
    }
    Err(Error::err(format_args!(
        "The {option} option is only supported by XREADGROUP. You called XREAD instead."
    )))
}

/// Replies with the streams that have entries behind the given ids, null if none has.
pub(super) fn xread(ctx: &mut Context<'_, '_>) -> Outcome {
    let request = ReadRequest::parse(&mut ctx.args, false, ctx.keys.now())?;
    request.refuse_in_script("xread", ctx.settings)?;
    let mut seen = Vec::new();
    let mut found: Vec<(&[u8], Vec<Entry<'_>>)> = Vec::new();
    for (&key, id) in request.keys.iter().zip(request.ids) {
        let stream = ctx.keys.stream(ctx.db, key)?;
        let last_id = stream.map_or(StreamId::MIN, |stream| stream.last_id());
        let behind = parse_read_id(id, last_id)?;
        seen.push(behind);
        if let (Some(stream), Some(start)) = (stream, behind.next()) {
            let entries = stream.range(start, StreamId::MAX, false);
            found.push((key, entries.take(request.limit).collect()));
        }
    }
    found.retain(|(_, entries)| !entries.is_empty());
    if let (true, Some(wait)) = (found.is_empty(), request.wait()) {
        let again = Some(with_ids(ctx.args.argv(), &seen));
        ctx.wait_for(Wait { again, ..wait });
        return Ok(());
    }
    reply_header(ctx.reply, found.len());
    for (key, entries) in &found {
        reply_stream(ctx.reply, key);
        reply_entries(ctx.reply, entries);
    }
    Ok(())
}

/// The request with the ids that it meant: `$` is what was last when it came.
fn with_ids(argv: &[&[u8]], ids: &[StreamId]) -> Vec<Vec<u8>> {
    let others = argv.len() - ids.len();
    let ids = ids.iter().map(|id| id.to_string().into_bytes());
    let others = argv[..others].iter().map(|arg| arg.to_vec());
    others.chain(ids).collect()
}

/// `$` is the last id that the stream has now.
fn parse_read_id(text: &[u8], last_id: StreamId) -> Result<StreamId, Error> {
    match text {
        b"$" => Ok(last_id),
        b">" => Err(Error::err(
            "The > ID can be specified only when calling XREADGROUP using the GROUP <group> \
             <consumer> option.",
        )),
        text => parse_id(text, 0),
    }
}

/// The start of a reply of `streams` streams: null for none, a map in RESP3.
pub(super) fn reply_header(reply: &mut dyn ReplySink, streams: usize) {
    match reply.protocol() {
        _ if streams == 0 => reply.null_array(),
        Protocol::Resp2 => reply.array(streams),
        Protocol::Resp3 => reply.map(streams),
    }
}

/// The name of one stream, which its entries follow.
pub(super) fn reply_stream(reply: &mut dyn ReplySink, key: &[u8]) {
    if reply.protocol() == Protocol::Resp2 {
        reply.array(2);
    }
    reply.bulk(key);
}
