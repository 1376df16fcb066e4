//! `restore`: a data directory as it was, told to people or programs.

use clap::Args;
use duramen::{LogHistory, OffsetRange, PastError, Point, Restored, Rfc3339, StretchReport};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Of restoring.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct RestoreArgs {
    /// A data directory with an append-only file; nothing in it is changed
    dir: PathBuf,

    /// Which state: Unix seconds, a time by RFC 3339, offset:N, offset:REPLID:N, or latest
    #[arg(
        long = "to",
        value_name = "POINT",
        required_unless_present = "list",
        requires = "out"
    )]
    to: Option<Point>,

    /// The new data directory; it must not exist
    #[arg(long, value_name = "NEWDIR", requires = "to")]
    out: Option<PathBuf>,

    /// Say which points there are
    #[arg(long, conflicts_with = "to")]
    list: bool,

    /// What was done or found, as JSON
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
The state of a second is that at its end; that of an offset has nothing of a transaction that goes on
behind it. How far back they reach is for aof-history-retention to say, which keeps what rewrites
supersede. NEWDIR gets an appendonlydir that Redis from 7.0 on and Valkey load under appendonly yes.
Keys whose time has come since are gone once it is opened.

Exit code: 0 it is made, 1 the log is damaged, 2 there is no such point, or something could not be read
or written.

Examples:
  duramen restore /var/lib/redis --list
  duramen restore /var/lib/redis --to 2026-11-24T08:14:59Z --out before-the-accident
  duramen restore data --to 1700000000 --out then
  duramen restore data --to offset:48211 --out then      as master_repl_offset of INFO counts
  duramen restore data --to latest --out copy";

/// Restores or lists.
pub(crate) fn run(args: &RestoreArgs) -> ExitCode {
    let outcome = LogHistory::of(&args.dir).and_then(|history| match (&args.to, &args.out) {
        (Some(point), Some(out)) => Ok(told(&history.restore(point, out)?, args.json)),
        _ => {
            let (stretches, times) = (history.stretches()?, history.times()?);
            Ok(listed(&stretches, &times, args.json))
        }
    });
    match outcome {
        Ok(text) => {
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error, args.json),
    }
}

fn refuse(error: &PastError, json: bool) -> ExitCode {
    eprintln!("duramen: {error}");
    if let (true, PastError::Outside { times, offsets, .. }) = (json, error) {
        let offsets: Vec<Value> = offsets.iter().map(range_json).collect();
        println!(
            "{:#}",
            json!({"times": times_json(times), "offsets": offsets})
        );
    }
    let is_damage = match error {
        PastError::Aof(error) => !matches!(error, aof::Error::Storage(_)),
        PastError::Rdb { .. } => true,
        _ => false,
    };
    ExitCode::from(if is_damage { 1 } else { 2 })
}

fn told(restored: &Restored, json: bool) -> String {
    if json {
        return format!("{:#}\n", restored_json(restored));
    }
    let mut text = format!("{}: {} bytes", restored.dir.display(), restored.bytes);
    let _ = write!(text, ", {} commands behind the base", restored.commands);
    if let Some(secs) = restored.reached {
        let _ = write!(text, ", the last of {}", Rfc3339(secs));
    }
    if let Some((replid, offset)) = &restored.offset {
        let _ = write!(text, ", up to offset:{replid}:{offset}");
    }
    text.push('\n');
    text
}

fn restored_json(restored: &Restored) -> Value {
    let offset = restored.offset.as_ref();
    json!({
        "dir": restored.dir,
        "files": restored.files,
        "bytes": restored.bytes,
        "commands": restored.commands,
        "reached": restored.reached,
        "replid": offset.map(|(replid, _)| replid),
        "offset": offset.map(|(_, offset)| offset),
    })
}

fn listed(stretches: &[StretchReport], times: &[(i64, i64)], json: bool) -> String {
    if json {
        let logs: Vec<Value> = stretches.iter().map(stretch_json).collect();
        return format!("{:#}\n", json!({"times": times_json(times), "logs": logs}));
    }
    let mut text = String::new();
    for (from, to) in times {
        let _ = writeln!(
            text,
            "any second from {} to {}",
            Rfc3339(*from),
            Rfc3339(*to)
        );
    }
    stretches
        .iter()
        .for_each(|stretch| tell(stretch, &mut text));
    text
}

fn tell(stretch: &StretchReport, text: &mut String) {
    let time = |secs: Option<i64>| secs.map_or("unknown".to_owned(), |s| Rfc3339(s).to_string());
    let what = match stretch.until {
        Some(until) => format!("kept, superseded {}", Rfc3339(until.secs())),
        None => "the log that counts".to_owned(),
    };
    let _ = write!(
        text,
        "{what}: base of {}, {} commands",
        time(stretch.begins),
        stretch.commands
    );
    if let Some(last) = stretch.last {
        let _ = write!(text, ", the last of {}", Rfc3339(last));
    }
    if stretch.unstamped > 0 {
        let _ = write!(text, ", {} of no known time", stretch.unstamped);
    }
    text.push('\n');
    for range in &stretch.offsets {
        let _ = writeln!(text, "  {range}");
    }
}

fn stretch_json(stretch: &StretchReport) -> Value {
    let offsets: Vec<Value> = stretch.offsets.iter().map(range_json).collect();
    json!({
        "files": stretch.files,
        "superseded_ms": stretch.until.map(|until| until.0),
        "begins": stretch.begins,
        "last": stretch.last,
        "commands": stretch.commands,
        "unstamped": stretch.unstamped,
        "offsets": offsets,
    })
}

fn range_json(range: &OffsetRange) -> Value {
    json!({"replid": range.replid, "from": range.from, "to": range.to})
}

fn times_json(times: &[(i64, i64)]) -> Vec<Value> {
    let range = |(from, to): &(i64, i64)| json!({"from": from, "to": to});
    times.iter().map(range).collect()
}
