//! A point of the past, as it is written.

use std::fmt;
use std::str::FromStr;

/// Which state is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Point {
    /// The last there is.
    Latest,
    /// That at the end of a second, in Unix seconds.
    Time(i64),
    /// That at an offset of replication, with nothing of a transaction that goes on behind it.
    Offset {
        /// Of which history (`master_replid`); of the newest that has the offset if it is not said.
        replid: Option<String>,
        /// Bytes of the history up to there (`master_repl_offset`).
        at: u64,
    },
}

/// Text that is no point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointError(String);

impl fmt::Display for PointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "found '{}', expected Unix seconds, a time such as 2026-11-24T08:00:00Z, offset:N, \
             offset:REPLID:N, or latest",
            self.0
        )
    }
}

impl std::error::Error for PointError {}

/// `1700000000`, `2023-11-14T22:13:20Z` (also with `+01:00`, a blank for the `T`, or a fraction, which
/// does not count), `offset:N`, `offset:REPLID:N`, `latest`.
impl FromStr for Point {
    type Err = PointError;

    fn from_str(text: &str) -> Result<Point, PointError> {
        let wrong = || PointError(text.to_owned());
        if text == "latest" {
            return Ok(Point::Latest);
        }
        if let Some(offset) = text.strip_prefix("offset:") {
            let (replid, at) = match offset.rsplit_once(':') {
                Some((replid, at)) => (Some(replid.to_owned()), at),
                None => (None, offset),
            };
            let at = at.parse().map_err(|_| wrong())?;
            return Ok(Point::Offset { replid, at });
        }
        let secs = text.parse().ok().or_else(|| parse_rfc3339(text));
        secs.map(Point::Time).ok_or_else(wrong)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Point::Latest => f.write_str("latest"),
            Point::Time(secs) => Rfc3339(*secs).fmt(f),
            Point::Offset { replid: None, at } => write!(f, "offset:{at}"),
            Point::Offset {
                replid: Some(replid),
                at,
            } => write!(f, "offset:{replid}:{at}"),
        }
    }
}

/// Unix seconds that print as RFC 3339 says, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rfc3339(pub i64);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, secs) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

const DAY: i64 = 86_400;

fn parse_rfc3339(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(zone_at)?;
    let clock = clock.split_once('.').map_or(clock, |(whole, _)| whole);
    let [hour, minute, second] = numbers(clock, ':')?;
    let in_range = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let days = days_of(year, month, day);
    let is_date = in_range && civil(days) == (year, month, day);
    let secs = days * DAY + hour * 3600 + minute * 60 + second;
    is_date.then_some(secs - zone_secs(zone)?)
}

/// `Z`, or `+01:00`.
fn zone_secs(zone: &str) -> Option<i64> {
    let sign = match zone.get(..1)? {
        "Z" | "z" => return (zone.len() == 1).then_some(0),
        "+" => 1,
        _ => -1,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let [hours, minutes] = [number(hours)?, number(minutes)?];
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(number);
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

/// Digits alone.
fn number(text: &str) -> Option<i64> {
    let digits = text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// Days since 1970 of a date; years that begin in March have their odd day last.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = match month > 2 {
        true => (year, month - 3),
        false => (year - 1, month + 9),
    };
    let (era, in_era) = (year.div_euclid(400), year.rem_euclid(400));
    let in_year = (153 * month + 2) / 5 + day - 1;
    era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + in_year - EPOCH_DAYS
}

/// Year, month and day of a day since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    let (era, in_era) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    let (year, month) = match month < 10 {
        true => (year, month + 3),
        false => (year + 1, month - 9),
    };
    (era * 400 + year, month, day)
}

/// Days of 400 years, and from the first of March of the year 0 to 1970.
const ERA_DAYS: i64 = 146_097;
const EPOCH_DAYS: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_as_they_print() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (951_827_696, "2000-02-29T12:34:56Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
        ] {
            assert_eq!(Rfc3339(secs).to_string(), text);
            assert_eq!(text.parse(), Ok(Point::Time(secs)));
            assert_eq!(secs.to_string().parse(), Ok(Point::Time(secs)));
        }
        for text in ["latest", "offset:12", "offset:ab:12"] {
            assert_eq!(text.parse::<Point>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn zones_and_fractions_are_taken() {
        for text in [
            "2023-11-14T23:13:20+01:00",
            "2023-11-14 21:43:20.75-00:30",
            "2023-11-14t22:13:20z",
        ] {
            assert_eq!(text.parse(), Ok(Point::Time(1_700_000_000)), "{text}");
        }
    }

    #[test]
    fn what_is_no_point_is_refused() {
        for text in [
            "",
            "yesterday",
            "offset:",
            "offset:-1",
            "2023-02-29T00:00:00Z",
            "2023-11-14T22:13:20",
            "2023-11-14T24:00:00Z",
            "2023-11-14T22:13:20+1",
            "2023-13-01T00:00:00Z",
        ] {
            assert!(text.parse::<Point>().is_err(), "{text}");
        }
    }
}
