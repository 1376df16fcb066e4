//! `get`, `diff`, `convert`, `merge`, `split`, `redact` and `repair`: what the crate `inspect` did, told
//! to people or programs.

use super::progress::Progress;
use super::tool_args::{
    ConvertArgs, DiffArgs, GetArgs, KeepArg, MergeArgs, Ranges, RedactArgs, RepairArgs, SplitArgs,
    WriteArgs,
};
use super::{conclude, output};
use duramen::storage::{Os, Storage as _};
use inspect::diff::{DiffFormat, diff};
use inspect::export::{Commands, JsonOptions, JsonRows, Output};
use inspect::lookup::{Index, index_path};
use inspect::redact::Redactor;
use inspect::report::{bytes, number, printable};
use inspect::rewrite::{Keep, Rewrite, Rewritten, Route, Salvage, Scan, Written};
use inspect::{Error, Filter, files};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

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
        let mut progress = Progress::of(first.iter().chain(&second))?;
        let (sides, out) = ([&*first, &*second], output(None)?);
        let told = &mut |bytes| progress.add(bytes);
        diff(&Os, &temp, sides, &filter, format, out, told)
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
        // What is compressed already packs badly.
        compress: !args.no_compress && !args.lz4,
        archive: args.lz4,
        lossy: args.lossy,
        filter,
        redactor: None,
        route,
        keep: Keep::Last,
    }
}

fn run(rewrite: Rewrite<'_>, inputs: &[PathBuf], json: bool) -> Result<(), Error> {
    let mut progress = Progress::of(inputs)?;
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
    let saved = Scan::of(&Os, &args.input)
        .and_then(|scan| scan.write(&Os, &std::env::temp_dir(), &args.output));
    match saved {
        Ok(salvage) => {
            let text = match args.json {
                true => format!("{:#}\n", salvage_json(&salvage)),
                false => salvage_text(&salvage),
            };
            match say(&text) {
                Ok(()) => ExitCode::from(u8::from(!salvage.is_sound())),
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
    let repeated = salvage.repeated;
    for (count, what) in [(repeated.keys, "keys"), (repeated.elements, "elements")] {
        if count > 0 {
            let count = number(count);
            text.push_str(&format!("  left out: {count} {what} that came before\n"));
        }
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
        "repeated": {"keys": salvage.repeated.keys, "elements": salvage.repeated.elements},
        "checksum": salvage.checksum,
    })
}
