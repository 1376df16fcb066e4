//! When keys expire, and when they were last used.

use crate::record::Figures;
use units::UnixMillis;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Keys and the memory they take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub keys: u64,
    /// Their bytes of memory, estimated.
    pub memory: u64,
}

impl Share {
    #[inline]
    pub(crate) fn add(&mut self, figures: &Figures) {
        self.keys += 1;
        self.memory += figures.memory;
    }
}

/// Spans of time, each with what falls below its end, the last one open.
#[derive(Debug, Clone)]
pub struct Spans {
    shares: [Share; SPANS.len()],
}

/// Ends in milliseconds, and names.
const SPANS: [(i64, &str); 7] = [
    (MINUTE, "under a minute"),
    (HOUR, "under an hour"),
    (DAY, "under a day"),
    (7 * DAY, "under a week"),
    (30 * DAY, "under 30 days"),
    (365 * DAY, "under a year"),
    (i64::MAX, "longer"),
];

impl Spans {
    pub(crate) fn new() -> Spans {
        Spans {
            shares: [Share::default(); SPANS.len()],
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, ms: i64, figures: &Figures) {
        let at = SPANS.iter().position(|(end, _)| ms < *end);
        if let Some(share) = self.shares.get_mut(at.unwrap_or(SPANS.len() - 1)) {
            share.add(figures);
        }
    }

    /// Names of the spans, and what is in them.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, Share)> + '_ {
        SPANS.iter().map(|(_, name)| *name).zip(self.shares)
    }
}

/// When keys expire, seen from one point in time.
#[derive(Debug, Clone)]
pub struct Deadlines {
    /// From when they are counted.
    pub at: UnixMillis,
    /// Those that have none.
    pub never: Share,
    /// Those whose time had come.
    pub passed: Share,
    /// How long the others have.
    pub left: Spans,
    days: [Share; DAYS],
    months: [Share; MONTHS],
}

/// Days that are told one by one.
const DAYS: usize = 62;
/// Spans of 30 days that follow them.
const MONTHS: usize = 24;

impl Deadlines {
    pub(crate) fn new(at: UnixMillis) -> Deadlines {
        Deadlines {
            at,
            never: Share::default(),
            passed: Share::default(),
            left: Spans::new(),
            days: [Share::default(); DAYS],
            months: [Share::default(); MONTHS],
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, expire: Option<UnixMillis>, figures: &Figures) {
        match expire.map(|expire| expire.0.saturating_sub(self.at.0)) {
            None => self.never.add(figures),
            Some(..=0) => self.passed.add(figures),
            Some(left) => {
                self.left.add(left, figures);
                self.note_day(expire.map_or(0, |expire| expire.0), figures);
            }
        }
    }

    fn note_day(&mut self, expire: i64, figures: &Figures) {
        let day = expire.div_euclid(DAY) - self.at.0.div_euclid(DAY);
        let day = usize::try_from(day).unwrap_or(0);
        let share = match day {
            ..DAYS => self.days.get_mut(day),
            _ => self.months.get_mut((day - DAYS) / 30),
        };
        if let Some(share) = share {
            share.add(figures);
        }
    }

    /// Days and spans of 30 days on which keys expire: the first day as a date, how many days, and
    /// what expires in them. UTC.
    pub fn calendar(&self) -> Vec<(String, u64, Share)> {
        let today = self.at.0.div_euclid(DAY);
        let days = self.days.iter().zip(0..).map(|(share, i)| (i, 1, share));
        let months = self.months.iter().zip(0..);
        let months = months.map(|(share, i)| (DAYS as i64 + 30 * i, 30, share));
        days.chain(months)
            .filter(|(_, _, share)| share.keys > 0)
            .map(|(day, count, share)| (date(today + day), count, *share))
            .collect()
    }
}

/// The date of a day since 1970-01-01, as `2024-02-29`.
pub(crate) fn date(day: i64) -> String {
    // Years begin in March here, so that the leap day is the last.
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A point in time as `2024-02-29 12:00:00` UTC.
pub fn date_and_time(at: UnixMillis) -> String {
    let secs = at.0.div_euclid(SECOND);
    let (day, secs) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
    format!("{} {hour:02}:{minute:02}:{second:02}", date(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (day, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(day), text);
        }
        assert_eq!(
            date_and_time(UnixMillis(1_709_210_096_789)),
            "2024-02-29 12:34:56"
        );
    }

    #[test]
    fn deadlines_fall_into_spans_and_days() {
        let mut deadlines = Deadlines::new(UnixMillis(1_709_210_096_789));
        let figures = Figures {
            memory: 10,
            ..Figures::default()
        };
        let at = |ms: i64| Some(UnixMillis(1_709_210_096_789 + ms));
        for expire in [
            None,
            at(-5),
            at(0),
            at(1),
            at(DAY),
            at(63 * DAY),
            at(9999 * DAY),
        ] {
            deadlines.add(expire, &figures);
        }
        assert_eq!((deadlines.never.keys, deadlines.passed.keys), (1, 2));
        let spans = deadlines.left.rows().map(|(_, share)| share.keys);
        assert!(spans.eq([1, 0, 0, 1, 0, 1, 1]));
        let days = deadlines.calendar();
        let days = days
            .iter()
            .map(|(day, count, share)| (day.as_str(), *count, share.memory));
        assert!(days.eq([
            ("2024-02-29", 1, 10),
            ("2024-03-01", 1, 10),
            ("2024-05-01", 30, 10)
        ]));
    }
}
