use crate::account::{Block, let_go_parts, own};
use crate::reclaim::{Parts, whole};
use crate::types::{
    Hash, HashRef, List, ListRef, Set, SetRef, Stream, StringRef, StringValue, Zset, ZsetRef,
};
use crate::{Settings, usable_size};
use packed::length::{self, Length};
use std::sync::Arc;

/// What kind of value a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// Bytes or an integer.
    String,
    /// A sequence.
    List,
    /// Different members.
    Set,
    /// Fields with values.
    Hash,
    /// Members ordered by score.
    Zset,
    /// A log of entries.
    Stream,
    /// Something that a module made; kept, not understood.
    Module,
}

impl Type {
    /// The name as TYPE replies it; that of a module type is [`ModuleValue::name`].
    pub fn name(self) -> &'static str {
        match self {
            Type::String => "string",
            Type::List => "list",
            Type::Set => "set",
            Type::Hash => "hash",
            Type::Zset => "zset",
            Type::Stream => "stream",
            Type::Module => "module",
        }
    }
}

/// An owned value. Cloning shares all that is large.
#[derive(Debug, Clone)]
pub enum Value {
    /// A string.
    String(StringValue),
    /// A list.
    List(List),
    /// A set.
    Set(Set),
    /// A hash.
    Hash(Hash),
    /// A sorted set.
    Zset(Zset),
    /// A stream.
    Stream(Arc<Stream>),
    /// A value of a module.
    Module(Arc<ModuleValue>),
}

const _: () = assert!(size_of::<Value>() <= 40);

/// A value that lies in a page or a slab, or in a view of one.
#[derive(Debug, Clone, Copy)]
pub enum ValueRef<'a> {
    /// A string.
    String(StringRef<'a>),
    /// A list.
    List(ListRef<'a>),
    /// A set.
    Set(SetRef<'a>),
    /// A hash.
    Hash(HashRef<'a>),
    /// A sorted set.
    Zset(ZsetRef<'a>),
    /// A stream.
    Stream(&'a Stream),
    /// A value of a module.
    Module(&'a ModuleValue),
}

/// The form of a value that is nothing but bytes and so can live in a page. The number is its tag
/// there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Form {
    /// A string as it is.
    StringRaw,
    /// A string that is an integer, as [`IntBytes`].
    StringInt,
    /// A list as one listpack.
    ListListpack,
    /// A set as one intset.
    SetIntset,
    /// A set as one listpack.
    SetListpack,
    /// A hash as one listpack: field, value, field, value ...
    HashListpack,
    /// A sorted set as one listpack: member, score, member, score ..., in order.
    ZsetListpack,
}

/// An integer in as few bytes as it needs: 1 to 8, little-endian, two's complement.
#[derive(Debug, Clone, Copy)]
pub struct IntBytes {
    bytes: [u8; 8],
    len: u8,
}

impl IntBytes {
    /// The bytes of `number`.
    #[inline]
    pub fn new(number: i64) -> IntBytes {
        // Redundant sign bits, less the sign itself, are left out by whole bytes.
        let redundant = (number ^ (number >> 63)).leading_zeros() - 1;
        IntBytes {
            bytes: number.to_le_bytes(),
            len: 8 - (redundant / 8) as u8,
        }
    }

    /// The number in `bytes`, of which at most 8 count.
    #[inline]
    pub fn decode(bytes: &[u8]) -> i64 {
        let bytes = bytes.get(..8).unwrap_or(bytes);
        // From both ends, so that it takes no loop: the parts may overlap, and are equal there.
        if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
            let above = 8 * (bytes.len() - 4);
            let (low, high) = (u32::from_le_bytes(*low), i32::from_le_bytes(*high));
            return i64::from(high) << above | i64::from(low);
        }
        match *bytes {
            [] => 0,
            [a] => i64::from(a as i8),
            [a, b] => i64::from(i16::from_le_bytes([a, b])),
            [a, b, c, ..] => i64::from(i16::from_le_bytes([b, c])) << 8 | i64::from(a),
        }
    }
}

impl AsRef<[u8]> for IntBytes {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.len))
            .unwrap_or(&self.bytes)
    }
}

/// The bytes of a value that can live in a page.
#[derive(Debug, Clone, Copy)]
pub enum InlineBytes<'a> {
    /// As the value holds them.
    Borrowed(&'a [u8]),
    /// An integer's.
    Int(IntBytes),
}

impl AsRef<[u8]> for InlineBytes<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match self {
            InlineBytes::Borrowed(bytes) => bytes,
            InlineBytes::Int(int) => int.as_ref(),
        }
    }
}

impl Value {
    /// The value whose bytes a page held.
    pub fn from_inline(form: Form, bytes: &[u8]) -> Value {
        match form {
            Form::StringRaw => Value::String(StringValue::from_raw(bytes)),
            Form::StringInt => Value::String(StringValue::from_int(IntBytes::decode(bytes))),
            Form::ListListpack => Value::List(List::from_inline(bytes)),
            Form::SetIntset | Form::SetListpack => Value::Set(Set::from_inline(form, bytes)),
            Form::HashListpack => Value::Hash(Hash::from_inline(bytes)),
            Form::ZsetListpack => Value::Zset(Zset::from_inline(bytes)),
        }
    }

    /// Form and bytes for a page, unless the value is more than bytes. Whether there are too many
    /// is for the page to say.
    pub fn inline(&self) -> Option<(Form, InlineBytes<'_>)> {
        let (form, bytes) = match self {
            Value::String(string) => return string.inline(),
            Value::List(list) => (Form::ListListpack, list.blob()?),
            Value::Set(set) => set.blob()?,
            Value::Hash(hash) => (Form::HashListpack, hash.blob()?),
            Value::Zset(zset) => (Form::ZsetListpack, zset.blob()?),
            Value::Stream(_) | Value::Module(_) => return None,
        };
        Some((form, InlineBytes::Borrowed(bytes)))
    }

    /// The value, to read.
    #[inline]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::String(string) => ValueRef::String(string.as_ref()),
            Value::List(list) => ValueRef::List(list.as_ref()),
            Value::Set(set) => ValueRef::Set(set.as_ref()),
            Value::Hash(hash) => ValueRef::Hash(hash.as_ref()),
            Value::Zset(zset) => ValueRef::Zset(zset.as_ref()),
            Value::Stream(stream) => ValueRef::Stream(stream),
            Value::Module(module) => ValueRef::Module(module),
        }
    }

    /// Its type.
    pub fn ty(&self) -> Type {
        self.as_ref().ty()
    }

    /// Bytes that it takes of an allocator, outside of itself. What clones share is counted in
    /// each.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Value::String(string) => string.heap_bytes(),
            Value::List(list) => list.heap_bytes(),
            Value::Set(set) => set.heap_bytes(),
            Value::Hash(hash) => hash.heap_bytes(),
            Value::Zset(zset) => zset.heap_bytes(),
            Value::Stream(stream) => stream.heap_bytes(),
            Value::Module(module) => module.block_bytes(),
        }
    }
}

/// Bytes whose freeing counts as one step of [`Value::free_effort`]: a page's.
pub(crate) const EFFORT_BYTES: usize = 4096;

impl Value {
    /// How much there is to free: pages or nodes, about.
    pub(crate) fn free_effort(&self) -> usize {
        let nodes = match self {
            Value::List(list) => list.nodes_len(),
            Value::Stream(stream) => stream.free_effort(),
            _ => 0,
        };
        nodes.max(self.heap_bytes() / EFFORT_BYTES)
    }

    /// What it is made of, to be freed part by part. What others share is left to them.
    pub(crate) fn into_parts(self) -> Parts {
        match self {
            Value::String(string) => string.into_parts(),
            Value::List(list) => list.into_parts(),
            Value::Set(set) => set.into_parts(),
            Value::Hash(hash) => hash.into_parts(),
            Value::Zset(zset) => zset.into_parts(),
            Value::Stream(stream) => {
                let owned = Arc::into_inner(stream);
                Box::new(owned.into_iter().flat_map(Stream::into_parts))
            }
            Value::Module(module) => whole(module),
        }
    }

    /// Drops a value of the live side.
    pub(crate) fn let_go(self) {
        let_go_parts(self.heap_bytes(), self.into_parts());
    }
}

impl Block for ModuleValue {
    fn block_bytes(&self) -> usize {
        arc_bytes::<ModuleValue>() + usable_size(self.raw.capacity())
    }
}

/// Bytes of the block behind an `Arc<T>`: the value and two counts.
pub(crate) const fn arc_bytes<T>() -> usize {
    usable_size(size_of::<T>() + 2 * size_of::<usize>())
}

impl<'a> ValueRef<'a> {
    /// The value in the bytes of a page.
    #[inline]
    pub fn from_inline(form: Form, bytes: &'a [u8]) -> ValueRef<'a> {
        match form {
            Form::StringRaw => ValueRef::String(StringRef::Bytes(bytes)),
            Form::StringInt => ValueRef::String(StringRef::Int(IntBytes::decode(bytes))),
            Form::ListListpack => ValueRef::List(ListRef::from_inline(bytes)),
            Form::SetIntset | Form::SetListpack => ValueRef::Set(SetRef::from_inline(form, bytes)),
            Form::HashListpack => ValueRef::Hash(HashRef::from_inline(bytes)),
            Form::ZsetListpack => ValueRef::Zset(ZsetRef::from_inline(bytes)),
        }
    }

    /// Its type.
    pub fn ty(self) -> Type {
        match self {
            ValueRef::String(_) => Type::String,
            ValueRef::List(_) => Type::List,
            ValueRef::Set(_) => Type::Set,
            ValueRef::Hash(_) => Type::Hash,
            ValueRef::Zset(_) => Type::Zset,
            ValueRef::Stream(_) => Type::Stream,
            ValueRef::Module(_) => Type::Module,
        }
    }

    /// Its form as OBJECT ENCODING names it in Redis 7.2.
    pub fn encoding(self) -> &'static str {
        match self {
            ValueRef::String(string) => string.encoding(),
            ValueRef::List(list) => list.encoding(),
            ValueRef::Set(set) => set.encoding(),
            ValueRef::Hash(hash) => hash.encoding(),
            ValueRef::Zset(zset) => zset.encoding(),
            ValueRef::Stream(_) => "stream",
            ValueRef::Module(_) => "raw",
        }
    }

    /// Number of elements, or of bytes of a string.
    pub fn len(self) -> usize {
        match self {
            ValueRef::String(string) => string.len(),
            ValueRef::List(list) => list.len(),
            ValueRef::Set(set) => set.len(),
            ValueRef::Hash(hash) => hash.len(),
            ValueRef::Zset(zset) => zset.len(),
            ValueRef::Stream(stream) => stream.len(),
            ValueRef::Module(module) => module.raw.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// A value of one's own. What is large is shared.
    pub fn to_value(self) -> Value {
        match self {
            ValueRef::String(string) => Value::String(string.to_value()),
            ValueRef::List(list) => Value::List(list.to_value()),
            ValueRef::Set(set) => Value::Set(set.to_value()),
            ValueRef::Hash(hash) => Value::Hash(hash.to_value()),
            ValueRef::Zset(zset) => Value::Zset(zset.to_value()),
            ValueRef::Stream(stream) => Value::Stream(Arc::new(stream.clone())),
            ValueRef::Module(module) => Value::Module(Arc::new(module.clone())),
        }
    }
}

/// A value of a module, kept so that it is not lost by passing through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleValue {
    /// The type: 9 characters of 6 bits and 10 bits of version.
    pub id: u64,
    /// Id and pieces, the closing one included, as they are in an RDB.
    pub raw: Vec<u8>,
}

impl ModuleValue {
    /// The value in `raw`, which begins with its id. Bytes that do not have the id 0.
    pub fn new(raw: &[u8]) -> ModuleValue {
        let id = match length::read(raw) {
            Ok(Some((Length::Plain(id), _))) => id,
            _ => 0,
        };
        ModuleValue {
            id,
            raw: raw.to_vec(),
        }
    }

    /// The 9 characters of its type's name.
    pub fn name(&self) -> String {
        const CHARACTERS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let bits = |at: u32| (self.id >> (10 + 6 * (8 - at))) & 63;
        (0..9)
            .map(|at| char::from(CHARACTERS[bits(at) as usize]))
            .collect()
    }
}

/// A value that can be changed where it lies: taken out, changed, put back.
pub trait Edit: Sized {
    /// Its type.
    const TYPE: Type;

    /// A value without elements, for a key that is not there.
    fn empty(settings: &Settings) -> Self;

    /// The value in `value`; if it is of another type, the value itself.
    fn from_value(value: Value) -> Result<Self, Value>;

    /// The value, to put back.
    fn into_value(self) -> Value;

    /// Whether its key is to be removed: a collection without elements. Never so for strings and
    /// streams.
    fn is_empty(&self) -> bool;

    /// Changes made to it since it came from a page or was made; only differences mean something.
    fn changes(&self) -> u64;
}

macro_rules! edit {
    ($($ty:ident $variant:ident,)*) => {$(
        impl Edit for $ty {
            const TYPE: Type = Type::$variant;

            fn empty(_: &Settings) -> $ty {
                $ty::default()
            }

            fn from_value(value: Value) -> Result<$ty, Value> {
                match value {
                    Value::$variant(value) => Ok(value),
                    other => Err(other),
                }
            }

            fn into_value(self) -> Value {
                Value::$variant(self)
            }

            fn is_empty(&self) -> bool {
                Type::$variant != Type::String && self.as_ref().is_empty()
            }

            fn changes(&self) -> u64 {
                self.changes
            }
        }
    )*};
}

edit! {
    StringValue String,
    List List,
    Set Set,
    Hash Hash,
    Zset Zset,
}

impl Edit for Stream {
    const TYPE: Type = Type::Stream;

    fn empty(_: &Settings) -> Stream {
        Stream::default()
    }

    fn from_value(value: Value) -> Result<Stream, Value> {
        match value {
            Value::Stream(mut stream) => {
                own(&mut stream);
                Ok(Arc::unwrap_or_clone(stream))
            }
            other => Err(other),
        }
    }

    fn into_value(self) -> Value {
        Value::Stream(Arc::new(self))
    }

    fn is_empty(&self) -> bool {
        false
    }

    fn changes(&self) -> u64 {
        self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_take_the_bytes_they_need() {
        let sized = [
            (0, 1),
            (-1, 1),
            (127, 1),
            (128, 2),
            (-128, 1),
            (-129, 2),
            (i64::from(i32::MAX), 4),
            (i64::MIN, 8),
            (i64::MAX, 8),
        ];
        for (number, len) in sized {
            let bytes = IntBytes::new(number);
            assert_eq!(bytes.as_ref().len(), len, "{number}");
            assert_eq!(IntBytes::decode(bytes.as_ref()), number);
        }
    }

    #[test]
    fn module_names_are_nine_characters_of_six_bits() {
        // "TestModTy", version 1: each character's index in the alphabet, 6 bits each.
        let id = b"TestModTy".iter().fold(0u64, |id, character| {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let index = alphabet
                .iter()
                .position(|known| known == character)
                .unwrap();
            (id << 6) | index as u64
        });
        let mut raw = Vec::new();
        length::write(id << 10 | 1, &mut raw);
        let value = ModuleValue::new(&raw);
        assert_eq!(value.name(), "TestModTy");
        assert_eq!(value.id & 1023, 1);
    }

    #[test]
    fn values_come_back_from_their_bytes() {
        let settings = Settings::for_tests();
        let mut list = List::empty(&settings);
        list.push_back(&settings, b"a");
        for value in [
            Value::String(StringValue::from_bytes(b"12")),
            Value::String(StringValue::from_bytes(b"x")),
            list.into_value(),
        ] {
            let (form, bytes) = value.inline().unwrap();
            let back = Value::from_inline(form, bytes.as_ref());
            assert_eq!(back.ty(), value.ty());
            assert_eq!(back.as_ref().encoding(), value.as_ref().encoding());
            assert_eq!(back.as_ref().len(), value.as_ref().len());
        }
    }
}
