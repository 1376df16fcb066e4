//! Walks over the keys of a database.

use super::life::type_name;
use crate::scan_options::{parse_cursor, reply_scan};
use crate::{Args, Context, Error, Outcome, glob};

struct KeyScan<'a> {
    pattern: Option<&'a [u8]>,
    count: usize,
    of_type: Option<&'a [u8]>,
}

impl<'a> KeyScan<'a> {
    fn parse(args: &mut Args<'a>) -> Result<KeyScan<'a>, Error> {
        let mut scan = KeyScan {
            pattern: None,
            count: 10,
            of_type: None,
        };
        while !args.is_done() {
            if args.keyword("MATCH") {
                scan.pattern = Some(args.bytes()?);
            } else if args.keyword("COUNT") {
                scan.count = usize::try_from(args.int()?).map_err(|_| Error::Syntax)?;
            } else if args.keyword("TYPE") {
                scan.of_type = Some(args.bytes()?);
            } else {
                return Err(Error::Syntax);
            }
        }
        if scan.count == 0 {
            return Err(Error::Syntax);
        }
        Ok(scan)
    }
}

pub(super) fn scan(ctx: &mut Context<'_, '_>) -> Outcome {
    let cursor = parse_cursor(&mut ctx.args)?;
    let scan = KeyScan::parse(&mut ctx.args)?;
    let mut found: Vec<Vec<u8>> = Vec::new();
    let next = ctx
        .keys
        .scan(ctx.db, cursor, scan.count, &mut |key, entry| {
            let fits = scan
                .pattern
                .is_none_or(|pattern| glob::matches(pattern, key));
            let of_type =
                |wanted: &[u8]| wanted.eq_ignore_ascii_case(type_name(entry.value()).as_bytes());
            if fits && scan.of_type.is_none_or(of_type) {
                found.push(key.to_vec());
            }
        });
    reply_scan(ctx.reply, next, &found);
    Ok(())
}

pub(super) fn keys(ctx: &mut Context<'_, '_>) -> Outcome {
    let pattern = ctx.args.bytes()?;
    let mut found: Vec<Vec<u8>> = Vec::new();
    ctx.keys.for_each_key(ctx.db, &mut |key, _| {
        if glob::matches(pattern, key) {
            found.push(key.to_vec());
        }
    });
    ctx.reply.array(found.len());
    for key in &found {
        ctx.reply.bulk(key);
    }
    Ok(())
}

pub(super) fn randomkey(ctx: &mut Context<'_, '_>) -> Outcome {
    match ctx.keys.random_key(ctx.db, ctx.rng) {
        Some(key) => ctx.reply.bulk(&key),
        None => ctx.reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Fixture;
    use std::collections::HashSet;

    #[test]
    fn a_walk_meets_every_key_that_fits() {
        let mut fixture = Fixture::new();
        for i in 0..300 {
            fixture.run(&format!("set key:{i} {i}"));
        }
        fixture.run("rpush key:list a");
        let (mut seen, mut cursor) = (HashSet::new(), "0".to_owned());
        loop {
            let reply = fixture.run(&format!("scan {cursor} match key:*9 count 7 type STRING"));
            let mut quoted = reply.split('"').skip(1).step_by(2).map(str::to_owned);
            cursor = quoted.next().expect("a cursor");
            seen.extend(quoted);
            if cursor == "0" {
                break;
            }
        }
        let wanted: HashSet<String> = (0..30).map(|i| format!("key:{}", 10 * i + 9)).collect();
        assert_eq!(seen, wanted);
        assert_eq!(fixture.run("keys key:29?").lines().count(), 10);
    }

    #[test]
    fn some_key_is_found() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.run("randomkey"), "(nil)");
        fixture.run("set k v");
        assert_eq!(fixture.run("randomkey"), "\"k\"");
    }
}
