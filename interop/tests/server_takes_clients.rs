//! Redis's own client programs work on our server as on a real one.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use interop::{Build, Launch, Outcome, Peer, available, our_server};

/// What a person might type, a line each; no reply depends on who answers.
const SCRIPT: &str = r#"
PING
SET greeting "hello, \"world\"\r\n\x00\xff"
GET greeting
GET nothing
INCR counter
INCRBY counter -5
INCRBYFLOAT counter 0.5
APPEND greeting !
RPUSH list a b c
LRANGE list 0 -1
LPOP list 2
SADD set one
SMEMBERS set
HSET hash f1 v1 f2 v2
HGETALL hash
HGET hash nothing
ZADD zset 1 a 2.5 b -inf c
ZRANGE zset 0 -1 WITHSCORES
XADD stream 1-1 field value
XRANGE stream - +
XINFO STREAM stream
TYPE stream
OBJECT ENCODING counter
EXPIREAT list 4102444800
EXPIRETIME list
GETRANGE greeting 0
nosuchcommand at all
LPUSH greeting x
MULTI
SET inside 1
INCR inside
EXEC
EXEC
MULTI
GET
EXEC
COMMAND COUNT EXTRA
DEL greeting list
EXISTS counter set
SELECT 3
DBSIZE
SELECT 99
ECHO "last line"
"#;

fn redis_cli(
    server: &Peer,
    flags: &[&str],
    script: &str,
) -> Result<String, Box<dyn std::error::Error>> {
    let mut command = Command::new("redis-cli");
    command.args(["-p", &server.port().to_string()]).args(flags);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child
        .stdin
        .take()
        .ok_or("no input")?
        .write_all(script.as_bytes())?;
    Ok(String::from_utf8_lossy(&child.wait_with_output()?.stdout).into_owned())
}

#[test]
fn redis_cli_prints_the_same() -> Outcome {
    let Some((build, binary)) = available(&[Build::Redis70])?.pop() else {
        return Ok(());
    };
    for flags in [
        ["--no-raw", "-2"],
        ["--no-raw", "-3"],
        ["--raw", "-2"],
        ["--csv", "-3"],
    ] {
        let theirs = Launch::build(build, &binary).start()?;
        let ours = Launch::new(our_server()?).start()?;
        let (expected, found) = (
            redis_cli(&theirs, &flags, SCRIPT)?,
            redis_cli(&ours, &flags, SCRIPT)?,
        );
        theirs.end()?;
        assert!(ours.end()?.success(), "SIGTERM is a clean end");
        for (number, (expected, found)) in expected.lines().zip(found.lines()).enumerate() {
            assert_eq!(expected, found, "line {number} with {flags:?}");
        }
        assert_eq!(expected.lines().count(), found.lines().count());
        assert!(expected.contains("last line"));
    }
    Ok(())
}

#[test]
fn redis_cli_lists_keys_and_information() -> Outcome {
    let ours = Launch::new(our_server()?).start()?;
    redis_cli(&ours, &[], "MSET a 1 b 2 c 3\nHSET h f v\n")?;
    let mut keys: Vec<String> = redis_cli(&ours, &["--scan"], "")?
        .lines()
        .map(str::to_owned)
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, ["a", "b", "c", "h"]);
    let info = redis_cli(&ours, &["INFO"], "")?;
    for line in ["redis_version:", "used_memory:", "db0:keys=4"] {
        assert!(info.contains(line), "INFO lacks {line}");
    }
    let biggest = redis_cli(&ours, &["--bigkeys"], "")?;
    assert!(biggest.contains("Sampled 4 keys"), "{biggest}");
    ours.end()?;
    Ok(())
}

#[test]
fn redis_benchmark_meets_no_error() -> Outcome {
    let ours = Launch::new(our_server()?).start()?;
    let mut command = Command::new("redis-benchmark");
    command.args([
        "-p",
        &ours.port().to_string(),
        "-q",
        "-n",
        "100000",
        "-P",
        "16",
    ]);
    let output = command.output()?;
    let text = [output.stdout, output.stderr].concat();
    // While it runs it overwrites its line; what counts is behind the last carriage return.
    let text = String::from_utf8_lossy(&text).replace('\r', "\n");
    let finished = text
        .lines()
        .filter(|line| line.contains("requests per second"))
        .count();
    println!("redis-benchmark: {finished} tests");
    assert!(output.status.success(), "{text}");
    assert!(!text.to_lowercase().contains("err"), "{text}");
    assert!(finished >= 20, "{text}");
    ours.end()?;
    Ok(())
}
