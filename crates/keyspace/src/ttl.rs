use crate::Keyspace;
use units::{DbIndex, UnixMillis};

/// Segments that a sample looks into; each has some hundreds of keys.
const SEGMENTS: usize = 16;

/// What some keys of a database say of the time that keys have left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TtlSample {
    /// Keys with a deadline that were seen.
    pub seen: usize,
    /// Those of them that are over and still there.
    pub over: usize,
    /// Milliseconds that the others have left, together.
    pub left: u128,
}

impl TtlSample {
    /// The mean time that keys have left, in milliseconds.
    pub fn mean(&self) -> u64 {
        let alive = (self.seen - self.over) as u128;
        (self.left.checked_div(alive).unwrap_or(0)).min(u64::MAX.into()) as u64
    }

    /// Adds another sample.
    pub fn add(&mut self, other: TtlSample) {
        self.seen += other.seen;
        self.over += other.over;
        self.left += other.left;
    }

    fn see(&mut self, deadline: UnixMillis, now: UnixMillis) {
        self.seen += 1;
        if deadline < now {
            self.over += 1;
        } else {
            self.left += u128::from(deadline.0.abs_diff(now.0));
        }
    }
}

impl Keyspace {
    /// Looks at some keys with a deadline, in parts of the keyspace drawn at random, one short
    /// lock after the other.
    pub fn sample_ttls(&self, db: DbIndex, now: UnixMillis, rng: &mut fastrand::Rng) -> TtlSample {
        let mut sample = TtlSample::default();
        if self.expires(db) == 0 {
            return sample;
        }
        for _ in 0..SEGMENTS {
            let slot = &self.inner.shards[rng.usize(..self.shards())];
            let shard = slot.lock.read();
            if let Some(table) = shard.table(db) {
                let items = table.draw_segment(rng).iter();
                let deadlines = items.filter_map(|item| item.deadline);
                deadlines.for_each(|deadline| sample.see(deadline, now));
            }
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use crate::{Keyspace, Mode, Options, Plan, Ttl};
    use units::{DbIndex, UnixMillis};

    #[test]
    fn a_sample_tells_how_long_keys_have_left() {
        let keyspace = Keyspace::new(Options::default());
        let (db, now) = (DbIndex(0), UnixMillis(1_000_000));
        let mut rng = fastrand::Rng::with_seed(1);
        assert_eq!(keyspace.sample_ttls(db, now, &mut rng).mean(), 0);
        let mut keys = keyspace.lock(Plan::all(Mode::Write), now);
        for n in 0..3000i64 {
            let ttl = match n % 3 {
                0 => Ttl::Clear,
                1 => Ttl::At(UnixMillis(now.0 - 10)),
                _ => Ttl::At(UnixMillis(now.0 + 500)),
            };
            keys.set_string(db, &n.to_le_bytes(), b"v", ttl);
        }
        drop(keys);
        let sample = keyspace.sample_ttls(db, now, &mut rng);
        assert_eq!(sample.mean(), 500);
        assert!(sample.seen > 100 && sample.over * 3 > sample.seen && sample.over < sample.seen);
    }
}
