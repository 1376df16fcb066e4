//! PFSELFTEST: registers keep what they are told, and estimates are as good as theory has them.

use super::hash::Place;
use super::sketch::{self, Sketch};
use super::{REGISTERS, estimate};
use crate::{Context, Error, Outcome};

/// Elements counted in, in all.
const ELEMENTS: u64 = 100_000;
/// Standard errors (1.04 / sqrt(registers) of the count) that an estimate may be off.
const ERRORS_MAX: f64 = 5.0;
/// Up to this many bytes the one of the two sketches stays sparse.
const SPARSE_MAX: usize = 3000;

pub(super) fn pfselftest(ctx: &mut Context<'_, '_>) -> Outcome {
    check_registers(ctx.rng)?;
    check_estimates(ctx.rng)?;
    ctx.reply.ok();
    Ok(())
}

fn failed(what: std::fmt::Arguments<'_>) -> Error {
    Error::Text(format!("TESTFAILED {what}").into())
}

/// Writes every register once, in an order of chance, and reads all of them back.
fn check_registers(rng: &mut fastrand::Rng) -> Result<(), Error> {
    let mut order: Vec<usize> = (0..REGISTERS).collect();
    rng.shuffle(&mut order);
    let mut wanted = vec![0; REGISTERS];
    let mut sketch = Sketch::empty();
    sketch.make_dense()?;
    for register in order {
        let count = rng.u8(1..64);
        wanted[register] = count;
        sketch.raise(Place { register, count }, 0)?;
    }
    let got = sketch::registers(sketch.bytes())?;
    match got
        .iter()
        .zip(&wanted)
        .position(|(got, wanted)| got != wanted)
    {
        None => Ok(()),
        Some(at) => Err(failed(format_args!(
            "Register {at} should be {} but is {}",
            wanted[at], got[at]
        ))),
    }
}

/// Counts elements into a dense sketch and into one that starts sparse; at every power of ten both
/// must give the same estimate, and a good one.
fn check_estimates(rng: &mut fastrand::Rng) -> Result<(), Error> {
    let seed = rng.u64(..);
    let (mut dense, mut sparse) = (Sketch::empty(), Sketch::empty());
    dense.make_dense()?;
    let mut checkpoint = 1;
    for added in 1..=ELEMENTS {
        let place = Place::of(&(seed ^ added).to_le_bytes());
        dense.raise(place, SPARSE_MAX)?;
        sparse.raise(place, SPARSE_MAX)?;
        if added == checkpoint {
            checkpoint *= 10;
            let (estimate, other) = (count(&dense)?, count(&sparse)?);
            if estimate != other {
                let what = format_args!("dense/sparse disagree: {estimate} and {other}");
                return Err(failed(what));
            }
            check_error(added, estimate)?;
        }
    }
    Ok(())
}

fn count(sketch: &Sketch) -> Result<u64, Error> {
    let registers = sketch::registers(sketch.bytes())?;
    Ok(estimate::cardinality(&estimate::histogram(&registers)))
}

/// Where there are few, two elements in one register are no mistake: one more may be missing.
fn check_error(added: u64, estimate: u64) -> Result<(), Error> {
    let standard = 1.04 / (REGISTERS as f64).sqrt();
    let allowed = (ERRORS_MAX * standard * added as f64).ceil() + 1.0;
    if estimate.abs_diff(added) as f64 <= allowed {
        Ok(())
    } else {
        Err(failed(format_args!(
            "Too big error. card:{added} estimate:{estimate}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_whatever_the_seed() {
        for seed in 0..8 {
            let mut rng = fastrand::Rng::with_seed(seed);
            assert_eq!(check_registers(&mut rng), Ok(()));
            assert_eq!(check_estimates(&mut rng), Ok(()), "{seed}");
        }
    }

    #[test]
    fn bad_estimates_are_found() {
        assert!(check_error(10_000, 10_000).is_ok());
        assert!(check_error(10_000, 11_000).is_err());
        assert!(check_error(10, 8).is_ok() && check_error(10, 7).is_err());
    }
}
