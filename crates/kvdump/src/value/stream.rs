//! Streams, by XINFO STREAM FULL.

use serde_json::{Map, Value, json};

use crate::{Call, Error, Reply, reply::Fields, to_json};

/// Counters that every server tells, under our name and XINFO's.
const ALWAYS: [(&str, &str); 2] = [("length", "length"), ("nodes", "radix-tree-keys")];
/// Ids told since 7.0.
const SINCE_7_0: [(&str, &str); 2] = [
    ("max_deleted_id", "max-deleted-entry-id"),
    ("first_id", "recorded-first-entry-id"),
];

/// The `value` field of a stream's row.
pub(super) fn read(call: &mut impl Call, key: &[u8]) -> Result<Value, Error> {
    let reply = call.ask_bytes(&[b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"])?;
    let mut fields = Fields::of(reply)?;
    let mut stream = Map::new();
    stream.insert("entries".to_owned(), entries(fields.need("entries")?)?);
    for (name, told) in ALWAYS {
        stream.insert(name.to_owned(), json!(fields.need(told)?.integer()?));
    }
    stream.insert(
        "last_id".to_owned(),
        json!(fields.need("last-generated-id")?.into_text()?),
    );
    for (name, told) in SINCE_7_0 {
        if let Some(id) = fields.take(told) {
            stream.insert(name.to_owned(), json!(id.into_text()?));
        }
    }
    if let Some(added) = fields.take("entries-added") {
        stream.insert("entries_added".to_owned(), json!(added.integer()?));
    }
    let groups = fields.need("groups")?.into_items()?;
    stream.insert("groups".to_owned(), by_name(groups, group)?);
    Ok(Value::Object(stream))
}

fn entries(reply: Reply) -> Result<Value, Error> {
    let mut rows = Vec::new();
    for entry in reply.into_items()? {
        let mut parts = entry.into_items()?.into_iter();
        let id = parts.next().unwrap_or(Reply::Nil).into_text()?;
        let mut items = parts.next().unwrap_or(Reply::Nil).into_items()?.into_iter();
        let mut pairs = Vec::new();
        while let (Some(field), Some(value)) = (items.next(), items.next()) {
            pairs.push(json!([
                to_json(&field.into_bytes()?),
                to_json(&value.into_bytes()?)
            ]));
        }
        rows.push(json!([id, pairs]));
    }
    Ok(Value::Array(rows))
}

/// Groups or consumers, sorted by their names as they are written: servers differ in the order.
fn by_name(items: Vec<Reply>, read: fn(Reply) -> Result<Value, Error>) -> Result<Value, Error> {
    let mut rows = Vec::with_capacity(items.len());
    for item in items {
        rows.push(read(item)?);
    }
    rows.sort_by_cached_key(|row: &Value| row["name"].to_string());
    Ok(Value::Array(rows))
}

fn group(reply: Reply) -> Result<Value, Error> {
    let mut fields = Fields::of(reply)?;
    let mut group = Map::new();
    group.insert(
        "name".to_owned(),
        to_json(&fields.need("name")?.into_bytes()?),
    );
    group.insert(
        "last_id".to_owned(),
        json!(fields.need("last-delivered-id")?.into_text()?),
    );
    match fields.take("entries-read") {
        None => {}
        Some(Reply::Nil) => drop(group.insert("entries_read".to_owned(), Value::Null)),
        Some(read) => drop(group.insert("entries_read".to_owned(), json!(read.integer()?))),
    }
    group.insert("pel".to_owned(), pending(pel(&mut fields)?)?);
    let consumers = fields.need("consumers")?.into_items()?;
    group.insert("consumers".to_owned(), by_name(consumers, consumer)?);
    Ok(Value::Object(group))
}

fn consumer(reply: Reply) -> Result<Value, Error> {
    let mut fields = Fields::of(reply)?;
    let mut consumer = Map::new();
    consumer.insert(
        "name".to_owned(),
        to_json(&fields.need("name")?.into_bytes()?),
    );
    consumer.insert(
        "seen_ms".to_owned(),
        json!(fields.need("seen-time")?.integer()?),
    );
    if let Some(active) = fields.take("active-time") {
        consumer.insert("active_ms".to_owned(), json!(active.integer()?));
    }
    consumer.insert("pel".to_owned(), pending(pel(&mut fields)?)?);
    Ok(Value::Object(consumer))
}

/// The pending entries, which 6.2 names otherwise.
fn pel(fields: &mut Fields) -> Result<Reply, Error> {
    fields
        .take("pel")
        .map_or_else(|| fields.need("pending"), Ok)
}

/// Pending entries: `[id, consumer, ms, count]` of a group, `[id, ms, count]` of a consumer.
fn pending(reply: Reply) -> Result<Value, Error> {
    let mut rows = Vec::new();
    for entry in reply.into_items()? {
        let parts = entry.into_items()?;
        let mut row = Vec::with_capacity(parts.len());
        for part in parts {
            row.push(match part {
                Reply::Int(n) => json!(n),
                name => to_json(&name.into_bytes()?),
            });
        }
        rows.push(Value::Array(row));
    }
    Ok(Value::Array(rows))
}
