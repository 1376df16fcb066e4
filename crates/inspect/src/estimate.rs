//! How many bytes a key will take in a server's memory.
//!
//! The model is what Redis 7.0 answers to `MEMORY USAGE key SAMPLES 0` after loading the file, on 64
//! bits with jemalloc: sizes of its structures, and every allocation rounded up to its class. Values
//! are taken in the form that the file has them in.

use crate::radix::RadixTree;
use crate::record::{Encoding, Type};
use packed::usable_size;
use units::StreamId;

const OBJECT: u64 = 16;
const DICT_ENTRY: u64 = 24;
const DICT: u64 = 56;
const QUICKLIST: u64 = 40;
const QUICKLIST_NODE: u64 = 40;
/// A sorted set's frame: itself, its skip list and the list's head of 32 levels.
const ZSET: u64 = 16 + 32 + 640;
/// A node of a skip list has 1 level in 3 of 4 cases, 2 in 3 of 16, and so on; in allocator classes
/// that is 160 / 3 bytes on average.
const SKIPLIST_NODES: (u64, u64) = (160, 3);
const STREAM: u64 = 80;
const RADIX_NODE: u64 = 4 + 30 * 8;
const STREAM_ID: u64 = 16;
const GROUP: u64 = 40;
const PENDING: u64 = 24;
const CONSUMER: u64 = 24;
/// Lists are cut into nodes of this size.
const LIST_NODE_BYTES: u64 = 8 << 10;
/// An entry of a dictionary, as its allocation.
const DICT_ENTRY_CLASS: u64 = 32;
/// Strings up to this share one allocation with their object.
const EMBSTR_MAX: u64 = 44;

/// Adds up one value after another.
#[derive(Debug, Default, Clone)]
pub(crate) struct Estimator {
    encoding: Option<Encoding>,
    kind: Option<Type>,
    bytes: u64,
    elements: u64,
    longest: u64,
    /// Bytes of a string so far, or of list elements that are yet to be packed.
    pending: u64,
    /// Ids of a stream's nodes, of a group's pending entries, or of those that a consumer owns.
    ids: RadixTree,
}

impl Estimator {
    /// Begins with a key of that name, whose value is of that type and form.
    #[inline]
    pub(crate) fn start(&mut self, name: usize, kind: Type, encoding: Encoding) {
        let frame = match (kind, encoding) {
            (Type::String, _) => 0,
            (Type::List, Encoding::Quicklist) => OBJECT + QUICKLIST,
            (Type::Zset, Encoding::Skiplist) => OBJECT + ZSET + DICT,
            (_, Encoding::Hashtable) => OBJECT + DICT,
            (Type::Stream, _) => OBJECT + STREAM,
            _ => OBJECT,
        };
        *self = Estimator {
            encoding: Some(encoding),
            kind: Some(kind),
            bytes: frame + sds(name as u64) + DICT_ENTRY,
            ..Estimator::default()
        };
    }

    /// Bytes of the string that the value is.
    #[inline]
    pub(crate) fn chunk(&mut self, bytes: usize) {
        self.pending += bytes as u64;
    }

    /// An allocation of one blob that holds so many elements.
    pub(crate) fn blob(&mut self, bytes: usize, elements: usize) {
        self.bytes += usable_size(bytes) as u64;
        self.elements += elements as u64;
        self.longest = self.longest.max(bytes as u64);
    }

    /// A node of a list.
    pub(crate) fn list_node(&mut self, bytes: usize, elements: usize) {
        if self.encoding == Some(Encoding::Quicklist) {
            self.bytes += QUICKLIST_NODE;
        }
        self.blob(bytes, elements);
    }

    /// An element of a list or a set that is kept element by element.
    pub(crate) fn element(&mut self, len: usize) {
        self.count(len);
        match self.kind {
            // A listpack's header and back length take 2 bytes, more for long ones.
            Some(Type::List) => self.pending += len as u64 + 2,
            _ => self.bytes += DICT_ENTRY + sds(len as u64),
        }
    }

    /// A field of a hash that is a table.
    pub(crate) fn field(&mut self, field: usize, value: usize) {
        self.count(field + value);
        self.bytes += DICT_ENTRY + sds(field as u64) + sds(value as u64);
    }

    /// A member of a sorted set that is a skip list.
    pub(crate) fn scored(&mut self, len: usize) {
        self.count(len);
        self.bytes += DICT_ENTRY + sds(len as u64);
    }

    /// A node of a stream; its entries are told by [`Estimator::stream_len`].
    pub(crate) fn stream_node(&mut self, id: StreamId, bytes: usize) {
        self.ids.add(id);
        self.blob(bytes, 0);
    }

    /// How many entries the stream has.
    pub(crate) fn stream_len(&mut self, entries: u64) {
        self.elements = entries;
    }

    /// A group; its pending entries follow.
    pub(crate) fn stream_group(&mut self) {
        self.end_tree();
        self.bytes += GROUP;
    }

    /// A consumer with a name of that length; what it owns follows.
    pub(crate) fn stream_consumer(&mut self, name: usize) {
        self.end_tree();
        self.bytes += CONSUMER + name as u64;
    }

    /// A pending entry of the group.
    pub(crate) fn stream_pending(&mut self, id: StreamId) {
        self.ids.add(id);
        self.bytes += PENDING;
    }

    /// A pending entry of the consumer.
    pub(crate) fn stream_owned(&mut self, id: StreamId) {
        self.ids.add(id);
    }

    /// Counts the tree of ids under way and begins the next.
    fn end_tree(&mut self) {
        let tree = std::mem::take(&mut self.ids);
        self.bytes += tree.ids * STREAM_ID + tree.nodes() * RADIX_NODE;
    }

    fn count(&mut self, len: usize) {
        self.elements += 1;
        self.longest = self.longest.max(len as u64);
    }

    /// Memory, elements and the longest element of the value, now complete.
    #[inline]
    pub(crate) fn finish(&mut self) -> (u64, u64, u64) {
        if self.kind == Some(Type::Stream) {
            self.end_tree();
        }
        let (bytes, elements) = (self.bytes, self.elements);
        match (self.kind, self.encoding) {
            (Some(Type::String), encoding) => {
                let len = self.pending;
                (bytes + string(len, encoding), 1, len)
            }
            (Some(Type::List), _) => {
                let nodes = self.pending.div_ceil(LIST_NODE_BYTES);
                let packed = nodes * QUICKLIST_NODE + self.pending;
                (bytes + packed, elements, self.longest)
            }
            (_, Some(Encoding::Skiplist)) => {
                let (times, by) = SKIPLIST_NODES;
                let nodes = elements * times / by;
                (bytes + slots(elements) + nodes, elements, self.longest)
            }
            (_, Some(Encoding::Hashtable)) => (bytes + slots(elements), elements, self.longest),
            _ => (bytes, elements, self.longest),
        }
    }
}

fn string(len: u64, encoding: Option<Encoding>) -> u64 {
    match encoding {
        Some(Encoding::Int) => OBJECT,
        _ if len <= EMBSTR_MAX => class(OBJECT + 3 + len + 1),
        _ => OBJECT + sds(len),
    }
}

/// A string with the header that its length takes, and a closing NUL.
#[inline]
fn sds(len: u64) -> u64 {
    let header = match len {
        1..32 => 1,
        0..256 => 3,
        256..65_536 => 5,
        65_536..0x1_0000_0000 => 9,
        _ => 17,
    };
    class(len + header + 1)
}

#[inline]
fn class(bytes: u64) -> u64 {
    // jemalloc has a class of 8, which matters for short names.
    if bytes <= 8 {
        return 8;
    }
    usable_size(usize::try_from(bytes).unwrap_or(usize::MAX >> 1)) as u64
}

/// What the tables of values in that form take for so many elements, beyond what `MEMORY USAGE` tells.
pub(crate) fn unseen(encoding: Encoding, elements: u64) -> u64 {
    match encoding {
        Encoding::Hashtable | Encoding::Skiplist => (DICT_ENTRY_CLASS - DICT_ENTRY) * elements,
        _ => 0,
    }
}

/// What a database's tables keep of so many keys and deadlines, beyond what is counted as each key's.
pub(crate) fn entries(keys: u64, deadlines: u64) -> u64 {
    // A key's own entry counts 24 bytes, and takes 32.
    (DICT_ENTRY_CLASS - DICT_ENTRY) * keys + DICT_ENTRY_CLASS * deadlines
}

/// The buckets of a database's tables.
pub(crate) fn buckets(keys: u64, deadlines: u64) -> u64 {
    // The table of deadlines is made with the first of them.
    let of_deadlines = if deadlines == 0 { 0 } else { slots(deadlines) };
    slots(keys) + of_deadlines
}

/// The buckets of a dictionary that was made for so many elements.
fn slots(elements: u64) -> u64 {
    8 * elements.max(4).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string_key(name: usize, len: usize, encoding: Encoding) -> u64 {
        let mut estimator = Estimator::default();
        estimator.start(name, Type::String, encoding);
        estimator.chunk(len);
        estimator.finish().0
    }

    /// As `MEMORY USAGE` of Redis 7.0.15 told them.
    #[test]
    fn strings_are_as_a_server_says() {
        assert_eq!(string_key(1, 1, Encoding::Int), 48);
        assert_eq!(string_key(1, 3, Encoding::Embstr), 64);
        assert_eq!(string_key(24, 100, Encoding::Raw), 184);
        assert_eq!(string_key(16, 16, Encoding::Embstr), 104);
    }
}
