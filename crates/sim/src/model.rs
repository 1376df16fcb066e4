//! What a keyspace should hold, in plain maps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Databases that workloads use.
pub(crate) const DATABASES: usize = 2;

/// A keyspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    databases: [BTreeMap<String, Key>; DATABASES],
}

/// A value, and when it goes away.
#[derive(Debug, Clone, Default)]
struct Key {
    value: Value,
    deadline: Option<i64>,
}

#[derive(Debug, Clone)]
enum Value {
    Text(String),
    List(Vec<String>),
    Set(BTreeSet<String>),
    Hash(BTreeMap<String, String>),
}

impl Default for Value {
    fn default() -> Value {
        Value::Text(String::new())
    }
}

/// A change that the model knows.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Set(String, String),
    Append(String, String),
    Incr(String),
    Del(String),
    Expire(String, i64),
    Push(String, String),
    Pop(String),
    Add(String, String),
    Remove(String, String),
    Hset(String, String, String),
    Hdel(String, String),
    Flush,
}

impl Change {
    /// The command that makes it.
    pub(crate) fn words(&self) -> Vec<String> {
        let words: &[&str] = match self {
            Change::Set(key, value) => &["SET", key, value],
            Change::Append(key, value) => &["APPEND", key, value],
            Change::Incr(key) => &["INCR", key],
            Change::Del(key) => &["DEL", key],
            Change::Expire(key, at) => &["PEXPIREAT", key, &at.to_string()],
            Change::Push(key, value) => &["RPUSH", key, value],
            Change::Pop(key) => &["LPOP", key],
            Change::Add(key, value) => &["SADD", key, value],
            Change::Remove(key, value) => &["SREM", key, value],
            Change::Hset(key, field, value) => &["HSET", key, field, value],
            Change::Hdel(key, field) => &["HDEL", key, field],
            Change::Flush => &["FLUSHDB"],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }
}

impl Model {
    /// Carries out `change` in a database.
    pub(crate) fn apply(&mut self, db: usize, change: &Change) {
        let keys = &mut self.databases[db];
        match change {
            Change::Set(key, value) => {
                let value = Value::Text(value.clone());
                let deadline = None;
                keys.insert(key.clone(), Key { value, deadline });
            }
            Change::Append(key, value) => text(keys, key).push_str(value),
            Change::Incr(key) => {
                let number = text(keys, key);
                *number = (number.parse::<i64>().unwrap_or(0) + 1).to_string();
            }
            Change::Del(key) => _ = keys.remove(key),
            Change::Expire(key, at) => {
                if let Some(key) = keys.get_mut(key) {
                    key.deadline = Some(*at);
                }
            }
            Change::Push(key, value) => list(keys, key).push(value.clone()),
            Change::Pop(key) => {
                if keys.contains_key(key) {
                    list(keys, key).remove(0);
                }
            }
            Change::Add(key, value) => _ = set(keys, key).insert(value.clone()),
            Change::Remove(key, value) => _ = set(keys, key).remove(value),
            Change::Hset(key, field, value) => {
                hash(keys, key).insert(field.clone(), value.clone());
            }
            Change::Hdel(key, field) => _ = hash(keys, key).remove(field),
            Change::Flush => keys.clear(),
        }
        keys.retain(|_, key| !key.value.is_empty());
    }

    /// All of it, a line a key.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (db, keys) in self.databases.iter().enumerate() {
            for (name, key) in keys {
                let deadline = key.deadline.unwrap_or(-1);
                let _ = writeln!(
                    text,
                    "{db} {name} {deadline} {}",
                    key.value.words().join(" ")
                );
            }
        }
        text
    }
}

impl Value {
    fn is_empty(&self) -> bool {
        match self {
            Value::Text(_) => false,
            Value::List(items) => items.is_empty(),
            Value::Set(members) => members.is_empty(),
            Value::Hash(fields) => fields.is_empty(),
        }
    }

    fn words(&self) -> Vec<&str> {
        match self {
            Value::Text(text) => vec![text],
            Value::List(items) => items.iter().map(String::as_str).collect(),
            Value::Set(members) => members.iter().map(String::as_str).collect(),
            Value::Hash(fields) => {
                let words = fields.iter().flat_map(|(field, value)| [field, value]);
                words.map(String::as_str).collect()
            }
        }
    }
}

type Keys = BTreeMap<String, Key>;

fn value<'k>(keys: &'k mut Keys, key: &str, empty: Value) -> &'k mut Value {
    let new = || Key {
        value: empty,
        deadline: None,
    };
    &mut keys.entry(key.to_owned()).or_insert_with(new).value
}

macro_rules! typed {
    ($name:ident, $variant:ident, $inner:ty) => {
        fn $name<'k>(keys: &'k mut Keys, key: &str) -> &'k mut $inner {
            match value(keys, key, Value::$variant(Default::default())) {
                Value::$variant(inner) => inner,
                other => unreachable!("{key} is {other:?}: names tell the type"),
            }
        }
    };
}

typed!(text, Text, String);
typed!(list, List, Vec<String>);
typed!(set, Set, BTreeSet<String>);
typed!(hash, Hash, BTreeMap<String, String>);
