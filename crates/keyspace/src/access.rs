//! The access history of a key: 24 bits, read as an LRU clock or as an LFU counter.
//!
//! ```text
//!  LRU   clock in seconds, 24 bits, wrapping after 194 days
//!  LFU   minutes of the last decay, 16 bits | logarithmic counter, 8 bits
//! ```

use units::UnixMillis;

/// Which reading of the 24 bits is in force; `maxmemory-policy` decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessPolicy {
    /// Seconds since the last use.
    #[default]
    Lru,
    /// How often a key is used, decaying.
    Lfu {
        /// `lfu-log-factor`: the larger, the more accesses it takes to raise the counter.
        log_factor: u32,
        /// `lfu-decay-time`: minutes after which the counter falls by one; 0 for never.
        decay_minutes: u32,
    },
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

/// One access, or many at the same moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Touch {
    policy: AccessPolicy,
    now: UnixMillis,
    clock: u32,
    /// Decides whether an access raises the counter.
    draw: u64,
}

impl Touch {
    /// For tables that keep no access history.
    pub(crate) const NONE: Touch = Touch {
        policy: AccessPolicy::Lru,
        now: UnixMillis(0),
        clock: 0,
        draw: 0,
    };

    /// An access at `now`; `draw` is any number that differs from access to access.
    #[inline]
    pub(crate) fn new(policy: AccessPolicy, now: UnixMillis, draw: u64) -> Touch {
        Touch {
            policy,
            now,
            clock: clock(now),
            draw,
        }
    }

    /// The stamp of a new key.
    #[inline]
    pub(crate) fn fresh(&self) -> u32 {
        match self.policy {
            AccessPolicy::Lru => self.clock,
            AccessPolicy::Lfu { .. } => freq_stamp(LFU_START, self.now),
        }
    }

    /// The stamp of a key after this access.
    #[inline]
    pub(crate) fn after(&self, stamp: u32) -> u32 {
        match self.policy {
            AccessPolicy::Lru => self.clock,
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

    #[test]
    fn idle_time_survives_the_wrap_of_the_clock() {
        let late = UnixMillis(i64::from(CLOCK) * 1000);
        let stamp = Touch::new(AccessPolicy::Lru, late, 0).fresh();
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
        let mut stamp = Touch::new(policy, now, 0).fresh();
        assert_eq!(freq(stamp, 1, now), LFU_START);
        for draw in 0..1000 {
            stamp = Touch::new(policy, now, draw).after(stamp);
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
}
