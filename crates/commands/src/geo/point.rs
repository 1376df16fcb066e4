//! Commands on single places.

use super::area::distance;
use super::cell::{Cell, GLOBE, LonLat, MERCATOR, STEP_MAX, place_of};
use crate::float::LongDouble;
use crate::{Args, Context, Error, EventClass, Outcome, Protocol, ReplySink};
use keyspace::{IfMissing, Zset, ZsetRef};
use packed::number;

/// Takes a longitude and a latitude within the grid.
pub(super) fn lon_lat(args: &mut Args<'_>) -> Result<LonLat, Error> {
    let (lon, lat) = (args.float()?, args.float()?);
    let at = LonLat { lon, lat };
    if MERCATOR.contains(at) {
        Ok(at)
    } else {
        let text = format!("invalid longitude,latitude pair {lon:.6},{lat:.6}");
        Err(Error::err(text))
    }
}

/// Takes a unit of length; how many metres it is.
pub(super) fn unit(args: &mut Args<'_>) -> Result<f64, Error> {
    let units = [("M", 1.0), ("KM", 1000.0), ("FT", 0.3048), ("MI", 1609.34)];
    units
        .into_iter()
        .find_map(|(word, metres)| args.keyword(word).then_some(metres))
        .ok_or_else(|| Error::err("unsupported unit provided. please use M, KM, FT, MI"))
}

/// Answers with longitude and latitude, with as many digits as there are.
pub(super) fn reply_place(reply: &mut dyn ReplySink, at: LonLat) {
    reply.array(2);
    for degrees in [at.lon, at.lat] {
        let text = LongDouble::from(degrees).to_text();
        if reply.protocol() == Protocol::Resp3 {
            // A script sees what a client would read.
            let told = number::parse_f64(&text).unwrap_or(degrees);
            reply.double_as(told, &text);
        } else {
            reply.bulk(&text);
        }
    }
}

/// Answers with a distance, four digits behind the point.
pub(super) fn reply_distance(reply: &mut dyn ReplySink, distance: f64) {
    reply.bulk(format!("{distance:.4}").as_bytes());
}

struct GeoAdd<'a> {
    only_missing: bool,
    only_existing: bool,
    count_changed: bool,
    places: Vec<(u64, &'a [u8])>,
}

impl<'a> GeoAdd<'a> {
    fn parse(args: &mut Args<'a>) -> Result<GeoAdd<'a>, Error> {
        let mut add = GeoAdd {
            only_missing: false,
            only_existing: false,
            count_changed: false,
            places: Vec::new(),
        };
        loop {
            if args.keyword("NX") {
                add.only_missing = true;
            } else if args.keyword("XX") {
                add.only_existing = true;
            } else if args.keyword("CH") {
                add.count_changed = true;
            } else {
                break;
            }
        }
        let contradicts = add.only_missing && add.only_existing;
        if !args.left().is_multiple_of(3) || contradicts || args.is_done() {
            return Err(Error::Syntax);
        }
        while !args.is_done() {
            let cell = Cell::around(lon_lat(args)?, STEP_MAX, MERCATOR);
            add.places.push((cell.bits(), args.bytes()?));
        }
        Ok(add)
    }

    fn wants(&self, exists: bool) -> bool {
        !(self.only_missing && exists || self.only_existing && !exists)
    }
}

pub(super) fn geoadd(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let add = GeoAdd::parse(&mut ctx.args)?;
    let (settings, before) = (ctx.keys.settings(), ctx.keys.changes());
    let missing = if add.only_existing {
        IfMissing::Skip
    } else {
        IfMissing::Create
    };
    let counts = ctx.keys.edit(ctx.db, key, missing, |zset: &mut Zset| {
        let (mut added, mut moved) = (0, 0);
        for &(bits, member) in &add.places {
            let score = bits as f64;
            let old = zset.as_ref().score(member);
            if add.wants(old.is_some()) && old != Some(score) {
                zset.insert(&settings, member, score);
                added += i64::from(old.is_none());
                moved += i64::from(old.is_some());
            }
        }
        (added, moved)
    })?;
    ctx.event_if_changed(before, EventClass::ZSET, "zadd", key);
    let (added, moved) = counts.unwrap_or_default();
    ctx.reply.integer(if add.count_changed {
        added + moved
    } else {
        added
    });
    if ctx.keys.changes() != before {
        repeat_as_zadd(ctx, &add);
    }
    Ok(())
}

/// Scores say the same as places, and every server adds them alike.
fn repeat_as_zadd(ctx: &mut Context<'_, '_>, add: &GeoAdd<'_>) {
    let argv = ctx.args.argv();
    let options = argv.len() - 3 * add.places.len();
    let scores: Vec<String> = add
        .places
        .iter()
        .map(|(bits, _)| bits.to_string())
        .collect();
    let mut zadd: Vec<&[u8]> = vec![b"ZADD"];
    zadd.extend(&argv[1..options]);
    for (score, (_, member)) in scores.iter().zip(&add.places) {
        zadd.extend([score.as_bytes(), member]);
    }
    ctx.effects.push(&zadd);
}

fn place_at(zset: Option<ZsetRef<'_>>, member: &[u8]) -> Option<LonLat> {
    zset?.score(member).map(place_of)
}

pub(super) fn geopos(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let members = ctx.args.rest();
    let zset = ctx.keys.zset(ctx.db, key)?;
    ctx.reply.array(members.len());
    for member in members {
        match place_at(zset, member) {
            Some(at) => reply_place(ctx.reply, at),
            None => ctx.reply.null_array(),
        }
    }
    Ok(())
}

pub(super) fn geodist(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let (a, b) = (ctx.args.bytes()?, ctx.args.bytes()?);
    if ctx.args.left() > 1 {
        return Err(Error::Syntax);
    }
    let metres = if ctx.args.is_done() {
        1.0
    } else {
        unit(&mut ctx.args)?
    };
    let zset = ctx.keys.zset(ctx.db, key)?;
    match place_at(zset, a).zip(place_at(zset, b)) {
        Some((a, b)) => reply_distance(ctx.reply, distance(a, b) / metres),
        None => ctx.reply.null(),
    }
    Ok(())
}

pub(super) fn geohash(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let members = ctx.args.rest();
    let zset = ctx.keys.zset(ctx.db, key)?;
    ctx.reply.array(members.len());
    for member in members {
        match place_at(zset, member) {
            Some(at) => ctx.reply.bulk(&hash_text(at)),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}

/// The standard string of 11 letters. Scores have the bits for ten of them; the last is a zero.
fn hash_text(at: LonLat) -> [u8; 11] {
    const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
    let bits = Cell::around(at, STEP_MAX, GLOBE).bits();
    let mut text = [LETTERS[0]; 11];
    for (i, letter) in text.iter_mut().take(10).enumerate() {
        *letter = LETTERS[(bits >> (47 - 5 * i)) as usize % 32];
    }
    text
}
