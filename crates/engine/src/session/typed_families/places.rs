//! Sorted sets of places.

use super::Pairs;
use crate::session::Session;
use commands::Error;

impl Session {
    /// Puts members at places, longitude and latitude in degrees, and returns how many are new. Like
    /// `GEOADD`.
    ///
    /// ```
    /// let mut session = duramen::Engine::open_in_memory().session();
    /// let places = [((13.361389, 38.115556), "Palermo"), ((15.087269, 37.502669), "Catania")];
    /// assert_eq!(session.geoadd("sicily", &places)?, 2);
    /// let metres = session.geodist("sicily", "Palermo", "Catania")?.unwrap();
    /// assert_eq!(metres.round(), 166274.0);
    /// let near = session.geosearch("sicily", (15.0, 37.0), 100_000.0)?;
    /// assert_eq!(near[0].0, b"Catania");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn geoadd<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        members: &[((f64, f64), M)],
    ) -> Result<usize, Error> {
        let text = |((lon, lat), _): &((f64, f64), M)| (lon.to_string(), lat.to_string());
        let places: Vec<(String, String)> = members.iter().map(text).collect();
        let mut argv: Vec<&[u8]> = vec![b"GEOADD", key.as_ref()];
        for ((_, member), (lon, lat)) in members.iter().zip(&places) {
            argv.extend([lon.as_bytes(), lat.as_bytes(), member.as_ref()]);
        }
        self.ask(&argv)
    }

    /// Metres between two members; `None` if one is not there. Like `GEODIST`; [`Session::geoadd`]
    /// has an example.
    pub fn geodist(
        &mut self,
        key: impl AsRef<[u8]>,
        one: impl AsRef<[u8]>,
        other: impl AsRef<[u8]>,
    ) -> Result<Option<f64>, Error> {
        self.ask(&[b"GEODIST", key.as_ref(), one.as_ref(), other.as_ref(), b"M"])
    }

    /// Members within `radius` metres of a place, with how far they are, the nearest first. Like
    /// `GEOSEARCH .. FROMLONLAT .. BYRADIUS`; [`Session::geoadd`] has an example.
    pub fn geosearch(
        &mut self,
        key: impl AsRef<[u8]>,
        (lon, lat): (f64, f64),
        radius: f64,
    ) -> Result<Vec<(Vec<u8>, f64)>, Error> {
        let (lon, lat) = (lon.to_string(), lat.to_string());
        let (radius, key) = (radius.to_string(), key.as_ref());
        let place: [&[u8]; 5] = [
            b"GEOSEARCH",
            key,
            b"FROMLONLAT",
            lon.as_bytes(),
            lat.as_bytes(),
        ];
        let around: [&[u8]; 5] = [b"BYRADIUS", radius.as_bytes(), b"M", b"ASC", b"WITHDIST"];
        let found: Pairs<_, _> = self.ask_all(&place, &around)?;
        Ok(found.0)
    }
}
