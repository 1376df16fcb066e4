//! Other names and values of the same shapes and sizes.
//!
//! Digits become digits, letters letters of the same case, bytes from 0x80 up others of those; the
//! rest stays. What each becomes follows from a secret, and no two texts become the same one, so keys
//! stay apart and equal texts stay equal. In names a byte depends on those before it only, so names
//! that began alike still do; in values on all others. Numbers stay numbers: none gains a leading
//! zero, and what fits 64 bits still does.

use packed::number;
use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;

/// Makes other texts, under a secret.
#[derive(Debug, Clone)]
pub struct Redactor {
    hasher: SipHasher13,
}

impl Redactor {
    /// A redactor under that secret. The same secret makes the same texts again.
    pub fn new(secret: &[u8]) -> Redactor {
        let mut hasher = SipHasher13::new();
        hasher.write(&(secret.len() as u64).to_le_bytes());
        hasher.write(secret);
        Redactor { hasher }
    }

    /// Replaces a key's name.
    pub(crate) fn name(&self, name: &mut [u8]) {
        self.pass(name, false);
    }

    /// Replaces an element or a string.
    pub(crate) fn value(&self, text: &mut [u8]) {
        let is_integer = number::parse_i64(text).is_some();
        // Of the numbers that long some fit 64 bits; going on from one that does ends at one that
        // does, and at no other's.
        loop {
            self.pass(text, false);
            self.pass(text, true);
            if !is_integer || number::parse_i64(text).is_some() {
                return;
            }
        }
    }

    /// Moves each byte within its class, by what the hash of those before it says. Where there are
    /// many before it, the last few may be left out, which is faster.
    fn pass(&self, text: &mut [u8], backward: bool) {
        let mut hasher = self.hasher;
        hasher.write_u8(u8::from(backward));
        let (len, mut hash) = (text.len(), 0);
        for step in 0..len {
            let at = if backward { len - 1 - step } else { step };
            if step < HASHED_SINGLY || step % 8 == 0 {
                hash = hasher.finish();
            }
            let leads = leads_number(text, at);
            let Some(byte) = text.get_mut(at) else {
                return;
            };
            let before = *byte;
            if let Some((first, count)) = class(before, leads) {
                let turned = hash.rotate_right(8 * (step as u32 % 8));
                let shift = (turned % u64::from(count)) as u16;
                let moved = (u16::from(before - first) + shift) % count;
                *byte = first + moved as u8;
            }
            hasher.write_u8(before);
        }
    }
}

/// So many bytes are moved by a hash each, the others eight by eight.
const HASHED_SINGLY: usize = 64;

/// The first byte of a class, and how many it has; `None` for what stays.
fn class(byte: u8, leads: bool) -> Option<(u8, u16)> {
    match byte {
        b'0' if leads => None,
        b'1'..=b'9' if leads => Some((b'1', 9)),
        b'0'..=b'9' => Some((b'0', 10)),
        b'a'..=b'z' => Some((b'a', 26)),
        b'A'..=b'Z' => Some((b'A', 26)),
        0x80.. => Some((0x80, 128)),
        _ => None,
    }
}

/// Whether a digit begins a number of several digits, so that it may not become 0, nor 0 another.
fn leads_number(text: &[u8], at: usize) -> bool {
    let is_digit = |at: Option<usize>| {
        let byte = at.and_then(|at| text.get(at));
        byte.is_some_and(u8::is_ascii_digit)
    };
    let negative_single = at > 0 && text.get(at - 1) == Some(&b'-');
    !is_digit(at.checked_sub(1)) && (is_digit(Some(at + 1)) || negative_single)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn value(redactor: &Redactor, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        redactor.value(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn short_texts_stay_apart() {
        let redactor = Redactor::new(b"secret");
        let numbers: HashSet<String> = (-999..=9999)
            .map(|n| value(&redactor, &n.to_string()))
            .collect();
        assert_eq!(numbers.len(), 10_999);
        assert!(
            numbers
                .iter()
                .all(|text| number::parse_i64(text.as_bytes()).is_some())
        );
        let words = ('a'..='z').flat_map(|a| ('A'..='Z').map(move |b| format!("{a}{b}")));
        let words: HashSet<String> = words.map(|word| value(&redactor, &word)).collect();
        assert_eq!(words.len(), 26 * 26);
        assert!(numbers.contains("0"), "a single digit may become any");
    }

    #[test]
    fn names_that_begin_alike_still_do() {
        let redactor = Redactor::new(b"secret");
        let mut names = [b"user:1001:cart".to_vec(), b"user:1002:carts".to_vec()];
        names.iter_mut().for_each(|name| redactor.name(name));
        assert_eq!(names[0][..8], names[1][..8]);
        assert_ne!(names[0][8..], names[1][8..]);
        assert_ne!(names[0][..4], b"user"[..]);
        let mut other = b"user:1001:cart".to_vec();
        Redactor::new(b"other").name(&mut other);
        assert_ne!(other, names[0]);
    }

    proptest! {
        #[test]
        fn shapes_stay(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let redactor = Redactor::new(b"x");
            let mut moved = text.clone();
            redactor.value(&mut moved);
            let shape = |byte: &u8| class(*byte, false).map_or(*byte, |(first, _)| first);
            prop_assert!(text.iter().map(shape).eq(moved.iter().map(shape)));
        }

        #[test]
        fn integers_stay_integers(int in any::<i64>()) {
            let mut text = int.to_string().into_bytes();
            Redactor::new(b"x").value(&mut text);
            prop_assert!(number::parse_i64(&text).is_some());
        }
    }
}
