//! Commands from a pipe or a file, one a line.

use super::Shell;
use super::line::{INVALID, Line};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write as _};
use std::process::ExitCode;

/// Runs every line of `input`. As with `redis-cli`, a command that fails is told among the replies
/// and ends nothing.
pub(super) fn run(shell: &mut Shell, input: impl Read) -> io::Result<ExitCode> {
    let mut input = BufReader::new(input);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut text = Vec::new();
    while input.read_until(b'\n', &mut text)? > 0 {
        match Line::of(&text) {
            Line::Blank => {}
            Line::Exit => break,
            Line::Invalid => out.write_all(INVALID.as_bytes())?,
            Line::Command(words) => out.write_all(&shell.answer(&words))?,
        }
        text.clear();
        // Who waits for a reply before sending the next line gets it.
        if !input.buffer().contains(&b'\n') {
            out.flush()?;
        }
        if shell.session.wants_to_quit() {
            break;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
