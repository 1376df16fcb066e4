use units::{DbIndex, StreamId, UnixMillis};

use crate::header::Version;

/// One thing that an RDB file says, in the order in which the file says it.
///
/// Slices borrow from the decoder's input, or from its scratch space where the file held another
/// form of the same bytes (an integer, LZF, an encoding that only old servers wrote).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// The header. Always first. An encoder writes its target's header instead.
    Start(Version),
    /// A fact about the file, such as `redis-ver`. May come anywhere between values.
    Aux {
        /// Its name.
        key: &'a [u8],
        /// Its value, as text.
        value: &'a [u8],
    },
    /// The keys that follow belong to this database. Before the first, they belong to 0.
    SelectDb(DbIndex),
    /// How many keys the database may hold. A hint and a claim: never size memory from it.
    ResizeDb {
        /// Keys in all.
        keys: u64,
        /// Keys with a deadline.
        expires: u64,
    },
    /// How many keys a cluster slot may hold (Redis 7.4 and later). A hint and a claim.
    SlotInfo {
        /// The slot's number.
        slot: u64,
        /// Keys in all.
        keys: u64,
        /// Keys with a deadline.
        expires: u64,
    },
    /// A slot import was under way when the file was written (Valkey 9).
    SlotImport {
        /// The import job's name, 40 characters.
        job: &'a [u8],
        /// First and last slot of each range.
        ranges: &'a [(u64, u64)],
    },
    /// The source of a function library, from its `#!engine name=...` line on.
    Function(&'a [u8]),
    /// Data of a module, opaque: everything after the opcode byte, the closing piece included.
    ModuleAux(&'a [u8]),
    /// What modules keep of the next key, opaque (Redis 8.6): everything after the opcode byte.
    ModuleKeyMeta(&'a [u8]),
    /// A key. Exactly one value follows: [`Event::Value`]s up to and including
    /// [`Part::EndValue`], and nothing else between.
    Key {
        /// Its name.
        key: &'a [u8],
        /// What came before it.
        meta: KeyMeta,
    },
    /// A part of the value of the last [`Event::Key`].
    Value(Part<'a>),
    /// A key whose collection has no elements. Nobody can make one with commands; damaged servers
    /// wrote some, and all since Redis 7.0 skip them with a warning. No value follows.
    SkippedEmpty {
        /// Its name.
        key: &'a [u8],
    },
    /// A record without meaning for us was passed over (those of Redis Enterprise).
    SkippedOpcode(u8),
    /// The end. Bytes after it belong to the caller.
    End {
        /// What the footer said.
        checksum: Checksum,
    },
}

/// What a file says of a key apart from its name and value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyMeta {
    /// When it expires.
    pub expire: Option<UnixMillis>,
    /// For how many seconds it had not been used. Written under an LRU policy only.
    pub idle_secs: Option<u64>,
    /// Its LFU counter. Written under an LFU policy only.
    pub freq: Option<u8>,
}

/// What the footer of a file said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// The checksum was there and right (or was not looked at, as asked for).
    Verified(u64),
    /// The footer is zero: the writer ran with `rdbchecksum no`.
    NotComputed,
    /// Versions below 5 have no footer.
    Absent,
}

/// Longer strings come in chunks of this size, in bytes. Elements of collections come whole.
pub const CHUNK_LEN: usize = packed::lzf::Unpacker::BLOCK;

/// A part of a value. Every value, strings too, ends with [`Part::EndValue`].
///
/// A value is one of
///
/// ```text
///   String                    LongString Chunk*
///   List  Element*            Quicklist (NodePlain | NodeListpack)*
///   Set   Element*            SetIntset   SetListpack
///   Hash  Field*              HashListpack   HashListpackTtl
///   Zset  Scored*             ZsetListpack
///   StreamHeader StreamNode* StreamMeta
///         (Group Pending* Consumers (Consumer ConsumerPending*)* Released*)*
///         [Producers (Producer Produced*)* ProducedTotals]
///   Module
/// ```
///
/// followed by `EndValue`. Counts in headers are exact once `EndValue` came, and claims until then.
/// Blobs were validated in depth: structure, counts, repeated elements, scores that are no numbers.
/// A blob is never empty, but a stream may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part<'a> {
    /// A string. From the decoder it has at most [`CHUNK_LEN`] bytes.
    String(&'a [u8]),
    /// A string that comes in chunks: from the decoder, any that is longer.
    LongString {
        /// How many bytes the [`Part::Chunk`]s that follow have together.
        len: u64,
    },
    /// The next bytes of a long string. From the decoder, [`CHUNK_LEN`] of them but for the last.
    Chunk(&'a [u8]),

    /// A list, element by element.
    List {
        /// How many [`Part::Element`]s follow.
        len: u64,
    },
    /// A list as nodes.
    Quicklist {
        /// How many nodes follow. From the decoder an upper bound, since empty nodes are left out.
        nodes: u64,
        /// How many elements they hold, if that is known beforehand. The decoder does not know; an
        /// encoder that is told need not hold the value back for targets that keep lists plain.
        elements: Option<u64>,
    },
    /// A node that is one element.
    NodePlain(&'a [u8]),
    /// A node that is a listpack of elements.
    NodeListpack(&'a [u8]),

    /// A set, element by element.
    Set {
        /// How many [`Part::Element`]s follow.
        len: u64,
    },
    /// An element of a list or a set.
    Element(&'a [u8]),
    /// A set as one intset.
    SetIntset(&'a [u8]),
    /// A set as one listpack of members.
    SetListpack(&'a [u8]),

    /// A hash, field by field.
    Hash {
        /// How many [`Part::Field`]s follow.
        len: u64,
        /// Whether any of them may have a deadline.
        ttl: bool,
    },
    /// A field of a hash.
    Field {
        /// Its name.
        field: &'a [u8],
        /// Its value.
        value: &'a [u8],
        /// When it expires.
        expire: Option<UnixMillis>,
    },
    /// A hash as one listpack of field, value, field, value ...
    HashListpack(&'a [u8]),
    /// A hash as one listpack of field, value, deadline (in ms since the epoch, 0 = none), ordered by
    /// deadline with those that have none last.
    HashListpackTtl {
        /// The earliest deadline as the writer noted it; may be stale, and is 0 where not noted.
        min: u64,
        /// The triples.
        listpack: &'a [u8],
    },

    /// A sorted set, member by member, in any order.
    Zset {
        /// How many [`Part::Scored`] follow.
        len: u64,
    },
    /// A member of a sorted set.
    Scored {
        /// The member.
        member: &'a [u8],
        /// Its score, never NaN.
        score: f64,
    },
    /// A sorted set as one listpack of member, score (integer or text), ordered by score, then member.
    ZsetListpack(&'a [u8]),

    /// A stream.
    StreamHeader {
        /// How many [`Part::StreamNode`]s follow.
        nodes: u64,
    },
    /// A node of a stream. Ids rise from node to node and within each.
    StreamNode {
        /// The id to which the node's entries are relative.
        master: StreamId,
        /// The master entry, then the entries.
        listpack: &'a [u8],
    },
    /// What a stream keeps besides its entries; comes after the nodes.
    StreamMeta {
        /// Entries alive, equal to what the nodes hold.
        len: u64,
        /// The last id ever given.
        last: StreamId,
        /// The first entry alive, `0-0` if there is none.
        first: StreamId,
        /// The largest id ever deleted.
        max_deleted: StreamId,
        /// Entries ever added.
        entries_added: u64,
        /// How many [`Part::Group`]s follow.
        groups: u64,
    },
    /// A consumer group of a stream.
    Group {
        /// Its name.
        name: &'a [u8],
        /// The last id delivered.
        last: StreamId,
        /// How many entries it has read, `None` if unknown.
        entries_read: Option<u64>,
        /// How many [`Part::Pending`] follow.
        pending: u64,
    },
    /// An entry delivered to a group and not acknowledged. The entry itself may be gone.
    Pending {
        /// The entry.
        id: StreamId,
        /// When it was delivered last.
        delivered: UnixMillis,
        /// How often it was delivered.
        count: u64,
    },
    /// The consumers of a group; comes after its pending entries, even if there are none.
    Consumers {
        /// How many [`Part::Consumer`]s follow.
        count: u64,
    },
    /// A consumer of a group.
    Consumer {
        /// Its name.
        name: &'a [u8],
        /// When it was last heard of.
        seen: UnixMillis,
        /// When it last got something, `None` if never.
        active: Option<UnixMillis>,
        /// How many [`Part::ConsumerPending`] follow.
        pending: u64,
    },
    /// An entry of the group's pending ones that this consumer owns. Each has exactly one owner, or
    /// none if it is [`Part::Released`].
    ConsumerPending(StreamId),
    /// An entry of the group's pending ones that its consumer gave back (Redis 8.8).
    Released(StreamId),
    /// What a stream remembers of producers that send an entry again until it is acknowledged (Redis
    /// 8.6). Comes after the groups.
    Producers {
        /// For how many seconds it does.
        duration_secs: u64,
        /// Of how many entries of each producer at most.
        entries_max: u64,
        /// How many [`Part::Producer`]s follow.
        count: u64,
    },
    /// A producer.
    Producer {
        /// Its name.
        name: &'a [u8],
        /// How many [`Part::Produced`] follow.
        entries: u64,
    },
    /// An entry that the producer sent.
    Produced {
        /// What the producer calls it.
        name: &'a [u8],
        /// The entry that it became.
        id: StreamId,
    },
    /// What all producers sent so far.
    ProducedTotals {
        /// Entries that were added.
        added: u64,
        /// Entries that had been added before.
        repeated: u64,
    },

    /// A value of a module, opaque: its id and pieces, the closing one included.
    Module(&'a [u8]),

    /// The value is complete.
    EndValue,
}
