//! What a value is in 16 bytes, whatever form the file has it in.

use crate::record::{Entry, Key, Piece, Type};
use packed::{Element, IntText};
use siphasher::sip128::{Hasher128 as _, SipHasher13};
use std::hash::Hasher as _;
use units::UnixMillis;

/// The hash of a key's name and database.
pub(crate) fn of_name(db: u32, name: &[u8]) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(&db.to_le_bytes());
    hasher.write(name);
    hasher.finish128().as_u128()
}

/// The value under way. Lists and streams have an order; of sets, hashes and sorted sets the digests
/// of the elements are added.
#[derive(Debug, Clone)]
pub(crate) struct ValueDigest {
    ordered: SipHasher13,
    sum: u128,
}

impl ValueDigest {
    /// Of a value of the key's type.
    pub(crate) fn of(key: &Key<'_>) -> ValueDigest {
        let mut ordered = SipHasher13::new();
        ordered.write(&[key.kind as u8]);
        ValueDigest { ordered, sum: 0 }
    }

    /// Takes in a piece.
    pub(crate) fn piece(&mut self, kind: Type, piece: &Piece<'_>) {
        match *piece {
            Piece::Chunk(bytes) | Piece::Opaque(bytes) => self.ordered.write(bytes),
            Piece::Element(element) if kind == Type::List => put(&mut self.ordered, element),
            Piece::Element(element) => self.add(|hasher| put(hasher, element)),
            Piece::Field(field, value, expire) => self.add(|hasher| {
                put(hasher, field);
                put(hasher, value);
                hasher.write(&deadline(expire).to_le_bytes());
            }),
            Piece::Scored(member, score) => self.add(|hasher| {
                put(hasher, member);
                hasher.write(&score.to_bits().to_le_bytes());
            }),
            _ => self.stream_piece(piece),
        }
    }

    fn add(&mut self, write: impl FnOnce(&mut SipHasher13)) {
        let mut hasher = SipHasher13::new();
        write(&mut hasher);
        self.sum = self.sum.wrapping_add(hasher.finish128().as_u128());
    }

    fn stream_piece(&mut self, piece: &Piece<'_>) {
        match *piece {
            Piece::Entry(ref entry) => put_entry(&mut self.ordered, entry),
            Piece::StreamMeta(meta) => self.ordered.write(&meta.last.to_be_bytes()),
            // Groups come in any order. When a consumer was last heard of is not data.
            Piece::Group { name, last, .. } => self.add(|hasher| {
                put(hasher, Element::Bytes(name));
                hasher.write(&last.to_be_bytes());
            }),
            Piece::Pending { id, .. } | Piece::Owned(id) => {
                self.add(|hasher| hasher.write(&id.to_be_bytes()));
            }
            Piece::Consumer { name, .. } => self.add(|hasher| put(hasher, Element::Bytes(name))),
            _ => {}
        }
    }

    /// The digest of the complete value.
    pub(crate) fn finish(mut self) -> u128 {
        self.ordered.write(&self.sum.to_le_bytes());
        self.ordered.finish128().as_u128()
    }
}

/// A deadline as a number; none is the least.
pub(crate) fn deadline(expire: Option<UnixMillis>) -> i64 {
    expire.map_or(i64::MIN, |at| at.0)
}

fn put(hasher: &mut SipHasher13, element: Element<'_>) {
    let mut text = IntText::new();
    let text = element.text(&mut text);
    hasher.write(&(text.len() as u64).to_le_bytes());
    hasher.write(text);
}

fn put_entry(hasher: &mut SipHasher13, entry: &Entry<'_>) {
    hasher.write(&entry.id.to_be_bytes());
    hasher.write(&(entry.fields as u64).to_le_bytes());
    for (field, value) in entry.pairs() {
        put(hasher, field);
        put(hasher, value);
    }
}
