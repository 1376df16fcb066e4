//! What an allocator keeps for a request, and what the live side leaves to frozen views alone: the
//! same wherever bytes are counted.
//!
//! A block behind a counted reference is kept by a view alone from when the live side lets it go,
//! by copying it before a write or by dropping it. Who lets a block go notes its bytes on its
//! thread; whoever unlocks the shards hands the sum to the [`Budget`](crate::budget::Budget).
//! Whoever drops the last reference for a view gives the same bytes back. `Arc::into_inner` tells
//! exactly one of the two that it was the last, so both happen or neither.

pub use packed::usable_size;

use std::cell::Cell;
use std::sync::Arc;

/// What an `Arc` puts before its payload: two counts.
const COUNTS: usize = 2 * size_of::<usize>();

crate::sync::thread_local! {
    static LET_GO: Cell<usize> = const { Cell::new(0) };
}

/// What lies behind a counted reference that views may share.
pub(crate) trait Block: Clone {
    /// Bytes the block takes with its counts and what it owns, without blocks that it refers to.
    fn block_bytes(&self) -> usize;
}

/// The block for writing; one that is shared is copied first, and the old one let go.
#[inline]
pub(crate) fn own<T: Block>(block: &mut Arc<T>) -> &mut T {
    if Arc::strong_count(block) > 1 {
        let_go(std::mem::replace(block, Arc::new(T::clone(block))));
    }
    Arc::make_mut(block)
}

/// The same of a slice.
#[inline]
pub(crate) fn own_slice<T: Copy>(block: &mut Arc<[T]>) -> &mut [T] {
    if Arc::strong_count(block) > 1 {
        let_go_slice(std::mem::replace(block, Arc::from(&block[..])));
    }
    Arc::make_mut(block)
}

/// Drops a block of the live side.
pub(crate) fn let_go<T: Block>(block: Arc<T>) {
    let bytes = block.block_bytes();
    if Arc::into_inner(block).is_none() {
        note(bytes);
    }
}

/// The same of a slice. These have no `into_inner`: of two sides that let go at once, both may be
/// taken for the last.
pub(crate) fn let_go_slice<T>(block: Arc<[T]>) {
    if Arc::strong_count(&block) > 1 {
        note(slice_bytes(&block));
    }
}

/// Drops something of the live side that takes so many bytes and falls into these parts: what is
/// not freed with them, views keep.
pub(crate) fn let_go_parts(bytes: usize, parts: impl Iterator<Item = usize>) {
    note(bytes.saturating_sub(parts.sum()));
}

/// Frees a slice: its bytes, if nobody else shares it.
pub(crate) fn free_slice<T>(block: Arc<[T]>) -> usize {
    match Arc::strong_count(&block) {
        1 => slice_bytes(&block),
        _ => 0,
    }
}

/// What an `Arc` of a slice takes of an allocator; nothing if it is empty: all default ones are one
/// of the standard library's.
pub(crate) fn slice_bytes<T>(slice: &[T]) -> usize {
    match size_of_val(slice) {
        0 => 0,
        bytes => usable_size(bytes + COUNTS),
    }
}

/// Frees a block: its bytes, and itself to be taken apart, if nobody else shares it.
pub(crate) fn free<T: Block>(block: Arc<T>) -> Option<(usize, T)> {
    let block = Arc::into_inner(block)?;
    Some((block.block_bytes(), block))
}

fn note(bytes: usize) {
    // Nothing, mostly: then the thread's own memory need not be looked for.
    if bytes > 0 {
        LET_GO.with(|sum| sum.set(sum.get() + bytes));
    }
}

/// What this thread has let go since it was last asked.
#[inline]
pub(crate) fn taken_leave_of() -> usize {
    LET_GO.with(|sum| sum.replace(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Block for u64 {
        fn block_bytes(&self) -> usize {
            24
        }
    }

    #[test]
    fn what_is_shared_counts_once_and_comes_back_once() {
        taken_leave_of();
        let mut live = Arc::new(7u64);
        *own(&mut live) = 8;
        assert_eq!(taken_leave_of(), 0, "nobody shares it");
        let (one, other) = (Arc::clone(&live), Arc::clone(&live));
        *own(&mut live) = 9;
        assert_eq!((*live, *one, taken_leave_of()), (9, 8, 24));
        assert_eq!(free(one), None, "the other view has it");
        assert_eq!(free(other), Some((24, 8)));
        let view = Arc::clone(&live);
        assert_eq!(free(view), None, "the live side has it");
        let_go(live);
        assert_eq!(taken_leave_of(), 0);
    }

    #[test]
    fn slices_count_like_blocks() {
        taken_leave_of();
        let mut live: Arc<[u8]> = Arc::from(&[1u8; 48][..]);
        let view = Arc::clone(&live);
        own_slice(&mut live)[0] = 2;
        assert_eq!((view[0], taken_leave_of()), (1, 64));
        assert_eq!(free_slice(view), 64);
        let view = Arc::clone(&live);
        let_go_slice(live);
        assert_eq!((taken_leave_of(), free_slice(view)), (64, 64));
    }
}
