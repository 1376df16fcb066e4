//! The table of `docs/effects.md`, row by row.

mod said;

use duramen::storage::{self, Memory};
use duramen::{Engine, ManualClock, UnixMillis};
use said::said;
use std::path::Path;

const TABLE: &str = include_str!("../../../docs/effects.md");
const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const INCR: &str = "/data/appendonlydir/appendonly.aof.1.incr.aof";

fn open(disk: &Memory) -> Engine {
    let settings = [
        ("appendonly", "yes"),
        ("appendfsync", "no"),
        ("aof-batch-checksums", "no"),
    ];
    let builder = Engine::builder("/data").storage(disk.clone());
    let builder = builder.clock(ManualClock::new(NOW)).seed(1);
    let set =
        |builder: duramen::Builder<Memory>, (name, value)| builder.config(name, value).unwrap();
    settings.into_iter().fold(builder, set).open().unwrap()
}

/// The commands of a cell.
fn cell(text: &str) -> Vec<String> {
    let commands = text.trim().trim_matches('`').split(';');
    let commands = commands.map(|command| command.trim().to_owned());
    commands.filter(|command| command != "-").collect()
}

fn rows() -> Vec<[Vec<String>; 3]> {
    let rows = TABLE
        .lines()
        .skip_while(|line| !line.starts_with("| ---"))
        .skip(1);
    let cells = rows.map(|row| {
        row.trim_matches('|')
            .split(" | ")
            .map(cell)
            .collect::<Vec<_>>()
    });
    cells
        .map(|cells| cells.try_into().expect("three columns"))
        .collect()
}

/// The commands in the file from byte `from` on.
fn logged(disk: &Memory, from: usize) -> Vec<String> {
    let bytes = storage::read(disk, Path::new(INCR), 1 << 20).unwrap();
    let text = String::from_utf8(bytes[from..].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let mut commands = Vec::new();
    while let Some(line) = lines.next().filter(|line| !line.is_empty()) {
        let words = (0..line[1..].parse().unwrap()).map(|_| {
            lines.next();
            lines.next().unwrap()
        });
        commands.push(words.collect::<Vec<_>>().join(" "));
    }
    commands
}

#[test]
fn every_row_is_logged_so() {
    let rows = rows();
    assert!(rows.len() > 50);
    let mut wrong = Vec::new();
    for [before, sent, expected] in &rows {
        let disk = Memory::new();
        let engine = open(&disk);
        let mut session = engine.session();
        before.iter().for_each(|line| _ = said(&mut session, line));
        let from = storage::read(&disk, Path::new(INCR), 1 << 20)
            .unwrap()
            .len();
        for line in sent {
            let reply = said(&mut session, line);
            assert!(!reply.starts_with("(error)"), "{line}: {reply}");
        }
        let mut found = logged(&disk, from);
        found.retain(|line| line != "SELECT 0");
        if found != *expected {
            wrong.push(format!(
                "{before:?} {sent:?}: found {found:?}, expected {expected:?}"
            ));
        }
        let digest = engine.digest(false);
        drop((session, engine));
        assert_eq!(open(&disk).digest(false), digest, "{sent:?}, repeated");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
