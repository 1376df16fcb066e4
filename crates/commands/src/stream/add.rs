use super::ids::{IdText, parse_id, parse_id_text};
use super::references;
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::{IfMissing, References, Stream, Trim};
use units::{StreamId, UnixMillis};

/// How a stream is to be trimmed.
#[derive(Debug, Clone, Copy)]
struct TrimRequest {
    trim: Trim,
    references: References,
    /// Whether entries may stay where removing them would take a node apart.
    approximate: bool,
    /// Entries to remove at most; 0 for no limit.
    limit: u64,
}

/// Options in front of an id, or at the end of XTRIM.
#[derive(Debug, Default)]
struct Options {
    trim: Option<Trim>,
    approximate: bool,
    limit: Option<i64>,
    references: Option<References>,
}

/// Without LIMIT, an approximate trim stops after this many full nodes.
const NODES_AT_ONCE: u64 = 100;

impl Options {
    /// Takes one option, if one is next.
    fn parse_one(&mut self, args: &mut Args<'_>) -> Result<bool, Error> {
        if self.references.is_none()
            && let Some(references) = references::keyword(args)
        {
            self.references = Some(references);
            return Ok(true);
        }
        // Any other word at the very end is an id, whatever it says.
        if args.left() < 2 {
            return Ok(false);
        }
        if args.keyword("MAXLEN") {
            self.parse_mode(args)?;
            let refusal = "The MAXLEN argument must be >= 0.";
            self.trim = Some(Trim::MaxLen(not_negative(args, refusal)? as u64));
        } else if args.keyword("MINID") {
            self.parse_mode(args)?;
            self.trim = Some(Trim::MinId(parse_id(args.bytes()?, 0)?));
        } else if args.keyword("LIMIT") {
            self.limit = Some(not_negative(args, "The LIMIT argument must be >= 0.")?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn parse_mode(&mut self, args: &mut Args<'_>) -> Result<(), Error> {
        if self.trim.is_some() {
            return Err(Error::err(
                "syntax error, MAXLEN and MINID options at the same time are not compatible",
            ));
        }
        if args.left() >= 2 {
            self.approximate = args.keyword("~");
            if !self.approximate {
                args.keyword("=");
            }
        }
        Ok(())
    }

    fn finish(self, ctx: &Context<'_, '_>) -> Result<Option<TrimRequest>, Error> {
        let Some(trim) = self.trim else {
            return match self.limit {
                None | Some(0) => Ok(None),
                Some(_) => Err(Error::err(
                    "syntax error, LIMIT cannot be used without specifying a trimming strategy",
                )),
            };
        };
        if self.limit.is_some() && !self.approximate && !ctx.settings.replaying {
            return Err(Error::err(
                "syntax error, LIMIT cannot be used without the special ~ option",
            ));
        }
        let node_entries = ctx.keys.settings().limits.stream_node_max_entries;
        let limit = match self.limit {
            _ if !self.approximate || ctx.settings.replaying => 0,
            None => NODES_AT_ONCE * node_entries as u64,
            Some(limit) => limit as u64,
        };
        Ok(Some(TrimRequest {
            trim,
            references: self.references.unwrap_or_default(),
            approximate: self.approximate,
            limit,
        }))
    }
}

fn not_negative(args: &mut Args<'_>, refusal: &str) -> Result<i64, Error> {
    let number = args.int()?;
    if number < 0 {
        Err(Error::err(refusal))
    } else {
        Ok(number)
    }
}

impl TrimRequest {
    fn apply(&self, stream: &mut Stream) -> u64 {
        stream.trim_with(self.trim, self.references, self.approximate, self.limit)
    }

    /// The words that bring an exact copy to the same entries.
    fn as_exact(&self, stream: &Stream) -> Vec<Vec<u8>> {
        // Entries that are referred to may stay in front of others that go.
        let leaves_gaps = self.references == References::Acked && !self.approximate;
        let (word, threshold) = match self.trim {
            Trim::MaxLen(_) => ("MAXLEN", stream.len().to_string()),
            Trim::MinId(min) if leaves_gaps => ("MINID", min.to_string()),
            Trim::MinId(_) if stream.is_empty() => ("MINID", StreamId::MAX.to_string()),
            Trim::MinId(_) => ("MINID", stream.first_id().to_string()),
        };
        let words = [word, "=", &threshold].map(|word| word.as_bytes().to_vec());
        let kept = references::word(self.references).map(|word| word.as_bytes().to_vec());
        words.into_iter().chain(kept).collect()
    }
}

/// The id that an entry asks for.
#[derive(Debug, Clone, Copy)]
enum WantedId {
    Any,
    Text(IdText),
}

impl WantedId {
    /// The id that an entry gets in a stream.
    fn choose(self, stream: &Stream, now: UnixMillis) -> Result<StreamId, Error> {
        let id = match self {
            WantedId::Any => stream.next_id(u64::try_from(now.0).unwrap_or(0)),
            WantedId::Text(IdText::Milliseconds(ms)) => stream.next_id_in(ms),
            WantedId::Text(IdText::Full(id)) => Some(id).filter(|&id| id > stream.last_id()),
        };
        id.ok_or_else(|| {
            Error::err(
                "The ID specified in XADD is equal or smaller than the target stream top item",
            )
        })
    }

    fn is_explicit(self) -> bool {
        matches!(self, WantedId::Text(IdText::Full(_)))
    }
}

/// `XADD` behind its key.
struct AddRequest<'a> {
    no_create: bool,
    trim: Option<TrimRequest>,
    id: WantedId,
    fields: &'a [[&'a [u8]; 2]],
}

impl<'a> AddRequest<'a> {
    fn parse(ctx: &mut Context<'a, '_>) -> Result<AddRequest<'a>, Error> {
        let mut options = Options::default();
        let mut no_create = false;
        let id = loop {
            if options.parse_one(&mut ctx.args)? {
                continue;
            } else if ctx.args.keyword("NOMKSTREAM") {
                no_create = true;
            } else if ctx.args.keyword("*") {
                break WantedId::Any;
            } else {
                break WantedId::Text(parse_id_text(ctx.args.bytes()?, 0)?);
            }
        };
        let trim = options.finish(ctx)?;
        let (fields, odd) = ctx.args.rest().as_chunks::<2>();
        if fields.is_empty() || !odd.is_empty() {
            return Err(Error::WrongArity("xadd".to_owned()));
        }
        if matches!(id, WantedId::Text(IdText::Full(StreamId::MIN))) {
            return Err(Error::err(
                "The ID specified in XADD must be greater than 0-0",
            ));
        }
        Ok(AddRequest {
            no_create,
            trim,
            id,
            fields,
        })
    }
}

/// Replies with the id of the new entry, or null if NOMKSTREAM forbade to make the stream.
pub(super) fn xadd(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let request = AddRequest::parse(ctx)?;
    let stream = ctx.keys.stream(ctx.db, key)?;
    if stream.is_none() && request.no_create {
        ctx.reply.null();
        return Ok(());
    }
    let none = Stream::default();
    let stream = stream.unwrap_or(&none);
    if stream.last_id() == StreamId::MAX {
        return Err(Error::err(
            "The stream has exhausted the last possible ID, unable to add more items",
        ));
    }
    let id = request.id.choose(stream, ctx.keys.now())?;
    append(ctx, key, &request, id)?;
    ctx.reply.bulk(id.to_string().as_bytes());
    Ok(())
}

/// Repeated with the id that was chosen and the length that came about.
fn append(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    request: &AddRequest<'_>,
    id: StreamId,
) -> Outcome {
    let settings = ctx.keys.settings();
    let is_new = ctx.keys.stream(ctx.db, key)?.is_none();
    let trimmed = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Create, |stream: &mut Stream| {
            stream
                .append(&settings, id, request.fields)
                .map_err(|_| Error::err("Elements are too large to be stored"))?;
            let trim = request.trim.filter(|trim| trim.apply(stream) > 0);
            Ok::<_, Error>(trim.map(|trim| trim.as_exact(stream)))
        })?;
    if is_new && matches!(trimmed, Some(Err(_))) {
        ctx.keys.remove(ctx.db, key);
    }
    let trimmed = trimmed.transpose()?.flatten();
    ctx.event(EventClass::STREAM, "xadd", key);
    if trimmed.is_some() {
        ctx.event(EventClass::STREAM, "xtrim", key);
    }
    let approximate = request.trim.is_some_and(|trim| trim.approximate);
    if approximate || !request.id.is_explicit() {
        log_add(ctx, key, request, id, trimmed.as_deref());
    }
    Ok(())
}

fn log_add(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    request: &AddRequest<'_>,
    id: StreamId,
    trimmed: Option<&[Vec<u8>]>,
) {
    let id = id.to_string();
    let mut argv: Vec<&[u8]> = vec![b"XADD", key];
    argv.extend(trimmed.into_iter().flatten().map(Vec::as_slice));
    argv.push(id.as_bytes());
    argv.extend(request.fields.as_flattened());
    ctx.effects.push(&argv);
}

pub(super) fn xtrim(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let mut options = Options::default();
    while !ctx.args.is_done() {
        if !options.parse_one(&mut ctx.args)? {
            return Err(Error::Syntax);
        }
    }
    let request = options.finish(ctx)?.ok_or(Error::Syntax)?;
    let trimmed = ctx
        .keys
        .edit(ctx.db, key, IfMissing::Skip, |stream: &mut Stream| {
            (request.apply(stream), request.as_exact(stream))
        })?;
    let removed = trimmed.as_ref().map_or(0, |(removed, _)| *removed);
    if removed > 0 {
        ctx.event(EventClass::STREAM, "xtrim", key);
    }
    if let Some((1.., words)) = trimmed.filter(|_| request.approximate) {
        let mut argv: Vec<&[u8]> = vec![b"XTRIM", key];
        argv.extend(words.iter().map(Vec::as_slice));
        ctx.effects.push(&argv);
    }
    ctx.reply.integer(removed as i64);
    Ok(())
}
