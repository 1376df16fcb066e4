//! The segments of a table inside a value: reference-counted, copied on write.
//!
//! A clone of the table shares everything. The first write after it copies the list of blocks, one
//! block of references, one segment's index and one page.

use super::segment::Segment;
use super::stamp::Unmarked;
use super::tree::Segments;
use crate::account::{Block, free, own, usable_size};
use crate::value::arc_bytes;
use std::sync::Arc;

/// References in a block.
const BLOCK: usize = 64;

/// Segments behind two levels of references.
#[derive(Clone)]
pub(crate) struct Shared {
    blocks: Vec<Arc<References>>,
}

impl Shared {
    /// One empty segment.
    pub(crate) fn new() -> Shared {
        Shared {
            blocks: vec![Arc::new(vec![Arc::new(Segment::new(0, 0))])],
        }
    }
}

impl Shared {
    /// Bytes of the list of blocks.
    pub(crate) fn list_bytes(&self) -> usize {
        usable_size(self.blocks.capacity() * size_of::<usize>())
    }

    /// The segments, to be freed one by one: the bytes of each. What others share is left to them
    /// and does not count.
    pub(crate) fn into_parts(self) -> impl Iterator<Item = usize> + Send {
        let list = self.list_bytes();
        let blocks = self.blocks.into_iter().filter_map(free);
        let parts = blocks.flat_map(|(bytes, segments)| {
            let segments = segments.into_iter().filter_map(Arc::into_inner);
            let parts = |segment: Segment<Unmarked>| {
                std::iter::once(arc_bytes::<Segment<Unmarked>>()).chain(segment.into_parts())
            };
            std::iter::once(bytes).chain(segments.flat_map(parts))
        });
        std::iter::once(list).chain(parts)
    }
}

/// References to segments.
type References = Vec<Arc<Segment<Unmarked>>>;

impl Block for References {
    fn block_bytes(&self) -> usize {
        arc_bytes::<References>() + usable_size(self.capacity() * size_of::<usize>())
    }
}

impl Block for Segment<Unmarked> {
    fn block_bytes(&self) -> usize {
        arc_bytes::<Segment<Unmarked>>() + self.list_bytes()
    }
}

impl Segments<Unmarked> for Shared {
    fn count(&self) -> u32 {
        let full = self.blocks.len().saturating_sub(1) * BLOCK;
        (full + self.blocks.last().map_or(0, |block| block.len())) as u32
    }

    #[inline]
    fn get(&self, number: u32) -> &Segment<Unmarked> {
        let number = number as usize;
        &self.blocks[number / BLOCK][number % BLOCK]
    }

    #[inline]
    fn change(&mut self, number: u32) -> &mut Segment<Unmarked> {
        let number = number as usize;
        let block = own(&mut self.blocks[number / BLOCK]);
        own(&mut block[number % BLOCK])
    }

    fn push(&mut self, segment: Segment<Unmarked>) -> u32 {
        let number = self.count();
        let segment = Arc::new(segment);
        match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK => own(block).push(segment),
            _ => self.blocks.push(Arc::new(vec![segment])),
        }
        number
    }

    fn heap_bytes(&self) -> usize {
        // Every block counted full-grown, except the only one of a small table.
        let counts = 2 * size_of::<usize>();
        let references = match &self.blocks[..] {
            [only] => only.capacity(),
            _ => BLOCK,
        };
        let block = usable_size(counts + size_of::<Vec<()>>())
            + usable_size(references * size_of::<usize>());
        let segment = usable_size(counts + size_of::<Segment<Unmarked>>());
        self.list_bytes() + self.blocks.len() * block + self.count() as usize * segment
    }
}
