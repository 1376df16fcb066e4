//! Client-side caching: who reads a key hears of its changes, whoever makes them.

use duramen::{Engine, ManualClock, Protocol, Reply, RespSink, Session, UnixMillis};

fn run(session: &mut Session, line: &str) -> Reply {
    let words: Vec<&str> = line.split(' ').collect();
    session.execute(&words)
}

fn info(session: &mut Session) -> String {
    let reply = run(session, "INFO");
    String::from_utf8_lossy(reply.as_bytes().unwrap()).into_owned()
}

/// A session that speaks RESP3 and tracks as `options` say.
fn tracking(engine: &Engine, options: &str) -> Session {
    let mut session = engine.session();
    session.set_protocol(Protocol::Resp3);
    let line = format!("CLIENT TRACKING ON {options}");
    assert_eq!(run(&mut session, line.trim()), Reply::Status("OK".into()));
    session
}

/// What waits for a session, as bytes of its protocol with spaces for line ends.
fn told(session: &mut Session) -> String {
    let mut bytes = Vec::new();
    let protocol = session.protocol();
    let mut sink = RespSink::new(&mut bytes, protocol);
    session.write_messages(&mut sink, usize::MAX);
    String::from_utf8(bytes).unwrap().replace("\r\n", " ")
}

fn invalidated(keys: &[&str]) -> String {
    let push = |key: &&str| format!(">2 $10 invalidate *1 ${} {key} ", key.len());
    keys.iter().map(push).collect()
}

#[test]
fn what_was_read_is_told_once_it_changes() {
    let engine = Engine::open_in_memory();
    let (mut reader, mut writer) = (tracking(&engine, ""), engine.session());
    run(&mut reader, "MGET a b missing");
    run(&mut writer, "SET a 1");
    run(&mut writer, "SET a 2");
    run(&mut writer, "SET unread 1");
    assert_eq!(told(&mut reader), invalidated(&["a"]));
    run(&mut writer, "SET missing 1");
    assert_eq!(told(&mut reader), invalidated(&["missing"]));
    run(&mut reader, "CLIENT TRACKING OFF");
    run(&mut writer, "SET b 1");
    assert_eq!(told(&mut reader), "");
}

#[test]
fn every_way_to_change_a_key_is_told() {
    let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    let engine = engine_at(&clock);
    let (mut reader, mut writer) = (tracking(&engine, ""), engine.session());
    let changes = [
        ("SET k 1 PX 100", "k"),
        ("PERSIST k", "k"),
        ("RENAME k l", "k"),
        ("DEL l", "l"),
        ("RPUSH l 1", "l"),
        ("COPY l k", "k"),
        ("SORT l STORE k", "k"),
    ];
    for (line, key) in changes {
        run(&mut reader, &format!("EXISTS {key}"));
        run(&mut writer, line);
        assert_eq!(told(&mut reader), invalidated(&[key]), "{line}");
    }
    for line in ["MULTI", "SET own 1", "GET own", "EXEC"] {
        run(&mut reader, line);
    }
    assert_eq!(told(&mut reader), "", "it was read behind the change");
    run(&mut writer, "DEL own");
    assert_eq!(told(&mut reader), invalidated(&["own"]));
    run(&mut reader, "GET n");
    for line in ["MULTI", "INCR n", "INCR n", "EXEC"] {
        run(&mut writer, line);
    }
    assert_eq!(told(&mut reader), invalidated(&["n"]));
    writer.set("typed", "1").unwrap();
    run(&mut reader, "GET typed");
    writer.set("typed", "2").unwrap();
    assert_eq!(told(&mut reader), invalidated(&["typed"]));
}

#[test]
fn keys_that_expire_or_are_evicted_are_told() {
    let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    let engine = engine_at(&clock);
    let (mut reader, mut writer) = (tracking(&engine, ""), engine.session());
    run(&mut writer, "MSET a 1 b 1 c 1");
    run(&mut writer, "PEXPIRE a 10");
    run(&mut writer, "PEXPIRE b 10");
    run(&mut reader, "GET a");
    clock.advance(20);
    while engine.tick().is_some_and(|next| next <= engine_now(&clock)) {}
    assert_eq!(told(&mut reader), invalidated(&["a"]));
    run(&mut writer, "SET b 1 PX 10");
    run(&mut reader, "GET b");
    clock.advance(20);
    run(&mut writer, "GET b");
    assert_eq!(told(&mut reader), invalidated(&["b"]));
    run(&mut reader, "GET c");
    engine
        .set_config("maxmemory-policy", "allkeys-random")
        .unwrap();
    engine.set_config("maxmemory", "1").unwrap();
    while engine.evict_due() {}
    assert_eq!(told(&mut reader), invalidated(&["c"]));
}

fn engine_now(clock: &ManualClock) -> UnixMillis {
    duramen::Clock::now(clock)
}

#[test]
fn a_flush_is_told_to_all_at_once() {
    let engine = Engine::open_in_memory();
    let (mut reader, mut other) = (tracking(&engine, ""), tracking(&engine, "BCAST"));
    run(&mut reader, "SET a 1");
    run(&mut reader, "FLUSHALL");
    assert!(told(&mut reader).ends_with(">2 $10 invalidate _ "));
    assert!(told(&mut other).ends_with(">2 $10 invalidate _ "));
}

#[test]
fn broadcast_needs_no_reading() {
    let engine = Engine::open_in_memory();
    let mut writer = engine.session();
    let mut reader = tracking(&engine, "BCAST PREFIX user: PREFIX item:");
    run(&mut writer, "MSET user:1 a user:2 b other c item:1 d");
    assert_eq!(
        told(&mut reader),
        ">2 $10 invalidate *1 $6 item:1 >2 $10 invalidate *2 $6 user:1 $6 user:2 "
    );
    for line in [
        "MULTI",
        "SET user:1 a",
        "DEL user:1",
        "SET user:3 a",
        "EXEC",
    ] {
        run(&mut writer, line);
    }
    assert_eq!(
        told(&mut reader),
        ">2 $10 invalidate *2 $6 user:1 $6 user:3 "
    );
    let refused = run(&mut reader, "CLIENT TRACKING ON BCAST PREFIX user:1");
    assert!(format!("{refused:?}").contains("overlaps with an existing prefix 'user:'"));
}

#[test]
fn noloop_leaves_out_what_the_client_did() {
    let engine = Engine::open_in_memory();
    let (mut quiet, mut loud) = (tracking(&engine, "NOLOOP"), tracking(&engine, ""));
    for session in [&mut quiet, &mut loud] {
        run(session, "GET a");
        run(session, "GET b");
    }
    run(&mut quiet, "SET a 1");
    run(&mut loud, "SET b 1");
    assert_eq!(told(&mut quiet), invalidated(&["b"]));
    assert_eq!(told(&mut loud), invalidated(&["a", "b"]));
}

#[test]
fn caching_is_said_of_the_next_command() {
    let engine = Engine::open_in_memory();
    let mut writer = engine.session();
    let (mut some, mut most) = (tracking(&engine, "OPTIN"), tracking(&engine, "OPTOUT"));
    for line in ["GET a", "CLIENT CACHING YES", "GET b", "GET c"] {
        run(&mut some, line);
    }
    for line in ["GET a", "CLIENT CACHING NO", "GET b", "GET c"] {
        run(&mut most, line);
    }
    run(&mut writer, "MSET a 1 b 1 c 1");
    assert_eq!(told(&mut some), invalidated(&["b"]));
    assert_eq!(told(&mut most), invalidated(&["a", "c"]));
    for line in [
        "CLIENT CACHING YES",
        "MULTI",
        "GET a",
        "GET b",
        "EXEC",
        "GET c",
    ] {
        run(&mut some, line);
    }
    run(&mut writer, "MSET a 1 b 1 c 1");
    assert_eq!(told(&mut some), invalidated(&["a", "b"]));
}

#[test]
fn another_client_may_hear_of_it() {
    let engine = Engine::open_in_memory();
    let (mut listener, mut writer) = (engine.session(), engine.session());
    run(&mut listener, "SUBSCRIBE __redis__:invalidate");
    let mut reader = tracking(&engine, &format!("REDIRECT {}", listener.id()));
    run(&mut reader, "GET a");
    run(&mut writer, "SET a 1");
    assert_eq!(
        told(&mut listener),
        "*3 $7 message $20 __redis__:invalidate *1 $1 a "
    );
    run(&mut reader, "GET a");
    let gone = listener.id();
    drop(listener);
    run(&mut writer, "SET a 1");
    let broken = format!(">2 $21 tracking-redir-broken :{gone} ");
    assert_eq!(told(&mut reader), broken);
    let info = format!("{:?}", run(&mut reader, "CLIENT TRACKINGINFO"));
    let flag = format!("{:?}", Reply::Bulk(b"broken_redirect".to_vec()));
    assert!(info.contains(&flag), "{info}");
    let refused = run(&mut reader, "CLIENT TRACKING ON REDIRECT 999999");
    assert!(matches!(refused, Reply::Error(_)));
}

#[test]
fn what_is_remembered_is_bounded() {
    let engine = Engine::open_in_memory();
    engine.set_config("tracking-table-max-keys", "10").unwrap();
    let mut reader = tracking(&engine, "");
    for n in 0..25 {
        run(&mut reader, &format!("GET key:{n}"));
    }
    assert_eq!(told(&mut reader).matches("invalidate").count(), 15);
    let info = info(&mut engine.session());
    assert!(info.contains("tracking_total_keys:10"), "{info}");
    engine.set_config("tracking-table-max-keys", "4").unwrap();
    assert_eq!(told(&mut reader).matches("invalidate").count(), 6);
}

#[test]
fn reset_and_the_end_stop_it() {
    let engine = Engine::open_in_memory();
    let mut reader = tracking(&engine, "");
    run(&mut reader, "GET a");
    run(&mut reader, "RESET");
    run(&mut engine.session(), "SET a 1");
    assert_eq!(told(&mut reader), "");
    assert_eq!(run(&mut reader, "CLIENT GETREDIR"), Reply::Integer(-1));
    drop(tracking(&engine, "BCAST"));
    let info = info(&mut reader);
    assert!(info.contains("tracking_clients:0"), "{info}");
    let mut again = tracking(&engine, &format!("REDIRECT {}", reader.id()));
    assert_eq!(
        run(&mut again, "CLIENT GETREDIR"),
        Reply::Integer(reader.id() as i64)
    );
}

/// Of a script that reads anything, the keys that it declares are tracked; of others none.
#[cfg(feature = "scripts")]
#[test]
fn scripts_track_what_they_declare() {
    let engine = Engine::open_in_memory();
    let (mut reader, mut writer) = (tracking(&engine, ""), engine.session());
    let mut after = |script: &str| {
        reader.execute(&["EVAL", script, "2", "a", "b"]);
        run(&mut writer, "MSET a 1 b 2 c 3");
        told(&mut reader)
    };
    assert_eq!(after("redis.call('ping')"), "");
    assert_eq!(after("redis.call('get', 'c')"), invalidated(&["a", "b"]));
}

/// Threads read and write the same keys: whoever holds an old value was told so.
#[test]
fn no_change_is_missed() {
    let engine = Engine::open_in_memory();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let mut writer = engine.session();
            scope.spawn(move || {
                for n in 0..2000 {
                    run(&mut writer, &format!("SET key:{} {n}", n % 7));
                }
            });
        }
        let mut reader = tracking(&engine, "");
        let own = engine.clone();
        scope.spawn(move || {
            let mut cache = std::collections::HashMap::new();
            for n in 0..4000 {
                let key = format!("key:{}", n % 7);
                let messages = told(&mut reader);
                cache.retain(|key: &String, _| !messages.contains(&format!(" {key} ")));
                cache
                    .entry(key.clone())
                    .or_insert_with(|| run(&mut reader, &format!("GET {key}")));
            }
            // The writers are done, or their last changes are told when they are.
            while own.session().execute(&["GET", "done"]) == Reply::Nil {
                std::thread::yield_now();
            }
            let messages = told(&mut reader);
            cache.retain(|key, _| !messages.contains(&format!(" {key} ")));
            for (key, value) in cache {
                assert_eq!(run(&mut reader, &format!("GET {key}")), value, "{key}");
            }
        });
        let own = engine.clone();
        scope.spawn(move || {
            let mut session = own.session();
            let is_last = |session: &mut Session, n: u32| {
                run(session, &format!("GET key:{}", n % 7))
                    == Reply::Bulk(n.to_string().into_bytes())
            };
            while !(1993..2000).all(|n| is_last(&mut session, n)) {
                std::thread::yield_now();
            }
            run(&mut session, "SET done 1");
        });
    });
}

/// An engine that keeps nothing, at the time of `clock`.
fn engine_at(clock: &ManualClock) -> Engine {
    Engine::builder("/data")
        .storage(duramen::storage::Memory::new())
        .config("save", "")
        .unwrap()
        .clock(clock.clone())
        .open()
        .unwrap()
}
