//! A shell on a data directory: lines or words in, replies out as `redis-cli` prints them.

mod complete;
mod docs;
mod json;
mod line;
mod look;
mod piped;
mod terminal;

use crate::args::ShellArgs;
use crate::inspect::progress::Progress;
use duramen::{Builder, Engine, Protocol, Reply, Session};
use look::Look;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

/// Runs the shell; the exit code says whether all went well.
pub(crate) fn run(args: &ShellArgs) -> ExitCode {
    match open(args).and_then(|engine| converse(engine, args)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("duramen: {error}");
            ExitCode::FAILURE
        }
    }
}

fn open(args: &ShellArgs) -> Result<Engine, String> {
    if args.dir.is_file() {
        return Err(format!(
            "{} is a file: name its directory, and the file with --config dbfilename=NAME",
            args.dir.display()
        ));
    }
    let mut builder = Engine::builder(&args.dir);
    if args.read_only {
        builder = builder.read_only();
    }
    for (name, value) in &args.settings {
        builder = builder
            .config(name, value)
            .map_err(|error| format!("--config {name}={value}: {error}"))?;
    }
    load(builder)
}

/// Reads the directory, and shows how far that is.
fn load(builder: Builder) -> Result<Engine, String> {
    let opening = builder.begin().map_err(|error| error.to_string())?;
    let shown = Arc::new(Mutex::new(None::<Progress>));
    let told = shown.clone();
    opening.on_progress(move |at| {
        if let Ok(mut shown) = told.lock() {
            let progress = shown.get_or_insert_with(|| Progress::new(Some(at.total)));
            progress.reach(at.read);
        }
    });
    let loaded = opening.load().map_err(|error| error.to_string());
    // The line goes.
    shown.lock().map(|mut shown| shown.take()).ok();
    loaded
}

/// Where the commands come from: the command line, a terminal or a pipe.
fn converse(engine: Engine, args: &ShellArgs) -> Result<ExitCode, String> {
    let mut shell = Shell::new(&engine, args)?;
    let commands = one_shot(args)?;
    let at_terminal = commands.is_empty() && io::stdin().is_terminal();
    tell_findings(&engine, at_terminal);
    let outcome = match at_terminal {
        true => terminal::run(&mut shell),
        false if commands.is_empty() => piped::run(&mut shell, io::stdin().lock()),
        false => shell.run_all(&commands),
    };
    drop(shell);
    let closed = engine.close().map_err(|error| error.to_string());
    match outcome {
        Ok(code) => closed.map(|()| code),
        // Whoever read our replies has gone; that is how `| head` ends, and no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            closed.map(|()| ExitCode::SUCCESS)
        }
        Err(error) => closed.and(Err(error.to_string())),
    }
}

/// What was found in the directory, for who looks on; warnings for everyone.
fn tell_findings(engine: &Engine, at_terminal: bool) {
    let report = engine.recovery_report();
    if at_terminal && io::stderr().is_terminal() {
        eprintln!("{report}");
    } else {
        let warnings = report.warnings.iter();
        warnings.for_each(|warning| eprintln!("duramen: warning: {warning}"));
    }
}

/// The commands given on the command line.
fn one_shot(args: &ShellArgs) -> Result<Vec<Vec<Vec<u8>>>, String> {
    if !args.words.is_empty() {
        let words = args.words.iter().cloned().map(OsString::into_vec);
        return Ok(vec![words.collect()]);
    }
    let split = |line: &OsString| {
        resp::split_words(line.as_bytes())
            .map_err(|error| format!("{}: {error}", line.to_string_lossy()))
    };
    args.lines.iter().map(split).collect()
}

/// A session, and how its replies look.
struct Shell {
    engine: Engine,
    session: Session,
    look: Look,
}

impl Shell {
    fn new(engine: &Engine, args: &ShellArgs) -> Result<Shell, String> {
        let look = if args.json {
            Look::Json
        } else if args.quoted_json {
            Look::QuotedJson
        } else if args.raw || !(args.no_raw || io::stdout().is_terminal()) {
            Look::Raw
        } else {
            Look::Pretty
        };
        let mut session = engine.session();
        if args.resp3 || look.is_json() {
            session.set_protocol(Protocol::Resp3);
        }
        if args.db != 0 {
            let selected = session.execute(&["SELECT", &args.db.to_string()]);
            let selected = selected.into_result();
            selected.map_err(|error| format!("-n {}: {error}", args.db))?;
        }
        let engine = engine.clone();
        Ok(Shell {
            engine,
            session,
            look,
        })
    }

    /// Runs commands one after another up to the first that fails, which goes to standard error.
    fn run_all(&mut self, commands: &[Vec<Vec<u8>>]) -> io::Result<ExitCode> {
        let mut out = io::stdout().lock();
        for words in commands.iter().filter(|words| !words.is_empty()) {
            let reply = self.session.execute(words);
            if let Reply::Error(error) = &reply {
                eprintln!("{error}");
                return Ok(ExitCode::FAILURE);
            }
            out.write_all(&self.look.print(&reply))?;
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }

    /// Runs one command and returns what to print.
    fn answer(&mut self, words: &[Vec<u8>]) -> Vec<u8> {
        let reply = self.session.execute(words);
        self.look.print(&reply)
    }
}
