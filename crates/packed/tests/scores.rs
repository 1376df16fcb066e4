//! The text of every sorted set score that a real server printed into the corpus, against ours.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use packed::number;

/// Scores of one server: the double's bits and the text, as printed.
type Scores = BTreeMap<u64, String>;

fn scores_of(server: &str) -> Scores {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/corpus/rdb")
        .join(server);
    let mut scores = Scores::new();
    for entry in fs::read_dir(&folder).expect("the corpus is there") {
        let path = entry.expect("a readable folder").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            gather(
                &fs::read_to_string(path).expect("a readable sidecar"),
                &mut scores,
            );
        }
    }
    scores
}

/// Finds each `{"bits":"..","text":".."}`; sidecars print no other object with these names.
fn gather(sidecar: &str, scores: &mut Scores) {
    for piece in sidecar.split("{\"bits\":\"").skip(1) {
        let (bits, rest) = piece.split_once('"').expect("bits end");
        let (_, rest) = rest.split_once("\"text\":\"").expect("text follows bits");
        let (text, _) = rest.split_once('"').expect("text ends");
        scores.insert(
            u64::from_str_radix(bits, 16).expect("hex digits"),
            text.to_owned(),
        );
    }
}

fn mismatches(scores: &Scores, print: fn(f64, &mut Vec<u8>)) -> Vec<(String, String)> {
    let ours = |bits: u64| {
        let mut text = Vec::new();
        print(f64::from_bits(bits), &mut text);
        String::from_utf8(text).expect("numbers are ASCII")
    };
    let pairs = scores
        .iter()
        .map(|(bits, text)| (ours(*bits), text.clone()));
    pairs.filter(|(ours, theirs)| ours != theirs).collect()
}

#[test]
fn shortest_is_what_new_servers_print() {
    for (server, count) in [("redis-8.2.3", 297), ("valkey-9.1.2", 298)] {
        let scores = scores_of(server);
        assert_eq!(scores.len(), count, "{server}");
        assert_eq!(
            mismatches(&scores, number::write_f64_shortest),
            [],
            "{server}"
        );
    }
}

#[test]
fn seventeen_digits_are_what_old_servers_print() {
    for (server, count) in [("redis-6.2.14", 298), ("redis-7.0.15", 297)] {
        let scores = scores_of(server);
        assert_eq!(scores.len(), count, "{server}");
        assert_eq!(mismatches(&scores, number::write_f64_17g), [], "{server}");
    }
}

#[test]
fn every_printed_score_reads_back() {
    for server in [
        "redis-6.2.14",
        "redis-7.0.15",
        "redis-8.2.3",
        "valkey-9.1.2",
    ] {
        for (bits, text) in scores_of(server) {
            assert_eq!(
                number::parse_f64(text.as_bytes()).map(f64::to_bits),
                Some(bits),
                "{text}"
            );
        }
    }
}
