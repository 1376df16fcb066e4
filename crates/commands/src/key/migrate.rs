//! MIGRATE: keys that move to another server. Who runs commands has the connection to it.

use crate::peers::{Answers, Broken, Destination};
use crate::{Context, Error, KeyAccess, KeyBegin, KeyPositions, KeySpec, Outcome};
use packed::number;
use std::time::Duration;

/// One key in front, or several at the end if that one is empty.
pub(super) const KEYS: KeySpec = KeySpec::Custom {
    find: positions,
    told: &[
        (KeyBegin::Index(3), KeyAccess::TAKE),
        (
            KeyBegin::KeywordToEnd("KEYS", -2),
            KeyAccess::TAKE.union(KeyAccess::INCOMPLETE),
        ),
    ],
};

/// Names and passwords may be called like options.
fn positions(argv: &[&[u8]], found: &mut KeyPositions) {
    let mut at = 6;
    while let Some(word) = argv.get(at) {
        at += match word.to_ascii_uppercase().as_slice() {
            b"KEYS" => {
                if argv[3].is_empty() {
                    found.extend(at + 1..argv.len());
                }
                return;
            }
            b"AUTH" => 2,
            b"AUTH2" => 3,
            _ => 1,
        };
    }
    found.extend((argv.len() > 3).then_some(3));
}

/// Copies keys to another server, and removes here what that one has then. The shards of the keys
/// stay locked all the while, so that nothing changes on the way.
pub(super) fn migrate(ctx: &mut Context<'_, '_>) -> Outcome {
    let argv = ctx.args.argv();
    let request = Request::parse(argv)?;
    let mut found = KeyPositions::new();
    positions(argv, &mut found);
    let names: Vec<&[u8]> = found.iter().map(|&at| argv[at]).collect();
    let (mut there, mut restores) = (Vec::new(), Vec::new());
    for name in names {
        if let Some(restore) = restore(ctx, name, request.replace)? {
            there.push(name);
            restores.push(restore);
        }
    }
    if there.is_empty() {
        ctx.reply.simple("NOKEY");
        return Ok(());
    }
    let peers = ctx.peers.ok_or_else(|| {
        Error::err(
            "MIGRATE is not possible here, as nothing opens connections for this engine. DUMP the \
             keys, and RESTORE them where they belong",
        )
    })?;
    let answers = match request.destination() {
        Some(to) => peers.ask(&to, &restores),
        None => Answers {
            broken: Some(Broken::Connecting),
            ..Answers::default()
        },
    };
    if !request.keep {
        let taken = there.iter().zip(&answers.replies);
        let taken = taken.filter(|(_, reply)| reply.is_ok());
        let taken: Vec<&[u8]> = taken.map(|(name, _)| *name).collect();
        remove(ctx, &taken);
    }
    outcome(answers)?;
    ctx.reply.ok();
    Ok(())
}

/// The request that makes a key elsewhere, if it is here.
fn restore(
    ctx: &mut Context<'_, '_>,
    name: &[u8],
    replace: bool,
) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let Some(entry) = ctx.keys.get(ctx.db, name) else {
        return Ok(None);
    };
    let payload = snapshot::dump(&entry.value(), ctx.settings.dump_target);
    let payload = payload.map_err(Error::err)?;
    let deadline = entry.deadline();
    // What lives for ever has 0.
    let left = deadline.map_or(0, |at| (at.0 - ctx.keys.now().0).max(1));
    let left = left.to_string().into_bytes();
    let mut request = vec![b"RESTORE".to_vec(), name.to_vec(), left, payload];
    request.extend(replace.then(|| b"REPLACE".to_vec()));
    Ok(Some(request))
}

/// Removes keys that are elsewhere now, which is what other copies of the data repeat.
fn remove(ctx: &mut Context<'_, '_>, names: &[&[u8]]) {
    ctx.effects.suppress();
    let names: Vec<&[u8]> = names
        .iter()
        .filter(|name| ctx.remove_stored(name))
        .copied()
        .collect();
    if !names.is_empty() {
        ctx.effects
            .push(&[&[b"DEL".as_slice()], &names[..]].concat());
    }
}

/// The first thing that went wrong, if anything did. What the other server said comes first.
fn outcome(answers: Answers) -> Outcome {
    let refusal = answers.replies.into_iter().find_map(Result::err);
    match (refusal, answers.broken) {
        (Some(line), _) => Err(Error::err(format_args!(
            "Target instance replied with error: {line}"
        ))),
        (None, Some(broken)) => Err(Error::Text(broken.to_string().into())),
        (None, None) => Ok(()),
    }
}

/// `MIGRATE host port key db timeout`, and what stands behind.
struct Request<'a> {
    host: &'a [u8],
    port: &'a [u8],
    db: i64,
    timeout: Duration,
    /// What was moved stays here as well.
    keep: bool,
    replace: bool,
    auth: Vec<&'a [u8]>,
}

/// How long to wait if the request does not say.
const TIMEOUT: i64 = 1000;

impl<'a> Request<'a> {
    fn parse(argv: &[&'a [u8]]) -> Result<Request<'a>, Error> {
        let mut request = Request {
            host: argv[1],
            port: argv[2],
            db: 0,
            timeout: Duration::ZERO,
            keep: false,
            replace: false,
            auth: Vec::new(),
        };
        request.parse_options(argv)?;
        let number = |at: usize| number::parse_i64(argv[at]).ok_or(Error::NotInteger);
        let millis = Some(number(5)?).filter(|&millis| millis > 0);
        request.timeout = Duration::from_millis(millis.unwrap_or(TIMEOUT).unsigned_abs());
        request.db = number(4)?;
        Ok(request)
    }

    fn parse_options(&mut self, argv: &[&'a [u8]]) -> Outcome {
        let mut rest = &argv[6..];
        while let Some((word, behind)) = rest.split_first() {
            let words = match word.to_ascii_uppercase().as_slice() {
                b"COPY" | b"REPLACE" => 0,
                b"AUTH" => 1,
                b"AUTH2" => 2,
                b"KEYS" if !argv[3].is_empty() => {
                    return Err(Error::err(
                        "When using MIGRATE KEYS option, the key argument must be set to the empty string",
                    ));
                }
                b"KEYS" => return Ok(()),
                _ => return Err(Error::Syntax),
            };
            let (given, next) = behind.split_at_checked(words).ok_or(Error::Syntax)?;
            self.keep |= word.eq_ignore_ascii_case(b"COPY");
            self.replace |= word.eq_ignore_ascii_case(b"REPLACE");
            if words > 0 {
                self.auth = given.to_vec();
            }
            rest = next;
        }
        Ok(())
    }

    /// `None` if nothing can be there.
    fn destination(&self) -> Option<Destination<'_>> {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        Some(Destination {
            host: text(self.host)?,
            port: text(self.port)?.parse().ok()?,
            db: self.db,
            timeout: self.timeout,
            auth: &self.auth,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_behind_what_looks_like_them() {
        let found = |line: &str| {
            let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            KEYS.positions(&argv).map(|at| at.to_vec())
        };
        assert_eq!(found("migrate h 1 key 0 9"), Some(vec![3]));
        assert_eq!(found("migrate h 1 key 0 9 copy replace"), Some(vec![3]));
        assert_eq!(
            found("migrate h 1  0 9 auth keys keys a b"),
            Some(vec![9, 10])
        );
        assert_eq!(
            found("migrate h 1  0 9 auth2 u keys keys a"),
            Some(vec![10])
        );
        assert_eq!(found("migrate h 1 key 0 9 keys a"), Some(vec![]));
    }
}
