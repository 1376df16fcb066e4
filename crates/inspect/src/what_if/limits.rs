//! What values would weigh under other limits of compact forms.

use crate::estimate::{self, Estimator};
use crate::record::{Encoding, Key, Piece, Type};
use packed::{Element, IntText, listpack, number};

/// Limits up to which a server keeps values compact. Values of a type without any stay in the form
/// that the file has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    hash: Option<Limit>,
    set: Option<Limit>,
    zset: Option<Limit>,
    /// The most integers that a set keeps as such.
    intset: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit {
    /// The most elements.
    entries: u64,
    /// The longest of them, in bytes.
    value: u64,
}

/// What Redis 7.2 has if nothing is set.
const HASH: Limit = Limit {
    entries: 512,
    value: 64,
};
const OTHERS: Limit = Limit {
    entries: 128,
    value: 64,
};

impl Limits {
    /// Sets a limit by the name that it has in `redis.conf`; the other one of its type is Redis's
    /// default until it is set too.
    pub fn set(&mut self, name: &str, value: u64) -> Result<(), String> {
        let Limits {
            hash,
            set,
            zset,
            intset,
        } = self;
        let limit = match name {
            "hash-max-listpack-entries" => &mut hash.get_or_insert(HASH).entries,
            "hash-max-listpack-value" => &mut hash.get_or_insert(HASH).value,
            "set-max-listpack-entries" => &mut set.get_or_insert(OTHERS).entries,
            "set-max-listpack-value" => &mut set.get_or_insert(OTHERS).value,
            "zset-max-listpack-entries" => &mut zset.get_or_insert(OTHERS).entries,
            "zset-max-listpack-value" => &mut zset.get_or_insert(OTHERS).value,
            "set-max-intset-entries" => intset.get_or_insert_default(),
            _ => {
                return Err(format!(
                    "{name} is none of {{hash,set,zset}}-max-listpack-{{entries,value}} and \
                     set-max-intset-entries"
                ));
            }
        };
        *limit = value;
        Ok(())
    }

    /// Whether the value may take another form under them.
    pub(super) fn concern(&self, key: &Key<'_>) -> bool {
        match (key.kind, key.encoding) {
            // Deadlines of fields have a form of their own.
            (Type::Hash, Encoding::ListpackEx) => false,
            (Type::Hash, _) => self.hash.is_some(),
            (Type::Set, _) => self.set.is_some() || self.intset.is_some(),
            (Type::Zset, _) => self.zset.is_some(),
            _ => false,
        }
    }
}

/// Weighs a value in all the forms that it may take.
#[derive(Debug, Default)]
pub(super) struct Forms {
    name: usize,
    table: Estimator,
    elements: u64,
    longest: u64,
    listpack: usize,
    /// Bytes of its widest integer; `None` if it has anything else.
    integers: Option<usize>,
    has_deadlines: bool,
    score: Vec<u8>,
}

/// A listpack's header and end, an intset's header.
const LISTPACK_FRAME: usize = 7;
const INTSET_FRAME: usize = 8;

impl Forms {
    /// Begins with a key.
    pub(super) fn start(&mut self, key: &Key<'_>) {
        let score = std::mem::take(&mut self.score);
        *self = Forms {
            name: key.name.len(),
            listpack: LISTPACK_FRAME,
            integers: Some(0),
            score,
            ..Forms::default()
        };
        let form = match key.kind {
            Type::Zset => Encoding::Skiplist,
            _ => Encoding::Hashtable,
        };
        self.table.start(self.name, key.kind, form);
    }

    /// Takes a piece in.
    pub(super) fn piece(&mut self, piece: &Piece<'_>) {
        match *piece {
            Piece::Element(member) => {
                let len = self.pack(member);
                self.table.element(len);
                self.note_integer(member);
            }
            Piece::Field(field, value, expire) => {
                let (field, value) = (self.pack(field), self.pack(value));
                self.table.field(field, value);
                self.has_deadlines |= expire.is_some();
            }
            Piece::Scored(member, score) => {
                let len = self.pack(member);
                self.table.scored(len);
                self.score.clear();
                number::write_f64_17g(score, &mut self.score);
                self.listpack += listpack::encoded_len(&self.score);
            }
            _ => return,
        }
        self.elements += 1;
    }

    /// Counts an element of a listpack; gives its length as text.
    fn pack(&mut self, element: Element<'_>) -> usize {
        let mut text = IntText::new();
        let text = element.text(&mut text);
        self.listpack += listpack::encoded_len(text);
        self.longest = self.longest.max(text.len() as u64);
        text.len()
    }

    fn note_integer(&mut self, member: Element<'_>) {
        let width = member.as_int().map(|int| match int {
            int if i16::try_from(int).is_ok() => 2,
            int if i32::try_from(int).is_ok() => 4,
            _ => 8,
        });
        let widest = self.integers.zip(width);
        self.integers = widest.map(|(before, now): (usize, usize)| before.max(now));
    }

    /// The memory that the value takes under `limits`, if they say in which form it is.
    pub(super) fn memory(&mut self, key: &Key<'_>, limits: &Limits) -> Option<u64> {
        let packed = |limit: Limit| self.elements <= limit.entries && self.longest <= limit.value;
        let compact = match key.kind {
            Type::Hash if self.has_deadlines => None,
            Type::Hash => limits
                .hash
                .map(packed)
                .map(|is| is.then_some(self.listpack)),
            Type::Zset => limits
                .zset
                .map(packed)
                .map(|is| is.then_some(self.listpack)),
            _ => self.set_bytes(key, limits),
        };
        compact.map(|compact| match compact {
            None => {
                let unseen = estimate::unseen(Encoding::Hashtable, self.elements);
                self.table.finish().0 + unseen
            }
            Some(bytes) => {
                let mut blob = Estimator::default();
                blob.start(self.name, key.kind, Encoding::Listpack);
                blob.blob(bytes, 0);
                blob.finish().0
            }
        })
    }

    /// The bytes of a set's compact form: `None` for the form it has, `Some(None)` for a table.
    fn set_bytes(&self, key: &Key<'_>, limits: &Limits) -> Option<Option<usize>> {
        let width = self.integers.filter(|_| match limits.intset {
            Some(most) => self.elements <= most,
            None => key.encoding == Encoding::Intset,
        });
        if let Some(width) = width {
            return Some(Some(INTSET_FRAME + width * self.elements as usize));
        }
        let fits = |limit: Limit| self.elements <= limit.entries && self.longest <= limit.value;
        match limits.set {
            Some(limit) => Some(fits(limit).then_some(self.listpack)),
            // Servers without such sets keep integers that became too many in a table.
            None => (key.encoding == Encoding::Intset).then_some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: Type, encoding: Encoding) -> Key<'static> {
        Key {
            db: 0,
            name: b"key",
            expire: None,
            idle_secs: None,
            freq: None,
            kind,
            encoding,
            offset: 0,
        }
    }

    fn weigh(key: &Key<'_>, pieces: &[Piece<'_>], limits: &[(&str, u64)]) -> u64 {
        let mut all = Limits::default();
        for (name, value) in limits {
            all.set(name, *value).unwrap();
        }
        let mut forms = Forms::default();
        forms.start(key);
        pieces.iter().for_each(|piece| forms.piece(piece));
        forms.memory(key, &all).unwrap_or(0)
    }

    /// What `MEMORY USAGE key SAMPLES 0` of Redis 7.0.15 told under those limits.
    #[test]
    fn hashes_weigh_what_a_server_says_in_both_forms() {
        let fields: Vec<String> = (0..100).map(|at| format!("field-{at:02}")).collect();
        let pieces: Vec<Piece<'_>> = fields
            .iter()
            .map(|field| Element::Bytes(field.as_bytes()))
            .map(|field| Piece::Field(field, Element::Bytes(b"some value"), None))
            .collect();
        let hash = key(Type::Hash, Encoding::Listpack);
        let compact = weigh(&hash, &pieces, &[("hash-max-listpack-entries", 100)]);
        let table = weigh(&hash, &pieces, &[("hash-max-listpack-entries", 99)]);
        // It does not tell that entries of 24 bytes take 32.
        assert_eq!((compact, table), (2608, 6728 + 100 * 8));
        let short = weigh(&hash, &pieces, &[("hash-max-listpack-value", 9)]);
        assert_eq!(short, table);
        assert_eq!(weigh(&hash, &pieces, &[("zset-max-listpack-value", 9)]), 0);
    }

    #[test]
    fn sets_of_integers_have_three_forms() {
        let pieces: Vec<Piece<'_>> = (0..600)
            .map(|int| Piece::Element(Element::Int(int)))
            .collect();
        let set = key(Type::Set, Encoding::Hashtable);
        let intset = weigh(&set, &pieces, &[("set-max-intset-entries", 600)]);
        let listpack = [
            ("set-max-intset-entries", 599),
            ("set-max-listpack-entries", 600),
        ];
        let listpack = weigh(&set, &pieces, &listpack);
        let table = weigh(&set, &pieces, &[("set-max-listpack-entries", 599)]);
        assert!(
            intset < listpack && listpack < table,
            "{intset} {listpack} {table}"
        );
        assert!(Limits::default().set("maxmemory", 1).is_err());
    }
}
