//! What our engine tells of keys while it runs the transcripts under `testdata/transcripts` is what
//! a real server tells.

use duramen::Subscriber;
use interop::{Build, Launch, Ours, Outcome, available, conclude};
use kvdump::{Call, Reply, Tcp};
use std::path::Path;
use std::time::Duration;

/// A family, and the classes of events that are compared.
type Family = (&'static str, &'static str);

/// What Redis 7.0 is asked. Keys that `SORT` looks up by a pattern are missed there, and not here.
const OF_REDIS_7_0: [Family; 10] = [
    ("bitmap", "KEAmn"),
    ("geo", "KEAmn"),
    ("hash", "KEAmn"),
    ("hyperloglog", "KEAmn"),
    ("key", "KEAmn"),
    ("list", "KEAmn"),
    ("set", "KEAmn"),
    ("sort", "KEAn"),
    ("string", "KEAmn"),
    ("zset", "KEAmn"),
];

/// Since Redis 7.2 a consumer that only asks is made, and told of.
const OF_REDIS_8_2: [Family; 2] = [("stream", "KEAn"), ("redis_8", "KEAn")];
const OF_VALKEY_9_1: [Family; 2] = [("stream", "KEAn"), ("valkey_9", "KEAn")];

/// A field that a failed operation made room for: ours is told of as changed.
const KNOWN: [&str; 1] = ["BITFIELD grown OVERFLOW FAIL INCRBY u2 30 5"];

/// A channel and what was published there.
type Told = (Vec<u8>, Vec<u8>);

fn ours_told(subscriber: &mut Subscriber) -> Vec<Told> {
    std::iter::from_fn(|| subscriber.try_next())
        .map(|message| (message.channel().to_vec(), message.payload().to_vec()))
        .collect()
}

/// Everything that was told before an answer to `PING`.
fn theirs_told(listener: &mut Tcp) -> Result<Vec<Told>, Box<dyn std::error::Error>> {
    listener.push(&[b"PING"]);
    listener.flush()?;
    let mut told = Vec::new();
    loop {
        let Reply::Array(words) = listener.reply()? else {
            return Err("neither a message nor an answer".into());
        };
        let mut words = words.into_iter().map(|word| match word {
            Reply::Bulk(bytes) => bytes,
            _ => Vec::new(),
        });
        match words.next().as_deref() {
            Some(b"pong") => return Ok(told),
            _ => told.push((
                words.nth(1).unwrap_or_default(),
                words.next().unwrap_or_default(),
            )),
        }
    }
}

/// The arguments of each command, and the waits between them.
enum Step {
    Run(String, Vec<Vec<u8>>),
    Wait(Duration),
}

fn steps(transcript: &str) -> Vec<Step> {
    let step = |line: &str| {
        if let Some(ms) = line.strip_prefix("! clock ") {
            let ms = ms.trim_start_matches('+').parse().unwrap_or(0);
            return Some(Step::Wait(Duration::from_millis(ms)));
        }
        let command = line.strip_prefix("> ")?;
        let words = resp::split_words(command.as_bytes()).ok()?;
        Some(Step::Run(command.to_owned(), words))
    };
    transcript.lines().filter_map(step).collect()
}

/// Plays a transcript to both; the commands of which they tell differently.
fn play(
    build: Build,
    binary: &Path,
    (family, classes): Family,
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let path = format!("../testdata/transcripts/{family}.txt");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let launch = Launch::build(build, binary).set("notify-keyspace-events", classes);
    let mut theirs = launch.start()?;
    theirs.call(&[b"DEBUG", b"SET-ACTIVE-EXPIRE", b"0"])?;
    let mut listener = theirs.connect()?;
    listener.call(&[b"PSUBSCRIBE", b"__key*"])?;
    let mut ours = Ours::in_memory();
    ours.engine()
        .set_config("notify-keyspace-events", classes)?;
    let mut subscriber = ours.engine().psubscribe(["__key*"]);
    let mut differences = Vec::new();
    for step in steps(&std::fs::read_to_string(path)?) {
        let (line, argv) = match step {
            Step::Wait(time) => {
                std::thread::sleep(time);
                continue;
            }
            Step::Run(line, argv) => (line, argv),
        };
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let reply = theirs.call(&argv)?;
        if matches!(&reply, Reply::Error(text) if text.starts_with("ERR unknown")) {
            continue;
        }
        ours.call(&argv)?;
        let (us, them) = (ours_told(&mut subscriber), theirs_told(&mut listener)?);
        if us != them && !KNOWN.contains(&&line[..]) {
            let text = |told: &[Told]| {
                let line = |(channel, payload): &Told| {
                    let payload = String::from_utf8_lossy(payload);
                    format!("\n  {} {payload}", String::from_utf8_lossy(channel))
                };
                told.iter().map(line).collect::<String>()
            };
            let (us, them) = (text(&us), text(&them));
            differences.push(format!("{family}: {line}\nours:{us}\ntheirs:{them}"));
        }
    }
    Ok(differences)
}

fn compare(build: Build, families: &[Family]) -> Outcome {
    let mut problems = Vec::new();
    let peers = available(&[build])?;
    for (build, binary) in &peers {
        for &family in families {
            problems.extend(play(*build, binary, family)?);
        }
    }
    conclude("events", peers.len() * families.len(), &problems)
}

#[test]
fn events_are_those_of_redis_7_0() -> Outcome {
    compare(Build::Redis70, &OF_REDIS_7_0)
}

#[test]
fn events_are_those_of_redis_8_2() -> Outcome {
    compare(Build::Redis82, &OF_REDIS_8_2)
}

#[test]
fn events_are_those_of_valkey_9_1() -> Outcome {
    compare(Build::Valkey91, &OF_VALKEY_9_1)
}
