//! What a power cut leaves of what was not synced.

use super::kept::{Kept, KeptFile};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A number below the one given, by chance.
pub type Random<'r> = &'r mut dyn FnMut(usize) -> usize;

/// How much of what was written and not synced a power cut leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// Nothing.
    Lost,
    /// Everything.
    Kept,
    /// A beginning of each file's new bytes, and of the changes of names.
    Prefix,
    /// Some sectors of 512 bytes; the others are zeros. All names.
    Sectors,
    /// Lengths and names, and zeros for bytes.
    Zeros,
    /// Lengths and names, and anything for bytes.
    Garbage,
    /// All names, as if they had been renamed before their data was written.
    NamesOnly,
    /// All bytes under the old names.
    DataOnly,
    /// Some changes of names without those before them, and a beginning of each file's new bytes.
    Shuffled,
}

impl Crash {
    /// All of them.
    pub const ALL: [Crash; 9] = [
        Crash::Lost,
        Crash::Kept,
        Crash::Prefix,
        Crash::Sectors,
        Crash::Zeros,
        Crash::Garbage,
        Crash::NamesOnly,
        Crash::DataOnly,
        Crash::Shuffled,
    ];
}

/// Directories, parents first, and the contents of files.
pub(super) struct Image {
    pub(super) dirs: Vec<PathBuf>,
    pub(super) files: BTreeMap<PathBuf, Vec<u8>>,
}

const SECTOR_BYTES: usize = 512;

impl Kept {
    pub(super) fn crash(&self, how: Crash, random: Random<'_>) -> Image {
        let mut names = self.names.clone();
        let upto = match how {
            Crash::Lost | Crash::DataOnly => 0,
            Crash::Prefix => random(self.changes.len() + 1),
            _ => self.changes.len(),
        };
        for change in self.changes.iter().take(upto) {
            if how != Crash::Shuffled || random(2) == 0 {
                names.apply(change);
            }
        }
        let is_there = |path: &Path| match path.parent() {
            Some(dir) if dir.parent().is_some() => names.dirs.contains(dir),
            _ => true,
        };
        let dirs = names.dirs.iter().filter(|dir| is_there(dir));
        let named = names.files.iter().filter(|(path, _)| is_there(path));
        let files = named.filter_map(|(path, inode)| {
            let content = self.files.get(inode)?.crash(how, random);
            Some((path.clone(), content))
        });
        Image {
            files: files.collect(),
            dirs: dirs.cloned().collect(),
        }
    }
}

impl KeptFile {
    fn crash(&self, how: Crash, random: Random<'_>) -> Vec<u8> {
        if matches!(how, Crash::Lost | Crash::NamesOnly) {
            return self.synced.to_vec();
        }
        let mut now = self.content();
        if now.len() < self.synced.len() || !now.starts_with(&self.synced) {
            // Cut or emptied since: one or the other.
            return match how {
                Crash::Kept | Crash::DataOnly => now,
                _ if random(2) == 0 => now,
                _ => self.synced.to_vec(),
            };
        }
        let (_, unsynced) = now.split_at_mut(self.synced.len());
        match how {
            Crash::Prefix | Crash::Shuffled => {
                let len = self.synced.len() + random(unsynced.len() + 1);
                now.truncate(len);
            }
            Crash::Sectors => spoil_sectors(&mut now, self.synced.len(), random),
            Crash::Zeros => unsynced.fill(0),
            Crash::Garbage => unsynced
                .iter_mut()
                .for_each(|byte| *byte = random(256) as u8),
            _ => {}
        }
        now
    }
}

/// Zeros in some sectors, as far as they are not synced.
fn spoil_sectors(bytes: &mut [u8], synced: usize, random: Random<'_>) {
    let first = synced - synced % SECTOR_BYTES;
    let (mut at, len) = (first, bytes.len());
    while at < len {
        let end = (at + SECTOR_BYTES).min(len);
        if random(2) == 0 {
            bytes
                .get_mut(at.max(synced)..end)
                .unwrap_or_default()
                .fill(0);
        }
        at = end;
    }
}
