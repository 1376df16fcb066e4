use std::ops::Range;

/// The indexes that `start` and `stop` of a command such as LRANGE name among `len` elements, both
/// included there; negative ones count from the end. Empty (`0..0`) where they cross.
pub(crate) fn rank_range(start: i64, stop: i64, len: usize) -> Range<usize> {
    let Some(stop) = from_either_end(stop, len) else {
        return 0..0;
    };
    let start = from_either_end(start, len).unwrap_or(0);
    let end = stop.saturating_add(1).min(len);
    if start < end { start..end } else { 0..0 }
}

/// `None` if a negative index reaches beyond the first element.
fn from_either_end(index: i64, len: usize) -> Option<usize> {
    let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    if index < 0 {
        len.checked_sub(distance)
    } else {
        Some(distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_count_from_either_end_and_are_cut_to_what_is_there() {
        assert_eq!(rank_range(0, -1, 3), 0..3);
        assert_eq!(rank_range(-2, 1, 3), 1..2);
        assert_eq!(rank_range(-9, 9, 3), 0..3);
        assert_eq!(rank_range(i64::MIN, i64::MAX, 3), 0..3);
        assert_eq!(rank_range(1, 0, 3), 0..0);
        assert_eq!(rank_range(0, -4, 3), 0..0);
        assert_eq!(rank_range(3, 5, 3), 0..0);
        assert_eq!(rank_range(0, -1, 0), 0..0);
    }
}
