//! Handing over to a replica, as `FAILOVER` asks for it: nothing is written until the replica has
//! everything; then this engine follows it, and by asking for its stream has it become the primary.
//!
//! ```text
//! none --begin--> waiting-for-sync --replica has all--> failover-in-progress --it agrees--> none
//!                        |                                       |
//!                        +--- too late, or taken back -----------+--- it refuses: a primary again
//! ```

use crate::clients::{PauseBy, PauseMode};
use crate::replicas::Replica;
use crate::{Engine, LogLevel, Primary};
use commands::Error;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use units::{ReplOffset, UnixMillis};

/// What `FAILOVER` asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    /// To whom; else to whoever has everything first.
    pub(crate) target: Option<Primary>,
    /// For how many milliseconds to wait.
    pub(crate) patience: Option<i64>,
    /// It goes on after that, whatever the replica has.
    pub(crate) force: bool,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waits,
    InProgress,
}

#[derive(Debug)]
struct Underway {
    wish: Wish,
    stage: Stage,
    /// What the replica has to have.
    offset: ReplOffset,
    until: Option<UnixMillis>,
}

/// Whether the engine hands over, and to whom.
#[derive(Debug, Default)]
pub(crate) struct Failover {
    is_on: AtomicBool,
    underway: Mutex<Option<Underway>>,
}

impl Failover {
    /// Whether one is under way.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Relaxed)
    }

    /// Whether the other side is asked to take over.
    pub(crate) fn is_in_progress(&self) -> bool {
        self.stage() == Some(Stage::InProgress)
    }

    /// As `INFO` calls it.
    pub(crate) fn state(&self) -> &'static str {
        match self.stage() {
            None => "no-failover",
            Some(Stage::Waits) => "waiting-for-sync",
            Some(Stage::InProgress) => "failover-in-progress",
        }
    }

    fn stage(&self) -> Option<Stage> {
        self.underway.lock().as_ref().map(|underway| underway.stage)
    }
}

/// What is to be done next.
enum Next {
    Nothing,
    HandOver(Primary),
    GiveUp,
}

impl Engine {
    pub(crate) fn failover(&self) -> &Failover {
        &self.inner().failover
    }

    /// Begins to hand over. Nothing is written from here on, so that there is an end that a replica
    /// can reach.
    pub(crate) fn begin_failover(&self, wish: Wish) -> Result<(), Error> {
        self.admit_failover(&wish)?;
        let now = self.now();
        let never = UnixMillis(i64::MAX);
        let pause = self.clients().pause();
        pause.begin(PauseBy::Failover, PauseMode::Write, never, now);
        let after = |patience: i64| UnixMillis(now.0.saturating_add(patience));
        let until = wish.patience.map(after);
        let failover = self.failover();
        *failover.underway.lock() = Some(Underway {
            wish,
            stage: Stage::Waits,
            offset: self.log().end(),
            until,
        });
        failover.is_on.store(true, Relaxed);
        self.note(LogLevel::Notice, "FAILOVER requested.");
        self.ask_replicas();
        self.go_on_with_failover();
        Ok(())
    }

    fn admit_failover(&self, wish: &Wish) -> Result<(), Error> {
        if self.failover().is_on() {
            return Err(Error::err("FAILOVER already in progress."));
        }
        if self.following().is_replica() {
            return Err(Error::err(
                "FAILOVER is not valid when server is a replica.",
            ));
        }
        let replicas = self.replicas().list();
        if replicas.is_empty() {
            return Err(Error::err("FAILOVER requires connected replicas."));
        }
        let Some(target) = &wish.target else {
            return Ok(());
        };
        match replicas.iter().find(|replica| is_at(replica, target)) {
            None => Err(Error::err(
                "FAILOVER target HOST and PORT is not a replica.",
            )),
            Some(replica) if !replica.is_online() => {
                Err(Error::err("FAILOVER target replica is not online."))
            }
            Some(_) => Ok(()),
        }
    }

    /// Does what is due of a failover: to be called some times a second by a program that serves
    /// replicas.
    pub fn go_on_with_failover(&self) {
        if !self.failover().is_on() {
            return;
        }
        match self.next_of_failover() {
            Next::Nothing => {}
            Next::HandOver(target) => {
                let line = format!("Failover target is {}:{}", target.host, target.port);
                self.note(LogLevel::Notice, &line);
                self.set_primary(Some(target));
            }
            Next::GiveUp => {
                self.take_back_failover("Replica never caught up before timeout");
            }
        }
    }

    fn next_of_failover(&self) -> Next {
        let mut underway = self.failover().underway.lock();
        let Some(underway) = underway.as_mut().filter(|it| it.stage == Stage::Waits) else {
            return Next::Nothing;
        };
        let is_late = underway.until.is_some_and(|until| until <= self.now());
        if is_late && !underway.wish.force {
            return Next::GiveUp;
        }
        let wished = underway.wish.target.clone();
        let has_all = |replica: &Arc<Replica>| {
            let is_meant = wished.as_ref().is_none_or(|target| is_at(replica, target));
            is_meant && replica.is_online() && replica.acked() >= underway.offset
        };
        let replicas = self.replicas().list();
        let ready = replicas.iter().find(|replica| has_all(replica));
        let target = match ready.map(|replica| place_of(replica)) {
            None if is_late => {
                let line = "Failover target replica time out exceeded, failing over.";
                self.note(LogLevel::Notice, line);
                wished
            }
            ready => ready,
        };
        let Some(target) = target else {
            return Next::Nothing;
        };
        underway.stage = Stage::InProgress;
        Next::HandOver(target)
    }

    /// The other side goes on as the primary.
    pub(crate) fn end_failover(&self) {
        let failover = self.failover();
        if failover.underway.lock().take().is_some() {
            failover.is_on.store(false, Relaxed);
            self.clients().pause().end(PauseBy::Failover);
        }
    }

    /// Gives up handing over; this engine is the primary again, and writes go on. Whether there was
    /// anything to give up.
    pub(crate) fn take_back_failover(&self, why: &str) -> bool {
        let Some(underway) = self.failover().underway.lock().take() else {
            return false;
        };
        let line = format!("Aborting failover: {why}");
        self.note(LogLevel::Notice, &line);
        if underway.stage == Stage::InProgress {
            self.set_primary(None);
        }
        self.failover().is_on.store(false, Relaxed);
        self.clients().pause().end(PauseBy::Failover);
        true
    }
}

fn place_of(replica: &Replica) -> Primary {
    let about = replica.about();
    Primary {
        host: about.address,
        port: about.port,
    }
}

fn is_at(replica: &Replica, target: &Primary) -> bool {
    place_of(replica) == *target
}
