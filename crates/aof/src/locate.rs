//! What a data directory holds of a log, by the rules that servers start up by.

use crate::manifest::NO_FILES;
use crate::{Error, FileInfo, Manifest, ManifestError, ManifestProblem, Names, Result};
use std::path::PathBuf;
use storage::Storage;

/// The log of a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// None. A server under `appendonly yes` would start empty.
    Nothing,
    /// One file in the data directory, as Redis up to 6.2 keeps it: commands, or an RDB with
    /// commands behind it. Newer servers make it their base and move it into the folder.
    Single {
        /// The file.
        path: PathBuf,
    },
    /// A folder. Every file of [`Manifest::data`] is there.
    Multi {
        /// What the folder's manifest says.
        manifest: Manifest,
        /// A single file that counts for nothing beside the folder.
        ignored: Option<PathBuf>,
    },
}

/// Finds the log of a data directory; changes nothing.
///
/// Refused are a manifest with a wrong line, one that lists a missing file, and data files that no
/// manifest lists ([`Error::DataWithoutManifest`]). Empty files and missing history are fine.
pub fn locate<S: Storage>(storage: &S, names: &Names) -> Result<Located> {
    let single = Some(names.single()).filter(|path| is_file(storage, path));
    let text = read_manifest(storage, names)?;
    let manifest = parse(names, text.as_deref())?;
    if manifest.is_empty() {
        if text.as_deref() != Some(NO_FILES.as_bytes()) {
            refuse_unlisted_data(storage, names, &manifest)?;
        }
        return Ok(single.map_or(Located::Nothing, |path| Located::Single { path }));
    }
    match single {
        Some(path) if upgrade_was_interrupted(storage, names, &manifest) => {
            Ok(Located::Single { path })
        }
        ignored => {
            refuse_missing_files(storage, names, &manifest)?;
            refuse_lone_history(names, &manifest)?;
            Ok(Located::Multi { manifest, ignored })
        }
    }
}

/// What the manifest of a log says; nothing if there is none.
pub(crate) fn manifest_of<S: Storage>(storage: &S, names: &Names) -> Result<Manifest> {
    parse(names, read_manifest(storage, names)?.as_deref())
}

fn parse(names: &Names, text: Option<&[u8]>) -> Result<Manifest> {
    let Some(text) = text else {
        return Ok(Manifest::default());
    };
    Manifest::parse(text).map_err(|source| Error::Manifest {
        path: names.manifest(),
        source,
    })
}

fn read_manifest<S: Storage>(storage: &S, names: &Names) -> Result<Option<Vec<u8>>> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match storage::read(storage, &names.manifest(), MANIFEST_BYTES_MAX) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The manifest already lists the single file, which did not reach the folder.
fn upgrade_was_interrupted<S: Storage>(storage: &S, names: &Names, manifest: &Manifest) -> bool {
    let lists_single = |base: &FileInfo| base.name == names.filename().as_bytes();
    manifest.incr.is_empty()
        && manifest.base.as_ref().is_some_and(lists_single)
        && !is_file(storage, &names.file(names.filename().as_bytes()))
}

fn refuse_missing_files<S: Storage>(storage: &S, names: &Names, manifest: &Manifest) -> Result<()> {
    for file in manifest.data() {
        let path = names.file(&file.name);
        if storage.stamp(&path)?.is_none() {
            return Err(Error::MissingFile {
                path,
                manifest: names.manifest(),
            });
        }
    }
    Ok(())
}

/// A single flipped bit makes the `i` of a file that counts an `h`, and nobody would miss its commands.
/// A log that never had a base may have such lines, in front of newer files.
fn refuse_lone_history(names: &Names, manifest: &Manifest) -> Result<()> {
    let mut history = manifest.history.iter();
    if history.any(|file| names.is_base(&file.name)) {
        return Ok(());
    }
    let newest = manifest.incr.iter().map(|file| file.seq).max();
    let is_first = manifest.base.as_ref().is_none_or(|base| base.seq == 1);
    let is_lone = |file: &&FileInfo| !is_first || newest.is_none_or(|newest| file.seq > newest);
    match manifest.history.iter().find(is_lone) {
        None => Ok(()),
        Some(file) => Err(Error::Manifest {
            path: names.manifest(),
            source: ManifestError {
                line: 0,
                problem: ManifestProblem::LoneHistory(
                    String::from_utf8_lossy(&file.name).into_owned(),
                ),
            },
        }),
    }
}

fn refuse_unlisted_data<S: Storage>(storage: &S, names: &Names, manifest: &Manifest) -> Result<()> {
    if storage.stamp(&names.folder())?.is_none() {
        return Ok(());
    }
    let is_history = |name: &[u8]| manifest.history.iter().any(|file| file.name == name);
    let files: Vec<String> = storage
        .list(&names.folder())?
        .into_iter()
        .filter(|entry| !entry.is_dir && names.is_data(&entry.name))
        .filter(|entry| !is_history(entry.name.as_encoded_bytes()))
        .map(|entry| entry.name.to_string_lossy().into_owned())
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    Err(Error::DataWithoutManifest {
        manifest: names.manifest(),
        files,
    })
}

fn is_file<S: Storage>(storage: &S, path: &std::path::Path) -> bool {
    matches!(storage.stamp(path), Ok(Some(stamp)) if !stamp.is_dir)
}

/// Largest manifest that is read: some hundred thousand files.
pub const MANIFEST_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use storage::{File as _, Memory, Mode};

    /// A data directory of these files; a name that ends in a slash is a folder.
    fn disk(files: &[(&str, &str)]) -> Memory {
        let disk = Memory::new();
        for (path, content) in files {
            if let Some(dir) = path.strip_suffix('/') {
                disk.create_dir(Path::new(dir)).unwrap();
            } else {
                let file = disk.open(Path::new(path), Mode::CreateNew).unwrap();
                file.append(content.as_bytes()).unwrap();
            }
        }
        disk
    }

    fn located(files: &[(&str, &str)]) -> Result<Located> {
        locate(&disk(files), &Names::new(""))
    }

    const MANIFEST: &str = "appendonlydir/appendonly.aof.manifest";
    const BASE: &str = "appendonlydir/appendonly.aof.1.base.rdb";
    const INCR: &str = "appendonlydir/appendonly.aof.1.incr.aof";
    const TWO: &str = "file appendonly.aof.1.base.rdb seq 1 type b\n\
                       file appendonly.aof.1.incr.aof seq 1 type i\n";
    const OLD: &str = "file appendonly.aof seq 1 type b\n";
    const SINGLE: (&str, &str) = ("appendonly.aof", "");
    const FOLDER: (&str, &str) = ("appendonlydir/", "");

    #[test]
    fn an_incr_that_one_bit_made_history_is_missed() {
        let refused = |manifest: &str| {
            let text = manifest.to_owned();
            let files = [FOLDER, (BASE, ""), (INCR, ""), (MANIFEST, text.as_str())];
            let second = ("appendonlydir/appendonly.aof.2.incr.aof", "");
            let found = located(&[&files[..], &[second]].concat());
            found.is_err_and(|error| error.to_string().contains(".incr.aof of type h"))
        };
        let three = format!("{TWO}file appendonly.aof.2.incr.aof seq 2 type i\n");
        assert!(!refused(TWO) && !refused(&three));
        assert!(refused(&TWO.replace("type i", "type h")));
        assert!(refused(&three.replace("seq 2 type i", "seq 2 type h")));
        let rewritten = three.replace(".aof seq 1 type i", ".aof seq 1 type h");
        assert!(!refused(&rewritten), "there may have been no base before");
        let base = "file appendonly.aof.0.base.rdb seq 9 type h\n";
        assert!(!refused(&format!(
            "{}{base}",
            TWO.replace("type i", "type h")
        )));
    }

    #[test]
    fn nothing_to_find() {
        assert_eq!(located(&[]).unwrap(), Located::Nothing);
        assert_eq!(located(&[FOLDER]).unwrap(), Located::Nothing);
        assert_eq!(
            located(&[FOLDER, (MANIFEST, "#\n")]).unwrap(),
            Located::Nothing
        );
        let temp = ("appendonlydir/temp-appendonly.aof.manifest", TWO);
        assert_eq!(located(&[FOLDER, temp]).unwrap(), Located::Nothing);
    }

    #[test]
    fn single_file_counts_until_a_manifest_lists_data() {
        let single = Located::Single {
            path: "appendonly.aof".into(),
        };
        assert_eq!(located(&[SINGLE]).unwrap(), single);
        assert_eq!(located(&[SINGLE, FOLDER]).unwrap(), single);
        let history = "file h seq 1 type h\n";
        assert_eq!(
            located(&[SINGLE, FOLDER, (MANIFEST, history)]).unwrap(),
            single
        );
        assert_eq!(located(&[SINGLE, FOLDER, (MANIFEST, OLD)]).unwrap(), single);
    }

    #[test]
    fn single_file_is_ignored_beside_a_folder() {
        let moved = ("appendonlydir/appendonly.aof", "");
        for files in [
            &[SINGLE, FOLDER, (MANIFEST, TWO), (BASE, ""), (INCR, "")][..],
            &[SINGLE, FOLDER, (MANIFEST, OLD), moved],
        ] {
            let found = located(files).unwrap();
            assert!(
                matches!(
                    found,
                    Located::Multi {
                        ignored: Some(_),
                        ..
                    }
                ),
                "{found:?}"
            );
        }
    }

    #[test]
    fn listed_files_must_be_there_and_may_be_empty() {
        let found = located(&[FOLDER, (MANIFEST, TWO), (BASE, ""), (INCR, "")]).unwrap();
        let Located::Multi {
            manifest,
            ignored: None,
        } = found
        else {
            panic!("{found:?}")
        };
        assert_eq!(manifest.data().count(), 2);
        let error = located(&[FOLDER, (MANIFEST, TWO), (BASE, "")]).unwrap_err();
        assert!(
            matches!(&error, Error::MissingFile { path, .. } if path.ends_with("appendonly.aof.1.incr.aof"))
        );
        // Beside a single file, too: this is no interrupted upgrade.
        assert!(located(&[SINGLE, FOLDER, (MANIFEST, TWO), (BASE, "")]).is_err());
    }

    #[test]
    fn data_that_nothing_lists_is_refused() {
        for files in [
            &[FOLDER, (BASE, "")][..],
            &[FOLDER, (INCR, "")],
            &[FOLDER, (INCR, ""), SINGLE],
            &[FOLDER, (MANIFEST, "# only a comment\n"), (BASE, "")],
        ] {
            let error = located(files).unwrap_err();
            assert!(
                matches!(error, Error::DataWithoutManifest { .. }),
                "{error}"
            );
        }
        let history = "file appendonly.aof.1.incr.aof seq 1 type h\n";
        assert_eq!(
            located(&[FOLDER, (MANIFEST, history), (INCR, "")]).unwrap(),
            Located::Nothing
        );
    }

    #[test]
    fn what_was_never_committed_does_not_count() {
        let before = Manifest::default().to_text();
        let files = [FOLDER, (MANIFEST, before.as_str()), (BASE, "half")];
        assert_eq!(located(&files).unwrap(), Located::Nothing);
    }

    #[test]
    fn a_wrong_manifest_names_itself() {
        let error = located(&[FOLDER, (MANIFEST, "")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{MANIFEST}: the manifest is empty")
        );
    }
}
