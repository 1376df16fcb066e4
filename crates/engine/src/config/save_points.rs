use std::fmt;

/// A condition for a snapshot: `changes` writes within `seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavePoint {
    /// The period in seconds.
    pub seconds: u32,
    /// How many changes within it ask for a snapshot.
    pub changes: u32,
}

impl SavePoint {
    /// What a server without configuration does: 3600 1, 300 100, 60 10000.
    pub fn defaults() -> Vec<SavePoint> {
        [(3600, 1), (300, 100), (60, 10_000)]
            .map(|(seconds, changes)| SavePoint { seconds, changes })
            .to_vec()
    }

    /// The points in `text`: pairs of seconds and changes, or nothing for none at all.
    pub(crate) fn parse(text: &str) -> Option<Vec<SavePoint>> {
        let text = if text.trim() == "\"\"" { "" } else { text };
        let numbers: Option<Vec<u32>> = text
            .split_whitespace()
            .map(|word| word.parse().ok())
            .collect();
        let numbers = numbers.filter(|numbers| numbers.len().is_multiple_of(2))?;
        let points = numbers.chunks_exact(2);
        let points = points.map(|pair| SavePoint {
            seconds: pair[0],
            changes: pair[1],
        });
        let points: Vec<_> = points.collect();
        points
            .iter()
            .all(|point| point.seconds > 0)
            .then_some(points)
    }

    /// The inverse of [`SavePoint::parse`].
    pub(crate) fn print(points: &[SavePoint]) -> String {
        points
            .iter()
            .map(SavePoint::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl fmt::Display for SavePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seconds, self.changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_or_nothing() {
        let points = SavePoint::parse("900 1 300 10").unwrap();
        assert_eq!(SavePoint::print(&points), "900 1 300 10");
        assert_eq!(SavePoint::parse(""), Some(vec![]));
        assert_eq!(SavePoint::parse("\"\""), Some(vec![]));
        assert_eq!(SavePoint::parse("900"), None);
        assert_eq!(SavePoint::parse("0 1"), None);
    }
}
