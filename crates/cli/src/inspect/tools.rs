//! `get`, `diff`, `convert`, `merge`, `split`, `redact` and `repair`: arguments to the crate `inspect`,
//! and what it did to people or programs.

use super::args::FilterArgs;
use super::progress::Progress;
use super::{conclude, output};
use clap::{Args, ValueEnum};
use duramen::storage::{Os, Storage as _};
use inspect::diff::{DiffFormat, diff};
use inspect::export::{Commands, JsonOptions, JsonRows, Output};
use inspect::lookup::{Index, index_path};
use inspect::redact::Redactor;
use inspect::report::{bytes, number, printable};
use inspect::rewrite::{Keep, Rewrite, Rewritten, Route, Salvage, Scan, Written};
use inspect::{Error, Filter, files};
use rdb::Target;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Of looking a key up.
#[derive(Debug, Args)]
#[command(after_help = GET_HELP)]
pub(crate) struct GetArgs {
    /// An RDB file
    file: PathBuf,
    /// The key
    key: String,
    /// Its database
    #[arg(short = 'n', long, default_value_t = 0)]
    db: u32,
    /// As commands, not as a JSON line
    #[arg(long)]
    resp: bool,
    /// Where the index is; by default beside the file, with .idx behind its name
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
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
    first: PathBuf,
    /// Another
    second: PathBuf,
    /// Differences as JSON lines
    #[arg(long, group = "look")]
    json: bool,
    /// Differences as the commands that make the second of the first
    #[arg(long, group = "look")]
    patch: bool,
    #[command(flatten)]
    filter: FilterArgs,
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
    to: Option<Target>,
    /// Leave out what the target cannot hold, and say so
    #[arg(long)]
    lossy: bool,
    /// Do not compress strings
    #[arg(long)]
    no_compress: bool,
    /// What was done, as JSON
    #[arg(long)]
    json: bool,
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
    input: PathBuf,
    /// The new file; it must not exist
    output: PathBuf,
    #[command(flatten)]
    write: WriteArgs,
}

const CONVERT_HELP: &str = "\
Exit code: 0 the new file is whole, 1 the input is damaged, 2 it could not be read or written, or holds
what the target cannot (see --lossy). A new file appears when it is complete, and not otherwise.

Examples:
  duramen convert --to redis-7.0 dump8.rdb dump7.rdb
  duramen convert --to valkey-9 --lossy dump.rdb new.rdb";

/// Of a merger.
#[derive(Debug, Args)]
#[command(after_help = MERGE_HELP)]
pub(crate) struct MergeArgs {
    /// RDB files
    #[arg(required = true, num_args = 1..)]
    inputs: Vec<PathBuf>,
    /// The new file; it must not exist
    #[arg(short, long)]
    output: PathBuf,
    /// Which of two keys of one name stays
    #[arg(long, value_enum, default_value_t = KeepArg::Last)]
    keep: KeepArg,
    #[command(flatten)]
    write: WriteArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KeepArg {
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
    input: PathBuf,
    /// The directory of the new files; it must exist
    dir: PathBuf,
    /// A file for each range of slots, such as 0-5460,5461-10922,10923-16383; or for so many equal ones
    #[arg(long, value_name = "RANGES", value_parser = ranges)]
    slots: Option<Ranges>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Ranges of slots.
#[derive(Debug, Clone)]
pub(crate) struct Ranges(Vec<RangeInclusive<u16>>);

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
    input: PathBuf,
    /// The new file; it must not exist
    output: PathBuf,
    /// A file with the secret; by default one is drawn and forgotten
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    #[command(flatten)]
    write: WriteArgs,
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
    input: PathBuf,
    /// The new file; it must not exist
    output: PathBuf,
    /// What was lost, as JSON
    #[arg(long)]
    json: bool,
}

const REPAIR_HELP: &str = "\
Saves the records before each damage and those behind it, in a new file. The input is never changed.

Exit code: 0 nothing was wrong, 1 something was, and what could be was saved, 2 nothing was saved.

Examples:
  duramen repair damaged.rdb saved.rdb";

/// Looks a key up.
pub(crate) fn get(args: &GetArgs) -> ExitCode {
    match look_up(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("duramen: no such key in database {}", args.db);
            ExitCode::FAILURE
        }
        Err(error) => conclude(Err(error)),
    }
}

fn look_up(args: &GetArgs) -> Result<bool, Error> {
    let path = args.index.clone();
    let path = path.unwrap_or_else(|| index_path(&args.file));
    let mut progress = Progress::new(Os.stamp(&args.file)?.map(|stamp| stamp.len));
    let told = |bytes| progress.add(bytes);
    let index = Index::open(&Os, &args.file, &path, &std::env::temp_dir(), told)?;
    let (name, out) = (args.key.as_bytes(), Output::new(output(None)?, false));
    if args.resp {
        let mut commands = Commands::new(out);
        let found = index.get(args.db, name, &mut commands)?;
        commands.finish().map_err(Error::Write)?;
        return Ok(found);
    }
    let options = JsonOptions {
        whole: true,
        figures: true,
        ..JsonOptions::default()
    };
    let mut rows = JsonRows::new(out, options);
    let found = index.get(args.db, name, &mut rows)?;
    rows.finish().map_err(Error::Write)?;
    Ok(found)
}

/// Compares; the exit code is that of diff(1).
pub(crate) fn compare(args: &DiffArgs) -> ExitCode {
    let format = match (args.json, args.patch) {
        (true, _) => DiffFormat::Json,
        (_, true) => DiffFormat::Patch,
        _ => DiffFormat::Text,
    };
    let filter = args.filter.filter();
    let temp = std::env::temp_dir();
    let counts = files(&Os, &args.first).and_then(|first| {
        let second = files(&Os, &args.second)?;
        diff(
            &Os,
            &temp,
            [&first, &second],
            &filter,
            format,
            output(None)?,
        )
    });
    match counts {
        Ok(counts) => {
            let all = [counts.same, counts.added, counts.removed, counts.changed];
            let [same, added, removed, changed] = all.map(number);
            eprintln!(
                "{same} keys are the same, {added} added, {removed} removed, {changed} changed"
            );
            ExitCode::from(u8::from(!counts.is_same()))
        }
        Err(error) => {
            eprintln!("duramen: {error}");
            ExitCode::from(2)
        }
    }
}

/// Writes a file for another target.
pub(crate) fn convert(args: &ConvertArgs) -> ExitCode {
    let filter = Filter::default();
    let route = Route::One(args.output.clone());
    let rewrite = rewrite(&args.write, &filter, route);
    conclude(run(
        rewrite,
        std::slice::from_ref(&args.input),
        args.write.json,
    ))
}

/// Makes one file of several.
pub(crate) fn merge(args: &MergeArgs) -> ExitCode {
    let filter = Filter::default();
    let route = Route::One(args.output.clone());
    let mut rewrite = rewrite(&args.write, &filter, route);
    rewrite.keep = match args.keep {
        KeepArg::First => Keep::First,
        KeepArg::Last => Keep::Last,
    };
    conclude(run(rewrite, &args.inputs, args.write.json))
}

/// Makes several files of one.
pub(crate) fn split(args: &SplitArgs) -> ExitCode {
    let filter = Filter::default();
    let dir = args.dir.clone();
    let route = match &args.slots {
        Some(Ranges(ranges)) => Route::Slots(dir, ranges.clone()),
        None => Route::Dbs(dir),
    };
    let rewrite = rewrite(&args.write, &filter, route);
    conclude(run(
        rewrite,
        std::slice::from_ref(&args.input),
        args.write.json,
    ))
}

/// Writes a file with other names and values.
pub(crate) fn redact(args: &RedactArgs) -> ExitCode {
    let outcome = secret(args.secret.as_deref()).and_then(|secret| {
        let filter = Filter::default();
        let route = Route::One(args.output.clone());
        let mut rewrite = rewrite(&args.write, &filter, route);
        rewrite.redactor = Some(Redactor::new(&secret));
        run(rewrite, std::slice::from_ref(&args.input), args.write.json)
    });
    conclude(outcome)
}

/// The secret in a file, or one that nobody knows.
fn secret(path: Option<&Path>) -> Result<Vec<u8>, Error> {
    const SECRET_BYTES_MAX: u64 = 1 << 20;
    if let Some(path) = path {
        return Ok(duramen::storage::read(&Os, path, SECRET_BYTES_MAX)?);
    }
    let random = Path::new("/dev/urandom");
    let (mut source, _) = inspect::open(&Os, random, |_| {})?;
    let mut secret = vec![0; 32];
    let read = source.read_exact(&mut secret);
    read.map_err(|source| Error::Read {
        path: random.to_owned(),
        source,
    })?;
    Ok(secret)
}

fn rewrite<'a>(args: &WriteArgs, filter: &'a Filter, route: Route) -> Rewrite<'a> {
    Rewrite {
        target: args.to,
        compress: !args.no_compress,
        lossy: args.lossy,
        filter,
        redactor: None,
        route,
        keep: Keep::Last,
    }
}

fn run(rewrite: Rewrite<'_>, inputs: &[PathBuf], json: bool) -> Result<(), Error> {
    let mut total = 0;
    for input in inputs {
        total += Os.stamp(input)?.map_or(0, |stamp| stamp.len);
    }
    let mut progress = Progress::new(Some(total));
    let mut told = |bytes| progress.add(bytes);
    let done = rewrite.run(&Os, &std::env::temp_dir(), inputs, &mut told)?;
    drop(progress);
    say(&match json {
        true => format!("{:#}\n", rewritten_json(&done)),
        false => rewritten_text(&done),
    })
}

fn say(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(Error::Write)
}

fn rewritten_text(done: &Rewritten) -> String {
    let mut text: String = done.files.iter().map(written_text).collect();
    for (count, what) in [
        (
            done.duplicates,
            "keys left out because their name came again",
        ),
        (
            done.opaque,
            "functions and records of modules could not be redacted",
        ),
    ] {
        if count > 0 {
            text.push_str(&format!("{} {what}\n", number(count)));
        }
    }
    text
}

fn written_text(file: &Written) -> String {
    let (keys, len) = (number(file.keys), bytes(file.len));
    let mut text = format!("{}: {keys} keys, {len}\n", file.path.display());
    for row in file.losses.rows() {
        let first = match row.first_key.is_empty() {
            true => String::new(),
            false => format!(", first in \"{}\"", printable(&row.first_key)),
        };
        let count = number(row.count);
        text.push_str(&format!("  lost: {count} times {}{first}\n", row.what));
    }
    text
}

fn rewritten_json(done: &Rewritten) -> Value {
    json!({
        "files": done.files.iter().map(written_json).collect::<Vec<_>>(),
        "duplicates": done.duplicates,
        "opaque": done.opaque,
    })
}

fn written_json(file: &Written) -> Value {
    let losses = file.losses.rows().iter().map(|row| {
        let what = row.what.to_string();
        json!({"what": what, "count": row.count, "first_key": printable(&row.first_key)})
    });
    json!({
        "path": file.path.to_string_lossy(),
        "keys": file.keys,
        "bytes": file.len,
        "losses": losses.collect::<Vec<_>>(),
    })
}

/// Saves what can be saved.
pub(crate) fn repair(args: &RepairArgs) -> ExitCode {
    let saved = Scan::of(&Os, &args.input).and_then(|scan| {
        let sound = scan.is_sound();
        Ok((sound, scan.write(&Os, &args.output)?))
    });
    match saved {
        Ok((sound, salvage)) => {
            let text = match args.json {
                true => format!("{:#}\n", salvage_json(&salvage)),
                false => salvage_text(&salvage),
            };
            match say(&text) {
                Ok(()) => ExitCode::from(u8::from(!sound)),
                error => conclude(error),
            }
        }
        Err(error) => {
            eprintln!("duramen: {error}");
            ExitCode::from(2)
        }
    }
}

fn salvage_text(salvage: &Salvage) -> String {
    let mut text = written_text(&salvage.file);
    for lost in &salvage.lost {
        let key = match &lost.key {
            Some(key) => format!(", in the value of \"{}\"", printable(key)),
            None => String::new(),
        };
        text.push_str(&format!(
            "  lost: {} bytes from byte {} on{key}: {}\n",
            number(lost.len),
            lost.offset,
            lost.what
        ));
    }
    if let Some(checksum) = &salvage.checksum {
        text.push_str(&format!("  some value may be wrong: {checksum}\n"));
    }
    text
}

fn salvage_json(salvage: &Salvage) -> Value {
    let lost = salvage.lost.iter().map(|lost| {
        let key = lost.key.as_deref().map(printable);
        json!({"offset": lost.offset, "bytes": lost.len, "key": key, "what": lost.what})
    });
    json!({
        "file": written_json(&salvage.file),
        "lost": lost.collect::<Vec<_>>(),
        "checksum": salvage.checksum,
    })
}

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
