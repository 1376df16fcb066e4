//! Append-only files: an RDB in front if there is one, then every record up to the end.

use super::rdb::{self, Trouble};
use super::report::{Damage, FileReport, LogFacts, counted};
use aof::{Annotation, LogReader, Record, TailReason};
use duramen::storage::File;
use duramen::{Engine, Reply, Session};
use std::collections::HashMap;

/// Where in its log a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Files follow, so it must be whole.
    Inner,
    /// A server would cut a torn end.
    Last,
}

/// Checks one file of a log.
pub(super) fn check<F: File>(file: F, place: Place) -> FileReport {
    let mut report = FileReport::new(file.path(), "append-only file");
    let outcome = follow(file, place, &mut report);
    report.conclude(outcome);
    report
}

fn follow<F: File>(file: F, place: Place, report: &mut FileReport) -> Result<(), Trouble> {
    let mut log = LogReader::open(file).map_err(trouble)?;
    if log.has_preamble() {
        rdb::follow(log.preamble(), report)?;
    }
    let mut commands = Commands::new();
    let mut facts = LogFacts::default();
    let outcome = records(&mut log, &mut facts, &mut commands);
    report.log = Some(facts);
    outcome?;
    let tail = log.finish().map_err(trouble)?;
    if tail.is_whole() {
        return commands.unknown();
    }
    report.notes.push(remark(place, tail.reason).to_owned());
    Err(Trouble::Damage(Damage {
        offset: Some(tail.valid_up_to),
        what: tail.to_string(),
    }))
}

/// What becomes of a log with such an end.
fn remark(place: Place, reason: TailReason) -> &'static str {
    match (place, reason) {
        (Place::Inner, _) => "files follow it, so nobody opens the log",
        (_, TailReason::Nuls) => "servers refuse it; Duramen cuts it and goes on",
        (_, TailReason::TornAnnotation) => {
            "servers take it for whole and lose the next command to it; Duramen cuts it"
        }
        _ => "a server cuts it and goes on, under aof-load-truncated yes",
    }
}

fn records<F: File>(
    log: &mut LogReader<F>,
    facts: &mut LogFacts,
    commands: &mut Commands,
) -> Result<(), Trouble> {
    loop {
        let offset = log.offset();
        match log.next_record().map_err(trouble)? {
            None => return Ok(()),
            Some(Record::Command(request)) => {
                facts.commands += 1;
                let name = request.get(0).unwrap_or_default();
                commands.note(name, request.len(), offset)?;
            }
            Some(Record::Annotation(annotation)) => {
                facts.annotations += 1;
                if let Annotation::Timestamp(secs) = annotation {
                    facts.last_timestamp = Some(secs);
                }
            }
        }
    }
}

fn trouble(error: aof::Error) -> Trouble {
    match error {
        aof::Error::Storage(error) => Trouble::Storage(error),
        error => Trouble::Damage(Damage::of_aof(&error)),
    }
}

/// The commands that a log may hold.
struct Commands {
    session: Session,
    /// How many words each takes, as `COMMAND INFO` says it; `None` for those that do not exist.
    arities: HashMap<Vec<u8>, Option<i64>>,
    unknown: u64,
    first_unknown: Option<(String, u64)>,
}

impl Commands {
    fn new() -> Commands {
        Commands {
            session: Engine::open_in_memory().session(),
            arities: HashMap::new(),
            unknown: 0,
            first_unknown: None,
        }
    }

    /// Looks at a command of so many words at `offset`.
    fn note(&mut self, name: &[u8], words: usize, offset: u64) -> Result<(), Trouble> {
        let shown = || {
            let shown = name.get(..NAME_BYTES_MAX).unwrap_or(name);
            shown.escape_ascii().to_string()
        };
        let words = i64::try_from(words).unwrap_or(i64::MAX);
        match self.arity(name) {
            Some(arity) if words == arity || (arity < 0 && words >= -arity) => Ok(()),
            Some(_) => Err(Trouble::Damage(Damage {
                offset: Some(offset),
                what: format!(
                    "'{}' with {} arguments, which it does not take",
                    shown(),
                    words - 1
                ),
            })),
            None => {
                self.unknown += 1;
                self.first_unknown.get_or_insert_with(|| (shown(), offset));
                Ok(())
            }
        }
    }

    fn arity(&mut self, name: &[u8]) -> Option<i64> {
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        if let Some(arity) = self.arities.get(name) {
            return *arity;
        }
        let info = self
            .session
            .execute(&[b"COMMAND", b"INFO".as_slice(), name]);
        let command = info.as_items().and_then(|commands| commands.first());
        let arity = match command.and_then(Reply::as_items) {
            Some([_, Reply::Integer(arity), ..]) => Some(*arity),
            _ => None,
        };
        if self.arities.len() < NAMES_MAX {
            self.arities.insert(name.to_vec(), arity);
        }
        arity
    }

    /// A module or a newer server may know the others.
    fn unknown(self) -> Result<(), Trouble> {
        let Some((name, offset)) = self.first_unknown else {
            return Ok(());
        };
        let count = counted(self.unknown, "command", "commands");
        Err(Trouble::Unknown(Damage {
            offset: Some(offset),
            what: format!(
                "{count} that Duramen does not have, the first '{name}': damaged names, or those \
                 of a module or another server"
            ),
        }))
    }
}

/// No command has a longer name.
const NAME_BYTES_MAX: usize = 64;

/// Names beyond these are looked up again each time.
const NAMES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::report::Verdict;
    use duramen::storage::{Memory, Mode, Storage as _};
    use std::path::Path;

    fn report(text: &str, place: Place) -> FileReport {
        let disk = Memory::new();
        let file = disk.open(Path::new("f.aof"), Mode::CreateNew).unwrap();
        file.append(text.as_bytes()).unwrap();
        check(file, place)
    }

    const PING: &str = "*1\r\n$4\r\nPING\r\n";

    #[test]
    fn records_are_counted() {
        let report = report(&format!("#TS:17\r\n{PING}{PING}"), Place::Inner);
        assert_eq!(report.verdict, Verdict::Sound);
        let log = report.log.unwrap();
        assert_eq!(
            (log.commands, log.annotations, log.last_timestamp),
            (2, 1, Some(17))
        );
        assert!(report.notes.is_empty());
    }

    #[test]
    fn torn_ends_and_wrong_bytes_have_an_offset() {
        let torn = report(&format!("{PING}*1\r\n$4"), Place::Last);
        assert_eq!(torn.verdict, Verdict::Damaged);
        assert_eq!(torn.damage.unwrap().offset, Some(14));
        assert!(torn.notes[0].contains("aof-load-truncated"));
        let wrong = report(&format!("{PING}garbage"), Place::Last);
        assert_eq!(wrong.damage.unwrap().offset, Some(14));
    }

    #[test]
    fn commands_that_do_not_exist_or_can_not_be_so_are_told() {
        let get = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
        let unknown = report(&format!("{get}*1\r\n$6\r\nNOSUCH\r\n{PING}"), Place::Last);
        assert_eq!(unknown.verdict, Verdict::Unreadable);
        assert_eq!(unknown.log.unwrap().commands, 3);
        assert_eq!(unknown.damage.unwrap().offset, Some(20));
        let wrong = report(&format!("{get}*1\r\n$3\r\nget\r\n"), Place::Last);
        assert_eq!(wrong.verdict, Verdict::Damaged);
        assert_eq!(wrong.damage.unwrap().offset, Some(20));
    }

    #[test]
    fn an_rdb_in_front_is_followed() {
        let report = report(&format!("REDIS0004\u{0}\u{1}k\u{1}v{PING}"), Place::Last);
        assert_eq!(report.verdict, Verdict::Damaged);
        assert_eq!(report.rdb.unwrap().dbs[&0].keys, 1);
    }
}
