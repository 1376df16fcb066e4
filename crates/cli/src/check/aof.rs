//! Append-only files: an RDB in front if there is one, then every record up to the end.

use super::rdb::{self, Trouble};
use super::report::{Damage, FileReport, LogFacts};
use aof::{Annotation, LogReader, Record};
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
    report.notes.extend(commands.unknown_note());
    outcome?;
    let tail = log.finish().map_err(trouble)?;
    if tail.is_whole() {
        return Ok(());
    }
    report.notes.push(match (place, tail.reason) {
        (Place::Inner, _) => "files follow it, so servers refuse the log".to_owned(),
        (_, aof::TailReason::Nuls) => "servers refuse it; Duramen cuts it and goes on".to_owned(),
        _ => "a server cuts it and goes on, under aof-load-truncated yes".to_owned(),
    });
    Err(Trouble::Damage(Damage {
        offset: Some(tail.valid_up_to),
        what: tail.to_string(),
    }))
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
                commands.note(request.get(0).unwrap_or_default(), offset);
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
    known: HashMap<Vec<u8>, bool>,
    unknown: u64,
    first_unknown: Option<(String, u64)>,
}

impl Commands {
    fn new() -> Commands {
        Commands {
            session: Engine::open_in_memory().session(),
            known: HashMap::new(),
            unknown: 0,
            first_unknown: None,
        }
    }

    fn note(&mut self, name: &[u8], offset: u64) {
        if !self.is_known(name) {
            self.unknown += 1;
            let name = name.escape_ascii().to_string();
            self.first_unknown.get_or_insert((name, offset));
        }
    }

    fn is_known(&mut self, name: &[u8]) -> bool {
        if name.len() > NAME_BYTES_MAX {
            return false;
        }
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let info = self
            .session
            .execute(&[b"COMMAND", b"INFO".as_slice(), name]);
        let known = info.as_items().is_some_and(|items| items != [Reply::Nil]);
        if self.known.len() < NAMES_MAX {
            self.known.insert(name.to_vec(), known);
        }
        known
    }

    fn unknown_note(self) -> Option<String> {
        let (name, offset) = self.first_unknown?;
        let count = self.unknown;
        Some(format!(
            "{count} commands are none of Duramen's, the first, '{name}', at byte {offset}; it \
             does not open this file"
        ))
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
    fn a_command_that_is_none_is_noted() {
        let report = report("*1\r\n$6\r\nNOSUCH\r\n", Place::Last);
        assert_eq!(report.verdict, Verdict::Sound);
        assert!(report.notes[0].contains("'NOSUCH', at byte 0"));
    }

    #[test]
    fn an_rdb_in_front_is_followed() {
        let report = report(&format!("REDIS0004\u{0}\u{1}k\u{1}v{PING}"), Place::Last);
        assert_eq!(report.verdict, Verdict::Damaged);
        assert_eq!(report.rdb.unwrap().dbs[&0].keys, 1);
    }
}
