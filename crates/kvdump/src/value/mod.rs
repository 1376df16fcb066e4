//! Values by type, in the order string, list, set, hash, zset, stream.

mod stream;

use serde_json::{Value, json};

use crate::{Call, Error, Reply, to_json};

/// The types whose content is read; any other is a module's.
pub(crate) const KINDS: [&str; 6] = ["string", "list", "set", "hash", "zset", "stream"];

/// The `value` field of a row. `kind` is one of [`KINDS`].
pub(crate) fn read(call: &mut impl Call, kind: &str, key: &[u8]) -> Result<Value, Error> {
    match kind {
        "string" => Ok(to_json(&call.ask_bytes(&[b"GET", key])?.into_bytes()?)),
        "list" => list(call, key),
        "set" => set(call, key),
        "hash" => hash(call, key),
        "zset" => zset(call, key),
        _ => stream::read(call, key),
    }
}

fn list(call: &mut impl Call, key: &[u8]) -> Result<Value, Error> {
    let items = call
        .ask_bytes(&[b"LRANGE", key, b"0", b"-1"])?
        .into_items()?;
    let mut elements = Vec::with_capacity(items.len());
    for item in items {
        elements.push(to_json(&item.into_bytes()?));
    }
    Ok(Value::Array(elements))
}

fn set(call: &mut impl Call, key: &[u8]) -> Result<Value, Error> {
    let items = call.ask_bytes(&[b"SMEMBERS", key])?.into_items()?;
    let mut members = Vec::with_capacity(items.len());
    for item in items {
        members.push(item.into_bytes()?);
    }
    members.sort_unstable();
    Ok(members.iter().map(|member| to_json(member)).collect())
}

fn hash(call: &mut impl Call, key: &[u8]) -> Result<Value, Error> {
    let pairs = call.ask_bytes(&[b"HGETALL", key])?.into_pairs()?;
    let mut fields = Vec::with_capacity(pairs.len());
    for (field, value) in pairs {
        fields.push((field.into_bytes()?, value.into_bytes()?));
    }
    fields.sort_unstable();
    let deadlines = deadlines(call, key, &fields)?;
    let rows = fields.iter().zip(deadlines);
    Ok(rows
        .map(|((field, value), ms)| json!([to_json(field), to_json(value), ms]))
        .collect())
}

/// Deadlines of the fields in Unix milliseconds; all `None` where HPEXPIRETIME is unknown.
fn deadlines(
    call: &mut impl Call,
    key: &[u8],
    fields: &[(Vec<u8>, Vec<u8>)],
) -> Result<Vec<Option<i64>>, Error> {
    let count = fields.len().to_string();
    let mut argv: Vec<&[u8]> = vec![b"HPEXPIRETIME", key, b"FIELDS", count.as_bytes()];
    argv.extend(fields.iter().map(|(field, _)| field.as_slice()));
    let items = match call.call(&argv)? {
        Reply::Error(text) if text.contains("unknown command") => {
            return Ok(vec![None; fields.len()]);
        }
        Reply::Error(text) => {
            return Err(Error::Refused {
                command: "HPEXPIRETIME".to_owned(),
                text,
            });
        }
        reply => reply.into_items()?,
    };
    items
        .iter()
        .map(|ms| Ok(Some(ms.integer()?).filter(|ms| *ms >= 0)))
        .collect()
}

fn zset(call: &mut impl Call, key: &[u8]) -> Result<Value, Error> {
    let pairs = call
        .ask_bytes(&[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"])?
        .into_pairs()?;
    let mut rows = Vec::with_capacity(pairs.len());
    for (member, score) in pairs {
        let text = score.into_text()?;
        let bits = score_bits(&text)?;
        rows.push(json!([to_json(&member.into_bytes()?), {"bits": bits, "text": text}]));
    }
    Ok(Value::Array(rows))
}

/// The bits of a printed score, as 16 hex digits.
pub(crate) fn score_bits(text: &str) -> Result<String, Error> {
    let score: f64 = text
        .parse()
        .map_err(|_| Reply::Simple(text.to_owned()).unexpected("a score"))?;
    Ok(format!("{:016x}", score.to_bits()))
}
