//! A listpack that can be edited.

use super::entry::{self, Encoded, TERMINATOR};
use super::{COUNT_AT, COUNT_UNKNOWN, EMPTY_LEN, HEADER, Listpack, Pos, TOTAL_AT};
use crate::room::reserve;
use crate::{Element, wire};

/// An owned listpack. Text that is a canonical i64 is stored as an integer, in the smallest form.
///
/// Each edit keeps the blob valid. A listpack must stay below 4 GiB; growing past that panics, and owners keep far
/// below it by limits of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListpackBuf {
    bytes: Vec<u8>,
}

impl Default for ListpackBuf {
    fn default() -> Self {
        Self::new()
    }
}

impl ListpackBuf {
    /// A listpack without elements, 7 bytes.
    pub fn new() -> Self {
        Self {
            bytes: vec![EMPTY_LEN as u8, 0, 0, 0, 0, 0, TERMINATOR],
        }
    }

    /// A listpack without elements, with room for a blob of `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut buf = Vec::with_capacity(bytes.max(EMPTY_LEN));
        buf.extend_from_slice(&[EMPTY_LEN as u8, 0, 0, 0, 0, 0, TERMINATOR]);
        Self { bytes: buf }
    }

    /// The listpack in bytes that [`validate`](super::validate) accepted. Of anything shorter than the smallest
    /// listpack it makes an empty one.
    pub fn from_vec_trusted(bytes: Vec<u8>) -> Self {
        debug_assert!(super::validate(&bytes).is_ok());
        if bytes.len() < EMPTY_LEN {
            Self::new()
        } else {
            Self { bytes }
        }
    }

    /// The listpack, to read.
    #[inline]
    pub fn as_ref(&self) -> Listpack<'_> {
        Listpack::new(&self.bytes)
    }

    /// The blob.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The blob, to keep.
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes
    }

    /// Size of the blob in bytes.
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Gives room that is not needed back.
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.as_ref().len()
    }

    /// Whether there are no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.len() <= EMPTY_LEN
    }

    /// Removes all elements and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes
            .extend_from_slice(&[EMPTY_LEN as u8, 0, 0, 0, 0, 0, TERMINATOR]);
    }

    /// Appends an element.
    #[inline]
    pub fn push_back(&mut self, text: &[u8]) {
        self.push(Element::from_text(text));
    }

    /// Appends an integer.
    #[inline]
    pub fn push_back_int(&mut self, int: i64) {
        self.push(Element::Int(int));
    }

    /// Appends an element that was read from another encoding.
    #[inline]
    pub fn push_element(&mut self, element: Element<'_>) {
        self.push(canonical(element));
    }

    #[inline]
    fn push(&mut self, element: Element<'_>) {
        let encoded = Encoded::of(element);
        reserve(&mut self.bytes, encoded.len());
        self.bytes.pop();
        encoded.append(&mut self.bytes);
        self.bytes.push(TERMINATOR);
        self.store_header(1, 0);
    }

    /// Inserts an element before all others.
    pub fn push_front(&mut self, text: &[u8]) {
        self.splice(HEADER, 0, Some(Element::from_text(text)));
        self.store_header(1, 0);
    }

    /// Inserts an element before the one at `pos`, or at the end for `end_pos()`; its own position.
    pub fn insert_before(&mut self, pos: Pos, text: &[u8]) -> Pos {
        self.insert_element(pos, Element::Bytes(text))
    }

    /// Inserts an element after the one at `pos`; its own position.
    pub fn insert_after(&mut self, pos: Pos, text: &[u8]) -> Pos {
        let next = self.as_ref().next(pos).unwrap_or(self.as_ref().end_pos());
        self.insert_before(next, text)
    }

    /// Inserts an element before the one at `pos`; its own position.
    pub fn insert_element(&mut self, pos: Pos, element: Element<'_>) -> Pos {
        self.splice(pos.offset(), 0, Some(canonical(element)));
        self.store_header(1, 0);
        pos
    }

    /// Puts an element in place of the one at `pos`; the position stays.
    pub fn replace(&mut self, pos: Pos, text: &[u8]) -> Pos {
        self.replace_element(pos, Element::Bytes(text))
    }

    /// Puts an element in place of the one at `pos`; the position stays.
    pub fn replace_element(&mut self, pos: Pos, element: Element<'_>) -> Pos {
        let old = self.as_ref().span(pos.offset(), 1);
        self.splice(pos.offset(), old.bytes, Some(canonical(element)));
        self.store_header(1, old.entries);
        pos
    }

    /// Removes up to `count` elements from the one at `pos` on; the position of what follows them, or `end_pos()`.
    pub fn remove(&mut self, pos: Pos, count: usize) -> Pos {
        let old = self.as_ref().span(pos.offset(), count);
        self.splice(pos.offset(), old.bytes, None);
        self.store_header(0, old.entries);
        pos
    }

    /// Removes up to `count` elements from the one at `index` on (negative from the end).
    pub fn remove_range(&mut self, index: isize, count: usize) {
        if let Some(pos) = self.as_ref().seek(index) {
            self.remove(pos, count);
        }
    }

    /// Replaces `old` bytes at `at` by the entry of `element`, or by nothing.
    fn splice(&mut self, at: usize, old: usize, element: Option<Element<'_>>) {
        let encoded = element.map(Encoded::of);
        let new = encoded.as_ref().map_or(0, Encoded::len);
        let len = self.bytes.len();
        let rest = at + old..len;
        if new > old {
            reserve(&mut self.bytes, new - old);
            self.bytes.resize(len + (new - old), TERMINATOR);
        }
        if new != old {
            self.bytes.copy_within(rest, at + new);
        }
        self.bytes.truncate(len + new - old);
        if let (Some(encoded), Some(place)) = (encoded, self.bytes.get_mut(at..at + new)) {
            encoded.fill(place);
        }
    }

    /// Writes the header for the bytes as they are, the count changed by what came and what went. A count that once
    /// was unknown stays so: finding it again would be a walk at each edit.
    #[inline]
    fn store_header(&mut self, added: usize, removed: usize) {
        let total = u32::try_from(self.bytes.len()).expect("owners keep listpacks below 4 GiB");
        let before = wire::u16_le(&self.bytes, COUNT_AT).unwrap_or(COUNT_UNKNOWN);
        let count = match before {
            COUNT_UNKNOWN => COUNT_UNKNOWN,
            known => u16::try_from((usize::from(known) + added).saturating_sub(removed))
                .unwrap_or(COUNT_UNKNOWN),
        };
        if let Some(header) = self.bytes.first_chunk_mut::<HEADER>() {
            let ([a, b, c, d], [e, f]) = (total.to_le_bytes(), count.to_le_bytes());
            *header = [a, b, c, d, e, f];
        }
        const { assert!(TOTAL_AT == 0 && COUNT_AT == 4 && HEADER == 6) };
    }
}

/// Text that is a canonical i64 becomes the integer.
#[inline]
fn canonical(element: Element<'_>) -> Element<'_> {
    match element {
        Element::Bytes(text) => Element::from_text(text),
        int => int,
    }
}

/// A run of whole entries.
struct Span {
    bytes: usize,
    entries: usize,
}

impl Listpack<'_> {
    /// Up to `count` entries from the byte offset `at` on.
    fn span(self, at: usize, count: usize) -> Span {
        let mut span = Span {
            bytes: 0,
            entries: 0,
        };
        while span.entries < count {
            let tail = self
                .bytes
                .get(at + span.bytes..self.end())
                .unwrap_or_default();
            let Some(size) = entry::skip(tail).filter(|size| *size <= tail.len()) else {
                break;
            };
            span.bytes += size;
            span.entries += 1;
        }
        span
    }
}

impl<'a> Extend<&'a [u8]> for ListpackBuf {
    fn extend<I: IntoIterator<Item = &'a [u8]>>(&mut self, texts: I) {
        texts.into_iter().for_each(|text| self.push_back(text));
    }
}

impl<'a> FromIterator<&'a [u8]> for ListpackBuf {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(texts: I) -> Self {
        let mut listpack = Self::new();
        listpack.extend(texts);
        listpack
    }
}

#[cfg(test)]
mod tests {
    use super::super::{encoded_len, validate};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_kept_as_numbers_however_they_come() {
        let mut listpack = ListpackBuf::new();
        listpack.push_back(b"5");
        listpack.push_element(Element::Bytes(b"5"));
        listpack.push_back_int(5);
        listpack.push_front(b"5");
        listpack.insert_before(listpack.as_ref().end_pos(), b"5");
        assert_eq!(
            listpack.bytes(),
            [17, 0, 0, 0, 5, 0, 5, 1, 5, 1, 5, 1, 5, 1, 5, 1, 0xff]
        );
        listpack.replace(Pos(6), b"05");
        assert_eq!(listpack.as_ref().first(), Some(Element::Bytes(b"05")));
    }

    #[test]
    fn the_count_becomes_unknown_at_65535_and_is_then_counted() {
        let mut listpack = ListpackBuf::with_capacity(200_000);
        for _ in 0..65_534 {
            listpack.push_back_int(1);
        }
        assert_eq!(listpack.bytes()[4..6], [0xfe, 0xff]);
        listpack.push_back_int(2);
        assert_eq!(
            (listpack.bytes()[4..6].to_vec(), listpack.len()),
            (vec![0xff, 0xff], 65_535)
        );
        listpack.push_back_int(3);
        assert_eq!(
            (validate(listpack.bytes()), listpack.len()),
            (Ok(()), 65_536)
        );
        listpack.remove_range(1, 65_530);
        assert_eq!((validate(listpack.bytes()), listpack.len()), (Ok(()), 6));
    }

    #[test]
    fn removing_more_than_there_is_stops_at_the_end() {
        let mut listpack: ListpackBuf = [&b"a"[..], b"b", b"c"].into_iter().collect();
        let after = listpack.remove(listpack.as_ref().seek(1).unwrap(), usize::MAX);
        assert_eq!(after, listpack.as_ref().end_pos());
        assert_eq!((listpack.len(), validate(listpack.bytes())), (1, Ok(())));
        listpack.remove_range(5, 1);
        listpack.remove(listpack.as_ref().end_pos(), 1);
        assert_eq!(listpack.len(), 1);
        listpack.remove_range(-1, 1);
        assert_eq!(listpack, ListpackBuf::new());
    }

    #[derive(Clone, Debug)]
    enum Step {
        PushBack(Vec<u8>),
        PushFront(Vec<u8>),
        InsertBefore(prop::sample::Index, Vec<u8>),
        InsertAfter(prop::sample::Index, Vec<u8>),
        Replace(prop::sample::Index, Vec<u8>),
        Remove(prop::sample::Index, usize),
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            4 => prop::collection::vec(any::<u8>(), 0..6),
            4 => (any::<i64>(), 0u32..64).prop_map(|(int, shift)| (int >> shift).to_string().into_bytes()),
            1 => (0usize..3).prop_flat_map(|class| {
                let center = [64usize, 128, 4096][class];
                (center - 6..center + 3).prop_map(|len| vec![b'z'; len])
            }),
            1 => (16_370usize..16_390).prop_map(|len| vec![b'w'; len]),
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        let index = any::<prop::sample::Index>;
        prop_oneof![
            text().prop_map(Step::PushBack),
            text().prop_map(Step::PushFront),
            (index(), text()).prop_map(|(at, text)| Step::InsertBefore(at, text)),
            (index(), text()).prop_map(|(at, text)| Step::InsertAfter(at, text)),
            (index(), text()).prop_map(|(at, text)| Step::Replace(at, text)),
            (index(), 0usize..3).prop_map(|(at, count)| Step::Remove(at, count)),
        ]
    }

    fn apply(listpack: &mut ListpackBuf, model: &mut Vec<Vec<u8>>, step: Step) {
        let pos =
            |listpack: &ListpackBuf, index: usize| listpack.as_ref().seek(index as isize).unwrap();
        match step {
            Step::PushBack(text) => {
                let before = listpack.byte_len();
                listpack.push_back(&text);
                assert_eq!(listpack.byte_len() - before, encoded_len(&text));
                model.push(text);
            }
            Step::PushFront(text) => {
                listpack.push_front(&text);
                model.insert(0, text);
            }
            Step::InsertBefore(at, text) if !model.is_empty() => {
                let at = at.index(model.len());
                let pos = listpack.insert_before(pos(listpack, at), &text);
                assert!(listpack.as_ref().at(pos).eq_text(&text));
                model.insert(at, text);
            }
            Step::InsertAfter(at, text) if !model.is_empty() => {
                let at = at.index(model.len());
                let pos = listpack.insert_after(pos(listpack, at), &text);
                assert!(listpack.as_ref().at(pos).eq_text(&text));
                model.insert(at + 1, text);
            }
            Step::Replace(at, text) if !model.is_empty() => {
                let at = at.index(model.len());
                listpack.replace(pos(listpack, at), &text);
                model[at] = text;
            }
            Step::Remove(at, count) if !model.is_empty() => {
                let at = at.index(model.len());
                let next = listpack.remove(pos(listpack, at), count);
                model.drain(at..model.len().min(at + count));
                assert_eq!(model.get(at).is_some(), next != listpack.as_ref().end_pos());
            }
            _ => {}
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn edits_match_a_vec(steps in prop::collection::vec(step(), 0..40)) {
            let (mut listpack, mut model) = (ListpackBuf::new(), Vec::new());
            for step in steps {
                apply(&mut listpack, &mut model, step);
                prop_assert_eq!(validate(listpack.bytes()), Ok(()));
                prop_assert_eq!(listpack.len(), model.len());
                let view = listpack.as_ref();
                prop_assert!(view.iter().map(|element| element.to_vec()).eq(model.iter().cloned()));
                prop_assert!(view.iter().rev().map(|element| element.to_vec()).eq(model.iter().rev().cloned()));
            }
            for (index, text) in model.iter().enumerate() {
                let view = listpack.as_ref();
                let first = model.iter().position(|other| other == text).unwrap();
                prop_assert_eq!(view.find(text, 0), view.seek(first as isize));
                prop_assert!(view.get(index as isize - model.len() as isize).unwrap().eq_text(text));
                prop_assert!(view.iter().nth(index).unwrap().eq_text(text));
            }
        }
    }
}
