//! The parts of one value into a value.

use keyspace::{
    Edit, Hash, List, ModuleValue, Set, Settings, StringValue, Value, Zset, ZsetChange,
};
use packed::intset::IntsetBuf;
use packed::listpack::{Listpack, ListpackBuf};

use crate::stream_loader::StreamLoader;
use rdb::Part;
use std::fmt;
use std::sync::Arc;
use units::UnixMillis;

/// What is wrong with the parts of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueError {
    /// An element of a set or sorted set, or a field of a hash, occurs twice.
    Repeated(Vec<u8>),
    /// A part came that the value cannot have.
    Misplaced,
    /// The parts ended before the value did.
    Unfinished,
    /// A piece of a stream contradicts what came before.
    Stream(&'static str),
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueError::Repeated(element) => {
                write!(f, "element \"{}\" occurs twice", element.escape_ascii())
            }
            ValueError::Misplaced => f.write_str("a part came that the value cannot have"),
            ValueError::Unfinished => f.write_str("the value is not complete"),
            ValueError::Stream(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for ValueError {}

/// Gathers parts until a value is complete.
#[derive(Debug)]
pub(crate) struct ValueLoader {
    settings: Settings,
    value: Option<Building>,
}

/// A value whose parts are still coming.
#[derive(Debug)]
enum Building {
    Whole(Value),
    String(StringValue),
    List(List),
    Set(Set),
    Hash(Hash),
    Zset(Zset),
    Stream(Box<StreamLoader>),
}

impl ValueLoader {
    pub(crate) fn new(settings: Settings) -> ValueLoader {
        ValueLoader {
            settings,
            value: None,
        }
    }

    /// Takes the next part, and gives the value if that was its last.
    pub(crate) fn put(&mut self, part: &Part<'_>) -> Result<Option<Value>, ValueError> {
        match part {
            Part::EndValue => {
                let value = self.value.take().ok_or(ValueError::Unfinished)?;
                return value.finish().map(Some);
            }
            _ => match &mut self.value {
                None => self.value = Some(start(&self.settings, part)?),
                Some(value) => value.put(&self.settings, part)?,
            },
        }
        Ok(None)
    }
}

/// The value that `part` begins.
fn start(settings: &Settings, part: &Part<'_>) -> Result<Building, ValueError> {
    Ok(match *part {
        Part::String(bytes) => Building::Whole(Value::String(StringValue::from_bytes(bytes))),
        // Its bytes are no number: it is too long for that.
        Part::LongString { .. } => Building::String(StringValue::from_raw(b"")),
        Part::List { .. } | Part::Quicklist { .. } => Building::List(List::empty(settings)),
        Part::Set { .. } => Building::Set(Set::empty(settings)),
        Part::SetIntset(blob) => {
            let intset = IntsetBuf::from_vec_trusted(blob.to_vec());
            Building::Set(Set::from_intset(settings, intset))
        }
        Part::SetListpack(blob) => Building::Set(Set::from_listpack(settings, owned(blob))),
        Part::Hash { .. } => Building::Hash(Hash::empty(settings)),
        Part::HashListpack(blob) => Building::Hash(Hash::from_listpack(settings, owned(blob))),
        Part::HashListpackTtl { listpack, .. } => {
            Building::Hash(with_deadlines(settings, listpack)?)
        }
        Part::Zset { .. } => Building::Zset(Zset::empty(settings)),
        Part::ZsetListpack(blob) => Building::Zset(Zset::from_listpack(settings, owned(blob))),
        Part::StreamHeader { .. } => Building::Stream(Box::default()),
        Part::Module(raw) => Building::Whole(Value::Module(Arc::new(ModuleValue::new(raw)))),
        _ => return Err(ValueError::Misplaced),
    })
}

fn owned(blob: &[u8]) -> ListpackBuf {
    ListpackBuf::from_vec_trusted(blob.to_vec())
}

/// A hash of triples: field, value, deadline or 0.
fn with_deadlines(settings: &Settings, blob: &[u8]) -> Result<Hash, ValueError> {
    let mut hash = Hash::empty(settings);
    let mut elements = Listpack::new(blob).iter();
    while let (Some(field), Some(value), Some(deadline)) =
        (elements.next(), elements.next(), elements.next())
    {
        let deadline = match deadline.as_int() {
            Some(0) => None,
            Some(ms) => Some(UnixMillis(ms)),
            None => return Err(ValueError::Misplaced),
        };
        add_field(
            &mut hash,
            settings,
            &field.to_vec(),
            &value.to_vec(),
            deadline,
        )?;
    }
    Ok(hash)
}

fn add_field(
    hash: &mut Hash,
    settings: &Settings,
    field: &[u8],
    value: &[u8],
    deadline: Option<UnixMillis>,
) -> Result<(), ValueError> {
    if !hash.set(settings, field, value) {
        return Err(ValueError::Repeated(field.to_vec()));
    }
    if deadline.is_some() {
        hash.set_deadline(settings, field, deadline);
    }
    Ok(())
}

impl Building {
    fn put(&mut self, settings: &Settings, part: &Part<'_>) -> Result<(), ValueError> {
        match (self, *part) {
            (Building::String(string), Part::Chunk(bytes)) => _ = string.append(bytes),
            (Building::List(list), Part::Element(element) | Part::NodePlain(element)) => {
                list.push_back(settings, element);
            }
            (Building::List(list), Part::NodeListpack(blob)) => {
                list.push_node(settings, owned(blob));
            }
            (Building::Set(set), Part::Element(member)) => {
                if !set.insert(settings, member) {
                    return Err(ValueError::Repeated(member.to_vec()));
                }
            }
            (
                Building::Hash(hash),
                Part::Field {
                    field,
                    value,
                    expire,
                },
            ) => {
                add_field(hash, settings, field, value, expire)?;
            }
            (Building::Zset(zset), Part::Scored { member, score }) => {
                if zset.insert(settings, member, score) != ZsetChange::Added {
                    return Err(ValueError::Repeated(member.to_vec()));
                }
            }
            (Building::Stream(stream), part) => stream.put(&part)?,
            _ => return Err(ValueError::Misplaced),
        }
        Ok(())
    }

    fn finish(self) -> Result<Value, ValueError> {
        Ok(match self {
            Building::Whole(value) => value,
            Building::String(string) => Value::String(string),
            Building::List(list) => list.into_value(),
            Building::Set(set) => set.into_value(),
            Building::Hash(hash) => hash.into_value(),
            Building::Zset(zset) => zset.into_value(),
            Building::Stream(stream) => Value::Stream(Arc::new(stream.finish()?)),
        })
    }
}
