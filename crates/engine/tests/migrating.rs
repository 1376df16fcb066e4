//! MIGRATE, between two engines that hear each other without a network.

mod said;

use duramen::{Engine, Reply, RespSink, Session};
use resp::{Limits, RequestDecoder};
use said::{all_said, said};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A connection to another engine's session.
struct Wire {
    session: Session,
    decoder: RequestDecoder,
    input: Vec<u8>,
    output: VecDeque<u8>,
    /// How many requests it carries before it breaks.
    left: usize,
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.input.extend_from_slice(bytes);
        while let Some(request) = self.decoder.decode(&self.input).map_err(io::Error::other)? {
            let argv: Vec<Vec<u8>> = request.iter().map(<[u8]>::to_vec).collect();
            let consumed = request.consumed();
            self.input.drain(..consumed);
            if self.left == 0 {
                continue;
            }
            self.left -= 1;
            let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
            let mut reply = Vec::new();
            let mut sink = RespSink::new(&mut reply, self.session.protocol());
            self.session.execute_into(&argv, &mut sink);
            self.output.extend(reply);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.output.read(buffer)
    }
}

/// Two engines, of which the first reaches the second over connections that carry so many requests;
/// and how many it opened.
fn neighbours(carry: usize) -> (Engine, Engine, Arc<AtomicUsize>) {
    let (here, there) = (Engine::open_in_memory(), Engine::open_in_memory());
    let opened = Arc::new(AtomicUsize::new(0));
    let (far, count) = (there.clone(), opened.clone());
    here.on_migrate(move |host, _, _: Duration| {
        count.fetch_add(1, Ordering::Relaxed);
        if host != "there" {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        Ok(Box::new(Wire {
            session: far.session(),
            decoder: RequestDecoder::new(Limits::default()),
            input: Vec::new(),
            output: VecDeque::new(),
            left: carry,
        }))
    });
    (here, there, opened)
}

/// What MIGRATE answers; `-` is the empty word.
fn moved(session: &mut Session, line: &str) -> String {
    let words = line
        .split(' ')
        .map(|word| if word == "-" { "" } else { word });
    match session.execute(&words.collect::<Vec<_>>()) {
        Reply::Status(line) => line,
        Reply::Error(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_move_with_their_time_to_live() {
    let (here, there, opened) = neighbours(usize::MAX);
    let (mut one, mut other) = (here.session(), there.session());
    all_said(&mut one, &["SET a 1 EX 100", "RPUSH b x y", "SET c 3"]);
    assert_eq!(moved(&mut one, "MIGRATE there 1 a 9 100 COPY"), "OK");
    assert_eq!(said(&mut one, "EXISTS a"), "1");
    let busy = moved(&mut one, "MIGRATE there 1 a 9 100");
    assert!(busy.contains("replied with error: BUSYKEY"), "{busy}");
    let all = "MIGRATE there 1 - 9 100 REPLACE KEYS a no b";
    assert_eq!(moved(&mut one, all), "OK");
    assert_eq!(said(&mut one, "DBSIZE"), "1");
    all_said(&mut other, &["SELECT 9"]);
    assert_eq!(said(&mut other, "GET a"), "1");
    assert_eq!(said(&mut other, "LLEN b"), "2");
    let left: i64 = said(&mut other, "TTL a").parse().unwrap();
    assert!((98..=100).contains(&left), "{left}");
    assert_eq!(moved(&mut one, "MIGRATE there 1 a 9 100"), "NOKEY");
    assert_eq!(opened.load(Ordering::Relaxed), 1, "one connection for all");
}

#[test]
fn only_what_the_other_server_took_is_gone_here() {
    let (here, there, _) = neighbours(usize::MAX);
    let (mut one, mut other) = (here.session(), there.session());
    all_said(&mut one, &["MSET a 1 b 2 c 3"]);
    all_said(&mut other, &["SET b _"]);
    let refused = moved(&mut one, "MIGRATE there 1 - 0 100 KEYS a b c");
    assert!(refused.contains("BUSYKEY"), "{refused}");
    assert_eq!(said(&mut one, "EXISTS a b c"), "1");
    assert_eq!(said(&mut one, "GET b"), "2");
}

#[test]
fn who_is_refused_or_unheard_keeps_the_keys() {
    let (here, there, opened) = neighbours(3);
    there.set_config("requirepass", "secret").unwrap();
    let mut one = here.session();
    all_said(&mut one, &["MSET a 1 b 2 c 3"]);
    let wrong = moved(&mut one, "MIGRATE there 1 a 0 100 AUTH no");
    assert!(wrong.contains("error: WRONGPASS"), "{wrong}");
    let unheard = moved(&mut one, "MIGRATE there 1 - 0 100 AUTH secret KEYS b c");
    assert!(
        unheard.contains("IOERR error or timeout reading"),
        "{unheard}"
    );
    assert_eq!(
        said(&mut one, "EXISTS a b c"),
        "2",
        "one of them was heard of"
    );
    let nowhere = moved(&mut one, "MIGRATE elsewhere 1 a 0 100");
    assert!(
        nowhere.contains("IOERR error or timeout connecting"),
        "{nowhere}"
    );
    assert_eq!(opened.load(Ordering::Relaxed), 3);
}
