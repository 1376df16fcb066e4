//! Sets: an intset while all members are integers, a listpack while they are few and short, else a
//! table.

use crate::account::{Block, own};
use crate::limits::LISTPACK_BYTES_MAX;
use crate::reclaim::{Parts, whole};
use crate::value::Form;
use crate::{Field, FieldTable, Settings};
use fastrand::Rng;
use packed::intset::{Intset, IntsetBuf};
use packed::listpack::{Listpack, ListpackBuf};
use packed::{Element, IntText, intset, listpack, number};
use std::sync::Arc;

/// A set, to read.
#[derive(Debug, Clone, Copy)]
pub struct SetRef<'a>(View<'a>);

#[derive(Debug, Clone, Copy)]
enum View<'a> {
    Intset(&'a [u8]),
    Listpack(Listpack<'a>),
    Table(&'a FieldTable),
}

/// The form of a set, with its blob if it is one.
#[derive(Debug, Clone, Copy)]
pub enum SetRepr<'a> {
    /// Ascending integers.
    Intset(&'a [u8]),
    /// Members.
    Listpack(&'a [u8]),
    /// A table: no blob.
    Table,
}

impl<'a> SetRef<'a> {
    pub(crate) fn from_inline(form: Form, bytes: &'a [u8]) -> SetRef<'a> {
        SetRef(match form {
            Form::SetIntset => View::Intset(bytes),
            _ => View::Listpack(Listpack::new(bytes)),
        })
    }

    /// The form, and the blob if there is one.
    pub fn repr(&self) -> SetRepr<'a> {
        match self.0 {
            View::Intset(blob) => SetRepr::Intset(blob),
            View::Listpack(listpack) => SetRepr::Listpack(listpack.bytes()),
            View::Table(_) => SetRepr::Table,
        }
    }

    /// The form, as OBJECT ENCODING names it.
    pub fn encoding(&self) -> &'static str {
        match self.0 {
            View::Intset(_) => "intset",
            View::Listpack(_) => "listpack",
            View::Table(_) => "hashtable",
        }
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        match self.0 {
            View::Intset(blob) => Intset::new(blob).len(),
            View::Listpack(listpack) => listpack.len(),
            View::Table(table) => table.len(),
        }
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is such a member.
    pub fn contains(&self, member: &[u8]) -> bool {
        match self.0 {
            View::Intset(blob) => {
                number::parse_i64(member).is_some_and(|int| Intset::new(blob).contains(int))
            }
            View::Listpack(listpack) => listpack.find(member, 0).is_some(),
            View::Table(table) => table.contains(member),
        }
    }

    /// The members; integers ascend in an intset, else there is no order.
    pub fn iter(&self) -> SetIter<'a> {
        SetIter(match self.0 {
            View::Intset(blob) => Members::Intset(Intset::new(blob).iter()),
            View::Listpack(listpack) => Members::Listpack(listpack.iter()),
            View::Table(table) => Members::Table(Box::new(table.iter())),
        })
    }

    /// A member drawn at random.
    pub fn random(&self, rng: &mut Rng) -> Option<Element<'a>> {
        if self.is_empty() {
            return None;
        }
        match self.0 {
            View::Intset(blob) => {
                let intset = Intset::new(blob);
                intset.get(rng.usize(..intset.len())).map(Element::Int)
            }
            View::Listpack(listpack) => listpack.get(rng.usize(..listpack.len()) as isize),
            View::Table(table) => table.random(rng).map(|(member, ..)| Element::Bytes(member)),
        }
    }

    /// Visits about `count` members from `cursor` on, 0 to begin; the cursor to go on from, 0 at
    /// the end. Compact forms are visited whole.
    pub fn scan(&self, cursor: u64, count: usize, f: &mut dyn FnMut(Element<'_>)) -> u64 {
        if let View::Table(table) = self.0 {
            return table.scan(cursor, count, &mut |member, _, _| f(Element::Bytes(member)));
        }
        self.iter().for_each(f);
        0
    }

    /// A set of one's own; a table is shared.
    pub fn to_value(self) -> Set {
        match self.0 {
            View::Intset(blob) => Set::from_inline(Form::SetIntset, blob),
            View::Listpack(listpack) => Set::from_inline(Form::SetListpack, listpack.bytes()),
            View::Table(table) => Repr::Table(table.clone()).into(),
        }
    }
}

/// The members of a set.
pub struct SetIter<'a>(Members<'a>);

enum Members<'a> {
    Intset(intset::Iter<'a>),
    Listpack(listpack::Iter<'a>),
    Table(Box<dyn Iterator<Item = Field<'a>> + 'a>),
}

impl<'a> Iterator for SetIter<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        match &mut self.0 {
            Members::Intset(ints) => ints.next().map(Element::Int),
            Members::Listpack(elements) => elements.next(),
            Members::Table(fields) => fields.next().map(|(member, ..)| Element::Bytes(member)),
        }
    }
}

/// A set, to edit.
#[derive(Debug, Clone)]
pub struct Set {
    repr: Repr,
    pub(crate) changes: u64,
}

#[derive(Debug, Clone)]
enum Repr {
    Intset(Arc<IntsetBuf>),
    Listpack(Arc<ListpackBuf>),
    Table(FieldTable),
}

impl From<Repr> for Set {
    fn from(repr: Repr) -> Set {
        Set { repr, changes: 0 }
    }
}

impl Default for Set {
    fn default() -> Set {
        Repr::Intset(Arc::default()).into()
    }
}

impl Set {
    pub(crate) fn from_inline(form: Form, bytes: &[u8]) -> Set {
        let bytes = bytes.to_vec();
        let repr = match form {
            Form::SetIntset => Repr::Intset(Arc::new(IntsetBuf::from_vec_trusted(bytes))),
            _ => Repr::Listpack(Arc::new(ListpackBuf::from_vec_trusted(bytes))),
        };
        repr.into()
    }

    /// The set in an intset, which becomes a table if it has too many members.
    pub fn from_intset(settings: &Settings, intset: IntsetBuf) -> Set {
        let fits = intset.len() <= settings.limits.set_max_intset_entries;
        Set::from(Repr::Intset(Arc::new(intset))).table_unless(fits, settings)
    }

    /// The set in a listpack of different members, which becomes a table if there are too many.
    pub fn from_listpack(settings: &Settings, listpack: ListpackBuf) -> Set {
        let fits = listpack.len() <= settings.limits.set_max_listpack_entries;
        Set::from(Repr::Listpack(Arc::new(listpack))).table_unless(fits, settings)
    }

    fn table_unless(mut self, fits: bool, settings: &Settings) -> Set {
        if !fits {
            self.make_table(settings);
        }
        self
    }

    /// The set, to read.
    pub fn as_ref(&self) -> SetRef<'_> {
        SetRef(match &self.repr {
            Repr::Intset(intset) => View::Intset(intset.bytes()),
            Repr::Listpack(listpack) => View::Listpack(listpack.as_ref().as_ref()),
            Repr::Table(table) => View::Table(table),
        })
    }

    pub(crate) fn blob(&self) -> Option<(Form, &[u8])> {
        match &self.repr {
            Repr::Intset(intset) => Some((Form::SetIntset, intset.bytes())),
            Repr::Listpack(listpack) => Some((Form::SetListpack, listpack.bytes())),
            Repr::Table(_) => None,
        }
    }

    /// Bytes taken of an allocator.
    pub fn heap_bytes(&self) -> usize {
        match &self.repr {
            Repr::Intset(set) => set.block_bytes(),
            Repr::Listpack(listpack) => listpack.block_bytes(),
            Repr::Table(table) => table.heap_bytes(),
        }
    }

    /// What it is made of, to be freed part by part.
    pub(crate) fn into_parts(self) -> Parts {
        match self.repr {
            Repr::Table(table) => Box::new(table.into_parts()),
            Repr::Intset(intset) => whole(intset),
            Repr::Listpack(listpack) => whole(listpack),
        }
    }

    /// Adds a member; whether it is new.
    pub fn insert(&mut self, settings: &Settings, member: &[u8]) -> bool {
        if self.as_ref().contains(member) {
            return false;
        }
        self.make_fit(settings, member);
        match &mut self.repr {
            Repr::Intset(intset) => {
                let int = number::parse_i64(member);
                own(intset).insert(int.expect("make_fit leaves intsets to integers"));
            }
            Repr::Listpack(listpack) => own(listpack).push_back(member),
            Repr::Table(table) => {
                table.insert(member, b"", None);
            }
        }
        self.changes += 1;
        true
    }

    /// Removes a member; whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        let removed = match &mut self.repr {
            Repr::Intset(intset) => number::parse_i64(member)
                .filter(|int| intset.as_ref().as_ref().contains(*int))
                .is_some_and(|int| own(intset).remove(int)),
            Repr::Listpack(listpack) => match listpack.as_ref().as_ref().find(member, 0) {
                Some(pos) => {
                    own(listpack).remove(pos, 1);
                    true
                }
                None => false,
            },
            Repr::Table(table) => table.remove(member),
        };
        self.changes += u64::from(removed);
        removed
    }

    /// Takes out a member drawn at random.
    pub fn pop_random(&mut self, rng: &mut Rng) -> Option<Vec<u8>> {
        let member = self.as_ref().random(rng)?.to_vec();
        self.remove(&member);
        Some(member)
    }

    /// Takes the form that a member to come needs.
    fn make_fit(&mut self, settings: &Settings, member: &[u8]) {
        match self.form_with(settings, member) {
            WithMember::Same => {}
            WithMember::Listpack => self.make_listpack(),
            WithMember::Table => self.make_table(settings),
        }
    }

    /// An intset over its limit becomes a table, one that gets text a listpack, if that may be.
    fn form_with(&self, settings: &Settings, member: &[u8]) -> WithMember {
        let limits = &settings.limits;
        let short = |len: usize| len <= limits.set_max_listpack_value;
        let (len, bytes) = match &self.repr {
            Repr::Table(_) => return WithMember::Same,
            Repr::Intset(intset) => (intset.len(), 0),
            Repr::Listpack(listpack) => (listpack.len(), listpack.byte_len()),
        };
        let few = len < limits.set_max_listpack_entries && short(member.len());
        let listpack_fits = few && bytes + member.len() < LISTPACK_BYTES_MAX;
        let Repr::Intset(intset) = &self.repr else {
            return if listpack_fits {
                WithMember::Same
            } else {
                WithMember::Table
            };
        };
        let is_int = number::parse_i64(member).is_some();
        if is_int && len < limits.set_max_intset_entries {
            WithMember::Same
        } else if listpack_fits && (len == 0 || !is_int) && short(longest_text(intset)) {
            WithMember::Listpack
        } else {
            WithMember::Table
        }
    }

    /// Puts another form in place of what it is.
    fn put(&mut self, repr: Repr) {
        let old = std::mem::replace(&mut self.repr, repr);
        crate::Value::Set(old.into()).let_go();
    }

    fn make_listpack(&mut self) {
        let mut listpack = ListpackBuf::new();
        self.as_ref()
            .iter()
            .for_each(|member| listpack.push_element(member));
        self.put(Repr::Listpack(Arc::new(listpack)));
    }

    fn make_table(&mut self, settings: &Settings) {
        let mut table = FieldTable::new(settings.hasher);
        let mut text = IntText::new();
        for member in self.as_ref().iter() {
            table.insert(member.text(&mut text), b"", None);
        }
        self.put(Repr::Table(table));
    }
}

/// What a set must become before it takes a member.
enum WithMember {
    Same,
    Listpack,
    Table,
}

/// Length of the longest text of an intset's members, which is the least's or the greatest's.
fn longest_text(intset: &IntsetBuf) -> usize {
    let intset = intset.as_ref();
    let ends = [intset.get(0), intset.get(intset.len().wrapping_sub(1))];
    ends.into_iter()
        .flatten()
        .map(number::len_i64)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::frozen::Frozen;
    use super::*;
    use fastrand::Rng;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn encoding_of<'m>(members: impl IntoIterator<Item = &'m str>) -> &'static str {
        let settings = Settings::for_tests();
        let mut set = Set::default();
        members.into_iter().for_each(|member| {
            set.insert(&settings, member.as_bytes());
        });
        set.as_ref().encoding()
    }

    #[test]
    fn forms_change_where_redis_changes_them() {
        let numbers: Vec<String> = (0..513).map(|n| n.to_string()).collect();
        let numbers = |n: usize| numbers[..n].iter().map(String::as_str);
        let long = "x".repeat(65);
        assert_eq!(encoding_of(numbers(512)), "intset");
        assert_eq!(encoding_of(numbers(513)), "hashtable");
        assert_eq!(encoding_of(["a"]), "listpack");
        assert_eq!(encoding_of(numbers(127).chain(["a"])), "listpack");
        assert_eq!(encoding_of(numbers(128).chain(["a"])), "hashtable");
        assert_eq!(
            encoding_of(["a"].into_iter().chain(numbers(128))),
            "hashtable"
        );
        assert_eq!(encoding_of(["a", &long[1..]]), "listpack");
        assert_eq!(encoding_of(["a", &long]), "hashtable");
        assert_eq!(encoding_of([&*long]), "hashtable");
    }

    #[test]
    fn without_intsets_integers_go_to_a_listpack() {
        let mut settings = Settings::for_tests();
        settings.limits.set_max_intset_entries = 0;
        let mut set = Set::default();
        set.insert(&settings, b"1");
        assert_eq!(set.as_ref().encoding(), "listpack");
        settings.limits.set_max_listpack_entries = 0;
        let mut set = Set::default();
        set.insert(&settings, b"1");
        assert_eq!(set.as_ref().encoding(), "hashtable");
    }

    #[test]
    fn loading_goes_by_number_of_members_only() {
        let settings = Settings::for_tests();
        let mut listpack = ListpackBuf::new();
        listpack.push_back(&[b'x'; 100]);
        let set = Set::from_listpack(&settings, listpack.clone());
        assert_eq!(set.as_ref().encoding(), "listpack");
        (0..128).for_each(|n| listpack.push_back_int(n));
        let set = Set::from_listpack(&settings, listpack);
        assert_eq!(
            (set.as_ref().encoding(), set.as_ref().len()),
            ("hashtable", 129)
        );
    }

    fn members() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            6 => (-300i64..300).prop_map(|n| n.to_string().into_bytes()),
            1 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
            1 => "[a-c]{1,2}".prop_map(String::into_bytes),
            1 => Just(vec![b'y'; 70]),
        ]
    }

    fn content(set: &Set) -> BTreeSet<Vec<u8>> {
        set.as_ref().iter().map(|member| member.to_vec()).collect()
    }

    fn check(set: &Set) {
        match &set.repr {
            // None is no intset on disk, but one that lost its last member until its key goes.
            Repr::Intset(intset) => {
                assert!(
                    set.as_ref().is_empty() || packed::intset::validate(intset.bytes()).is_ok()
                );
            }
            Repr::Listpack(listpack) => {
                assert!(packed::listpack::validate(listpack.bytes()).is_ok());
            }
            Repr::Table(table) => table.check(),
        }
    }

    fn agree(set: &Set, model: &BTreeSet<Vec<u8>>) {
        check(set);
        assert_eq!(&content(set), model);
    }

    fn agree_in_all(set: &Set, model: &BTreeSet<Vec<u8>>) {
        agree(set, model);
        assert!(model.iter().all(|member| set.as_ref().contains(member)));
        let mut seen = BTreeSet::new();
        let mut cursor = 0;
        loop {
            cursor = set.as_ref().scan(cursor, 10, &mut |member| {
                seen.insert(member.to_vec());
            });
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(&seen, model);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn agrees_with_an_ordered_set_and_clones_stand_still(
            filled in prop_oneof![2 => Just(0i64), 1 => Just(120), 1 => Just(1000)],
            steps in prop::collection::vec((0u8..10, members()), 0..100),
        ) {
            let settings = Settings::for_tests();
            let (mut set, mut model) = (Set::default(), BTreeSet::new());
            for member in (0..filled).map(|n| n.to_string().into_bytes()) {
                set.insert(&settings, &member);
                model.insert(member);
            }
            let mut frozen = Frozen::default();
            let mut rng = Rng::with_seed(1);
            for (kind, member) in steps {
                let before = set.changes;
                let changed = match kind {
                    0 => match set.pop_random(&mut rng) {
                        Some(popped) => model.remove(&popped),
                        None => { prop_assert!(model.is_empty()); false }
                    },
                    1 => { frozen.take(&set, &model); false }
                    2 | 3 => { let gone = set.remove(&member); prop_assert_eq!(gone, model.remove(&member)); gone }
                    _ => { let new = set.insert(&settings, &member); prop_assert_eq!(new, model.insert(member)); new }
                };
                prop_assert_eq!(set.changes - before, u64::from(changed));
                prop_assert_eq!(set.as_ref().len(), model.len());
                check(&set);
                frozen.each(agree);
            }
            agree_in_all(&set, &model);
            frozen.each(agree_in_all);
        }
    }
}
