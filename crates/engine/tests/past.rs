//! States of the past: every second and every offset that a program saw can be had again, opened or
//! as a directory of its own.
#![expect(clippy::disallowed_methods, reason = "tests look at and damage files")]

use duramen::{Engine, LogHistory, ManualClock, OpenError, PastError, Point, Session};
use duramen::{UnixMillis, restore};
use std::fs;
use std::path::Path;

const START: i64 = 1_700_000_000;

fn open(dir: &Path, clock: &ManualClock, settings: &[(&str, &str)]) -> Engine {
    let builder = Engine::builder(dir).clock(clock.clone()).shards(2);
    let ours = [("appendonly", "yes"), ("aof-history-retention", "86400")];
    let settings = ours.iter().chain(settings);
    let set = |builder: duramen::Builder, (name, value): &(&str, &str)| {
        builder.config(name, value).unwrap()
    };
    settings.fold(builder, set).open().unwrap()
}

fn clock() -> ManualClock {
    ManualClock::new(UnixMillis(START * 1000))
}

/// What an engine holds, in a form that compares.
fn digest(engine: &Engine) -> [u8; 20] {
    engine.digest(true).unwrap()
}

/// Where its history stands.
fn place(session: &mut Session) -> (String, u64) {
    let reply = session.execute(&["INFO", "replication"]);
    match reply.as_bytes() {
        Some(text) => place_of(&String::from_utf8_lossy(text)),
        None => panic!("{reply:?}"),
    }
}

fn place_of(info: &str) -> (String, u64) {
    let field = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim_start_matches(':').trim().to_owned()
    };
    let offset = field("master_repl_offset").parse().unwrap();
    (field("master_replid"), offset)
}

/// A state that a program saw: the second, its place in the history, and the digest.
struct Seen {
    secs: i64,
    place: (String, u64),
    digest: [u8; 20],
}

/// Commands, a transaction now and then, rewrites and reopenings, by a seed.
fn live(dir: &Path, clock: &ManualClock, seed: u64, settings: &[(&str, &str)]) -> Vec<Seen> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut engine = open(dir, clock, settings);
    let mut session = engine.session();
    let mut seen = Vec::new();
    for step in 0..120 {
        let (key, value) = (format!("k{}", rng.u32(..9)), step.to_string());
        session.execute(&["SELECT", &rng.u32(..2).to_string()]);
        match rng.u32(..12) {
            0..4 => drop(session.execute(&["SET", &key, &value])),
            4..6 => drop(session.execute(&["RPUSH", &format!("l{key}"), &value, "x"])),
            6 => drop(session.execute(&["DEL", &key])),
            7 => {
                session.execute(&["MULTI"]);
                session.execute(&["INCR", "n"]);
                session.execute(&["HSET", "h", &key, &value]);
                session.execute(&["EXEC"]);
            }
            8 => _ = engine.rewrite_log().unwrap(),
            9 => {
                drop(session);
                engine.close().unwrap();
                engine = open(dir, clock, settings);
                session = engine.session();
            }
            10 => drop(session.execute(&["PUBLISH", "channel", "only replicas get it"])),
            _ => clock.advance(rng.i64(1..5000)),
        }
        let secs = duramen::Clock::now(clock).secs();
        let (place, digest) = (place(&mut session), digest(&engine));
        seen.push(Seen {
            secs,
            place,
            digest,
        });
    }
    drop(session);
    engine.close().unwrap();
    seen
}

#[test]
fn every_second_can_be_opened_and_restored() {
    for (seed, settings) in [
        (1, &[][..]),
        (2, &[("aof-batch-checksums", "no")]),
        (3, &[("aof-use-rdb-preamble", "no")]),
        (4, &[("appendfsync", "always")]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let seen = live(dir.path(), &clock(), seed, settings);
        let last_of_second = |pair: &&[Seen]| pair[0].secs != pair[1].secs;
        let mut compared = 0;
        for pair in seen.windows(2).filter(last_of_second) {
            let (then, next) = (&pair[0], &pair[1]);
            for secs in [then.secs, next.secs - 1] {
                let engine = Engine::open_at(dir.path(), Point::Time(secs)).unwrap();
                assert_eq!(digest(&engine), then.digest, "seed {seed}, {secs}");
            }
            let out = dir.path().join(format!("out{}", then.secs));
            let restored = restore(dir.path(), &Point::Time(then.secs), &out).unwrap();
            let engine = Engine::open(&restored.dir).unwrap();
            assert_eq!(digest(&engine), then.digest, "seed {seed}, {}", then.secs);
            assert!(engine.recovery_report().warnings.is_empty());
            compared += 1;
        }
        assert!(compared > 3, "seed {seed}: {compared}");
    }
}

#[test]
fn every_offset_can_be_opened() {
    let dir = tempfile::tempdir().unwrap();
    let seen = live(dir.path(), &clock(), 5, &[]);
    let mut opened = 0;
    for (number, then) in seen.iter().enumerate() {
        let (replid, at) = then.place.clone();
        let is_last = |other: &&Seen| other.place == then.place;
        let last = seen.iter().rev().find(is_last).unwrap();
        let replid = Some(replid);
        match Engine::open_at(dir.path(), Point::Offset { replid, at }) {
            Ok(engine) => {
                assert_eq!(digest(&engine), last.digest, "step {number}");
                opened += 1;
            }
            // In front of the first write there is nothing to say where the history stands.
            Err(error) => {
                let is_outside = error.to_string().contains("expected offset:");
                assert!(is_outside && at == 0, "step {number}, offset {at}: {error}");
            }
        }
    }
    assert!(opened > 100, "{opened}");
}

#[test]
fn an_offset_within_a_transaction_is_in_front_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path(), &clock(), &[]);
    let mut session = engine.session();
    session.execute(&["SET", "n", "1"]);
    let (_, before) = place(&mut session);
    for words in [&["MULTI"][..], &["INCR", "n"], &["INCR", "n"], &["EXEC"]] {
        session.execute(words);
    }
    let (_, after) = place(&mut session);
    for at in before..=after {
        let replid = None;
        let past = Engine::open_at(dir.path(), Point::Offset { replid, at }).unwrap();
        let wanted = if at == after { "3" } else { "1" };
        let found = past.session().get("n").unwrap();
        assert_eq!(found, Some(wanted.as_bytes().to_vec()), "offset {at}");
        let out = dir.path().join(format!("out{at}"));
        let point = Point::Offset { replid: None, at };
        restore(dir.path(), &point, &out).unwrap();
        let restored = Engine::open(&out).unwrap();
        let found = restored.session().get("n").unwrap();
        assert_eq!(found, Some(wanted.as_bytes().to_vec()), "offset {at}");
    }
}

#[test]
fn points_outside_are_refused_with_what_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path(), &clock(), &[]);
    engine.session().set("k", "v").unwrap();
    let out = dir.path().join("out");
    for point in [Point::Time(START - 1), Point::Time(i64::MAX / 2000)] {
        let error = restore(dir.path(), &point, &out).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("expected 2023-11-14T22:13:20Z .. "), "{text}");
    }
    let (replid, at) = (None, 9999);
    let error = restore(dir.path(), &Point::Offset { replid, at }, &out).unwrap_err();
    assert!(error.to_string().contains("offset:9999, expected offset:"));
    assert!(!out.exists());
    let error = restore(dir.path(), &Point::Latest, dir.path()).unwrap_err();
    assert!(matches!(error, PastError::TargetExists(_)), "{error}");
    let error = Engine::open_at(out, Point::Latest).unwrap_err();
    assert!(matches!(&error, OpenError::Past(error) if matches!(**error, PastError::NoLog(_))));
}

#[test]
fn what_has_no_times_is_not_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let settings = [("aof-history-retention", "0")];
    let engine = open(dir.path(), &clock(), &settings);
    engine.session().set("k", "v").unwrap();
    engine.rewrite_log().unwrap();
    engine.session().set("k", "w").unwrap();
    let history = LogHistory::of(dir.path()).unwrap();
    let stretches = history.stretches().unwrap();
    assert_eq!(stretches.len(), 1, "nothing is kept");
    assert_eq!(
        (stretches[0].unstamped, stretches[0].begins),
        (2, Some(START))
    );
    let error = restore(dir.path(), &Point::Time(START), dir.path().join("o")).unwrap_err();
    assert!(
        matches!(error, PastError::Unstamped { commands: 2, .. }),
        "{error}"
    );
    let restored = restore(dir.path(), &Point::Latest, dir.path().join("o")).unwrap();
    let found = Engine::open(restored.dir)
        .unwrap()
        .session()
        .get("k")
        .unwrap();
    assert_eq!(found, Some(b"w".to_vec()));
}

#[test]
fn nothing_changes_in_the_directory_and_damage_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let engine = open(dir.path(), &clock, &[]);
    for _ in 0..4 {
        engine.session().set("k", "v".repeat(300)).unwrap();
        clock.advance(10_000);
        engine.rewrite_log().unwrap();
    }
    drop(engine);
    let before = files(dir.path());
    let out = tempfile::tempdir().unwrap();
    restore(dir.path(), &Point::Latest, out.path().join("a")).unwrap();
    Engine::open_at(dir.path(), Point::Latest).unwrap();
    assert_eq!(files(dir.path()), before);
    // A bit in the middle of each kept file.
    let mut damages = 0;
    let history = dir.path().join("appendonlydir/history");
    for (number, entry) in fs::read_dir(history).unwrap().enumerate() {
        let path = entry.unwrap().path();
        let sound = fs::read(&path).unwrap();
        if path.extension().is_some_and(|is| is == "manifest") || sound.len() < 100 {
            continue;
        }
        let mut damaged = sound.clone();
        damaged[sound.len() / 2] ^= 1;
        fs::write(&path, damaged).unwrap();
        let history = LogHistory::of(dir.path()).and_then(|history| {
            let stretches = history.stretches()?;
            let of_it = stretches
                .iter()
                .find(|stretch| stretch.files.contains(&path));
            let last = of_it.and_then(|stretch| stretch.last.or(stretch.begins));
            let out = out.path().join(format!("damaged{number}"));
            history.restore(&Point::Time(last.unwrap()), &out)
        });
        assert!(history.is_err(), "{}: {history:?}", path.display());
        fs::write(&path, sound).unwrap();
        damages += 1;
    }
    assert!(damages >= 7, "{damages}");
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((path.display().to_string(), fs::read(&path).unwrap())),
        }
    }
    found.sort();
    found
}
