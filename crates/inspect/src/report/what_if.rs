//! What would fit, for people and for programs.

use super::table::Table;
use super::{bytes, number};
use crate::record::Type;
use crate::summary::Share;
use crate::what_if::{Outcome, Policy, SERVER, sum};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Writes as text what stays under a policy, and under a limit if there is one.
pub fn write_what_if(
    outcome: &Outcome,
    policy: Policy,
    maxmemory: Option<u64>,
    out: &mut impl Write,
) -> io::Result<()> {
    let keys = sum(&outcome.keys);
    writeln!(
        out,
        "{} keys need {}: {} for themselves, {} for the tables' buckets, {} for the server",
        number(keys.keys),
        bytes(outcome.need()),
        bytes(keys.memory),
        bytes(outcome.buckets),
        bytes(SERVER),
    )?;
    if outcome.as_filed != keys.memory {
        let (change, than) = match outcome.as_filed.checked_sub(keys.memory) {
            Some(less) => (less, "less"),
            None => (keys.memory - outcome.as_filed, "more"),
        };
        writeln!(
            out,
            "{} {than} than in the forms of the file",
            bytes(change)
        )?;
    }
    if let Some(maxmemory) = maxmemory {
        verdict(outcome, policy, maxmemory, out)?;
    }
    types(outcome, out)
}

fn verdict(
    outcome: &Outcome,
    policy: Policy,
    maxmemory: u64,
    out: &mut impl Write,
) -> io::Result<()> {
    let (limit, policy) = (bytes(maxmemory), policy.name());
    let evicted = sum(&outcome.evicted);
    let share = evicted.keys as f64 * 100.0 / sum(&outcome.keys).keys.max(1) as f64;
    let gone = format!("{} keys ({share:.1}%)", number(evicted.keys));
    if outcome.used() > maxmemory {
        let missing = bytes(outcome.used() - maxmemory);
        writeln!(
            out,
            "Does not fit under {limit} with {policy}: {missing} too much without {gone}, all that it may take"
        )?;
    } else if evicted.keys == 0 {
        let free = bytes(maxmemory - outcome.used());
        writeln!(out, "Fits under {limit}, {free} are left")?;
    } else {
        let freed = bytes(evicted.memory);
        writeln!(
            out,
            "Fits under {limit} with {policy}: {gone} of {freed} are evicted"
        )?;
    }
    if outcome.unranked > 0 && evicted.keys > 0 {
        let unknown = number(outcome.unranked);
        writeln!(
            out,
            "The file does not say how {unknown} of the keys were used: these go last, by lot"
        )?;
    }
    Ok(())
}

fn types(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new(&[
        "TYPE", ">KEYS", ">MEMORY", ">EVICTED", ">MEMORY", ">STAY", ">MEMORY",
    ]);
    for (kind, all, gone) in rows(outcome) {
        let both = |share: Share| [number(share.keys), bytes(share.memory)];
        let [keys, memory] = both(all);
        let [evicted, freed] = both(gone);
        let [stay, used] = both(Share {
            keys: all.keys - gone.keys,
            memory: all.memory - gone.memory,
        });
        table.push([
            kind.name().to_owned(),
            keys,
            memory,
            evicted,
            freed,
            stay,
            used,
        ]);
    }
    table.write("Types", out)
}

/// Types that there are: all keys, and the evicted ones.
fn rows(outcome: &Outcome) -> impl Iterator<Item = (Type, Share, Share)> + '_ {
    let shares = outcome.keys.iter().zip(&outcome.evicted);
    let rows = Type::ALL.into_iter().zip(shares);
    let rows = rows.map(|(kind, (all, gone))| (kind, *all, *gone));
    rows.filter(|(_, all, _)| all.keys > 0)
}

/// The same as `what-if/1`. Sizes are bytes.
pub fn what_if_json(outcome: &Outcome, policy: Policy, maxmemory: Option<u64>) -> Value {
    let share = |share: Share| json!({"keys": share.keys, "memory": share.memory});
    let types = rows(outcome).map(|(kind, all, gone)| {
        let row = json!({"all": share(all), "evicted": share(gone)});
        (kind.name().to_owned(), row)
    });
    json!({
        "format": "what-if/1",
        "policy": policy.name(),
        "maxmemory": maxmemory,
        "fits": maxmemory.is_none_or(|most| outcome.used() <= most),
        "need": outcome.need(),
        "used": outcome.used(),
        "server": SERVER,
        "buckets": outcome.buckets,
        "as_filed": outcome.as_filed,
        "all": share(sum(&outcome.keys)),
        "evictable": share(outcome.evictable),
        "evicted": share(sum(&outcome.evicted)),
        "unranked": outcome.unranked,
        "types": types.collect::<Map<_, _>>(),
    })
}
