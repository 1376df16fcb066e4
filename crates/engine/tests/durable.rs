//! What the append-only file holds, and when.

mod said;

use duramen::storage::{self, Faulty, Memory, Recording, Storage};
use duramen::{Builder, Engine, ManualClock, UnixMillis};
use said::{all_said, said};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const INCR: &str = "/data/appendonlydir/appendonly.aof.1.incr.aof";

/// An engine on `disk` with `appendonly yes` and this `appendfsync`.
fn builder<S: Storage>(disk: &S, fsync: &str, clock: &ManualClock) -> Builder<S> {
    let settings = [
        ("appendonly", "yes"),
        ("save", ""),
        ("appendfsync", fsync),
        ("aof-batch-checksums", "no"),
    ];
    let builder = Engine::builder("/data").storage(disk.clone()).shards(1);
    let builder = builder.clock(clock.clone()).seed(1);
    settings.iter().fold(builder, |builder, (name, value)| {
        builder.config(name, value).unwrap()
    })
}

fn open<S: Storage>(disk: &S, fsync: &str) -> Engine {
    let clock = ManualClock::new(NOW);
    builder(disk, fsync, &clock).open().unwrap()
}

/// The commands of a log file, a line each.
fn commands<S: Storage>(disk: &S, path: &str) -> String {
    let bytes = storage::read(disk, Path::new(path), 1 << 20).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let mut words = Vec::new();
    let mut lines = text.split("\r\n");
    while let Some(line) = lines.next().filter(|line| !line.is_empty()) {
        if line.starts_with('#') {
            words.push(format!("\n{line}"));
            continue;
        }
        words.push("\n".to_owned());
        for _ in 0..line[1..].parse::<usize>().unwrap() {
            lines.next();
            words.push(format!("{} ", lines.next().unwrap()));
        }
    }
    let commands = words.concat();
    commands.trim().replace(" \n", "\n")
}

#[test]
fn what_is_said_is_in_the_file_before_the_reply() {
    let disk = Memory::new();
    let engine = open(&disk, "no");
    let mut session = engine.session();
    said(&mut session, "SET a 1");
    assert_eq!(commands(&disk, INCR), "SELECT 0\nSET a 1");
    session.set("b", "2").unwrap();
    all_said(
        &mut session,
        &["SELECT 3", "MULTI", "SET c 3", "GET c", "INCR c", "EXEC"],
    );
    assert_eq!(
        commands(&disk, INCR),
        "SELECT 0\nSET a 1\nSET b 2\nSELECT 3\nMULTI\nSET c 3\nINCR c\nEXEC"
    );
    let digest = engine.digest(false);
    // As after a kill: nothing of the first engine is closed.
    let copy = copy_of(&disk);
    assert_eq!(open(&copy, "no").digest(false), digest);
}

/// The files of a disk without whoever holds its lock.
fn copy_of(disk: &Memory) -> Memory {
    let copy = Memory::new();
    for dir in ["/data", "/data/appendonlydir"].map(Path::new) {
        copy.create_dir(dir).unwrap();
        for entry in disk.list(dir).unwrap().iter().filter(|entry| !entry.is_dir) {
            let path = dir.join(&entry.name);
            let bytes = storage::read(disk, &path, 1 << 20).unwrap();
            let file = copy.open(&path, storage::Mode::CreateNew).unwrap();
            storage::append_all(&file, &bytes).unwrap();
        }
    }
    copy
}

#[test]
fn a_sync_comes_before_the_reply_or_once_a_second_or_never() {
    let clock = ManualClock::new(NOW);
    let incr = "/data/appendonlydir/appendonly.aof.1.incr.aof";
    let synced = format!("sync {incr}\n");
    for (fsync, at_once, in_a_second) in [
        ("always", true, true),
        ("everysec", false, true),
        ("no", false, false),
    ] {
        let disk = Recording::new(Memory::new());
        let engine = builder(&disk, fsync, &clock).open().unwrap();
        let mut session = engine.session();
        disk.take_transcript();
        said(&mut session, "SET a 1");
        let transcript = disk.take_transcript();
        assert_eq!(
            transcript.contains(&synced),
            at_once,
            "{fsync}: {transcript}"
        );
        clock.advance(1000);
        said(&mut session, "SET b 1");
        let transcript = disk.take_transcript();
        assert_eq!(
            transcript.contains(&synced),
            in_a_second,
            "{fsync}: {transcript}"
        );
        said(&mut session, "GET b");
        assert_eq!(
            disk.take_transcript(),
            "",
            "{fsync}: a reader need not wait"
        );
    }
}

#[test]
fn opening_touches_nothing_until_there_is_something_to_write() {
    let disk = Recording::new(Memory::new());
    let engine = open(&disk, "always");
    said(&mut engine.session(), "SET a 1");
    drop(engine);
    disk.take_transcript();
    // The directory alone says that there is a log.
    let builder = Engine::builder("/data").storage(disk.clone());
    let builder = builder.config("aof-batch-checksums", "no").unwrap();
    let engine = builder.config("save", "").unwrap().open().unwrap();
    assert_eq!(said(&mut engine.session(), "GET a"), "1");
    assert_eq!(disk.take_transcript(), "sync-dir /\nlock /data\n");
    said(&mut engine.session(), "SET b 2");
    let transcript = disk.take_transcript();
    assert!(
        transcript.starts_with(&format!(
            "open {INCR}\nsync-dir /data/appendonlydir\nsync-dir /data\nappend {INCR}"
        )),
        "{transcript}"
    );
    drop(engine);
    assert_eq!(
        commands(&disk, INCR),
        "SELECT 0\nSET a 1\nSELECT 0\nSET b 2"
    );
}

#[test]
fn a_torn_end_is_kept_beside_the_file_and_what_follows_counts() {
    let disk = Memory::new();
    let engine = open(&disk, "always");
    all_said(&mut engine.session(), &["SET a 1", "SET b 2"]);
    drop(engine);
    let file = disk.open(Path::new(INCR), storage::Mode::Append).unwrap();
    storage::append_all(
        &file,
        b"*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n",
    )
    .unwrap();
    let engine = open(&disk, "always");
    said(&mut engine.session(), "SET c 3");
    drop(engine);
    let engine = open(&disk, "always");
    assert_eq!(said(&mut engine.session(), "MGET a b c"), "[1, 2, 3]");
    let torn = storage::read(&disk, Path::new(&format!("{INCR}.torn")), 99).unwrap();
    assert!(torn.starts_with(b"*1\r\n$5\r\nMULTI"));
}

#[test]
fn timestamps_stand_in_front_of_the_first_command_of_a_second() {
    let (disk, clock) = (Memory::new(), ManualClock::new(NOW));
    let builder = builder(&disk, "no", &clock);
    let engine = builder
        .config("aof-timestamp-enabled", "yes")
        .unwrap()
        .open()
        .unwrap();
    let mut session = engine.session();
    all_said(&mut session, &["SET a 1", "SET b 1"]);
    clock.advance(1000);
    said(&mut session, "SET c 1");
    assert_eq!(
        commands(&disk, INCR),
        "#TS:1700000000\nSELECT 0\nSET a 1\nSET b 1\n#TS:1700000001\nSET c 1"
    );
    drop((session, engine));
    assert_eq!(said(&mut open(&disk, "no").session(), "DBSIZE"), "3");
}

/// Fails the operation number `at` of a write, and tells whether there is such an operation.
fn fail_a_write(fsync: &str, at: usize) -> bool {
    let (disk, clock) = (Faulty::new(), ManualClock::new(NOW));
    let engine = builder(&disk, fsync, &clock).open().unwrap();
    let mut session = engine.session();
    said(&mut session, "SET k old");
    disk.fail_after(at);
    let first = said(&mut session, "SET k new");
    if !disk.heal() {
        assert_eq!(first, "OK");
        return false;
    }
    assert!(
        first.starts_with("(error) MISCONF Errors writing to the AOF file: cannot"),
        "{first}"
    );
    assert_eq!(
        said(&mut session, "SET k third"),
        first,
        "nothing is tried again at once"
    );
    assert_eq!(
        session.set("k", "third").unwrap_err().to_string(),
        first["(error) ".len()..]
    );
    assert_eq!(said(&mut session, "GET k"), "new", "reads are served");
    let info = said(&mut session, "INFO persistence");
    assert!(info.contains("aof_last_write_status:err"), "{info}");

    clock.advance(1000);
    assert_eq!(said(&mut session, "SET l newer"), "OK");
    let info = said(&mut session, "INFO persistence");
    assert!(info.contains("aof_last_write_status:ok"), "{info}");
    let copy = copy_of(disk.now());
    assert_eq!(
        said(&mut open(&copy, "no").session(), "MGET k l"),
        "[new, newer]"
    );
    true
}

/// After a failed append the same file goes on; after a failed sync a new base and a new file do.
#[test]
fn a_failure_refuses_writes_until_the_log_is_whole_again() {
    assert_eq!(
        (0..).take_while(|at| fail_a_write("always", *at)).count(),
        2
    );
    assert_eq!((0..).take_while(|at| fail_a_write("no", *at)).count(), 1);
}

#[test]
fn a_file_whose_sync_failed_takes_nothing_more() {
    let (disk, clock) = (Faulty::new(), ManualClock::new(NOW));
    let engine = builder(&disk, "always", &clock).open().unwrap();
    let mut session = engine.session();
    disk.fail_after(1);
    said(&mut session, "SET k v");
    assert!(disk.heal());
    let before = storage::read(&disk, Path::new(INCR), 999).unwrap();
    clock.advance(1000);
    let open_file = disk.open(Path::new(INCR), storage::Mode::Read).unwrap();
    said(&mut session, "SET l v");
    use storage::File as _;
    assert_eq!(open_file.len().unwrap(), before.len() as u64);
    assert!(disk.stamp(Path::new(INCR)).unwrap().is_none(), "it is gone");
    let next = INCR.replace(".1.", ".2.");
    assert_eq!(commands(&disk, &next), "SELECT 0\nSET l v");
}

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn who_has_a_committer_need_not_wait_for_the_disk() {
    let disk = Recording::new(Memory::new());
    let engine = open(&disk, "always");
    let committer = engine.committer();
    let (mut writer, mut reader) = (engine.session(), engine.session());
    let waker = Waker::from(Arc::new(Nobody));
    let mut cx = Context::from_waker(&waker);
    disk.take_transcript();
    let mut discarded = Vec::new();
    let mut sink = duramen::RespSink::new(&mut discarded, duramen::Protocol::Resp2);
    writer.execute_into(&[b"SET", b"k", b"v"], &mut sink);
    let upto = writer.logged();
    assert!(writer.poll_committed(&mut cx, upto).is_pending());
    assert!(
        reader.poll_committed(&mut cx, upto).is_pending(),
        "nor is anybody told"
    );
    assert_eq!(disk.take_transcript(), "");
    committer.wait(std::time::Duration::from_secs(3600));
    committer.commit();
    assert!(matches!(
        writer.poll_committed(&mut cx, upto),
        Poll::Ready(Ok(()))
    ));
    assert!(matches!(
        reader.poll_committed(&mut cx, upto),
        Poll::Ready(Ok(()))
    ));
    let transcript = disk.take_transcript();
    assert!(
        transcript.ends_with(&format!("sync {INCR}\n")),
        "{transcript}"
    );
}

#[test]
fn many_sessions_share_a_sync() {
    let disk = Recording::new(Memory::new());
    let engine = open(&disk, "always");
    disk.take_transcript();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let mut session = engine.session();
            scope.spawn(move || {
                for n in 0..200 {
                    said(&mut session, &format!("APPEND {thread} {n},"));
                }
            });
        }
    });
    let digest = engine.digest(false);
    drop(engine);
    let transcript = disk.take_transcript();
    let syncs = transcript.matches("sync /").count();
    assert!((1..=800).contains(&syncs), "{syncs}");
    assert_eq!(open(&disk, "no").digest(false), digest);
}

/// Writers go on while the log is rewritten, again and again: whatever was answered is in the files
/// at any moment.
#[test]
fn rewrites_lose_nothing_under_writers() {
    for fsync in ["always", "everysec"] {
        let (disk, clock) = (Memory::new(), ManualClock::new(NOW));
        let builder = builder(&disk, fsync, &clock).shards(8);
        let builder = builder.config("aof-batch-checksums", "yes").unwrap();
        let engine = builder.open().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let mut session = engine.session();
                scope.spawn(move || {
                    for n in 0..600 {
                        let lines = [
                            format!("SELECT {}", n % 2),
                            "MULTI".to_owned(),
                            format!("APPEND {}:{thread} {n},", n % 50),
                            format!("RPUSH all {thread}:{n}"),
                            "EXEC".to_owned(),
                        ];
                        all_said(&mut session, &lines.each_ref().map(String::as_str));
                    }
                });
            }
            let engine = &engine;
            scope.spawn(move || (0..15).for_each(|_| _ = engine.rewrite_log().unwrap()));
        });
        let digest = engine.digest(false);
        let copy = copy_of(&disk);
        assert_eq!(open(&copy, "no").digest(false), digest, "{fsync}");
        drop(engine);
        assert_eq!(open(&disk, "no").digest(false), digest, "{fsync}, closed");
    }
}

#[test]
fn the_log_is_turned_on_and_off_while_commands_run() {
    let disk = Memory::new();
    let builder = Engine::builder("/data").storage(disk.clone());
    let engine = builder.config("save", "").unwrap().open().unwrap();
    let mut session = engine.session();
    said(&mut session, "SET a 1");
    engine.set_config("aof-batch-checksums", "no").unwrap();
    assert_eq!(said(&mut session, "CONFIG SET appendonly yes"), "OK");
    said(&mut session, "SET b 2");
    assert_eq!(commands(&disk, INCR), "SELECT 0\nSET b 2");
    let copy = copy_of(&disk);
    assert_eq!(said(&mut open(&copy, "no").session(), "MGET a b"), "[1, 2]");
    assert_eq!(said(&mut session, "CONFIG SET appendonly no"), "OK");
    said(&mut session, "SET c 3");
    assert_eq!(said(&mut session, "CONFIG SET appendonly yes"), "OK");
    said(&mut session, "SET d 4");
    let copy = copy_of(&disk);
    assert_eq!(
        said(&mut open(&copy, "no").session(), "MGET a b c d"),
        "[1, 2, 3, 4]"
    );
}

/// What is logged while there is no log to write stays bounded, rewrites or not.
#[test]
fn a_rewrite_without_a_log_holds_nothing_back() {
    let disk = Memory::new();
    let builder = Engine::builder("/data").storage(disk.clone());
    let engine = builder.config("save", "").unwrap().open().unwrap();
    let mut session = engine.session();
    said(&mut session, "SET a 1");
    assert!(said(&mut session, "BGREWRITEAOF").contains("started"));
    let value = "v".repeat(1000);
    (0..1000).for_each(|n| _ = said(&mut session, &format!("SET {n} {value}")));
    let kept = engine.memory().journal;
    assert!(kept < 300_000, "{kept}");
    said(&mut session, "CONFIG SET appendonly yes");
    said(&mut session, "CONFIG SET appendonly no");
    (0..1000).for_each(|n| _ = said(&mut session, &format!("SET {n} {value}")));
    assert!(engine.memory().journal < 300_000);
}

/// A byte that changes after it was synced is found; one that was not is the end of the log.
#[test]
fn checksums_tell_damage_from_a_torn_end() {
    let (disk, clock) = (Memory::new(), ManualClock::new(NOW));
    let open = |disk: &Memory| {
        let builder = builder(disk, "always", &clock);
        let builder = builder.config("aof-batch-checksums", "yes").unwrap();
        builder.open().map_err(|error| error.to_string())
    };
    let engine = open(&disk).unwrap();
    all_said(&mut engine.session(), &["SET a 1", "SET b 2", "SET c 3"]);
    drop(engine);
    let bytes = storage::read(&disk, Path::new(INCR), 1 << 20).unwrap();
    let flipped = |at: usize| {
        let copy = copy_of(&disk);
        let file = copy.open(Path::new(INCR), storage::Mode::Truncate).unwrap();
        let mut bytes = bytes.clone();
        bytes[at] ^= 4;
        storage::append_all(&file, &bytes).unwrap();
        open(&copy)
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let refusal = flipped(text.find("b\r\n").unwrap())
        .unwrap_err()
        .to_string();
    assert!(refusal.contains("damaged, not torn"), "{refusal}");
    let engine = flipped(bytes.len() - 3).unwrap();
    assert_eq!(said(&mut engine.session(), "MGET a b c"), "[1, 2, (nil)]");
    said(&mut engine.session(), "SET d 4");
}

/// Every type in words, and in payloads what words can't say.
#[test]
fn a_base_of_commands_holds_everything() {
    let (disk, clock) = (Memory::new(), ManualClock::new(NOW));
    let builder = builder(&disk, "no", &clock);
    let builder = builder.config("aof-use-rdb-preamble", "no").unwrap();
    let engine = builder
        .config("rdb-target", "redis-7.4")
        .unwrap()
        .open()
        .unwrap();
    let mut session = engine.session();
    for n in 0..200 {
        let lines = [
            format!("RPUSH l {n}"),
            format!("SADD s m{n}"),
            format!("ZADD z {n}.25 {n}"),
        ];
        lines.iter().for_each(|line| _ = said(&mut session, line));
    }
    let lines = [
        "SET t v PXAT 4000000000000",
        "SET n 12",
        "HSET h f v",
        "HSET fields f v g w",
        "HEXPIRE fields 1000 FIELDS 1 f",
        "XADD x 1-1 a b",
        "XGROUP CREATE x g 0",
        "XREADGROUP GROUP g c COUNT 1 STREAMS x >",
        "SELECT 1",
        "SET other db",
    ];
    all_said(&mut session, &lines);
    engine.rewrite_log().unwrap();
    let digest = engine.digest(false);
    drop((session, engine));
    let base = "/data/appendonlydir/appendonly.aof.2.base.aof";
    let base = storage::read(&disk, Path::new(base), 1 << 20).unwrap();
    assert!(base.starts_with(b"*2\r\n$6\r\nSELECT"));
    let engine = open(&disk, "no");
    assert_eq!(engine.digest(false), digest);
    assert_eq!(
        said(&mut engine.session(), "HTTL fields FIELDS 1 f"),
        "[1000]"
    );
}
