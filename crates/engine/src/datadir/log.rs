//! The append-only file as something that goes on: opened for what comes, and written anew.

use super::save::Snapshot;
use super::{Directory, Frozen, KnownLog, SaveError, SaveReport, log_end};
use crate::durable::Switch;
use crate::engine::Inner;
use crate::place::Place;
use aof::{Located, Manifest, adopt_single, commit_base, create_incr, cut_tail};
use aof::{has_batches, locate, persist, prepare_folder};
use rdb::Target;
use std::path::Path;
use std::sync::Arc;
use storage::{File, Mode, Storage, replace};

/// What a rewrite left.
#[derive(Debug)]
pub(crate) struct Rewritten {
    pub(crate) report: SaveReport,
    /// Where the log goes on, if it does not do so already.
    pub(crate) next: Option<Switch>,
    /// Bytes of the base.
    pub(crate) size: u64,
}

impl<S: Storage> Directory<S> {
    /// The file at the end of the log that was found, without what of it does not count.
    pub(super) fn open_log_end(&self, engine: &Inner) -> Result<Arc<dyn File>, SaveError> {
        let mut log = self.log.lock();
        self.refuse_strange_log(&mut log)?;
        if let Some((path, valid_up_to)) = log.torn.take() {
            cut_tail(&self.storage, &path, valid_up_to)?;
        }
        let opened = self.open_end(engine, &mut log);
        log.end = None;
        opened
    }

    fn open_end(&self, engine: &Inner, log: &mut KnownLog) -> Result<Arc<dyn File>, SaveError> {
        let manifest = match &log.located {
            Located::Nothing => return Err(SaveError::NoLog),
            Located::Single { path } if self.stays_single(engine, &log.located) => {
                return Ok(Arc::new(self.storage.open(path, Mode::Append)?));
            }
            Located::Single { .. } => {
                let adopted = adopt_single(&self.storage, &self.names, &mut log.manifest);
                self.locate_again(log);
                adopted?
            }
            Located::Multi { manifest, .. } => manifest.clone(),
        };
        let batches = engine.durable.has_batches();
        if let Some(last) = manifest.incr.last() {
            let file = self
                .storage
                .open(&self.names.file(&last.name), Mode::Append)?;
            // What others wrote is left as it is: nothing says where that ends.
            if has_batches(&file)? == batches {
                self.sync_names()?;
                return Ok(Arc::new(file));
            }
        }
        let (_, file) = self.list_incr(log, &manifest, batches)?;
        Ok(Arc::new(file))
    }

    /// Who made the files may have died before their names were safe, or was refused to make them so.
    fn sync_names(&self) -> Result<(), SaveError> {
        self.storage.sync_dir(&self.names.folder())?;
        Ok(self.storage.sync_dir(self.names.data_dir())?)
    }

    /// A new incr file that the manifest lists.
    fn list_incr(
        &self,
        log: &mut KnownLog,
        manifest: &Manifest,
        batches: bool,
    ) -> Result<(Manifest, S::File), SaveError> {
        let (listed, file) = create_incr(&self.storage, &self.names, manifest, batches)?;
        let persisted = persist(&self.storage, &self.names, &mut log.manifest, &listed);
        self.locate_again(log);
        persisted?;
        Ok((listed, file))
    }

    /// Servers before 7.0 know one file and no folder.
    pub(super) fn stays_single(&self, engine: &Inner, located: &Located) -> bool {
        let target = engine.target(&engine.config.read());
        matches!(located, Located::Single { .. }) && target == Target::Redis9
    }

    /// A new base in place of all there is, and where the log goes on behind it: from the moment of
    /// the freeze if the file before it `is_alive`, so that nobody waits.
    pub(super) fn rewrite(&self, engine: &Inner, is_alive: bool) -> Result<Rewritten, SaveError> {
        let mut log = self.log.lock();
        self.refuse_strange_log(&mut log)?;
        let config = engine.config.read().clone();
        let mut snapshot = Snapshot::new(engine, &config);
        let next = match self.stays_single(engine, &log.located) {
            true => self.rewrite_single(&mut log, &mut snapshot).map(Some),
            false => self.rewrite_folder(&mut log, &mut snapshot, is_alive),
        };
        self.locate_again(&mut log);
        let next = next?;
        log.torn = None;
        let size = self.size_of_base(&log)?;
        let report = snapshot.report();
        Ok(Rewritten { report, next, size })
    }

    fn rewrite_folder(
        &self,
        log: &mut KnownLog,
        snapshot: &mut Snapshot<'_>,
        is_alive: bool,
    ) -> Result<Option<Switch>, SaveError> {
        let (storage, names) = (&self.storage, &self.names);
        let single = match &log.located {
            Located::Single { path } => Some(path.clone()),
            _ => None,
        };
        prepare_folder(storage, names, &mut log.manifest)?;
        let old = listed_by(&log.located);
        let batches = snapshot.engine().durable.has_batches();
        let (listed, file) = match is_alive {
            true => self.list_incr(log, &old, batches)?,
            false => create_incr(storage, names, &old, batches)?,
        };
        let to: Arc<dyn File> = Arc::new(file);
        let (frozen, switch) = snapshot.engine().freeze_for_rewrite(&to, is_alive);
        let (format, history) = (snapshot.base_format(), snapshot.history());
        let write = |file: &mut _| snapshot.write_base(frozen, file, format);
        let known = &mut log.manifest;
        let manifest = commit_base(storage, names, &listed, known, format, history, write)?;
        if let Some(path) = single {
            // What remains of it is ignored beside the folder.
            let _ = storage.remove(&path);
        }
        let data = manifest.data().map(|file| names.file(&file.name));
        snapshot.files.extend(data);
        snapshot.files.push(names.manifest());
        Ok((!is_alive).then_some(switch))
    }

    fn rewrite_single(
        &self,
        log: &mut KnownLog,
        snapshot: &mut Snapshot<'_>,
    ) -> Result<Switch, SaveError> {
        let path = self.names.single();
        let engine = snapshot.engine();
        let (frozen, place) = engine.freeze_and_cut();
        let format = snapshot.base_format();
        let write = |file: &mut _| snapshot.write_base(frozen, file, format);
        replace(&self.storage, &path, &mut log.end, write)?;
        log.end = None;
        let to = Arc::new(self.storage.open(&path, Mode::Append)?);
        snapshot.files.push(path);
        Ok(Switch { place, to })
    }

    /// Somebody who does not know of the lock may have written here.
    fn refuse_strange_log(&self, log: &mut KnownLog) -> Result<(), SaveError> {
        if log.is_stale {
            log.located = locate(&self.storage, &self.names).map_err(SaveError::Aof)?;
            log.is_stale = false;
        }
        self.refuse_changed(&self.names.manifest(), log.manifest)?;
        match (log_end(&self.names, &log.located), log.end) {
            (Some(path), Some(end)) => self.refuse_changed(&path, Some(end)),
            _ => Ok(()),
        }
    }

    /// Also after a failure: what was tried may have been done before it. If this fails it is done
    /// before the next change: a manifest made from what is listed no more would lose the rest.
    fn locate_again(&self, log: &mut KnownLog) {
        match locate(&self.storage, &self.names) {
            Ok(located) => log.located = located,
            Err(_) => log.is_stale = true,
        }
    }

    fn size_of_base(&self, log: &KnownLog) -> Result<u64, SaveError> {
        let path = match &log.located {
            Located::Nothing => return Ok(0),
            Located::Single { path } => path.clone(),
            Located::Multi { manifest, .. } => match &manifest.base {
                Some(base) => self.names.file(&base.name),
                None => return Ok(0),
            },
        };
        self.size_of(&path)
    }

    fn size_of(&self, path: &Path) -> Result<u64, SaveError> {
        Ok(self.storage.stamp(path)?.map_or(0, |stamp| stamp.len))
    }

    /// Bytes of all files of the log, and of its base alone.
    pub(super) fn sizes_of_log(&self) -> Result<(u64, u64), SaveError> {
        let log = self.log.lock();
        let base = self.size_of_base(&log)?;
        let incrs = listed_by(&log.located).incr;
        let sizes = incrs
            .iter()
            .map(|file| self.size_of(&self.names.file(&file.name)));
        let incrs: u64 = sizes.sum::<Result<u64, SaveError>>()?;
        Ok((base + incrs, base))
    }
}

impl Inner {
    /// A view of everything, with nothing of the log behind it written elsewhere.
    fn freeze_and_cut(&self) -> (Frozen, Place) {
        let mut place = None;
        let over = keyspace::OverBudget::Wait;
        let frozen = self.freeze_at(over, || place.insert(self.log.cut()).at);
        (frozen, place.expect("a freeze calls it once"))
    }
}

fn listed_by(located: &Located) -> Manifest {
    match located {
        Located::Multi { manifest, .. } => manifest.clone(),
        Located::Nothing | Located::Single { .. } => Manifest::default(),
    }
}
