//! Effects on their way into the journal: encoded once, outside its lock, appended in one piece.

use journal::Journal;
use parking_lot::Mutex;
use units::{DbIndex, ReplOffset};

/// The journal, and the database that its last effect was for.
#[derive(Debug)]
pub(crate) struct Log {
    journal: Journal,
    selected: Mutex<Option<DbIndex>>,
}

impl Log {
    pub(crate) fn new(journal: Journal) -> Log {
        Log {
            journal,
            selected: Mutex::new(None),
        }
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Appends the batch and empties it. Called inside the locks under which the changes were
    /// made: the order of calls is the order of history.
    pub(crate) fn append(&self, batch: &mut Batch) -> Option<ReplOffset> {
        let first = batch.first_db?;
        let mut selected = self.selected.lock();
        if *selected != Some(first) {
            self.journal.append(&select(first));
        }
        let end = if batch.commands > 1 {
            self.journal.append(&command(&[b"MULTI"]));
            self.journal.append(&batch.records);
            self.journal.append(&command(&[b"EXEC"]))
        } else {
            self.journal.append(&batch.records)
        };
        *selected = batch.last_db;
        batch.clear();
        Some(end)
    }
}

/// The effects of one command or transaction, encoded.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    records: Vec<u8>,
    commands: usize,
    first_db: Option<DbIndex>,
    last_db: Option<DbIndex>,
}

impl Batch {
    /// Adds a command that was carried out in database `db`.
    pub(crate) fn push<'a>(&mut self, db: DbIndex, argv: impl Iterator<Item = &'a [u8]> + Clone) {
        if self.first_db.is_none() {
            self.first_db = Some(db);
        } else if self.last_db != Some(db) {
            self.records.extend_from_slice(&select(db));
        }
        self.last_db = Some(db);
        self.commands += 1;
        resp::encode::array_len(&mut self.records, argv.clone().count());
        argv.for_each(|arg| resp::encode::bulk(&mut self.records, arg));
    }

    fn clear(&mut self) {
        self.records.clear();
        *self = Batch {
            records: std::mem::take(&mut self.records),
            ..Batch::default()
        };
    }
}

fn select(db: DbIndex) -> Vec<u8> {
    command(&[b"SELECT", db.to_string().as_bytes()])
}

fn command(argv: &[&[u8]]) -> Vec<u8> {
    let mut record = Vec::new();
    resp::encode::command(&mut record, argv);
    record
}
