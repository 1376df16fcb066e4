//! Commands shown to those who watch them (`MONITOR`).

use super::Session;
use crate::slow_log::without_secrets;
use commands::{Flags, Spec};
use std::fmt::Write;
use units::{DbIndex, UnixMillis};

/// Whose work a command is.
enum By {
    Client { address: String, is_unix: bool },
    Script,
}

impl Session {
    /// Whether every command is shown to the client, so that messages come without a request.
    pub fn is_monitor(&self) -> bool {
        let subscription = self.subscription.as_ref();
        subscription.is_some_and(|subscription| subscription.watches())
    }

    /// Has every command shown to the client from now on.
    pub(crate) fn monitor(&mut self) {
        self.subscription_mut().watch();
    }

    /// Shows a command to those who watch, before it runs; `EXEC` behind what it carried out. What
    /// administers is not shown.
    #[cold]
    pub(super) fn show_command(&mut self, spec: &Spec, argv: &[&[u8]]) {
        if spec.flags.contains(Flags::ADMIN) || self.settings.replaying {
            return;
        }
        let by = match self.settings.in_script {
            true => By::Script,
            false => self.card().about(|about| By::Client {
                address: about.peer.address.clone(),
                is_unix: about.peer.is_unix,
            }),
        };
        let hub = self.engine.hub();
        hub.queue_shown(line(self.engine.now(), self.client.db, &by, spec, argv));
        match self.in_exec {
            // Shards are locked: it goes out once they are not.
            true => self.scratch.notices = true,
            false => hub.deliver(),
        }
    }
}

/// `1339518083.107000 [0 127.0.0.1:60866] "keys" "*"`.
fn line(now: UnixMillis, db: DbIndex, by: &By, spec: &Spec, argv: &[&[u8]]) -> String {
    let (seconds, millis) = (now.secs(), now.0.rem_euclid(1000));
    let mut line = format!("{seconds}.{millis:03}000 [{db} ");
    match by {
        By::Script => line.push_str("lua]"),
        By::Client { address, is_unix } if *is_unix => {
            let path = address.strip_suffix(":0").unwrap_or(address);
            let _ = write!(line, "unix:{path}]");
        }
        By::Client { address, .. } => {
            let _ = write!(line, "{address}]");
        }
    }
    for arg in without_secrets(spec, argv) {
        line.push(' ');
        quote(arg, &mut line);
    }
    line
}

/// In quotes, what does not print by its number: as `redis-cli` reads it.
fn quote(arg: &[u8], line: &mut String) {
    line.push('"');
    for &byte in arg {
        match byte {
            b'"' | b'\\' => {
                line.push('\\');
                line.push(char::from(byte));
            }
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            0x07 => line.push_str("\\a"),
            0x08 => line.push_str("\\b"),
            b' '..=b'~' => line.push(char::from(byte)),
            _ => {
                let _ = write!(line, "\\x{byte:02x}");
            }
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use crate::{Builder, Error, ManualClock, Reply, RespSink};
    use units::UnixMillis;

    #[test]
    fn commands_are_shown_without_secrets_and_in_their_order() {
        let clock = ManualClock::new(UnixMillis(12_034));
        let engine = Builder::in_memory().clock(clock).open().unwrap();
        let (mut watcher, mut client) = (engine.session(), engine.session());
        assert_eq!(watcher.execute(&["MONITOR"]), Reply::Status("OK".into()));
        for line in [
            "AUTH pw",
            "SELECT 3",
            "CONFIG GET port",
            "MULTI",
            "SET k \"\x01",
            "EXEC",
            "EVAL return(redis.call('GET',KEYS[1])) 1 k",
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            client.execute(&words);
        }
        let refused = Error::err("Replica can't interact with the keyspace");
        assert_eq!(watcher.execute(&["GET", "k"]), Reply::Error(refused));
        let mut bytes = Vec::new();
        let mut sink = RespSink::new(&mut bytes, watcher.protocol());
        watcher.write_messages(&mut sink, usize::MAX);
        let text = String::from_utf8(bytes).unwrap();
        let shown = [
            r#"+12.034000 [0 ] "AUTH" "(redacted)""#,
            r#"+12.034000 [0 ] "SELECT" "3""#,
            r#"+12.034000 [3 ] "MULTI""#,
            r#"+12.034000 [3 ] "SET" "k" "\"\x01""#,
            r#"+12.034000 [3 ] "EXEC""#,
            r#"+12.034000 [3 ] "EVAL" "return(redis.call('GET',KEYS[1]))" "1" "k""#,
            r#"+12.034000 [3 lua] "GET" "k""#,
        ];
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines, shown);
        watcher.execute(&["RESET"]);
        assert!(!watcher.is_monitor() && !engine.hub().is_watched());
    }
}
