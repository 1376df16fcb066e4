//! One node of a list, and how large it may be.

use crate::Settings;
use crate::account::Block;
use crate::usable_size;
use crate::value::arc_bytes;
use packed::listpack::{Listpack, ListpackBuf, Pos};

/// A node of a list, as an RDB holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node<'a> {
    /// One element, as it is.
    Plain(&'a [u8]),
    /// A listpack of elements.
    Packed(&'a [u8]),
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// One element too large for others beside it.
    Plain(Box<[u8]>),
    Packed(ListpackBuf),
}

impl Body {
    pub(super) fn as_node(&self) -> Node<'_> {
        match self {
            Body::Plain(element) => Node::Plain(element),
            Body::Packed(listpack) => Node::Packed(listpack.bytes()),
        }
    }

    /// Size of the blob in bytes.
    pub(super) fn byte_len(&self) -> usize {
        match self {
            Body::Plain(element) => element.len(),
            Body::Packed(listpack) => listpack.byte_len(),
        }
    }

    /// Bytes taken of an allocator by this behind an `Arc`.
    pub(super) fn heap_bytes(&self) -> usize {
        arc_bytes::<Body>() + usable_size(self.byte_len())
    }
}

impl Block for Body {
    fn block_bytes(&self) -> usize {
        self.heap_bytes()
    }
}

/// How large nodes may be, as `list-max-listpack-size` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeLimit {
    bytes_max: usize,
    elements_max: usize,
    /// From this size on an element is a node of its own.
    large_above: usize,
}

impl NodeLimit {
    /// Where elements are counted, nodes are no larger than this all the same.
    const SAFETY_BYTES: usize = 8192;

    pub(super) fn of(settings: &Settings) -> NodeLimit {
        let size = settings.limits.list_max_listpack_size;
        if size >= 0 {
            NodeLimit {
                bytes_max: usize::MAX,
                elements_max: (size as usize).max(1),
                large_above: NodeLimit::SAFETY_BYTES,
            }
        } else {
            let bytes_max = 4096 << (size.saturating_neg() - 1).min(4);
            NodeLimit {
                bytes_max,
                elements_max: usize::MAX,
                large_above: bytes_max,
            }
        }
    }

    /// The bytes a node may have, if that is how nodes are limited.
    pub(super) fn bytes(self) -> Option<usize> {
        (self.elements_max == usize::MAX).then_some(self.bytes_max)
    }

    /// Whether a node of that many bytes and elements is too large.
    pub(super) fn is_exceeded(self, bytes: usize, elements: usize) -> bool {
        if self.elements_max == usize::MAX {
            bytes > self.bytes_max
        } else {
            bytes > NodeLimit::SAFETY_BYTES || elements > self.elements_max
        }
    }

    /// Whether an element of that size is a node of its own.
    pub(super) fn is_large(self, element: usize) -> bool {
        element > self.large_above
    }

    /// Whether a quicklist of one such node becomes a listpack again.
    pub(super) fn is_within_half(self, bytes: usize, elements: usize) -> bool {
        bytes <= self.bytes_max / 2 && elements <= self.elements_max / 2
    }
}

/// Positions of elements that equal `element`, ascending: the first `most`, or the last.
pub(super) fn matches(listpack: Listpack<'_>, element: &[u8], most: usize, last: bool) -> Vec<Pos> {
    let next = |pos: &Pos| listpack.find_from(listpack.next(*pos)?, element, 0);
    let mut found: Vec<Pos> = std::iter::successors(listpack.find(element, 0), next)
        .take(if last { usize::MAX } else { most })
        .collect();
    found.drain(..found.len().saturating_sub(most));
    found
}

/// Removes the elements at ascending positions.
pub(super) fn remove_all(listpack: &mut ListpackBuf, positions: &[Pos]) {
    positions.iter().rev().for_each(|pos| {
        listpack.remove(*pos, 1);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(list_max_listpack_size: i32) -> NodeLimit {
        let mut settings = Settings::for_tests();
        settings.limits.list_max_listpack_size = list_max_listpack_size;
        NodeLimit::of(&settings)
    }

    #[test]
    fn negative_sizes_are_bytes_and_others_elements() {
        for (size, bytes) in [
            (-1, 4096),
            (-2, 8192),
            (-5, 65536),
            (-6, 65536),
            (i32::MIN, 65536),
        ] {
            assert!(!limit(size).is_exceeded(bytes, 1_000_000), "{size}");
            assert!(limit(size).is_exceeded(bytes + 1, 1), "{size}");
            assert!(limit(size).is_large(bytes + 1) && !limit(size).is_large(bytes));
        }
        assert!(!limit(3).is_exceeded(8192, 3));
        assert!(limit(3).is_exceeded(1, 4) && limit(3).is_exceeded(8193, 1));
        assert!(!limit(0).is_exceeded(1, 1) && limit(0).is_exceeded(1, 2));
    }

    #[test]
    fn matches_are_counted_from_either_end() {
        let mut listpack = ListpackBuf::new();
        [b"a", b"b", b"a", b"a"]
            .iter()
            .for_each(|e| listpack.push_back(*e));
        remove_all(&mut listpack.clone(), &[]);
        let last = matches(listpack.as_ref(), b"a", 2, true);
        remove_all(&mut listpack, &last);
        let left: Vec<_> = listpack.as_ref().iter().map(|e| e.to_vec()).collect();
        assert_eq!(left, [b"a", b"b"]);
    }
}
