//! Distances, the shapes searched, and the cells that cover them.

use super::cell::{Borders as Bounds, Cell, LonLat, MERCATOR, STEP_MAX};
use super::polygon::Polygon;

/// Metres; the earth is a ball here.
const EARTH_RADIUS: f64 = 6_372_797.560_856;
/// Half the width of a Mercator map of the earth, in metres.
const MERCATOR_HALF: f64 = 20_037_726.37;

/// Metres between two places along the surface (haversine).
pub(super) fn distance(a: LonLat, b: LonLat) -> f64 {
    let v = ((radians(b.lon) - radians(a.lon)) / 2.0).sin();
    if v == 0.0 {
        return meridian_distance(a.lat, b.lat);
    }
    let (lat_a, lat_b) = (radians(a.lat), radians(b.lat));
    let u = ((lat_b - lat_a) / 2.0).sin();
    let haversine = u * u + lat_a.cos() * lat_b.cos() * v * v;
    2.0 * EARTH_RADIUS * haversine.sqrt().asin()
}

/// Metres between two latitudes.
fn meridian_distance(a: f64, b: f64) -> f64 {
    EARTH_RADIUS * (radians(b) - radians(a)).abs()
}

fn radians(degrees: f64) -> f64 {
    degrees * (std::f64::consts::PI / 180.0)
}

fn degrees(radians: f64) -> f64 {
    radians / (std::f64::consts::PI / 180.0)
}

/// What is searched around the middle, in metres; a polygon says itself where it lies.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Circle { radius: f64 },
    Box { width: f64, height: f64 },
    Polygon(Polygon),
}

#[derive(Debug, Clone)]
pub(super) struct Area {
    pub(super) middle: LonLat,
    pub(super) shape: Shape,
}

impl Area {
    /// How far a place is from the middle, if it is inside.
    pub(super) fn distance_inside(&self, at: LonLat) -> Option<f64> {
        match self.shape {
            Shape::Circle { radius } => {
                let distance = distance(self.middle, at);
                (distance <= radius).then_some(distance)
            }
            Shape::Box { width, height } => {
                let same_row = LonLat {
                    lat: at.lat,
                    ..self.middle
                };
                let inside = meridian_distance(at.lat, self.middle.lat) <= height / 2.0
                    && distance(at, same_row) <= width / 2.0;
                inside.then(|| distance(self.middle, at))
            }
            Shape::Polygon(ref polygon) => {
                let inside = polygon.contains(at);
                inside.then(|| distance(self.middle, at))
            }
        }
    }

    /// The cells to search, in the order in which to search them: the one around the middle and
    /// those of its eight neighbours that the shape may reach.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let bounds = self.bounds();
        let mut step = step_for(self.reach(), self.middle.lat);
        if step > 1 && !neighbours_cover(Cell::around(self.middle, step, MERCATOR), bounds) {
            step -= 1;
        }
        let center = Cell::around(self.middle, step, MERCATOR);
        let mut cells = vec![center];
        let mut last = None;
        for (rows, columns) in NEIGHBOURS {
            let cell = center.moved(rows, columns);
            // On a coarse grid the neighbours on both sides are one cell.
            if reaches(center, (rows, columns), bounds) && last != Some(cell) {
                cells.push(cell);
                last = Some(cell);
            }
        }
        cells
    }

    /// How far the shape goes from its middle at most.
    fn reach(&self) -> f64 {
        match self.shape {
            Shape::Circle { radius } => radius,
            Shape::Box { width, height } => (width / 2.0).hypot(height / 2.0),
            Shape::Polygon(ref polygon) => polygon.reach(self.middle),
        }
    }

    /// The degrees that the shape spans.
    fn bounds(&self) -> Bounds {
        let (height, width) = match self.shape {
            Shape::Circle { radius } => (radius, radius),
            Shape::Box { width, height } => (height / 2.0, width / 2.0),
            Shape::Polygon(ref polygon) => return polygon.bounds(),
        };
        let LonLat { lon, lat } = self.middle;
        let lat_delta = degrees(height / EARTH_RADIUS);
        // A degree of longitude is shortest at the edge nearer to the pole.
        let polar_edge = if lat < 0.0 {
            lat - lat_delta
        } else {
            lat + lat_delta
        };
        let lon_delta = degrees(width / EARTH_RADIUS / radians(polar_edge).cos());
        Bounds {
            west: lon - lon_delta,
            east: lon + lon_delta,
            south: lat - lat_delta,
            north: lat + lat_delta,
        }
    }
}

/// Rows and columns from the center, in the order of searching: N, S, E, W, NE, NW, SE, SW.
const NEIGHBOURS: [(i32, i32); 8] = [
    (1, 0),
    (-1, 0),
    (0, 1),
    (0, -1),
    (1, 1),
    (1, -1),
    (-1, 1),
    (-1, -1),
];

/// The finest grid whose cells are about as large as the shape; one or two steps coarser near the
/// poles, where cells get narrow.
fn step_for(mut reach: f64, lat: f64) -> u32 {
    if reach == 0.0 {
        return STEP_MAX;
    }
    let mut step = -1;
    while reach < MERCATOR_HALF {
        reach *= 2.0;
        step += 1;
    }
    step -= i32::from(lat.abs() > 66.0) + i32::from(lat.abs() > 80.0);
    step.clamp(1, STEP_MAX as i32) as u32
}

/// Whether the shape stays within the cells around the center.
fn neighbours_cover(center: Cell, bounds: Bounds) -> bool {
    center.moved(1, 0).borders().north >= bounds.north
        && center.moved(-1, 0).borders().south <= bounds.south
        && center.moved(0, 1).borders().east >= bounds.east
        && center.moved(0, -1).borders().west <= bounds.west
}

/// Whether the shape may reach into the neighbour in that direction.
fn reaches(center: Cell, (rows, columns): (i32, i32), bounds: Bounds) -> bool {
    let borders = center.borders();
    center.step < 2
        || !(rows < 0 && borders.south < bounds.south
            || rows > 0 && borders.north > bounds.north
            || columns < 0 && borders.west < bounds.west
            || columns > 0 && borders.east > bounds.east)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALERMO: LonLat = LonLat {
        lon: 13.361389,
        lat: 38.115556,
    };
    const CATANIA: LonLat = LonLat {
        lon: 15.087269,
        lat: 37.502669,
    };

    #[test]
    fn distances_are_those_of_a_ball() {
        assert_eq!(distance(PALERMO, CATANIA).round(), 166_274.0);
        assert_eq!(distance(PALERMO, PALERMO), 0.0);
    }

    proptest::proptest! {
        /// Every place inside the shape is in one of the cells.
        #[test]
        fn cells_cover_the_shape(
            lon in -170.0..170.0_f64, lat in -60.0..60.0_f64,
            radius in 1.0..500_000.0_f64, bearing in 0.0..std::f64::consts::TAU, part in 0.0..0.99_f64,
        ) {
            let area = Area { middle: LonLat { lon, lat }, shape: Shape::Circle { radius } };
            let delta = degrees(radius * part / EARTH_RADIUS);
            let at = LonLat {
                lon: lon + delta * bearing.sin() / radians(lat).cos(),
                lat: lat + delta * bearing.cos(),
            };
            if area.distance_inside(at).is_some() && MERCATOR.contains(at) {
                let found = area.cells().iter().any(|cell| {
                    *cell == Cell::around(at, cell.step, MERCATOR)
                });
                proptest::prop_assert!(found);
            }
        }
    }
}
