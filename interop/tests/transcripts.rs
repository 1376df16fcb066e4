//! The transcripts under `testdata/transcripts`, which our commands are tested by, say what a real
//! server says.
//!
//! Lines that begin with `=> ` are our effects, and orders to our clock are waited for.

use interop::{Build, Launch, Outcome, Peer, available, conclude};
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Families that can't be compared: hashes have what no one server has, and streams tell the time.
const LEFT_OUT: [&str; 2] = ["hash_field_ttl", "stream"];
/// Transcripts of later servers than Redis 7.0.
const LATER: [(&str, Build); 2] = [("redis_8", Build::Redis82), ("valkey_9", Build::Valkey91)];

/// Lines whose grammar came with Redis 7.2.
const TOO_NEW: [&str; 2] = ["zrank z b withscore", "zrank z b foo"];

/// A command and what our transcript says it prints.
struct Exchange<'t> {
    line: &'t str,
    printed: String,
}

/// Plays a transcript; what the server prints otherwise.
fn play(peer: &Peer, transcript: &str) -> std::io::Result<Vec<String>> {
    let mut differences = Vec::new();
    let mut resp3 = false;
    let mut lines = transcript.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(order) = line.strip_prefix("! ") {
            match order.split_once(' ') {
                Some(("resp", version)) => resp3 = version == "3",
                Some(("clock", ms)) => wait(ms),
                _ => {}
            }
        } else if let Some(command) = line.strip_prefix("> ") {
            let mut printed = Vec::new();
            while let Some(reply) = lines.next_if(|line| !starts_something(line)) {
                printed.push(reply);
            }
            printed.retain(|line| !line.starts_with("=> "));
            let exchange = Exchange {
                line: command,
                printed: printed.join("\n"),
            };
            if !TOO_NEW.contains(&command) {
                differences.extend(ask(peer, &exchange, resp3)?);
            }
        }
    }
    Ok(differences)
}

fn starts_something(line: &str) -> bool {
    let marks = ["> ", "! ", "# "];
    line.is_empty() || line == "#" || marks.iter().any(|mark| line.starts_with(mark))
}

fn wait(ms: &str) {
    let ms = ms.trim_start_matches('+').parse().unwrap_or(0);
    std::thread::sleep(Duration::from_millis(ms));
}

fn ask(peer: &Peer, exchange: &Exchange<'_>, resp3: bool) -> std::io::Result<Option<String>> {
    let mut cli = Command::new("redis-cli");
    cli.arg("--no-raw").arg("-p").arg(peer.port().to_string());
    if resp3 {
        cli.arg("-3");
    }
    let mut child = cli.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        writeln!(stdin, "{}", exchange.line)?;
    }
    let output = child.wait_with_output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let printed = printed.trim_end_matches('\n');
    Ok((printed != exchange.printed).then(|| {
        let ours = &exchange.printed;
        format!(
            "> {}\nours:\n{ours}\nthe server's:\n{printed}",
            exchange.line
        )
    }))
}

/// The transcripts of one server.
fn transcripts(of: Build) -> std::io::Result<Vec<PathBuf>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/transcripts");
    let mut paths = std::fs::read_dir(dir)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<PathBuf>>>()?;
    paths.retain(|path| {
        let name = path.file_stem().unwrap_or_default();
        path.extension().is_some_and(|extension| extension == "txt")
            && !LEFT_OUT.iter().any(|family| name == *family)
            && author(name) == of
    });
    paths.sort();
    Ok(paths)
}

fn author(name: &OsStr) -> Build {
    let later = LATER.iter().find(|(later, _)| name == *later);
    later.map_or(Build::Redis70, |(_, build)| *build)
}

#[test]
fn transcripts_are_those_of_real_servers() -> Outcome {
    let peers = available(&[Build::Redis70, Build::Redis82, Build::Valkey91])?;
    let (mut problems, mut compared) = (Vec::new(), 0);
    for (build, binary) in &peers {
        for path in transcripts(*build)? {
            let peer = Launch::build(*build, binary).start()?;
            let found = play(&peer, &std::fs::read_to_string(&path)?)?;
            let family = path.display();
            problems.extend(found.iter().map(|found| format!("{family}: {found}")));
            compared += 1;
        }
    }
    conclude("transcripts", compared, &problems)
}
