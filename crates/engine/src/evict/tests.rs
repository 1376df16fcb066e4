use super::*;
use crate::{ManualClock, Session, UnixMillis};

const OOM: &str = "OOM command not allowed when used memory > 'maxmemory'.";
const EVERY_POLICY: [&str; 11] = [
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-lrm",
    "allkeys-lrfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-lrm",
    "volatile-lrfu",
    "volatile-random",
    "volatile-ttl",
];

/// A session of an engine whose clock stands still, with room for so many bytes more.
fn session(policy: &str, room: usize) -> (ManualClock, Session) {
    let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    let engine = crate::Engine::builder("/data")
        .storage(storage::Memory::new())
        .clock(clock.clone())
        .seed(7)
        .shards(4)
        .open()
        .unwrap();
    let limit = (engine.limited_bytes() + room).to_string();
    let settings = [("maxmemory-policy", policy), ("maxmemory", limit.as_str())];
    engine.set_configs(&settings).unwrap();
    (clock, engine.session())
}

fn run(session: &mut Session, line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    match session.execute(&words) {
        crate::Reply::Error(error) => error.to_string(),
        reply => format!("{reply:?}"),
    }
}

fn info(session: &mut Session, name: &str) -> String {
    let crate::Reply::Bulk(text) = session.execute(&["INFO"]) else {
        panic!("INFO answers with text")
    };
    let text = String::from_utf8(text.to_vec()).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("a line {name}")).to_owned()
}

/// A write that is refused, after as many as it takes.
fn fill(session: &mut Session) -> String {
    let refused = (0..100_000).find_map(|n| {
        let reply = run(session, &format!("SET fill:{n} {n:0200}"));
        reply.starts_with("OOM").then_some(reply)
    });
    refused.expect("memory runs out")
}

#[test]
fn without_a_policy_commands_that_use_memory_are_refused() {
    let (_, mut session) = session("noeviction", 100_000);
    assert_eq!(fill(&mut session), OOM);
    for line in ["SET a 1", "LPUSH l 1", "HSET h f 1", "APPEND fill:0 1"] {
        assert_eq!(run(&mut session, line), OOM, "{line}");
    }
    for line in [
        "GET fill:0",
        "EXPIRE fill:0 10",
        "DEL fill:1",
        "DBSIZE",
        "CONFIG GET save",
    ] {
        assert!(!run(&mut session, line).starts_with("OOM"), "{line}");
    }
    assert_eq!(info(&mut session, "evicted_keys"), "0");
    assert_eq!(
        run(&mut session, "CONFIG SET maxmemory 0"),
        run(&mut session, "SET a 1")
    );
}

#[test]
fn typed_methods_are_refused_in_the_same_words() {
    let (_, mut session) = session("noeviction", 50_000);
    fill(&mut session);
    let refused = session.set("a", "1").unwrap_err();
    assert_eq!(refused.to_string(), OOM);
    assert_eq!(session.del("fill:0"), Ok(true));
}

#[test]
fn every_policy_keeps_within_the_limit() {
    for policy in EVERY_POLICY {
        let (_, mut session) = session(policy, 200_000);
        for n in 0..5000 {
            let reply = run(
                &mut session,
                &format!("SET key:{n} {n:0100} EX {}", 1000 + n),
            );
            assert!(!reply.contains("OOM"), "{policy}: {reply}");
        }
        let engine = session.engine().clone();
        let limit: usize = engine.config("maxmemory").unwrap().parse().unwrap();
        assert!(engine.limited_bytes() <= limit + 4096, "{policy}");
        let evicted: usize = info(&mut session, "evicted_keys").parse().unwrap();
        let keys = engine.keyspace().len(DbIndex(0));
        assert!(keys > 1000, "{policy} keeps {keys} keys in 200 kB");
        assert_eq!(evicted + keys, 5000, "{policy}");
        engine.keyspace().check();
    }
}

#[test]
fn volatile_policies_leave_keys_without_a_deadline() {
    for policy in EVERY_POLICY
        .into_iter()
        .filter(|name| name.starts_with("volatile"))
    {
        let (_, mut session) = session(policy, 200_000);
        for n in 0..300 {
            run(&mut session, &format!("SET stays:{n} {n:0100}"));
        }
        for n in 0..3000 {
            run(&mut session, &format!("SET goes:{n} {n:0100} EX 1000"));
        }
        let stayed = (0..300).filter(|n| session.exists(format!("stays:{n}")).unwrap());
        assert_eq!(stayed.count(), 300, "{policy}");
        assert_eq!(fill(&mut session), OOM, "{policy}");
        assert_eq!(
            session.engine().keyspace().expires(DbIndex(0)),
            0,
            "{policy}"
        );
    }
}

#[test]
fn keys_of_every_database_are_evicted() {
    for policy in ["allkeys-lru", "allkeys-random"] {
        let (_, mut session) = session(policy, 200_000);
        for db in 0..4 {
            run(&mut session, &format!("SELECT {db}"));
            (0..1500).for_each(|n| drop(run(&mut session, &format!("SET {n} {n:0100}"))));
        }
        let keyspace = session.engine().keyspace();
        let lens: Vec<usize> = (0..4).map(|db| keyspace.len(DbIndex(db))).collect();
        assert!(lens.iter().all(|&keys| keys < 1500), "{policy}: {lens:?}");
    }
}

#[test]
fn the_order_is_the_policy_s() {
    // Of forty keys, those that were last used, changed, or expire soonest in order of their number.
    for policy in ["allkeys-lru", "allkeys-lrm", "volatile-ttl"] {
        let (clock, mut session) = session(policy, 1 << 30);
        session
            .engine()
            .set_config("maxmemory-samples", "64")
            .unwrap();
        for n in 0..40 {
            run(
                &mut session,
                &format!("SET {n} {n:0100} EX {}", 10_000 + n * 100),
            );
            clock.advance(1000);
        }
        if policy != "allkeys-lru" {
            run(&mut session, "GET 0");
        }
        session
            .engine()
            .set_config("maxmemory-eviction-tenacity", "0")
            .unwrap();
        session.engine().set_config("maxmemory", "1").unwrap();
        while session.engine().keyspace().len(DbIndex(0)) > 30 {
            session.engine().evict_due();
        }
        let first_gone = (0..40).position(|n| !session.exists(n.to_string()).unwrap());
        assert_eq!(first_gone, Some(0), "{policy}");
        let late_gone = (20..40)
            .filter(|n| !session.exists(n.to_string()).unwrap())
            .count();
        assert_eq!(late_gone, 0, "{policy}");
    }
}

#[test]
fn transactions_are_refused_as_redis_does() {
    let (_, mut session) = session("noeviction", 50_000);
    run(&mut session, "MULTI");
    run(&mut session, "SET a 1");
    let mut other = session.engine().session();
    fill(&mut other);
    let aborted = format!("EXECABORT Transaction discarded because of: {OOM}");
    assert_eq!(run(&mut session, "EXEC"), aborted);
    assert!(!session.in_transaction());
    // Queueing is refused whatever the command is; then EXEC is for that reason.
    run(&mut session, "MULTI");
    assert_eq!(run(&mut session, "GET a"), OOM);
    let failed = "EXECABORT Transaction discarded because of previous errors.";
    assert_eq!(run(&mut session, "EXEC"), failed);
}

#[test]
fn a_transaction_of_reads_is_carried_out() {
    let (_, mut session) = session("noeviction", 50_000);
    run(&mut session, "MULTI");
    run(&mut session, "GET a");
    fill(&mut session.engine().session());
    assert_eq!(run(&mut session, "EXEC"), "Array([Nil])");
}

#[test]
fn evictions_are_logged_and_fire_watches() {
    for (lazy, verb) in [("no", "DEL"), ("yes", "UNLINK")] {
        let (_, mut session) = session("allkeys-lru", 1 << 30);
        session
            .engine()
            .set_config("lazyfree-lazy-eviction", lazy)
            .unwrap();
        run(&mut session, "SET a 1");
        run(&mut session, "WATCH a");
        let from = session.engine().log().journal().offset();
        session.engine().set_config("maxmemory", "1").unwrap();
        let pieces = session
            .engine()
            .log()
            .journal()
            .read_from(from, usize::MAX)
            .unwrap();
        let logged: Vec<u8> = pieces.iter().flat_map(|piece| piece.to_vec()).collect();
        let mut expected = Vec::new();
        resp::encode::command(&mut expected, &[verb.as_bytes(), b"a"]);
        assert_eq!(String::from_utf8(logged), String::from_utf8(expected));
        session.engine().set_config("maxmemory", "0").unwrap();
        run(&mut session, "MULTI");
        run(&mut session, "PING");
        assert_eq!(run(&mut session, "EXEC"), "Nil");
    }
}

#[test]
fn a_lowered_limit_is_reached_in_slices() {
    let (_, mut session) = session("allkeys-random", 1 << 30);
    for n in 0..4000 {
        run(&mut session, &format!("SET key:{n} {n:0200}"));
    }
    let engine = session.engine().clone();
    let limit = engine.limited_bytes() / 4;
    engine.set_config("maxmemory", &limit.to_string()).unwrap();
    assert!(
        engine.keyspace().len(DbIndex(0)) >= 3500,
        "no more than a slice at once"
    );
    assert_eq!(session.set("one", "more"), Ok(()));
    while engine.evict_due() {}
    assert!(engine.limited_bytes() <= limit);
}

#[test]
fn steps_grow_with_tenacity() {
    assert_eq!([0, 1, 10].map(steps), [1, 50, 500]);
    assert!(steps(11) > 570 && steps(99) < usize::MAX);
    assert_eq!(steps(100), usize::MAX);
}

#[test]
fn settings_have_units_and_bounds() {
    let engine = crate::Engine::open_in_memory();
    assert_eq!(engine.set_config("maxmemory", "100mb"), Ok(()));
    assert_eq!(engine.config("maxmemory").as_deref(), Some("104857600"));
    for (name, value) in [
        ("maxmemory-samples", "0"),
        ("maxmemory-samples", "65"),
        ("maxmemory-eviction-tenacity", "101"),
        ("maxmemory", "-1"),
        ("lfu-log-factor", "-1"),
    ] {
        assert!(engine.set_config(name, value).is_err(), "{name} {value}");
    }
}
