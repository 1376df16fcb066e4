//! Values as payloads, to carry them from server to server.

use crate::{Args, Context, Error, EventClass, Outcome};
use keyspace::{Access, Ttl, Value};
use snapshot::RestoreError;
use units::UnixMillis;

pub(super) fn dump(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    match ctx.keys.get(ctx.db, key) {
        None => ctx.reply.null(),
        Some(entry) => {
            let payload = snapshot::dump(&entry.value(), ctx.settings.dump_target);
            ctx.reply.bulk(&payload.map_err(Error::err)?);
        }
    }
    Ok(())
}

#[derive(Default)]
struct RestoreOptions {
    replace: bool,
    absolute: bool,
    access: Access,
}

impl RestoreOptions {
    fn parse(args: &mut Args<'_>) -> Result<RestoreOptions, Error> {
        let mut options = RestoreOptions::default();
        while !args.is_done() {
            let Access { idle_secs, freq } = options.access;
            if args.keyword("REPLACE") {
                options.replace = true;
            } else if args.keyword("ABSTTL") {
                options.absolute = true;
            } else if args.left() > 1 && freq.is_none() && args.keyword("IDLETIME") {
                let secs = u64::try_from(args.int()?);
                let wrong = |_| Error::err("Invalid IDLETIME value, must be >= 0");
                options.access.idle_secs = Some(secs.map_err(wrong)?);
            } else if args.left() > 1 && idle_secs.is_none() && args.keyword("FREQ") {
                let freq = u8::try_from(args.int()?);
                let wrong = |_| Error::err("Invalid FREQ value, must be >= 0 and <= 255");
                options.access.freq = Some(freq.map_err(wrong)?);
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(options)
    }

    /// The deadline that `ttl` milliseconds stand for; 0 stands for none.
    fn deadline(&self, ttl: i64, now: UnixMillis) -> Result<Option<UnixMillis>, Error> {
        let wrong = || Error::err("Invalid TTL value, must be >= 0");
        match ttl {
            ..0 => Err(wrong()),
            0 => Ok(None),
            ms if self.absolute => Ok(Some(UnixMillis(ms))),
            ms => now.checked_add(ms).map(Some).ok_or_else(wrong),
        }
    }
}

pub(super) fn restore(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key, ttl, payload) = (ctx.args.bytes()?, ctx.args.bytes()?, ctx.args.bytes()?);
    let options = RestoreOptions::parse(&mut ctx.args)?;
    if !options.replace && ctx.keys.exists(ctx.db, key) {
        return Err(Error::BusyKey);
    }
    let ttl = packed::number::parse_i64(ttl).ok_or(Error::NotInteger)?;
    let deadline = options.deadline(ttl, ctx.keys.now())?;
    let value = value_of(ctx, payload)?;
    match deadline {
        Some(deadline) if ctx.is_past(deadline) => {
            if ctx.keys.remove(ctx.db, key) {
                ctx.event(EventClass::GENERIC, "del", key);
                ctx.effects.push(&[b"DEL", key]);
            }
        }
        _ => put(ctx, key, value, deadline, &options),
    }
    ctx.reply.ok();
    Ok(())
}

fn value_of(ctx: &mut Context<'_, '_>, payload: &[u8]) -> Result<Value, Error> {
    let settings = ctx.keys.settings();
    let value = match ctx.settings.skip_checksums {
        true => snapshot::restore_unchecked(payload, &settings),
        false => snapshot::restore(payload, &settings),
    };
    value.map_err(|error| match error {
        RestoreError::NotAPayload(_) => Error::err("DUMP payload version or checksum are wrong"),
        _ => {
            let form = rdb::dump::form(payload);
            ctx.note = Some(format!("{form} integrity check failed in RESTORE: {error}"));
            Error::err("Bad data format")
        }
    })
}

fn put(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    value: Value,
    deadline: Option<UnixMillis>,
    options: &RestoreOptions,
) {
    let ttl = deadline.map_or(Ttl::Clear, Ttl::At);
    ctx.keys.insert(ctx.db, key, value, ttl);
    ctx.event(EventClass::NEW, "new", key);
    ctx.event(EventClass::GENERIC, "restore", key);
    if options.access != Access::default() {
        ctx.keys.set_access(ctx.db, key, options.access);
    }
    if let Some(deadline) = deadline.filter(|_| !options.absolute) {
        repeat_absolute(ctx, deadline);
    }
}

/// Repeats the command with its time to live made a point in time.
fn repeat_absolute(ctx: &mut Context<'_, '_>, deadline: UnixMillis) {
    let mut buffer = itoa::Buffer::new();
    let mut argv = ctx.args.argv().to_vec();
    argv[2] = buffer.format(deadline.0).as_bytes();
    argv.push(b"ABSTTL");
    ctx.effects.push(&argv);
}

#[cfg(test)]
mod tests {
    use crate::testing::{Fixture, quoted, split};

    fn payload(fixture: &mut Fixture, key: &str) -> Vec<u8> {
        let text = fixture.run(&format!("dump {key}"));
        split(&text).expect("a string").remove(0)
    }

    #[test]
    fn every_type_comes_back() {
        let mut fixture = Fixture::new();
        for (line, read) in [
            ("set k hello", "get"),
            ("set k 12", "get"),
            ("rpush k a b 3", "lrange 0 -1"),
            ("sadd k 1 2 3", "smembers"),
            ("sadd k a", "smembers"),
            ("hset k f v", "hgetall"),
            ("zadd k 1.5 m", "zrange 0 -1 withscores"),
        ] {
            fixture.run("del k copy");
            fixture.run(line);
            let payload = payload(&mut fixture, "k");
            let restored = fixture.run_argv(&[&b"restore"[..], b"copy", b"0", &payload]);
            assert_eq!(restored, "OK", "{line}");
            let mut words = read.splitn(2, ' ');
            let (name, rest) = (words.next().expect("a name"), words.next().unwrap_or(""));
            let wanted = fixture.run(&format!("{name} k {rest}"));
            assert_eq!(
                fixture.run(&format!("{name} copy {rest}")),
                wanted,
                "{line}"
            );
        }
    }

    #[test]
    fn times_are_repeated_as_absolute_ones() {
        let mut fixture = Fixture::new();
        fixture.run("set k v");
        let payload = payload(&mut fixture, "k");
        fixture.run_argv(&[&b"restore"[..], b"k", b"1000", &payload, b"replace"]);
        let payload = quoted(&payload);
        assert_eq!(
            fixture.effects(),
            format!("restore k 1700000001000 {payload} replace ABSTTL")
        );
        fixture.run(&format!("restore k 1 {payload} replace absttl"));
        assert_eq!(fixture.effects(), "DEL k");
        assert_eq!(fixture.run("exists k"), "(integer) 0");
    }

    #[test]
    fn bad_payloads_and_options_are_refused() {
        let mut fixture = Fixture::new();
        fixture.run("set k v");
        let payload = quoted(&payload(&mut fixture, "k"));
        for (line, wanted) in [
            ("k 0 P", "BUSYKEY Target key name already exists."),
            ("n -1 P", "ERR Invalid TTL value, must be >= 0"),
            (
                "n 0 short",
                "ERR DUMP payload version or checksum are wrong",
            ),
            (
                "n 0 P idletime -1",
                "ERR Invalid IDLETIME value, must be >= 0",
            ),
            (
                "n 0 P freq 256",
                "ERR Invalid FREQ value, must be >= 0 and <= 255",
            ),
            ("n 0 P freq 1 idletime 1", "ERR syntax error"),
            ("n x P", "ERR value is not an integer or out of range"),
        ] {
            let line = line.replace('P', &payload);
            let reply = fixture.run(&format!("restore {line}"));
            assert_eq!(reply, format!("(error) {wanted}"), "{line}");
        }
        assert_eq!(fixture.run("dump nokey"), "(nil)");
    }
}
