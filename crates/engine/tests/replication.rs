//! One engine follows another.

mod wire;

use duramen::ManualClock;
use wire::{START, Wire, assert_same, follow, info, open, run, text};

#[test]
fn a_replica_takes_over_everything_and_then_every_change() {
    for step in [1, 13, 1 << 20] {
        let clock = ManualClock::new(START);
        let (primary, replica) = (open(&clock, 1), open(&clock, 2));
        let (mut writer, mut reader) = (primary.session(), replica.session());
        run(&mut reader, "SET own 1");
        for n in 0..50 {
            run(&mut writer, &format!("SET before:{n} {n}"));
        }
        follow(&replica);
        let mut wire = Wire::new(&primary, &replica);
        assert!(!wire.carry(step));
        assert_same(&primary, &replica);
        assert_eq!(text(run(&mut reader, "GET own")), "Nil");
        for line in [
            "SELECT 3",
            "SET k v EX 100",
            "MULTI",
            "RPUSH list a b c",
            "SELECT 0",
            "INCR n",
            "EXEC",
            "SPOP none",
            "PUBLISH channel message",
            "EVAL return{redis.call('SET','x',1),redis.call('INCR','x')} 0",
        ] {
            run(&mut writer, line);
        }
        assert!(!wire.carry(step));
        assert_same(&primary, &replica);
        assert_eq!(info(&replica, "master_link_status"), "up");
        assert_eq!(
            text(run(&mut reader, "SET k v")),
            "READONLY You can't write against a read only replica."
        );
        wire.link.report(&mut wire.to_primary).unwrap();
        wire.carry(step);
        assert_eq!(text(run(&mut writer, "WAIT 1 1")), "Integer(1)");
    }
}

#[test]
fn keys_that_are_over_are_hidden_until_the_primary_deletes_them() {
    let clock = ManualClock::new(START);
    let (primary, replica) = (open(&clock, 1), open(&clock, 2));
    run(&mut primary.session(), "SET k v PX 1000");
    follow(&replica);
    let mut wire = Wire::new(&primary, &replica);
    wire.carry(100);
    clock.advance(2000);
    let mut reader = replica.session();
    assert_eq!(text(run(&mut reader, "GET k")), "Nil");
    replica.tick();
    assert_eq!(text(run(&mut reader, "DBSIZE")), "Integer(1)");
    primary.tick();
    wire.carry(100);
    assert_eq!(text(run(&mut reader, "DBSIZE")), "Integer(0)");
    assert_same(&primary, &replica);
}

#[test]
fn who_was_away_and_who_was_promoted_need_no_second_snapshot() {
    let clock = ManualClock::new(START);
    let (first, second, third) = (open(&clock, 1), open(&clock, 2), open(&clock, 3));
    run(
        &mut first.session(),
        &format!("SET big {}", "x".repeat(10_000)),
    );
    follow(&second);
    follow(&third);
    for replica in [&second, &third] {
        Wire::new(&first, replica).carry(1000);
    }
    // Both hung up, and come again.
    run(&mut first.session(), "SET later 1");
    for replica in [&second, &third] {
        let mut wire = Wire::new(&first, replica);
        wire.carry(1000);
        assert!(wire.sent < 1000, "{}", wire.sent);
        assert_same(&first, replica);
    }
    // The first is gone; the second takes its place, and the third follows that.
    second.set_primary(None);
    assert_eq!(info(&second, "role"), "master");
    assert_eq!(
        info(&second, "master_replid2"),
        info(&first, "master_replid")
    );
    run(&mut second.session(), "SET after 1");
    let mut wire = Wire::new(&second, &third);
    wire.carry(1000);
    assert!(wire.sent < 1000, "{}", wire.sent);
    assert_same(&second, &third);
}

#[test]
fn a_replica_of_a_replica_has_the_same_bytes() {
    let clock = ManualClock::new(START);
    let (first, second, third) = (open(&clock, 1), open(&clock, 2), open(&clock, 3));
    follow(&second);
    let mut upper = Wire::new(&first, &second);
    upper.carry(1000);
    follow(&third);
    let mut lower = Wire::new(&second, &third);
    lower.carry(1000);
    for n in 0..20 {
        run(&mut first.session(), &format!("INCRBY n {n}"));
    }
    upper.carry(7);
    lower.carry(11);
    assert_same(&first, &second);
    assert_same(&second, &third);
}

#[test]
fn a_replica_that_is_told_to_follow_another_hangs_up() {
    let clock = ManualClock::new(START);
    let (primary, replica) = (open(&clock, 1), open(&clock, 2));
    follow(&replica);
    let mut wire = Wire::new(&primary, &replica);
    wire.carry(1000);
    replica.set_primary(None);
    run(&mut primary.session(), "SET k v");
    assert!(wire.carry(1000));
    assert_eq!(text(run(&mut replica.session(), "GET k")), "Nil");
}

#[test]
fn a_connection_that_is_ended_is_made_again() {
    let clock = ManualClock::new(START);
    let (primary, replica) = (open(&clock, 1), open(&clock, 2));
    follow(&replica);
    let mut wire = Wire::new(&primary, &replica);
    wire.carry(1000);
    let before = replica.primary();
    let killed = run(&mut replica.session(), "CLIENT KILL TYPE master");
    assert_eq!(text(killed), "Integer(1)");
    let after = replica.primary();
    assert_eq!(before.1, after.1);
    assert_ne!(before.0, after.0);
    run(&mut primary.session(), "SET k v");
    assert!(wire.carry(1000), "it is out of date");
    let mut wire = Wire::new(&primary, &replica);
    wire.carry(1000);
    assert!(wire.sent < 1000, "only what is missing");
    assert_same(&primary, &replica);
}

#[test]
fn damage_on_the_wire_is_an_error() {
    let clock = ManualClock::new(START);
    let (primary, replica) = (open(&clock, 1), open(&clock, 2));
    for said in [
        &b"-ERR no\r\n"[..],
        b"+PONG\r\n+OK\r\n+OK\r\n-NOMASTERLINK wait\r\n",
        b"+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC what 7\r\n",
        b"+PONG\r\n+OK\r\n+OK\r\n+CONTINUE\r\n*x\r\n",
    ] {
        follow(&replica);
        let mut link = replica.link(replica.primary().0, &mut Vec::new());
        assert!(link.feed(said, &mut Vec::new()).is_err());
        replica.set_primary(None);
    }
    run(&mut primary.session(), "SET k v");
    follow(&replica);
    let mut link = replica.link(replica.primary().0, &mut Vec::new());
    let id = "a".repeat(40);
    let head = format!("+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC {id} 7\r\n$9\r\nREDIS0011garbage");
    assert!(link.feed(head.as_bytes(), &mut Vec::new()).is_err());
    assert_eq!(info(&replica, "master_link_status"), "down");
}

/// The second is not yet waiting when the first has the snapshot, and it is the same one.
#[test]
fn replicas_that_come_together_share_a_snapshot() {
    let clock = ManualClock::new(START);
    let (primary, first, second) = (open(&clock, 1), open(&clock, 2), open(&clock, 3));
    let saver = primary.saver();
    let mut wires = [&first, &second].map(|replica| {
        follow(replica);
        Wire::new(&primary, replica)
    });
    for wire in &mut wires {
        assert!(!wire.carry(1000));
    }
    assert!(saver.wait(std::time::Duration::ZERO));
    saver.save().unwrap();
    for wire in &mut wires {
        assert!(!wire.carry(1000));
    }
    assert_same(&primary, &first);
    assert_same(&primary, &second);
}
