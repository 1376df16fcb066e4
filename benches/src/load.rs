//! Sends commands to a server, many before a reply is read.

use kvdump::{Reply, Tcp};

use crate::{Outcome, shapes::Argv};

/// Commands sent before replies are read.
const PIPELINE: usize = 256;

/// Sends every command and takes every reply; a refusal is an error.
pub(crate) fn send_all(to: &mut Tcp, mut commands: impl Iterator<Item = Argv>) -> Outcome<()> {
    loop {
        let mut sent = 0;
        for argv in commands.by_ref().take(PIPELINE) {
            let words: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
            to.push(&words);
            sent += 1;
        }
        if sent == 0 {
            return Ok(());
        }
        to.flush()?;
        for _ in 0..sent {
            if let Reply::Error(error) = to.reply()? {
                return Err(format!("refused: {error:?}").into());
            }
        }
    }
}
