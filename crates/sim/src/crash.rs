//! Workloads crashed at every operation: what an engine finds afterwards against what it promised.

use crate::model::{Change, DATABASES, Model};
use crate::workload::{Fsync, Settings, Step, Workload};
use duramen::storage::{Crash, Faulty, Moment};
use duramen::{Builder, Committer, Engine, ManualClock, OpenError, PastError, Point, Reply};
use duramen::{Session, UnixMillis};
use fastrand::Rng;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};

pub(crate) const START: i64 = 1_700_000_000_000;

/// Milliseconds between two turns of who holds the committer.
const TURN: i64 = 50;

/// What runs found, added up.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) workloads: u64,
    pub(crate) operations: u64,
    pub(crate) images: u64,
    /// Of images: those that were written to and crashed again.
    pub(crate) second_crashes: u64,
    /// The oldest write that an image of `everysec` lacked was so many milliseconds old.
    pub(crate) lost_ms: i64,
    pub(crate) failures: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.workloads += other.workloads;
        self.operations += other.operations;
        self.images += other.images;
        self.second_crashes += other.second_crashes;
        self.lost_ms = self.lost_ms.max(other.lost_ms);
        self.failures.extend(other.failures);
    }
}

/// What was done so far, and what was answered.
struct History {
    fsync: Fsync,
    keeps_history: bool,
    /// The content after each step, the first one empty.
    contents: Vec<String>,
    /// When each was answered, or a later one.
    answered_at: Vec<i64>,
    /// The last step that was answered; the one behind it may be under way.
    answered: usize,
    clock: ManualClock,
    rng: Rng,
    tally: Tally,
    trace: String,
    seed: u64,
}

type Shared = Arc<Mutex<History>>;

fn lock(history: &Shared) -> MutexGuard<'_, History> {
    history
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Carries out the workload of a seed, and crashes it at every operation.
pub(crate) fn run(seed: u64) -> Tally {
    let workload = Workload::of(seed);
    let disk = Faulty::new();
    let clock = ManualClock::new(UnixMillis(START));
    let history = History {
        fsync: workload.settings.fsync,
        keeps_history: workload.settings.retention > 0,
        contents: vec![String::new()],
        answered_at: vec![START],
        answered: 0,
        clock: clock.clone(),
        rng: Rng::with_seed(!seed),
        tally: Tally::default(),
        trace: String::new(),
        seed,
    };
    let history = Arc::new(Mutex::new(history));
    let watcher = Arc::clone(&history);
    disk.watch(move |moment| lock(&watcher).look(&moment));
    let mut driver = Driver::open(disk.clone(), &workload, clock, Arc::clone(&history));
    workload.steps.iter().for_each(|step| driver.step(step));
    drop(driver);
    disk.watch(|_| {});
    let mut tally = std::mem::take(&mut lock(&history).tally);
    tally.workloads = 1;
    tally
}

/// A program with an engine.
struct Driver<'w> {
    disk: Faulty,
    workload: &'w Workload,
    clock: ManualClock,
    history: Shared,
    model: Model,
    /// `None` only between two engines.
    open: Option<(Engine, Session, Committer)>,
}

impl<'w> Driver<'w> {
    fn open(disk: Faulty, workload: &'w Workload, clock: ManualClock, history: Shared) -> Self {
        let mut driver = Driver {
            disk,
            workload,
            clock,
            history,
            model: Model::default(),
            open: None,
        };
        driver.reopen();
        driver
    }

    fn reopen(&mut self) {
        self.open = None;
        let opened = open(&self.disk, self.workload.settings, &self.clock);
        let engine = opened.expect("what was closed well opens");
        self.open = Some((engine.clone(), engine.session(), engine.committer()));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Write { db, changes } => {
                let reply = self.write(*db, changes);
                assert!(!matches!(reply, Reply::Error(_)), "{changes:?}: {reply:?}");
                lock(&self.history).answer();
            }
            Step::FailedWrite { change, at } => self.fail_to_write(change, *at),
            Step::Wait(ms) => self.wait(*ms),
            Step::Rewrite => _ = self.engine().rewrite_log().expect("nothing fails"),
            Step::FailedRewrite(at) => {
                self.disk.fail_after(*at);
                let rewritten = self.engine().rewrite_log();
                assert!(self.disk.heal() || rewritten.is_ok(), "{rewritten:?}");
            }
            Step::Save => _ = self.engine().save().expect("nothing fails"),
            Step::Reopen => self.reopen(),
        }
    }

    fn engine(&self) -> Engine {
        let (engine, ..) = self.open.as_ref().expect("it is open");
        engine.clone()
    }

    /// Carries out changes, in a transaction if they are several; the last reply.
    fn write(&mut self, db: usize, changes: &[Change]) -> Reply {
        let (_, session, _) = self.open.as_mut().expect("it is open");
        changes
            .iter()
            .for_each(|change| self.model.apply(db, change));
        lock(&self.history).begin(self.model.text());
        execute(session, db, changes)
    }

    /// A write whose append or sync fails: it may last or not, and is part of what comes after.
    fn fail_to_write(&mut self, change: &Change, at: usize) {
        let fails = self.workload.settings.fsync == Fsync::Always;
        if fails {
            self.disk.fail(at, std::io::ErrorKind::Other, false);
        }
        let reply = self.write(0, std::slice::from_ref(change));
        let failed = fails && self.disk.heal();
        match (failed, reply) {
            (true, Reply::Error(_)) => self.wait(1100),
            (false, Reply::Error(error)) => panic!("{change:?}: {error}"),
            (true, reply) => panic!("{change:?} was answered: {reply:?}"),
            (false, _) => lock(&self.history).answer(),
        }
    }

    fn wait(&self, ms: i64) {
        let (_, _, committer) = self.open.as_ref().expect("it is open");
        for _ in 0..ms / TURN {
            self.clock.advance(TURN);
            committer.commit();
        }
        self.clock.advance(ms % TURN);
    }
}

impl History {
    /// A step whose answer is not given yet has this content.
    fn begin(&mut self, content: String) {
        self.contents.push(content);
    }

    fn answer(&mut self) {
        self.answered = self.contents.len() - 1;
        self.answered_at.resize(self.contents.len(), self.now());
    }

    fn now(&self) -> i64 {
        duramen::Clock::now(&self.clock).0
    }

    /// Crashes the disk in all ways in front of an operation.
    fn look(&mut self, moment: &Moment<'_>) {
        self.tally.operations += 1;
        let (operation, path) = (moment.operation.as_str(), moment.path.display());
        let _ = writeln!(
            self.trace,
            "{operation} {path} ({} answered)",
            self.answered
        );
        for how in Crash::ALL {
            let mut rng = self.rng.fork();
            let image = moment.crash(how, &mut |below| rng.usize(..below));
            self.tally.images += 1;
            if let Err(problem) = self.check(&image, how) {
                let History { seed, trace, .. } = self;
                let at = format!("seed {seed}, crash {how:?} in front of the last of:\n{trace}");
                self.tally.failures.push(format!("{problem}\n{at}"));
            }
        }
    }

    /// Opens what a crash left, and compares it with what must be there.
    fn check(&mut self, image: &Faulty, how: Crash) -> Result<(), String> {
        let engine = open(image, Settings::LOOKING, &self.clock)?;
        let found = content(&mut engine.session());
        let step = self.match_step(&found, how)?;
        if self.fsync == Fsync::Everysec && step < self.answered {
            let lost = self.now() - self.answered_at[step + 1];
            self.tally.lost_ms = self.tally.lost_ms.max(lost);
        }
        if self.keeps_history && self.rng.u32(..4) == 0 {
            self.look_back(image)?;
        }
        if self.rng.u32(..4) == 0 {
            self.tally.second_crashes += 1;
            self.crash_again(image, engine, &found)?;
        }
        Ok(())
    }

    /// A state of the past, if it can be had, is one that there was.
    fn look_back(&mut self, image: &Faulty) -> Result<(), String> {
        let secs = self.rng.i64(START / 1000..=self.now() / 1000);
        let builder = settle(image, Settings::LOOKING, &self.clock);
        let engine = match builder.at(Point::Time(secs)).open() {
            Ok(engine) => engine,
            Err(OpenError::Past(error)) if is_outside(&error) => return Ok(()),
            Err(error) => return Err(format!("at {secs}: {error}")),
        };
        let found = content(&mut engine.session());
        match self.contents.contains(&found) {
            true => Ok(()),
            false => Err(format!("at {secs} there was never:\n{found}")),
        }
    }

    /// The step whose content it is, among those that may be found.
    fn match_step(&self, found: &str, how: Crash) -> Result<usize, String> {
        let old_enough = |at: &i64| self.now() - at > 1000;
        let first = match self.fsync {
            _ if how == Crash::Kept => self.answered,
            Fsync::Always => self.answered,
            Fsync::Everysec => self.answered_at.iter().rposition(old_enough).unwrap_or(0),
            Fsync::No => 0,
        };
        let matching = (first..self.contents.len()).rev();
        let step = matching
            .into_iter()
            .find(|&step| self.contents[step] == found);
        step.ok_or_else(|| {
            let earlier = self.contents.iter().rposition(|content| content == found);
            let lost = match earlier {
                Some(step) => format!("steps behind {step} are lost, up to {first} must be there"),
                None => format!(
                    "what was found is of no step:\n{found}while the last step that was answered left:\n{}",
                    self.contents[self.answered]
                ),
            };
            format!("{lost}\n{:?}, {} answered", self.fsync, self.answered)
        })
    }

    /// What is written after a crash outlives another one, which may come at any operation of it.
    fn crash_again(&mut self, image: &Faulty, engine: Engine, found: &str) -> Result<(), String> {
        let between = Arc::new(Mutex::new(Vec::new()));
        let (images, rng) = (Arc::clone(&between), Mutex::new(self.rng.fork()));
        image.watch(move |moment| {
            let mut rng = rng
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let how = Crash::ALL[rng.usize(..Crash::ALL.len())];
            let crashed = moment.crash(how, &mut |below| rng.usize(..below));
            if let Ok(mut images) = images.lock() {
                images.push((how, crashed));
            }
        });
        let mut session = engine.session();
        let reply = session.execute(&["SET", "zzz", "again"]);
        image.watch(|_| {});
        if matches!(reply, Reply::Error(_)) {
            return Err(format!("a write after the crash: {reply:?}"));
        }
        let after = |disk: &Faulty, what: String| {
            let opened = open(disk, Settings::LOOKING, &self.clock);
            let engine = opened.map_err(|error| format!("{what}: {error}"))?;
            Ok::<String, String>(content(&mut engine.session()))
        };
        let last = image.crash(Crash::Lost, &mut |_| 0);
        let mut wanted = content(&mut session);
        if after(&last, "a second crash".to_owned())? != wanted {
            return Err("a second crash lost what was answered".to_owned());
        }
        let images = std::mem::take(&mut *between.lock().map_err(|_| "poisoned".to_owned())?);
        for (how, crashed) in images {
            self.tally.images += 1;
            let now = after(&crashed, format!("a second crash, {how:?}"))?;
            if now != found && now != *wanted {
                wanted.push_str(&now);
                return Err(format!(
                    "a second crash, {how:?}, left neither old nor new:\n{wanted}"
                ));
            }
        }
        Ok(())
    }
}

/// Nothing is there of that time, or nothing says so.
fn is_outside(error: &PastError) -> bool {
    matches!(
        error,
        PastError::NoLog(_) | PastError::Outside { .. } | PastError::Unstamped { .. }
    )
}

pub(crate) fn open(
    disk: &Faulty,
    settings: Settings,
    clock: &ManualClock,
) -> Result<Engine, String> {
    let opened = settle(disk, settings, clock).open();
    opened.map_err(|error| format!("refused to start: {error}"))
}

fn settle(disk: &Faulty, settings: Settings, clock: &ManualClock) -> Builder<Faulty> {
    let stamps = if settings.timestamps { "yes" } else { "no" };
    let retention = settings.retention.to_string();
    let settings = [
        ("appendonly", "yes"),
        ("save", ""),
        ("appendfsync", settings.fsync.name()),
        ("aof-timestamp-enabled", stamps),
        ("aof-history-retention", &retention),
        ("databases", "2"),
    ];
    let builder = Engine::builder("/data")
        .storage(disk.clone())
        .clock(clock.clone());
    let builder = builder.shards(1).load_threads(1).seed(1);
    let set = |builder: Builder<Faulty>, (name, value)| {
        builder
            .config(name, value)
            .expect("a setting that there is")
    };
    settings.into_iter().fold(builder, set)
}

/// Carries out changes, in a transaction if they are several; the last reply.
pub(crate) fn execute(session: &mut Session, db: usize, changes: &[Change]) -> Reply {
    session.execute(&["SELECT", &db.to_string()]);
    let commands = changes.iter().map(|change| change.words());
    let (multi, exec) = (vec!["MULTI".to_owned()], vec!["EXEC".to_owned()]);
    let commands: Vec<Vec<String>> = match changes.len() {
        1 => commands.collect(),
        _ => [multi].into_iter().chain(commands).chain([exec]).collect(),
    };
    let replies = commands.iter().map(|words| session.execute(words));
    replies.last().unwrap_or(Reply::Nil)
}

/// All that an engine holds, as [`Model::text`] has it.
pub(crate) fn content(session: &mut Session) -> String {
    let mut text = String::new();
    for db in 0..DATABASES {
        session.execute(&["SELECT", &db.to_string()]);
        let mut keys = words(&session.execute(&["KEYS", "*"]));
        keys.sort();
        for key in keys {
            let deadline = session.execute(&["PEXPIRETIME", &key]);
            let value = value(session, &key);
            let deadline = words(&deadline).concat();
            let _ = writeln!(text, "{db} {key} {deadline} {}", value.join(" "));
        }
    }
    text
}

fn value(session: &mut Session, key: &str) -> Vec<String> {
    let kind = words(&session.execute(&["TYPE", key])).concat();
    match kind.as_str() {
        "string" => words(&session.execute(&["GET", key])),
        "list" => words(&session.execute(&["LRANGE", key, "0", "-1"])),
        "set" => {
            let mut members = words(&session.execute(&["SMEMBERS", key]));
            members.sort();
            members
        }
        _ => {
            let fields = words(&session.execute(&["HGETALL", key]));
            let mut pairs: Vec<&[String]> = fields.chunks(2).collect();
            pairs.sort();
            pairs.concat()
        }
    }
}

fn words(reply: &Reply) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match reply {
        Reply::Status(line) => vec![line.clone()],
        Reply::Integer(number) => vec![number.to_string()],
        Reply::Bulk(bytes) => vec![text(bytes)],
        Reply::Array(items) | Reply::Set(items) => items.iter().flat_map(words).collect(),
        other => vec![format!("{other:?}")],
    }
}
