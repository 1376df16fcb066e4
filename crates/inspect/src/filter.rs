//! Which keys are looked at.

use crate::record::{Figures, Key, Type};
use crate::slot;
use std::fmt;
use std::ops::RangeInclusive;
use units::UnixMillis;

/// Decides by a key's name.
pub type NameTest = Box<dyn Fn(&[u8]) -> bool>;

/// What a key must be to be looked at. The default is everything.
#[derive(Default)]
pub struct Filter {
    /// In one of these databases; in any if empty.
    pub dbs: Vec<u32>,
    /// Of one of these types; of any if empty.
    pub types: Vec<Type>,
    /// With such a name.
    pub name: Option<NameTest>,
    /// With such a deadline.
    pub ttl: Option<Ttl>,
    /// In one of these slots; in any if empty.
    pub slots: Vec<RangeInclusive<u16>>,
    /// Of at least so many bytes of memory.
    pub memory_min: Option<u64>,
    /// Of at most so many bytes of memory.
    pub memory_max: Option<u64>,
}

/// What a key's deadline must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// None.
    Never,
    /// Any.
    Some,
    /// One that has passed by then.
    Until(UnixMillis),
}

impl Filter {
    /// Whether a key may be wanted, as far as that is known before its value.
    #[inline]
    pub(crate) fn admits(&self, key: &Key<'_>) -> bool {
        let is_type = self.types.is_empty() || self.types.contains(&key.kind);
        is_type && self.admits_name(key.db, key.name, key.expire)
    }

    /// As [`Filter::admits`], for a key whose type is not known.
    #[inline]
    pub(crate) fn admits_name(&self, db: u32, name: &[u8], expire: Option<UnixMillis>) -> bool {
        (self.dbs.is_empty() || self.dbs.contains(&db))
            && self.ttl.is_none_or(|ttl| ttl.fits(expire))
            && self.name.as_ref().is_none_or(|test| test(name))
            && (self.slots.is_empty() || self.admits_slot(slot::of(name)))
    }

    /// Whether every key is wanted.
    pub(crate) fn is_all(&self) -> bool {
        self.dbs.is_empty()
            && self.types.is_empty()
            && self.slots.is_empty()
            && self.name.is_none()
            && self.ttl.is_none()
            && !self.waits_for_size()
    }

    fn admits_slot(&self, slot: u16) -> bool {
        self.slots.iter().any(|range| range.contains(&slot))
    }

    /// Whether it is wanted, once its value is known.
    #[inline]
    pub(crate) fn keeps(&self, figures: &Figures) -> bool {
        self.memory_min.is_none_or(|min| figures.memory >= min)
            && self.memory_max.is_none_or(|max| figures.memory <= max)
    }

    /// Whether nothing is decided before a value is complete.
    pub fn waits_for_size(&self) -> bool {
        self.memory_min.is_some() || self.memory_max.is_some()
    }
}

impl Ttl {
    fn fits(self, expire: Option<UnixMillis>) -> bool {
        match self {
            Ttl::Never => expire.is_none(),
            Ttl::Some => expire.is_some(),
            Ttl::Until(at) => expire.is_some_and(|expire| expire <= at),
        }
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("dbs", &self.dbs)
            .field("types", &self.types)
            .field("ttl", &self.ttl)
            .field("slots", &self.slots)
            .field("memory_min", &self.memory_min)
            .field("memory_max", &self.memory_max)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Encoding;

    fn key(name: &[u8], expire: Option<i64>) -> Key<'_> {
        Key {
            db: 1,
            name,
            expire: expire.map(UnixMillis),
            idle_secs: None,
            freq: None,
            kind: Type::Set,
            encoding: Encoding::Intset,
            offset: 9,
        }
    }

    #[test]
    fn every_condition_counts() {
        let admits = |filter: Filter| filter.admits(&key(b"foo", Some(1000)));
        assert!(admits(Filter::default()));
        for (dbs, is) in [(vec![1, 2], true), (vec![0], false)] {
            let rest = Filter::default();
            assert_eq!(admits(Filter { dbs, ..rest }), is);
        }
        for (kind, is) in [(Type::Set, true), (Type::Hash, false)] {
            let types = vec![kind];
            let rest = Filter::default();
            assert_eq!(admits(Filter { types, ..rest }), is);
        }
        for (range, is) in [(0..=100, false), (12_182..=12_182, true)] {
            let slots = vec![range];
            let rest = Filter::default();
            assert_eq!(admits(Filter { slots, ..rest }), is);
        }
        for (first, is) in [(b'f', true), (b'g', false)] {
            let name: Option<NameTest> = Some(Box::new(move |name| name.first() == Some(&first)));
            let rest = Filter::default();
            assert_eq!(admits(Filter { name, ..rest }), is);
        }
        for (ttl, is) in [
            (Ttl::Never, false),
            (Ttl::Some, true),
            (Ttl::Until(UnixMillis(1000)), true),
            (Ttl::Until(UnixMillis(999)), false),
        ] {
            let ttl = Some(ttl);
            let rest = Filter::default();
            assert_eq!(admits(Filter { ttl, ..rest }), is);
        }
    }

    #[test]
    fn size_is_a_range() {
        let filter = Filter {
            memory_min: Some(10),
            memory_max: Some(20),
            ..Filter::default()
        };
        let of = |memory| Figures {
            memory,
            ..Figures::default()
        };
        let kept = [9, 10, 20, 21].map(|memory| filter.keeps(&of(memory)));
        assert_eq!(kept, [false, true, true, false]);
        assert!(filter.waits_for_size());
    }
}
