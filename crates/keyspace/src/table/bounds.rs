//! The earliest deadline of each page of a segment.

use super::page::At;
use super::wheel::NEVER;
use crate::account::usable_size;

/// For each page a time before which nothing in it is due. It may be early: removing a deadline
/// leaves it, and the next visit of the page sets it right.
///
/// Pages without deadlines behind the last with one have no bound, so most segments of most
/// keyspaces keep none.
#[derive(Clone)]
pub(super) struct Bounds {
    pages: Box<[i64]>,
    earliest: i64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            pages: Box::default(),
            earliest: NEVER,
        }
    }
}

impl Bounds {
    /// No page's bound lies before this; [`NEVER`] if nothing will be due.
    #[inline]
    pub(super) fn earliest(&self) -> i64 {
        self.earliest
    }

    /// Whether no page has a bound.
    pub(super) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// The bound of each page that has one.
    pub(super) fn pages(&self) -> &[i64] {
        &self.pages
    }

    /// The bound of the page in which an entry lies.
    #[inline]
    pub(super) fn of(&self, at: At) -> i64 {
        self.pages.get(at.page()).copied().unwrap_or(NEVER)
    }

    /// Notes that an entry is due then; [`NEVER`] changes nothing.
    #[inline]
    pub(super) fn note(&mut self, at: At, due: i64) {
        if due != NEVER {
            self.lower(at.page(), due);
        }
    }

    fn lower(&mut self, page: usize, due: i64) {
        if page >= self.pages.len() {
            let mut pages = std::mem::take(&mut self.pages).into_vec();
            pages.reserve_exact(page + 1 - pages.len());
            pages.resize(page + 1, NEVER);
            self.pages = pages.into_boxed_slice();
        }
        self.pages[page] = self.pages[page].min(due);
        self.earliest = self.earliest.min(due);
    }

    /// Sets every bound that was at or before `now` to what `found` has for its page.
    pub(super) fn settle(&mut self, now: i64, found: &[i64]) {
        for (bound, &found) in self.pages.iter_mut().zip(found) {
            if *bound <= now {
                *bound = found;
            }
        }
        self.earliest = self.pages.iter().copied().min().unwrap_or(NEVER);
    }

    /// Bytes taken of an allocator.
    #[inline]
    pub(super) fn heap_bytes(&self) -> usize {
        usable_size(size_of_val(&*self.pages))
    }
}
