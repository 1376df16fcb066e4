//! What a file is seen as: facts, and keys with their values piece by piece.

use packed::Element;
use rdb::{Checksum, Version};
use units::{StreamId, UnixMillis};

/// Types of values, in the order in which they are always named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// A string.
    String,
    /// A list.
    List,
    /// A set.
    Set,
    /// A hash.
    Hash,
    /// A sorted set.
    Zset,
    /// A stream.
    Stream,
    /// A value of a module.
    Module,
}

impl Type {
    /// All of them.
    pub const ALL: [Type; 7] = [
        Type::String,
        Type::List,
        Type::Set,
        Type::Hash,
        Type::Zset,
        Type::Stream,
        Type::Module,
    ];

    /// As the command `TYPE` names it.
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

    /// The type with that name.
    pub fn named(name: &str) -> Option<Type> {
        Type::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The form of a value in the file, under the names that `OBJECT ENCODING` has for such forms in a
/// server of the file's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// A string that is a canonical integer.
    Int,
    /// A string of up to 44 bytes.
    Embstr,
    /// A longer string.
    Raw,
    /// One listpack.
    Listpack,
    /// One listpack with deadlines of fields.
    ListpackEx,
    /// One ziplist or zipmap, in files before version 10.
    Ziplist,
    /// A list of nodes.
    Quicklist,
    /// Integers, ascending.
    Intset,
    /// Element by element.
    Hashtable,
    /// Member by member with scores.
    Skiplist,
    /// A stream's nodes.
    Stream,
    /// Known to a module only.
    Module,
}

impl Encoding {
    /// As `OBJECT ENCODING` names it.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Int => "int",
            Encoding::Embstr => "embstr",
            Encoding::Raw => "raw",
            Encoding::Listpack => "listpack",
            Encoding::ListpackEx => "listpackex",
            Encoding::Ziplist => "ziplist",
            Encoding::Quicklist => "quicklist",
            Encoding::Intset => "intset",
            Encoding::Hashtable => "hashtable",
            Encoding::Skiplist => "skiplist",
            Encoding::Stream => "stream",
            Encoding::Module => "module",
        }
    }
}

/// A key, as known when the first bytes of its value were seen.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The database.
    pub db: u32,
    /// Its name.
    pub name: &'a [u8],
    /// When it expires.
    pub expire: Option<UnixMillis>,
    /// Seconds since its last use, if the file says so.
    pub idle_secs: Option<u64>,
    /// Its LFU counter, if the file says so.
    pub freq: Option<u8>,
    /// What its value is.
    pub kind: Type,
    /// In which form.
    pub encoding: Encoding,
    /// Where its record begins in the file, in bytes.
    pub offset: u64,
}

/// What is known of a key once its value is complete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Elements, members, fields or entries; 1 for a string.
    pub elements: u64,
    /// Estimated bytes that `MEMORY USAGE key SAMPLES 0` tells after loading.
    pub memory: u64,
    /// Bytes of its record in the file.
    pub serialized: u64,
    /// Bytes of its longest element.
    pub longest: u64,
}

/// A piece of a value.
#[derive(Debug, Clone, Copy)]
pub enum Piece<'a> {
    /// Bytes of a string; a long one may come as several.
    Chunk(&'a [u8]),
    /// An element of a list or a set.
    Element(Element<'a>),
    /// A field of a hash.
    Field(Element<'a>, Element<'a>, Option<UnixMillis>),
    /// A member of a sorted set.
    Scored(Element<'a>, f64),
    /// An entry of a stream.
    Entry(Entry<'a>),
    /// What a stream keeps besides its entries; comes after them.
    StreamMeta(StreamMeta),
    /// A consumer group; its pending entries follow, then its consumers.
    Group {
        /// Its name.
        name: &'a [u8],
        /// The last id delivered.
        last: StreamId,
        /// How many entries it has read, if known.
        entries_read: Option<u64>,
    },
    /// A pending entry of the group.
    Pending {
        /// The entry.
        id: StreamId,
        /// When it was delivered last.
        delivered: UnixMillis,
        /// How often it was delivered.
        count: u64,
    },
    /// A consumer of the group; the ids it owns follow.
    Consumer {
        /// Its name.
        name: &'a [u8],
        /// When it was last heard of.
        seen: UnixMillis,
        /// When it last got something.
        active: Option<UnixMillis>,
    },
    /// A pending entry that the consumer owns.
    Owned(StreamId),
    /// Bytes of a module's value, which only the module understands.
    Opaque(&'a [u8]),
}

/// The counters of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamMeta {
    /// Entries alive.
    pub len: u64,
    /// Nodes that hold them.
    pub nodes: u64,
    /// The last id ever given.
    pub last: StreamId,
    /// The first entry alive.
    pub first: StreamId,
    /// The largest id ever deleted.
    pub max_deleted: StreamId,
    /// Entries ever added.
    pub entries_added: u64,
}

pub use crate::stream_node::Entry;

/// Anything in a file but keys.
#[derive(Debug, Clone, Copy)]
pub enum Fact<'a> {
    /// A snapshot begins.
    Snapshot(Version),
    /// A fact that its writer noted, such as `redis-ver`.
    Aux(&'a [u8], &'a [u8]),
    /// The source of a function library.
    Function(&'a [u8]),
    /// Data of a module, so many bytes.
    ModuleAux(u64),
    /// A key without elements, which servers leave out.
    SkippedEmpty(&'a [u8]),
    /// A record of Redis Enterprise that was passed over.
    SkippedRecord(u8),
    /// The snapshot is complete.
    SnapshotEnd(Checksum),
    /// A logged command.
    Command {
        /// Its words, the name first.
        words: resp::Request<'a>,
        /// The bytes it takes in the file.
        bytes: u64,
    },
    /// The log was written at this Unix time, in seconds.
    Timestamp(i64),
}

/// Takes what a file holds, in the order in which the file holds it.
///
/// A key comes as [`Visitor::key`], then its pieces if they were asked for, then
/// [`Visitor::end_key`].
pub trait Visitor {
    /// Anything but keys.
    fn fact(&mut self, fact: &Fact<'_>) -> std::io::Result<()>;

    /// A key; true to be given the pieces of its value.
    fn key(&mut self, key: &Key<'_>) -> std::io::Result<bool>;

    /// A piece of the value under way.
    fn piece(&mut self, piece: &Piece<'_>) -> std::io::Result<()>;

    /// The value is complete. Without `keep` it turned out to be none that is wanted, and what was
    /// made of it is to be taken back.
    fn end_key(&mut self, key: &Key<'_>, figures: &Figures, keep: bool) -> std::io::Result<()>;
}
