//! Workloads: what a program does to an engine, by a seed.

use crate::model::{Change, DATABASES};
use fastrand::Rng;

/// One thing that a program does.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// One command, or several in a transaction, in a database.
    Write {
        db: usize,
        changes: Vec<Change>,
    },
    /// One command while the operation behind this number fails, under `always`; and time to recover.
    FailedWrite {
        change: Change,
        at: usize,
    },
    /// Nothing, for some milliseconds.
    Wait(i64),
    Rewrite,
    /// A rewrite one of whose operations fails, if it has so many: the one behind this number.
    FailedRewrite(usize),
    Save,
    /// The engine is closed and opened again.
    Reopen,
}

/// When what is logged is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fsync {
    Always,
    Everysec,
    No,
}

impl Fsync {
    pub(crate) const ALL: [Fsync; 3] = [Fsync::Always, Fsync::Everysec, Fsync::No];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Fsync::Always => "always",
            Fsync::Everysec => "everysec",
            Fsync::No => "no",
        }
    }
}

/// What is done, and how the engine is set.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    pub(crate) settings: Settings,
    pub(crate) steps: Vec<Step>,
}

/// How an engine is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) fsync: Fsync,
    pub(crate) timestamps: bool,
    /// Seconds for which superseded logs are kept; 0 for none.
    pub(crate) retention: u32,
}

impl Settings {
    /// Of who looks at what a crash left.
    pub(crate) const LOOKING: Settings = Settings {
        fsync: Fsync::Always,
        timestamps: false,
        retention: 0,
    };
}

impl Workload {
    /// The workload of a seed.
    pub(crate) fn of(seed: u64) -> Workload {
        let mut rng = Rng::with_seed(seed);
        let len = rng.usize(4..40);
        let fsync = Fsync::ALL[rng.usize(..Fsync::ALL.len())];
        let timestamps = rng.bool();
        let steps = (0..len).map(|_| step(&mut rng)).collect();
        let retention = [0, 2, 3600][rng.usize(..3)];
        let settings = Settings {
            fsync,
            timestamps,
            retention,
        };
        Workload { settings, steps }
    }
}

fn step(rng: &mut Rng) -> Step {
    match rng.u32(..100) {
        0..3 => Step::Rewrite,
        3..6 => Step::FailedRewrite(rng.usize(..24)),
        6..7 => Step::Save,
        7..9 => Step::Reopen,
        9..20 => Step::Wait(rng.i64(1..1500)),
        20..24 => Step::FailedWrite {
            change: change(rng),
            at: rng.usize(..2),
        },
        24..37 => write(rng, 2..5),
        _ => write(rng, 1..2),
    }
}

fn write(rng: &mut Rng, len: std::ops::Range<usize>) -> Step {
    let len = rng.usize(len);
    Step::Write {
        db: rng.usize(..DATABASES),
        changes: (0..len).map(|_| change(rng)).collect(),
    }
}

/// Keys of a type have names of their own.
fn change(rng: &mut Rng) -> Change {
    let key = |kind: &str, rng: &mut Rng| format!("{kind}{}", rng.u32(..2));
    let word = |rng: &mut Rng| format!("w{}", rng.u32(..5));
    // Some values are longer than a sector.
    let value = |rng: &mut Rng| {
        "v".repeat(if rng.u32(..8) == 0 {
            rng.usize(..2000)
        } else {
            3
        })
    };
    match rng.u32(..24) {
        0..4 => Change::Set(key("text", rng), format!("{}{}", word(rng), value(rng))),
        4..6 => Change::Append(key("text", rng), word(rng)),
        6..9 => Change::Incr(key("number", rng)),
        9 => Change::Del(key(["text", "list", "hash"][rng.usize(..3)], rng)),
        10 => Change::Expire(
            key(["text", "set", "hash"][rng.usize(..3)], rng),
            FAR + rng.i64(0..9),
        ),
        11..14 => Change::Push(key("list", rng), word(rng)),
        14..16 => Change::Pop(key("list", rng)),
        16..18 => Change::Add(key("set", rng), word(rng)),
        18 => Change::Remove(key("set", rng), word(rng)),
        19..22 => Change::Hset(key("hash", rng), word(rng), format!("{}.", value(rng))),
        22 => Change::Hdel(key("hash", rng), word(rng)),
        _ => Change::Flush,
    }
}

/// A time that does not come.
const FAR: i64 = 4_000_000_000_000;
