//! An engine hands over to one that follows it.

mod wire;

use duramen::{Engine, ManualClock, Primary};
use wire::{START, Wire, assert_same, follow, info, open, run, text};

/// A primary and its replica, which says that it listens at 10.0.0.2:7002; one write is still to be
/// carried.
fn pair(clock: &ManualClock) -> (Engine, Engine, Wire) {
    let (primary, replica) = (open(clock, 1), open(clock, 2));
    let place = "CONFIG SET replica-announce-ip 10.0.0.2 replica-announce-port 7002";
    assert!(text(run(&mut replica.session(), place)).contains("OK"));
    follow(&replica);
    let mut wire = Wire::new(&primary, &replica);
    wire.carry(1000);
    run(&mut primary.session(), "SET k v");
    (primary, replica, wire)
}

fn state(engine: &Engine) -> String {
    info(engine, "master_failover_state")
}

fn say(engine: &Engine, line: &str) -> String {
    text(run(&mut engine.session(), line))
}

/// The replica gets what it lacks, and says so.
fn catch_up(wire: &mut Wire) {
    wire.carry(1000);
    wire.link.report(&mut wire.to_primary).unwrap();
    wire.carry(1000);
}

#[test]
fn the_replica_is_the_primary_once_it_has_everything() {
    for line in [
        "FAILOVER",
        "FAILOVER TO 10.0.0.2 7002",
        "FAILOVER TIMEOUT 5000",
    ] {
        let clock = ManualClock::new(START);
        let (first, second, mut wire) = pair(&clock);
        assert!(say(&first, line).contains("OK"));
        assert_eq!(state(&first), "waiting-for-sync");
        assert_eq!(info(&first, "role"), "master");
        assert!(say(&first, "REPLICAOF NO ONE").starts_with("ERR"));
        assert!(say(&first, "FAILOVER").contains("already in progress"));
        catch_up(&mut wire);
        assert_eq!(state(&first), "failover-in-progress");
        let target = Primary {
            host: "10.0.0.2".to_owned(),
            port: 7002,
        };
        assert_eq!(first.primary().1, Some(target));
        let mut back = Wire::new(&second, &first);
        back.carry(1000);
        assert_eq!(state(&first), "no-failover");
        let roles = [info(&first, "role"), info(&second, "role")];
        assert_eq!(roles, ["slave", "master"]);
        assert!(back.sent < 1000, "nobody begins anew");
        run(&mut second.session(), "SET k w");
        back.carry(1000);
        assert_same(&first, &second);
    }
}

#[test]
fn who_is_late_is_given_up_or_takes_over_as_it_is() {
    let clock = ManualClock::new(START);
    let (first, _second, _wire) = pair(&clock);
    say(&first, "FAILOVER TO 10.0.0.2 7002 TIMEOUT 500");
    clock.advance(499);
    first.go_on_with_failover();
    assert_eq!(state(&first), "waiting-for-sync");
    clock.advance(1);
    first.go_on_with_failover();
    assert_eq!(state(&first), "no-failover");
    assert_eq!(say(&first, "SET k w"), say(&first, "SET k x"));
    say(&first, "FAILOVER TO 10.0.0.2 7002 TIMEOUT 500 FORCE");
    clock.advance(500);
    first.go_on_with_failover();
    assert_eq!(state(&first), "failover-in-progress");
    assert_eq!(info(&first, "role"), "slave");
}

#[test]
fn it_is_taken_back_by_a_command_and_by_a_refusal() {
    let clock = ManualClock::new(START);
    let (first, second, mut wire) = pair(&clock);
    assert!(say(&first, "FAILOVER ABORT").starts_with("ERR No failover"));
    say(&first, "FAILOVER");
    assert!(say(&first, "FAILOVER ABORT").contains("OK"));
    assert_eq!(state(&first), "no-failover");
    say(&first, "FAILOVER");
    catch_up(&mut wire);
    assert_eq!(state(&first), "failover-in-progress");
    let before = info(&first, "master_replid");
    say(&second, "ACL SETUSER default -psync");
    let mut back = Wire::new(&second, &first);
    back.session.distrust();
    assert!(back.carry(1000), "refused");
    assert_eq!(state(&first), "no-failover");
    assert_eq!(info(&first, "role"), "master");
    assert_eq!(info(&second, "role"), "slave");
    assert_eq!(info(&first, "master_replid2"), before);
    assert!(say(&first, "SET k w").contains("OK"));
}

#[test]
fn what_can_not_be_is_refused() {
    let clock = ManualClock::new(START);
    let (first, second, _wire) = pair(&clock);
    for line in [
        "FAILOVER TO 10.0.0.2 7003",
        "FAILOVER TO 10.0.0.2 seven",
        "FAILOVER TO 10.0.0.2 7002 FORCE",
        "FAILOVER FORCE TIMEOUT 100",
        "FAILOVER TIMEOUT 0",
        "FAILOVER ABORT TIMEOUT 5",
    ] {
        assert!(say(&first, line).starts_with("ERR"), "{line}");
        assert_eq!(state(&first), "no-failover", "{line}");
    }
    assert!(say(&second, "FAILOVER").contains("is a replica"));
    assert!(say(&open(&clock, 3), "FAILOVER").contains("connected replicas"));
}
