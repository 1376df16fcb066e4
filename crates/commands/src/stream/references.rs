//! Entries that are removed with regard to the groups that refer to them (Redis 8.2): XDELEX,
//! XACKDEL, and the option that they share with XADD and XTRIM.

use super::ids::parse_id;
use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::{IfMissing, References, Stream};
use std::collections::BTreeMap;
use std::sync::Arc;
use units::StreamId;

const WORDS: [(&str, References); 3] = [
    ("KEEPREF", References::Keep),
    ("DELREF", References::Delete),
    ("ACKED", References::Acked),
];

/// Takes the word that says what becomes of references, if one is next.
pub(super) fn keyword(args: &mut Args<'_>) -> Option<References> {
    WORDS
        .into_iter()
        .find_map(|(word, references)| args.keyword(word).then_some(references))
}

/// The word for what becomes of references, unless it is what becomes of them anyway.
pub(super) fn word(references: References) -> Option<&'static str> {
    let said = |(word, of)| (of == references && of != References::Keep).then_some(word);
    WORDS.into_iter().find_map(said)
}

/// What stands behind the key, or the group.
struct Request<'a> {
    references: References,
    ids: &'a [&'a [u8]],
}

impl<'a> Request<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Request<'a>, Error> {
        let (mut references, mut ids) = (None, None);
        while !args.is_done() {
            if let Some(wanted) = keyword(args) {
                if references.replace(wanted).is_some() {
                    return Err(Error::Syntax);
                }
            } else if args.keyword("IDS") {
                ids = Some(counted_ids(args)?);
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(Request {
            references: references.unwrap_or_default(),
            ids: ids.ok_or(Error::Syntax)?,
        })
    }
}

fn counted_ids<'a>(args: &mut Args<'a>) -> Result<&'a [&'a [u8]], Error> {
    let count = args.int_in(1..=i64::MAX, "Number of IDs must be a positive integer")?;
    let refusal = "The `numids` parameter must match the number of arguments";
    args.take(usize::try_from(count).unwrap_or(usize::MAX))
        .map_err(|_| Error::err(refusal))
}

/// What became of an id: the numbers are those that are replied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Missing = -1,
    Removed = 1,
    /// Some group refers to it.
    Stays = 2,
}

/// What was removed: from which groups, and of the entries.
#[derive(Debug, Default)]
struct Removed {
    acked: BTreeMap<Arc<[u8]>, Vec<StreamId>>,
    entries: Vec<StreamId>,
}

impl Removed {
    /// Removes an entry as far as references allow it.
    fn entry(&mut self, stream: &mut Stream, id: StreamId, references: References) -> Answer {
        if references == References::Acked && stream.is_referenced(id) {
            return Answer::Stays;
        }
        if references == References::Delete {
            for group in stream.drop_references(id) {
                self.acked.entry(group).or_default().push(id);
            }
        }
        if !stream.delete(id) {
            return Answer::Missing;
        }
        self.entries.push(id);
        Answer::Removed
    }

    /// Acknowledges an entry first; what no longer is pending is left alone.
    fn pending(
        &mut self,
        stream: &mut Stream,
        group: &[u8],
        id: StreamId,
        references: References,
    ) -> Answer {
        if stream.edit_group(group, |group| group.ack(id)) != Some(true) {
            return Answer::Missing;
        }
        self.acked.entry(Arc::from(group)).or_default().push(id);
        match self.entry(stream, id, references) {
            Answer::Stays => Answer::Stays,
            // An entry that was gone before has been acknowledged all the same.
            Answer::Removed | Answer::Missing => Answer::Removed,
        }
    }

    /// Repeated in words that every server knows, and told.
    fn log(&self, ctx: &mut Context<'_, '_>, key: &[u8]) {
        for (group, ids) in &self.acked {
            push_with_ids(ctx, &[b"XACK", key, group], ids);
        }
        if !self.entries.is_empty() {
            push_with_ids(ctx, &[b"XDEL", key], &self.entries);
            ctx.event(EventClass::STREAM, "xdel", key);
        }
    }
}

fn push_with_ids(ctx: &mut Context<'_, '_>, words: &[&[u8]], ids: &[StreamId]) {
    let ids: Vec<String> = ids.iter().map(StreamId::to_string).collect();
    let mut argv = words.to_vec();
    argv.extend(ids.iter().map(String::as_bytes));
    ctx.effects.push(&argv);
}

pub(super) fn xdelex(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let is_there = ctx.keys.stream(ctx.db, key)?.is_some();
    let request = Request::parse(&mut ctx.args)?;
    remove(ctx, key, &request, is_there, Removed::entry)
}

pub(super) fn xackdel(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, group) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let stream = ctx.keys.stream(ctx.db, key)?;
    let is_there = stream.is_some_and(|stream| stream.group(group).is_some());
    let request = Request::parse(&mut ctx.args)?;
    remove(
        ctx,
        key,
        &request,
        is_there,
        |removed, stream, id, references| removed.pending(stream, group, id, references),
    )
}

/// Does `one` to every id, and answers for each. Where there is nothing to remove from, the ids are
/// not even read.
fn remove(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    request: &Request<'_>,
    is_there: bool,
    one: impl Fn(&mut Removed, &mut Stream, StreamId, References) -> Answer,
) -> Outcome {
    let mut answers = vec![Answer::Missing; request.ids.len()];
    if is_there {
        let ids = request.ids.iter().map(|id| parse_id(id, 0));
        let ids: Vec<StreamId> = ids.collect::<Result<_, _>>()?;
        let mut removed = Removed::default();
        ctx.keys
            .edit(ctx.db, key, IfMissing::Skip, |stream: &mut Stream| {
                for (answer, id) in answers.iter_mut().zip(ids) {
                    *answer = one(&mut removed, stream, id, request.references);
                }
            })?;
        removed.log(ctx, key);
    }
    ctx.reply.array(answers.len());
    for answer in answers {
        ctx.reply.integer(answer as i64);
    }
    Ok(())
}
