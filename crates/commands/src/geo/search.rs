//! Searches, under their newer and their older names.

use super::area::{Area, Shape};
use super::cell::{LonLat, place_of};
use super::point::{lon_lat, reply_distance, reply_place, unit};
use super::polygon::Polygon;
use crate::{Args, Context, Error, EventClass, Outcome, ReplySink};
use keyspace::{Edit, ScoreBound, Ttl, Zset, ZsetRef};
use packed::number;

/// Where the middle of a search is.
#[derive(Clone, Copy)]
enum Middle {
    At(LonLat),
    /// Where a member is; nowhere if there is no key.
    Member(Option<LonLat>),
}

impl Middle {
    fn of_member(zset: Option<ZsetRef<'_>>, member: &[u8]) -> Result<Middle, Error> {
        let place = |zset: ZsetRef<'_>| zset.score(member).map(place_of);
        let unknown = || Error::err("could not decode requested zset member");
        let found = zset.map(|zset| place(zset).ok_or_else(unknown));
        Ok(Middle::Member(found.transpose()?))
    }
}

/// Whether and where results are kept instead of being told.
#[derive(Clone, Copy)]
struct Store<'a> {
    key: &'a [u8],
    distances: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Ascending,
    Descending,
}

/// Which words a command knows.
#[derive(Clone, Copy, PartialEq)]
enum Dialect {
    Search,
    SearchStore,
    Radius,
    RadiusReadOnly,
}

impl Dialect {
    /// What is told of a key in which the result was stored.
    fn store_event(self) -> &'static str {
        match self {
            Dialect::Search | Dialect::SearchStore => "geosearchstore",
            Dialect::Radius | Dialect::RadiusReadOnly => "georadiusstore",
        }
    }
}

#[derive(Default)]
struct Search<'a> {
    middle: Option<Middle>,
    shape: Option<Shape>,
    /// Metres in the unit of the request.
    unit: f64,
    order: Option<Order>,
    /// 0 for all.
    count: usize,
    any: bool,
    with_coord: bool,
    with_dist: bool,
    with_hash: bool,
    store: Option<Store<'a>>,
}

struct Found {
    member: Vec<u8>,
    score: f64,
    at: LonLat,
    /// Metres from the middle.
    distance: f64,
}

pub(super) fn geosearch(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    run(ctx, key, Search::default(), Dialect::Search)
}

pub(super) fn geosearchstore(ctx: &mut Context<'_, '_>) -> Outcome {
    let (dest, key) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let store = Some(Store {
        key: dest,
        distances: false,
    });
    let search = Search {
        store,
        ..Search::default()
    };
    run(ctx, key, search, Dialect::SearchStore)
}

pub(super) fn georadius(ctx: &mut Context<'_, '_>) -> Outcome {
    radius(ctx, false, Dialect::Radius)
}

pub(super) fn georadius_ro(ctx: &mut Context<'_, '_>) -> Outcome {
    radius(ctx, false, Dialect::RadiusReadOnly)
}

pub(super) fn georadiusbymember(ctx: &mut Context<'_, '_>) -> Outcome {
    radius(ctx, true, Dialect::Radius)
}

pub(super) fn georadiusbymember_ro(ctx: &mut Context<'_, '_>) -> Outcome {
    radius(ctx, true, Dialect::RadiusReadOnly)
}

fn radius(ctx: &mut Context<'_, '_>, by_member: bool, dialect: Dialect) -> Outcome {
    let key = ctx.args.bytes()?;
    let zset = ctx.keys.zset(ctx.db, key)?;
    let mut search = Search::default();
    if by_member {
        let middle = Middle::of_member(zset, ctx.args.bytes()?)?;
        search.middle = Some(middle);
    } else {
        search.middle = Some(Middle::At(lon_lat(&mut ctx.args)?));
    }
    if by_member && zset.is_none() {
        // Servers do not look at a radius around nothing.
        ctx.args.take(2)?;
        search.shape = Some(Shape::Circle { radius: 0.0 });
    } else {
        search.circle(&mut ctx.args)?;
    }
    run(ctx, key, search, dialect)
}

fn run<'a>(
    ctx: &mut Context<'a, '_>,
    key: &[u8],
    mut search: Search<'a>,
    dialect: Dialect,
) -> Outcome {
    let zset = ctx.keys.zset(ctx.db, key)?;
    search.parse_options(&mut ctx.args, zset, dialect)?;
    search.check(ctx.args.argv(), dialect)?;
    let found = match zset {
        Some(zset) => search.find(zset),
        None => Vec::new(),
    };
    if matches!(dialect, Dialect::SearchStore | Dialect::Radius) {
        ctx.event_if_missing(key);
    }
    match search.store {
        Some(store) => keep(ctx, &search, store, &found, dialect),
        None => search.tell(ctx.reply, &found),
    }
    Ok(())
}

impl<'a> Search<'a> {
    fn parse_options(
        &mut self,
        args: &mut Args<'a>,
        zset: Option<ZsetRef<'_>>,
        dialect: Dialect,
    ) -> Result<(), Error> {
        let is_search = matches!(dialect, Dialect::Search | Dialect::SearchStore);
        while !args.is_done() {
            let known = self.parse_plain(args)?
                || is_search && self.parse_area(args, zset)?
                || self.parse_store(args, dialect)?;
            if !known {
                return Err(Error::Syntax);
            }
        }
        Ok(())
    }

    /// Takes a word that every dialect knows, if one is next.
    fn parse_plain(&mut self, args: &mut Args<'a>) -> Result<bool, Error> {
        if args.keyword("WITHDIST") {
            self.with_dist = true;
        } else if args.keyword("WITHHASH") {
            self.with_hash = true;
        } else if args.keyword("WITHCOORD") {
            self.with_coord = true;
        } else if args.keyword("ANY") {
            self.any = true;
        } else if args.keyword("ASC") {
            self.order = Some(Order::Ascending);
        } else if args.keyword("DESC") {
            self.order = Some(Order::Descending);
        } else if args.left() > 1 && args.keyword("COUNT") {
            let count = usize::try_from(args.int()?).ok().filter(|count| *count > 0);
            self.count = count.ok_or_else(|| Error::err("COUNT must be > 0"))?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Takes one of the words that say where GEOSEARCH looks, if one is next. A second one of a
    /// kind is not known.
    fn parse_area(
        &mut self,
        args: &mut Args<'a>,
        zset: Option<ZsetRef<'_>>,
    ) -> Result<bool, Error> {
        let at_place = matches!(self.middle, Some(Middle::At(_)));
        let at_member = matches!(self.middle, Some(Middle::Member(_)));
        let circle = matches!(self.shape, Some(Shape::Circle { .. }));
        let in_box = matches!(self.shape, Some(Shape::Box { .. }));
        if matches!(self.shape, None | Some(Shape::Polygon(_))) && self.middle.is_none() {
            if args.left() > 1 && args.keyword("BYPOLYGON") {
                self.polygon(args)?;
                return Ok(true);
            }
            if self.shape.is_some() {
                return Ok(false);
            }
        }
        if args.left() > 1 && !at_place && args.keyword("FROMMEMBER") {
            self.middle = Some(Middle::of_member(zset, args.bytes()?)?);
        } else if args.left() > 2 && !at_member && args.keyword("FROMLONLAT") {
            self.middle = Some(Middle::At(lon_lat(args)?));
        } else if args.left() > 2 && !in_box && args.keyword("BYRADIUS") {
            self.circle(args)?;
        } else if args.left() > 3 && !circle && args.keyword("BYBOX") {
            self.rectangle(args)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn parse_store(&mut self, args: &mut Args<'a>, dialect: Dialect) -> Result<bool, Error> {
        match (dialect, &mut self.store) {
            (Dialect::SearchStore, Some(store)) if args.keyword("STOREDIST") => {
                store.distances = true;
                return Ok(true);
            }
            (Dialect::Radius, _) if args.left() > 1 => {}
            _ => return Ok(false),
        }
        let distances = args.keyword("STOREDIST");
        if !distances && !args.keyword("STORE") {
            return Ok(false);
        }
        let key = args.bytes()?;
        self.store = Some(Store { key, distances });
        Ok(true)
    }

    fn circle(&mut self, args: &mut Args<'a>) -> Result<(), Error> {
        let radius = length(args, "need numeric radius")?;
        if radius < 0.0 {
            return Err(Error::err("radius cannot be negative"));
        }
        self.unit = unit(args)?;
        let radius = radius * self.unit;
        self.shape = Some(Shape::Circle { radius });
        Ok(())
    }

    fn rectangle(&mut self, args: &mut Args<'a>) -> Result<(), Error> {
        let width = length(args, "need numeric width")?;
        let height = length(args, "need numeric height")?;
        if width < 0.0 || height < 0.0 {
            return Err(Error::err("height or width cannot be negative"));
        }
        self.unit = unit(args)?;
        let (width, height) = (width * self.unit, height * self.unit);
        self.shape = Some(Shape::Box { width, height });
        Ok(())
    }

    /// A polygon has no unit of its own: distances are in metres.
    fn polygon(&mut self, args: &mut Args<'a>) -> Result<(), Error> {
        self.shape = Some(Shape::Polygon(Polygon::parse(args)?));
        self.unit = 1.0;
        Ok(())
    }

    fn check(&self, argv: &[&[u8]], dialect: Dialect) -> Result<(), Error> {
        let name = String::from_utf8_lossy(argv.first().copied().unwrap_or_default());
        let with = self.with_coord || self.with_dist || self.with_hash;
        if self.store.is_some() && with {
            let what = match dialect {
                Dialect::SearchStore => "GEOSEARCHSTORE",
                _ => "STORE option in GEORADIUS",
            };
            return Err(Error::err(format!(
                "{what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        let in_polygon = matches!(self.shape, Some(Shape::Polygon(_)));
        let missing = if self.middle.is_none() && !in_polygon {
            "FROMMEMBER or FROMLONLAT"
        } else if self.shape.is_none() {
            "BYRADIUS and BYBOX"
        } else if self.any && self.count == 0 {
            return Err(Error::err("the ANY argument requires COUNT argument"));
        } else {
            return Ok(());
        };
        Err(Error::err(format!(
            "exactly one of {missing} can be specified for {name}"
        )))
    }

    /// Nothing if the middle is nowhere.
    fn area(&self) -> Option<Area> {
        let shape = self.shape.clone()?;
        let middle = match (self.middle, &shape) {
            (_, Shape::Polygon(polygon)) => polygon.centroid(),
            (Some(Middle::At(at) | Middle::Member(Some(at))), _) => at,
            (Some(Middle::Member(None)) | None, _) => return None,
        };
        Some(Area { middle, shape })
    }

    /// What is inside, in the order of the reply, and no more than was asked for.
    fn find(&self, zset: ZsetRef<'_>) -> Vec<Found> {
        let Some(area) = self.area() else {
            return Vec::new();
        };
        let enough = if self.any { self.count } else { usize::MAX };
        let mut found = inside(zset, &area, enough);
        // The nearest few can only be told by sorting; any few need not be.
        let sorted = self
            .order
            .or((self.count > 0 && !self.any).then_some(Order::Ascending));
        match sorted {
            Some(Order::Ascending) => found.sort_by(|a, b| a.distance.total_cmp(&b.distance)),
            Some(Order::Descending) => found.sort_by(|a, b| b.distance.total_cmp(&a.distance)),
            None => {}
        }
        if self.count > 0 {
            found.truncate(self.count);
        }
        found
    }

    fn tell(&self, reply: &mut dyn ReplySink, found: &[Found]) {
        let details = [self.with_dist, self.with_hash, self.with_coord];
        let details = details.into_iter().filter(|asked| *asked).count();
        reply.array(found.len());
        for place in found {
            if details > 0 {
                reply.array(1 + details);
            }
            reply.bulk(&place.member);
            if self.with_dist {
                reply_distance(reply, place.distance / self.unit);
            }
            if self.with_hash {
                reply.integer(place.score as i64);
            }
            if self.with_coord {
                reply_place(reply, place.at);
            }
        }
    }
}

fn length(args: &mut Args<'_>, wrong: &'static str) -> Result<f64, Error> {
    let number = number::parse_f64(args.bytes()?).filter(|number| !number.is_nan());
    number.ok_or_else(|| Error::err(wrong))
}

/// The places inside an area, cell by cell; at most `enough` of them.
fn inside(zset: ZsetRef<'_>, area: &Area, enough: usize) -> Vec<Found> {
    let mut found = Vec::new();
    for cell in area.cells() {
        let (first, end) = cell.scores();
        let (first, end) = (first as f64, end as f64);
        let (first, end) = (ScoreBound::Inclusive(first), ScoreBound::Exclusive(end));
        for (member, score) in zset.range_by_score(first, end, false) {
            if found.len() >= enough {
                return found;
            }
            let at = place_of(score);
            if let Some(distance) = area.distance_inside(at) {
                let member = member.to_vec();
                found.push(Found {
                    member,
                    score,
                    at,
                    distance,
                });
            }
        }
    }
    found
}

/// Stores what was found in place of whatever the key held; nothing found removes it.
fn keep(
    ctx: &mut Context<'_, '_>,
    search: &Search<'_>,
    store: Store<'_>,
    found: &[Found],
    dialect: Dialect,
) {
    if found.is_empty() {
        ctx.remove_stored(store.key);
    } else {
        let settings = ctx.keys.settings();
        let mut zset = Zset::empty(&settings);
        for place in found {
            let distance = place.distance / search.unit;
            let score = if store.distances {
                distance
            } else {
                place.score
            };
            zset.insert(&settings, &place.member, score);
        }
        ctx.keys
            .insert(ctx.db, store.key, zset.into_value(), Ttl::Clear);
        ctx.event(EventClass::ZSET, dialect.store_event(), store.key);
    }
    ctx.reply.integer(found.len() as i64);
}
