//! How each kind of setting reads and prints.

use super::directive::{NOT_A_FLAG, not_one_of};
use super::{Allowed, ChannelsByDefault, Percentiles, Policy, SavePoint};
use crate::durable::Fsync;
use crate::following::Primary;
use crate::pubsub::{OutputLimit, OutputLimits};
use commands::{Compat, EventClass};
use rdb::Target;
use std::path::PathBuf;

/// A kind of setting: `expected` names what `parse` accepts.
pub(super) trait Setting: Sized {
    fn expected() -> String;
    fn parse(text: &str) -> Option<Self>;
    fn print(&self) -> String;
    /// Takes over what `text` says; of a setting in parts, perhaps not all of them.
    fn update(&mut self, text: &str) -> Option<()> {
        *self = Self::parse(text)?;
        Some(())
    }
}

impl Setting for bool {
    fn expected() -> String {
        NOT_A_FLAG.to_owned()
    }
    fn parse(text: &str) -> Option<bool> {
        match text.to_ascii_lowercase().as_str() {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        }
    }
    fn print(&self) -> String {
        if *self { "yes" } else { "no" }.to_owned()
    }
}

/// Not said is printed as `no`: the directory decides only while it is opened.
impl Setting for Option<bool> {
    fn expected() -> String {
        bool::expected()
    }
    fn parse(text: &str) -> Option<Self> {
        bool::parse(text).map(Some)
    }
    fn print(&self) -> String {
        self.unwrap_or(false).print()
    }
}

macro_rules! integer_setting {
    ($($int:ty),*) => {$(
        impl Setting for $int {
            fn expected() -> String {
                "argument couldn't be parsed into an integer".to_owned()
            }
            fn parse(text: &str) -> Option<$int> {
                <$int>::try_from(parse_memory(text)?).ok()
            }
            fn print(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

integer_setting!(i32, i64, u32, u64, usize);

/// A number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Within<const MIN: u32, const MAX: u32>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> Setting for Within<MIN, MAX> {
    fn expected() -> String {
        format!("argument must be between {MIN} and {MAX} inclusive")
    }
    fn parse(text: &str) -> Option<Self> {
        let number = u32::parse(text)?;
        (MIN..=MAX).contains(&number).then_some(Within(number))
    }
    fn print(&self) -> String {
        self.0.to_string()
    }
}

impl Setting for String {
    fn expected() -> String {
        "argument must be text".to_owned()
    }
    fn parse(text: &str) -> Option<String> {
        Some(text.to_owned())
    }
    fn print(&self) -> String {
        self.clone()
    }
}

impl Setting for PathBuf {
    fn expected() -> String {
        "argument must be a path".to_owned()
    }
    fn parse(text: &str) -> Option<PathBuf> {
        Some(PathBuf::from(text))
    }
    fn print(&self) -> String {
        self.display().to_string()
    }
}

impl Setting for Option<Primary> {
    fn expected() -> String {
        "Invalid master port, or wrong number of arguments".to_owned()
    }
    fn parse(text: &str) -> Option<Self> {
        Primary::parse(text)
    }
    fn print(&self) -> String {
        let primary = self.as_ref();
        primary.map_or(String::new(), |Primary { host, port }| {
            format!("{host} {port}")
        })
    }
}

impl Setting for Percentiles {
    fn expected() -> String {
        "argument must be percentages from 0 to 100".to_owned()
    }
    fn parse(text: &str) -> Option<Self> {
        Percentiles::parse(text)
    }
    fn print(&self) -> String {
        self.print()
    }
}

impl Setting for Vec<SavePoint> {
    fn expected() -> String {
        "Invalid save parameters".to_owned()
    }
    fn parse(text: &str) -> Option<Self> {
        SavePoint::parse(text)
    }
    fn print(&self) -> String {
        SavePoint::print(self)
    }
}

/// One of some words, which the type lists as `NAMES`.
macro_rules! named_setting {
    ($($named:ty),*) => {$(
        impl Setting for $named {
            fn expected() -> String {
                not_one_of(&<$named>::NAMES.map(|(name, _)| name))
            }
            fn parse(text: &str) -> Option<$named> {
                let mut names = <$named>::NAMES.into_iter();
                names
                    .find(|(name, _)| name.eq_ignore_ascii_case(text))
                    .map(|(_, named)| named)
            }
            fn print(&self) -> String {
                let mut names = <$named>::NAMES.into_iter();
                let own = names.find(|(_, named)| named == self);
                own.map_or("", |(name, _)| name).to_owned()
            }
        }
    )*};
}

named_setting!(Allowed, ChannelsByDefault, Policy, Compat, Fsync);

/// `auto`, or the name of a target.
impl Setting for Option<Target> {
    fn expected() -> String {
        "argument must be 'auto' or a target such as redis-7.0, redis-7.2, redis-7.4, valkey-9"
            .to_owned()
    }
    fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("auto") {
            Some(None)
        } else {
            text.parse().ok().map(Some)
        }
    }
    fn print(&self) -> String {
        self.map_or("auto".to_owned(), |target| target.to_string())
    }
}

impl Setting for EventClass {
    fn expected() -> String {
        "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".to_owned()
    }
    fn parse(text: &str) -> Option<EventClass> {
        EventClass::from_letters(text)
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

/// `class hard soft seconds`, any number of times; classes that are not named keep their limits.
impl Setting for OutputLimits {
    fn expected() -> String {
        "Error in hard, soft or soft_seconds setting in buffer limit configuration.".to_owned()
    }
    fn parse(text: &str) -> Option<OutputLimits> {
        let mut limits = OutputLimits::default();
        limits.update(text)?;
        Some(limits)
    }
    fn update(&mut self, text: &str) -> Option<()> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (classes, rest) = words.as_chunks();
        if classes.is_empty() || !rest.is_empty() {
            return None;
        }
        for [class, hard, soft, seconds] in classes {
            *self.class_mut(class)? = OutputLimit {
                hard: u64::parse(hard)?,
                soft: u64::parse(soft)?,
                soft_seconds: seconds.parse().ok()?,
            };
        }
        Some(())
    }
    fn print(&self) -> String {
        let class = |(name, limit): (&str, OutputLimit)| {
            let OutputLimit {
                hard,
                soft,
                soft_seconds,
            } = limit;
            format!("{name} {hard} {soft} {soft_seconds}")
        };
        self.classes().map(class).join(" ")
    }
}

/// A number with an optional unit: `k` and `kb`, `m` and `mb`, `g` and `gb` (powers of 1000 and
/// of 1024).
pub(super) fn parse_memory(text: &str) -> Option<i64> {
    let text = text.to_ascii_lowercase();
    let split = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor = match unit {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_has_units_of_both_kinds() {
        assert_eq!(parse_memory("512mb"), Some(512 << 20));
        assert_eq!(parse_memory("1K"), Some(1000));
        assert_eq!(parse_memory("-2"), Some(-2));
        assert_eq!(parse_memory("1x"), None);
        assert_eq!(parse_memory("9223372036854775807gb"), None);
    }

    #[test]
    fn output_limits_change_class_by_class() {
        let mut limits = OutputLimits::default();
        assert_eq!(limits.update("pubsub 1mb 2kb 3"), Some(()));
        assert_eq!(
            limits.print(),
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 2048 3"
        );
        for wrong in ["", "pubsub 1mb 2kb", "nobody 1 2 3", "normal x 0 0"] {
            assert_eq!(limits.update(wrong), None, "{wrong}");
        }
    }
}
