//! Whether two replies to the same command say the same.

use kvdump::Reply;

/// Commands whose elements come in no particular order.
const UNORDERED: [&str; 15] = [
    "KEYS",
    "SMEMBERS",
    "SUNION",
    "SINTER",
    "SDIFF",
    "SPOP",
    "SRANDMEMBER",
    "HKEYS",
    "HVALS",
    "SSCAN",
    // Sorted by distance, but ours is not bound to order those at one place as another does.
    "GEOSEARCH",
    "GEORADIUS",
    "GEORADIUS_RO",
    "GEORADIUSBYMEMBER",
    "GEORADIUSBYMEMBER_RO",
];
/// Commands whose elements are pairs in no particular order.
const UNORDERED_PAIRS: [&str; 2] = ["HGETALL", "HSCAN"];
/// Answers that depend on the clock, and how much they may differ, in the command's unit.
const CLOCKED: [(&str, u64); 4] = [
    ("TTL", 2),
    ("PTTL", 2000),
    ("EXPIRETIME", 1),
    ("PEXPIRETIME", 50),
];
/// Words of OBJECT ENCODING between which 7.2 chooses otherwise than 7.0, or we do: what reads as
/// an integer is held as one, however it came to be.
const KINDRED: [&[&str]; 4] = [
    &["embstr", "raw", "int"],
    &["quicklist", "listpack"],
    &["hashtable", "listpack", "intset"],
    // SORT makes a skiplist of the sorted set that it reads.
    &["skiplist", "listpack"],
];

/// Whether `theirs` and `ours` are the same answer to `command` (its words, the name first).
pub fn same(command: &[Vec<u8>], theirs: &Reply, ours: &Reply) -> bool {
    let name = word(command, 0);
    if let Some((_, most)) = CLOCKED.iter().find(|(clocked, _)| *clocked == name)
        && let (Reply::Int(a), Reply::Int(b)) = (theirs, ours)
    {
        return a == b || (*a > 0 && *b > 0 && a.abs_diff(*b) <= *most);
    }
    if name == "OBJECT" && word(command, 1) == "ENCODING" && kindred(theirs, ours) {
        return true;
    }
    normal(command, theirs) == normal(command, ours)
}

fn word(command: &[Vec<u8>], at: usize) -> String {
    command
        .get(at)
        .map(|word| String::from_utf8_lossy(word).to_uppercase())
        .unwrap_or_default()
}

fn kindred(theirs: &Reply, ours: &Reply) -> bool {
    let text = |reply: &Reply| reply.clone().into_text().unwrap_or_default();
    let (theirs, ours) = (text(theirs), text(ours));
    KINDRED
        .iter()
        .any(|words| words.contains(&theirs.as_str()) && words.contains(&ours.as_str()))
}

/// The reply with all that a server is free to choose chosen in one way.
///
/// Since 7.2 a consumer that asks for entries is there even if it got none, so how many there are
/// is left out, and whether one was new; and 7.0 may count a lag below nothing.
fn normal(command: &[Vec<u8>], reply: &Reply) -> Reply {
    let name = word(command, 0);
    match reply {
        Reply::Array(items) if UNORDERED.contains(&name.as_str()) => sorted(items, 1),
        Reply::Array(items) | Reply::Map(items) if UNORDERED_PAIRS.contains(&name.as_str()) => {
            sorted(items, 2)
        }
        // Cursors are a server's own.
        Reply::Array(items) if name == "SCAN" => match items.last() {
            Some(Reply::Array(keys)) => sorted(keys, 1),
            _ => sorted(items, 1),
        },
        Reply::Array(items) if matches!(name.as_str(), "HRANDFIELD" | "ZRANDMEMBER" | "ZSCAN") => {
            let scores = name == "ZSCAN" && word(command, 5) != "NOSCORES";
            let flat = !matches!(items.first(), Some(Reply::Array(_))) || name == "ZSCAN";
            let pairs = flat && (scores || word(command, 3).starts_with("WITH"));
            sorted(items, if pairs { 2 } else { 1 })
        }
        Reply::Array(items) if name == "XINFO" && word(command, 1) == "GROUPS" => {
            let less = |group| without(&without(group, "consumers"), "lag");
            Reply::Array(items.iter().map(less).collect())
        }
        Reply::Array(_) | Reply::Map(_) if name == "XINFO" => without(reply, "radix-tree-nodes"),
        // The number of the connection, and the server's name and version.
        Reply::Array(_) | Reply::Map(_) if name == "HELLO" => Reply::Nil,
        Reply::Int(_) if name == "XGROUP" && word(command, 1) == "CREATECONSUMER" => Reply::Nil,
        Reply::Array(_) | Reply::Map(_) if name == "LCS" => unordered(reply),
        Reply::Error(text) => Reply::Error(plain(text)),
        Reply::Simple(text) => Reply::Bulk(text.clone().into_bytes()),
        other => other.clone(),
    }
}

/// The elements sorted in groups of `size`; arrays inside (the keys of a scan) likewise.
fn sorted(items: &[Reply], size: usize) -> Reply {
    if let [cursor @ Reply::Bulk(_), Reply::Array(inside)] = items {
        return Reply::Array(vec![cursor.clone(), sorted(inside, size)]);
    }
    let mut groups: Vec<&[Reply]> = items.chunks(size).collect();
    groups.sort_by_cached_key(|group| format!("{group:?}"));
    Reply::Array(groups.concat())
}

/// An error's text without the place in a script, which Valkey tells in another way, as its name,
/// and without ends of lines, which the wire cannot carry.
fn plain(text: &str) -> String {
    let text = text.split(" script: ").next().unwrap_or_default();
    let text = text.replace(['\r', '\n'], " ");
    text.replace("Valkey command", "Redis command")
}

/// The pairs of a map in one order: a script's table has none.
fn unordered(map: &Reply) -> Reply {
    match map {
        Reply::Array(items) | Reply::Map(items) if items.len() == 4 => sorted(items, 2),
        other => other.clone(),
    }
}

/// A flat map without the field `name`.
fn without(map: &Reply, name: &str) -> Reply {
    let (Reply::Array(items) | Reply::Map(items)) = map else {
        return map.clone();
    };
    let is_it = |pair: &&[Reply]| pair.first() != Some(&Reply::Bulk(name.as_bytes().to_vec()));
    Reply::Array(items.chunks(2).filter(is_it).flatten().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulks(words: &[&str]) -> Reply {
        Reply::Array(
            words
                .iter()
                .map(|word| Reply::Bulk(word.as_bytes().to_vec()))
                .collect(),
        )
    }

    fn command(line: &str) -> Vec<Vec<u8>> {
        line.split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect()
    }

    #[test]
    fn order_counts_where_it_means_something() {
        assert!(same(
            &command("SMEMBERS s"),
            &bulks(&["a", "b"]),
            &bulks(&["b", "a"])
        ));
        assert!(!same(
            &command("LRANGE l 0 -1"),
            &bulks(&["a", "b"]),
            &bulks(&["b", "a"])
        ));
        let (one, other) = (bulks(&["f", "1", "g", "2"]), bulks(&["g", "2", "f", "1"]));
        assert!(same(&command("HGETALL h"), &one, &other));
        assert!(!same(
            &command("HGETALL h"),
            &one,
            &bulks(&["g", "1", "f", "2"])
        ));
    }

    #[test]
    fn clocks_may_differ_a_little() {
        assert!(same(&command("TTL k"), &Reply::Int(100), &Reply::Int(99)));
        assert!(!same(&command("TTL k"), &Reply::Int(-1), &Reply::Int(-2)));
        assert!(!same(
            &command("STRLEN k"),
            &Reply::Int(100),
            &Reply::Int(99)
        ));
    }
}
