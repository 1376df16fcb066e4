//! Arguments of `get`, `diff`, `convert`, `merge`, `split`, `redact` and `repair`.

use super::args::FilterArgs;
use clap::{Args, ValueEnum};
use rdb::Target;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Of looking a key up.
#[derive(Debug, Args)]
#[command(after_help = GET_HELP)]
pub(crate) struct GetArgs {
    /// An RDB file
    pub(super) file: PathBuf,
    /// The key
    pub(super) key: String,
    /// Its database
    #[arg(short = 'n', long, default_value_t = 0)]
    pub(super) db: u32,
    /// As commands, not as a JSON line
    #[arg(long)]
    pub(super) resp: bool,
    /// Where the index is; by default beside the file, with .idx behind its name
    #[arg(long, value_name = "FILE")]
    pub(super) index: Option<PathBuf>,
}

const GET_HELP: &str = "\
The first look makes an index in one pass over the file, 20 bytes a key; all others take milliseconds.
An index that does not fit its file's length and time is made anew.

Exit code: 0 the key is there, 1 it is not, or the file is damaged, 2 it could not be read.

Examples:
  duramen get dump.rdb user:1001
  duramen get -n 3 --index /tmp/dump.idx dump.rdb queue | jq '.value | length'";

/// Of a comparison.
#[derive(Debug, Args)]
#[command(after_help = DIFF_HELP)]
pub(crate) struct DiffArgs {
    /// An RDB file, or a data directory with one
    pub(super) first: PathBuf,
    /// Another
    pub(super) second: PathBuf,
    /// Differences as JSON lines
    #[arg(long, group = "look")]
    pub(super) json: bool,
    /// Differences as the commands that make the second of the first
    #[arg(long, group = "look")]
    pub(super) patch: bool,
    #[command(flatten)]
    pub(super) filter: FilterArgs,
}

const DIFF_HELP: &str = "\
Keys are compared by type, elements and deadline, whatever order and forms the files have them in.
Sorting goes through files in the temporary directory (TMPDIR), some 50 bytes a key.

Exit code: 0 nothing differs, 1 something does, 2 there was trouble.

Examples:
  duramen diff yesterday.rdb today.rdb
  duramen diff --match 'user:*' a.rdb b.rdb
  duramen diff --patch replica.rdb primary.rdb | redis-cli --pipe";

/// What all new files have in common.
#[derive(Debug, Args)]
pub(crate) struct WriteArgs {
    /// Whom it is for: redis-7.0, redis-8.2, valkey-9 or rdb-10; by default who wrote the first input
    #[arg(long = "to", value_name = "TARGET", value_parser = target)]
    pub(super) to: Option<Target>,
    /// Leave out what the target cannot hold, and say so
    #[arg(long)]
    pub(super) lossy: bool,
    /// Do not compress strings
    #[arg(long)]
    pub(super) no_compress: bool,
    /// Make archives: LZ4 frames, which every command here but get and repair reads, and no server does
    #[arg(long)]
    pub(super) lz4: bool,
    /// What was done, as JSON
    #[arg(long)]
    pub(super) json: bool,
}

fn target(name: &str) -> Result<Target, String> {
    name.parse()
        .map_err(|error: rdb::UnknownTarget| error.to_string())
}

/// Of a conversion.
#[derive(Debug, Args)]
#[command(after_help = CONVERT_HELP)]
pub(crate) struct ConvertArgs {
    /// An RDB file
    pub(super) input: PathBuf,
    /// The new file; it must not exist
    pub(super) output: PathBuf,
    #[command(flatten)]
    pub(super) write: WriteArgs,
}

const CONVERT_HELP: &str = "\
Exit code: 0 the new file is whole, 1 the input is damaged, 2 it could not be read or written, or holds
what the target cannot (see --lossy). A new file appears when it is complete, and not otherwise.

Examples:
  duramen convert --to redis-7.0 dump8.rdb dump7.rdb
  duramen convert --to valkey-9 --lossy dump.rdb new.rdb
  duramen convert --lz4 dump.rdb dump.rdb.lz4        and back: duramen convert dump.rdb.lz4 dump.rdb";

/// Of a merger.
#[derive(Debug, Args)]
#[command(after_help = MERGE_HELP)]
pub(crate) struct MergeArgs {
    /// RDB files
    #[arg(required = true, num_args = 1..)]
    pub(super) inputs: Vec<PathBuf>,
    /// The new file; it must not exist
    #[arg(short, long)]
    pub(super) output: PathBuf,
    /// Which of two keys of one name stays
    #[arg(long, value_enum, default_value_t = KeepArg::Last)]
    pub(super) keep: KeepArg,
    #[command(flatten)]
    pub(super) write: WriteArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum KeepArg {
    /// That of the earlier file
    First,
    /// That of the later file
    Last,
}

const MERGE_HELP: &str = "\
Examples:
  duramen merge -o all.rdb shard-0.rdb shard-1.rdb shard-2.rdb
  duramen merge --keep first -o all.rdb important.rdb rest.rdb";

/// Of a division.
#[derive(Debug, Args)]
#[command(after_help = SPLIT_HELP)]
pub(crate) struct SplitArgs {
    /// An RDB file
    pub(super) input: PathBuf,
    /// The directory of the new files; it must exist
    pub(super) dir: PathBuf,
    /// A file for each range of slots, such as 0-5460,5461-10922,10923-16383; or for so many equal ones
    #[arg(long, value_name = "RANGES", value_parser = ranges)]
    pub(super) slots: Option<Ranges>,
    #[command(flatten)]
    pub(super) write: WriteArgs,
}

/// Ranges of slots.
#[derive(Debug, Clone)]
pub(crate) struct Ranges(pub(super) Vec<RangeInclusive<u16>>);

const SPLIT_HELP: &str = "\
Without --slots there is a file for each database.

Examples:
  duramen split dump.rdb parts/                  parts/db-0.rdb, parts/db-1.rdb ...
  duramen split --slots 3 dump.rdb parts/        for a cluster of three";

/// Of a redaction.
#[derive(Debug, Args)]
#[command(after_help = REDACT_HELP)]
pub(crate) struct RedactArgs {
    /// An RDB file
    pub(super) input: PathBuf,
    /// The new file; it must not exist
    pub(super) output: PathBuf,
    /// A file with the secret; by default one is drawn and forgotten
    #[arg(long, value_name = "FILE")]
    pub(super) secret: Option<PathBuf>,
    #[command(flatten)]
    pub(super) write: WriteArgs,
}

const REDACT_HELP: &str = "\
Names and values become others of the same length: digits become digits, letters letters of the same
case, bytes from 0x80 up others of those; everything else stays, and so do scores, deadlines, ids and
encodings. Equal texts stay equal under one secret, names keep common beginnings. Functions and values
of modules are left out.

Examples:
  duramen redact dump.rdb to-share.rdb
  duramen redact --secret key.bin monday.rdb a.rdb && duramen redact --secret key.bin tuesday.rdb b.rdb";

/// Of a repair.
#[derive(Debug, Args)]
#[command(after_help = REPAIR_HELP)]
pub(crate) struct RepairArgs {
    /// An RDB file
    pub(super) input: PathBuf,
    /// The new file; it must not exist
    pub(super) output: PathBuf,
    /// What was lost, as JSON
    #[arg(long)]
    pub(super) json: bool,
}

const REPAIR_HELP: &str = "\
Saves the records before each damage and those behind it, in a new file. The input is never changed.

Exit code: 0 nothing was wrong, 1 something was, and what could be was saved, 2 nothing was saved.

Examples:
  duramen repair damaged.rdb saved.rdb";

/// Ranges of slots, or how many equal ones.
fn ranges(text: &str) -> Result<Ranges, String> {
    let slots = inspect::slot::SLOTS;
    if let Ok(count) = text.parse::<usize>() {
        let bounds = |part: usize| u16::try_from(part * slots / count).unwrap_or(u16::MAX);
        return match count {
            1..=1024 => Ok(Ranges(
                (0..count)
                    .map(|part| bounds(part)..=bounds(part + 1) - 1)
                    .collect(),
            )),
            _ => Err("expected 1 to 1024 parts".to_owned()),
        };
    }
    let ranges = text.split(',').map(super::args::slots);
    Ok(Ranges(ranges.collect::<Result<Vec<_>, String>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_all_slots() {
        assert_eq!(
            ranges("3").unwrap().0,
            [0..=5460, 5461..=10_921, 10_922..=16_383]
        );
        assert_eq!(ranges("1").unwrap().0, [0..=16_383]);
        assert_eq!(ranges("0-9,20-29").unwrap().0, [0..=9, 20..=29]);
        assert!(ranges("0").is_err() && ranges("0-9,x").is_err());
    }
}
