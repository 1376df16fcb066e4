//! LRU as the books have it.

use std::collections::{BTreeMap, HashMap};

/// Requests after the first `warm_up` that find their key among the last `capacity` different ones.
pub(super) fn lru_hits(requests: &[u32], capacity: usize, warm_up: usize) -> usize {
    let mut used_at: HashMap<u32, usize> = HashMap::with_capacity(capacity);
    let mut by_use: BTreeMap<usize, u32> = BTreeMap::new();
    let mut hits = 0;
    for (now, &key) in requests.iter().enumerate() {
        match used_at.insert(key, now) {
            Some(before) => {
                by_use.remove(&before);
                hits += usize::from(now >= warm_up);
            }
            None if used_at.len() > capacity => {
                if let Some((_, oldest)) = by_use.pop_first() {
                    used_at.remove(&oldest);
                }
            }
            None => {}
        }
        by_use.insert(now, key);
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes() {
        let requests = [1, 2, 1, 3, 1, 2];
        assert_eq!(lru_hits(&requests, 2, 0), 2);
        assert_eq!(lru_hits(&requests, 3, 0), 3);
        assert_eq!(lru_hits(&requests, 3, 3), 2);
    }
}
