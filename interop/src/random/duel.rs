//! A real server and ours, over sockets, that are sent the same.

use std::{collections::BTreeSet, io, time::Duration};

use kvdump::Reply;

use super::{
    Action, Allowed, Command, Step, Verdict, agree,
    script::{CONNECTIONS, LIBRARY, line, may_wait, unwrapped},
    side::{Answer, Side},
};
use crate::{Build, Launch};

/// Calls that a scan may take.
const SCAN_CALLS_MAX: usize = 2000;

/// What a sequence showed.
#[derive(Debug, Default)]
pub struct Ran {
    /// Commands that each side was sent.
    pub commands: u64,
    /// Differences that the list explains.
    pub explained: u64,
    /// What it does not.
    pub difference: Option<Difference>,
}

/// Two replies that should have been one.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The step's place in its sequence.
    pub at: usize,
    /// The command, or what else was compared.
    pub command: String,
    /// Their bytes.
    pub theirs: String,
    /// Ours.
    pub ours: String,
}

impl Difference {
    /// What all differences of its kind have in common.
    pub fn kind(&self) -> String {
        let name = self.command.split(' ').next().unwrap_or_default();
        let text = |reply: &str| -> String {
            let plain = reply.chars().filter(|c| !c.is_ascii_digit());
            plain.take(24).collect()
        };
        format!("{name} {} {}", text(&self.theirs), text(&self.ours))
    }
}

/// Both, and what is being done.
#[derive(Debug)]
pub struct Duel {
    build: Build,
    allowed: Allowed,
    theirs: Side,
    ours: Side,
    ran: Ran,
    /// Where in the sequence we are.
    at: usize,
    /// Commands of open transactions, by connection.
    queued: Vec<Option<Vec<Command>>>,
    /// Commands that wait, by connection.
    waiting: Vec<Option<Command>>,
    /// An explained difference after which they are not alike.
    over: bool,
}

impl Duel {
    /// Starts both.
    pub fn start(
        build: Build,
        theirs: &Launch,
        ours: &Launch,
        allowed: Allowed,
    ) -> io::Result<Duel> {
        Ok(Duel {
            build,
            allowed,
            theirs: Side::start(theirs)?,
            ours: Side::start(ours)?,
            ran: Ran::default(),
            at: 0,
            queued: vec![None; CONNECTIONS],
            waiting: vec![None; CONNECTIONS],
            over: false,
        })
    }

    /// Whether both have, or both lack, the command of that name.
    pub fn both_know(&mut self, name: &str) -> io::Result<bool> {
        let known = |side: &mut Side| -> io::Result<bool> {
            let reply = side.ask(&[b"COMMAND", b"INFO", name.as_bytes()])?;
            Ok(!reply.starts_with(b"*1\r\n*-1") && !reply.starts_with(b"*1\r\n$-1"))
        };
        Ok(known(&mut self.theirs)? == known(&mut self.ours)?)
    }

    /// Carries a sequence out on empty servers, up to the first difference.
    pub fn run(&mut self, steps: &[Step]) -> io::Result<Ran> {
        self.begin()?;
        for (at, step) in steps.iter().enumerate() {
            self.at = at;
            self.step(step)?;
            if self.is_over() {
                break;
            }
        }
        if !self.is_over() {
            self.end()?;
        }
        Ok(std::mem::take(&mut self.ran))
    }

    fn begin(&mut self) -> io::Result<()> {
        self.ran = Ran::default();
        self.over = false;
        self.queued.fill(None);
        self.waiting.fill(None);
        for side in [&mut self.theirs, &mut self.ours] {
            side.begin(LIBRARY)?;
        }
        Ok(())
    }

    /// Frees who waits, and compares all that is there.
    fn end(&mut self) -> io::Result<()> {
        for connection in 0..CONNECTIONS {
            self.unblock(connection, false)?;
        }
        for side in [&mut self.theirs, &mut self.ours] {
            side.drop_expired()?;
        }
        let theirs = self.theirs.ask(&[b"DEBUG", b"DIGEST"])?;
        let old_scores = matches!(self.build, Build::Redis62 | Build::Redis70);
        let ours = match old_scores {
            true => self.ours.ask(&[b"DEBUG", b"DIGEST", b"OLD-SCORE-TEXT"])?,
            false => self.ours.ask(&[b"DEBUG", b"DIGEST"])?,
        };
        if theirs != ours && !self.is_over() {
            self.differ("digest", &theirs, &ours);
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.over || self.ran.difference.is_some()
    }

    fn step(&mut self, step: &Step) -> io::Result<()> {
        let connection = step.connection;
        if let Action::Unblock(error) = step.action {
            return self.unblock(connection, error);
        }
        if self.waiting[connection].is_some() {
            return Ok(());
        }
        match &step.action {
            Action::Command(command) => self.command(connection, command),
            Action::Scan(before, behind) => self.scan(connection, before, behind),
            Action::Exchange(from, to) => self.exchange(connection, from, to),
            Action::Unblock(_) => Ok(()),
        }
    }

    fn command(&mut self, connection: usize, command: &Command) -> io::Result<()> {
        self.ran.commands += 1;
        let waits = may_wait(command);
        self.theirs.send(connection, command)?;
        self.ours.send(connection, command)?;
        let theirs = self.theirs.answer(connection, waits)?;
        let ours = self.ours.answer(connection, waits)?;
        match (theirs, ours) {
            (Answer::Waits, Answer::Waits) => self.waiting[connection] = Some(command.clone()),
            (Answer::Reply(theirs), Answer::Reply(ours)) => {
                self.compare_on(connection, command, &theirs, &ours);
            }
            (theirs, ours) => self.differ(&line(command), theirs.bytes(), ours.bytes()),
        }
        self.collect_served()
    }

    /// Takes the replies of those that no longer wait.
    fn collect_served(&mut self) -> io::Result<()> {
        if self.waiting.iter().all(Option::is_none) {
            return Ok(());
        }
        let theirs = self.theirs.served(&self.waiting, None)?;
        let left = self.theirs.waiting();
        let ours = self.ours.served(&self.waiting, Some(left))?;
        for connection in 0..CONNECTIONS {
            match (&theirs[connection], &ours[connection]) {
                (None, None) => {}
                (Some(theirs), Some(ours)) => {
                    let command = self.waiting[connection].take().unwrap_or_default();
                    self.compare(&command, theirs, ours);
                }
                (theirs, ours) => {
                    let bytes = |reply: &Option<Vec<u8>>| reply.clone().unwrap_or_default();
                    let what = format!("served {connection}");
                    self.differ(&what, &bytes(theirs), &bytes(ours));
                }
            }
        }
        Ok(())
    }

    fn unblock(&mut self, connection: usize, error: bool) -> io::Result<()> {
        if self.waiting[connection].is_none() {
            return Ok(());
        }
        self.theirs.unblock(connection, error)?;
        self.ours.unblock(connection, error)?;
        self.collect_served()
    }

    /// Compares a reply, or those of a transaction one by one.
    fn compare_on(&mut self, connection: usize, command: &Command, theirs: &[u8], ours: &[u8]) {
        let is = |name: &str| command[0].eq_ignore_ascii_case(name.as_bytes());
        if theirs == b"+QUEUED\r\n" && ours == theirs {
            let queue = self.queued[connection].get_or_insert_default();
            return queue.push(command.clone());
        }
        if is("MULTI") && theirs.starts_with(b"+") {
            self.queued[connection].get_or_insert_default();
        }
        let ends = is("EXEC") || is("DISCARD") || is("RESET");
        let queued = ends.then(|| self.queued[connection].take());
        let queued = queued.flatten().unwrap_or_default();
        if queued.is_empty() || theirs == ours {
            return self.compare(command, theirs, ours);
        }
        match (items(theirs), items(ours)) {
            (Some(theirs), Some(ours))
                if theirs.len() == queued.len() && ours.len() == queued.len() =>
            {
                for (command, (theirs, ours)) in queued.iter().zip(theirs.iter().zip(&ours)) {
                    self.compare_parsed(command, theirs, ours);
                }
            }
            _ => self.compare(command, theirs, ours),
        }
    }

    fn compare(&mut self, command: &Command, theirs: &[u8], ours: &[u8]) {
        let same = theirs == ours
            || theirs[0] == ours[0]
                && match (Reply::parse(theirs), Reply::parse(ours)) {
                    (Ok(theirs), Ok(ours)) => agree::same(unwrapped(command), &theirs, &ours),
                    _ => false,
                };
        if !same {
            self.differ(&line(command), theirs, ours);
        }
    }

    fn compare_parsed(&mut self, command: &Command, theirs: &Reply, ours: &Reply) {
        if !agree::same(unwrapped(command), theirs, ours) {
            let bytes = |reply: &Reply| format!("{reply:?}").into_bytes();
            self.differ(&line(command), &bytes(theirs), &bytes(ours));
        }
    }

    /// Compares what a whole scan gave.
    fn scan(&mut self, connection: usize, before: &Command, behind: &Command) -> io::Result<()> {
        if self.is_queueing(connection) {
            return Ok(());
        }
        self.ran.commands += 1;
        let theirs = whole_scan(&mut self.theirs, connection, before, behind)?;
        let ours = whole_scan(&mut self.ours, connection, before, behind)?;
        if theirs != ours {
            let bytes = |found: &BTreeSet<String>| format!("{found:?}").into_bytes();
            self.differ(&line(before), &bytes(&theirs), &bytes(&ours));
        }
        Ok(())
    }

    fn is_queueing(&self, connection: usize) -> bool {
        self.queued[connection].is_some()
    }

    /// Gives the value at `from`, as either side dumps it, to both at `to`.
    fn exchange(&mut self, connection: usize, from: &[u8], to: &[u8]) -> io::Result<()> {
        if self.is_queueing(connection) {
            return Ok(());
        }
        let dump = [b"DUMP".as_slice(), from];
        let dumps = [
            self.theirs.call(connection, &dump)?,
            self.ours.call(connection, &dump)?,
        ];
        for (dump, whose) in dumps.iter().zip(["theirs", "ours"]) {
            let Ok(Reply::Bulk(payload)) = Reply::parse(dump) else {
                continue;
            };
            self.ran.commands += 1;
            let restore = [b"RESTORE".as_slice(), to, b"0", &payload, b"REPLACE"];
            let theirs = self.theirs.call(connection, &restore)?;
            let ours = self.ours.call(connection, &restore)?;
            if theirs != ours {
                self.differ(&format!("RESTORE of {whose}"), &theirs, &ours);
            }
        }
        self.collect_served()
    }

    fn differ(&mut self, command: &str, theirs: &[u8], ours: &[u8]) {
        let verdict = self
            .allowed
            .verdict(self.build, command.as_bytes(), theirs, ours);
        match verdict {
            Some(verdict) => {
                self.ran.explained += 1;
                self.over |= verdict == Verdict::End;
            }
            None if self.is_over() => {}
            None => {
                self.ran.difference = Some(Difference {
                    at: self.at,
                    command: command.to_owned(),
                    theirs: theirs.escape_ascii().to_string(),
                    ours: ours.escape_ascii().to_string(),
                });
            }
        }
    }
}

fn items(reply: &[u8]) -> Option<Vec<Reply>> {
    match Reply::parse(reply) {
        Ok(Reply::Array(items)) => Some(items),
        _ => None,
    }
}

/// All that a scan gives until its cursor is 0 again, each as text; or its error.
fn whole_scan(
    side: &mut Side,
    connection: usize,
    before: &Command,
    behind: &Command,
) -> io::Result<BTreeSet<String>> {
    let pairs = before[0] == b"HSCAN" || before[0] == b"ZSCAN";
    let mut found = BTreeSet::new();
    let mut cursor = b"0".to_vec();
    for _ in 0..SCAN_CALLS_MAX {
        let command = [before.as_slice(), &[cursor], behind].concat();
        let reply = side.call(connection, &command)?;
        let Some((next, items)) = cursor_and_items(&reply) else {
            found.insert(reply.escape_ascii().to_string());
            return Ok(found);
        };
        let groups = items.chunks(if pairs { 2 } else { 1 });
        found.extend(groups.map(|group| format!("{group:?}")));
        cursor = next;
        if cursor == b"0" {
            return Ok(found);
        }
    }
    found.insert("no end".to_owned());
    Ok(found)
}

fn cursor_and_items(reply: &[u8]) -> Option<(Vec<u8>, Vec<Reply>)> {
    let mut parts = items(reply)?.into_iter();
    match (parts.next()?, parts.next()?) {
        (Reply::Bulk(cursor), Reply::Array(items)) => Some((cursor, items)),
        _ => None,
    }
}

/// How long a server may think.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
