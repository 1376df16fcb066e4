use crate::{Builder, Engine, Expiry, ManualClock, Protocol, Reply, Session, UnixMillis};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use units::ReplOffset;

/// An engine that tells of everything, and a clock to move.
fn engine() -> (Engine, ManualClock) {
    let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    let builder = Builder::in_memory().clock(clock.clone());
    let builder = builder.config("notify-keyspace-events", "KEA").unwrap();
    (builder.open().unwrap(), clock)
}

fn run(session: &mut Session, line: &str) -> Reply {
    let words: Vec<&str> = line.split_whitespace().collect();
    session.execute(&words)
}

/// Everything that waits, one line each: channel, payload.
fn waiting(subscriber: &mut crate::Subscriber) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    std::iter::from_fn(|| subscriber.try_next())
        .map(|message| format!("{} {}", text(message.channel()), text(message.payload())))
        .collect()
}

/// What a front-end would write to the client now.
fn written(session: &mut Session) -> String {
    let mut out = Vec::new();
    let mut sink = crate::RespSink::new(&mut out, session.protocol());
    session.write_messages(&mut sink, usize::MAX);
    String::from_utf8(out).unwrap().replace("\r\n", " ")
}

#[test]
fn messages_go_to_channels_patterns_and_shards() {
    let (engine, _) = engine();
    let mut subscriber = engine.subscribe(["news", "weather"]);
    subscriber.psubscribe("n*s");
    subscriber.ssubscribe("news");
    assert_eq!(engine.publish("news", "1"), 2);
    assert_eq!(engine.publish("nothing", "2"), 0);
    assert_eq!(
        run(&mut engine.session(), "SPUBLISH news 3"),
        Reply::Integer(1)
    );
    let first = subscriber.next().unwrap();
    assert_eq!((first.pattern(), first.is_sharded()), (None, false));
    let second = subscriber.next().unwrap();
    assert_eq!(second.pattern(), Some(&b"n*s"[..]));
    assert!(subscriber.next().unwrap().is_sharded());
    subscriber.unsubscribe("news");
    subscriber.punsubscribe("n*s");
    assert_eq!(engine.publish("news", "4"), 0);
    subscriber.sunsubscribe("news");
    subscriber.unsubscribe("weather");
    assert!(subscriber.next().is_none(), "nothing can come");
}

#[test]
fn expiry_and_eviction_are_told_as_they_happen() {
    let (engine, clock) = engine();
    let mut events = engine.psubscribe(["__key*__:*"]);
    let mut session = engine.session();
    for line in [
        "SET seen 1 PX 10",
        "SET unseen 1 PX 10",
        "SELECT 3",
        "SET other 1 PX 20",
    ] {
        run(&mut session, line);
    }
    waiting(&mut events);
    run(&mut session, "SELECT 0");
    clock.advance(15);
    assert_eq!(run(&mut session, "GET seen"), Reply::Nil);
    assert_eq!(
        waiting(&mut events),
        ["__keyspace@0__:seen expired", "__keyevent@0__:expired seen"]
    );
    clock.advance(15);
    while engine.tick().is_some_and(|next| next <= engine.now()) {}
    let mut told = waiting(&mut events);
    told.sort();
    assert_eq!(
        told,
        [
            "__keyevent@0__:expired unseen",
            "__keyevent@3__:expired other",
            "__keyspace@0__:unseen expired",
            "__keyspace@3__:other expired"
        ]
    );
    run(&mut session, "SET big 0123456789");
    waiting(&mut events);
    engine
        .set_config("maxmemory-policy", "allkeys-random")
        .unwrap();
    engine.set_config("maxmemory", "1").unwrap();
    while engine.evict_due() {}
    assert_eq!(
        waiting(&mut events),
        ["__keyspace@0__:big evicted", "__keyevent@0__:evicted big"]
    );
}

#[test]
fn a_writer_that_meets_an_expired_key_tells_of_that_first() {
    let (engine, clock) = engine();
    let mut events = engine.psubscribe(["__keyevent@0__:*"]);
    let mut session = engine.session();
    run(&mut session, "SET k 1 PX 10");
    waiting(&mut events);
    clock.advance(15);
    run(&mut session, "SET k 2");
    let told = waiting(&mut events);
    assert_eq!(told[0], "__keyevent@0__:expired k");
}

#[test]
fn fields_that_expire_are_told_and_so_is_the_hash_that_loses_its_last() {
    let (engine, clock) = engine();
    let mut session = engine.session();
    run(&mut session, "HSET h a 1 b 2");
    run(&mut session, "HPEXPIRE h 10 FIELDS 1 a");
    run(&mut session, "HPEXPIRE h 30 FIELDS 1 b");
    let mut events = engine.psubscribe(["__keyspace@0__:h"]);
    for _ in 0..2 {
        clock.advance(20);
        engine.tick();
    }
    let told = ["hexpired", "hexpired", "del"].map(|name| format!("__keyspace@0__:h {name}"));
    assert_eq!(waiting(&mut events), told);
}

#[test]
fn nothing_is_told_that_nobody_asked_for() {
    let (engine, clock) = engine();
    engine.set_config("notify-keyspace-events", "Kx").unwrap();
    let mut events = engine.psubscribe(["*"]);
    let mut session = engine.session();
    run(&mut session, "SET k 1 PX 10");
    run(&mut session, "DEL k");
    run(&mut session, "SET k 1 PX 10");
    clock.advance(15);
    run(&mut session, "GET k");
    assert_eq!(waiting(&mut events), ["__keyspace@0__:k expired"]);
}

#[test]
fn a_client_gets_confirmations_and_messages() {
    let (engine, _) = engine();
    let (mut client, mut other) = (engine.session(), engine.session());
    let confirmed = |verb: &str, name: Reply, count| {
        Reply::Array(vec![Reply::Bulk(verb.into()), name, Reply::Integer(count)])
    };
    let bulk = |text: &str| Reply::Bulk(text.into());
    assert_eq!(
        run(&mut client, "SUBSCRIBE a b"),
        Reply::Array(vec![
            confirmed("subscribe", bulk("a"), 1),
            confirmed("subscribe", bulk("b"), 2)
        ])
    );
    assert!(client.is_subscribed());
    assert_eq!(run(&mut other, "PUBLISH a hi"), Reply::Integer(1));
    assert_eq!(written(&mut client), "*3 $7 message $1 a $2 hi ");
    assert_eq!(
        run(&mut client, "PSUBSCRIBE c*"),
        confirmed("psubscribe", bulk("c*"), 3)
    );
    run(&mut client, "UNSUBSCRIBE");
    assert_eq!(
        run(&mut client, "PUNSUBSCRIBE x"),
        confirmed("punsubscribe", bulk("x"), 1)
    );
    run(&mut client, "PUNSUBSCRIBE");
    assert_eq!(
        run(&mut client, "UNSUBSCRIBE"),
        confirmed("unsubscribe", Reply::Nil, 0)
    );
    assert!(!client.is_subscribed());
}

#[test]
fn what_was_published_before_the_end_of_a_subscription_comes_before_its_confirmation() {
    let (engine, _) = engine();
    let mut client = engine.session();
    client.set_protocol(Protocol::Resp3);
    run(&mut client, "SUBSCRIBE a");
    engine.publish("a", "late");
    let mut out = Vec::new();
    let mut sink = crate::RespSink::new(&mut out, Protocol::Resp3);
    client.execute_into(&[b"UNSUBSCRIBE", b"a"], &mut sink);
    let out = String::from_utf8(out).unwrap();
    assert!(out.starts_with(">3\r\n$7\r\nmessage\r\n"), "{out}");
    assert!(out.ends_with("unsubscribe\r\n$1\r\na\r\n:0\r\n"), "{out}");
}

#[test]
fn a_subscribed_client_of_resp2_may_ask_for_little() {
    let (engine, _) = engine();
    let mut client = engine.session();
    run(&mut client, "SSUBSCRIBE a");
    let Reply::Error(refusal) = run(&mut client, "CONFIG GET save") else {
        panic!("not refused");
    };
    assert_eq!(
        refusal.to_string(),
        "ERR Can't execute 'config|get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
         RESET are allowed in this context"
    );
    let pong =
        |text: &str| Reply::Array(vec![Reply::Bulk("pong".into()), Reply::Bulk(text.into())]);
    assert_eq!(run(&mut client, "PING"), pong(""));
    assert_eq!(run(&mut client, "PING hi"), pong("hi"));
    assert_eq!(run(&mut client, "RESET"), Reply::Status("RESET".into()));
    assert_eq!(run(&mut client, "PING"), Reply::Status("PONG".into()));
    assert_eq!(engine.publish("a", ""), 0);
    client.set_protocol(Protocol::Resp3);
    run(&mut client, "SUBSCRIBE a");
    assert_eq!(run(&mut client, "GET k"), Reply::Nil);
}

#[test]
fn a_transaction_publishes_when_it_is_done_and_in_its_order() {
    let (engine, _) = engine();
    let mut subscriber = engine.psubscribe(["*"]);
    let mut session = engine.session();
    for line in ["MULTI", "PUBLISH a 1", "PUBLISH b 2"] {
        run(&mut session, line);
        assert!(subscriber.try_next().is_none());
    }
    let counts = Reply::Array(vec![Reply::Integer(1), Reply::Integer(1)]);
    assert_eq!(run(&mut session, "EXEC"), counts);
    assert_eq!(waiting(&mut subscriber), ["a 1", "b 2"]);
}

#[test]
fn channels_and_their_listeners_are_listed() {
    let (engine, _) = engine();
    let (mut one, mut two) = (engine.session(), engine.session());
    run(&mut one, "SUBSCRIBE news");
    run(&mut one, "PSUBSCRIBE n*");
    run(&mut one, "SSUBSCRIBE shard");
    let subscriber = engine.psubscribe(["n*"]);
    let bulks = |texts: &[&str]| {
        Reply::Array(
            texts
                .iter()
                .map(|text| Reply::Bulk((*text).into()))
                .collect(),
        )
    };
    assert_eq!(run(&mut two, "PUBSUB CHANNELS n*"), bulks(&["news"]));
    assert_eq!(run(&mut two, "PUBSUB CHANNELS x"), bulks(&[]));
    assert_eq!(run(&mut two, "PUBSUB SHARDCHANNELS"), bulks(&["shard"]));
    assert_eq!(run(&mut two, "PUBSUB NUMPAT"), Reply::Integer(1));
    let counts = |name: &str, n| Reply::Array(vec![Reply::Bulk(name.into()), Reply::Integer(n)]);
    assert_eq!(run(&mut two, "PUBSUB NUMSUB news"), counts("news", 1));
    assert_eq!(run(&mut two, "PUBSUB SHARDNUMSUB news"), counts("news", 0));
    drop((one, subscriber));
    assert_eq!(run(&mut two, "PUBSUB CHANNELS"), bulks(&[]));
    assert_eq!(run(&mut two, "PUBSUB NUMPAT"), Reply::Integer(0));
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let (engine, _) = engine();
    let limit = "pubsub 1000 0 0";
    engine
        .set_config("client-output-buffer-limit", limit)
        .unwrap();
    let mut client = engine.session();
    run(&mut client, "SUBSCRIBE a");
    let mut cx = Context::from_waker(Waker::noop());
    let payload = "x".repeat(400);
    engine.publish("a", &payload);
    engine.publish("a", &payload);
    assert!(client.poll_cut_off(&mut cx).is_pending());
    engine.publish("a", &payload);
    assert!(client.is_cut_off() && client.poll_cut_off(&mut cx).is_ready());
    assert_eq!(written(&mut client), "");
}

#[test]
fn a_client_that_reads_too_slowly_is_cut_off_in_the_end() {
    let (engine, clock) = engine();
    let limit = "pubsub 0 1000 2";
    engine
        .set_config("client-output-buffer-limit", limit)
        .unwrap();
    let mut client = engine.session();
    run(&mut client, "SUBSCRIBE a");
    let payload = "x".repeat(2000);
    engine.publish("a", &payload);
    clock.advance(2900);
    assert!(!client.is_cut_off());
    written(&mut client);
    engine.publish("a", &payload);
    clock.advance(2900);
    assert!(!client.is_cut_off(), "it had read all of it");
    clock.advance(200);
    assert!(client.is_cut_off());
}

#[test]
fn messages_do_not_stand_inside_the_reply_of_exec() {
    let (engine, _) = engine();
    let mut client = engine.session();
    client.set_protocol(Protocol::Resp3);
    for line in ["SUBSCRIBE a", "MULTI", "UNSUBSCRIBE a"] {
        run(&mut client, line);
    }
    engine.publish("a", "late");
    let mut out = Vec::new();
    client.execute_into(
        &[b"EXEC"],
        &mut crate::RespSink::new(&mut out, Protocol::Resp3),
    );
    let out = String::from_utf8(out).unwrap().replace("\r\n", " ");
    let reply = "*1 >3 $11 unsubscribe $1 a :0 ";
    assert_eq!(out, format!("{reply}>3 $7 message $1 a $4 late "));
}

#[test]
fn what_a_program_does_not_fetch_is_dropped_and_counted() {
    let (engine, _) = engine();
    let mut subscriber = engine.subscribe(["a"]).with_bytes_max(100);
    for payload in ["1", "2", "3"] {
        engine.publish("a", payload);
    }
    assert_eq!(waiting(&mut subscriber), ["a 1", "a 2"]);
    assert_eq!(subscriber.dropped(), 1);
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_stream_is_woken_by_the_next_message_and_by_the_end() {
    let (engine, _) = engine();
    let mut subscriber = engine.subscribe(["a"]);
    let woken = Arc::new(Count::default());
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    assert!(subscriber.poll_next(&mut cx).is_pending());
    engine.publish("b", "1");
    assert_eq!(woken.0.load(Ordering::Relaxed), 0);
    engine.publish("a", "1");
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    let Poll::Ready(Some(message)) = subscriber.poll_next(&mut cx) else {
        panic!("no message");
    };
    assert_eq!(message.payload(), b"1");
    assert!(subscriber.poll_next(&mut cx).is_pending());
    drop(engine);
    assert_eq!(woken.0.load(Ordering::Relaxed), 2);
    assert!(matches!(subscriber.poll_next(&mut cx), Poll::Ready(None)));
    subscriber.subscribe("later");
    assert!(subscriber.next().is_none());
}

#[test]
fn an_iterator_waits_for_another_thread() {
    let (engine, _) = engine();
    let mut subscriber = engine.subscribe(["a"]);
    assert!(subscriber.next_within(Duration::from_millis(1)).is_none());
    std::thread::scope(|scope| {
        let publisher = engine.clone();
        scope.spawn(move || (0..100).for_each(|n| _ = publisher.publish("a", n.to_string())));
        for n in 0..100 {
            assert_eq!(
                subscriber.next().unwrap().payload(),
                n.to_string().as_bytes()
            );
        }
    });
}

#[test]
fn a_client_that_wants_no_replies_gets_its_messages() {
    let (engine, _) = engine();
    let mut client = engine.session();
    client.set_protocol(Protocol::Resp3);
    let mut answer = |line: &str| {
        let mut out = Vec::new();
        let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        client.execute_into(&argv, &mut crate::RespSink::new(&mut out, Protocol::Resp3));
        String::from_utf8(out).unwrap()
    };
    assert_eq!(answer("CLIENT REPLY OFF"), "");
    assert_eq!(answer("PING"), "");
    assert!(answer("SUBSCRIBE a").starts_with(">3\r\n$9\r\nsubscribe\r\n"));
    assert!(answer("UNSUBSCRIBE").ends_with("$1\r\na\r\n:0\r\n"));
    assert_eq!(answer("CLIENT REPLY ON"), "+OK\r\n");
    assert_eq!(answer("CLIENT REPLY SKIP"), "");
    assert_eq!(answer("CLIENT REPLY SKIP"), "");
    assert_eq!(answer("PING"), "");
    assert_eq!(answer("PING"), "+PONG\r\n");
    assert_eq!(answer("CLIENT REPLY OFF"), "");
    assert_eq!(answer("RESET"), "+RESET\r\n");
    assert_eq!(answer("PING"), "+PONG\r\n");
}

/// The keys of the commands that the journal holds.
fn journal_keys(engine: &Engine) -> Vec<Vec<u8>> {
    let pieces = engine.log().journal().read_from(ReplOffset(0), usize::MAX);
    let bytes: Vec<u8> = pieces
        .unwrap()
        .iter()
        .flat_map(|piece| piece.to_vec())
        .collect();
    let mut decoder = resp::RequestDecoder::new(resp::Limits::default());
    let (mut keys, mut at) = (Vec::new(), 0);
    while let Some(request) = decoder.decode(&bytes[at..]).unwrap() {
        at += request.consumed();
        let words: Vec<&[u8]> = request.iter().collect();
        if words[0] == b"SET" {
            keys.push(words[1].to_vec());
        }
    }
    keys
}

#[test]
fn events_of_many_threads_have_the_order_of_the_journal() {
    let (engine, _) = engine();
    engine.log().journal().set_limit(1 << 20);
    let mut subscriber = engine.subscribe(["__keyevent@0__:set"]);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let mut session = engine.session();
            scope.spawn(move || {
                for n in 0..500 {
                    session.execute(&["SET", &format!("{thread}:{n}"), "v"]);
                }
            });
        }
    });
    let told: Vec<Vec<u8>> = std::iter::from_fn(|| subscriber.try_next())
        .map(|message| message.payload().to_vec())
        .collect();
    assert_eq!(told.len(), 2000);
    assert_eq!(told, journal_keys(&engine));
}

#[test]
fn typed_methods_tell_what_commands_do() {
    let (engine, _) = engine();
    engine.set_config("notify-keyspace-events", "EAmn").unwrap();
    let mut events = engine.psubscribe(["__keyevent@0__:*"]);
    let mut session = engine.session();
    let mut told = |f: &mut dyn FnMut(&mut Session)| {
        f(&mut session);
        let lines = waiting(&mut events).join(", ");
        lines.replace("__keyevent@0__:", "")
    };
    assert_eq!(told(&mut |s| _ = s.get("k")), "keymiss k");
    assert_eq!(told(&mut |s| s.set("k", "1").unwrap()), "new k, set k");
    assert_eq!(
        told(&mut |s| s.set_expiring("k", "1", Expiry::InMillis(99)).unwrap()),
        "set k, expire k"
    );
    assert_eq!(told(&mut |s| _ = s.incr_by("k", 2)), "incrby k");
    assert_eq!(told(&mut |s| _ = s.append("k", "2")), "append k");
    let mut expire = |expiry| told(&mut |s| _ = s.expire("k", expiry));
    assert_eq!(expire(Expiry::InMillis(9)), "expire k");
    assert_eq!(expire(Expiry::Never), "persist k");
    assert_eq!(expire(Expiry::At(UnixMillis(1))), "del k");
    assert_eq!(told(&mut |s| _ = s.del("k")), "");
    assert_eq!(
        told(&mut |s| _ = s.hset("h", &[("f", "v")])),
        "new h, hset h"
    );
    assert_eq!(told(&mut |s| _ = s.hdel("h", "f")), "hdel h, del h");
}
