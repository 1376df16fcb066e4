//! Approximate counts of distinct elements, in strings laid out as Redis lays them out.
//!
//! # Layout
//!
//! ```text
//! offset  size   field
//! 0       4      magic        "HYLL"
//! 4       1      encoding     0 dense, 1 sparse
//! 5       3      unused       zeros
//! 8       8      cardinality  little-endian; its highest bit says that it is out of date
//! 16      ..     registers    16,384 of them, see `dense.rs` and `sparse.rs`
//! ```
//!
//! An element picks a register by its hash, and the register keeps the longest run of zero bits
//! (plus one) seen in the rest of the hash.

mod debug;
mod dense;
mod estimate;
mod hash;
mod self_test;
mod sketch;
mod sparse;

use crate::{Command, Context, Error, EventClass, Flags, Group, KeyAccess, KeySpec, Outcome, Spec};
use hash::Place;
use keyspace::{Mode, Ttl};
use sketch::Sketch;
use std::borrow::Cow;

/// How many registers there are: 2^14.
const REGISTERS: usize = 1 << 14;
const HEADER_LEN: usize = 16;

const fn row(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::HyperLogLog, flags).keys(KeySpec::ALL)
}

/// One key behind a subcommand.
const SECOND: KeySpec = KeySpec::Range {
    first: 2,
    last: 2,
    step: 1,
};

#[rustfmt::skip]
pub(crate) const COMMANDS: &[Command] = &[
    Command::new(row("pfadd", -2, Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST)).keys(KeySpec::FIRST).access(&[KeyAccess::GROW])
        .doc("2.8.9", "O(1) for each element", "key [element [element ...]]", "Counts elements in, creating the HyperLogLog if need be."), pfadd),
    Command::new(row("pfcount", -2, Flags::READONLY.union(Flags::MAY_REPLICATE)).access(&[KeyAccess::READ_AND_KEEP])
        .doc("2.8.9", "O(1) for one key, O(N) for N", "key [key ...]", "Estimates how many distinct elements were counted in."), pfcount),
    Command::new(row("pfmerge", -2, Flags::WRITE.union(Flags::DENYOOM)).access(&[KeyAccess::MERGE, KeyAccess::READ])
        .doc("2.8.9", "O(N) where N is the number of keys", "destkey [sourcekey [sourcekey ...]]", "Merges HyperLogLogs into one."), pfmerge),
    Command::new(row("pfdebug", 3, Flags::WRITE.union(Flags::DENYOOM).union(Flags::ADMIN)).keys(SECOND).access(&[KeyAccess::READ_AND_KEEP])
        .doc("2.8.9", "O(N) where N is the number of registers", "<GETREG | DECODE | ENCODING | TODENSE> key", "Shows how a HyperLogLog is kept, or makes it dense."), debug::pfdebug),
    Command::new(row("pfselftest", 1, Flags::ADMIN).keys(KeySpec::None)
        .doc("2.8.9", "O(1)", "", "Checks registers and estimates of HyperLogLogs of its own."), self_test::pfselftest),
];

/// The string at a key, if it is a HyperLogLog.
fn stored<'k>(ctx: &'k Context<'_, '_>, key: &[u8]) -> Result<Option<Cow<'k, [u8]>>, Error> {
    let Some(string) = ctx.keys.string(ctx.db, key)? else {
        return Ok(None);
    };
    let bytes = string.as_cow();
    if sketch::looks_right(&bytes) {
        Ok(Some(bytes))
    } else {
        let line = "WRONGTYPE Key is not a valid HyperLogLog string value.";
        Err(Error::Text(line.into()))
    }
}

fn pfadd(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let places: Vec<Place> = ctx
        .args
        .rest()
        .iter()
        .map(|element| Place::of(element))
        .collect();
    let found = stored(ctx, key)?;
    let updated = match found {
        None => Some(Sketch::empty()),
        Some(bytes) if sketch::would_change(&bytes, &places)? => {
            Some(Sketch::from_bytes(bytes.into_owned()))
        }
        Some(_) => None,
    };
    let changed = updated.is_some();
    if let Some(mut sketch) = updated {
        let sparse_max = ctx.settings.hll_sparse_max_bytes;
        for place in places {
            sketch.raise(place, sparse_max)?;
        }
        sketch.mark_stale();
        ctx.keys.set_string(ctx.db, key, sketch.bytes(), Ttl::Keep);
        ctx.event(EventClass::STRING, "pfadd", key);
    }
    ctx.reply.integer(changed.into());
    Ok(())
}

fn pfcount(ctx: &mut Context<'_, '_>) -> Outcome {
    let count = match ctx.args.rest() {
        [key] => count_one(ctx, key)?,
        keys => {
            let registers = merged(ctx, keys)?.0;
            estimate::cardinality(&estimate::histogram(&registers))
        }
    };
    ctx.reply.integer(count as i64);
    Ok(())
}

/// The count of one key, from the header if that is up to date. Under a lock for writing the header
/// is brought up to date.
fn count_one(ctx: &mut Context<'_, '_>, key: &[u8]) -> Result<u64, Error> {
    let Some(bytes) = stored(ctx, key)? else {
        return Ok(0);
    };
    if let Some(count) = sketch::cached(&bytes) {
        return Ok(count);
    }
    let registers = sketch::registers(&bytes)?;
    let count = estimate::cardinality(&estimate::histogram(&registers));
    if ctx.keys.mode() == Mode::Write {
        let mut sketch = Sketch::from_bytes(bytes.into_owned());
        sketch.cache(count);
        ctx.keys.set_string(ctx.db, key, sketch.bytes(), Ttl::Keep);
    }
    Ok(count)
}

/// The largest of each register over several keys, and whether any of them is dense.
fn merged(ctx: &Context<'_, '_>, keys: &[&[u8]]) -> Result<(Box<[u8; REGISTERS]>, bool), Error> {
    let mut largest = Box::new([0; REGISTERS]);
    let mut any_dense = false;
    for key in keys {
        if let Some(bytes) = stored(ctx, key)? {
            any_dense |= sketch::is_dense(&bytes);
            for (into, register) in largest.iter_mut().zip(*sketch::registers(&bytes)?) {
                *into = register.max(*into);
            }
        }
    }
    Ok((largest, any_dense))
}

fn pfmerge(ctx: &mut Context<'_, '_>) -> Outcome {
    let keys = ctx.args.rest();
    let dest = keys.first().ok_or(Error::Syntax)?;
    let (registers, any_dense) = merged(ctx, keys)?;
    let mut sketch = match stored(ctx, dest)? {
        Some(bytes) => Sketch::from_bytes(bytes.into_owned()),
        None => Sketch::empty(),
    };
    if any_dense {
        sketch.make_dense()?;
    }
    let sparse_max = ctx.settings.hll_sparse_max_bytes;
    for (register, &count) in registers
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
    {
        sketch.raise(Place { register, count }, sparse_max)?;
    }
    sketch.mark_stale();
    keys.iter().for_each(|key| ctx.event_if_missing(key));
    ctx.keys.set_string(ctx.db, dest, sketch.bytes(), Ttl::Keep);
    ctx.event(EventClass::STRING, "pfadd", dest);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Fixture, check_effects, check_transcript, split};

    #[test]
    fn transcript() {
        check_transcript("hyperloglog");
    }

    #[test]
    fn effects_make_a_twin() {
        check_effects("hyperloglog");
    }

    /// FNV-1a, to compare long strings by.
    fn fingerprint(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    }

    /// Lengths, fingerprints and estimates are those of Redis 7.0.15 after the same commands.
    #[test]
    fn bytes_are_those_of_redis() {
        let known = [
            (10, 48, 0x77f1_dfb6_ec0d_7ad9, 10),
            (100, 285, 0x9cfd_c474_69f3_e036, 99),
            (500, 1050, 0xd131_8b49_f4cd_c7b7, 502),
            (1000, 1897, 0x1280_14a6_d03b_338e, 997),
            (1100, 2057, 0xf837_138b_4c4c_639e, 1095),
            (1200, 2230, 0x4bed_0bdc_1100_1c89, 1198),
            (1500, 2722, 0xd5e8_f914_0402_842a, 1500),
            (3000, 12304, 0xf1b8_2e7c_db68_02eb, 3002),
        ];
        let mut fixture = Fixture::new();
        let mut added = 0;
        for (elements, len, wanted, count) in known {
            for i in added..elements {
                fixture.run(&format!("pfadd k element:{i}"));
            }
            added = elements;
            let bytes = split(&fixture.run("get k")).expect("a string").remove(0);
            assert_eq!(
                (bytes.len(), fingerprint(&bytes)),
                (len, wanted),
                "{elements}"
            );
            assert_eq!(fixture.run("pfcount k"), format!("(integer) {count}"));
        }
    }

    #[test]
    fn broken_runs_are_refused() {
        let mut fixture = Fixture::new();
        // Runs that go past the last register, and runs that end before it.
        for runs in [r"\x7f\xff\x7f\xff", r"\x80", r"\x7f", r"\x7f\xff\x80"] {
            let header = r"HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80";
            fixture.run(&format!("set k \"{header}{runs}\""));
            for command in ["pfadd k a", "pfcount k", "pfcount k k", "pfmerge k k"] {
                let reply = fixture.run(command);
                assert_eq!(
                    reply, "(error) INVALIDOBJ Corrupted HLL object detected",
                    "{runs}"
                );
            }
        }
    }
}
