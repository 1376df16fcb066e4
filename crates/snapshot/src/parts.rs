//! A value as the parts that RDB knows.
//!
//! Every value goes out in the form that a server holding it would choose: compact values as the
//! blobs they are, larger ones element by element.

use keyspace::{
    Group, HashRef, HashRepr, ListRef, Node, SetRef, SetRepr, Stream, StringRef, ValueRef, ZsetRef,
    ZsetRepr,
};
use packed::listpack::ListpackBuf;
use packed::{IntText, number};
use rdb::{Part, Target};
use std::borrow::Cow;
use units::UnixMillis;

/// Takes the parts of one value, in order.
pub(crate) type Put<'p, E> = dyn FnMut(&Part<'_>) -> Result<(), E> + 'p;

/// Gives the parts of `value`, the closing one included, in the forms that fit `target`.
pub(crate) fn put<E>(value: ValueRef<'_>, target: Target, put: &mut Put<'_, E>) -> Result<(), E> {
    match value {
        ValueRef::String(string) => put_string(string, put)?,
        ValueRef::List(list) => put_list(list, put)?,
        ValueRef::Set(set) => put_set(set, put)?,
        ValueRef::Hash(hash) => put_hash(hash, target, put)?,
        ValueRef::Zset(zset) => put_zset(zset, target, put)?,
        ValueRef::Stream(stream) => put_stream(stream, put)?,
        ValueRef::Module(module) => put(&Part::Module(&module.raw))?,
    }
    put(&Part::EndValue)
}

fn put_string<E>(string: StringRef<'_>, put: &mut Put<'_, E>) -> Result<(), E> {
    put(&Part::String(&string.as_cow()))
}

fn put_list<E>(list: ListRef<'_>, put: &mut Put<'_, E>) -> Result<(), E> {
    let (nodes, elements) = (list.nodes().count() as u64, Some(list.len() as u64));
    put(&Part::Quicklist { nodes, elements })?;
    for node in list.nodes() {
        put(&match node {
            Node::Plain(element) => Part::NodePlain(element),
            Node::Packed(listpack) => Part::NodeListpack(listpack),
        })?;
    }
    Ok(())
}

fn put_set<E>(set: SetRef<'_>, put: &mut Put<'_, E>) -> Result<(), E> {
    match set.repr() {
        SetRepr::Intset(intset) => put(&Part::SetIntset(intset)),
        SetRepr::Listpack(listpack) => put(&Part::SetListpack(listpack)),
        SetRepr::Table => {
            put(&Part::Set {
                len: set.len() as u64,
            })?;
            set.iter()
                .try_for_each(|member| put(&Part::Element(member.text(&mut IntText::default()))))
        }
    }
}

fn put_hash<E>(hash: HashRef<'_>, target: Target, put: &mut Put<'_, E>) -> Result<(), E> {
    if let HashRepr::Listpack(listpack) = hash.repr() {
        return put(&Part::HashListpack(listpack));
    }
    if target == Target::Redis12 && hash.has_deadlines() && is_compact(hash) {
        return put(&Part::HashListpackTtl {
            min: 0,
            listpack: by_deadline(hash).bytes(),
        });
    }
    put(&Part::Hash {
        len: hash.len() as u64,
        ttl: hash.has_deadlines(),
    })?;
    for (field, value, expire) in hash.iter(BEFORE_ANY_DEADLINE) {
        let mut text = IntText::default();
        put(&Part::Field {
            field: field.text(&mut text),
            value: &value.as_cow(),
            expire,
        })?;
    }
    Ok(())
}

/// Fields whose time has come are written all the same: only their owner removes them.
const BEFORE_ANY_DEADLINE: UnixMillis = UnixMillis(i64::MIN);

/// Up to here Redis keeps a hash with field deadlines as one listpack.
const COMPACT_FIELDS_MAX: usize = 512;
const COMPACT_BYTES_MAX: usize = 64;

fn is_compact(hash: HashRef<'_>) -> bool {
    hash.len() <= COMPACT_FIELDS_MAX
        && hash.iter(BEFORE_ANY_DEADLINE).all(|(field, value, _)| {
            field.text_len() <= COMPACT_BYTES_MAX && value.len() <= COMPACT_BYTES_MAX
        })
}

/// Triples of field, value and deadline, earliest first, 0 for none last.
fn by_deadline(hash: HashRef<'_>) -> ListpackBuf {
    let mut fields: Vec<_> = hash.iter(BEFORE_ANY_DEADLINE).collect();
    fields.sort_by_key(|(.., deadline)| deadline.unwrap_or(UnixMillis::MAX));
    let mut triples = ListpackBuf::new();
    for (field, value, deadline) in fields {
        triples.push_element(field);
        triples.push_back(&value.as_cow());
        triples.push_back_int(deadline.map_or(0, |at| at.0));
    }
    triples
}

fn put_zset<E>(zset: ZsetRef<'_>, target: Target, put: &mut Put<'_, E>) -> Result<(), E> {
    if let ZsetRepr::Listpack(listpack) = zset.repr() {
        return put(&Part::ZsetListpack(&with_score_text(
            zset, listpack, target,
        )));
    }
    put(&Part::Zset {
        len: zset.len() as u64,
    })?;
    // From highest to lowest, as servers do: a reader that adds in order adds at the front.
    zset.iter().rev().try_for_each(|(member, score)| {
        let mut text = IntText::default();
        put(&Part::Scored {
            member: member.text(&mut text),
            score,
        })
    })
}

/// The listpack with scores in the text that the target's servers would have written: 17 digits
/// before 7.2. Where no score is text, the blob itself.
fn with_score_text<'a>(zset: ZsetRef<'_>, listpack: &'a [u8], target: Target) -> Cow<'a, [u8]> {
    let is_text = |score: f64| score.fract() != 0.0 || score.abs() >= 1e15;
    if target > Target::Redis10 || !zset.iter().any(|(_, score)| is_text(score)) {
        return Cow::Borrowed(listpack);
    }
    let (mut pairs, mut text) = (ListpackBuf::new(), Vec::new());
    for (member, score) in zset.iter() {
        text.clear();
        number::write_f64_17g(score, &mut text);
        pairs.push_element(member);
        pairs.push_back(&text);
    }
    Cow::Owned(pairs.into_vec())
}

fn put_stream<E>(stream: &Stream, put: &mut Put<'_, E>) -> Result<(), E> {
    put(&Part::StreamHeader {
        nodes: stream.nodes().count() as u64,
    })?;
    for (master, listpack) in stream.nodes() {
        put(&Part::StreamNode { master, listpack })?;
    }
    put(&Part::StreamMeta {
        len: stream.len() as u64,
        last: stream.last_id(),
        first: stream.first_id(),
        max_deleted: stream.max_deleted_id(),
        entries_added: stream.entries_added(),
        groups: stream.groups().count() as u64,
    })?;
    stream
        .groups()
        .try_for_each(|(name, group)| put_group(name, group, put))
}

fn put_group<E>(name: &[u8], group: &Group, put: &mut Put<'_, E>) -> Result<(), E> {
    let pending = group.pending().count() as u64;
    let (last, entries_read) = (group.last_id(), group.entries_read());
    put(&Part::Group {
        name,
        last,
        entries_read,
        pending,
    })?;
    for (id, pending) in group.pending() {
        put(&Part::Pending {
            id,
            delivered: pending.delivered,
            count: pending.count,
        })?;
    }
    put(&Part::Consumers {
        count: group.consumers().count() as u64,
    })?;
    for (name, consumer) in group.consumers() {
        let pending = consumer.pending().count() as u64;
        let (seen, active) = (consumer.seen, consumer.active);
        put(&Part::Consumer {
            name,
            seen,
            active,
            pending,
        })?;
        consumer
            .pending()
            .try_for_each(|id| put(&Part::ConsumerPending(id)))?;
    }
    Ok(())
}
