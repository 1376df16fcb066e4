//! A second keyspace that is told only effects, as a replica or a replayed log is.

use super::line::{quoted, word};
use super::{Fixture, bulks, transcript};

/// Runs `testdata/transcripts/<family>.txt`, repeats in another keyspace what each command says
/// others have to repeat, and compares the two.
pub(crate) fn check_effects(family: &str) {
    let mut original = Fixture::new();
    let mut twin = Fixture::new();
    twin.settings.replaying = true;
    let text = transcript::read(family);
    for line in text.lines() {
        if let Some(order) = line.strip_prefix("! ") {
            transcript::obey(&mut original, &mut false, order);
        } else if let Some(command) = line.strip_prefix("> ") {
            original.run(command);
            repeat(&original, &mut twin);
        }
    }
    compare(&mut original, &mut twin, family);
}

/// Runs in the twin what the last command of the original has others repeat.
pub(super) fn repeat(original: &Fixture, twin: &mut Fixture) {
    for effect in original.effects().lines() {
        let reply = twin.run(effect);
        assert!(!reply.starts_with("(error)"), "{effect}: {reply}");
    }
}

/// Both must hold the same.
pub(super) fn compare(original: &mut Fixture, twin: &mut Fixture, what: &str) {
    twin.now = original.now;
    assert_eq!(contents(twin), contents(original), "{what}");
}

/// Every key with all that is in it.
fn contents(fixture: &mut Fixture) -> Vec<String> {
    fixture.protocol = crate::Protocol::Resp2;
    fixture.settings.replaying = false;
    let mut keys = bulks(&fixture.run("keys *"));
    keys.sort();
    keys.iter().map(|key| of_key(fixture, key)).collect()
}

fn of_key(fixture: &mut Fixture, key: &str) -> String {
    let key = word(key.as_bytes());
    let ty = fixture.run(&format!("type {key}"));
    let content = match ty.as_str() {
        "string" => fixture.run(&format!("get {key}")),
        "list" => fixture.run(&format!("lrange {key} 0 -1")),
        "set" => sorted(&fixture.run(&format!("smembers {key}"))),
        "zset" => fixture.run(&format!("zrange {key} 0 -1 withscores")),
        "hash" => fields(fixture, &key),
        _ => without_visits(&fixture.run(&format!("xinfo stream {key} full count 0"))),
    };
    let deadline = fixture.run(&format!("pexpiretime {key}"));
    format!("{key} {ty} until {deadline}\n{content}")
}

fn sorted(reply: &str) -> String {
    let mut members = bulks(reply);
    members.sort();
    members.join(" ")
}

/// Fields with values and deadlines, sorted.
fn fields(fixture: &mut Fixture, key: &str) -> String {
    let mut fields = bulks(&fixture.run(&format!("hkeys {key}")));
    fields.sort();
    let of_field = |field: &String| {
        let field = quoted(field.as_bytes());
        let value = fixture.run(&format!("hget {key} {field}"));
        let deadline = fixture.run(&format!("hpexpiretime {key} FIELDS 1 {field}"));
        format!("{field} {value} {deadline}")
    };
    fields.iter().map(of_field).collect::<Vec<_>>().join("\n")
}

/// When consumers were heard of is not repeated elsewhere, nor that they were shown once more what
/// they have pending.
fn without_visits(info: &str) -> String {
    let mut lines = info.lines();
    let mut kept = Vec::new();
    while let Some(line) = lines.next() {
        if line.contains("seen-time") || line.contains("active-time") {
            lines.next();
        } else {
            kept.push(line);
        }
    }
    kept.join("\n")
}
