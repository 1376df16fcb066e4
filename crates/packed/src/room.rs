//! Room for bytes that grow: what allocators keep for a request, and no more.

/// The bytes an allocator keeps for a request of `bytes`.
///
/// Four size classes between powers of two, as jemalloc and mimalloc have them, 16 bytes apart
/// below 64; so accounting needs no particular allocator and stays within a few per cent of any.
#[inline]
pub const fn usable_size(bytes: usize) -> usize {
    if bytes == 0 {
        return 0;
    }
    if bytes <= 64 {
        return (bytes + 15) & !15;
    }
    // The step is a quarter of the power of two below `bytes`.
    let step = 1usize << ((bytes - 1).ilog2() - 2);
    (bytes + step - 1) & !(step - 1)
}

/// Makes room for `more` bytes, up to the end of an allocator's class and no further. Blobs are many
/// and most stop growing early: doubling would leave a quarter of them empty.
#[inline]
pub(crate) fn reserve(bytes: &mut Vec<u8>, more: usize) {
    let len = bytes.len() + more;
    if len > bytes.capacity() {
        bytes.reserve_exact(usable_size(len) - bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::{reserve, usable_size};

    #[test]
    fn classes_are_those_of_common_allocators() {
        let pairs = [
            (0, 0),
            (1, 16),
            (64, 64),
            (65, 80),
            (128, 128),
            (129, 160),
            (1024, 1024),
            (1025, 1280),
            (3088, 3584),
            (4096, 4096),
        ];
        for (asked, kept) in pairs {
            assert_eq!(usable_size(asked), kept, "{asked}");
        }
    }

    #[test]
    fn growing_bytes_fill_their_class() {
        let mut bytes = Vec::new();
        for _ in 0..5000 {
            reserve(&mut bytes, 3);
            bytes.extend_from_slice(b"abc");
            assert!(bytes.capacity() <= usable_size(bytes.len()));
        }
    }
}
