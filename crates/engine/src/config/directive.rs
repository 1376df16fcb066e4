//! Settings that are kept and answered as text: a front-end's own, and those of `redis.conf` that
//! mean nothing here but that clients and configuration files speak of.

use super::table::Marks;
use super::value::parse_memory;
use std::collections::BTreeMap;

/// A setting of `redis.conf` that the engine checks, keeps and answers, and does nothing about.
#[derive(Debug, Clone, Copy)]
pub struct Directive {
    pub(super) name: &'static str,
    pub(super) alias: Option<&'static str>,
    kind: DirectiveKind,
    default: &'static str,
    pub(super) marks: Marks,
}

/// What values a [`Directive`] takes.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum DirectiveKind {
    /// `yes` or `no`.
    Flag,
    /// A whole number from the first to the second.
    Number(i64, i64),
    /// The same in octal digits.
    Octal(i64, i64),
    /// A number of bytes from the first to the second, perhaps with a unit (`1gb`).
    Bytes(i64, i64),
    /// A number of bytes, or `0%` to `100%`.
    BytesOrPercent,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Some of these words, kept in their order here.
    SomeOf(&'static [&'static str]),
    /// Anything.
    Text,
    /// What the function takes, in the form that it returns; or why not.
    Checked(fn(&str) -> Result<String, String>),
}

impl Directive {
    /// A setting `name` that may change at any time. `default` is taken unseen.
    pub const fn new(name: &'static str, kind: DirectiveKind, default: &'static str) -> Directive {
        Directive {
            name,
            alias: None,
            kind,
            default,
            marks: Marks::empty(),
        }
    }

    /// An older name that works as well.
    pub const fn or(self, alias: &'static str) -> Directive {
        Directive {
            alias: Some(alias),
            ..self
        }
    }

    /// It can be chosen only before the engine is opened.
    pub const fn immutable(self) -> Directive {
        self.marked(Marks::IMMUTABLE)
    }

    /// `CONFIG GET` shows it only to who knows its whole name.
    pub const fn hidden(self) -> Directive {
        self.marked(Marks::HIDDEN)
    }

    /// A line may have several words for it.
    pub const fn words(self) -> Directive {
        self.marked(Marks::WORDS)
    }

    const fn marked(self, mark: Marks) -> Directive {
        Directive {
            marks: self.marks.union(mark),
            ..self
        }
    }

    /// `text` as it is kept, or what it should have been.
    fn read(&self, text: &str) -> Result<String, String> {
        use DirectiveKind::{Bytes, BytesOrPercent, Checked, Flag, Number, Octal, OneOf, SomeOf};
        match self.kind {
            Flag => one_of(&["yes", "no"], text).ok_or_else(|| NOT_A_FLAG.to_owned()),
            Number(min, max) => number(text.parse().ok(), (min, max), NOT_A_NUMBER),
            Octal(min, max) => octal(text, min, max),
            Bytes(min, max) => number(parse_memory(text), (min, max), NOT_BYTES),
            BytesOrPercent => bytes_or_percent(text),
            OneOf(words) => one_of(words, text).ok_or_else(|| not_one_of(words)),
            SomeOf(words) => some_of(words, text).ok_or_else(|| not_one_of(words)),
            DirectiveKind::Text => Ok(text.to_owned()),
            Checked(check) => check(text),
        }
    }
}

pub(super) const NOT_A_FLAG: &str = "argument must be 'yes' or 'no'";
const NOT_A_NUMBER: &str = "argument couldn't be parsed into an integer";
const NOT_BYTES: &str = "argument must be a memory value";

/// The refusal of a word that is none of these.
pub(super) fn not_one_of(words: &[&str]) -> String {
    let words = words.join(", ");
    format!("argument(s) must be one of the following: {words}")
}

fn one_of(words: &[&str], text: &str) -> Option<String> {
    let word = words.iter().find(|word| word.eq_ignore_ascii_case(text));
    word.map(|word| (*word).to_owned())
}

fn some_of(words: &[&str], text: &str) -> Option<String> {
    let said: Option<Vec<String>> = text
        .split_whitespace()
        .map(|word| one_of(words, word))
        .collect();
    let said = said.filter(|said| !said.is_empty())?;
    let kept = words.iter().filter(|word| said.iter().any(|s| s == *word));
    Some(kept.copied().collect::<Vec<_>>().join(" "))
}

fn number(parsed: Option<i64>, (min, max): (i64, i64), wrong: &str) -> Result<String, String> {
    let number = parsed.ok_or(wrong)?;
    match (min..=max).contains(&number) {
        true => Ok(number.to_string()),
        false => Err(format!(
            "argument must be between {min} and {max} inclusive"
        )),
    }
}

fn octal(text: &str, min: i64, max: i64) -> Result<String, String> {
    let wrong = |_| "argument couldn't be parsed as an octal number".to_owned();
    let number = i64::from_str_radix(text, 8).map_err(wrong)?;
    match (min..=max).contains(&number) {
        true => Ok(format!("{number:o}")),
        false => Err(format!(
            "argument must be between {min:o} and {max:o} inclusive"
        )),
    }
}

fn bytes_or_percent(text: &str) -> Result<String, String> {
    let percent = text.strip_suffix('%');
    let Some(percent) = percent.and_then(|digits| digits.parse::<u64>().ok()) else {
        let wrong = "argument must be a memory or percent value";
        return number(parse_memory(text), (0, i64::MAX), wrong);
    };
    match percent {
        0..=100 => Ok(format!("{percent}%")),
        _ => Err("percentage argument must be less or equal to 100".to_owned()),
    }
}

/// Directives with what they are set to.
#[derive(Debug, Clone)]
pub(crate) struct Kept(BTreeMap<&'static str, (Directive, String)>);

impl Kept {
    pub(super) fn new(directives: &[Directive]) -> Kept {
        let mut kept = Kept(BTreeMap::new());
        kept.add(directives);
        kept
    }

    /// Adds directives, set to their defaults.
    pub(crate) fn add(&mut self, directives: &[Directive]) {
        for row in directives {
            self.0.insert(row.name, (*row, row.default.to_owned()));
        }
    }

    pub(super) fn directives(&self) -> impl Iterator<Item = Directive> + '_ {
        self.0.values().map(|(row, _)| *row)
    }

    /// The same directives, set to their defaults.
    pub(super) fn defaults(&self) -> Kept {
        Kept::new(&self.directives().collect::<Vec<_>>())
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |(_, value)| value)
    }

    pub(super) fn set(&mut self, row: Directive, text: &str) -> Result<(), String> {
        let value = row.read(text)?;
        self.0.insert(row.name, (row, value));
        Ok(())
    }
}

/// By what they are set to: the rest does not change.
impl PartialEq for Kept {
    fn eq(&self, other: &Kept) -> bool {
        let values = |kept: &Kept| kept.0.values().map(|(_, value)| value.clone()).collect();
        let (ours, theirs): (Vec<String>, Vec<String>) = (values(self), values(other));
        ours == theirs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: DirectiveKind, text: &str) -> Result<String, String> {
        Directive::new("x", kind, "").read(text)
    }

    #[test]
    fn values_are_kept_in_one_form() {
        use DirectiveKind::{Bytes, BytesOrPercent, Flag, Number, Octal, OneOf, SomeOf};
        assert_eq!(read(Flag, "YES").unwrap(), "yes");
        assert_eq!(read(Number(0, 5), "5").unwrap(), "5");
        assert_eq!(read(Octal(0, 0o777), "0700").unwrap(), "700");
        assert_eq!(read(Bytes(0, 1 << 40), "1gb").unwrap(), "1073741824");
        assert_eq!(read(BytesOrPercent, "5%").unwrap(), "5%");
        assert_eq!(read(BytesOrPercent, "1kb").unwrap(), "1024");
        assert_eq!(read(OneOf(&["a", "b"]), "B").unwrap(), "b");
        let words = SomeOf(&["save", "nosave", "now"]);
        assert_eq!(read(words, "now nosave").unwrap(), "nosave now");
    }

    #[test]
    fn refusals_are_those_of_redis() {
        use DirectiveKind::{BytesOrPercent, Flag, Number, Octal, SomeOf};
        let refused = |kind, text| read(kind, text).unwrap_err();
        assert_eq!(refused(Flag, "on"), "argument must be 'yes' or 'no'");
        assert_eq!(
            refused(Number(0, 5), "6"),
            "argument must be between 0 and 5 inclusive"
        );
        assert_eq!(refused(Number(0, 5), "1k"), NOT_A_NUMBER);
        assert_eq!(
            refused(Octal(0, 0o777), "1000"),
            "argument must be between 0 and 777 inclusive"
        );
        assert_eq!(
            refused(BytesOrPercent, "200%"),
            "percentage argument must be less or equal to 100"
        );
        for wrong in ["", "never"] {
            assert_eq!(
                refused(SomeOf(&["save", "now"]), wrong),
                "argument(s) must be one of the following: save, now"
            );
        }
    }
}
