//! Damage to bytes at rest: each bit of a data directory flipped, each sector zeroed and each pair of
//! neighbours swapped. Opening it then has to fail, or say what does not count, or give the same data.

use crate::crash::START;
use duramen::storage::{Memory, Mode, Storage, append_all, ensure_dir, read};
use duramen::{Builder, DigestForm, Engine, ManualClock, UnixMillis};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What became of damages, added up.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) damages: u64,
    /// By file: refused, told, and the same data.
    pub(crate) outcomes: BTreeMap<String, [u64; 3]>,
    /// Neither of them.
    pub(crate) failures: Vec<String>,
    /// There was nothing left to damage.
    pub(crate) is_over: bool,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.damages += other.damages;
        self.failures.extend(other.failures);
        self.is_over |= other.is_over;
        for (file, counts) in other.outcomes {
            let sum = self.outcomes.entry(file).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
        }
    }
}

/// What opening a damaged directory may come to.
enum Outcome {
    Refused,
    Told,
    Same,
    Silent,
}

const SECTOR: usize = 512;
/// Bytes of a file that one turn damages.
const TURN: usize = 64;
const DIR: &str = "/data";

/// One directory with a snapshot alone, one with a log.
const SETTINGS: [&str; 2] = ["no", "yes"];

/// Damages the bytes of the `turn`th part of all files; turns count from 1.
pub(crate) fn run(turn: u64) -> Tally {
    let mut left = usize::try_from(turn - 1).unwrap_or(usize::MAX);
    for appendonly in SETTINGS {
        let disk = filled(appendonly);
        for path in files(&disk, Path::new(DIR)) {
            let sound = read(&disk, &path, u64::MAX).unwrap_or_default();
            let turns = sound.len().div_ceil(TURN);
            if left < turns {
                return Case::new(disk, path, sound).damage(left * TURN);
            }
            left -= turns;
        }
    }
    Tally {
        is_over: true,
        ..Tally::default()
    }
}

fn builder(disk: &Memory) -> Builder<Memory> {
    let clock = ManualClock::new(UnixMillis(START));
    let builder = Engine::builder(DIR).storage(disk.clone()).clock(clock);
    builder.seed(1).shards(1).load_threads(1)
}

/// A directory of some 60 KB: every type, a snapshot or a base, and a log behind it.
fn filled(appendonly: &str) -> Memory {
    let disk = Memory::new();
    let set = |builder: Builder<Memory>, name, value| {
        let set: Result<_, _> = Builder::config(builder, name, value);
        set.expect("a setting")
    };
    let builder = set(builder(&disk), "appendonly", appendonly);
    let builder = set(builder, "appendfsync", "always");
    let engine = set(builder, "save", "1 1")
        .open()
        .expect("an empty directory");
    write(&engine, 0);
    if appendonly == "yes" {
        engine.rewrite_log().expect("a disk that does not fail");
    }
    write(&engine, 1);
    engine.close().expect("a disk that does not fail");
    disk
}

/// Keys of every type. What is written `again` is another part of the same.
fn write(engine: &Engine, again: u64) {
    let mut session = engine.session();
    let mut noise = fastrand::Rng::with_seed(again);
    let mut say = |line: String| {
        let words: Vec<&str> = line.split(' ').collect();
        session.execute(&words);
    };
    for n in 0..40 {
        let text: String = (0..100).map(|_| noise.alphanumeric()).collect();
        say(format!("SET string:{again}:{n} {text}"));
        say(format!("RPUSH list:{} {text} {n}", n % 5));
        say(format!("HSET hash:{} {text} {n}", n % 5));
        say(format!("SADD set:{} {n}{again}", n % 5));
        say(format!("ZADD zset:{} {n}.5 {text}", n % 5));
        say(format!("XADD stream 1-{again}{n:02} field {text}"));
        say(format!("INCRBY counter:{} {n}", n % 3));
    }
    say("EXPIRE string:0:1 1000".to_owned());
    say("DEL string:0:2".to_owned());
}

/// All files but the lock, in order.
fn files(disk: &Memory, dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in disk.list(dir).unwrap_or_default() {
        let path = dir.join(&entry.name);
        match entry.is_dir {
            true => found.extend(files(disk, &path)),
            false if entry.name == "duramen.lock" => {}
            false => found.push(path),
        }
    }
    found
}

/// A file that is damaged over and over.
struct Case {
    disk: Memory,
    path: PathBuf,
    sound: Vec<u8>,
    digest: [u8; 20],
    tally: Tally,
}

impl Case {
    fn new(disk: Memory, path: PathBuf, sound: Vec<u8>) -> Case {
        let engine = builder(&disk).read_only().open().expect("it is sound");
        let digest = engine.digest(DigestForm::Redis74).expect("no view is lost");
        Case {
            disk,
            path,
            sound,
            digest,
            tally: Tally::default(),
        }
    }

    fn damage(mut self, from: usize) -> Tally {
        let upto = self.sound.len().min(from + TURN);
        for at in from..upto {
            for bit in 0..8 {
                let what = format!("bit {bit} of byte {at}");
                self.attempt(&what, |bytes| bytes[at] ^= 1 << bit);
            }
        }
        if from.is_multiple_of(SECTOR) {
            self.damage_sector(from);
        }
        self.tally
    }

    fn damage_sector(&mut self, from: usize) {
        let len = self.sound.len();
        let (middle, end) = (len.min(from + SECTOR), len.min(from + 2 * SECTOR));
        let zeroed = format!("bytes {from} to {middle} zeroed");
        self.attempt(&zeroed, |bytes| bytes[from..middle].fill(0));
        if end - middle == SECTOR {
            let swapped = format!("sectors at {from} and {middle} swapped");
            self.attempt(&swapped, |bytes| {
                let (left, right) = bytes[from..end].split_at_mut(SECTOR);
                left.swap_with_slice(right);
            });
        }
    }

    fn attempt(&mut self, what: &str, damage: impl FnOnce(&mut [u8])) {
        let mut bytes = self.sound.clone();
        damage(&mut bytes);
        if bytes == self.sound {
            return;
        }
        put(&self.disk, &self.path, &bytes);
        let outcome = self.open();
        put(&self.disk, &self.path, &self.sound);
        self.tally.damages += 1;
        let name = self.path.strip_prefix(DIR).unwrap_or(&self.path);
        let name = name.display().to_string();
        let counts = self.tally.outcomes.entry(name).or_default();
        match outcome {
            Outcome::Refused => counts[0] += 1,
            Outcome::Told => counts[1] += 1,
            Outcome::Same => counts[2] += 1,
            Outcome::Silent => {
                let failure = format!("{}: {what}: other data, and no word", self.path.display());
                self.tally.failures.push(failure);
            }
        }
    }

    fn open(&self) -> Outcome {
        let Ok(engine) = builder(&self.disk).read_only().open() else {
            return Outcome::Refused;
        };
        let found = engine.digest(DigestForm::Redis74).expect("no view is lost");
        let report = engine.recovery_report();
        let is_torn = |file: &duramen::FileReport| {
            let log = file.log.as_ref();
            log.is_some_and(|log| !log.tail.is_whole())
        };
        match () {
            () if found == self.digest => Outcome::Same,
            () if report.files.iter().any(is_torn) || !report.warnings.is_empty() => Outcome::Told,
            () => Outcome::Silent,
        }
    }
}

fn put(disk: &Memory, path: &Path, bytes: &[u8]) {
    let folder = path.parent().unwrap_or(Path::new("/"));
    ensure_dir(disk, folder).expect("memory takes everything");
    let file = disk.open(path, Mode::Truncate).expect("memory has it");
    append_all(&file, bytes).expect("memory takes everything");
}
