//! Fixed-width numbers at an offset: `None` when the bytes are not there, never a panic.

/// `N` bytes at `at`.
#[inline]
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

/// u16, little-endian.
#[inline]
pub(crate) fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

/// u32, little-endian.
#[inline]
pub(crate) fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

/// i16, little-endian, widened.
#[inline]
pub(crate) fn i16_le(bytes: &[u8], at: usize) -> Option<i64> {
    array(bytes, at).map(|raw| i64::from(i16::from_le_bytes(raw)))
}

/// i24, little-endian, sign-extended.
#[inline]
pub(crate) fn i24_le(bytes: &[u8], at: usize) -> Option<i64> {
    array::<3>(bytes, at).map(|[a, b, c]| i64::from(i32::from_le_bytes([0, a, b, c]) >> 8))
}

/// i32, little-endian, widened.
#[inline]
pub(crate) fn i32_le(bytes: &[u8], at: usize) -> Option<i64> {
    array(bytes, at).map(|raw| i64::from(i32::from_le_bytes(raw)))
}

/// i64, little-endian.
#[inline]
pub(crate) fn i64_le(bytes: &[u8], at: usize) -> Option<i64> {
    array(bytes, at).map(i64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_extends_24_bits() {
        assert_eq!(i24_le(&[0xff, 0xff, 0xff], 0), Some(-1));
        assert_eq!(i24_le(&[0, 0, 0x80], 0), Some(-0x80_0000));
        assert_eq!(i24_le(&[0xff, 0xff, 0x7f], 0), Some(0x7f_ffff));
        assert_eq!(i24_le(&[0, 0], 0), None);
        assert_eq!(u32_le(&[1], usize::MAX), None);
    }
}
