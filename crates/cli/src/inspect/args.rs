//! Arguments of `inspect`, and the filters that other commands share with it.

use clap::{Args, ValueEnum};
use inspect::{Filter, NameTest, Ttl, Type};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use units::UnixMillis;

/// Of the inspector.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct InspectArgs {
    /// An RDB file, an append-only file, a manifest, a data directory, or - for standard input
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,

    /// What to write
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,

    /// Short for --format json: the summary as one JSON object
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,

    /// Where to write, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) filter: FilterArgs,

    /// How many of the largest keys to tell by each measure
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,

    /// Bytes at which names are cut into prefixes
    #[arg(long, value_name = "BYTES", default_value = ":")]
    pub(crate) separators: String,

    /// Tell how keys spread over the cluster's slots
    #[arg(long)]
    pub(crate) by_slot: bool,

    /// The Unix time in seconds from which deadlines are seen; by default that of the file
    #[arg(long, value_name = "SECONDS")]
    pub(crate) at: Option<i64>,

    /// In JSON lines: byte strings over 300 bytes whole, not as length and SHA-256
    #[arg(long)]
    pub(crate) whole: bool,

    /// In JSON lines: no values
    #[arg(long)]
    pub(crate) keys_only: bool,

    /// In JSON lines: memory, elements and bytes in the file after each value
    #[arg(long)]
    pub(crate) figures: bool,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A summary in tables
    Text,
    /// The summary as one JSON object
    Json,
    /// A report as one HTML page, which needs no network
    Html,
    /// Keys with their values as JSON lines
    Jsonl,
    /// Keys with their sizes as comma-separated values
    Csv,
    /// Keys with their sizes as Apache Parquet
    #[cfg(feature = "parquet")]
    Parquet,
    /// Commands that make the keys, as in an append-only file and for redis-cli --pipe
    Resp,
}

/// Which keys are looked at.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct FilterArgs {
    /// Only this database; may be repeated
    #[arg(short = 'n', long = "db", value_name = "DB")]
    pub(crate) dbs: Vec<u32>,

    /// Only this type: string, list, set, hash, zset, stream or module; may be repeated
    #[arg(short = 't', long = "type", value_name = "TYPE", value_parser = type_named)]
    pub(crate) types: Vec<Type>,

    /// Only keys that fit this pattern, as KEYS takes it
    #[arg(long = "match", value_name = "GLOB", group = "name")]
    pub(crate) glob: Option<String>,

    /// Only keys in which this regular expression finds something
    #[arg(long, value_name = "REGEX", group = "name", value_parser = regex::bytes::Regex::new)]
    pub(crate) regex: Option<regex::bytes::Regex>,

    /// Only keys with a deadline
    #[arg(long, group = "ttl")]
    pub(crate) volatile: bool,

    /// Only keys without a deadline
    #[arg(long, group = "ttl")]
    pub(crate) persistent: bool,

    /// Only keys whose deadline comes before this Unix time in seconds
    #[arg(long, group = "ttl", value_name = "SECONDS")]
    pub(crate) expires_before: Option<i64>,

    /// Only keys of at least so much memory: bytes, or with k, m or g
    #[arg(long, value_name = "BYTES", value_parser = size)]
    pub(crate) min_memory: Option<u64>,

    /// Only keys of at most so much memory
    #[arg(long, value_name = "BYTES", value_parser = size)]
    pub(crate) max_memory: Option<u64>,

    /// Only keys of these cluster slots: 5 or 0-5460; may be repeated
    #[arg(long = "slot", value_name = "SLOTS", value_parser = slots)]
    pub(crate) slots: Vec<RangeInclusive<u16>>,
}

const HELP: &str = "\
Nothing is loaded: the file is read once, in blocks, in a few MiB of memory.

Exit code: 0 all was read, 1 it is damaged (what came before is told), 2 it could not be read.

Examples:
  duramen inspect dump.rdb
  duramen inspect /var/lib/redis                   the append-only file, or else dump.rdb
  ssh db cat /var/lib/redis/dump.rdb | duramen inspect -
  duramen inspect --format html -o report.html dump.rdb
  duramen inspect --format jsonl --match 'user:*' dump.rdb
  duramen inspect --format csv --type hash --min-memory 1m dump.rdb
  duramen inspect --format resp -n 3 dump.rdb | redis-cli --pipe
  duramen inspect --json dump.rdb | jq '.top_memory[0]'";

impl FilterArgs {
    /// The filter that was asked for.
    pub(crate) fn filter(&self) -> Filter {
        Filter {
            dbs: self.dbs.clone(),
            types: self.types.clone(),
            name: self.name_test(),
            ttl: self.ttl(),
            slots: self.slots.clone(),
            memory_min: self.min_memory,
            memory_max: self.max_memory,
        }
    }

    fn name_test(&self) -> Option<NameTest> {
        if let Some(regex) = self.regex.clone() {
            return Some(Box::new(move |name| regex.is_match(name)));
        }
        let glob = self.glob.clone()?.into_bytes();
        Some(Box::new(move |name| commands::glob::matches(&glob, name)))
    }

    fn ttl(&self) -> Option<Ttl> {
        match self.expires_before {
            Some(secs) => Some(Ttl::Until(millis(secs))),
            None if self.volatile => Some(Ttl::Some),
            None => self.persistent.then_some(Ttl::Never),
        }
    }
}

/// A point in time from Unix seconds.
pub(crate) fn millis(secs: i64) -> UnixMillis {
    UnixMillis::from_secs(secs).unwrap_or(UnixMillis(i64::MAX))
}

fn type_named(name: &str) -> Result<Type, String> {
    Type::named(name).ok_or_else(|| {
        let names: Vec<&str> = Type::ALL.iter().map(|kind| kind.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// A number of bytes; `k`, `m`, `g` and `t` are powers of 1,024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let end = text.find(|character: char| !character.is_ascii_digit());
    let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => Some(1_u64),
        "k" | "kb" | "kib" => Some(1 << 10),
        "m" | "mb" | "mib" => Some(1 << 20),
        "g" | "gb" | "gib" => Some(1 << 30),
        "t" | "tb" | "tib" => Some(1 << 40),
        _ => None,
    };
    let count = digits.parse::<u64>().ok();
    let bytes = count.zip(factor);
    let bytes = bytes.and_then(|(count, factor)| count.checked_mul(factor));
    bytes.ok_or_else(|| "expected a number of bytes, such as 4096 or 64m".to_owned())
}

/// A slot, or a range of them.
pub(crate) fn slots(text: &str) -> Result<RangeInclusive<u16>, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) if first <= last && usize::from(last) < inspect::slot::SLOTS => {
            Ok(first..=last)
        }
        _ => Err("expected a slot or a range of them, 0 to 16383".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_slots_are_numbers_within_bounds() {
        assert_eq!(size("64"), Ok(64));
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("2kb"), Ok(2048));
        assert!(size("5mk").is_err() && size("5i").is_err() && size("-5").is_err());
        assert!(size("x").is_err() && size("").is_err() && size("99999999999g").is_err());
        assert_eq!(slots("5"), Ok(5..=5));
        assert_eq!(slots("0-16383"), Ok(0..=16_383));
        assert!(slots("16384").is_err() && slots("6-5").is_err() && slots("a").is_err());
    }
}
