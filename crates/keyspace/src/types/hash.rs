//! Hashes: a listpack of field, value, field, value ... while they are few and short, else a table.
//! A hash whose fields have deadlines is a table.
//!
//! A field whose deadline has come is there until it is removed; readers who give the time don't
//! see it, and writers remove what is due before they change anything
//! ([`Hash::expire_fields`]).

use super::StringRef;
use crate::account::{Block, own};
use crate::limits::LISTPACK_BYTES_MAX;
use crate::reclaim::{Parts, whole};
use crate::{Field, FieldTable, Settings};
use fastrand::Rng;
use packed::listpack::{Listpack, ListpackBuf};
use packed::{Element, IntText, listpack};
use std::sync::Arc;
use units::UnixMillis;

/// A hash, to read.
#[derive(Debug, Clone, Copy)]
pub struct HashRef<'a>(View<'a>);

#[derive(Debug, Clone, Copy)]
enum View<'a> {
    Listpack(Listpack<'a>),
    Table(&'a FieldTable),
}

/// The form of a hash, with its blob if it is one.
#[derive(Debug, Clone, Copy)]
pub enum HashRepr<'a> {
    /// Field, value, field, value ...
    Listpack(&'a [u8]),
    /// A table: no blob.
    Table,
}

/// Whether a field with this deadline is over at `now`.
fn is_due(deadline: Option<UnixMillis>, now: UnixMillis) -> bool {
    deadline.is_some_and(|deadline| deadline <= now)
}

impl<'a> HashRef<'a> {
    pub(crate) fn from_inline(bytes: &'a [u8]) -> HashRef<'a> {
        HashRef(View::Listpack(Listpack::new(bytes)))
    }

    /// The form, and the blob if there is one.
    pub fn repr(&self) -> HashRepr<'a> {
        match self.0 {
            View::Listpack(listpack) => HashRepr::Listpack(listpack.bytes()),
            View::Table(_) => HashRepr::Table,
        }
    }

    /// The form, as OBJECT ENCODING names it.
    pub fn encoding(&self) -> &'static str {
        match self.0 {
            View::Listpack(_) => "listpack",
            View::Table(_) => "hashtable",
        }
    }

    /// Number of fields, those included that are due and not yet removed.
    pub fn len(&self) -> usize {
        match self.0 {
            View::Listpack(listpack) => listpack.len() / 2,
            View::Table(table) => table.len(),
        }
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether any field has a deadline.
    pub fn has_deadlines(&self) -> bool {
        match self.0 {
            View::Listpack(_) => false,
            View::Table(table) => table.deadlines() > 0,
        }
    }

    /// No field's deadline lies before this; `None` if no field has one.
    pub fn earliest_deadline(&self) -> Option<UnixMillis> {
        match self.0 {
            View::Listpack(_) => None,
            View::Table(table) => table.earliest(),
        }
    }

    /// Value and deadline of a field, due or not.
    fn find(&self, field: &[u8]) -> Option<(StringRef<'a>, Option<UnixMillis>)> {
        match self.0 {
            View::Listpack(listpack) => {
                let value = listpack.next(listpack.find(field, 1)?)?;
                Some((listpack.at(value).into(), None))
            }
            View::Table(table) => table.get(field),
        }
    }

    /// The value of a field that is not due at `now`.
    pub fn get(&self, field: &[u8], now: UnixMillis) -> Option<StringRef<'a>> {
        let (value, deadline) = self.find(field)?;
        (!is_due(deadline, now)).then_some(value)
    }

    /// The deadline of a field that is not due at `now`: `None` if there is no such field,
    /// `Some(None)` if it has no deadline.
    pub fn deadline(&self, field: &[u8], now: UnixMillis) -> Option<Option<UnixMillis>> {
        let (_, deadline) = self.find(field)?;
        (!is_due(deadline, now)).then_some(deadline)
    }

    /// Fields, values and deadlines of what is not due at `now`.
    pub fn iter(&self, now: UnixMillis) -> HashIter<'a> {
        HashIter {
            fields: match self.0 {
                View::Listpack(listpack) => Fields::Listpack(listpack.iter()),
                View::Table(table) => Fields::Table(Box::new(table.iter())),
            },
            now,
        }
    }

    /// Fields, values and deadlines of everything that is there.
    pub fn iter_all(&self) -> HashIter<'a> {
        self.iter(UnixMillis(i64::MIN))
    }

    /// A field drawn at random among those not due at `now`, and its value.
    pub fn random(&self, rng: &mut Rng, now: UnixMillis) -> Option<(Element<'a>, StringRef<'a>)> {
        /// Draws of fields that are due, before the others are gone through in order.
        const DRAWS_MAX: usize = 64;
        match self.0 {
            View::Listpack(listpack) if !listpack.is_empty() => {
                let index = 2 * rng.usize(..listpack.len() / 2);
                let field = listpack.seek(index as isize)?;
                let value = listpack.at(listpack.next(field)?).into();
                Some((listpack.at(field), value))
            }
            View::Listpack(_) => None,
            View::Table(table) => {
                let drawn = (0..DRAWS_MAX)
                    .map_while(|_| table.random(rng))
                    .find(|(_, _, deadline)| !is_due(*deadline, now));
                match drawn {
                    Some((field, value, _)) => Some((Element::Bytes(field), value)),
                    None => self
                        .iter(now)
                        .next()
                        .map(|(field, value, _)| (field, value)),
                }
            }
        }
    }

    /// Visits about `count` fields, due or not, from `cursor` on, 0 to begin; the cursor to go on
    /// from, 0 at the end. A listpack is visited whole.
    pub fn scan(
        &self,
        cursor: u64,
        count: usize,
        f: &mut dyn FnMut(Element<'_>, StringRef<'_>, Option<UnixMillis>),
    ) -> u64 {
        if let View::Table(table) = self.0 {
            return table.scan(cursor, count, &mut |field, value, deadline| {
                f(Element::Bytes(field), value, deadline);
            });
        }
        self.iter_all()
            .for_each(|(field, value, deadline)| f(field, value, deadline));
        0
    }

    /// A hash of one's own; a table is shared.
    pub fn to_value(self) -> Hash {
        match self.0 {
            View::Listpack(listpack) => Hash::from_inline(listpack.bytes()),
            View::Table(table) => Repr::Table(table.clone()).into(),
        }
    }
}

/// Fields of a hash with their values and deadlines.
pub struct HashIter<'a> {
    fields: Fields<'a>,
    now: UnixMillis,
}

enum Fields<'a> {
    Listpack(listpack::Iter<'a>),
    Table(Box<dyn Iterator<Item = Field<'a>> + 'a>),
}

impl<'a> Iterator for HashIter<'a> {
    type Item = (Element<'a>, StringRef<'a>, Option<UnixMillis>);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.fields {
            Fields::Listpack(elements) => {
                let (field, value) = (elements.next()?, elements.next()?);
                Some((field, value.into(), None))
            }
            Fields::Table(fields) => fields
                .find(|(_, _, deadline)| !is_due(*deadline, self.now))
                .map(|(field, value, deadline)| (Element::Bytes(field), value, deadline)),
        }
    }
}

/// A hash, to edit.
#[derive(Debug, Clone)]
pub struct Hash {
    repr: Repr,
    pub(crate) changes: u64,
}

#[derive(Debug, Clone)]
enum Repr {
    Listpack(Arc<ListpackBuf>),
    Table(FieldTable),
}

impl From<Repr> for Hash {
    fn from(repr: Repr) -> Hash {
        Hash { repr, changes: 0 }
    }
}

impl Default for Hash {
    fn default() -> Hash {
        Repr::Listpack(Arc::default()).into()
    }
}

impl Hash {
    pub(crate) fn from_inline(bytes: &[u8]) -> Hash {
        Repr::Listpack(Arc::new(ListpackBuf::from_vec_trusted(bytes.to_vec()))).into()
    }

    /// The hash in a listpack of different fields and their values, which becomes a table if there
    /// are too many.
    pub fn from_listpack(settings: &Settings, listpack: ListpackBuf) -> Hash {
        let fits = listpack.len() / 2 <= settings.limits.hash_max_listpack_entries;
        let mut hash = Hash::from(Repr::Listpack(Arc::new(listpack)));
        if !fits {
            hash.make_table(settings);
        }
        hash
    }

    /// The hash, to read.
    pub fn as_ref(&self) -> HashRef<'_> {
        HashRef(match &self.repr {
            Repr::Listpack(listpack) => View::Listpack(listpack.as_ref().as_ref()),
            Repr::Table(table) => View::Table(table),
        })
    }

    pub(crate) fn blob(&self) -> Option<&[u8]> {
        match &self.repr {
            Repr::Listpack(listpack) => Some(listpack.bytes()),
            Repr::Table(_) => None,
        }
    }

    /// Bytes taken of an allocator.
    pub fn heap_bytes(&self) -> usize {
        match &self.repr {
            Repr::Listpack(listpack) => listpack.block_bytes(),
            Repr::Table(table) => table.heap_bytes(),
        }
    }

    /// What it is made of, to be freed part by part.
    pub(crate) fn into_parts(self) -> Parts {
        match self.repr {
            Repr::Listpack(listpack) => whole(listpack),
            Repr::Table(table) => Box::new(table.into_parts()),
        }
    }

    /// Sets a field and takes its deadline from it; whether it is new.
    pub fn set(&mut self, settings: &Settings, field: &[u8], value: &[u8]) -> bool {
        self.set_with_deadline(settings, field, value, None)
    }

    /// Sets a field and leaves it its deadline; whether it is new.
    pub fn set_keep_ttl(&mut self, settings: &Settings, field: &[u8], value: &[u8]) -> bool {
        let deadline = self.as_ref().find(field).and_then(|(_, deadline)| deadline);
        self.set_with_deadline(settings, field, value, deadline)
    }

    /// Sets a field and its deadline; whether it is new.
    pub fn set_with_deadline(
        &mut self,
        settings: &Settings,
        field: &[u8],
        value: &[u8],
        deadline: Option<UnixMillis>,
    ) -> bool {
        self.changes += 1;
        if deadline.is_some() || self.outgrows_listpack(settings, field, value) {
            self.make_table(settings);
        }
        match &mut self.repr {
            Repr::Table(table) => table.insert(field, value, deadline),
            Repr::Listpack(listpack) => {
                let found = listpack.as_ref().as_ref().find(field, 1);
                let new = match found {
                    Some(at) => {
                        replace_value(own(listpack), at, value);
                        false
                    }
                    None => {
                        let listpack = own(listpack);
                        listpack.push_back(field);
                        listpack.push_back(value);
                        true
                    }
                };
                if self.as_ref().len() > settings.limits.hash_max_listpack_entries {
                    self.make_table(settings);
                }
                new
            }
        }
    }

    /// Removes a field; whether it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        let removed = match &mut self.repr {
            Repr::Listpack(listpack) => match listpack.as_ref().as_ref().find(field, 1) {
                Some(at) => {
                    own(listpack).remove(at, 2);
                    true
                }
                None => false,
            },
            Repr::Table(table) => table.remove(field),
        };
        self.changes += u64::from(removed);
        removed
    }

    /// Sets or removes the deadline of a field; whether anything changed.
    pub fn set_deadline(
        &mut self,
        settings: &Settings,
        field: &[u8],
        deadline: Option<UnixMillis>,
    ) -> bool {
        match self.as_ref().find(field) {
            Some((_, old)) if old != deadline => {}
            _ => return false,
        }
        self.make_table(settings);
        if let Repr::Table(table) = &mut self.repr {
            table.set_deadline(field, deadline);
        }
        self.changes += 1;
        true
    }

    /// Removes the fields that are due at `now`; their names.
    pub fn expire_fields(&mut self, now: UnixMillis) -> Vec<Vec<u8>> {
        let gone = self.expire_some_fields(now, usize::MAX);
        gone.into_iter().map(|(name, _)| name).collect()
    }

    /// Removes fields that are due at `now`, as [`FieldTable::remove_due`] does; their names and
    /// deadlines.
    pub(crate) fn expire_some_fields(
        &mut self,
        now: UnixMillis,
        max: usize,
    ) -> Vec<(Vec<u8>, UnixMillis)> {
        let gone = match &mut self.repr {
            Repr::Listpack(_) => Vec::new(),
            Repr::Table(table) => table.remove_due(now, max),
        };
        self.changes += gone.len() as u64;
        gone
    }

    /// Whether a listpack may not take this field and value, for their size.
    fn outgrows_listpack(&self, settings: &Settings, field: &[u8], value: &[u8]) -> bool {
        let Repr::Listpack(listpack) = &self.repr else {
            return false;
        };
        let longest = field.len().max(value.len());
        longest > settings.limits.hash_max_listpack_value
            || listpack.byte_len() + field.len() + value.len() > LISTPACK_BYTES_MAX
    }

    /// Puts another form in place of what it is.
    fn put(&mut self, repr: Repr) {
        let old = std::mem::replace(&mut self.repr, repr);
        crate::Value::Hash(old.into()).let_go();
    }

    fn make_table(&mut self, settings: &Settings) {
        let Repr::Listpack(listpack) = &self.repr else {
            return;
        };
        let mut table = FieldTable::new(settings.hasher);
        let (mut field_text, mut value_text) = (IntText::new(), IntText::new());
        let mut elements = listpack.as_ref().as_ref().iter();
        while let (Some(field), Some(value)) = (elements.next(), elements.next()) {
            table.insert(
                field.text(&mut field_text),
                value.text(&mut value_text),
                None,
            );
        }
        self.put(Repr::Table(table));
    }
}

/// Replaces the value behind the field at `field`.
fn replace_value(listpack: &mut ListpackBuf, field: listpack::Pos, value: &[u8]) {
    if let Some(at) = listpack.as_ref().next(field) {
        listpack.replace(at, value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::frozen::Frozen;
    use super::*;
    use fastrand::Rng;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const NOW: UnixMillis = UnixMillis(1000);

    #[test]
    fn forms_change_where_redis_changes_them() {
        let settings = Settings::for_tests();
        let mut hash = Hash::default();
        for n in 0..512 {
            assert!(hash.set(&settings, n.to_string().as_bytes(), b"v"));
        }
        assert_eq!(hash.as_ref().encoding(), "listpack");
        assert!(hash.set(&settings, b"one more", b"v"));
        assert_eq!(hash.as_ref().encoding(), "hashtable");

        let mut hash = Hash::default();
        hash.set(&settings, b"f", &[b'v'; 64]);
        assert_eq!(hash.as_ref().encoding(), "listpack");
        assert!(!hash.set(&settings, b"f", &[b'v'; 65]));
        assert_eq!(hash.as_ref().encoding(), "hashtable");
        assert_eq!(hash.as_ref().get(b"f", NOW).unwrap().len(), 65);
    }

    #[test]
    fn fields_that_are_due_are_not_seen_and_then_removed() {
        let settings = Settings::for_tests();
        let mut hash = Hash::default();
        hash.set(&settings, b"a", b"1");
        hash.set(&settings, b"b", b"2");
        assert!(!hash.set_deadline(&settings, b"a", None));
        assert!(hash.set_deadline(&settings, b"a", Some(NOW)));
        let view = hash.as_ref();
        assert!(view.has_deadlines() && view.get(b"a", NOW).is_none());
        assert_eq!(view.deadline(b"a", UnixMillis(999)), Some(Some(NOW)));
        assert_eq!(view.deadline(b"b", NOW), Some(None));
        assert_eq!(
            (view.len(), view.iter(NOW).count(), view.iter_all().count()),
            (2, 1, 2)
        );
        let mut rng = Rng::with_seed(3);
        assert_eq!(view.random(&mut rng, NOW).unwrap().0, Element::Bytes(b"b"));
        assert_eq!(hash.expire_fields(NOW), [b"a".to_vec()]);
        assert_eq!(hash.as_ref().earliest_deadline(), None);
    }

    #[test]
    fn a_new_value_takes_the_deadline_away_unless_told_to_keep_it() {
        let settings = Settings::for_tests();
        let mut hash = Hash::default();
        let deadline = Some(UnixMillis(5000));
        hash.set_with_deadline(&settings, b"f", b"1", deadline);
        hash.set_keep_ttl(&settings, b"f", b"2");
        assert_eq!(hash.as_ref().deadline(b"f", NOW), Some(deadline));
        hash.set(&settings, b"f", b"3");
        assert_eq!(hash.as_ref().deadline(b"f", NOW), Some(None));
        assert_eq!(hash.as_ref().get(b"f", NOW).unwrap().as_int(), Some(3));
    }

    type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<UnixMillis>)>;

    fn content(hash: &Hash) -> Model {
        let fields = hash.as_ref().iter_all();
        fields
            .map(|(field, value, deadline)| (field.to_vec(), (value.to_vec(), deadline)))
            .collect()
    }

    fn texts() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            (-30i64..30).prop_map(|n| n.to_string().into_bytes()),
            "[a-d]{0,2}".prop_map(String::into_bytes),
        ]
    }

    fn check(hash: &Hash) {
        match &hash.repr {
            Repr::Listpack(listpack) => {
                assert!(packed::listpack::validate(listpack.bytes()).is_ok());
            }
            Repr::Table(table) => table.check(),
        }
    }

    fn agree(hash: &Hash, model: &Model) {
        check(hash);
        assert_eq!(&content(hash), model);
        let deadlines = model.values().filter_map(|(_, deadline)| *deadline);
        let earliest = hash.as_ref().earliest_deadline();
        assert!(
            deadlines
                .min()
                .is_none_or(|min| earliest.is_some_and(|at| at <= min))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn agrees_with_an_ordered_map_and_clones_stand_still(
            filled in prop_oneof![3 => Just(0usize), 1 => Just(700)],
            steps in prop::collection::vec((0u8..20, texts(), texts(), 0i64..2000), 0..100),
            entries_max in prop_oneof![Just(4usize), Just(512)],
        ) {
            let mut settings = Settings::for_tests();
            settings.limits.hash_max_listpack_entries = entries_max;
            let (mut hash, mut model) = (Hash::default(), Model::new());
            for n in 0..filled {
                let (field, deadline) = (n.to_string().into_bytes(), UnixMillis(n as i64));
                let deadline = (n % 3 == 0).then_some(deadline);
                hash.set_with_deadline(&settings, &field, b"filled", deadline);
                model.insert(field, (b"filled".to_vec(), deadline));
            }
            let mut frozen = Frozen::default();
            for (kind, field, value, time) in steps {
                let deadline = UnixMillis(time);
                match kind {
                    0..10 => {
                        let new = hash.set(&settings, &field, &value);
                        prop_assert_eq!(new, model.insert(field, (value, None)).is_none());
                    }
                    10..15 => {
                        prop_assert_eq!(hash.remove(&field), model.remove(&field).is_some());
                    }
                    15 => {
                        let there = model.get_mut(&field).filter(|(_, old)| *old != Some(deadline));
                        prop_assert_eq!(hash.set_deadline(&settings, &field, Some(deadline)), there.is_some());
                        if let Some((_, old)) = there { *old = Some(deadline); }
                    }
                    16 => {
                        let mut gone = hash.expire_fields(deadline);
                        gone.sort();
                        let due = model.extract_if(.., |_, (_, at)| at.is_some_and(|at| at <= deadline));
                        prop_assert_eq!(gone, due.map(|(field, _)| field).collect::<Vec<_>>());
                    }
                    _ => frozen.take(&hash, &model),
                }
                prop_assert_eq!(hash.as_ref().len(), model.len());
                check(&hash);
                frozen.each(agree);
            }
            agree(&hash, &model);
        }
    }
}
