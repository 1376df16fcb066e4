//! WAIT and WAITAOF.

use crate::durable::Copies;
use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Error, Flags, Group, Outcome, ReplySink, Spec, tips};
use units::UnixMillis;

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Generic, flags)
        .not_in_category_of_group()
        .also_in(&["connection"])
}

pub(in crate::families) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("wait", 3, Flags::NOSCRIPT)
            .tips(tips::EVERY_SHARD_MIN)
            .doc(
                "3.0.0",
                "O(1)",
                "numreplicas timeout",
                "Waits until replicas have what the connection wrote, and tells how many do.",
            ),
        wait,
    ),
    SessionCommand::new(
        spec("waitaof", 4, Flags::BLOCKING)
            .tips(tips::EVERY_SHARD_MIN)
            .doc(
                "7.2.0",
                "O(1)",
                "numlocal numreplicas timeout",
                "Waits until append-only files on disk have what the connection wrote.",
            ),
        wait_aof,
    ),
];

fn wait(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    refuse_on_replica(session, "WAIT")?;
    let replicas = args.int()?;
    let until = timeout(session, args)?;
    let copies = Copies {
        offset: session.last_write(),
        replicas,
        local: None,
        until,
    };
    session.wait_for_copies(copies, reply);
    Ok(())
}

fn wait_aof(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let in_range = |number: i64, most: i64| {
        let fits = (0..=most).contains(&number);
        fits.then_some(number)
            .ok_or_else(|| Error::err("value is out of range, must be positive"))
    };
    refuse_on_replica(session, "WAITAOF")?;
    let local = args.int()?;
    if !(0..=1).contains(&local) {
        return Err(Error::err(
            "value is out of range, value must between 0 and 1",
        ));
    }
    let replicas = in_range(args.int()?, i64::MAX)?;
    let until = timeout(session, args)?;
    if local > 0 {
        session.engine.inner().check_waitable()?;
    }
    let copies = Copies {
        offset: session.last_write(),
        replicas,
        local: Some(local > 0),
        until,
    };
    session.wait_for_copies(copies, reply);
    Ok(())
}

fn refuse_on_replica(session: &Session, name: &str) -> Outcome {
    match session.engine.following().is_replica() {
        true => Err(Error::err(format_args!(
            "{name} cannot be used with replica instances. Please also note that writes to replicas \
             are just local and are not propagated."
        ))),
        false => Ok(()),
    }
}

/// Until when to wait, by a timeout in milliseconds of which 0 is for ever.
fn timeout(session: &Session, args: &mut Args<'_>) -> Result<Option<UnixMillis>, Error> {
    let not_a_number = |_| Error::err("timeout is not an integer or out of range");
    let millis = args.int().map_err(not_a_number)?;
    if millis < 0 {
        return Err(Error::err("timeout is negative"));
    }
    let until = session.engine.now().0.checked_add(millis);
    let until = until.ok_or_else(|| Error::err("timeout is out of range"))?;
    Ok((millis > 0).then_some(UnixMillis(until)))
}
