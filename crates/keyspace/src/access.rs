//! The access history of a key: 24 bits, read as an LRU clock, an LFU counter or an LRFU weight.
//!
//! ```text
//!  LRU, LRM  clock in seconds, 24 bits, wrapping after 194 days
//!  LFU       minutes of the last decay, 16 bits | logarithmic counter, 8 bits
//!  LRFU      logarithm of the weight at age 0, 24 bits, wrapping after 65536 half-lives
//! ```
//!
//! An LRFU weight is the number of uses, each of which counts half as much after a half-life. Its
//! logarithm (base 2) falls by 1 in a half-life, for every key alike, so what is kept is the
//! logarithm plus the age of the keyspace in half-lives, which does not fall; and the least of these is
//! the least weight at any age. It ages as keys are evicted, see [`Age`].

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use units::UnixMillis;

/// Which reading of the 24 bits is in force; `maxmemory-policy` decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessPolicy {
    /// Seconds since the last use.
    #[default]
    Lru,
    /// Seconds since the last change of the value.
    Lrm,
    /// How often a key is used, decaying.
    Lfu {
        /// `lfu-log-factor`: the larger, the more accesses it takes to raise the counter.
        log_factor: u32,
        /// `lfu-decay-time`: minutes after which the counter falls by one; 0 for never.
        decay_minutes: u32,
    },
    /// Uses, each counted for less the more keys were evicted since.
    Lrfu {
        /// `lrfu-half-life`: how many times as many keys as there are must be evicted until a use
        /// counts for half. The fewer, the nearer to LRU; not 0.
        half_life: u32,
    },
}

impl AccessPolicy {
    /// Whether uses are counted, and their times not known.
    pub(crate) fn counts_uses(self) -> bool {
        matches!(self, AccessPolicy::Lfu { .. } | AccessPolicy::Lrfu { .. })
    }
}

/// The counter of a new key, so that it is not the first to go.
const LFU_START: u8 = 5;
const CLOCK: u32 = 0xff_ffff;

/// Seconds, as the 24 bits keep them.
fn clock(now: UnixMillis) -> u32 {
    (now.secs() as u32) & CLOCK
}

/// Minutes, as the upper 16 of the 24 bits keep them.
fn minutes(now: UnixMillis) -> u32 {
    (now.secs().div_euclid(60) as u32) & 0xffff
}

/// The seconds between a stamp and `now`.
pub(crate) fn idle_secs(stamp: u32, now: UnixMillis) -> u64 {
    u64::from(clock(now).wrapping_sub(stamp) & CLOCK)
}

/// The counter of a stamp at `now`.
pub(crate) fn freq(stamp: u32, decay_minutes: u32, now: UnixMillis) -> u8 {
    let elapsed = minutes(now).wrapping_sub(stamp >> 8) & 0xffff;
    let steps = elapsed.checked_div(decay_minutes).unwrap_or(0);
    ((stamp & 0xff).saturating_sub(steps)) as u8
}

/// The stamp that was last used `secs` before `now`.
pub(crate) fn idle_stamp(secs: u64, now: UnixMillis) -> u32 {
    clock(now).wrapping_sub(secs.min(u64::from(CLOCK)) as u32) & CLOCK
}

/// The stamp of a counter that has decayed to `freq` by `now`.
pub(crate) fn freq_stamp(freq: u8, now: UnixMillis) -> u32 {
    minutes(now) << 8 | u32::from(freq)
}

/// The age of a keyspace: how many half-lives of LRFU weights have passed.
///
/// Measured in evictions, not in time: a cache forgets at the pace at which it must. One for all
/// shards: were there one each, a shard that lost a key would find its others the staler for it, and
/// lose those too.
#[derive(Debug, Default)]
pub(crate) struct Age(AtomicU64);

/// Steps of a half-life that stamps tell apart.
const STEPS: u32 = 256;
/// Bits of an [`Age`] below one step.
const FRACTION: u32 = 32;

impl Age {
    /// One of `keys` keys was evicted.
    pub(crate) fn advance(&self, policy: AccessPolicy, keys: usize) {
        let AccessPolicy::Lrfu { half_life } = policy else {
            return;
        };
        let half_life = keys.max(1) as u64 * u64::from(half_life.max(1));
        let part = (u64::from(STEPS) << FRACTION) / half_life;
        self.0.fetch_add(part, Relaxed);
    }

    /// As the 24 bits keep it.
    pub(crate) fn clock(&self) -> u32 {
        (self.0.load(Relaxed) >> FRACTION) as u32 & CLOCK
    }
}

/// The logarithm of the weight of a stamp when the [`Age`]'s clock stands at `clock`, in steps.
fn log_weight(stamp: u32, clock: u32) -> i32 {
    (stamp.wrapping_sub(clock) << 8) as i32 >> 8
}

/// The stamp after one more use: the logarithm of the sum of its weight and 1.
fn used_once_more(stamp: u32, clock: u32) -> u32 {
    let log = log_weight(stamp, clock);
    let steps = STEPS as f32;
    // Of the larger of the two, so that nothing overflows.
    let above = ((-log.abs() as f32 / steps).exp2() + 1.0).log2() * steps;
    clock.wrapping_add((log.max(0) + above.round() as i32) as u32) & CLOCK
}

/// How many uses a stamp stands for, those longer ago for less; 255 for more than that.
pub(crate) fn weight(stamp: u32, clock: u32) -> u8 {
    let log = log_weight(stamp, clock);
    (log as f32 / STEPS as f32).exp2().round() as u8
}

/// One access, or many at the same moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Touch {
    policy: AccessPolicy,
    now: UnixMillis,
    /// Seconds, or the age of the keyspace.
    clock: u32,
    /// Whether values change.
    write: bool,
    /// Decides whether an access raises the counter.
    draw: u64,
}

impl Touch {
    /// For tables that keep no access history.
    pub(crate) const NONE: Touch = Touch {
        policy: AccessPolicy::Lru,
        now: UnixMillis(0),
        clock: 0,
        write: false,
        draw: 0,
    };

    /// An access at `now` that changes values; `draw` is any number that differs from access to
    /// access.
    #[inline]
    pub(crate) fn new(policy: AccessPolicy, now: UnixMillis, age: &Age, draw: u64) -> Touch {
        let clock = match policy {
            AccessPolicy::Lrfu { .. } => age.clock(),
            _ => clock(now),
        };
        Touch {
            policy,
            now,
            clock,
            write: true,
            draw,
        }
    }

    /// The same access, changing nothing.
    #[inline]
    pub(crate) fn reading(self) -> Touch {
        Touch {
            write: false,
            ..self
        }
    }

    /// The stamp of a new key.
    #[inline]
    pub(crate) fn fresh(&self) -> u32 {
        match self.policy {
            AccessPolicy::Lru | AccessPolicy::Lrm | AccessPolicy::Lrfu { .. } => self.clock,
            AccessPolicy::Lfu { .. } => freq_stamp(LFU_START, self.now),
        }
    }

    /// How much a key with this stamp deserves to go; comparable among keys of one policy.
    pub(crate) fn staleness(&self, stamp: u32) -> u64 {
        match self.policy {
            AccessPolicy::Lru | AccessPolicy::Lrm => idle_secs(stamp, self.now),
            AccessPolicy::Lfu { decay_minutes, .. } => {
                u64::from(u8::MAX - freq(stamp, decay_minutes, self.now))
            }
            AccessPolicy::Lrfu { .. } => {
                (i64::from(CLOCK) - i64::from(log_weight(stamp, self.clock))) as u64
            }
        }
    }

    /// The stamp of a key after this access.
    #[inline]
    pub(crate) fn after(&self, stamp: u32) -> u32 {
        match self.policy {
            AccessPolicy::Lru => self.clock,
            AccessPolicy::Lrm if self.write => self.clock,
            AccessPolicy::Lrm => stamp,
            AccessPolicy::Lrfu { .. } => used_once_more(stamp, self.clock),
            AccessPolicy::Lfu {
                log_factor,
                decay_minutes,
            } => {
                let counter = freq(stamp, decay_minutes, self.now);
                freq_stamp(self.raised(counter, log_factor, stamp), self.now)
            }
        }
    }

    fn raised(&self, counter: u8, log_factor: u32, stamp: u32) -> u8 {
        let above = u64::from(counter.saturating_sub(LFU_START));
        let odds = above * u64::from(log_factor) + 1;
        // A finalizer of SplitMix64: one draw serves every key of a command.
        let mut draw = self.draw ^ (u64::from(stamp) << 32);
        draw = (draw ^ (draw >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        draw = (draw ^ (draw >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        draw ^= draw >> 31;
        if draw.is_multiple_of(odds) {
            counter.saturating_add(1)
        } else {
            counter
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LRFU: AccessPolicy = AccessPolicy::Lrfu { half_life: 4 };

    #[test]
    fn idle_time_survives_the_wrap_of_the_clock() {
        let late = UnixMillis(i64::from(CLOCK) * 1000);
        let stamp = Touch::new(AccessPolicy::Lru, late, &Age::default(), 0).fresh();
        assert_eq!(idle_secs(stamp, UnixMillis(late.0 + 7000)), 7);
        assert_eq!(idle_secs(idle_stamp(90, late), late), 90);
    }

    #[test]
    fn the_counter_rises_ever_more_slowly_and_decays() {
        let policy = AccessPolicy::Lfu {
            log_factor: 10,
            decay_minutes: 1,
        };
        let now = UnixMillis(1_700_000_000_000);
        let mut stamp = Touch::new(policy, now, &Age::default(), 0).fresh();
        assert_eq!(freq(stamp, 1, now), LFU_START);
        for draw in 0..1000 {
            stamp = Touch::new(policy, now, &Age::default(), draw).after(stamp);
        }
        let counter = freq(stamp, 1, now);
        assert!(
            (12..=30).contains(&counter),
            "Redis documents 18 after 1000 hits, not {counter}"
        );
        assert_eq!(freq(stamp, 1, UnixMillis(now.0 + 4 * 60_000)), counter - 4);
        assert_eq!(freq(stamp, 0, UnixMillis(now.0 + 4 * 60_000)), counter);
        assert_eq!(freq(freq_stamp(77, now), 1, now), 77);
    }

    #[test]
    fn only_changes_renew_the_stamp_of_least_recently_modified() {
        let at = |secs: i64| UnixMillis(secs * 1000);
        let touch = |secs| Touch::new(AccessPolicy::Lrm, at(secs), &Age::default(), 0);
        let stamp = touch(100).fresh();
        assert_eq!(touch(160).reading().after(stamp), stamp);
        assert_eq!(touch(160).reading().staleness(stamp), 60);
        assert_eq!(idle_secs(touch(160).after(stamp), at(160)), 0);
    }

    #[test]
    fn a_weight_counts_uses_and_halves_in_a_half_life() {
        let age = &Age::default();
        let touch = |age: &Age| Touch::new(LRFU, UnixMillis(0), age, 0);
        let mut stamp = touch(age).fresh();
        assert_eq!(weight(stamp, age.clock()), 1);
        for uses in 2..=20 {
            stamp = touch(age).after(stamp);
            assert_eq!(weight(stamp, age.clock()), uses);
        }
        let once = touch(age).fresh();
        assert!(touch(age).staleness(once) > touch(age).staleness(stamp));
        for _ in 0..4 * 1000 {
            age.advance(LRFU, 1000);
        }
        assert_eq!(weight(stamp, age.clock()), 10);
        assert!(touch(age).staleness(once) > touch(age).staleness(stamp));
        assert!(touch(age).staleness(once) > touch(age).staleness(touch(age).fresh()));
    }

    /// A key in constant use keeps its weight, whatever the clock wraps to.
    #[test]
    fn weights_survive_the_wrap_of_the_clock() {
        let age = &Age(AtomicU64::new(u64::from(CLOCK - 100) << FRACTION));
        let touch = |age: &Age| Touch::new(LRFU, UnixMillis(0), age, 0);
        let mut stamp = touch(age).fresh();
        for _ in 0..8 {
            (0..1000).for_each(|_| age.advance(LRFU, 1000));
            stamp = touch(age).after(stamp);
        }
        assert!(age.clock() < STEPS * 2, "the clock has wrapped");
        let weight = weight(stamp, age.clock());
        assert!(
            (4..=7).contains(&weight),
            "a use each quarter of a half-life, not {weight}"
        );
    }
}
