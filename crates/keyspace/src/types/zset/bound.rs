/// An end of a range of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScoreBound {
    /// This score and on.
    Inclusive(f64),
    /// Beyond this score.
    Exclusive(f64),
    /// Below every score.
    NegInf,
    /// Above every score.
    PosInf,
}

impl ScoreBound {
    /// Whether, as a lower end, it leaves `score` out.
    pub(super) fn is_above(self, score: f64) -> bool {
        match self {
            ScoreBound::Inclusive(bound) => score < bound,
            ScoreBound::Exclusive(bound) => score <= bound,
            ScoreBound::NegInf => false,
            ScoreBound::PosInf => true,
        }
    }

    /// Whether, as an upper end, it leaves `score` out.
    pub(super) fn is_below(self, score: f64) -> bool {
        match self {
            ScoreBound::Inclusive(bound) => score > bound,
            ScoreBound::Exclusive(bound) => score >= bound,
            ScoreBound::NegInf => true,
            ScoreBound::PosInf => false,
        }
    }
}

/// An end of a range of members in byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// These bytes and on.
    Inclusive(&'a [u8]),
    /// Beyond these bytes.
    Exclusive(&'a [u8]),
    /// Below every member.
    NegInf,
    /// Above every member.
    PosInf,
}

impl LexBound<'_> {
    /// Whether, as a lower end, it leaves `member` out.
    pub(super) fn is_above(self, member: &[u8]) -> bool {
        match self {
            LexBound::Inclusive(bound) => member < bound,
            LexBound::Exclusive(bound) => member <= bound,
            LexBound::NegInf => false,
            LexBound::PosInf => true,
        }
    }

    /// Whether, as an upper end, it leaves `member` out.
    pub(super) fn is_below(self, member: &[u8]) -> bool {
        match self {
            LexBound::Inclusive(bound) => member > bound,
            LexBound::Exclusive(bound) => member >= bound,
            LexBound::NegInf => true,
            LexBound::PosInf => false,
        }
    }
}
