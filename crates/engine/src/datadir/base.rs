//! A base in the form of commands (`aof-use-rdb-preamble no`).
//!
//! Strings, lists, sets, hashes and sorted sets are said in the words of Redis 2.4 and later; what
//! those can't say (streams with their groups, deadlines of fields, values of modules) is restored
//! from a payload, so that nothing is lost.

use super::{Frozen, SaveError};
use keyspace::{FrozenEntry, HashRef, ValueRef, ZsetRef};
use packed::{IntText, number};
use rdb::Target;
use storage::{File, Writer};
use units::DbIndex;

/// Elements in one command, as servers write them.
const ELEMENTS: usize = 64;

/// Writes everything, and returns how many keys there were.
pub(super) fn write<F: File>(
    frozen: Frozen,
    target: Target,
    file: &mut Writer<F>,
) -> Result<u64, SaveError> {
    let Frozen {
        mut view,
        functions,
    } = frozen;
    let mut base = Base {
        file,
        target,
        keys: 0,
    };
    for source in functions.sources() {
        base.command(&[b"FUNCTION", b"LOAD", source])?;
    }
    let databases: Vec<DbIndex> = view.databases().map(|(db, ..)| db).collect();
    for db in databases {
        base.command(&[b"SELECT", db.to_string().as_bytes()])?;
        view.for_each(db, |entry| base.entry(&entry))?;
    }
    Ok(base.keys)
}

struct Base<'f, F: File> {
    file: &'f mut Writer<F>,
    target: Target,
    keys: u64,
}

impl<F: File> Base<'_, F> {
    fn command(&mut self, argv: &[&[u8]]) -> Result<(), SaveError> {
        let mut record = Vec::new();
        resp::encode::command(&mut record, argv);
        Ok(self.file.write_all(&record)?)
    }

    fn entry(&mut self, entry: &FrozenEntry<'_>) -> Result<(), SaveError> {
        self.keys += 1;
        let key = entry.key;
        let deadline = entry.deadline.map(|at| at.to_string());
        match entry.value {
            ValueRef::String(string) => self.command(&[b"SET", key, &string.to_vec()])?,
            ValueRef::List(list) => {
                let items = list.iter().map(|item| vec![item.to_vec()]);
                self.grouped(b"RPUSH", key, items)?;
            }
            ValueRef::Set(set) => {
                let members = set.iter().map(|member| vec![member.to_vec()]);
                self.grouped(b"SADD", key, members)?;
            }
            ValueRef::Hash(hash) if !hash.has_deadlines() => self.hash(key, hash)?,
            ValueRef::Zset(zset) => self.zset(key, zset)?,
            value => {
                let payload = snapshot::dump(&value, self.target).map_err(SaveError::Encode)?;
                let at = deadline.as_deref().unwrap_or("0").as_bytes();
                return self.command(&[b"RESTORE", key, at, &payload, b"ABSTTL"]);
            }
        }
        match deadline {
            Some(at) => self.command(&[b"PEXPIREAT", key, at.as_bytes()]),
            None => Ok(()),
        }
    }

    fn hash(&mut self, key: &[u8], hash: HashRef<'_>) -> Result<(), SaveError> {
        let fields = hash.iter_all();
        let pairs = fields.map(|(field, value, _)| vec![field.to_vec(), value.to_vec()]);
        self.grouped(b"HMSET", key, pairs)
    }

    fn zset(&mut self, key: &[u8], zset: ZsetRef<'_>) -> Result<(), SaveError> {
        let pairs = zset.iter().map(|(member, score)| {
            let mut text = Vec::new();
            number::write_f64_17g(score, &mut text);
            vec![text, member.text(&mut IntText::default()).to_vec()]
        });
        self.grouped(b"ZADD", key, pairs)
    }

    /// Commands of so many elements each.
    fn grouped(
        &mut self,
        name: &[u8],
        key: &[u8],
        elements: impl Iterator<Item = Vec<Vec<u8>>>,
    ) -> Result<(), SaveError> {
        let mut elements = elements.peekable();
        while elements.peek().is_some() {
            let group: Vec<Vec<u8>> = elements.by_ref().take(ELEMENTS).flatten().collect();
            let group = group.iter().map(Vec::as_slice);
            let argv: Vec<&[u8]> = [name, key].into_iter().chain(group).collect();
            self.command(&argv)?;
        }
        Ok(())
    }
}

impl From<keyspace::ViewCancelled> for SaveError {
    fn from(cancelled: keyspace::ViewCancelled) -> SaveError {
        SaveError::Cancelled(cancelled)
    }
}
