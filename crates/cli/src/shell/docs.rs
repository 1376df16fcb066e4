//! What the engine says of its commands (`COMMAND DOCS`), as lines of syntax.

use duramen::{Engine, Protocol, Reply};
use std::collections::BTreeMap;

/// A command, or one that a container holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Doc {
    /// Its arguments in the notation of the manual, one top-level argument an item.
    pub(super) syntax: Vec<String>,
    /// What it does, in a line.
    pub(super) summary: String,
    /// Since which version of Redis it is there.
    pub(super) since: String,
}

/// Every command by its name in capitals; those in containers as `OBJECT ENCODING`.
pub(super) type Docs = BTreeMap<String, Doc>;

/// Asks the engine.
pub(super) fn read(engine: &Engine) -> Docs {
    let mut session = engine.session();
    session.set_protocol(Protocol::Resp3);
    let mut docs = Docs::new();
    take_in(&session.execute(&["COMMAND", "DOCS"]), &mut docs);
    docs
}

fn take_in(commands: &Reply, docs: &mut Docs) {
    for (name, facts) in pairs(commands) {
        let name = text(name).to_ascii_uppercase().replace('|', " ");
        let doc = Doc {
            syntax: items(field(facts, "arguments"))
                .flat_map(words_of)
                .collect(),
            summary: text(field(facts, "summary")),
            since: text(field(facts, "since")),
        };
        docs.insert(name, doc);
        take_in(field(facts, "subcommands"), docs);
    }
}

/// An argument as the words that are typed in its place; the last one is in brackets, if there may
/// be more of the same: `key`, `[key ...]`.
fn words_of(argument: &Reply) -> Vec<String> {
    let line = syntax_of(argument);
    match line.split_once(" [") {
        Some((first, _)) if line.ends_with(&format!(" [{first} ...]")) => {
            let more = format!("[{first} ...]");
            let words = first.split_whitespace().map(str::to_owned);
            words.chain([more]).collect()
        }
        _ => vec![line],
    }
}

/// An argument as the manual writes it: `[EX seconds | KEEPTTL]`, `key [key ...]`.
fn syntax_of(argument: &Reply) -> String {
    let flags: Vec<String> = items(field(argument, "flags")).map(text).collect();
    let has = |flag: &str| flags.iter().any(|given| given == flag);
    let mut words = Vec::new();
    let token = text(field(argument, "token"));
    if !token.is_empty() {
        words.push(token);
    }
    let value = value_of(argument);
    if has("multiple") && has("optional") {
        words.push(format!("{value} ..."));
    } else if has("multiple") {
        words.push(format!("{value} [{value} ...]"));
    } else if !value.is_empty() {
        words.push(value);
    }
    let line = words.join(" ");
    if has("optional") {
        format!("[{line}]")
    } else {
        line
    }
}

/// What stands behind an argument's token.
fn value_of(argument: &Reply) -> String {
    let members = || items(field(argument, "arguments")).map(syntax_of);
    match text(field(argument, "type")).as_str() {
        "pure-token" => String::new(),
        "block" => members().collect::<Vec<_>>().join(" "),
        "oneof" => members().collect::<Vec<_>>().join(" | "),
        _ => text(field(argument, "name")),
    }
}

fn pairs(reply: &Reply) -> &[(Reply, Reply)] {
    match reply {
        Reply::Map(pairs) => pairs,
        _ => &[],
    }
}

fn items(reply: &Reply) -> impl Iterator<Item = &Reply> {
    reply.as_items().unwrap_or_default().iter()
}

fn field<'r>(map: &'r Reply, name: &str) -> &'r Reply {
    let found = pairs(map)
        .iter()
        .find(|(key, _)| key.as_bytes() == Some(name.as_bytes()));
    found.map_or(&Reply::Nil, |(_, value)| value)
}

fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(reply.as_bytes().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_s_own_commands_have_syntax() {
        let docs = read(&Engine::open_in_memory());
        assert_eq!(docs["GET"].syntax, ["key"]);
        assert_eq!(docs["DEL"].syntax.join(" "), "key [key ...]");
        assert!(docs["OBJECT ENCODING"].syntax.contains(&"key".to_owned()));
        let set = docs["SET"].syntax.join(" ");
        assert!(
            set.starts_with("key value [NX | XX | IFEQ ifeq-value"),
            "{set}"
        );
        assert!(set.contains("EX seconds"), "{set}");
        assert!(docs.values().all(|doc| !doc.summary.is_empty()));
    }
}
