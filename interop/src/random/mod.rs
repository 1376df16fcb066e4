//! Random commands that two servers must answer alike, from a seed.
//!
//! [`Generator`] fills templates: lines in which `{..}` stands for something of that sort, and
//! `<a|b c|>` for one of the alternatives. [`same`] compares two replies, less what a server is
//! free to choose.
//!
//! [`Scripts`] spreads commands over connections; [`Duel`] carries such a sequence out on a real
//! server and on ours, over sockets, and [`shrink`] makes it short when they differ.

mod agree;
mod allowed;
mod duel;
mod script;
mod server_templates;
mod shrink;
mod side;
mod templates;
mod wire;
mod words;

pub use agree::same;
pub use allowed::{Allowed, Verdict};
pub use duel::{Difference, Duel, Ran};
pub use script::{Action, Scripts, Step};
pub use shrink::shrink;

use crate::Build;
use fastrand::Rng;
use templates::families;
use words::word;

/// One command, a word each.
pub type Command = Vec<Vec<u8>>;

/// Makes commands; the same seed and the same `knows` make the same ones.
#[derive(Debug)]
pub struct Generator {
    rng: Rng,
    /// Families in the order of [`families`], each with the templates that both sides know.
    families: Vec<(&'static str, Vec<&'static str>)>,
}

impl Generator {
    /// Only templates that are tried on `build`, of commands that `knows` says both sides have.
    pub fn new(seed: u64, build: Build, knows: impl FnMut(&str) -> bool) -> Generator {
        Generator::of(seed, families(build), knows)
    }

    /// Likewise of all templates, those that take a server included.
    pub(super) fn of_all(seed: u64, build: Build, knows: impl FnMut(&str) -> bool) -> Generator {
        Generator::of(seed, &server_templates::families(build), knows)
    }

    fn of(
        seed: u64,
        families: &[(&'static str, &'static str)],
        mut knows: impl FnMut(&str) -> bool,
    ) -> Generator {
        let mut known_families = Vec::new();
        for (family, lines) in families {
            let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
            let known: Vec<&str> = lines.filter(|line| knows(first_word(line))).collect();
            if !known.is_empty() {
                known_families.push((*family, known));
            }
        }
        Generator {
            rng: Rng::with_seed(seed),
            families: known_families,
        }
    }

    /// Starts anew from a seed.
    pub(super) fn reseed(&mut self, seed: u64) {
        self.rng = Rng::with_seed(seed);
    }

    /// How many templates there are.
    pub fn templates(&self) -> usize {
        self.families.iter().map(|(_, lines)| lines.len()).sum()
    }

    /// The next command.
    pub fn command(&mut self) -> Command {
        let family = self.rng.usize(..self.families.len());
        let (family, lines) = &self.families[family];
        let line = lines[self.rng.usize(..lines.len())];
        let line = choose(&mut self.rng, line);
        fill(&mut self.rng, family, &line)
    }

    /// A number below `end`, from the same seed.
    pub fn below(&mut self, end: usize) -> usize {
        self.rng.usize(..end)
    }

    /// The name of some key.
    pub fn key(&mut self) -> Vec<u8> {
        let family = self.families[self.rng.usize(..self.families.len())].0;
        words::key(&mut self.rng, family)
    }
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or(line)
}

/// Takes one alternative of each `<a|b>`.
fn choose(rng: &mut Rng, line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('<') {
        let (inside, after) = after
            .split_once('>')
            .expect("a template closes what it opens");
        let alternatives: Vec<&str> = inside.split('|').collect();
        out.push_str(before);
        out.push_str(alternatives[rng.usize(..alternatives.len())]);
        rest = after;
    }
    out + rest
}

/// Replaces every placeholder; `{x+}` by one to four, `{x y+}` by as many pairs.
fn fill(rng: &mut Rng, family: &str, line: &str) -> Command {
    let mut command = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('{') {
            let (sorts, after) = inside
                .split_once('}')
                .expect("a template closes what it opens");
            let times = if sorts.ends_with('+') {
                rng.usize(1..5)
            } else {
                1
            };
            for _ in 0..times {
                let sorts = sorts.trim_end_matches('+').split(' ');
                command.extend(sorts.map(|sort| word(rng, family, sort)));
            }
            rest = after.trim_start();
        } else {
            let (literal, after) = rest.split_once(' ').unwrap_or((rest, ""));
            command.push(literal.as_bytes().to_vec());
            rest = after.trim_start();
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_commands() {
        for build in Build::ALL {
            let new = || Generator::new(7, build, |_| true);
            let (mut a, mut b) = (new(), new());
            for _ in 0..1000 {
                let command = a.command();
                assert!(!command.is_empty());
                assert_eq!(command, b.command());
            }
        }
    }

    #[test]
    fn unknown_commands_are_left_out() {
        let mut only = Generator::new(1, Build::Redis70, |name| name == "GET");
        assert!((0..50).all(|_| only.command()[0] == b"GET"));
    }
}
