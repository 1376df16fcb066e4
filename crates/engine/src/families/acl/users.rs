//! ACL SETUSER, GETUSER, DELUSER, LIST, USERS, LOAD and SAVE.

use crate::access::{AccessFileError, catalog};
use crate::session::Session;
use acl::{DEFAULT_USER, Selector};
use commands::{Args, Compat, Error, Outcome, ReplySink};

pub(super) fn setuser(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let name = args.bytes()?;
    let rules = args.rest();
    let access = session.engine.access();
    access
        .change_users(|users| users.set(name, rules))
        .map_err(Error::err)?;
    reply.ok();
    Ok(())
}

pub(super) fn deluser(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let names = args.rest();
    if names.contains(&DEFAULT_USER) {
        return Err(Error::err("The 'default' user cannot be removed"));
    }
    let access = session.engine.access();
    let removed = access.change_users(|users| {
        let gone = names.iter().filter(|name| users.remove(name));
        gone.count()
    });
    reply.integer(removed as i64);
    Ok(())
}

pub(super) fn getuser(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let name = args.bytes()?;
    let compat = session.engine.inner().compat();
    let access = session.engine.access();
    let Some(user) = access.with_users(|users| users.get(name).cloned()) else {
        reply.null();
        return Ok(());
    };
    reply.map(6);
    reply.bulk(b"flags");
    let flags = user.flags(compat);
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"passwords");
    reply.array(user.passwords().len());
    user.passwords()
        .for_each(|hash| reply.bulk(hash.as_bytes()));
    write_selector(user.root(), compat, reply);
    reply.bulk(b"selectors");
    reply.array(user.others().len());
    for selector in user.others() {
        reply.map(3);
        write_selector(selector, compat, reply);
    }
    Ok(())
}

/// Three entries of a map.
fn write_selector(selector: &Selector, compat: Compat, reply: &mut dyn ReplySink) {
    reply.bulk(b"commands");
    reply.bulk(selector.commands(catalog(), compat).as_bytes());
    reply.bulk(b"keys");
    reply.bulk(&selector.keys());
    reply.bulk(b"channels");
    reply.bulk(&selector.channels());
}

pub(super) fn list(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let compat = session.engine.inner().compat();
    session.engine.access().with_users(|users| {
        reply.array(users.iter().len());
        for user in users.iter() {
            reply.bulk(&user.line(users.catalog(), compat));
        }
    });
    Ok(())
}

pub(super) fn names(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    session.engine.access().with_users(|users| {
        reply.array(users.iter().len());
        users.iter().for_each(|user| reply.bulk(user.name()));
    });
    Ok(())
}

pub(super) fn load(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let inner = session.engine.inner();
    inner.access.load_file(inner).map_err(Error::err)?;
    reply.ok();
    Ok(())
}

pub(super) fn save(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let inner = session.engine.inner();
    inner.access.save_file(inner).map_err(|error| match error {
        AccessFileError::Storage(error) => Error::err(format_args!(
            "There was an error trying to save the ACLs: {error}"
        )),
        other => Error::err(other),
    })?;
    reply.ok();
    Ok(())
}
