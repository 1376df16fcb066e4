//! MULTI, EXEC, DISCARD and WATCH, between sessions.

mod said;

use duramen::{Engine, ManualClock, UnixMillis};
use said::{all_said, said};

const START: UnixMillis = UnixMillis(1_700_000_000_000);

fn engine_at(clock: &ManualClock) -> Engine {
    let dir = tempfile::tempdir().unwrap();
    Engine::builder(dir.path())
        .storage(duramen::storage::Memory::new())
        .clock(clock.clone())
        .seed(1)
        .open()
        .unwrap()
}

/// What EXEC of one `GET k` answers, if `k` was watched before `between` happened elsewhere.
fn exec_after(setup: &[&str], between: &[&str], advance: i64) -> String {
    let clock = ManualClock::new(START);
    let engine = engine_at(&clock);
    let (mut one, mut other) = (engine.session(), engine.session());
    all_said(&mut other, setup);
    all_said(&mut one, &["WATCH k", "MULTI", "PING"]);
    let answers = all_said(&mut other, between);
    assert!(
        answers.iter().all(|answer| !answer.starts_with("(error)")),
        "{answers:?}"
    );
    clock.advance(advance);
    said(&mut one, "EXEC")
}

#[test]
fn a_watched_key_that_changes_stops_exec() {
    let changes: [(&[&str], &[&str]); 14] = [
        (&["SET k 1"], &["SET k 1"]),
        (&["SET k 1"], &["INCR k"]),
        (&["SET k 1"], &["DEL k"]),
        (&[], &["SET k 1"]),
        (&["RPUSH k a"], &["LPOP k"]),
        (&["SET k 1"], &["EXPIRE k 100"]),
        (&["SET k 1 EX 100"], &["PERSIST k"]),
        (&["SET k 1"], &["RENAME k other"]),
        (&["SET other 1"], &["RENAME other k"]),
        (&["SET k 1"], &["FLUSHALL"]),
        (&["SET k 1"], &["FLUSHDB"]),
        (&["SET k 1"], &["SWAPDB 0 1"]),
        (&["SET k 1"], &["MULTI", "APPEND k x", "EXEC"]),
        (&["HSET k f 1"], &["HDEL k f"]),
    ];
    for (setup, between) in changes {
        assert_eq!(exec_after(setup, between, 0), "(nil)", "{between:?}");
    }
}

#[test]
fn what_is_not_a_change_of_the_watched_key_lets_exec_through() {
    let others: [(&[&str], &[&str]); 7] = [
        (&["SET k 1"], &["GET k", "TTL k", "OBJECT ENCODING k"]),
        (&["SET k 1"], &["SET other 1"]),
        (&["SET k 1"], &["SELECT 1", "SET k 2"]),
        (&["SET k 1"], &["SETNX k 2"]),
        (&["SADD k a"], &["SADD k a"]),
        (&[], &["FLUSHALL"]),
        (&[], &["DEL k"]),
    ];
    for (setup, between) in others {
        assert_eq!(exec_after(setup, between, 0), "[PONG]", "{between:?}");
    }
}

#[test]
fn expiry_is_a_change() {
    assert_eq!(exec_after(&["SET k 1 PX 50"], &[], 49), "[PONG]");
    assert_eq!(exec_after(&["SET k 1 PX 50"], &[], 51), "(nil)");
}

#[test]
fn a_key_that_had_expired_when_it_was_watched_may_vanish() {
    let clock = ManualClock::new(START);
    let engine = engine_at(&clock);
    let (mut one, mut other) = (engine.session(), engine.session());
    said(&mut one, "SET k 1 PX 50");
    clock.advance(60);
    all_said(&mut one, &["WATCH k", "MULTI", "PING"]);
    assert_eq!(said(&mut other, "GET k"), "(nil)");
    assert_eq!(said(&mut one, "EXEC"), "[PONG]");
}

#[test]
fn exec_discard_and_unwatch_end_the_watch() {
    for end in [&["MULTI", "EXEC"][..], &["MULTI", "DISCARD"], &["UNWATCH"]] {
        let engine = Engine::open_in_memory();
        let (mut one, mut other) = (engine.session(), engine.session());
        said(&mut one, "WATCH k");
        all_said(&mut one, end);
        said(&mut other, "SET k 1");
        let answers = all_said(&mut one, &["MULTI", "GET k", "EXEC"]);
        assert_eq!(answers, ["OK", "QUEUED", "[1]"], "{end:?}");
    }
}

#[test]
fn a_refusal_while_queueing_aborts_and_one_while_running_does_not() {
    let mut session = Engine::open_in_memory().session();
    let answers = all_said(
        &mut session,
        &["MULTI", "SET a 1", "GET", "EXEC", "EXISTS a"],
    );
    assert_eq!(
        answers[2],
        "(error) ERR wrong number of arguments for 'get' command"
    );
    assert_eq!(
        answers[3],
        "(error) EXECABORT Transaction discarded because of previous errors."
    );
    assert_eq!(answers[4], "0");
    let answers = all_said(
        &mut session,
        &["MULTI", "SET a x", "INCR a", "SET b 1", "EXEC"],
    );
    assert_eq!(
        answers[4],
        "[OK, (error) ERR value is not an integer or out of range, OK]"
    );
}

#[test]
fn transactions_do_not_nest_and_some_commands_stay_out() {
    let mut session = Engine::open_in_memory().session();
    let answers = all_said(
        &mut session,
        &[
            "EXEC", "DISCARD", "MULTI", "MULTI", "WATCH k", "SAVE", "DISCARD",
        ],
    );
    assert_eq!(answers[0], "(error) ERR EXEC without MULTI");
    assert_eq!(answers[1], "(error) ERR DISCARD without MULTI");
    assert_eq!(answers[3], "(error) ERR MULTI calls can not be nested");
    assert_eq!(answers[4], "(error) ERR WATCH inside MULTI is not allowed");
    assert_eq!(
        answers[5],
        "(error) ERR Command not allowed inside a transaction"
    );
    assert_eq!(answers[6], "OK");
}

#[test]
fn select_in_a_transaction_holds_for_what_follows() {
    let mut session = Engine::open_in_memory().session();
    let lines = [
        "MULTI", "SELECT 3", "SET k 3", "EXEC", "GET k", "SELECT 0", "GET k",
    ];
    let answers = all_said(&mut session, &lines);
    assert_eq!(answers[3..], ["[OK, OK]", "3", "OK", "(nil)"]);
}

/// Two counters in different shards that move together are never seen apart.
#[test]
fn transactions_over_shards_are_atomic() {
    let engine = Engine::open_in_memory();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let mut session = engine.session();
            scope.spawn(move || {
                for _ in 0..500 {
                    all_said(&mut session, &["MULTI", "INCR left", "INCR right", "EXEC"]);
                }
            });
        }
        let mut reader = engine.session();
        scope.spawn(move || {
            for _ in 0..500 {
                let both = reader.execute(&["MGET", "left", "right"]);
                let items = both.as_items().unwrap();
                assert_eq!(items[0], items[1]);
            }
        });
    });
    assert_eq!(
        said(&mut engine.session(), "MGET left right"),
        "[1000, 1000]"
    );
}

#[test]
fn an_exec_that_is_refused_ends_its_transaction() {
    let engine = engine_at(&ManualClock::new(START));
    let mut session = engine.session();
    let refusal = "(error) EXECABORT Transaction discarded because of: wrong number of arguments for \
                   'exec' command";
    assert_eq!(said(&mut session, "EXEC now"), refusal);
    all_said(&mut session, &["MULTI", "SET k 1"]);
    assert_eq!(said(&mut session, "EXEC now"), refusal);
    assert_eq!(said(&mut session, "EXISTS k"), "0");
    assert_eq!(said(&mut session, "EXEC"), "(error) ERR EXEC without MULTI");
}

#[test]
fn what_ends_scripts_or_counts_them_is_queued() {
    let engine = engine_at(&ManualClock::new(START));
    let mut session = engine.session();
    said(&mut session, "MULTI");
    for line in ["FUNCTION STATS", "FUNCTION KILL", "SCRIPT KILL"] {
        assert_eq!(said(&mut session, line), "QUEUED", "{line}");
    }
}

#[test]
fn settings_change_within_a_transaction() {
    let engine = Engine::open_in_memory();
    let mut session = engine.session();
    let answers = all_said(
        &mut session,
        &[
            "MULTI",
            "SET k v",
            "CONFIG SET maxmemory 1mb slowlog-max-len 7",
            "CONFIG GET slowlog-max-len",
            "CONFIG SET maxmemory much",
        ],
    );
    assert_eq!(answers[2], "QUEUED");
    let replies = said(&mut session, "EXEC");
    assert!(replies.contains("slowlog-max-len"), "{replies}");
    assert!(replies.contains("CONFIG SET failed"), "{replies}");
    assert_eq!(engine.config("maxmemory").as_deref(), Some("1048576"));
    assert_eq!(engine.config("slowlog-max-len").as_deref(), Some("7"));
    // The turn is over: others change settings as well.
    assert!(engine.set_config("maxmemory", "0").is_ok());
}
