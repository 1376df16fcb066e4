//! For programs: everything that a summary knows, as one JSON object.

use super::{checksum_name, printable};
use crate::record::Type;
use crate::summary::{CommandCount, Prefix, Row, Share, Summary, Top};
use serde_json::{Map, Value, json};

/// Prefixes told of each node.
const BREADTH: usize = 100;

/// A summary as `inspect/1`. Sizes are bytes, times Unix milliseconds, names escaped as `\xHH`.
pub fn to_json(summary: &Summary) -> Value {
    let versions = summary.versions.iter().map(ToString::to_string);
    let aux = summary.aux.iter();
    let aux = aux.map(|(name, value)| (name.clone(), json!(value)));
    json!({
        "format": "inspect/1",
        "versions": versions.collect::<Vec<_>>(),
        "aux": aux.collect::<Map<_, _>>(),
        "checksum": checksum_name(summary.checksum),
        "total": row(summary.total),
        "overhead": summary.overhead(),
        "dbs": dbs(summary),
        "types": types(summary),
        "deadlines": deadlines(summary),
        "sizes": sizes(&summary.sizes),
        "top_memory": top(&summary.top_memory),
        "top_elements": top(&summary.top_elements),
        "prefixes": prefix(&summary.prefixes.tree(BREADTH)),
        "idle": summary.has_idle().then(|| spans(summary.idle.rows())),
        "top_idle": top(&summary.top_idle),
        "freq": summary.has_freq().then(|| summary.freqs.map(share).to_vec()),
        "top_freq": top(&summary.top_freq),
        "slots": slots(&summary.slots),
        "functions": counted(summary.functions),
        "module_aux": counted(summary.module_aux),
        "empty": summary.empty,
        "skipped": summary.skipped,
        "commands": commands(summary),
        "written": prefix(&summary.written.tree(BREADTH)),
        "last_timestamp": summary.last_timestamp,
    })
}

fn row(row: Row) -> Value {
    json!({
        "keys": row.keys,
        "elements": row.elements,
        "memory": row.memory,
        "serialized": row.serialized,
    })
}

fn share(share: Share) -> Value {
    json!({"keys": share.keys, "memory": share.memory})
}

fn counted((count, bytes): (u64, u64)) -> Value {
    json!({"count": count, "bytes": bytes})
}

fn dbs(summary: &Summary) -> Value {
    let dbs = summary.dbs.iter().map(|(db, found)| {
        let mut found_row = row(found.row);
        if let Value::Object(fields) = &mut found_row {
            fields.insert("expires".to_owned(), json!(found.expires));
        }
        (db.to_string(), found_row)
    });
    Value::Object(dbs.collect())
}

fn types(summary: &Summary) -> Value {
    let types = Type::ALL.into_iter().map(|kind| {
        let forms = summary.forms(kind);
        let forms = forms.map(|(encoding, found)| (encoding.name().to_owned(), row(found)));
        (kind.name().to_owned(), Value::Object(forms.collect()))
    });
    Value::Object(types.collect())
}

fn spans(rows: impl Iterator<Item = (&'static str, Share)>) -> Value {
    Value::Object(
        rows.map(|(name, found)| (name.to_owned(), share(found)))
            .collect(),
    )
}

fn deadlines(summary: &Summary) -> Value {
    let deadlines = &summary.deadlines;
    let calendar = deadlines.calendar();
    let calendar = calendar.into_iter().map(|(from, days, found)| {
        json!({"from": from, "days": days, "keys": found.keys, "memory": found.memory})
    });
    json!({
        "at": deadlines.at.0,
        "never": share(deadlines.never),
        "passed": share(deadlines.passed),
        "left": spans(deadlines.left.rows()),
        "calendar": calendar.collect::<Vec<_>>(),
    })
}

fn sizes(sizes: &[Share]) -> Value {
    let rows = sizes.iter().enumerate().filter(|(_, share)| share.keys > 0);
    let rows = rows.map(|(power, found)| {
        let below = 1_u64.checked_shl(power as u32);
        json!({"below": below, "keys": found.keys, "memory": found.memory})
    });
    rows.collect()
}

fn top(top: &Top) -> Value {
    let keys = top.keys();
    let keys = keys.into_iter().map(|key| {
        json!({
            "rank": key.rank,
            "db": key.db,
            "key": printable(&key.name),
            "type": key.kind.name(),
            "encoding": key.encoding.name(),
            "elements": key.figures.elements,
            "memory": key.figures.memory,
            "serialized": key.figures.serialized,
            "longest": key.figures.longest,
            "expire_ms": key.expire_ms,
        })
    });
    keys.collect()
}

fn prefix(of: &Prefix) -> Value {
    json!({
        "prefix": printable(&of.name),
        "keys": of.keys,
        "bytes": of.bytes,
        "folded": of.folded,
        "children": of.children.iter().map(prefix).collect::<Vec<_>>(),
    })
}

/// Slots that have keys: `[slot, keys, memory]`.
fn slots(slots: &[Share]) -> Value {
    let slots = slots.iter().enumerate().filter(|(_, share)| share.keys > 0);
    let slots = slots.map(|(slot, found)| json!([slot, found.keys, found.memory]));
    slots.collect()
}

fn commands(summary: &Summary) -> Value {
    let count = |count: CommandCount| json!({"count": count.count, "bytes": count.bytes, "keys": count.keys});
    let rows = summary.commands.rows();
    let rows = rows
        .into_iter()
        .map(|(name, found)| (printable(name), count(found)));
    Value::Object(rows.collect())
}
