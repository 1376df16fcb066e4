//! Pages: small reference-counted blocks in which entries lie side by side.
//!
//! ```text
//!  block    [ counts: 16 ][ payload ]     256, 512, 1024, 2048, 3072 or 4096 bytes in all
//!  At       page number * units of a page + unit of 4 bytes within the page
//! ```
//!
//! Entries never straddle a page and are only ever appended; the last page alone grows through
//! the classes. A page that a frozen view shares is copied before it is written, so a larger page
//! saves the ends that no entry fits and costs more of such copies.

use crate::account::{Block, free, free_slice, let_go, let_go_slice, own, own_slice, usable_size};
use std::hint::black_box;
use std::sync::Arc;

/// The granularity of entries, in bytes.
pub(crate) const UNIT: usize = 4;
/// What an `Arc` puts before its payload: two counts.
const COUNTS: usize = 2 * size_of::<usize>();
/// Bytes an allocator keeps for a full page.
const BLOCK: usize = 4096;
/// Bytes of a full page that hold entries.
pub(crate) const PAYLOAD: usize = BLOCK - COUNTS;
/// Units of a full page.
const UNITS: usize = PAYLOAD / UNIT;
/// Payloads of a last page before it is full size. Two words of the block of 3072 stay free: asked
/// for a size that is no power of two and the alignment of a word, mimalloc looks for a little more
/// than the size.
const CLASSES: [usize; 5] = [
    256 - COUNTS,
    512 - COUNTS,
    1024 - COUNTS,
    2048 - COUNTS,
    3072 - 2 * COUNTS,
];
/// The class in which the last page of a segment of many pages begins.
const LATER_CLASS: usize = 2048 - COUNTS;
/// From how many pages on.
const MANY_PAGES: usize = 4;
/// The most pages a segment has: what an [`At`] can number.
const MAX_PAGES: usize = (1 << 16) / UNITS;
/// The largest entry. Eight fit a page, so that a segment's entries always fit its pages.
pub(crate) const MAX_ENTRY: usize = 504;

const _: () = assert!(CLASSES[CLASSES.len() - 1] + MAX_ENTRY <= PAYLOAD);
const _: () = assert!(PAYLOAD / MAX_ENTRY * MAX_PAGES >= 453);

/// Where an entry lies in its segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct At([u8; 2]);

impl At {
    #[inline]
    fn new(page: usize, offset: usize) -> At {
        At(((page * UNITS + offset / UNIT) as u16).to_le_bytes())
    }

    #[inline]
    pub(super) fn page(self) -> usize {
        usize::from(u16::from_le_bytes(self.0)) / UNITS
    }

    #[inline]
    fn offset(self) -> usize {
        usize::from(u16::from_le_bytes(self.0)) % UNITS * UNIT
    }
}

/// `len` rounded up to whole units.
#[inline]
pub(crate) const fn in_units(len: usize) -> usize {
    len.next_multiple_of(UNIT)
}

/// The pages of one segment.
#[derive(Clone, Default)]
pub(crate) struct Pages {
    full: Vec<Arc<[u8; PAYLOAD]>>,
    /// The last page while it is smaller than the others.
    tail: Option<Arc<[u8]>>,
    /// Bytes taken of the last page, be it `tail` or the last of `full`.
    last_used: u16,
}

impl Pages {
    /// The bytes from `at` to the end of its page.
    #[inline]
    pub(crate) fn bytes(&self, at: At) -> &[u8] {
        let page: &[u8] = match self.full.get(at.page()) {
            Some(page) => &page[..],
            None => self.tail.as_deref().unwrap_or_default(),
        };
        page.get(at.offset()..).unwrap_or_default()
    }

    /// Reads the ends of the list of pages, so that it is on its way from memory while the index
    /// still tells which page.
    #[inline]
    pub(crate) fn touch(&self) {
        black_box(self.full.first().map(Arc::as_ptr));
        black_box(self.full.last().map(Arc::as_ptr));
    }

    /// Reads the count of a page, so that it is on its way from memory for [`Pages::bytes_mut`]
    /// while the entry is still being looked at.
    #[inline]
    pub(crate) fn touch_count(&self, at: At) {
        if let Some(page) = self.full.get(at.page()) {
            black_box(Arc::strong_count(page));
        }
    }

    /// Reads the count of the page that grows, for an entry that is about to be added.
    #[inline]
    pub(crate) fn touch_tail(&self) {
        if let Some(tail) = &self.tail {
            black_box(Arc::strong_count(tail));
        }
    }

    /// The same bytes for writing; a page that is shared is copied first.
    #[inline]
    pub(crate) fn bytes_mut(&mut self, at: At) -> &mut [u8] {
        let page: &mut [u8] = match self.full.get_mut(at.page()) {
            Some(page) => &mut own(page)[..],
            None => match &mut self.tail {
                Some(tail) => own_slice(tail),
                None => &mut [],
            },
        };
        page.get_mut(at.offset()..).unwrap_or_default()
    }

    /// Takes room for an entry of `len` bytes (at most [`MAX_ENTRY`]) at the end, or `None` if the
    /// segment has all the pages it may have.
    pub(crate) fn allocate(&mut self, len: usize) -> Option<At> {
        debug_assert!(len <= MAX_ENTRY);
        let len = in_units(len);
        let used = usize::from(self.last_used);
        let (last, room) = match &self.tail {
            Some(tail) => (self.full.len(), tail.len()),
            None if self.full.is_empty() => (0, 0),
            None => (self.full.len() - 1, PAYLOAD),
        };
        if used + len <= room {
            return Some(self.take(last, used, len));
        }
        if self.tail.is_some() {
            self.grow_tail(used + len);
            return Some(self.take(last, used, len));
        }
        if self.full.len() == MAX_PAGES {
            return None;
        }
        self.open_page(len);
        Some(self.take(self.full.len() - usize::from(self.tail.is_none()), 0, len))
    }

    fn take(&mut self, page: usize, used: usize, len: usize) -> At {
        self.last_used = (used + len) as u16;
        At::new(page, used)
    }

    /// Opens a page of a small class that holds `len`.
    fn open_page(&mut self, len: usize) {
        let len = match self.full.len() {
            ..MANY_PAGES => len,
            _ => LATER_CLASS,
        };
        match CLASSES.iter().find(|&&class| len <= class) {
            Some(&class) => self.tail = Some(zeroed(class)),
            None => self.push_full([0; PAYLOAD]),
        }
    }

    /// Moves the last page to the smallest class that holds `len`.
    fn grow_tail(&mut self, len: usize) {
        let Some(old) = self.tail.take() else { return };
        match CLASSES.iter().find(|&&class| len <= class) {
            Some(&class) => {
                let mut page = zeroed(class);
                copy_into(Arc::make_mut(&mut page), &old);
                self.tail = Some(page);
            }
            None => {
                let mut page = [0; PAYLOAD];
                copy_into(&mut page, &old);
                self.push_full(page);
            }
        }
        let_go_slice(old);
    }

    fn push_full(&mut self, page: [u8; PAYLOAD]) {
        if self.full.len() == self.full.capacity() {
            // An eighth more, not twice as much: there are many segments.
            self.full.reserve_exact(4.max(self.full.len() / 8));
        }
        self.full.push(Arc::new(page));
    }

    /// Drops the pages of the live side.
    pub(crate) fn let_go(self) {
        self.full.into_iter().for_each(let_go);
        self.tail.into_iter().for_each(let_go_slice);
    }

    /// Frees the pages for a view: the bytes of those that nobody else shares, and of the list.
    pub(crate) fn free(self) -> usize {
        let list = self.list_bytes();
        let full = self
            .full
            .into_iter()
            .filter_map(free)
            .map(|(bytes, _)| bytes);
        let tail = self.tail.map_or(0, free_slice);
        list + full.sum::<usize>() + tail
    }

    /// Bytes of the list of pages alone.
    pub(crate) fn list_bytes(&self) -> usize {
        usable_size(self.full.len() * size_of::<usize>())
    }

    /// Bytes taken in all pages; the ends of closed pages count as taken.
    pub(crate) fn used(&self) -> usize {
        let closed = match &self.tail {
            Some(_) => self.full.len(),
            None => self.full.len().saturating_sub(1),
        };
        closed * PAYLOAD + usize::from(self.last_used)
    }

    /// Bytes the pages and the list of them take of an allocator. By length, not capacity: a copy
    /// must count as much as what it was made from.
    #[inline]
    pub(crate) fn heap_bytes(&self) -> usize {
        let tail = self
            .tail
            .as_ref()
            .map_or(0, |tail| usable_size(tail.len() + COUNTS));
        self.full.len() * BLOCK + tail + self.list_bytes()
    }
}

impl Block for [u8; PAYLOAD] {
    fn block_bytes(&self) -> usize {
        BLOCK
    }
}

fn zeroed(class: usize) -> Arc<[u8]> {
    static ZEROES: [u8; PAYLOAD] = [0; PAYLOAD];
    Arc::from(&ZEROES[..class])
}

fn copy_into(page: &mut [u8], old: &[u8]) {
    page[..old.len()].copy_from_slice(old);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_fill_their_classes() {
        for class in CLASSES {
            assert!(usable_size(class + COUNTS) <= class + 2 * COUNTS);
        }
        assert_eq!(usable_size(PAYLOAD + COUNTS), BLOCK);
    }

    #[test]
    fn entries_keep_their_bytes_while_the_last_page_grows() {
        let mut pages = Pages::default();
        let mut taken = Vec::new();
        for (n, len) in (1..).zip([1, 100, 37, 200, 504, 90, 504, 504, 3, 240, 500]) {
            let at = pages.allocate(len).unwrap();
            pages.bytes_mut(at)[..len].fill(n);
            taken.push((at, n, len));
        }
        for (at, n, len) in taken {
            assert_eq!(&pages.bytes(at)[..len], vec![n; len]);
        }
    }

    #[test]
    fn a_shared_page_is_copied_before_it_is_written() {
        let mut pages = Pages::default();
        let at = pages.allocate(4).unwrap();
        pages.bytes_mut(at)[0] = 1;
        let frozen = pages.clone();
        pages.bytes_mut(at)[0] = 2;
        assert_eq!((frozen.bytes(at)[0], pages.bytes(at)[0]), (1, 2));
    }

    #[test]
    fn room_ends_with_the_last_page() {
        let mut pages = Pages::default();
        let fit = std::iter::from_fn(|| pages.allocate(MAX_ENTRY)).count();
        assert_eq!(fit, 8 * MAX_PAGES);
        assert_eq!(
            pages.heap_bytes(),
            MAX_PAGES * BLOCK + usable_size(MAX_PAGES * 8)
        );
    }
}
