//! Scores that are close to each other in few bytes each.
//!
//! A score is taken as the number that its bits make, turned so that a greater score has a greater
//! number. A frame keeps what such numbers have in common: the least of them, and the bits at the
//! low end in which none differs from it. Integers end in many zero bits, and neighbors in a sorted
//! set begin alike: times in milliseconds take 2 bytes or 3, not 8, and equal scores none.

/// What the scores of a chunk have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// The least number, or less.
    pub(super) base: u64,
    /// Bits at the low end in which no number differs from the base.
    pub(super) shift: u8,
    /// Bytes of a score.
    pub(super) width: u8,
}

const SIGN: u64 = 1 << 63;

/// Ascends with the score; -0 comes just before 0.
fn number(score: f64) -> u64 {
    let bits = score.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

impl Frame {
    /// The narrowest for these scores.
    pub(super) fn of(scores: impl Iterator<Item = f64> + Clone) -> Frame {
        let numbers = scores.map(number);
        let base = numbers.clone().min().unwrap_or_default();
        let differing = numbers.fold(0, |bits, number| bits | (number - base));
        let shift = differing.trailing_zeros() % u64::BITS;
        let bits = u64::BITS - (differing >> shift).leading_zeros();
        Frame {
            base,
            shift: shift as u8,
            width: bits.div_ceil(8) as u8,
        }
    }

    /// Bytes of a score.
    #[inline]
    pub(super) fn width(self) -> usize {
        usize::from(self.width)
    }

    /// The bits of a word that a score takes.
    #[inline]
    fn mask(self) -> u64 {
        match self.width {
            8 => u64::MAX,
            width => (1 << (8 * width)) - 1,
        }
    }

    /// The score at the low end of `word`; what lies above it does not matter.
    #[inline]
    pub(super) fn decode(self, word: u64) -> f64 {
        let number = self.base + ((word & self.mask()) << self.shift);
        f64::from_bits(if number & SIGN == 0 {
            !number
        } else {
            number ^ SIGN
        })
    }

    /// The word with the score at its low end and nothing above; `None` if the frame does not
    /// hold it.
    #[inline]
    pub(super) fn encode(self, score: f64) -> Option<u64> {
        let above = number(score).checked_sub(self.base)?;
        let word = above >> self.shift;
        (word << self.shift == above && word <= self.mask()).then_some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn width(scores: &[f64]) -> u8 {
        Frame::of(scores.iter().copied()).width
    }

    #[test]
    fn what_scores_have_in_common_takes_no_bytes() {
        assert_eq!(width(&[]), 0);
        assert_eq!(width(&[0.1, 0.1]), 0);
        assert_eq!(width(&[1_700_000_000_000.0, 1_700_000_064_000.0]), 1);
        assert_eq!(width(&[1_700_000_000_000.0, 1_700_000_060_001.0]), 2);
        assert_eq!(width(&[0.0, f64::INFINITY]), 2);
        assert_eq!(width(&[-0.0, 0.1]), 8);
    }

    #[test]
    fn what_a_frame_does_not_hold() {
        let frame = Frame::of([16.0, 18.0].into_iter());
        assert!(frame.encode(16.0).is_some() && frame.encode(18.0).is_some());
        for score in [15.0, 16.5, 1000.0, 16.000_000_1, f64::INFINITY, -16.0] {
            assert_eq!(frame.encode(score), None, "{score}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn scores_keep_every_bit(
            scores in prop::collection::vec(prop_oneof![any::<f64>(), (-9..9i32).prop_map(f64::from)], 1..9),
        ) {
            let scores: Vec<f64> = scores.into_iter().filter(|score| !score.is_nan()).collect();
            let frame = Frame::of(scores.iter().copied());
            for score in &scores {
                let word = frame.encode(*score).unwrap();
                let noise = if frame.width == 8 { 0 } else { u64::MAX << (8 * frame.width) };
                prop_assert_eq!(frame.decode(word | noise).to_bits(), score.to_bits());
            }
            let ascends = |pair: &[f64]| number(pair[0]) < number(pair[1]) || pair[0] >= pair[1];
            prop_assert!(scores.windows(2).all(ascends));
        }
    }
}
