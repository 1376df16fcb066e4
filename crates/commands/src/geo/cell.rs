//! Cells of the grid that scores address.
//!
//! At step `n` the earth (less its poles) is divided into `2^n` rows of latitude by `2^n` columns
//! of longitude. The bits of row and column are interleaved, the column's above the row's.

/// The finest grid, whose addresses are the 52 bits of a score.
pub(super) const STEP_MAX: u32 = 26;

/// Degrees, longitude first as everywhere in these commands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LonLat {
    pub(super) lon: f64,
    pub(super) lat: f64,
}

/// The degrees that a grid covers: up to these on all sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) lon: f64,
    pub(super) lat: f64,
}

/// Web Mercator, which scores use.
pub(super) const MERCATOR: Extent = Extent {
    lon: 180.0,
    lat: 85.051_128_78,
};
/// The whole earth, which standard geohash strings use.
pub(super) const GLOBE: Extent = Extent {
    lon: 180.0,
    lat: 90.0,
};

impl Extent {
    pub(super) fn contains(self, at: LonLat) -> bool {
        at.lon.abs() <= self.lon && at.lat.abs() <= self.lat
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) step: u32,
    /// From the south.
    row: u32,
    /// From the west.
    column: u32,
}

/// The borders of a cell in degrees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Borders {
    pub(super) west: f64,
    pub(super) east: f64,
    pub(super) south: f64,
    pub(super) north: f64,
}

impl Cell {
    /// The cell around a place within the extent.
    pub(super) fn around(at: LonLat, step: u32, extent: Extent) -> Cell {
        let cells = f64::from(1_u32 << step);
        let index = |degrees: f64, most: f64| ((degrees + most) / (most - -most) * cells) as u32;
        Cell {
            step,
            row: index(at.lat, extent.lat),
            column: index(at.lon, extent.lon),
        }
    }

    /// The cell of the finest grid that a score addresses. Scores that no place has may address
    /// cells beyond the grid.
    pub(super) fn of_score(score: f64) -> Cell {
        let bits = score as u64;
        Cell {
            step: STEP_MAX,
            row: even_bits(bits),
            column: even_bits(bits >> 1),
        }
    }

    pub(super) fn bits(self) -> u64 {
        spread(self.row) | spread(self.column) << 1
    }

    /// The scores of all places in the cell: from the first to before the second.
    pub(super) fn scores(self) -> (u64, u64) {
        let shift = 2 * (STEP_MAX - self.step);
        (self.bits() << shift, (self.bits() + 1) << shift)
    }

    /// The cell so many rows up and columns to the right; the grid closes on itself.
    pub(super) fn moved(self, rows: i32, columns: i32) -> Cell {
        let mask = (1 << self.step) - 1;
        Cell {
            row: self.row.wrapping_add_signed(rows) & mask,
            column: self.column.wrapping_add_signed(columns) & mask,
            ..self
        }
    }

    pub(super) fn borders(self) -> Borders {
        let cells = f64::from(1_u32 << self.step);
        let degrees = |index: f64, most: f64| -most + index / cells * (most - -most);
        let (row, column) = (f64::from(self.row), f64::from(self.column));
        Borders {
            west: degrees(column, MERCATOR.lon),
            east: degrees(column + 1.0, MERCATOR.lon),
            south: degrees(row, MERCATOR.lat),
            north: degrees(row + 1.0, MERCATOR.lat),
        }
    }

    /// What counts as the place of a member: the middle of its cell.
    pub(super) fn middle(self) -> LonLat {
        let borders = self.borders();
        let lon = (borders.west + borders.east) / 2.0;
        let lat = (borders.south + borders.north) / 2.0;
        LonLat {
            lon: lon.clamp(-MERCATOR.lon, MERCATOR.lon),
            lat: lat.clamp(-MERCATOR.lat, MERCATOR.lat),
        }
    }
}

/// The place that a score stands for.
pub(super) fn place_of(score: f64) -> LonLat {
    Cell::of_score(score).middle()
}

/// Puts a zero above each bit.
fn spread(number: u32) -> u64 {
    const STEPS: [(u32, u64); 5] = [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ];
    STEPS.iter().fold(u64::from(number), |bits, &(by, mask)| {
        (bits | bits << by) & mask
    })
}

/// The inverse of [`spread`]: bits 0, 2, 4 and so on.
fn even_bits(bits: u64) -> u32 {
    (0..32).fold(0, |number, i| number | ((bits >> (2 * i) & 1) as u32) << i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_interleave_and_come_back() {
        for number in [0, 1, 0xdead_beef, u32::MAX] {
            assert_eq!(even_bits(spread(number)), number);
            assert_eq!(even_bits(spread(number) >> 1), 0);
        }
    }

    #[test]
    fn a_place_is_in_its_cell() {
        let at = LonLat {
            lon: 13.361389,
            lat: 38.115556,
        };
        for step in 1..=STEP_MAX {
            let borders = Cell::around(at, step, MERCATOR).borders();
            assert!(borders.west <= at.lon && at.lon <= borders.east);
            assert!(borders.south <= at.lat && at.lat <= borders.north);
        }
        assert_eq!(
            Cell::around(at, STEP_MAX, MERCATOR).bits(),
            3_479_099_956_230_698
        );
    }

    #[test]
    fn odd_scores_do_no_harm() {
        for score in [f64::INFINITY, -1.0, 1e300, 0.5] {
            assert!(MERCATOR.contains(place_of(score)));
        }
    }
}
