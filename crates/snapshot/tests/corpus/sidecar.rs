//! What a sidecar says of a value, held against the value.

use keyspace::{Group, Stream, ValueRef};
use packed::Element;
use serde_json::Value as Json;
use units::UnixMillis;

/// The bytes of a byte string, unless only its length and hash are kept.
pub(crate) fn bytes(json: &Json) -> Option<Vec<u8>> {
    match (json, &json["b64"]) {
        (Json::String(text), _) => Some(text.clone().into_bytes()),
        (_, Json::String(text)) => Some(from_base64(text)),
        _ => None,
    }
}

/// Whether a byte string is this one, as far as the sidecar lets tell.
fn is_text(json: &Json, found: &[u8]) -> bool {
    match bytes(json) {
        Some(expected) => expected == found,
        None => json["len"] == found.len(),
    }
}

/// The bytes behind base64 with padding.
pub(crate) fn from_base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sextets = text.bytes().filter(|byte| *byte != b'=').map(|byte| {
        let index = ALPHABET.iter().position(|known| *known == byte);
        index.expect("a base64 character") as u32
    });
    let sextets: Vec<u32> = sextets.collect();
    let mut bytes = Vec::new();
    for group in sextets.chunks(4) {
        let bits =
            group.iter().fold(0, |bits, sextet| bits << 6 | sextet) << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}

/// Whether each of `found` is what the array says, in order.
fn is_each<T>(json: &Json, found: &[T], is: impl Fn(&Json, &T) -> bool) -> bool {
    let expected = json.as_array().expect("an array");
    expected.len() == found.len() && expected.iter().zip(found).all(|(json, it)| is(json, it))
}

/// Whether those that are named are what the array says, in any order: sidecars do not sort by the
/// bytes of names.
fn is_by_name<T>(json: &Json, found: &[(&[u8], T)], is: impl Fn(&Json, &T) -> bool) -> bool {
    let expected = json.as_array().expect("an array");
    let agrees = |(name, it): &(&[u8], T)| {
        let mut rows = expected.iter().filter(|row| is_text(&row["name"], name));
        rows.next().is_some_and(|row| is(row, it)) && rows.next().is_none()
    };
    expected.len() == found.len() && found.iter().all(agrees)
}

fn text(element: Element<'_>) -> Vec<u8> {
    element.to_vec()
}

/// Whether `value` is what `row` says, at `now`.
pub(crate) fn is_value(row: &Json, value: ValueRef<'_>, now: UnixMillis) -> bool {
    let json = &row["value"];
    row["type"] == value.ty().name()
        && match value {
            ValueRef::String(string) => is_text(json, &string.to_vec()),
            ValueRef::List(list) => {
                let elements: Vec<_> = list.iter().map(text).collect();
                is_each(json, &elements, |json, it| is_text(json, it))
            }
            ValueRef::Set(set) => {
                let mut members: Vec<_> = set.iter().map(text).collect();
                members.sort();
                is_each(json, &members, |json, it| is_text(json, it))
            }
            ValueRef::Hash(hash) => {
                let fields = hash.iter(now);
                let mut fields: Vec<_> = fields
                    .map(|(field, value, at)| (text(field), value.to_vec(), at.map(|at| at.0)))
                    .collect();
                fields.sort();
                is_each(json, &fields, |json, (field, value, at)| {
                    is_text(&json[0], field) && is_text(&json[1], value) && json[2].as_i64() == *at
                })
            }
            ValueRef::Zset(zset) => {
                let members = zset.iter().map(|(member, score)| (text(member), score));
                let members: Vec<(Vec<u8>, f64)> = members.collect();
                is_each(json, &members, |json, (member, score)| {
                    let bits = format!("{:016x}", score.to_bits());
                    is_text(&json[0], member) && json[1]["bits"] == bits
                })
            }
            ValueRef::Stream(stream) => is_stream(json, stream),
            ValueRef::Module(_) => json.is_null(),
        }
}

fn is_stream(json: &Json, stream: &Stream) -> bool {
    let entries: Vec<_> = stream.iter().collect();
    let entries_agree = is_each(&json["entries"], &entries, |json, entry| {
        let fields = entry.fields();
        let fields: Vec<_> = fields.map(|(name, it)| (text(name), text(it))).collect();
        json[0] == entry.id.to_string()
            && is_each(&json[1], &fields, |json, (name, value)| {
                is_text(&json[0], name) && is_text(&json[1], value)
            })
    });
    // Servers before 7.0 do not tell of the last three.
    let is_or_absent = |name: &str, found: Json| json.get(name).is_none_or(|it| *it == found);
    let groups: Vec<_> = stream.groups().collect();
    entries_agree
        && json["length"] == stream.len()
        && json["last_id"] == stream.last_id().to_string()
        && is_or_absent("first_id", stream.first_id().to_string().into())
        && is_or_absent("max_deleted_id", stream.max_deleted_id().to_string().into())
        && is_or_absent("entries_added", stream.entries_added().into())
        && is_by_name(&json["groups"], &groups, |json, group| {
            is_group(json, group)
        })
}

fn is_group(json: &Json, group: &Group) -> bool {
    let pending: Vec<_> = group.pending().collect();
    let consumers: Vec<_> = group.consumers().collect();
    let read = json.get("entries_read");
    json["last_id"] == group.last_id().to_string()
        && read.is_none_or(|read| read.as_u64() == group.entries_read())
        && is_each(&json["pel"], &pending, |json, (id, pending)| {
            json[0] == id.to_string()
                && is_text(&json[1], &pending.consumer)
                && json[2] == pending.delivered.0
                && json[3] == pending.count
        })
        && is_by_name(&json["consumers"], &consumers, |json, consumer| {
            let own: Vec<_> = consumer.pending().collect();
            let active = consumer.active.map_or(-1, |at| at.0);
            json["seen_ms"] == consumer.seen.0
                && json.get("active_ms").is_none_or(|at| *at == active)
                && is_each(&json["pel"], &own, |json, id| json[0] == id.to_string())
        })
}
