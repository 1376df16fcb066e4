//! CLIENT TRACKING, CACHING, TRACKINGINFO and GETREDIR.

use crate::registry::SessionCommand;
use crate::session::Session;
use crate::tracking::{Mode, Tracker};
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec};
use std::collections::BTreeSet;

const FLAGS: Flags = Flags::NOSCRIPT.union(Flags::LOADING).union(Flags::STALE);

const fn spec(name: &'static str, arity: i32) -> Spec {
    Spec::new(name, arity, Group::Connection, FLAGS)
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("client|tracking", -3).doc(
            "6.0.0",
            "O(1)",
            "<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
            "Has the client told of changes to keys that it caches.",
        ),
        tracking,
    ),
    SessionCommand::new(
        spec("client|caching", 3).doc(
            "6.0.0",
            "O(1)",
            "<YES | NO>",
            "Says whether the client caches what the next command reads.",
        ),
        caching,
    ),
    SessionCommand::new(
        spec("client|trackinginfo", 2).doc("6.2.0", "O(1)", "", "Tells what the client tracks."),
        tracking_info,
    ),
    SessionCommand::new(
        spec("client|getredir", 2).doc(
            "6.0.0",
            "O(1)",
            "",
            "Tells which client hears of changes in this one's place.",
        ),
        getredir,
    ),
];

fn tracking(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let state = args.bytes()?;
    let wanted = Wanted::parse(session, args)?;
    match state.to_ascii_uppercase().as_slice() {
        b"ON" => {
            let before = session.engine.tracking().tracker(session.id());
            let tracker = wanted.tracker(before)?;
            session.start_tracking(tracker);
        }
        b"OFF" => session.stop_tracking(),
        _ => return Err(Error::Syntax),
    }
    reply.ok();
    Ok(())
}

/// The options, as they were given.
#[derive(Default)]
struct Wanted {
    redirect: Option<u64>,
    broadcast: bool,
    opt_in: bool,
    opt_out: bool,
    noloop: bool,
    prefixes: Vec<Vec<u8>>,
}

impl Wanted {
    fn parse(session: &Session, args: &mut Args<'_>) -> Result<Wanted, Error> {
        let mut wanted = Wanted::default();
        while !args.is_done() {
            if args.left() > 1 && args.keyword("REDIRECT") {
                wanted.set_redirect(session, args.int()?)?;
            } else if args.keyword("BCAST") {
                wanted.broadcast = true;
            } else if args.keyword("OPTIN") {
                wanted.opt_in = true;
            } else if args.keyword("OPTOUT") {
                wanted.opt_out = true;
            } else if args.keyword("NOLOOP") {
                wanted.noloop = true;
            } else if args.left() > 1 && args.keyword("PREFIX") {
                wanted.prefixes.push(args.bytes()?.to_vec());
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(wanted)
    }

    fn set_redirect(&mut self, session: &Session, id: i64) -> Outcome {
        if self.redirect.is_some() {
            return Err(Error::err(
                "A client can only redirect to a single other client",
            ));
        }
        let target = u64::try_from(id).ok();
        let known = |id: &u64| session.engine.tracking().has_session(*id);
        if !target.as_ref().is_some_and(known) {
            return Err(Error::err(
                "The client ID you want redirect to does not exist",
            ));
        }
        self.redirect = target;
        Ok(())
    }

    /// How the client is to track from now on; `before` is how it did so far.
    fn tracker(self, before: Option<Tracker>) -> Result<Tracker, Error> {
        let mode = self.mode()?;
        if let Some(before) = &before {
            check_switch(before.mode, mode)?;
        }
        let mut prefixes = before.map_or_else(BTreeSet::new, |before| before.prefixes);
        if mode == Mode::Broadcast {
            check_prefixes(&self.prefixes, &prefixes)?;
            match self.prefixes.is_empty() {
                true => prefixes.extend([Vec::new()]),
                false => prefixes.extend(self.prefixes),
            }
        }
        Ok(Tracker {
            mode,
            noloop: self.noloop,
            redirect: self.redirect,
            broken: false,
            prefixes,
        })
    }

    fn mode(&self) -> Result<Mode, Error> {
        let refused = match (self.broadcast, self.opt_in, self.opt_out) {
            (false, ..) if !self.prefixes.is_empty() => {
                "PREFIX option requires BCAST mode to be enabled"
            }
            (false, false, false) => return Ok(Mode::Reads),
            (false, true, false) => return Ok(Mode::OptIn),
            (false, false, true) => return Ok(Mode::OptOut),
            (true, false, false) => return Ok(Mode::Broadcast),
            (true, ..) => "OPTIN and OPTOUT are not compatible with BCAST",
            (false, true, true) => "You can't specify both OPTIN mode and OPTOUT mode",
        };
        Err(Error::err(refused))
    }
}

fn check_switch(before: Mode, now: Mode) -> Outcome {
    let refused = match (before, now) {
        (Mode::Broadcast, Mode::Broadcast) => return Ok(()),
        (Mode::Broadcast, _) | (_, Mode::Broadcast) => "BCAST mode on/off",
        (Mode::OptIn, Mode::OptOut) | (Mode::OptOut, Mode::OptIn) => "OPTIN/OPTOUT mode",
        _ => return Ok(()),
    };
    Err(Error::err(format_args!(
        "You can't switch {refused} before disabling tracking for this client, and then \
         re-enabling it with a different mode."
    )))
}

/// Prefixes of a client must not overlap: it would hear of one change twice.
fn check_prefixes(new: &[Vec<u8>], before: &BTreeSet<Vec<u8>>) -> Outcome {
    let overlap = |one: &[u8], other: &[u8]| one.starts_with(other) || other.starts_with(one);
    let refuse = |one: &[u8], which: &str, other: &[u8]| {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Err(Error::err(format_args!(
            "Prefix '{}' overlaps with {which} prefix '{}'. Prefixes for a single client must not \
             overlap.",
            text(one),
            text(other)
        )))
    };
    for (at, prefix) in new.iter().enumerate() {
        if let Some(other) = before.iter().find(|other| overlap(prefix, other)) {
            return refuse(prefix, "an existing", other);
        }
        if let Some(other) = new[at + 1..].iter().find(|other| overlap(prefix, other)) {
            return refuse(prefix, "another provided", other);
        }
    }
    Ok(())
}

fn caching(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let Some((mode, _)) = session.caching() else {
        return Err(Error::err(
            "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or \
             OPTOUT mode enabled",
        ));
    };
    let (word, needed, name) = if args.keyword("YES") {
        ("YES", Mode::OptIn, "OPTIN")
    } else if args.keyword("NO") {
        ("NO", Mode::OptOut, "OPTOUT")
    } else {
        return Err(Error::Syntax);
    };
    if mode != needed {
        return Err(Error::err(format_args!(
            "CLIENT CACHING {word} is only valid when tracking is enabled in {name} mode."
        )));
    }
    session.say_caching();
    reply.ok();
    Ok(())
}

fn tracking_info(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let tracker = session.engine.tracking().tracker(session.id());
    let said = session.caching().is_some_and(|(_, said)| said);
    reply.map(3);
    reply.bulk(b"flags");
    let flags = flags(tracker.as_ref(), said);
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"redirect");
    reply.integer(Tracker::redirection(tracker.as_ref()));
    reply.bulk(b"prefixes");
    let prefixes = tracker.map_or_else(BTreeSet::new, |tracker| tracker.prefixes);
    reply.array(prefixes.len());
    prefixes.iter().for_each(|prefix| reply.bulk(prefix));
    Ok(())
}

fn flags(tracker: Option<&Tracker>, said: bool) -> Vec<&'static str> {
    let Some(tracker) = tracker else {
        return vec!["off"];
    };
    let mut flags = vec!["on"];
    flags.extend(match tracker.mode {
        Mode::Reads => &[][..],
        Mode::Broadcast => &["bcast"],
        Mode::OptIn if said => &["optin", "caching-yes"],
        Mode::OptIn => &["optin"],
        Mode::OptOut if said => &["optout", "caching-no"],
        Mode::OptOut => &["optout"],
    });
    flags.extend(tracker.noloop.then_some("noloop"));
    flags.extend(tracker.broken.then_some("broken_redirect"));
    flags
}

fn getredir(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let tracker = session.engine.tracking().tracker(session.id());
    reply.integer(Tracker::redirection(tracker.as_ref()));
    Ok(())
}
