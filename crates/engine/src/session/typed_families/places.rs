//! Sorted sets of places.

use super::Argv;
use crate::session::Session;
use commands::Error;

/// Longitude and latitude, in degrees.
pub type Place = (f64, f64);

/// An area that members are looked for in: within it all, the nearest first, unless said otherwise.
/// Lengths are metres.
#[derive(Debug, Clone, PartialEq)]
pub struct GeoArea {
    from: From,
    by: By,
    count: Option<usize>,
    farthest_first: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum From {
    Place(Place),
    Member(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Radius(f64),
    Box { width: f64, height: f64 },
}

impl GeoArea {
    /// A circle around a place (`FROMLONLAT`, `BYRADIUS`).
    pub fn around(place: Place, radius: f64) -> GeoArea {
        GeoArea::new(From::Place(place), radius)
    }

    /// A circle around a member (`FROMMEMBER`, `BYRADIUS`).
    pub fn around_member(member: impl AsRef<[u8]>, radius: f64) -> GeoArea {
        GeoArea::new(From::Member(member.as_ref().to_vec()), radius)
    }

    fn new(from: From, radius: f64) -> GeoArea {
        GeoArea {
            from,
            by: By::Radius(radius),
            count: None,
            farthest_first: false,
        }
    }

    /// A rectangle of this size with the same middle instead (`BYBOX`).
    pub fn rectangle(mut self, width: f64, height: f64) -> GeoArea {
        self.by = By::Box { width, height };
        self
    }

    /// At most `count` (`COUNT`).
    pub fn count(mut self, count: usize) -> GeoArea {
        self.count = Some(count);
        self
    }

    /// The farthest first (`DESC`).
    pub fn farthest_first(mut self) -> GeoArea {
        self.farthest_first = true;
        self
    }

    fn add_to<'a>(&'a self, argv: Argv<'a>) -> Argv<'a> {
        let argv = match &self.from {
            From::Place((lon, lat)) => argv.token("FROMLONLAT").number(lon).number(lat),
            From::Member(member) => argv.token("FROMMEMBER").word(member),
        };
        let argv = match self.by {
            By::Radius(radius) => argv.token("BYRADIUS").number(radius),
            By::Box { width, height } => argv.token("BYBOX").number(width).number(height),
        };
        let order = if self.farthest_first { "DESC" } else { "ASC" };
        argv.token("M").token(order).option("COUNT", self.count)
    }
}

impl Session {
    /// Puts members at places and returns how many are new. Like `GEOADD`.
    ///
    /// ```
    /// use duramen::{Engine, GeoArea};
    /// let mut session = Engine::open_in_memory().session();
    /// let places = [((13.361389, 38.115556), "Palermo"), ((15.087269, 37.502669), "Catania")];
    /// assert_eq!(session.geoadd("sicily", &places)?, 2);
    /// let metres = session.geodist("sicily", "Palermo", "Catania")?.unwrap();
    /// assert_eq!(metres.round(), 166274.0);
    /// let near = session.geosearch("sicily", &GeoArea::around((15.0, 37.0), 100_000.0))?;
    /// assert_eq!((near.len(), &near[0].0[..]), (1, &b"Catania"[..]));
    /// let all = GeoArea::around_member("Palermo", 0.0).rectangle(4e5, 4e5).farthest_first();
    /// assert_eq!(session.geosearch_into("sicily", "found", &all.count(1))?, 1);
    /// let (lon, lat) = session.geopos("sicily", &["Palermo"])?[0].unwrap();
    /// assert!((lon - 13.361389).abs() < 1e-5 && (lat - 38.115556).abs() < 1e-5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn geoadd<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        members: &[(Place, M)],
    ) -> Result<usize, Error> {
        let mut argv = Argv::new("GEOADD").word(&key);
        for ((lon, lat), member) in members {
            argv = argv.number(lon).number(lat).word(member);
        }
        self.ask(&argv)
    }

    /// Where members are. Like `GEOPOS`; [`Session::geoadd`] has an example.
    pub fn geopos<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        members: &[M],
    ) -> Result<Vec<Option<Place>>, Error> {
        self.ask(&Argv::new("GEOPOS").word(&key).words(members))
    }

    /// Metres between two members; `None` if one is not there. Like `GEODIST`; [`Session::geoadd`]
    /// has an example.
    pub fn geodist(
        &mut self,
        key: impl AsRef<[u8]>,
        one: impl AsRef<[u8]>,
        other: impl AsRef<[u8]>,
    ) -> Result<Option<f64>, Error> {
        let argv = Argv::new("GEODIST").word(&key).word(&one).word(&other);
        self.ask(&argv.token("M"))
    }

    /// Members within an area, with how far they are from its middle, in metres. Like `GEOSEARCH ..
    /// WITHDIST`; [`Session::geoadd`] has an example.
    pub fn geosearch(
        &mut self,
        key: impl AsRef<[u8]>,
        area: &GeoArea,
    ) -> Result<Vec<(Vec<u8>, f64)>, Error> {
        let argv = area.add_to(Argv::new("GEOSEARCH").word(&key));
        self.ask(&argv.token("WITHDIST"))
    }

    /// Puts members within an area into a sorted set at `target`, and returns how many they are.
    /// Like `GEOSEARCHSTORE`; [`Session::geoadd`] has an example.
    pub fn geosearch_into(
        &mut self,
        key: impl AsRef<[u8]>,
        target: impl AsRef<[u8]>,
        area: &GeoArea,
    ) -> Result<usize, Error> {
        let argv = Argv::new("GEOSEARCHSTORE").word(&target).word(&key);
        self.ask(&area.add_to(argv))
    }
}
