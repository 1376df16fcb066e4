//! CLIENT LIST and CLIENT KILL.

use crate::Primary;
use crate::clients::{self, Filter, Kind};
use crate::session::Session;
use commands::{Args, Error, Outcome, ReplySink};
use packed::number::parse_i64;
use units::UnixMillis;

pub(super) fn list(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let mut filter = Filter::default();
    if args.keyword("TYPE") {
        filter.kind = Some(kind(args)?);
        args.done()?;
    } else if args.keyword("ID") {
        let mut ids = Vec::new();
        while !args.is_done() {
            ids.push(parse_id(args.bytes()?).ok_or_else(|| Error::err("Invalid client ID"))?);
        }
        if ids.is_empty() {
            return Err(Error::Syntax);
        }
        filter.ids = Some(ids);
    }
    args.done()?;
    session.report_running(args.argv());
    let cards = session.engine.clients().select(&filter);
    let lines: String = cards
        .iter()
        .map(|card| clients::line(&session.engine, card))
        .collect();
    reply.verbatim("txt", &lines);
    Ok(())
}

/// The number of connections that were ended, or, asked for by an address alone, that one was.
pub(super) fn kill(
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let by_address = args.left() == 1;
    let filter = match by_address {
        true => Filter {
            address: Some(args.bytes()?.to_vec()),
            ..Filter::default()
        },
        false => filter(session, args)?,
    };
    let killed = end(session, &filter) + end_primary(session, &filter);
    if !by_address {
        reply.integer(killed as i64);
    } else if killed > 0 {
        reply.ok();
    } else {
        return Err(Error::err("No such client"));
    }
    Ok(())
}

/// Ends the connection to the primary if it fits.
fn end_primary(session: &Session, filter: &Filter) -> usize {
    let (_, primary) = session.engine.primary();
    let fits =
        |primary: &Primary| filter.fits_primary(&format!("{}:{}", primary.host, primary.port));
    usize::from(primary.as_ref().is_some_and(fits) && session.engine.hang_up())
}

/// Ends those that fit; the session itself once its reply is sent.
fn end(session: &mut Session, filter: &Filter) -> usize {
    let cards = session.engine.clients().select(filter);
    for card in &cards {
        match card.id == session.id() {
            true => {
                card.leave();
                session.client.quit = true;
            }
            false => card.kill(),
        }
    }
    cards.len()
}

fn filter(session: &Session, args: &mut Args<'_>) -> Result<Filter, Error> {
    let mut filter = Filter {
        but: Some(session.id()),
        ..Filter::default()
    };
    while !args.is_done() {
        if args.left() < 2 {
            return Err(Error::Syntax);
        }
        if args.keyword("ID") {
            let id = parse_id(args.bytes()?);
            let id = id.ok_or_else(|| Error::err("client-id should be greater than 0"))?;
            filter.ids = Some(vec![id]);
        } else if args.keyword("TYPE") {
            filter.kind = Some(kind(args)?);
        } else if args.keyword("ADDR") {
            filter.address = Some(args.bytes()?.to_vec());
        } else if args.keyword("LADDR") {
            filter.local_address = Some(args.bytes()?.to_vec());
        } else if args.keyword("USER") {
            filter.user = Some(user(session, args.bytes()?)?);
        } else if args.keyword("SKIPME") {
            filter.but = skip_me(args)?.then(|| session.id());
        } else if args.keyword("MAXAGE") {
            filter.came_by = Some(came_by(session, args)?);
        } else {
            return Err(Error::Syntax);
        }
    }
    Ok(filter)
}

fn kind(args: &mut Args<'_>) -> Result<Kind, Error> {
    let name = args.bytes()?;
    let unknown = || {
        let name = String::from_utf8_lossy(name);
        Error::err(format_args!("Unknown client type '{name}'"))
    };
    Kind::from_name(name).ok_or_else(unknown)
}

fn user(session: &Session, name: &[u8]) -> Result<Vec<u8>, Error> {
    let known = |users: &acl::Users| users.get(name).is_some();
    if session.engine.access().with_users(known) {
        return Ok(name.to_vec());
    }
    let name = String::from_utf8_lossy(name);
    Err(Error::err(format_args!("No such user '{name}'")))
}

fn skip_me(args: &mut Args<'_>) -> Result<bool, Error> {
    match args.keyword("YES") {
        true => Ok(true),
        false if args.keyword("NO") => Ok(false),
        false => Err(Error::Syntax),
    }
}

fn came_by(session: &Session, args: &mut Args<'_>) -> Result<UnixMillis, Error> {
    let seconds = args.int()?;
    if seconds <= 0 {
        return Err(Error::err("MAXAGE is not an integer or out of range"));
    }
    let now = session.engine.now().0;
    Ok(UnixMillis(now.saturating_sub(seconds.saturating_mul(1000))))
}

fn parse_id(word: &[u8]) -> Option<u64> {
    let id = parse_i64(word).and_then(|id| u64::try_from(id).ok());
    id.filter(|&id| id > 0)
}
