//! Bytes as a conversation with an engine: lines of words, so that mutations keep their shape.

use duramen::{Engine, Reply, Session};

/// Words that lead deep into commands; a byte from 0x80 on stands for one of them.
const WORDS: &[&str] = &[
    "k",
    "l",
    "s",
    "h",
    "z",
    "x",
    "g",
    "c",
    "0",
    "1",
    "-1",
    "2",
    "9223372036854775807",
    "-9223372036854775808",
    "4294967296",
    "inf",
    "-inf",
    "nan",
    "1e308",
    "0-1",
    "5-*",
    "*",
    "$",
    ">",
    "-",
    "+",
    "(1",
    "[a",
    "WITHSCORES",
    "LIMIT",
    "COUNT",
    "BLOCK",
    "STREAMS",
    "GROUP",
    "NX",
    "XX",
    "GT",
    "LT",
    "CH",
    "INCR",
    "GET",
    "SET",
    "INCRBY",
    "OVERFLOW",
    "SAT",
    "FAIL",
    "WRAP",
    "u8",
    "i64",
    "u63",
    "#1",
    "BYSCORE",
    "BYLEX",
    "REV",
    "STORE",
    "BY",
    "ASC",
    "ALPHA",
    "MAXLEN",
    "MINID",
    "~",
    "=",
    "MATCH",
    "TYPE",
    "WEIGHTS",
    "AGGREGATE",
    "SUM",
    "FIELDS",
    "EX",
    "PX",
    "KEEPTTL",
    "PERSIST",
    "LEFT",
    "RIGHT",
    "BEFORE",
    "AFTER",
    "RANK",
    "IDX",
    "WITHMATCHLEN",
    "BIT",
    "BYTE",
    "FROMLONLAT",
    "BYRADIUS",
    "km",
    "WITHDIST",
    "KEYS",
    "ABSTTL",
    "REPLACE",
    "CREATE",
    "MKSTREAM",
    "JUSTID",
    "FORCE",
    "IDLE",
];
/// Commands that wait, end, or take their time by design.
const LEFT_OUT: &[&str] = &["shutdown", "debug", "monitor", "wait", "waitaof"];
/// Lines of a conversation; more teach nothing new.
const LINES_MAX: usize = 64;

/// A session that knows all commands by their number.
pub struct Talk {
    session: Session,
    names: Vec<String>,
}

impl Default for Talk {
    fn default() -> Talk {
        Talk::new()
    }
}

impl Talk {
    /// Of a new engine in memory.
    pub fn new() -> Talk {
        let mut session = Engine::open_in_memory().session();
        let list = session.execute(&["COMMAND", "LIST", "FILTERBY", "ACLCAT", "blocking"]);
        let waiting = texts(&list);
        let list = session.execute(&["COMMAND", "LIST"]);
        let mut names = texts(&list);
        names.retain(|name| !waiting.contains(name) && !LEFT_OUT.contains(&name.as_str()));
        names.sort_unstable();
        Talk { session, names }
    }

    /// Carries out one command.
    pub fn say(&mut self, words: &[&[u8]]) -> Reply {
        self.session.execute(words)
    }

    /// Carries out each line: a byte for the command, then words between blanks.
    pub fn say_all(&mut self, bytes: &[u8]) {
        for line in bytes.split(|byte| *byte == b'\n').take(LINES_MAX) {
            let Some((number, rest)) = line.split_first() else {
                continue;
            };
            let name = self.names[usize::from(*number) % self.names.len()].clone();
            let words = rest.split(|byte| *byte == b' ').map(word);
            let argv: Vec<&[u8]> = std::iter::once(name.as_bytes()).chain(words).collect();
            self.session.execute(&argv);
        }
    }
}

/// One of [`WORDS`] for a single byte from 0x80 on, else the bytes as they are.
pub fn word(bytes: &[u8]) -> &[u8] {
    match bytes {
        [byte @ 0x80..=0xff] => WORDS[usize::from(byte - 0x80) % WORDS.len()].as_bytes(),
        bytes => bytes,
    }
}

fn texts(list: &Reply) -> Vec<String> {
    let items = list.as_items().unwrap_or_default().iter();
    let bytes = items.filter_map(Reply::as_bytes);
    bytes
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .collect()
}
