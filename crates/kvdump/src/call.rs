//! The one thing a dump needs of what it reads.

use crate::{Error, Reply};

/// Anything that answers commands: a connection, an engine in process, a recording.
pub trait Call {
    /// Runs one command, `argv[0]` being its name, and returns its reply.
    ///
    /// An error *reply* is a reply ([`Reply::Error`]); `Err` is for a broken transport.
    fn call(&mut self, argv: &[&[u8]]) -> Result<Reply, Error>;

    /// Runs one command of words, and turns an error reply into [`Error::Refused`].
    fn ask(&mut self, words: &[&str]) -> Result<Reply, Error> {
        let argv: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.ask_bytes(&argv)
    }

    /// As [`Call::ask`], for arguments that are not text.
    fn ask_bytes(&mut self, argv: &[&[u8]]) -> Result<Reply, Error> {
        match self.call(argv)? {
            Reply::Error(text) => Err(Error::Refused {
                command: crate::error::command_line(argv),
                text,
            }),
            reply => Ok(reply),
        }
    }
}
