//! Figures of several runs on several servers.

use crate::{Outcome, args::Args};

/// For each server the figures of its runs.
pub(crate) type Runs = Vec<Vec<f64>>;

/// Measures every server in turn, `args.runs` times round. `one` gets the server's number and
/// returns one or more figures; the result has, for each figure, the runs of each server.
pub(crate) fn in_turn(
    args: &Args,
    mut one: impl FnMut(usize) -> Outcome<Vec<f64>>,
) -> Outcome<Vec<Runs>> {
    let mut figures: Vec<Runs> = Vec::new();
    for _ in 0..args.runs {
        for server in 0..args.subjects.len() {
            for (at, figure) in one(server)?.into_iter().enumerate() {
                if figures.len() <= at {
                    figures.push(vec![Vec::new(); args.subjects.len()]);
                }
                figures[at][server].push(figure);
            }
        }
    }
    Ok(figures)
}

/// The middle one; of an even number the mean of the middle two.
pub(crate) fn median(runs: &[f64]) -> f64 {
    let mut sorted = runs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}
