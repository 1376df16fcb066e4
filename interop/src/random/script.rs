//! Sequences of commands over several connections, from a seed.

use std::fmt;

use fastrand::Rng;

use super::{Command, Generator};
use crate::Build;

/// Connections of a sequence. The odd ones speak RESP3; the first never waits.
pub(super) const CONNECTIONS: usize = 4;
/// The library that every sequence starts with.
pub(super) const LIBRARY: &str = "#!lua name=random
redis.register_function('run', function(keys, args) return redis.call(unpack(args)) end)
redis.register_function{function_name='look', flags={'no-writes'},
  callback=function(keys, args) return redis.pcall(unpack(args)) end}";
/// What runs a command from within; the command stands behind these words.
const WRAPPERS: [&[&str]; 6] = [
    &["EVAL", "return redis.call(unpack(ARGV))", "0"],
    &["EVAL", "return redis.pcall(unpack(ARGV))", "0"],
    &["EVAL_RO", "return redis.call(unpack(ARGV))", "0"],
    &[
        "EVAL",
        "redis.setresp(3) return redis.call(unpack(ARGV))",
        "0",
    ],
    &["FCALL", "run", "0"],
    &["FCALL_RO", "look", "0"],
];
/// Commands that with a word less, or another one, choose by chance.
const BY_CHANCE: [&str; 4] = ["SPOP", "SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER"];
/// Words that fit nowhere.
const HOSTILE: [&[u8]; 16] = [
    b"",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"-0",
    b"00",
    b"+1",
    b" 1",
    b"1 ",
    b"1.0",
    b"0x10",
    b"1e400",
    b"nan",
    b"\0",
    b"\xff\xfe\r\n",
    b"WITHSCORES",
];

/// What one connection does.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which of them.
    pub connection: usize,
    /// What.
    pub action: Action,
}

/// A command, or several that follow from replies.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A command.
    Command(Command),
    /// A scan to its end: the words before the cursor, and those behind.
    Scan(Command, Command),
    /// Both sides' `DUMP` of the first key, restored by both at the second.
    Exchange(Vec<u8>, Vec<u8>),
    /// `CLIENT UNBLOCK` of the connection, with an error or without.
    Unblock(bool),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}> ", self.connection)?;
        match &self.action {
            Action::Command(command) => f.write_str(&line(command)),
            Action::Scan(before, behind) => {
                write!(f, "{} CURSOR {}", line(before), line(behind))
            }
            Action::Exchange(from, to) => {
                write!(f, "DUMP {0}, RESTORE {1}", shown(from), shown(to))
            }
            Action::Unblock(error) => write!(f, "(CLIENT UNBLOCK, error: {error})"),
        }
    }
}

/// A command as it may be typed.
pub(super) fn line(command: &Command) -> String {
    let words: Vec<String> = command.iter().map(|word| shown(word)).collect();
    words.join(" ")
}

fn shown(word: &[u8]) -> String {
    let text = word.escape_ascii().to_string();
    match text.is_empty() || text.contains([' ', '\\']) {
        true => format!("\"{text}\""),
        false => text,
    }
}

/// The command that a wrapper runs, or else the command.
pub(super) fn unwrapped(command: &Command) -> &[Vec<u8>] {
    let wraps = |words: &&&[&str]| {
        command.len() > words.len() && words.iter().zip(command).all(|(a, b)| a.as_bytes() == b)
    };
    match WRAPPERS.iter().find(wraps) {
        Some(words) => &command[words.len()..],
        None => command,
    }
}

/// Whether the command may leave its connection waiting.
pub(super) fn may_wait(command: &[Vec<u8>]) -> bool {
    let name = command[0].to_ascii_uppercase();
    match name.as_slice() {
        b"BLPOP" | b"BRPOP" | b"BLMOVE" | b"BRPOPLPUSH" | b"BLMPOP" | b"BZPOPMIN" | b"BZPOPMAX"
        | b"BZMPOP" => true,
        b"XREAD" | b"XREADGROUP" => command
            .iter()
            .any(|word| word.eq_ignore_ascii_case(b"BLOCK")),
        _ => false,
    }
}

/// Makes sequences.
#[derive(Debug)]
pub struct Scripts {
    build: Build,
    commands: Generator,
    rng: Rng,
    /// Which connections have a transaction open, as far as their commands say.
    open: [bool; CONNECTIONS],
}

impl Scripts {
    /// Of commands that `knows` says both sides have.
    pub fn new(build: Build, knows: impl FnMut(&str) -> bool) -> Scripts {
        Scripts {
            build,
            commands: Generator::of_all(0, build, knows),
            rng: Rng::with_seed(0),
            open: [false; CONNECTIONS],
        }
    }

    /// The sequence of that seed.
    pub fn script(&mut self, seed: u64, length: usize) -> Vec<Step> {
        self.commands.reseed(seed);
        self.rng = Rng::with_seed(!seed);
        self.open = [false; CONNECTIONS];
        (0..length).map(|_| self.step()).collect()
    }

    fn step(&mut self) -> Step {
        let action = match self.rng.usize(..100) {
            0..2 => Action::Exchange(self.commands.key(), self.commands.key()),
            2..4 => self.scan(),
            4..6 => Action::Unblock(self.rng.bool()),
            6..20 => Action::Command(self.wrapped()),
            _ => Action::Command(self.command()),
        };
        let waits = match &action {
            Action::Command(command) => may_wait(command),
            Action::Unblock(_) => true,
            _ => false,
        };
        let connection = self.rng.usize(usize::from(waits)..CONNECTIONS);
        let action = match action {
            Action::Command(command) => Action::Command(self.in_turn(connection, command)),
            other => other,
        };
        Step { connection, action }
    }

    /// The command; or `EXEC` if the two disagree about what it does to an open transaction: on
    /// Valkey `MULTI` and `WATCH` spoil it.
    fn in_turn(&mut self, connection: usize, command: Command) -> Command {
        let open = &mut self.open[connection];
        let begins = command[0] == b"MULTI";
        if *open && self.build == Build::Valkey91 && (begins || command[0] == b"WATCH") {
            *open = false;
            return vec![b"EXEC".to_vec()];
        }
        let ends: [&[u8]; 3] = [b"EXEC", b"DISCARD", b"RESET"];
        *open = (*open || begins) && !ends.contains(&command[0].as_slice());
        command
    }

    /// A command from the templates; now and then with a word too many, too few, or another.
    fn command(&mut self) -> Command {
        let mut command = self.commands.command();
        let by_chance = BY_CHANCE.iter().any(|name| name.as_bytes() == command[0]);
        if by_chance || may_wait(&command) || self.rng.usize(..15) > 0 {
            return command;
        }
        let at = self.rng.usize(..command.len());
        let word = HOSTILE[self.rng.usize(..HOSTILE.len())].to_vec();
        // Valkey reads no hexadecimal numbers any more.
        let word = match self.build == Build::Valkey91 && word == b"0x10" {
            true => b"16".to_vec(),
            false => word,
        };
        match self.rng.usize(..4) {
            0 if command.len() > 1 => drop(command.pop()),
            1 => command.push(word),
            2 if at > 0 => command.insert(at, word),
            _ if at > 0 => command[at] = word,
            _ => {}
        }
        command
    }

    fn wrapped(&mut self) -> Command {
        let words = WRAPPERS[self.rng.usize(..WRAPPERS.len())];
        let words = words.iter().map(|word| word.as_bytes().to_vec());
        words.chain(self.command()).collect()
    }

    fn scan(&mut self) -> Action {
        let words = |line: &str| -> Command {
            let words = line.split(' ').filter(|word| !word.is_empty());
            words.map(|word| word.as_bytes().to_vec()).collect()
        };
        let behind = ["", "COUNT 1", "COUNT 3", "MATCH *1* COUNT 2", "MATCH m*"];
        let behind = behind[self.rng.usize(..behind.len())];
        let before = match self.rng.usize(..4) {
            0 => vec![b"SCAN".to_vec()],
            kind => {
                let name = ["SSCAN", "HSCAN", "ZSCAN"][kind - 1];
                vec![name.as_bytes().to_vec(), self.commands.key()]
            }
        };
        Action::Scan(before, words(behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_sequence() {
        let mut scripts = Scripts::new(Build::Redis70, |_| true);
        let first = scripts.script(5, 300);
        assert_ne!(scripts.script(6, 300), first);
        assert_eq!(scripts.script(5, 300), first);
    }

    #[test]
    fn the_first_connection_never_waits() {
        let mut scripts = Scripts::new(Build::Valkey91, |_| true);
        for step in scripts.script(1, 5000) {
            assert!(step.connection < CONNECTIONS);
            if let Action::Command(command) = &step.action {
                assert!(step.connection > 0 || !may_wait(command), "{step}");
            }
        }
    }

    #[test]
    fn transactions_of_valkey_are_not_begun_twice() {
        let mut scripts = Scripts::new(Build::Valkey91, |_| true);
        let mut open = [false; CONNECTIONS];
        for step in scripts.script(2, 5000) {
            if let Action::Command(command) = &step.action {
                let open = &mut open[step.connection];
                match command[0].as_slice() {
                    b"MULTI" => assert!(!std::mem::replace(open, true)),
                    b"EXEC" | b"DISCARD" | b"RESET" => *open = false,
                    name => assert!(!*open || name != b"WATCH"),
                }
            }
        }
    }

    #[test]
    fn a_wrapper_shows_what_it_runs() {
        let words = |line: &str| -> Command {
            let words = line.split('|');
            words.map(|word| word.as_bytes().to_vec()).collect()
        };
        assert_eq!(
            unwrapped(&words("FCALL|run|0|SMEMBERS|s")),
            words("SMEMBERS|s")
        );
        assert_eq!(
            unwrapped(&words("FCALL|other|0|GET|s"))[0],
            b"FCALL".to_vec()
        );
        assert_eq!(unwrapped(&words("FCALL|run|0"))[0], b"FCALL".to_vec());
    }
}
