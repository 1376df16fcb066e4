//! Compares two dumps, field by field.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use crate::Dump;

/// One place where two dumps differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The database, or `None` outside of one (functions).
    pub db: Option<u32>,
    /// The key as kvdump/1 writes it.
    pub key: String,
    /// The path inside the row, such as `value[3][1].bits`; empty for the whole row.
    pub path: String,
    /// What should be there; `Null` if nothing should.
    pub expected: Value,
    /// What is there; `Null` if nothing is.
    pub found: Value,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(db) = self.db {
            write!(f, "db{db} ")?;
        }
        write!(
            f,
            "{} {}: expected {}, found {}",
            self.key,
            self.path,
            shown(&self.expected),
            shown(&self.found)
        )
    }
}

/// A value on one line, at most some 160 characters.
fn shown(value: &Value) -> String {
    let mut text = value.to_string();
    if let Some((cut, _)) = text.char_indices().nth(160) {
        text.truncate(cut);
        text.push_str("...");
    }
    text
}

/// How strictly `encoding` is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encodings {
    /// The same word.
    Exact,
    /// Words by which different servers call the same or the neighbouring form.
    Kindred,
    /// Not at all.
    Ignore,
}

/// How strictly the text of a score is compared; its bits always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreTexts {
    /// The same text.
    Exact,
    /// Any text that reads as the same double (%.17g before 7.2, shortest since).
    SameDouble,
}

/// What may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// `encoding`.
    pub encodings: Encodings,
    /// `text` of scores.
    pub score_texts: ScoreTexts,
    /// Leave out `seen_ms` and `active_ms` of consumers (no AOF command sets them).
    pub ignore_seen: bool,
    /// Leave out `nodes` of streams (a rewrite by commands fills nodes anew).
    pub ignore_nodes: bool,
    /// Compare fields that only newer servers tell only where both tell them.
    pub newer_fields_optional: bool,
    /// By how much `idle_s` may differ, in seconds.
    pub idle_drift_s: u64,
    /// By how much `freq` may differ.
    pub freq_drift: u64,
    /// Compare functions (a side that knows none is left out in any case).
    pub functions: bool,
}

impl Options {
    /// One build reads what the same build wrote.
    pub const SAME_SERVER: Options = Options {
        encodings: Encodings::Exact,
        score_texts: ScoreTexts::Exact,
        ignore_seen: false,
        ignore_nodes: false,
        newer_fields_optional: false,
        idle_drift_s: 60,
        freq_drift: 1,
        functions: true,
    };

    /// Another server, or another version, reads it.
    pub const ACROSS_SERVERS: Options = Options {
        encodings: Encodings::Kindred,
        score_texts: ScoreTexts::SameDouble,
        newer_fields_optional: true,
        ..Options::SAME_SERVER
    };
}

/// Fields that not every server tells.
const NEWER_FIELDS: [&str; 5] = [
    "max_deleted_id",
    "entries_added",
    "first_id",
    "entries_read",
    "active_ms",
];

/// Words for forms that servers choose differently, each with the types it is used for.
///
/// 6.2 says ziplist where 7.0 says listpack; 7.2 has listpack lists and listpack sets; 7.4 has
/// listpackex; a raw string is an embstr whose key left no room, or that was changed in place; a
/// set of integers that was written as a table (all that REDIS 9 and 10 have for a listpack) is
/// loaded as an intset.
const KINDRED: [(&str, &[&str]); 5] = [
    ("string", &["embstr", "raw"]),
    ("list", &["quicklist", "listpack", "ziplist"]),
    ("set", &["hashtable", "listpack", "intset"]),
    ("hash", &["ziplist", "listpack", "listpackex", "hashtable"]),
    ("zset", &["ziplist", "listpack"]),
];

/// Every difference between two dumps, in the order of databases and keys.
pub fn compare(expected: &Dump, found: &Dump, options: &Options) -> Vec<Difference> {
    let mut differences = Vec::new();
    if let (true, Some(want), Some(have)) =
        (options.functions, &expected.functions, &found.functions)
    {
        let mut walk = Walk {
            db: None,
            key: "functions".to_owned(),
            options,
            out: &mut differences,
        };
        walk.value("", &Value::from(want.clone()), &Value::from(have.clone()));
    }
    let dbs: std::collections::BTreeSet<u32> = expected
        .dbs
        .keys()
        .chain(found.dbs.keys())
        .copied()
        .collect();
    for db in dbs {
        let rows = |dump: &Dump| dump.dbs.get(&db).cloned().unwrap_or_default();
        differences.extend(compare_rows(db, &rows(expected), &rows(found), options));
    }
    differences
}

/// Every difference between the rows of one database.
pub fn compare_rows(
    db: u32,
    expected: &[Value],
    found: &[Value],
    options: &Options,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut have = by_key(found);
    for row in expected {
        let key = row["key"].to_string();
        let mut walk = Walk {
            db: Some(db),
            key: key.clone(),
            options,
            out: &mut differences,
        };
        match have.remove(&key) {
            Some(other) => walk.row(row, other),
            None => walk.differ("", row, &Value::Null),
        }
    }
    for (key, row) in have {
        let mut walk = Walk {
            db: Some(db),
            key,
            options,
            out: &mut differences,
        };
        walk.differ("", &Value::Null, row);
    }
    differences
}

fn by_key(rows: &[Value]) -> BTreeMap<String, &Value> {
    rows.iter()
        .map(|row| (row["key"].to_string(), row))
        .collect()
}

struct Walk<'a> {
    db: Option<u32>,
    key: String,
    options: &'a Options,
    out: &'a mut Vec<Difference>,
}

impl Walk<'_> {
    fn differ(&mut self, path: &str, expected: &Value, found: &Value) {
        self.out.push(Difference {
            db: self.db,
            key: self.key.clone(),
            path: path.to_owned(),
            expected: expected.clone(),
            found: found.clone(),
        });
    }

    fn row(&mut self, expected: &Value, found: &Value) {
        let kind = expected["type"].as_str().unwrap_or_default();
        if !self.encodings_agree(kind, &expected["encoding"], &found["encoding"]) {
            self.differ("encoding", &expected["encoding"], &found["encoding"]);
        }
        self.fields("", expected, found, &["encoding"]);
    }

    fn encodings_agree(&self, kind: &str, expected: &Value, found: &Value) -> bool {
        let kindred = |words: &[&str]| {
            [expected, found]
                .iter()
                .all(|e| e.as_str().is_some_and(|e| words.contains(&e)))
        };
        match self.options.encodings {
            Encodings::Ignore => true,
            _ if expected == found => true,
            Encodings::Exact => false,
            Encodings::Kindred => KINDRED
                .iter()
                .any(|(of, words)| *of == kind && kindred(words)),
        }
    }

    fn value(&mut self, path: &str, expected: &Value, found: &Value) {
        match (expected, found) {
            (Value::Object(_), Value::Object(_)) => self.fields(path, expected, found, &[]),
            (Value::Array(want), Value::Array(have)) if want.len() == have.len() => {
                for (at, (want, have)) in want.iter().zip(have).enumerate() {
                    self.value(&format!("{path}[{at}]"), want, have);
                }
            }
            _ if expected == found => {}
            _ => self.differ(path, expected, found),
        }
    }

    fn fields(&mut self, path: &str, expected: &Value, found: &Value, skip: &[&str]) {
        let names = |value: &Value| {
            value
                .as_object()
                .map(|o| o.keys().cloned().collect::<Vec<_>>())
                .unwrap_or_default()
        };
        let mut all = names(expected);
        all.extend(
            names(found)
                .into_iter()
                .filter(|name| expected.get(name).is_none()),
        );
        for name in all {
            if skip.contains(&name.as_str()) || self.is_ignored(&name, expected, found) {
                continue;
            }
            let at = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            let (want, have) = (&expected[&name], &found[&name]);
            if !self.is_tolerated(&name, want, have) {
                self.value(&at, want, have);
            }
        }
    }

    /// Whether a field is not compared at all.
    fn is_ignored(&self, name: &str, expected: &Value, found: &Value) -> bool {
        let told_by_one = expected.get(name).is_none() || found.get(name).is_none();
        match name {
            "seen_ms" | "active_ms" if self.options.ignore_seen => true,
            "nodes" => self.options.ignore_nodes,
            "idle_s" | "freq" if told_by_one => self.options.newer_fields_optional,
            _ => self.options.newer_fields_optional && told_by_one && NEWER_FIELDS.contains(&name),
        }
    }

    /// Whether two values that may be unequal are equal enough.
    fn is_tolerated(&self, name: &str, expected: &Value, found: &Value) -> bool {
        let within = |most: u64| match (expected.as_i64(), found.as_i64()) {
            (Some(want), Some(have)) => want.abs_diff(have) <= most,
            _ => false,
        };
        match name {
            "idle_s" => within(self.options.idle_drift_s),
            "freq" => within(self.options.freq_drift),
            "text" => {
                self.options.score_texts == ScoreTexts::SameDouble && same_double(expected, found)
            }
            _ => false,
        }
    }
}

fn same_double(a: &Value, b: &Value) -> bool {
    let bits = |value: &Value| {
        value
            .as_str()
            .and_then(|text| crate::value::score_bits(text).ok())
    };
    bits(a).is_some() && bits(a) == bits(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn differ(a: Value, b: Value, options: &Options) -> Vec<String> {
        compare_rows(0, &[a], &[b], options)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn names_the_path() {
        let row = |text: &str| json!({"key": "z", "type": "zset", "value": [["m", {"bits": "00", "text": text}]]});
        assert_eq!(
            differ(row("1"), row("2"), &Options::SAME_SERVER),
            [r#"db0 "z" value[0][1].text: expected "1", found "2""#]
        );
        assert!(differ(row("1"), row("1.0"), &Options::ACROSS_SERVERS).is_empty());
        assert_eq!(
            differ(row("1"), row("1.5"), &Options::ACROSS_SERVERS).len(),
            1
        );
    }

    #[test]
    fn missing_and_unexpected_keys() {
        let (a, b) = (
            json!({"key": "a", "type": "string"}),
            json!({"key": "b", "type": "string"}),
        );
        assert_eq!(differ(a, b, &Options::SAME_SERVER).len(), 2);
    }

    #[test]
    fn encodings() {
        let row = |encoding: &str| json!({"key": "k", "type": "set", "encoding": encoding});
        let across = &Options::ACROSS_SERVERS;
        assert!(differ(row("hashtable"), row("listpack"), across).is_empty());
        assert_eq!(differ(row("skiplist"), row("listpack"), across).len(), 1);
        assert_eq!(
            differ(row("hashtable"), row("listpack"), &Options::SAME_SERVER).len(),
            1
        );
    }

    #[test]
    fn newer_fields_and_drift() {
        let old =
            json!({"key": "k", "idle_s": 1, "value": {"groups": [{"name": "g"}], "nodes": 1}});
        let new = json!({"key": "k", "idle_s": 3, "value": {"groups": [{"name": "g", "entries_read": 1}], "nodes": 1}});
        assert!(differ(old.clone(), new.clone(), &Options::ACROSS_SERVERS).is_empty());
        assert_eq!(
            differ(
                old,
                new,
                &Options {
                    idle_drift_s: 1,
                    ..Options::SAME_SERVER
                }
            )
            .len(),
            2
        );
    }

    #[test]
    fn a_length_that_differs_is_one_difference() {
        let row = |items: Value| json!({"key": "l", "value": items});
        assert_eq!(
            differ(
                row(json!(["a", "b"])),
                row(json!(["a"])),
                &Options::SAME_SERVER
            )
            .len(),
            1
        );
    }
}
