//! Workloads under `appendfsync always` with every call to the storage failing in turn: whatever
//! fails, what was answered outlives a power cut, and once nothing fails any more all goes on.

use crate::crash::{START, content, open};
use crate::model::{Change, Model};
use crate::workload::{Settings, Step, Workload};
use duramen::storage::{Crash, FailedSync, Failing, Fault, Faulty, Moment};
use duramen::{Committer, Engine, ManualClock, Reply, Session, UnixMillis};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What runs found, added up.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) workloads: u64,
    pub(crate) runs: u64,
    /// Calls that failed first in a run, by what they do.
    pub(crate) calls: BTreeMap<&'static str, u64>,
    pub(crate) refused: u64,
    pub(crate) images: u64,
    pub(crate) failures: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.workloads += other.workloads;
        self.runs += other.runs;
        self.refused += other.refused;
        self.images += other.images;
        self.failures.extend(other.failures);
        for (call, count) in other.calls {
            *self.calls.entry(call).or_default() += count;
        }
    }
}

/// Ways to fail, with what a failed sync leaves behind.
const FAILINGS: [(Failing, FailedSync); 6] = [
    (Failing::Error(ErrorKind::Other), FailedSync::CleanPages),
    (Failing::Error(ErrorKind::Other), FailedSync::Reverted),
    (Failing::Error(ErrorKind::Other), FailedSync::ReportedLate),
    (
        Failing::Error(ErrorKind::StorageFull),
        FailedSync::CleanPages,
    ),
    (
        Failing::Error(ErrorKind::Interrupted),
        FailedSync::CleanPages,
    ),
    (Failing::Short, FailedSync::CleanPages),
];

/// Images are looked at in front of so many operations from the failure on.
const LOOKS: u32 = 8;

/// Carries out the workload of a seed, once for each of its calls and each way to fail.
pub(crate) fn run(seed: u64) -> Tally {
    let mut tally = Tally {
        workloads: 1,
        ..Tally::default()
    };
    for (how, failed_sync) in FAILINGS {
        for is_sticky in [false, true] {
            for after in 0.. {
                let fault = Fault {
                    after,
                    how,
                    is_sticky,
                    reads: true,
                };
                if !fail_once(seed, fault, failed_sync, &mut tally) {
                    break;
                }
            }
        }
    }
    tally
}

/// One run with one fault; false if there are not so many calls that it would have come.
fn fail_once(seed: u64, fault: Fault, failed_sync: FailedSync, tally: &mut Tally) -> bool {
    let mut run = Run::new(seed, failed_sync);
    run.disk.inject(fault);
    let ended = Workload::of(seed)
        .steps
        .iter()
        .try_for_each(|step| run.step(step));
    let has_come = run.disk.has_fault_come();
    let failed = run.disk.heal_after();
    let outcome = ended.and_then(|()| run.finish());
    tally.runs += 1;
    tally.refused += run.refused;
    let promise = run.promise();
    tally.images += promise.images;
    let problem = outcome.err().or_else(|| promise.problem.clone());
    if let Some((operation, path)) = &failed {
        *tally.calls.entry(operation.as_str()).or_default() += 1;
        if let Some(problem) = problem {
            let what = format!("{} {}", operation.as_str(), path.display());
            let failure =
                format!("seed {seed}, {what} failed, {fault:?}, {failed_sync:?}: {problem}");
            tally.failures.push(failure);
        }
    } else if let Some(problem) = problem {
        tally
            .failures
            .push(format!("seed {seed}, without a failure: {problem}"));
    }
    has_come
}

/// What must be found after a power cut.
#[derive(Default)]
struct Promise {
    /// The content after each step, and which of them was answered last.
    contents: Vec<String>,
    answered: usize,
    looks: u32,
    images: u64,
    problem: Option<String>,
    trace: String,
}

impl Promise {
    /// Operations, for who has to find out what went wrong.
    fn note(&mut self, moment: &Moment<'_>) {
        let (operation, path) = (moment.operation.as_str(), moment.path.display());
        let failed = if moment.has_failed() { ", failed" } else { "" };
        let answered = self.answered;
        let _ = writeln!(
            self.trace,
            "{operation} {path} ({answered} answered{failed})"
        );
    }

    fn allows(&self, found: &str) -> Result<usize, String> {
        let allowed = self.contents.get(self.answered..).unwrap_or_default();
        let at = allowed.iter().rposition(|content| content == found);
        at.map(|at| at + self.answered).ok_or_else(|| {
            let wanted = &self.contents[self.answered];
            format!("answered:\n{wanted}found:\n{found}")
        })
    }

    /// Opens what a power cut left.
    fn look(&mut self, image: &Faulty, clock: &ManualClock, how: Crash) {
        self.images += 1;
        let opened = open(image, Settings::LOOKING, clock);
        let found = opened.map(|engine| content(&mut engine.session()));
        if let Err(problem) = found.and_then(|found| self.allows(&found)) {
            let problem = format!("a power cut, {how:?}, behind:\n{}{problem}", self.trace);
            self.problem.get_or_insert(problem);
        }
    }
}

/// A program that goes on whatever fails.
struct Run {
    settings: Settings,
    disk: Faulty,
    clock: ManualClock,
    promise: Arc<Mutex<Promise>>,
    model: Model,
    /// The models of the contents that are promised.
    models: Vec<Model>,
    refused: u64,
    /// Whether the last write was refused.
    is_refusing: bool,
    engine: Option<(Engine, Session, Committer)>,
}

impl Run {
    fn new(seed: u64, failed_sync: FailedSync) -> Run {
        let (disk, clock) = (Faulty::new(), ManualClock::new(UnixMillis(START)));
        disk.set_failed_sync(failed_sync);
        let promise = Arc::new(Mutex::new(Promise {
            contents: vec![String::new()],
            looks: LOOKS,
            ..Promise::default()
        }));
        let (watcher, time) = (Arc::clone(&promise), clock.clone());
        let mut rng = Rng::with_seed(!seed);
        disk.watch(move |moment| {
            let mut promise = lock(&watcher);
            promise.note(&moment);
            if promise.looks > 0 && moment.has_failed() {
                promise.looks -= 1;
                let other = Crash::ALL[rng.usize(..Crash::ALL.len())];
                for how in [Crash::Lost, other] {
                    let image = moment.crash(how, &mut |below| rng.usize(..below));
                    promise.look(&image, &time, how);
                }
            }
        });
        let settings = Settings {
            retention: Workload::of(seed).settings.retention,
            ..Settings::LOOKING
        };
        Run {
            settings,
            disk,
            clock,
            promise,
            model: Model::default(),
            models: vec![Model::default()],
            refused: 0,
            is_refusing: false,
            engine: None,
        }
    }

    fn promise(&self) -> MutexGuard<'_, Promise> {
        lock(&self.promise)
    }

    /// An open engine, unless the disk keeps it from opening. It must have what was answered.
    fn open(&mut self) -> Result<bool, String> {
        if self.engine.is_some() {
            return Ok(true);
        }
        let Ok(engine) = open(&self.disk, self.settings, &self.clock) else {
            return Ok(false);
        };
        let found = content(&mut engine.session());
        let at = self.promise().allows(&found)?;
        self.models.truncate(at + 1);
        self.promise().contents.truncate(at + 1);
        self.promise().answered = at;
        self.model = self.models[at].clone();
        self.engine = Some((engine.clone(), engine.session(), engine.committer()));
        Ok(true)
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        // Nobody but the engine whose sync failed knows that what programs read is not on the disk.
        if matches!(step, Step::Reopen) && !self.is_refusing {
            self.engine = None;
        }
        if !self.open()? {
            return Ok(());
        }
        let engine = self.engine.as_ref().map(|(engine, ..)| engine.clone());
        match (step, engine) {
            (Step::Write { db, changes }, _) => _ = self.write(*db, changes)?,
            (Step::FailedWrite { change, .. }, _) => {
                self.write(0, std::slice::from_ref(change))?;
            }
            (Step::Wait(ms), _) => self.wait(*ms),
            // Whether they succeed is for the disk to say.
            (Step::Rewrite | Step::FailedRewrite(_), Some(engine)) => _ = engine.rewrite_log(),
            (Step::Save, Some(engine)) => _ = engine.save(),
            _ => {}
        }
        Ok(())
    }

    /// True if the changes were answered. Otherwise they may last or not, but all or none of them.
    fn write(&mut self, db: usize, changes: &[Change]) -> Result<bool, String> {
        let Some((engine, session, _)) = &mut self.engine else {
            return Ok(false);
        };
        let (before, mut after) = (self.model.text(), self.model.clone());
        changes.iter().for_each(|change| after.apply(db, change));
        lock(&self.promise).contents.push(after.text());
        let reply = crate::crash::execute(session, db, changes);
        let is_answered = !matches!(reply, Reply::Error(_));
        let held = content(&mut engine.session());
        if held == after.text() {
            self.model = after.clone();
            self.models.push(after);
        } else if held == before && !is_answered {
            self.promise().contents.pop();
        } else {
            return Err(format!(
                "{changes:?} were answered {reply:?} and left:\n{held}"
            ));
        }
        self.is_refusing = !is_answered;
        if is_answered {
            let mut promise = self.promise();
            promise.answered = promise.contents.len() - 1;
        } else {
            self.refused += 1;
        }
        Ok(is_answered)
    }

    fn wait(&self, ms: i64) {
        if let Some((_, _, committer)) = &self.engine {
            self.clock.advance(ms);
            committer.commit();
        }
    }

    /// With a disk in order again, writes are taken within a while, and outlive a power cut.
    fn finish(&mut self) -> Result<(), String> {
        // A late report may fail the first.
        if !self.open()? && !self.open()? {
            let opened = open(&self.disk, self.settings, &self.clock);
            return Err(format!("the disk is in order again: {:?}", opened.err()));
        }
        // Again the first may fail late.
        for value in ["first", "second", "last"] {
            self.wait(1100);
            let change = Change::Set("text0".to_owned(), value.to_owned());
            let is_answered = self.write(0, &[change])?;
            if value == "last" && !is_answered {
                return Err("the disk is in order again, and writes are refused".to_owned());
            }
        }
        let image = self.disk.crash(Crash::Lost, &mut |_| 0);
        let clock = self.clock.clone();
        self.promise().look(&image, &clock, Crash::Lost);
        Ok(())
    }
}

fn lock(promise: &Arc<Mutex<Promise>>) -> MutexGuard<'_, Promise> {
    promise.lock().unwrap_or_else(PoisonError::into_inner)
}
