//! Reads a whole keyspace.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{Call, Error, Reply, expire::expire_ms, to_json, value};

/// The logical content of a keyspace, as kvdump/1.
#[derive(Debug, Clone, PartialEq)]
pub struct Dump {
    /// `maxmemory-policy`.
    pub policy: String,
    /// `{name, engine, code}` by name; `None` if the server knows no functions (before 7.0).
    pub functions: Option<Vec<Value>>,
    /// Rows by database, sorted by raw key; databases without keys are left out.
    pub dbs: BTreeMap<u32, Vec<Value>>,
}

impl Dump {
    /// How many keys there are.
    pub fn keys(&self) -> usize {
        self.dbs.values().map(Vec::len).sum()
    }

    /// The kvdump/1 object.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("format".to_owned(), json!("kvdump/1"));
        object.insert("policy".to_owned(), json!(self.policy));
        if let Some(functions) = &self.functions {
            object.insert("functions".to_owned(), json!(functions));
        }
        let dbs: Map<String, Value> = self
            .dbs
            .iter()
            .map(|(db, rows)| (db.to_string(), json!(rows)))
            .collect();
        object.insert("dbs".to_owned(), Value::Object(dbs));
        Value::Object(object)
    }
}

/// Which of the two clocks of a key a policy keeps.
#[derive(Clone, Copy)]
enum Stamp {
    None,
    Idle,
    Freq,
}

impl Stamp {
    fn of(policy: &str) -> Stamp {
        match policy {
            _ if policy.ends_with("-lru") => Stamp::Idle,
            _ if policy.ends_with("-lfu") => Stamp::Freq,
            _ => Stamp::None,
        }
    }
}

/// Reads every database through `call`; leaves it at database 0.
///
/// Keys are looked at in the order metadata first, so that reading a value does not disturb the
/// idle time that is told.
pub fn dump(call: &mut impl Call) -> Result<Dump, Error> {
    let policy = setting(call, "maxmemory-policy")?.unwrap_or_else(|| "noeviction".to_owned());
    let databases = setting(call, "databases")?
        .and_then(|n| n.parse().ok())
        .unwrap_or(16);
    let stamp = Stamp::of(&policy);
    let mut dbs = BTreeMap::new();
    for db in 0..databases {
        call.ask(&["SELECT", &db.to_string()])?;
        let mut rows = Vec::new();
        for key in keys(call)? {
            rows.extend(row(call, &key, stamp)?);
        }
        if !rows.is_empty() {
            dbs.insert(db, rows);
        }
    }
    call.ask(&["SELECT", "0"])?;
    Ok(Dump {
        policy,
        functions: functions(call)?,
        dbs,
    })
}

fn setting(call: &mut impl Call, name: &str) -> Result<Option<String>, Error> {
    match call.call(&[b"CONFIG", b"GET", name.as_bytes()])? {
        Reply::Error(_) => Ok(None),
        reply => match reply.into_items()?.into_iter().nth(1) {
            Some(value) => Ok(Some(value.into_text()?)),
            None => Ok(None),
        },
    }
}

/// Every key of the selected database, sorted; SCAN may return one twice.
fn keys(call: &mut impl Call) -> Result<BTreeSet<Vec<u8>>, Error> {
    let mut keys = BTreeSet::new();
    let mut cursor = b"0".to_vec();
    loop {
        let reply = call.ask_bytes(&[b"SCAN", &cursor, b"COUNT", b"1000"])?;
        let mut parts = reply.into_items()?.into_iter();
        let next = parts.next().unwrap_or(Reply::Nil).into_bytes()?;
        for key in parts.next().unwrap_or(Reply::Nil).into_items()? {
            keys.insert(key.into_bytes()?);
        }
        if next == b"0" {
            return Ok(keys);
        }
        cursor = next;
    }
}

/// One key; `None` if it went away (expired) since it was listed.
fn row(call: &mut impl Call, key: &[u8], stamp: Stamp) -> Result<Option<Value>, Error> {
    let kind = call.ask_bytes(&[b"TYPE", key])?.into_text()?;
    if kind == "none" {
        return Ok(None);
    }
    let known = value::KINDS.contains(&kind.as_str());
    let mut row = Map::new();
    row.insert("key".to_owned(), to_json(key));
    row.insert(
        "type".to_owned(),
        json!(if known { &kind } else { "module" }),
    );
    let (field, word): (_, &[u8]) = match stamp {
        Stamp::None => ("", b""),
        Stamp::Idle => ("idle_s", b"IDLETIME"),
        Stamp::Freq => ("freq", b"FREQ"),
    };
    if !field.is_empty() {
        let told = call.ask_bytes(&[b"OBJECT", word, key])?.integer()?;
        row.insert(field.to_owned(), json!(told));
    }
    let encoding = call
        .ask_bytes(&[b"OBJECT", b"ENCODING", key])?
        .into_text()?;
    row.insert("encoding".to_owned(), json!(encoding));
    row.insert("expire_ms".to_owned(), json!(expire_ms(call, key)?));
    if known {
        row.insert("value".to_owned(), value::read(call, &kind, key)?);
    } else {
        row.insert("module".to_owned(), json!(kind));
        row.insert("value".to_owned(), Value::Null);
    }
    Ok(Some(Value::Object(row)))
}

fn functions(call: &mut impl Call) -> Result<Option<Vec<Value>>, Error> {
    let reply = match call.call(&[b"FUNCTION", b"LIST", b"WITHCODE"])? {
        Reply::Error(_) => return Ok(None),
        reply => reply,
    };
    let mut libraries = Vec::new();
    for library in reply.into_items()? {
        let mut fields = crate::reply::Fields::of(library)?;
        let name = fields.need("library_name")?.into_text()?;
        let engine = fields.need("engine")?.into_text()?;
        let code = fields.need("library_code")?.into_bytes()?;
        libraries.push(json!({"name": name, "engine": engine, "code": to_json(&code)}));
    }
    libraries.sort_by_key(|library| library["name"].to_string());
    Ok(Some(libraries))
}
