//! One element of a compact encoding, and its logical text.
//!
//! Compact encodings keep text that is a canonical decimal i64 as a number. The element is the *text* all the same:
//! `Int(5)` and `Bytes(b"5")` are equal, and order is that of the texts' bytes.

use std::cmp::Ordering;
use std::fmt;

use crate::number;

/// One element as compact encodings keep it: small integers are not text.
#[derive(Clone, Copy)]
pub enum Element<'a> {
    /// The canonical decimal text of this number.
    Int(i64),
    /// These bytes.
    Bytes(&'a [u8]),
}

/// Room on the stack for the text of an integer element.
#[derive(Clone, Default)]
pub struct IntText(itoa::Buffer);

impl IntText {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// The decimal text of `number`, written into this buffer.
    #[inline]
    pub fn write(&mut self, number: i64) -> &[u8] {
        self.0.format(number).as_bytes()
    }
}

impl fmt::Debug for IntText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntText")
    }
}

impl<'a> Element<'a> {
    /// The element of this text: `Int` if it is a canonical decimal i64, else `Bytes`.
    #[inline]
    pub fn from_text(text: &'a [u8]) -> Self {
        match number::parse_i64(text) {
            Some(int) => Self::Int(int),
            None => Self::Bytes(text),
        }
    }

    /// Length of the text in bytes.
    #[inline]
    pub fn text_len(&self) -> usize {
        match self {
            Self::Int(int) => number::len_i64(*int),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// Appends the text to `out`.
    #[inline]
    pub fn write_text(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(int) => number::write_i64(*int, out),
            Self::Bytes(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// The text as owned bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.text_len());
        self.write_text(&mut text);
        text
    }

    /// The text, borrowed from the element or from `buf`.
    #[inline]
    pub fn text<'b>(&'b self, buf: &'b mut IntText) -> &'b [u8] {
        match self {
            Self::Int(int) => buf.write(*int),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Whether the text is exactly `text`.
    #[inline]
    pub fn eq_text(&self, text: &[u8]) -> bool {
        match self {
            Self::Int(int) => number::parse_i64(text) == Some(*int),
            Self::Bytes(bytes) => *bytes == text,
        }
    }

    /// The number whose canonical decimal the text is, if it is one.
    #[inline]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            Self::Bytes(bytes) => number::parse_i64(bytes),
        }
    }

    /// Order of the two texts as bytes, as `memcmp` and then length would say.
    pub fn cmp_text(&self, other: &Element<'_>) -> Ordering {
        let (mut left, mut right) = (IntText::new(), IntText::new());
        self.text(&mut left).cmp(other.text(&mut right))
    }
}

impl PartialEq<Element<'_>> for Element<'_> {
    #[inline]
    fn eq(&self, other: &Element<'_>) -> bool {
        match (self, other) {
            (Self::Int(left), Element::Int(right)) => left == right,
            (Self::Bytes(left), other) => other.eq_text(left),
            (left, Element::Bytes(right)) => left.eq_text(right),
        }
    }
}

impl Eq for Element<'_> {}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => write!(f, "Int({int})"),
            Self::Bytes(bytes) => write!(f, "Bytes(\"{}\")", bytes.escape_ascii()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_text_are_the_same_element() {
        assert_eq!(Element::Int(5), Element::Bytes(b"5"));
        assert_eq!(Element::Bytes(b"-7"), Element::Int(-7));
        assert_ne!(Element::Bytes(b"05"), Element::Int(5));
        assert_ne!(Element::Bytes(b""), Element::Int(0));
        assert!(matches!(Element::from_text(b"-0"), Element::Bytes(_)));
        assert!(matches!(Element::from_text(b"-12"), Element::Int(-12)));
    }

    #[test]
    fn order_is_that_of_the_text() {
        assert_eq!(Element::Int(10).cmp_text(&Element::Int(9)), Ordering::Less);
        assert_eq!(
            Element::Bytes(b"a").cmp_text(&Element::Int(9)),
            Ordering::Greater
        );
        assert_eq!(
            Element::Int(-1).cmp_text(&Element::Bytes(b"-1")),
            Ordering::Equal
        );
    }

    #[test]
    fn text_and_its_length_agree() {
        for int in [0, 9, 10, -1, -10, 99, 100, i64::MAX, i64::MIN] {
            let element = Element::Int(int);
            assert_eq!(element.to_vec(), int.to_string().into_bytes());
            assert_eq!(element.text_len(), element.to_vec().len());
            assert_eq!(element.text(&mut IntText::new()), element.to_vec());
        }
    }
}
