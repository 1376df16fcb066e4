//! What the inspector estimates a key to take is near what a real server says of it after loading
//! the same file.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use duramen::storage::Os;
use inspect::{Fact, Figures, Filter, Key, Piece, Source, Visitor};
use interop::{Build, Launch, Outcome, Peer, available, conclude};
use kvdump::{Call, Reply};

/// The estimates of a file, by name.
#[derive(Default)]
struct Estimates(BTreeMap<Vec<u8>, (String, u64)>);

impl Visitor for Estimates {
    fn fact(&mut self, _: &Fact<'_>) -> io::Result<()> {
        Ok(())
    }

    fn key(&mut self, _: &Key<'_>) -> io::Result<bool> {
        Ok(false)
    }

    fn piece(&mut self, _: &Piece<'_>) -> io::Result<()> {
        Ok(())
    }

    fn end_key(&mut self, key: &Key<'_>, figures: &Figures, _: bool) -> io::Result<()> {
        let form = format!("{} {}", key.kind.name(), key.encoding.name());
        self.0.insert(key.name.to_vec(), (form, figures.memory));
        Ok(())
    }
}

/// A text of that length that does not compress to nothing.
fn text(random: &mut fastrand::Rng, len: usize) -> String {
    std::iter::repeat_with(|| random.alphanumeric())
        .take(len)
        .collect()
}

/// The commands that make `count` keys of each kind, of sizes from tiny to large.
fn commands(random: &mut fastrand::Rng, count: usize) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for number in 0..count {
        let len = random.usize(1..60);
        let tail = text(random, len);
        let elements = 1 << random.usize(0..10);
        let longest = 1 << random.usize(1..8);
        for (kind, command) in KINDS {
            let name = format!("{kind}:{number}:{tail}");
            let mut words = vec![command.to_owned(), name.clone()];
            match kind {
                "string" => {
                    let len = random.usize(0..20_000) >> random.usize(0..12);
                    words.push(text(random, len));
                }
                "int" => words.push(random.i32(..).to_string()),
                "stream" => {
                    let entries = (1..=elements.min(ENTRIES_MAX)).map(|entry| {
                        let mut words = words.clone();
                        words.push(format!("{entry}-1"));
                        words.extend([text(random, 5), text(random, longest)]);
                        words
                    });
                    commands.extend(entries);
                    if number % 2 == 0 {
                        commands.extend(readers(&name, elements));
                    }
                    continue;
                }
                _ => {
                    for element in 0..elements {
                        words.extend(one(random, kind, element, longest));
                    }
                }
            }
            commands.push(words);
        }
    }
    commands
}

const KINDS: [(&str, &str); 8] = [
    ("string", "SET"),
    ("int", "SET"),
    ("list", "RPUSH"),
    ("set", "SADD"),
    ("ints", "SADD"),
    ("hash", "HSET"),
    ("zset", "ZADD"),
    ("stream", "XADD"),
];

const ENTRIES_MAX: usize = 700;

/// Groups of a stream, and what their consumers have read and not acknowledged.
fn readers(name: &str, elements: usize) -> Vec<Vec<String>> {
    let read = |group: &str, consumer: &str, count: usize| {
        format!("XREADGROUP GROUP {group} {consumer} COUNT {count} STREAMS {name} >")
    };
    let lines = [
        format!("XGROUP CREATE {name} one 0"),
        format!("XGROUP CREATE {name} another 0"),
        read("one", "alice", elements / 2 + 1),
        read("one", "bob", 3),
        read("another", "somebody-else", 1),
        format!("XACK {name} one 1-1"),
    ];
    let words = |line: &String| line.split(' ').map(str::to_owned).collect();
    lines.iter().map(words).collect()
}

/// One element of a value, as the words of its command.
fn one(random: &mut fastrand::Rng, kind: &str, element: usize, longest: usize) -> Vec<String> {
    let len = random.usize(1..=longest);
    match kind {
        "ints" => vec![(element * 77).to_string()],
        "hash" => vec![format!("field-{element}"), text(random, len)],
        "zset" => vec![
            random.u16(..).to_string(),
            format!("{element}-{}", text(random, len)),
        ],
        "set" => vec![format!("{element}-{}", text(random, len))],
        _ => vec![text(random, len)],
    }
}

fn ask(peer: &mut Peer, name: &[u8]) -> Result<u64, Box<dyn std::error::Error>> {
    let words: [&[u8]; 5] = [b"MEMORY", b"USAGE", name, b"SAMPLES", b"0"];
    match peer.ask_bytes(&words)? {
        Reply::Int(bytes) => Ok(bytes.unsigned_abs()),
        other => Err(format!("{}: {other:?}", name.escape_ascii()).into()),
    }
}

/// By how much the estimate of skip lists, whose nodes draw their sizes, may be off in thousandths: of
/// all, and of one. All other estimates are exact.
const SKIPLISTS: f64 = 10.0;
const SKIPLIST: f64 = 150.0;

/// How far all of a form may be off, and one of it.
fn bounds(form: &str) -> (f64, f64) {
    match form {
        "zset skiplist" => (SKIPLISTS, SKIPLIST),
        _ => (0.0, 0.0),
    }
}

fn thousandths((estimated, told): (u64, u64)) -> f64 {
    (estimated as f64 - told as f64) * 1000.0 / told as f64
}

#[test]
fn estimates_are_near_what_redis_7_0_says() -> Outcome {
    for (build, binary) in available(&[Build::Redis70])? {
        let mut peer = Launch::build(build, binary).start()?;
        let mut random = fastrand::Rng::with_seed(20);
        for command in commands(&mut random, 250) {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            peer.ask(&words)?;
        }
        // Saves, and loads what was saved.
        peer.ask(&["DEBUG", "RELOAD"])?;
        let estimates = estimate(&peer.dir().join("dump.rdb"))?;
        compare(&mut peer, &estimates)?;
    }
    Ok(())
}

fn estimate(path: &Path) -> Result<Estimates, Box<dyn std::error::Error>> {
    let mut estimates = Estimates::default();
    let filter = Filter::default();
    let mut source = Source::new(&filter, &mut estimates);
    let (mut blocks, len) = inspect::open(&Os, path, |_| {})?;
    source.read(path, len, &mut blocks)?;
    Ok(estimates)
}

fn compare(peer: &mut Peer, estimates: &Estimates) -> Outcome {
    let mut problems = Vec::new();
    let mut forms = BTreeMap::<&str, (u64, u64, f64)>::new();
    for (name, (form, estimated)) in &estimates.0 {
        let told = ask(peer, name)?;
        let off = thousandths((*estimated, told)).abs();
        let row = forms.entry(form).or_default();
        *row = (row.0 + estimated, row.1 + told, row.2.max(off));
        if off > bounds(form).1 {
            problems.push(format!("{}: {estimated}, not {told}", name.escape_ascii()));
        }
    }
    for (form, (estimated, told, worst)) in forms {
        let off = thousandths((estimated, told));
        println!("{form}: {off:+.2} thousandths off in sum, {worst:.1} at most");
        if off.abs() > bounds(form).0 {
            problems.push(format!("{form}: {estimated}, not {told}"));
        }
    }
    conclude("estimates of keys", estimates.0.len(), &problems)
}
