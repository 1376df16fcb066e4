//! Strings: an integer, up to 64 KiB of bytes in one block, or counted chunks of that size.

mod chunked;

pub use chunked::{ChunkedString, Chunks};

use crate::account::{free_slice, let_go_parts, let_go_slice, own, own_slice, slice_bytes};
use crate::reclaim::Parts;
use crate::value::{Form, InlineBytes, IntBytes};
use chunked::CHUNK_BYTES;
use packed::{Element, IntText, number};
use std::borrow::Cow;
use std::sync::Arc;

/// A string, to read.
#[derive(Debug, Clone, Copy)]
pub enum StringRef<'a> {
    /// The canonical decimal text of this number.
    Int(i64),
    /// These bytes.
    Bytes(&'a [u8]),
    /// More than 64 KiB.
    Chunked(&'a ChunkedString),
}

impl<'a> From<Element<'a>> for StringRef<'a> {
    #[inline]
    fn from(element: Element<'a>) -> StringRef<'a> {
        match element {
            Element::Int(number) => StringRef::Int(number),
            Element::Bytes(bytes) => StringRef::Bytes(bytes),
        }
    }
}

impl<'a> StringRef<'a> {
    /// Length in bytes.
    pub fn len(&self) -> usize {
        match self {
            StringRef::Int(number) => number::len_i64(*number),
            StringRef::Bytes(bytes) => bytes.len(),
            StringRef::Chunked(chunked) => chunked.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number whose canonical decimal text this is.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            StringRef::Int(number) => Some(*number),
            StringRef::Bytes(bytes) => number::parse_i64(bytes),
            StringRef::Chunked(_) => None,
        }
    }

    /// The same string with the text of an integer spelled out, into `text`.
    pub fn spelled<'b>(self, text: &'b mut IntText) -> StringRef<'b>
    where
        'a: 'b,
    {
        match self {
            StringRef::Int(number) => StringRef::Bytes(text.write(number)),
            other => other,
        }
    }

    /// The bytes, piece by piece. The text of an integer lies nowhere and gives no piece:
    /// see [`StringRef::spelled`].
    pub fn chunks(&self) -> Chunks<'a> {
        match self {
            StringRef::Int(_) => Chunks::default(),
            StringRef::Bytes(bytes) => Chunks::one(bytes),
            StringRef::Chunked(chunked) => chunked.chunks(),
        }
    }

    /// Appends the bytes to `out`.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let mut text = IntText::new();
        self.spelled(&mut text)
            .chunks()
            .for_each(|chunk| out.extend_from_slice(chunk));
    }

    /// The bytes, owned.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        self.write_to(&mut bytes);
        bytes
    }

    /// The bytes, borrowed if they lie in one piece.
    pub fn as_cow(&self) -> Cow<'a, [u8]> {
        match self {
            StringRef::Bytes(bytes) => Cow::Borrowed(bytes),
            _ => Cow::Owned(self.to_vec()),
        }
    }

    /// The bytes from `start` up to but not including `end`, as far as there are any.
    pub fn range(&self, start: usize, end: usize) -> Cow<'a, [u8]> {
        let end = end.min(self.len());
        let start = start.min(end);
        match self {
            StringRef::Int(_) => Cow::Owned(self.to_vec()[start..end].to_vec()),
            StringRef::Bytes(bytes) => Cow::Borrowed(&bytes[start..end]),
            StringRef::Chunked(chunked) => chunked.range(start, end),
        }
    }

    /// The bit at `offset`, counted from the highest of the first byte; unset past the end.
    pub fn get_bit(&self, offset: usize) -> bool {
        let mut text = IntText::new();
        let byte = match self.spelled(&mut text) {
            StringRef::Chunked(chunked) => chunked.byte(offset / 8),
            StringRef::Bytes(bytes) => bytes.get(offset / 8).copied(),
            StringRef::Int(_) => None,
        };
        byte.unwrap_or(0) & bit_mask(offset) != 0
    }

    /// Whether the bytes are exactly these.
    pub fn eq_bytes(&self, bytes: &[u8]) -> bool {
        match self {
            StringRef::Int(number) => number::parse_i64(bytes) == Some(*number),
            StringRef::Bytes(own) => *own == bytes,
            StringRef::Chunked(chunked) => chunked.eq_bytes(bytes),
        }
    }

    /// The form, as OBJECT ENCODING names it.
    pub fn encoding(&self) -> &'static str {
        /// Up to here servers keep the bytes next to their header.
        const EMBEDDED_MAX: usize = 44;
        match self {
            StringRef::Int(_) => "int",
            StringRef::Bytes(bytes) if bytes.len() <= EMBEDDED_MAX => "embstr",
            _ => "raw",
        }
    }

    /// A string of one's own; chunks are shared.
    pub fn to_value(self) -> StringValue {
        match self {
            StringRef::Int(number) => StringValue::from_int(number),
            StringRef::Bytes(bytes) => StringValue::from_raw(bytes),
            StringRef::Chunked(chunked) => Repr::Chunked(Arc::new(chunked.clone())).into(),
        }
    }
}

fn bit_mask(offset: usize) -> u8 {
    0x80 >> (offset % 8)
}

/// A string, to edit.
#[derive(Debug, Clone)]
pub struct StringValue {
    repr: Repr,
    pub(crate) changes: u64,
}

/// Up to [`CHUNK_BYTES`] in one block, more in chunks.
#[derive(Debug, Clone)]
enum Repr {
    Int(i64),
    Bytes(Arc<[u8]>),
    Chunked(Arc<ChunkedString>),
}

impl From<Repr> for StringValue {
    fn from(repr: Repr) -> StringValue {
        StringValue { repr, changes: 0 }
    }
}

impl Default for StringValue {
    fn default() -> StringValue {
        StringValue::from_raw(b"")
    }
}

impl Repr {
    fn of(bytes: &[u8]) -> Repr {
        if bytes.is_empty() {
            Repr::Bytes(Arc::default())
        } else if bytes.len() <= CHUNK_BYTES {
            Repr::Bytes(Arc::from(bytes))
        } else {
            Repr::Chunked(Arc::new(ChunkedString::from_bytes(bytes)))
        }
    }
}

impl StringValue {
    /// The string of these bytes; a canonical decimal is kept as a number.
    pub fn from_bytes(bytes: &[u8]) -> StringValue {
        match number::parse_i64(bytes) {
            Some(number) => StringValue::from_int(number),
            None => StringValue::from_raw(bytes),
        }
    }

    /// As [`StringValue::from_bytes`], of bytes that are not needed any more.
    pub fn from_vec(bytes: Vec<u8>) -> StringValue {
        StringValue::from_bytes(&bytes)
    }

    /// The string of these bytes, even if they are a number's.
    pub fn from_raw(bytes: &[u8]) -> StringValue {
        Repr::of(bytes).into()
    }

    /// The decimal text of `number`.
    pub fn from_int(number: i64) -> StringValue {
        Repr::Int(number).into()
    }

    /// The string, to read.
    pub fn as_ref(&self) -> StringRef<'_> {
        match &self.repr {
            Repr::Int(number) => StringRef::Int(*number),
            Repr::Bytes(bytes) => StringRef::Bytes(bytes),
            Repr::Chunked(chunked) => StringRef::Chunked(chunked),
        }
    }

    pub(crate) fn inline(&self) -> Option<(Form, InlineBytes<'_>)> {
        match &self.repr {
            Repr::Int(number) => Some((Form::StringInt, InlineBytes::Int(IntBytes::new(*number)))),
            Repr::Bytes(bytes) => Some((Form::StringRaw, InlineBytes::Borrowed(bytes))),
            Repr::Chunked(_) => None,
        }
    }

    /// Bytes taken of an allocator.
    pub fn heap_bytes(&self) -> usize {
        match &self.repr {
            Repr::Int(_) => 0,
            Repr::Bytes(bytes) => slice_bytes(bytes),
            Repr::Chunked(chunked) => chunked.heap_bytes(),
        }
    }

    /// What it is made of, to be freed part by part.
    pub(crate) fn into_parts(self) -> Parts {
        match self.repr {
            Repr::Int(_) => Box::new(std::iter::empty()),
            Repr::Bytes(bytes) => Box::new(std::iter::once(bytes).map(free_slice)),
            Repr::Chunked(chunked) => Box::new(chunked::parts(chunked)),
        }
    }

    /// Replaces the whole string.
    pub fn set(&mut self, bytes: &[u8]) {
        self.put(StringValue::from_bytes(bytes).repr);
        self.changes += 1;
    }

    /// Replaces the whole string by the text of a number.
    pub fn set_int(&mut self, number: i64) {
        self.put(Repr::Int(number));
        self.changes += 1;
    }

    /// Adds bytes at the end; the new length.
    pub fn append(&mut self, tail: &[u8]) -> usize {
        let len = self.as_ref().len();
        self.set_range(len, tail)
    }

    /// Overwrites the bytes from `offset` on, and adds zeros up to there if the string is shorter;
    /// the new length. Nothing happens if `bytes` is empty.
    pub fn set_range(&mut self, offset: usize, bytes: &[u8]) -> usize {
        let len = self.as_ref().len();
        if bytes.is_empty() {
            return len;
        }
        let end = offset.saturating_add(bytes.len());
        self.grow(end);
        self.write(offset, bytes);
        self.changes += 1;
        len.max(end)
    }

    /// Sets a bit, counted from the highest of the first byte; what it was. Counts as a change if
    /// the bit changes or the string grows.
    pub fn set_bit(&mut self, offset: usize, bit: bool) -> bool {
        let old = self.as_ref().get_bit(offset);
        let grows = self.as_ref().len() <= offset / 8;
        if old == bit && !grows {
            return old;
        }
        self.grow(offset / 8 + 1);
        let byte = self
            .as_ref()
            .range(offset / 8, offset / 8 + 1)
            .first()
            .copied();
        let others = byte.unwrap_or(0) & !bit_mask(offset);
        let mask = if bit { bit_mask(offset) } else { 0 };
        self.write(offset / 8, &[others | mask]);
        self.changes += 1;
        old
    }

    /// The bit at `offset`.
    pub fn get_bit(&self, offset: usize) -> bool {
        self.as_ref().get_bit(offset)
    }

    /// Puts another form in place of what it is.
    fn put(&mut self, repr: Repr) {
        match std::mem::replace(&mut self.repr, repr) {
            Repr::Int(_) => {}
            Repr::Bytes(old) => let_go_slice(old),
            Repr::Chunked(old) => let_go_parts(old.heap_bytes(), chunked::parts(old)),
        }
    }

    /// Adds zeros up to `len`. A number becomes its text.
    fn grow(&mut self, len: usize) {
        let old = self.as_ref().len();
        if let Repr::Chunked(chunked) = &mut self.repr {
            if len > old {
                own(chunked).grow(len);
            }
        } else if len > CHUNK_BYTES {
            let mut chunked = ChunkedString::from_bytes(&self.as_ref().as_cow());
            chunked.grow(len);
            self.put(Repr::Chunked(Arc::new(chunked)));
        } else if len > old || matches!(self.repr, Repr::Int(_)) {
            let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, len.max(old)).collect();
            Arc::make_mut(&mut bytes)[..old].copy_from_slice(&self.as_ref().as_cow());
            self.put(Repr::Bytes(bytes));
        }
    }

    /// Overwrites bytes that are there.
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        match &mut self.repr {
            Repr::Int(_) => unreachable!("grow made bytes of it"),
            Repr::Bytes(old) => {
                own_slice(old)[offset..offset + bytes.len()].copy_from_slice(bytes);
            }
            Repr::Chunked(chunked) => own(chunked).write(offset, bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frozen::Frozen;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_kept_as_numbers_until_edited() {
        let mut string = StringValue::from_bytes(b"10");
        assert_eq!(string.as_ref().encoding(), "int");
        assert_eq!(string.append(b"5"), 3);
        assert_eq!(string.as_ref().as_int(), Some(105));
        assert!(string.as_ref().eq_bytes(b"105"));
        assert_eq!(
            StringValue::from_bytes(b"007").as_ref().encoding(),
            "embstr"
        );
        assert_eq!(
            StringValue::from_bytes(&[b'x'; 45]).as_ref().encoding(),
            "raw"
        );
    }

    #[test]
    fn bits_are_counted_from_the_highest() {
        let mut string = StringValue::default();
        assert!(!string.set_bit(7, true));
        assert!(string.as_ref().eq_bytes(&[1]));
        assert!(string.set_bit(7, true));
        assert_eq!(string.changes, 1);
        assert!(!string.set_bit(800_000, false));
        assert_eq!(string.as_ref().len(), 100_001);
        assert_eq!(string.changes, 2);
        assert!(StringRef::Int(1).get_bit(7));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Append(usize, u8),
        SetRange(usize, usize, u8),
        SetBit(usize, bool),
        Clone,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let size = prop_oneof![0usize..40, 65_000usize..66_000];
        let at = prop_oneof![0usize..100, 65_500usize..65_600, 130_000usize..132_000];
        let step = prop_oneof![
            (size.clone(), any::<u8>()).prop_map(|(n, b)| Step::Append(n, b)),
            (at.clone(), size, any::<u8>()).prop_map(|(at, n, b)| Step::SetRange(at, n, b)),
            (at, any::<bool>()).prop_map(|(at, bit)| Step::SetBit(at * 8 + 3, bit)),
            Just(Step::Clone),
        ];
        prop::collection::vec(step, 1..12)
    }

    fn apply(step: &Step, string: &mut StringValue, model: &mut Vec<u8>) {
        match *step {
            Step::Append(n, byte) => {
                model.resize(model.len() + n, byte);
                assert_eq!(string.append(&vec![byte; n]), model.len());
            }
            Step::SetRange(at, n, byte) => {
                if n > 0 {
                    model.resize(model.len().max(at + n), 0);
                    model[at..at + n].fill(byte);
                }
                assert_eq!(string.set_range(at, &vec![byte; n]), model.len());
            }
            Step::SetBit(at, bit) => {
                model.resize(model.len().max(at / 8 + 1), 0);
                let mask = bit_mask(at);
                assert_eq!(string.set_bit(at, bit), model[at / 8] & mask != 0);
                model[at / 8] = model[at / 8] & !mask | if bit { mask } else { 0 };
            }
            Step::Clone => {}
        }
    }

    fn check(string: &StringValue) {
        if let Repr::Chunked(chunked) = &string.repr {
            chunked.check();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn agrees_with_a_vector_and_clones_stand_still(start in prop_oneof![Just(5usize), Just(70_000)], steps in steps()) {
            let mut model = vec![b'a'; start];
            let mut string = StringValue::from_bytes(&model);
            let mut frozen = Frozen::default();
            for step in &steps {
                if matches!(step, Step::Clone) {
                    frozen.take(&string, &model);
                }
                apply(step, &mut string, &mut model);
                let view = string.as_ref();
                prop_assert_eq!(view.len(), model.len());
                prop_assert_eq!(view.to_vec(), &model[..]);
                prop_assert!(view.eq_bytes(&model));
                let (from, to) = (model.len() / 3, model.len() / 3 + 65_540);
                prop_assert_eq!(&*view.range(from, to), &model[from..to.min(model.len())]);
                check(&string);
                frozen.each(|string, model| {
                    check(string);
                    assert!(string.as_ref().eq_bytes(model));
                });
            }
        }
    }
}
