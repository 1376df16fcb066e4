//! Polygons as GEOSEARCH takes them (Valkey 9): corners joined by what are straight lines on a map
//! of longitudes and latitudes.

use super::area::distance;
use super::cell::{Borders as Bounds, LonLat};
use super::point::lon_lat;
use crate::{Args, Error};
use packed::number;

/// At least three corners, in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Polygon {
    corners: Vec<LonLat>,
}

impl Polygon {
    /// Takes the number of corners, and that many places.
    pub(super) fn parse(args: &mut Args<'_>) -> Result<Polygon, Error> {
        let count = number::parse_i64(args.bytes()?);
        let count = count.ok_or_else(|| Error::err("invalid number of vertices"))?;
        let enough = usize::try_from(count).unwrap_or(0);
        if enough < 3 || enough > args.left() / 2 {
            let refusal = "GEOSEARCH BYPOLYGON must have at least 3 vertices";
            return Err(Error::err(refusal));
        }
        let corners = (0..enough).map(|_| lon_lat(args));
        Ok(Polygon {
            corners: corners.collect::<Result<_, _>>()?,
        })
    }

    /// Whether a line from the place to the east crosses an odd number of edges.
    pub(super) fn contains(&self, at: LonLat) -> bool {
        let ends = self.corners.iter().skip(1).chain(self.corners.first());
        let crossed = self.corners.iter().zip(ends);
        let crossed = crossed.filter(|(from, to)| lies_west_of(at, **from, **to));
        crossed.count() % 2 == 1
    }

    /// The mean of the corners in space, brought back to the surface. Distances are taken from there.
    pub(super) fn centroid(&self) -> LonLat {
        let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
        for corner in &self.corners {
            let (lon, lat) = (corner.lon.to_radians(), corner.lat.to_radians());
            x += lat.cos() * lon.cos();
            y += lat.cos() * lon.sin();
            z += lat.sin();
        }
        LonLat {
            lon: y.atan2(x).to_degrees(),
            lat: z.atan2(x.hypot(y)).to_degrees(),
        }
    }

    /// The degrees that it spans.
    pub(super) fn bounds(&self) -> Bounds {
        let lons = || self.corners.iter().map(|corner| corner.lon);
        let lats = || self.corners.iter().map(|corner| corner.lat);
        Bounds {
            west: lons().fold(f64::INFINITY, f64::min),
            east: lons().fold(f64::NEG_INFINITY, f64::max),
            south: lats().fold(f64::INFINITY, f64::min),
            north: lats().fold(f64::NEG_INFINITY, f64::max),
        }
    }

    /// Metres from a place to the farthest corner of the bounds.
    pub(super) fn reach(&self, from: LonLat) -> f64 {
        let Bounds {
            west,
            east,
            south,
            north,
        } = self.bounds();
        let corners = [(west, south), (west, north), (east, south), (east, north)];
        let distances = corners.map(|(lon, lat)| distance(from, LonLat { lon, lat }));
        distances.into_iter().fold(0.0, f64::max)
    }
}

/// Whether a place has the edge to the east of it, at its own latitude.
fn lies_west_of(at: LonLat, from: LonLat, to: LonLat) -> bool {
    let spans = (from.lat > at.lat) != (to.lat > at.lat);
    spans && {
        let part = (at.lat - from.lat) / (to.lat - from.lat);
        at.lon < from.lon + (to.lon - from.lon) * part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(corners: &[(f64, f64)]) -> Polygon {
        let corners = corners.iter().map(|&(lon, lat)| LonLat { lon, lat });
        Polygon {
            corners: corners.collect(),
        }
    }

    fn inside(polygon: &Polygon, lon: f64, lat: f64) -> bool {
        polygon.contains(LonLat { lon, lat })
    }

    #[test]
    fn dents_and_crossings_are_outside() {
        let dented = polygon(&[
            (0.0, 0.0),
            (10.0, 0.0),
            (10.0, 10.0),
            (5.0, 2.0),
            (0.0, 10.0),
        ]);
        assert!(inside(&dented, 1.0, 5.0) && inside(&dented, 9.0, 5.0));
        assert!(!inside(&dented, 5.0, 5.0) && !inside(&dented, 11.0, 1.0));
        let bow = polygon(&[(0.0, 0.0), (10.0, 10.0), (10.0, 0.0), (0.0, 10.0)]);
        assert!(inside(&bow, 1.0, 5.0) && !inside(&bow, 5.0, 9.0));
    }

    proptest::proptest! {
        #[test]
        fn rectangles_contain_what_lies_between_their_edges(
            west in -170.0..0.0_f64, width in 1.0..100.0_f64, south in -80.0..0.0_f64,
            height in 1.0..80.0_f64, lon in -180.0..180.0_f64, lat in -85.0..85.0_f64,
        ) {
            let (east, north) = (west + width, south + height);
            let rectangle = polygon(&[(west, south), (west, north), (east, north), (east, south)]);
            let wanted = lon > west && lon < east && lat > south && lat < north;
            proptest::prop_assert_eq!(inside(&rectangle, lon, lat), wanted);
            let middle = rectangle.centroid();
            proptest::prop_assert!((middle.lon - (west + width / 2.0)).abs() < 1e-6);
        }
    }
}
