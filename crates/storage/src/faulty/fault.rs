//! Which call fails, and how.

use crate::Operation;
use std::io;
use std::path::{Path, PathBuf};

/// A failure to come.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// So many calls succeed before it.
    pub after: usize,
    /// How it fails.
    pub how: Failing,
    /// Whether all calls behind it fail too.
    pub is_sticky: bool,
    /// Whether calls that only read count and fail as well.
    pub reads: bool,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// With an error of this kind. Half of what was to be appended is there.
    Error(io::ErrorKind),
    /// Not at all, but that an append takes only half of what it is given.
    Short,
}

/// What a failed sync leaves behind. What none of them leaves is a file that a later sync would save.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailedSync {
    /// The pages count as clean: programs read them, and no later sync writes them (ext4, XFS).
    #[default]
    CleanPages,
    /// The file is again as it was on the disk (Btrfs).
    Reverted,
    /// It is told a success, for the bytes are in the file system's own journal, and the next sync of
    /// the file fails instead, with clean pages (ext4 with `data=journal`).
    ReportedLate,
}

impl FailedSync {
    /// All of them.
    pub const ALL: [FailedSync; 3] = [
        FailedSync::CleanPages,
        FailedSync::Reverted,
        FailedSync::ReportedLate,
    ];
}

/// A fault on its way.
#[derive(Debug, Default)]
pub(super) struct Fuse {
    fault: Option<Fault>,
    burnt: Option<(Operation, PathBuf)>,
    /// Whether there were so many calls as were to succeed, and one more.
    has_come: bool,
}

impl Fuse {
    pub(super) fn new(fault: Fault) -> Fuse {
        Fuse {
            fault: Some(fault),
            ..Fuse::default()
        }
    }

    pub(super) fn has_come(&self) -> bool {
        self.has_come
    }

    pub(super) fn has_burnt(&self) -> bool {
        self.burnt.is_some()
    }

    /// The first call that failed.
    pub(super) fn into_burnt(self) -> Option<(Operation, PathBuf)> {
        self.burnt
    }

    /// How a call fails that only reads, if it does.
    pub(super) fn burn_reading(&mut self, operation: Operation, path: &Path) -> Option<Failing> {
        match self.fault {
            Some(Fault { reads: true, .. }) => self.burn(operation, path),
            _ => None,
        }
    }

    /// How this call fails, if it does.
    pub(super) fn burn(&mut self, operation: Operation, path: &Path) -> Option<Failing> {
        let fault = self.fault.as_mut()?;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        self.has_come = true;
        let how = fault.how;
        if !fault.is_sticky {
            self.fault = None;
        }
        if how == Failing::Short && operation != Operation::Append {
            return None;
        }
        self.burnt.get_or_insert((operation, path.to_owned()));
        Some(how)
    }
}
