//! Deep checks of compact blobs, beyond what `packed` checks of their structure: groups of the right
//! size, and nothing twice. Servers that skip them crash later, when the value is read.

use packed::listpack::{self, Listpack};
use packed::{Element, intset, number};

use crate::error::ErrorKind;

/// A listpack whose structure is sound.
pub(crate) fn sound_listpack(bytes: &[u8]) -> Result<Listpack<'_>, ErrorKind> {
    let what = "listpack";
    listpack::validate(bytes).map_err(|error| ErrorKind::Blob { what, error })?;
    Ok(Listpack::new(bytes))
}

/// An intset that is sound: sized as it says, ascending, not empty.
pub(crate) fn check_intset(bytes: &[u8]) -> Result<(), ErrorKind> {
    let what = "intset";
    intset::validate(bytes).map_err(|error| ErrorKind::Blob { what, error })
}

/// Checks that `bytes` are a listpack of groups of `size`, at least one, whose first entries differ.
pub(crate) fn check_groups<'a>(
    bytes: &'a [u8],
    size: usize,
    what: &'static str,
    unique: &mut Unique,
) -> Result<Listpack<'a>, ErrorKind> {
    let listpack = sound_listpack(bytes)?;
    let found = listpack.iter().count();
    if found == 0 {
        return Err(ErrorKind::EmptyCollection);
    }
    if !found.is_multiple_of(size) {
        let group = size;
        return Err(ErrorKind::OddCount { found, group });
    }
    match unique.repeated(|| listpack.iter().step_by(size)) {
        Some(element) => {
            let found = element.to_vec().into();
            Err(ErrorKind::Repeated { what, found })
        }
        None => Ok(listpack),
    }
}

/// The number that the text of a score stands for.
pub(crate) fn score(element: Element<'_>) -> Result<f64, ErrorKind> {
    let parsed = match element {
        Element::Int(n) => Some(n as f64),
        Element::Bytes(text) => number::parse_f64(text),
    };
    match parsed {
        Some(score) if !score.is_nan() => Ok(score),
        _ => {
            let found = element.to_vec().into();
            Err(ErrorKind::BadScore { found })
        }
    }
}

/// Finds repeated elements in time n log n whatever they are, with 8 bytes an element.
///
/// Fingerprints are compared first; only if two agree, which chance all but rules out, are the
/// elements themselves sorted.
#[derive(Debug, Default)]
pub(crate) struct Unique {
    prints: Vec<u64>,
}

impl Unique {
    /// An element that occurs twice among those that `elements` gives, each time it is called.
    pub(crate) fn repeated<'a, I>(&mut self, elements: impl Fn() -> I) -> Option<Element<'a>>
    where
        I: Iterator<Item = Element<'a>>,
    {
        self.prints.clear();
        self.prints.shrink_to(PRINTS_KEPT);
        self.prints.extend(elements().map(fingerprint));
        self.prints.sort_unstable();
        if self
            .prints
            .windows(2)
            .all(|pair| pair.first() != pair.last())
        {
            return None;
        }
        let mut sorted: Vec<_> = elements().map(canonical).collect();
        sorted.sort_unstable();
        let mut pairs = sorted.windows(2);
        let twice = pairs.find(|pair| pair.first() == pair.last())?;
        twice.first().map(|element| match *element {
            Canonical::Int(n) => Element::Int(n),
            Canonical::Bytes(bytes) => Element::Bytes(bytes),
        })
    }
}

/// Room for fingerprints that is kept between values.
const PRINTS_KEPT: usize = 16 << 10;

/// An element in its one form: a canonical decimal is an integer however it was kept.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Canonical<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

/// No decimal of an i64 is longer.
const INTEGER_TEXT_MAX: usize = 20;

fn canonical(element: Element<'_>) -> Canonical<'_> {
    match element {
        Element::Int(n) => Canonical::Int(n),
        Element::Bytes(bytes) if bytes.len() > INTEGER_TEXT_MAX => Canonical::Bytes(bytes),
        Element::Bytes(bytes) => match number::parse_i64(bytes) {
            Some(n) => Canonical::Int(n),
            None => Canonical::Bytes(bytes),
        },
    }
}

fn fingerprint(element: Element<'_>) -> u64 {
    match canonical(element) {
        Canonical::Int(n) => mix(n.cast_unsigned()),
        Canonical::Bytes(bytes) => {
            let mut chunks = bytes.chunks_exact(8);
            let mut print = mix(!(bytes.len() as u64));
            for chunk in &mut chunks {
                let word = chunk.try_into().map_or(0, u64::from_le_bytes);
                print = mix(print ^ word);
            }
            let rest = chunks.remainder();
            let last = rest.iter().fold(0, |word, b| word << 8 | u64::from(*b));
            mix(print ^ last)
        }
    }
}

/// Spreads the bits of a word (the finalizer of SplitMix64).
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use packed::listpack::ListpackBuf;

    use super::*;

    fn listpack(texts: &[&str]) -> Vec<u8> {
        let mut listpack = ListpackBuf::new();
        for text in texts {
            listpack.push_back(text.as_bytes());
        }
        listpack.into_vec()
    }

    #[test]
    fn pairs_must_be_whole_and_names_differ() {
        let unique = &mut Unique::default();
        let mut check = |texts: &[&str]| {
            let blob = listpack(texts);
            check_groups(&blob, 2, "field", unique).map(|_| ())
        };
        assert_eq!(check(&["a", "1", "b", "1"]), Ok(()));
        assert_eq!(check(&[]), Err(ErrorKind::EmptyCollection));
        let odd = check(&["a", "1", "b"]);
        assert_eq!(odd, Err(ErrorKind::OddCount { found: 3, group: 2 }));
        let twice = check(&["5", "1", "b", "1", "5", "2"]);
        assert!(matches!(twice, Err(ErrorKind::Repeated { .. })));
    }

    #[test]
    fn an_integer_kept_as_text_is_still_the_same_element() {
        let both = [Element::Int(5), Element::Bytes(b"5"), Element::Bytes(b"05")];
        let repeated = Unique::default().repeated(|| both.into_iter());
        assert_eq!(repeated, Some(Element::Int(5)));
        let differ = [Element::Int(5), Element::Bytes(b"05"), Element::Bytes(b"")];
        assert_eq!(Unique::default().repeated(|| differ.into_iter()), None);
    }

    #[test]
    fn scores_are_numbers() {
        assert_eq!(score(Element::Int(-3)), Ok(-3.0));
        assert_eq!(score(Element::Bytes(b"-inf")), Ok(f64::NEG_INFINITY));
        assert!(score(Element::Bytes(b"nan")).is_err());
        assert!(score(Element::Bytes(b"1.5x")).is_err());
    }
}
