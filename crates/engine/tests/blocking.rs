//! Commands that wait: served in order, by whoever brings something, or told that there was nothing.

use duramen::{Engine, ManualClock, Reply, Session, UnixMillis};
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn run(session: &mut Session, line: &str) -> Reply {
    session.execute(&words(line))
}

/// A command that waits from here on.
fn wait(engine: &Engine, line: &str) -> Waiting {
    wait_in(engine, "0", line)
}

/// The same in a database.
fn wait_in(engine: &Engine, db: &str, line: &str) -> Waiting {
    let mut session = engine.session();
    session.execute(&["SELECT", db]);
    let argv: Vec<&[u8]> = words(line).iter().map(|word| word.as_bytes()).collect();
    let mut out = Vec::new();
    let mut sink = duramen::RespSink::new(&mut out, session.protocol());
    session.execute_into(&argv, &mut sink);
    assert!(session.is_blocked(), "{line}");
    assert!(out.is_empty(), "{line}");
    Waiting { session }
}

struct Waiting {
    session: Session,
}

impl Waiting {
    /// The reply in RESP2, if there is one by now.
    fn reply(&mut self) -> Option<String> {
        let mut out = Vec::new();
        let mut sink = duramen::RespSink::new(&mut out, self.session.protocol());
        let is_over = self.session.try_unblocked(&mut sink);
        is_over.then(|| String::from_utf8_lossy(&out).replace("\r\n", " "))
    }

    fn is_ready(&self) -> bool {
        let mut polled = pin!(std::future::poll_fn(|cx| self.session.poll_unblocked(cx)));
        let mut cx = Context::from_waker(Waker::noop());
        polled.as_mut().poll(&mut cx) == Poll::Ready(())
    }
}

use std::future::Future;

#[test]
fn first_come_first_served() {
    let engine = Engine::open_in_memory();
    let mut first = wait(&engine, "BLPOP a b 0");
    let mut second = wait(&engine, "BRPOP b 0");
    let mut third = wait(&engine, "BLMPOP 0 2 c b LEFT COUNT 5");
    let mut writer = engine.session();
    run(&mut writer, "RPUSH b 1 2 3 4");
    assert_eq!(first.reply().as_deref(), Some("*2 $1 b $1 1 "));
    assert_eq!(second.reply().as_deref(), Some("*2 $1 b $1 4 "));
    let rest = "*2 $1 b *2 $1 2 $1 3 ";
    assert_eq!(third.reply().as_deref(), Some(rest));
    assert_eq!(run(&mut writer, "EXISTS b"), Reply::Integer(0));
}

#[test]
fn a_key_of_another_type_serves_nobody() {
    let engine = Engine::open_in_memory();
    let mut list = wait(&engine, "BLPOP k 0");
    let mut zset = wait(&engine, "BZPOPMAX k 0");
    let mut writer = engine.session();
    run(&mut writer, "SET k v");
    assert!(!list.is_ready() && list.reply().is_none() && zset.reply().is_none());
    run(&mut writer, "DEL k");
    run(&mut writer, "ZADD k 1 x 2 y");
    assert_eq!(zset.reply().as_deref(), Some("*3 $1 k $1 y $1 2 "));
    assert!(list.reply().is_none());
    run(&mut writer, "DEL k");
    run(&mut writer, "LPUSH k e");
    assert!(list.is_ready());
    assert_eq!(list.reply().as_deref(), Some("*2 $1 k $1 e "));
}

/// What one transaction brings is served when it is over.
#[test]
fn transactions_serve_at_their_end_and_do_not_wait() {
    let engine = Engine::open_in_memory();
    let mut waiting = wait(&engine, "BLPOP k 0");
    let mut writer = engine.session();
    for line in ["MULTI", "RPUSH k 1", "DEL k", "EXEC"] {
        run(&mut writer, line);
    }
    assert!(waiting.reply().is_none());
    for line in ["MULTI", "RPUSH k 1", "LPUSH k 2"] {
        run(&mut writer, line);
    }
    run(&mut writer, "EXEC");
    assert_eq!(waiting.reply().as_deref(), Some("*2 $1 k $1 2 "));

    for line in ["MULTI", "BLPOP none 0", "BLMOVE none k LEFT LEFT 0"] {
        run(&mut writer, line);
    }
    let nothing = Reply::Array(vec![Reply::Nil, Reply::Nil]);
    assert_eq!(run(&mut writer, "EXEC"), nothing);
}

/// Serving one may bring what the next waits for.
#[test]
fn moves_go_on_from_list_to_list() {
    let engine = Engine::open_in_memory();
    let mut second = wait(&engine, "BLMOVE b c LEFT RIGHT 0");
    let mut first = wait(&engine, "BRPOPLPUSH a b 0");
    let mut last = wait(&engine, "BLPOP c 0");
    let mut writer = engine.session();
    run(&mut writer, "RPUSH a x");
    assert_eq!(first.reply().as_deref(), Some("$1 x "));
    assert_eq!(second.reply().as_deref(), Some("$1 x "));
    assert_eq!(last.reply().as_deref(), Some("*2 $1 c $1 x "));
    assert_eq!(run(&mut writer, "DBSIZE"), Reply::Integer(0));
}

/// The element stays when it can't be moved.
#[test]
fn who_cannot_be_served_is_refused() {
    let engine = Engine::open_in_memory();
    let mut writer = engine.session();
    run(&mut writer, "SET to string");
    let mut waiting = wait(&engine, "BLMOVE from to LEFT LEFT 0");
    run(&mut writer, "RPUSH from x");
    let refusal = waiting.reply().unwrap();
    assert!(refusal.starts_with("-WRONGTYPE "), "{refusal}");
    assert_eq!(run(&mut writer, "LLEN from"), Reply::Integer(1));
}

#[test]
fn keys_come_by_other_ways_too() {
    for (lines, expected) in [
        ("RPUSH x e;RENAME x k", "*2 $1 k $1 e "),
        ("RPUSH x e;COPY x k", "*2 $1 k $1 e "),
        ("RPUSH x 2 1;SORT x STORE k", "*2 $1 k $1 1 "),
        ("SELECT 1;RPUSH k e;MOVE k 0", "*2 $1 k $1 e "),
        ("SELECT 1;RPUSH k e;SWAPDB 0 1", "*2 $1 k $1 e "),
    ] {
        let engine = Engine::open_in_memory();
        let mut waiting = wait(&engine, "BLPOP k 0");
        let mut writer = engine.session();
        for line in lines.split(';') {
            run(&mut writer, line);
        }
        assert_eq!(waiting.reply().as_deref(), Some(expected), "{lines}");
    }
}

#[test]
fn streams_serve_all_who_read() {
    let engine = Engine::open_in_memory();
    let mut writer = engine.session();
    run(&mut writer, "XADD s 1-1 f v");
    run(&mut writer, "XGROUP CREATE s g $");
    let mut one = wait(&engine, "XREAD BLOCK 0 STREAMS s $");
    let mut other = wait(&engine, "XREAD BLOCK 0 STREAMS none s $ 1-1");
    let mut member = wait(&engine, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    run(&mut writer, "XADD s 2-1 f w");
    let entry = "*1 *2 $1 s *1 *2 $3 2-1 *2 $1 f $1 w ";
    for waiting in [&mut one, &mut other, &mut member] {
        assert_eq!(waiting.reply().as_deref(), Some(entry));
    }
    let mut member = wait(&engine, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    run(&mut writer, "DEL s");
    let refusal = member.reply().unwrap();
    assert!(refusal.starts_with("-NOGROUP "), "{refusal}");
}

#[test]
fn time_is_that_of_the_engines_clock() {
    let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    let builder = Engine::builder("/data").storage(storage::Memory::new());
    let engine = builder.clock(clock.clone()).open().unwrap();
    let mut waiting = wait(&engine, "BLPOP k 1.5");
    assert_eq!(
        waiting.session.blocked_for(),
        Some(Duration::from_millis(1500))
    );
    clock.advance(1499);
    assert_eq!(waiting.reply(), None);
    clock.advance(1);
    assert_eq!(waiting.reply().as_deref(), Some("*-1 "));
    let mut writer = engine.session();
    run(&mut writer, "RPUSH k e");
    assert_eq!(run(&mut writer, "LLEN k"), Reply::Integer(1));
}

#[test]
fn who_goes_away_takes_nothing_along() {
    let engine = Engine::open_in_memory();
    let gone = wait(&engine, "BLPOP k 0");
    let mut stays = wait(&engine, "BLPOP k 0");
    drop(gone);
    let mut writer = engine.session();
    run(&mut writer, "RPUSH k e");
    assert_eq!(stays.reply().as_deref(), Some("*2 $1 k $1 e "));
}

#[test]
fn client_unblock_ends_waiting() {
    let engine = Engine::open_in_memory();
    let mut writer = engine.session();
    for (how, expected) in [
        ("", "*-1 "),
        ("TIMEOUT", "*-1 "),
        ("ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK "),
    ] {
        let mut waiting = wait(&engine, "BLPOP k 0");
        let line = format!("CLIENT UNBLOCK {} {how}", waiting.session.id());
        assert_eq!(run(&mut writer, &line), Reply::Integer(1));
        assert_eq!(waiting.reply().as_deref(), Some(expected));
        assert_eq!(run(&mut writer, &line), Reply::Integer(0));
    }
}

/// Elements that many threads push and pop: each arrives once, and in the order of its thread.
#[test]
fn threads_lose_nothing() {
    const EACH: usize = 500;
    let engine = Engine::open_in_memory();
    let (done, popped) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..3 {
            let (mut session, done) = (engine.session(), done.clone());
            scope.spawn(move || {
                while let Reply::Array(items) = session.execute(&["BLPOP", "a", "b", "0"]) {
                    let element = items[1].as_bytes().unwrap().to_vec();
                    if element == b"end" {
                        return;
                    }
                    done.send(element).unwrap();
                }
            });
        }
        let pushing: Vec<_> = (0..2)
            .map(|thread| {
                let mut session = engine.session();
                scope.spawn(move || {
                    for n in 0..EACH {
                        let key = if n % 3 == 0 { "a" } else { "b" };
                        session.execute(&["RPUSH", key, &format!("{thread}:{n}")]);
                    }
                })
            })
            .collect();
        pushing
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        engine
            .session()
            .execute(&["RPUSH", "b", "end", "end", "end"]);
    });
    drop(done);
    let mut all: Vec<Vec<u8>> = popped.iter().collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 2 * EACH);
}

#[test]
fn who_waits_in_another_database_is_in_nobodys_way() {
    let engine = Engine::open_in_memory();
    let mut elsewhere = wait_in(&engine, "2", "BRPOPLPUSH l l 0");
    let mut here = wait(&engine, "BLMPOP 0 2 other l RIGHT COUNT 2");
    run(&mut engine.session(), "RPUSH l 1 2 3");
    assert_eq!(elsewhere.reply(), None);
    let served = "*2 $1 l *2 $1 3 $1 2 ";
    assert_eq!(here.reply().as_deref(), Some(served));
}
