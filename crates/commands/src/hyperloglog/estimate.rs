//! From registers to a count, by Otmar Ertl's improved raw estimator ("New cardinality estimation
//! algorithms for HyperLogLog sketches", 2017, algorithm 6).

use super::REGISTERS;

/// Bits of a hash behind those that pick the register.
const Q: usize = 50;
/// 1 / (2 ln 2).
const ALPHA_INFINITE: f64 = 0.721_347_520_444_481_7;

/// How many registers have each value; values are 6 bits.
pub(super) type Histogram = [u32; 64];

pub(super) fn histogram(registers: &[u8; REGISTERS]) -> Histogram {
    let mut histogram = [0; 64];
    for &register in registers {
        histogram[usize::from(register & 63)] += 1;
    }
    histogram
}

pub(super) fn cardinality(histogram: &Histogram) -> u64 {
    let m = REGISTERS as f64;
    let full = f64::from(histogram[Q + 1]);
    let mut z = m * tau((m - full) / m);
    for count in histogram[1..=Q].iter().rev() {
        z = 0.5 * (z + f64::from(*count));
    }
    z += m * sigma(f64::from(histogram[0]) / m);
    (ALPHA_INFINITE * m * m / z).round() as u64
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_scale() {
        let mut empty = [0; 64];
        empty[0] = REGISTERS as u32;
        assert_eq!(cardinality(&empty), 0);
        let mut full = [0; 64];
        full[Q + 1] = REGISTERS as u32;
        assert!(cardinality(&full) > 1 << 60);
        let mut odd = [0; 64];
        odd[63] = REGISTERS as u32;
        cardinality(&odd);
    }
}
