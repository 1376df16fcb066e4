//! Random commands, to a real server over TCP and to our engine in this process: every reply is the
//! same, and so is the digest every so often and at the end. Redis 7.0.15 is given all that it knows,
//! later servers what they added.
//!
//! `SEED` and `COMMANDS` choose another run; both are printed.

use std::collections::BTreeSet;

use interop::{
    Build, Launch, Ours, Outcome, Peer, available,
    random::{Command, Generator, same},
};
use kvdump::{Call, Reply};

/// Commands between two comparisons of the digests.
const DIGEST_EVERY: usize = 250;
/// One time in so many, a value goes to and fro as a DUMP payload.
const DUMP_EVERY: usize = 40;
/// Differences that are shown, each of another command.
const SHOWN_MAX: usize = 40;

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn redis_7_replies_the_same() -> Outcome {
    compare_with(Build::Redis70, 50_000)
}

#[test]
fn redis_8_replies_the_same() -> Outcome {
    compare_with(Build::Redis82, 20_000)
}

#[test]
fn valkey_9_replies_the_same() -> Outcome {
    compare_with(Build::Valkey91, 20_000)
}

fn compare_with(build: Build, commands: u64) -> Outcome {
    let Some((build, binary)) = available(&[build])?.pop() else {
        return Ok(());
    };
    let (seed, commands) = (
        from_environment("SEED", 20_240_715),
        from_environment("COMMANDS", commands),
    );
    let mut pair = Pair {
        theirs: Launch::build(build, binary).start()?,
        ours: Ours::in_memory_like(build),
        history: Vec::new(),
        queued: Vec::new(),
        in_transaction: false,
        differing: BTreeSet::new(),
        problems: Vec::new(),
    };
    let mut generator = Generator::new(seed, build, |name| pair.both_know(name));
    println!(
        "SEED={seed} COMMANDS={commands}, {} templates",
        generator.templates()
    );
    for number in 1..=commands as usize {
        let command = generator.command();
        pair.run(&command)?;
        if generator.below(DUMP_EVERY) == 0 {
            let (from, to) = (generator.key(), generator.key());
            pair.exchange(&from, &to)?;
        }
        if number % DIGEST_EVERY == 0 || number == commands as usize {
            pair.compare_digests(build)?;
        }
        if pair.problems.len() >= SHOWN_MAX
            || pair
                .problems
                .last()
                .is_some_and(|last| last.starts_with("digest"))
        {
            break;
        }
    }
    interop::conclude(
        &format!("random commands of {} (seed {seed})", build.name()),
        pair.history.len(),
        &pair.problems,
    )
}

/// A server and our engine that get the same commands.
struct Pair {
    theirs: Peer,
    ours: Ours,
    history: Vec<Command>,
    /// Commands of the open transaction.
    queued: Vec<Command>,
    in_transaction: bool,
    differing: BTreeSet<String>,
    problems: Vec<String>,
}

impl Pair {
    /// Whether both have the command of that name. What neither has is a fine command, too.
    fn both_know(&mut self, name: &str) -> bool {
        let known = |reply: Result<Reply, kvdump::Error>| match reply {
            Ok(Reply::Array(items)) => {
                matches!(items.first(), Some(Reply::Array(row)) if !row.is_empty())
            }
            _ => false,
        };
        let argv: [&[u8]; 3] = [b"COMMAND", b"INFO", name.as_bytes()];
        let (theirs, ours) = (known(self.theirs.call(&argv)), known(self.ours.call(&argv)));
        if theirs && !ours {
            println!("not tried, since we do not have it: {name}");
        }
        theirs == ours
    }

    fn run(&mut self, command: &Command) -> Outcome {
        let argv: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        let (theirs, ours) = (self.theirs.call(&argv)?, self.ours.call(&argv)?);
        self.history.push(command.clone());
        match &theirs {
            Reply::Simple(text) if text == "QUEUED" => self.queued.push(command.clone()),
            _ if is(command, "EXEC") || is(command, "DISCARD") => {
                let queued = std::mem::take(&mut self.queued);
                self.in_transaction = false;
                return self.compare_transaction(command, &queued, theirs, ours);
            }
            _ => self.in_transaction |= is(command, "MULTI"),
        }
        self.compare(command, &theirs, &ours);
        Ok(())
    }

    fn compare(&mut self, command: &Command, theirs: &Reply, ours: &Reply) {
        if !same(command, theirs, ours) {
            self.note(command, &show(theirs), &show(ours));
        }
    }

    /// Compares what EXEC returned, reply by reply.
    fn compare_transaction(
        &mut self,
        command: &Command,
        queued: &[Command],
        theirs: Reply,
        ours: Reply,
    ) -> Outcome {
        match (theirs, ours) {
            (Reply::Array(theirs), Reply::Array(ours))
                if theirs.len() == ours.len() && theirs.len() == queued.len() =>
            {
                for (command, (theirs, ours)) in queued.iter().zip(theirs.iter().zip(&ours)) {
                    self.compare(command, theirs, ours);
                }
            }
            (theirs, ours) => self.compare(command, &theirs, &ours),
        }
        Ok(())
    }

    /// Gives the value at `from`, as either of us dumps it, to both of us at `to`.
    fn exchange(&mut self, from: &[u8], to: &[u8]) -> Outcome {
        if self.in_transaction {
            return Ok(());
        }
        let dumps = [
            self.theirs.call(&[b"DUMP", from])?,
            self.ours.call(&[b"DUMP", from])?,
        ];
        for payload in dumps {
            if let Reply::Bulk(payload) = payload {
                self.run(
                    &[b"RESTORE".as_slice(), to, b"0", &payload, b"REPLACE"]
                        .map(<[u8]>::to_vec)
                        .to_vec(),
                )?;
            }
        }
        Ok(())
    }

    fn compare_digests(&mut self, build: Build) -> Outcome {
        // A transaction may be open, and would queue the question.
        self.run(&vec![b"DISCARD".to_vec()])?;
        let theirs = self.theirs.digest()?;
        if theirs != self.ours.digest_as(build) {
            let keys = self.differing_keys()?;
            self.problems.push(format!(
                "digest differs after {} commands\n{keys}",
                self.history.len()
            ));
        }
        Ok(())
    }

    /// The keys of every database whose own digests differ, and what last touched them.
    fn differing_keys(&mut self) -> Result<String, Box<dyn std::error::Error>> {
        let (theirs, ours) = (self.theirs.kvdump()?, self.ours.kvdump()?);
        let differences = kvdump::compare(&theirs, &ours, &kvdump::Options::ACROSS_SERVERS);
        let mut text = String::new();
        for difference in differences.iter().take(5) {
            text += &format!(
                "  {difference}\n{}",
                self.touching(difference.key.trim_matches('"').as_bytes())
            );
        }
        Ok(text)
    }

    /// The last commands, a line each.
    fn latest(&self) -> String {
        let from = self.history.len().saturating_sub(40);
        self.history[from..]
            .iter()
            .map(|command| format!("    {}\n", line(command)))
            .collect()
    }

    /// The last commands that name a key, a line each.
    fn touching(&self, key: &[u8]) -> String {
        let naming = |command: &&Command| command.iter().skip(1).any(|word| word == key);
        let lines: Vec<String> = self.history.iter().filter(naming).map(line).collect();
        lines[lines.len().saturating_sub(12)..]
            .iter()
            .map(|line| format!("    {line}\n"))
            .collect()
    }

    /// Keeps a difference, if none like it is kept.
    fn note(&mut self, command: &Command, theirs: &str, ours: &str) {
        let name = String::from_utf8_lossy(&command[0]).into_owned();
        if !self.differing.insert(format!("{name} {:.5}", theirs)) {
            return;
        }
        let key = command.iter().skip(1).find(|word| word.contains(&b':'));
        let before = key.map_or_else(|| self.latest(), |key| self.touching(key));
        let number = self.history.len();
        self.problems.push(format!(
            "{number} {}\n  theirs {theirs:.400}\n  ours   {ours:.400}\n{before}",
            line(command)
        ));
    }
}

/// A reply on one line.
fn show(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        Reply::Array(items) | Reply::Map(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" "))
        }
        Reply::Nil => "nil".to_owned(),
        Reply::Int(n) => n.to_string(),
        other => format!("{other:?}"),
    }
}

fn is(command: &Command, name: &str) -> bool {
    command
        .first()
        .is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
}

fn line(command: &Command) -> String {
    let words: Vec<String> = command
        .iter()
        .map(|word| format!("\"{:.60}\"", word.escape_ascii().to_string()))
        .collect();
    words.join(" ")
}
