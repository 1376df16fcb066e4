//! What is in files, without loading them. The work is the crate `inspect`'s; here are arguments, the
//! terminal and exit codes.

pub(crate) mod args;
pub(crate) mod progress;
pub(crate) mod tool_args;
pub(crate) mod tools;
pub(crate) mod what_if;

use self::args::{Format, InspectArgs, millis};
use self::progress::Progress;
use duramen::storage::{Mode, Os, Storage as _, Writer};
use duramen::{Engine, Reply};
use inspect::export::{Commands, CsvRows, JsonOptions, JsonRows, Output};
use inspect::report::{html, to_json, write_text};
use inspect::summary::KeyPositions;
use inspect::{Error, Filter, Source, Summary, SummaryOptions, Unpacked, Visitor};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Inspects and tells; the exit code says whether all of it could be read.
pub(crate) fn run(args: &InspectArgs) -> ExitCode {
    conclude(inspect(args))
}

/// Tells an error and turns it into an exit code: 1 for damage, 2 for what could not be done.
pub(crate) fn conclude(outcome: Result<(), Error>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has seen enough, such as `head`, is none of our business.
        Err(Error::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("duramen: {error}");
            ExitCode::from(if error.is_damage() { 1 } else { 2 })
        }
    }
}

fn inspect(args: &InspectArgs) -> Result<(), Error> {
    let input = Input::of(&args.path)?;
    let out = output(args.output.as_deref())?;
    let filter = args.filter.filter();
    let output = |out| Output::new(out, filter.waits_for_size());
    match args.format {
        Format::Jsonl => {
            let options = JsonOptions {
                whole: args.whole,
                keys_only: args.keys_only,
                figures: args.figures,
            };
            let mut rows = JsonRows::new(output(out), options);
            let outcome = input.read(&filter, &mut rows);
            rows.finish().map_err(Error::Write)?;
            outcome
        }
        Format::Csv => {
            let mut rows = CsvRows::new(output(out));
            let outcome = input.read(&filter, &mut rows);
            rows.finish().map_err(Error::Write)?;
            outcome
        }
        #[cfg(feature = "parquet")]
        Format::Parquet => {
            let mut rows = inspect::export::ParquetRows::new(out).map_err(Error::Write)?;
            let outcome = input.read(&filter, &mut rows);
            rows.finish().map_err(Error::Write)?;
            outcome
        }
        Format::Resp => {
            let mut commands = Commands::new(output(out));
            let outcome = input.read(&filter, &mut commands);
            let skipped = commands.finish().map_err(Error::Write)?;
            if skipped > 0 {
                eprintln!("duramen: left out {skipped} values of modules");
            }
            outcome
        }
        Format::Text | Format::Json | Format::Html => summarize(args, &input, &filter, out),
    }
}

fn summarize(
    args: &InspectArgs,
    input: &Input,
    filter: &Filter,
    mut out: Box<dyn Write>,
) -> Result<(), Error> {
    let mut summary = Summary::new(SummaryOptions {
        top: args.top,
        separators: args.separators.as_bytes().to_vec(),
        slots: args.by_slot || args.format == Format::Html,
        at: args.at.map(millis),
        now: now(),
        positions: Some(key_positions()),
    });
    let outcome = input.read(filter, &mut summary);
    // What came before a damage is worth telling.
    let format = if args.json { Format::Json } else { args.format };
    let written = match format {
        Format::Json => writeln!(out, "{:#}", to_json(&summary)),
        Format::Html => html::write(&summary, &title(&args.path), &mut out),
        _ => write_text(&summary, &mut out),
    };
    written.and_then(|()| out.flush()).map_err(Error::Write)?;
    outcome
}

/// What a report calls its input.
fn title(path: &Path) -> String {
    match path == Path::new("-") {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

/// What is to be read.
#[derive(Debug)]
pub(crate) enum Input {
    /// Standard input.
    Pipe,
    /// Files, in order.
    Files(Vec<PathBuf>),
}

impl Input {
    /// What a path stands for; `-` is standard input.
    pub(crate) fn of(path: &Path) -> Result<Input, Error> {
        match path == Path::new("-") {
            true => Ok(Input::Pipe),
            false => Ok(Input::Files(inspect::files(&Os, path)?)),
        }
    }

    /// Hands everything to a visitor.
    pub(crate) fn read(&self, filter: &Filter, visitor: &mut impl Visitor) -> Result<(), Error> {
        let mut source = Source::new(filter, visitor);
        let files = match self {
            Input::Pipe => {
                let mut progress = Progress::new(None);
                let input = Told(io::stdin().lock(), |bytes| progress.add(bytes));
                let path = Path::new("-");
                let unpacked = Unpacked::new(input);
                let mut input = unpacked.map_err(|source| Error::Read {
                    path: path.to_owned(),
                    source,
                })?;
                return source.read(path, None, &mut input);
            }
            Input::Files(files) => files,
        };
        let mut progress = Progress::of(files)?;
        for path in files {
            let (mut blocks, len) = inspect::open(&Os, path, |bytes| progress.add(bytes))?;
            source.read(path, len, &mut blocks)?;
        }
        Ok(())
    }
}

/// A reader, and who is told how much was read.
struct Told<R, P>(R, P);

impl<R: Read, P: FnMut(u64)> Read for Told<R, P> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(out)?;
        (self.1)(read as u64);
        Ok(read)
    }
}

/// Standard output, or a new file.
pub(crate) fn output(path: Option<&Path>) -> Result<Box<dyn Write + Send>, Error> {
    Ok(match path {
        None => Box::new(io::stdout()),
        Some(path) => Box::new(Writer::new(Os.open(path, Mode::Truncate)?)),
    })
}

fn now() -> units::UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    units::UnixMillis(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// Where commands have their keys, as an engine says.
fn key_positions() -> KeyPositions {
    // Most files hold no commands, and an engine takes more memory than the rest.
    let mut session = None;
    Box::new(move |name| {
        let session = session.get_or_insert_with(|| Engine::open_in_memory().session());
        let info = session.execute(&[b"COMMAND", b"INFO".as_slice(), name]);
        let command = info.as_items().and_then(|commands| commands.first());
        match command.and_then(Reply::as_items) {
            Some(
                [
                    _,
                    _,
                    _,
                    Reply::Integer(first),
                    Reply::Integer(last),
                    Reply::Integer(step),
                    ..,
                ],
            ) if *first > 0 => Some((*first, *last, *step)),
            _ => None,
        }
    })
}
