//! Our server as the primary and as a replica of each real server: equal offsets mean equal digests, over a full copy,
//! what came meanwhile, and a connection that broke.

use std::thread;
use std::time::{Duration, Instant};

use interop::{Build, Launch, Outcome, Peer, available, our_server};
use kvdump::Call;

/// How long a replica may take.
const PATIENCE: Duration = Duration::from_secs(30);

const KEYS: u64 = 300;

/// Writes of every type, some of which depend on time or chance where they are carried out.
fn write(to: &mut Peer, round: u64) -> Outcome {
    for n in 0..KEYS {
        let id = (n * 7 + round) % 50;
        let lines = [
            format!("SET string:{n} {round}:{n}"),
            format!("SET due:{n} v EX 1000"),
            format!("RPUSH list:{id} a{n} b{n} c{n}"),
            format!("SADD set:{id} {n} x{n}"),
            format!("SPOP set:{id}"),
            format!("HSET hash:{id} f{n} {round} g{n} v"),
            format!("ZADD zset:{id} {n}.5 m{n}"),
            format!("XADD stream:{id} MAXLEN ~ 100 * f {n}"),
            format!("INCRBYFLOAT float:{id} 0.1"),
        ];
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            to.ask(&words)?;
        }
    }
    for line in [
        "SELECT 5",
        "MULTI",
        "SET in:five 1",
        "LPUSH both a b",
        "EXEC",
        "SELECT 0",
    ] {
        to.ask(&line.split(' ').collect::<Vec<_>>())?;
    }
    let script = "for n=1,5 do redis.call('INCR',KEYS[1]) end return redis.call('SPOP','set:1')";
    to.ask(&["EVAL", script, "1", "counter"])?;
    Ok(())
}

fn field(of: &mut Peer, name: &str) -> Result<String, Box<dyn std::error::Error>> {
    let text = of.ask(&["INFO", "replication"])?.into_text()?;
    let begin = format!("{name}:");
    let line = text.lines().find_map(|line| line.strip_prefix(&begin));
    Ok(line.unwrap_or_default().to_owned())
}

/// Waits until the replica is as far as the primary, and compares.
fn meet(what: &str, primary: &mut Peer, replica: &mut Peer) -> Outcome {
    let begin = Instant::now();
    loop {
        let ends = [
            field(primary, "master_repl_offset")?,
            field(replica, "slave_repl_offset")?,
        ];
        if ends[0] == ends[1] && field(replica, "master_link_status")? == "up" {
            break;
        }
        if begin.elapsed() > PATIENCE {
            return Err(format!("{what}: offsets {ends:?}\n{}", replica.log_tail()).into());
        }
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(
        field(primary, "master_replid")?,
        field(replica, "master_replid")?,
        "{what}"
    );
    assert_eq!(primary.digest()?, replica.digest()?, "{what}");
    Ok(())
}

fn follow(what: &str, primary: &mut Peer, replica: &mut Peer) -> Outcome {
    write(primary, 1)?;
    let port = primary.port().to_string();
    replica.ask(&["REPLICAOF", "127.0.0.1", &port])?;
    write(primary, 2)?;
    meet(what, primary, replica)?;
    primary.ask(&["CLIENT", "KILL", "TYPE", "replica"])?;
    write(primary, 3)?;
    meet(
        &format!("{what}, after the connection broke"),
        primary,
        replica,
    )
}

#[test]
fn replicas_hold_what_their_primaries_hold() -> Outcome {
    let ours = our_server()?;
    let builds = [
        Build::Redis62,
        Build::Redis70,
        Build::Redis82,
        Build::Valkey91,
    ];
    for (build, binary) in available(&builds)? {
        let real = || Launch::build(build, &binary).set("repl-diskless-sync-delay", "0");
        let own = |dir: &std::path::Path| {
            let own = Launch::new(&ours)
                .dir(dir)
                .set("enable-debug-command", "yes");
            match build {
                Build::Redis62 => own
                    .set("rdb-target", "redis-6.2")
                    .set("compat-version", "7.0"),
                Build::Redis70 => own.set("compat-version", "7.0"),
                _ => own,
            }
        };
        let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let (mut primary, mut replica) = (own(first.path()).start()?, real().start()?);
        follow(
            &format!("{build:?} behind ours"),
            &mut primary,
            &mut replica,
        )?;
        primary.end()?;
        replica.end()?;
        let (mut primary, mut replica) = (real().start()?, own(second.path()).start()?);
        follow(
            &format!("ours behind {build:?}"),
            &mut primary,
            &mut replica,
        )?;
        // Its primary is gone: it goes on alone.
        primary.end()?;
        replica.ask(&["REPLICAOF", "NO", "ONE"])?;
        write(&mut replica, 4)?;
        replica.end()?;
    }
    Ok(())
}
