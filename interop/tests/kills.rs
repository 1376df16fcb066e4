//! Our server killed while clients write: whatever it answered is there when it starts again.

use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    thread,
    time::Duration,
};

use interop::{Launch, Outcome, our_server};
use kvdump::{Call, Reply};

/// Times that the server is killed under each policy.
const KILLS: u64 = 6;
const CLIENTS: usize = 4;

/// Increments its own counter in a transaction until the server is gone; returns the last number
/// that it was told.
fn count(server: &interop::Peer, client: usize, told: &AtomicU64) -> Outcome {
    let mut to = server.connect()?;
    let (one, two) = (format!("{{c}}one:{client}"), format!("{{c}}two:{client}"));
    let calls = [vec!["MULTI"], vec!["INCR", &one], vec!["INCR", &two]];
    loop {
        for words in &calls {
            let argv: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            if to.call(&argv).is_err() {
                return Ok(());
            }
        }
        match to.call(&[b"EXEC"]) {
            Ok(Reply::Array(replies)) => match replies.last() {
                Some(Reply::Int(number)) => told.store(*number as u64, SeqCst),
                other => return Err(format!("{other:?}").into()),
            },
            Ok(other) => return Err(format!("{other:?}").into()),
            Err(_) => return Ok(()),
        }
    }
}

/// Kills a server on `dir` in the middle of it, and compares what the next one holds.
fn kill_once(binary: &Path, dir: &Path, fsync: &str, after: Duration) -> Outcome {
    let launch = Launch::new(binary)
        .dir(dir)
        .set("appendonly", "yes")
        .set("appendfsync", fsync)
        .set("auto-aof-rewrite-min-size", "64kb");
    let server = launch.start()?;
    let told: Vec<AtomicU64> = (0..CLIENTS).map(|_| AtomicU64::new(0)).collect();
    let outcomes: Vec<Result<(), String>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (server, told) = (&server, &told[client]);
                scope.spawn(move || count(server, client, told).map_err(|error| error.to_string()))
            })
            .collect();
        thread::sleep(after);
        let killed = Command::new("kill")
            .args(["-9", &server.pid().to_string()])
            .status();
        let outcomes = clients.into_iter().map(|client| match client.join() {
            Ok(outcome) => outcome,
            Err(_) => Err("a client panicked".to_owned()),
        });
        let killed = killed.map(|_| ()).map_err(|error| error.to_string());
        outcomes.chain([killed]).collect()
    });
    outcomes.into_iter().collect::<Result<Vec<()>, String>>()?;
    drop(server);
    let mut server = launch.start()?;
    for (client, told) in told.iter().enumerate() {
        let mut number = |name: &str| {
            let reply = server.ask(&["GET", &format!("{{c}}{name}:{client}")]);
            reply
                .ok()
                .and_then(|reply| reply.into_text().ok()?.parse::<u64>().ok())
        };
        let (one, two) = (number("one").unwrap_or(0), number("two").unwrap_or(0));
        assert_eq!(one, two, "a transaction is whole");
        let told = told.load(SeqCst);
        // The last transaction may have been carried out without an answer: there may be more.
        assert!(one >= told, "{one} found, {told} told");
    }
    server.end()?;
    Ok(())
}

#[test]
fn what_was_answered_outlives_a_kill() -> Outcome {
    let binary = our_server()?;
    for fsync in ["always", "everysec", "no"] {
        let dir = tempfile::tempdir()?;
        for kill in 0..KILLS {
            let after = Duration::from_millis(40 + 37 * kill);
            kill_once(&binary, dir.path(), fsync, after)?;
        }
    }
    println!("{} kills", 3 * KILLS);
    Ok(())
}
