//! Where a stream is: the database that it goes on with is part of that, through lost connections,
//! replicas of replicas, files and restarts.

mod wire;

use duramen::storage::Memory;
use duramen::{Engine, ManualClock, Session, UnixMillis};
use wire::{START, Wire, assert_same, follow, info, open, run, text};

/// A primary whose last word was for database 3, and a replica that has it.
fn pair(clock: &ManualClock) -> (Engine, Engine, Session) {
    let (primary, replica) = (open(clock, 1), open(clock, 2));
    let mut writer = primary.session();
    run(&mut writer, "SELECT 3");
    run(&mut writer, &format!("SET big {}", "x".repeat(10_000)));
    follow(&replica);
    Wire::new(&primary, &replica).carry(1000);
    (primary, replica, writer)
}

fn in_3(engine: &Engine, line: &str) -> String {
    let mut session = engine.session();
    run(&mut session, "SELECT 3");
    text(run(&mut session, line))
}

#[test]
fn a_connection_that_is_made_again_goes_on_in_the_same_database() {
    let clock = ManualClock::new(START);
    let (primary, replica, mut writer) = pair(&clock);
    run(&mut writer, "SET first 1");
    Wire::new(&primary, &replica).carry(1000);
    run(&mut writer, "SET second 2");
    let mut wire = Wire::new(&primary, &replica);
    wire.carry(1000);
    assert!(wire.sent < 1000, "{}", wire.sent);
    assert_eq!(in_3(&replica, "GET second"), "2");
    assert_same(&primary, &replica);
}

#[test]
fn a_replica_of_a_replica_begins_in_the_database_of_the_stream() {
    let clock = ManualClock::new(START);
    let (primary, replica, mut writer) = pair(&clock);
    run(&mut writer, "SET first 1");
    let mut upper = Wire::new(&primary, &replica);
    upper.carry(1000);
    let last = open(&clock, 3);
    follow(&last);
    let mut lower = Wire::new(&replica, &last);
    lower.carry(1000);
    run(&mut writer, "SET second 2");
    upper.carry(1000);
    lower.carry(1000);
    assert_eq!(in_3(&last, "GET second"), "2");
    assert_same(&primary, &last);
}

#[test]
fn a_log_that_begins_within_the_stream_names_its_database() {
    let (clock, storage) = (ManualClock::new(START), Memory::new());
    let at = |storage: &Memory| {
        let builder = Engine::builder("/data").storage(storage.clone()).seed(2);
        builder.clock(clock.clone()).open().unwrap()
    };
    let (primary, replica) = (open(&clock, 1), at(&storage));
    let mut writer = primary.session();
    run(&mut writer, "SELECT 3");
    run(&mut writer, "SET first 1");
    follow(&replica);
    let mut wire = Wire::new(&primary, &replica);
    wire.carry(1000);
    run(&mut replica.session(), "CONFIG SET appendonly yes");
    run(&mut writer, "SET second 2");
    wire.carry(1000);
    // And where one file follows another.
    replica.rewrite_log().unwrap();
    run(&mut writer, "SET third 3");
    wire.carry(1000);
    assert_same(&primary, &replica);
    drop((wire, replica));
    let replica = at(&storage);
    assert_eq!(
        in_3(&replica, "MGET first second third"),
        in_3(&primary, "MGET first second third")
    );
    assert_eq!(in_3(&replica, "DBSIZE"), "Integer(3)");
}

#[test]
fn a_replica_that_was_started_anew_asks_for_what_it_lacks() {
    let (clock, storage) = (ManualClock::new(START), Memory::new());
    let at = |storage: &Memory| {
        let builder = Engine::builder("/data").storage(storage.clone()).seed(2);
        let builder = builder.config("replicaof", "primary 6379").unwrap();
        builder.clock(clock.clone()).open().unwrap()
    };
    let (primary, replica) = (open(&clock, 1), at(&storage));
    let mut writer = primary.session();
    run(&mut writer, "SELECT 3");
    run(&mut writer, &format!("SET big {}", "x".repeat(10_000)));
    Wire::new(&primary, &replica).carry(1000);
    replica.save().unwrap();
    drop(replica);
    run(&mut writer, "SET later 1");
    let replica = at(&storage);
    let mut wire = Wire::new(&primary, &replica);
    wire.carry(1000);
    assert!(wire.sent < 1000, "{}", wire.sent);
    assert_eq!(in_3(&replica, "GET later"), "1");
    assert_same(&primary, &replica);
}

#[test]
fn a_primary_that_was_started_anew_knows_its_replicas() {
    let (clock, storage) = (ManualClock::new(START), Memory::new());
    let at = |storage: &Memory| {
        let builder = Engine::builder("/data").storage(storage.clone()).seed(1);
        builder.clock(clock.clone()).open().unwrap()
    };
    let (primary, replica) = (at(&storage), open(&clock, 2));
    run(
        &mut primary.session(),
        &format!("SET big {}", "x".repeat(10_000)),
    );
    follow(&replica);
    Wire::new(&primary, &replica).carry(1000);
    let before = info(&primary, "master_replid");
    primary.save().unwrap();
    drop(primary);
    clock.set(UnixMillis(START.0 + 1000));
    let primary = at(&storage);
    assert_eq!(info(&primary, "master_replid2"), before);
    run(&mut primary.session(), "SET later 1");
    let mut wire = Wire::new(&primary, &replica);
    wire.carry(1000);
    assert!(wire.sent < 1000, "{}", wire.sent);
    assert_same(&primary, &replica);
}
