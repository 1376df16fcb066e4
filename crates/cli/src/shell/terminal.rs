//! A conversation at a terminal: prompt, history, completion, hints.

use super::Shell;
use super::complete::Helper;
use super::docs;
use super::line::{INVALID, Line, is_one_of};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Reads lines and answers them until the end is asked for and the data is saved.
pub(super) fn run(shell: &mut Shell) -> io::Result<ExitCode> {
    let mut terminal = Terminal::open(shell).map_err(io::Error::other)?;
    let mut out = io::stdout();
    let mut said_unsaved = false;
    loop {
        let line = match terminal.read(&prompt(shell)) {
            Ok(line) => Line::of(line.as_bytes()),
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => Line::Exit,
            Err(error) => return Err(io::Error::other(error)),
        };
        match line {
            Line::Blank => {}
            Line::Exit if said_unsaved || may_leave(shell) => return Ok(ExitCode::SUCCESS),
            Line::Exit => said_unsaved = true,
            Line::Invalid => out.write_all(INVALID.as_bytes())?,
            Line::Command(words) => {
                said_unsaved = false;
                let text = terminal.help(&words);
                out.write_all(&text.unwrap_or_else(|| shell.answer(&words)))?;
            }
        }
        out.flush()?;
    }
}

/// `duramen> `, with the database if it is not the first, and whether a transaction is open.
fn prompt(shell: &Shell) -> String {
    let db = match shell.session.db().index() {
        0 => String::new(),
        db => format!("[{db}]"),
    };
    let transaction = if shell.session.in_transaction() {
        "(TX)"
    } else {
        ""
    };
    format!("duramen{db}{transaction}> ")
}

/// Saves as configured. If that fails there is still time to do something about it.
fn may_leave(shell: &Shell) -> bool {
    match shell.engine.clone().close() {
        Ok(()) => true,
        Err(error) => {
            eprintln!("duramen: {error}");
            eprintln!("Still here. To leave without saving, do it again.");
            false
        }
    }
}

/// The line editor and the file that it remembers lines in.
struct Terminal {
    editor: Editor<Helper, FileHistory>,
    history: Option<PathBuf>,
}

impl Terminal {
    fn open(shell: &Shell) -> rustyline::Result<Terminal> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .history_ignore_dups(true)?
            .max_history_size(HISTORY_LINES_MAX)?
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Helper::new(docs::read(&shell.engine))));
        let history = history_file();
        if let Some(path) = &history {
            let _ = editor.load_history(path); // the first time there is none
        }
        Ok(Terminal { editor, history })
    }

    /// The next line. It is remembered at once, so that sessions side by side lose none.
    fn read(&mut self, prompt: &str) -> rustyline::Result<String> {
        let line = self.editor.readline(prompt)?;
        if !line.trim().is_empty() {
            self.editor.add_history_entry(&line)?;
            if let Some(path) = &self.history {
                let _ = self.editor.append_history(path); // not worth failing over
            }
        }
        Ok(line)
    }

    /// The answer to the shell's own words, which no command has: `help` and `clear`.
    fn help(&mut self, words: &[Vec<u8>]) -> Option<Vec<u8>> {
        let (name, rest) = words.split_first()?;
        if is_one_of(name, &["clear"]) && rest.is_empty() {
            return Some(b"\x1b[H\x1b[2J".to_vec());
        }
        if !is_one_of(name, &["help", "?"]) {
            return None;
        }
        let words: Vec<String> = rest
            .iter()
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        let help = self.editor.helper();
        let text = help.and_then(|helper| helper.help(&words));
        Some(text.unwrap_or_else(|| HELP.to_owned()).into_bytes())
    }
}

/// `duramen/history` where programs keep state (`$XDG_STATE_HOME`, else `~/.local/state`).
fn history_file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").filter(|dir| !dir.is_empty());
    let state = state.map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
        Some(PathBuf::from(home).join(".local/state"))
    })?;
    let dir = state.join("duramen");
    std::fs::create_dir_all(&dir).ok()?;
    Some(dir.join("history"))
}

const HISTORY_LINES_MAX: usize = 10_000;

const HELP: &str = "\
help COMMAND    what a command does
SAVE            writes everything to the data directory
exit, Ctrl-D    saves as configured and leaves
clear           clears the screen

Tab completes names of commands; Ctrl-C gives a line up; Ctrl-R searches earlier ones.
";
