//! What stands for a placeholder.

use fastrand::Rng;

/// Keys of each family; few, so that commands meet.
const KEYS_PER_FAMILY: usize = 6;
/// How often a command gets a key of any family, one time in so many.
const STRAY: usize = 12;

/// A key's name. `family` is the family whose command wants it.
pub(super) fn key(rng: &mut Rng, family: &str) -> Vec<u8> {
    let families = ["string", "list", "set", "hash", "zset", "stream"];
    let family = match families.contains(&family) && rng.usize(..STRAY) > 0 {
        true => family,
        false => families[rng.usize(..families.len())],
    };
    match rng.usize(..KEYS_PER_FAMILY) {
        0 => [family.as_bytes(), b":\xff \r\n"].concat(),
        number => format!("{family}:{number}").into_bytes(),
    }
}

/// A word of the sort that a placeholder names.
pub(super) fn word(rng: &mut Rng, family: &str, sort: &str) -> Vec<u8> {
    let text = match sort {
        "k" => return key(rng, family),
        // A key of that family, whatever the family of the command.
        "string" | "list" | "set" | "hash" | "zset" | "stream" => return key(rng, sort),
        // A key of another family would be watched all the same if this one could stray.
        "watched" => {
            let family = one(rng, &["set", "hash", "zset"]);
            format!("{family}:{}", rng.usize(..KEYS_PER_FAMILY))
        }
        // A sorted set in which all scores are 0, and which no other command touches.
        "lex" => format!("lex:{}", rng.usize(..2)),
        // A sorted set in which all scores are places.
        "geo" => format!("geo:{}", rng.usize(..2)),
        "v" => return value(rng),
        "f" => format!("f{}", rng.usize(..12)),
        "m" => member(rng),
        "p" => one(rng, &["*", "string:*", "*:1", "[hs]*:?", "f1*", "no such"]),
        "int" => one(
            rng,
            &[
                "0",
                "1",
                "-1",
                "7",
                "-250",
                "9223372036854775807",
                "-9223372036854775808",
                "3.0",
                "x",
            ],
        ),
        "float" => one(
            rng,
            &[
                "0", "1", "-1.5", "0.25", "0.1", "1e3", "3.0e-2", "inf", "nan", "x",
            ],
        ),
        "score" => one(
            rng,
            &[
                "0", "1", "-1", "2.5", "-0.75", "3", "4", "1e6", "inf", "-inf", "x",
            ],
        ),
        "min" | "max" => one(
            rng,
            &[
                "-inf", "+inf", "0", "(1", "1", "2.5", "(3", "-1", "1e6", "x",
            ],
        ),
        "lexmin" | "lexmax" => one(rng, &["-", "+", "[a", "(b", "[m3", "(m5", "[z", "x"]),
        "i" => one(rng, &["0", "1", "-1", "2", "-2", "5", "-5", "100", "-100"]),
        "n" => one(rng, &["0", "1", "2", "3", "10", "-1", "-2", "x"]),
        "bit" => one(rng, &["0", "1"]),
        "offset" => one(rng, &["0", "1", "7", "8", "63", "100", "-1"]),
        "at" => (4_102_444_800u64 + rng.u64(..1000)).to_string(),
        "atms" => (4_102_444_800_000u64 + rng.u64(..1000)).to_string(),
        "db" => one(rng, &["0", "1", "2", "99", "x"]),
        "id" => format!("{}-{}", rng.usize(..40), rng.usize(..3)),
        "idrange" => stream_bound(rng),
        // What no consumer of the group was given yet.
        "new" => ">".to_owned(),
        "group" => format!("g{}", rng.usize(..3)),
        "consumer" => format!("c{}", rng.usize(..3)),
        "lon" => one(
            rng,
            &["13.361389", "15.087269", "-122.4", "0", "179.9", "181"],
        ),
        "lat" => one(rng, &["38.115556", "37.502669", "37.8", "0", "85", "-86"]),
        other => panic!("no word of sort {other}"),
    };
    text.into_bytes()
}

fn one(rng: &mut Rng, words: &[&str]) -> String {
    words[rng.usize(..words.len())].to_owned()
}

/// A value of a string, an element or a field: integers, short, empty, binary and long ones.
fn value(rng: &mut Rng) -> Vec<u8> {
    match rng.usize(..10) {
        0..=3 => rng.i32(-20..200).to_string().into_bytes(),
        4..=6 => one(rng, &["a", "b", "hello", "hello world", "mynewtext", "3.5"]).into_bytes(),
        7 => Vec::new(),
        8 => vec![1, 0, 0xff, b'\r', b'\n', b'"'],
        _ => vec![b'x'; rng.usize(60..200)],
    }
}

/// A member of a set or sorted set: integers in one half, names in the other.
fn member(rng: &mut Rng) -> String {
    match rng.bool() {
        true => rng.usize(..20).to_string(),
        false => format!("m{}", rng.usize(..12)),
    }
}

fn stream_bound(rng: &mut Rng) -> String {
    match rng.usize(..6) {
        0 => "-".to_owned(),
        1 => "+".to_owned(),
        2 => format!("({}", rng.usize(..40)),
        3 => format!("{}", rng.usize(..40)),
        _ => format!("{}-{}", rng.usize(..40), rng.usize(..3)),
    }
}
