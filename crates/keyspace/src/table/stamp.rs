//! What an index slot says besides where its entry is.

use super::index::{FieldLine, Line, StampLine};
use crate::access::Touch;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// A mark carried by each slot of an index. Kept there and not in the page, so that a reader can
/// store it under a shared lock while pages stay immutable.
pub(crate) trait Mark: Clone + Default + Send + Sync {
    /// The line of an index whose slots carry this.
    type Line: Line<Mark = Self>;
    /// The 24 bits of the mark.
    fn load(&self) -> u32;
    /// Sets the 24 bits.
    fn store(&self, bits: u32);
    /// Notes an access.
    fn touch(&self, touch: &Touch);
    /// The mark of a new entry.
    fn fresh(touch: &Touch) -> Self;
}

/// 24 bits of access history (LRU clock, or LFU minutes and counter) of a key.
///
/// Three single-byte stores: readers that race may leave a mixture of two stamps that lie a moment
/// apart, which costs nothing but precision.
#[derive(Default)]
pub(crate) struct Stamp([AtomicU8; 3]);

impl Mark for Stamp {
    type Line = StampLine;

    #[inline]
    fn load(&self) -> u32 {
        let [low, middle, high] = &self.0;
        u32::from(low.load(Relaxed))
            | u32::from(middle.load(Relaxed)) << 8
            | u32::from(high.load(Relaxed)) << 16
    }

    #[inline]
    fn store(&self, bits: u32) {
        for (byte, shift) in self.0.iter().zip([0, 8, 16]) {
            byte.store((bits >> shift) as u8, Relaxed);
        }
    }

    #[inline]
    fn touch(&self, touch: &Touch) {
        let was = self.load();
        let is = touch.after(was);
        // Most touches within a second change nothing: leave the line clean.
        if is != was {
            self.store(is);
        }
    }

    #[inline]
    fn fresh(touch: &Touch) -> Stamp {
        let stamp = Stamp::default();
        stamp.store(touch.fresh());
        stamp
    }
}

impl Clone for Stamp {
    fn clone(&self) -> Stamp {
        let copy = Stamp::default();
        copy.store(self.load());
        copy
    }
}

/// No mark: fields of tables inside values have no access history.
#[derive(Clone, Copy, Default)]
pub(crate) struct Unmarked;

impl Mark for Unmarked {
    type Line = FieldLine;

    fn load(&self) -> u32 {
        0
    }
    fn store(&self, _: u32) {}
    fn touch(&self, _: &Touch) {}
    fn fresh(_: &Touch) -> Unmarked {
        Unmarked
    }
}
