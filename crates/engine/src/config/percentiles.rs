//! Which percentiles `INFO latencystats` tells.

/// Percentages from 0 to 100, in the order in which they are told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Percentiles(pub(crate) Vec<f64>);

impl Default for Percentiles {
    fn default() -> Percentiles {
        Percentiles(vec![50.0, 99.0, 99.9])
    }
}

impl Percentiles {
    /// The percentages in `text`, which may be none.
    pub(super) fn parse(text: &str) -> Option<Percentiles> {
        let text = if text.trim() == "\"\"" { "" } else { text };
        let one = |word: &str| word.parse().ok().filter(|p| (0.0..=100.0).contains(p));
        let all: Option<Vec<f64>> = text.split_whitespace().map(one).collect();
        all.map(Percentiles)
    }

    pub(super) fn print(&self) -> String {
        let words: Vec<String> = self.0.iter().map(f64::to_string).collect();
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_and_written() {
        let read = |text| Percentiles::parse(text).map(|all| all.print());
        assert_eq!(read("0.0 50.0 99.90"), Some("0 50 99.9".to_owned()));
        assert_eq!(read(""), Some(String::new()));
        for wrong in ["101", "-1", "a", "nan", "50 x"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
