//! Work on all cores at once.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use crate::Outcome;

/// What `work` gives for each item, on as many threads as there are cores: a server and its client
/// wait for each other, and what is counted does not depend on the pace.
pub(super) fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Outcome<R> + Sync,
) -> Outcome<Vec<R>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, item)) = take(&next, items) {
                    let result = work(item).map_err(|error| error.to_string());
                    let mut done = done.lock().unwrap_or_else(|broken| broken.into_inner());
                    done.push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().map_err(|_| "a thread panicked")?;
    done.sort_by_key(|(at, _)| *at);
    let results = done.into_iter().map(|(_, result)| Ok(result?));
    results.collect()
}

fn take<'t, T>(next: &AtomicUsize, items: &'t [T]) -> Option<(usize, &'t T)> {
    let at = next.fetch_add(1, Relaxed);
    Some((at, items.get(at)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_their_items() {
        let items: Vec<u32> = (0..100).collect();
        let doubled = side_by_side(&items, |item| Ok(item * 2)).unwrap();
        assert!(doubled.iter().copied().eq((0..200).step_by(2)));
        let refused = side_by_side(&items, |item| match item {
            50 => Err("fifty".into()),
            _ => Ok(()),
        });
        assert_eq!(refused.unwrap_err().to_string(), "fifty");
    }
}
