//! Areas in proportion to sizes: rectangles as square as they come (the squarified treemap of Bruls,
//! Huizing and van Wijk).

/// A rectangle, in units of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) w: f64,
    pub(super) h: f64,
}

impl Rect {
    /// What is left inside a margin, and below a head.
    pub(super) fn inner(self, margin: f64, head: f64) -> Rect {
        Rect {
            x: self.x + margin,
            y: self.y + margin + head,
            w: (self.w - 2.0 * margin).max(0.0),
            h: (self.h - 2.0 * margin - head).max(0.0),
        }
    }
}

/// Cuts `area` into one rectangle for each of `sizes`, which fall.
pub(super) fn squarify(sizes: &[u64], area: Rect) -> Vec<Rect> {
    let total: f64 = sizes.iter().map(|size| *size as f64).sum();
    if total <= 0.0 {
        return vec![
            Rect {
                w: 0.0,
                h: 0.0,
                ..area
            };
            sizes.len()
        ];
    }
    let scale = area.w * area.h / total;
    let mut rest: Vec<f64> = sizes.iter().map(|size| *size as f64 * scale).collect();
    let (mut left, mut rects) = (area, Vec::with_capacity(sizes.len()));
    while !rest.is_empty() {
        let side = left.w.min(left.h);
        let count = row_len(&rest, side);
        let row: Vec<f64> = rest.drain(..count).collect();
        left = lay(&row, left, &mut rects);
    }
    rects
}

/// How many of the sizes make the row whose worst rectangle is most like a square.
fn row_len(sizes: &[f64], side: f64) -> usize {
    let mut worst_before = f64::INFINITY;
    let mut sum = 0.0;
    for (count, size) in sizes.iter().enumerate() {
        sum += size;
        let largest = sizes.first().copied().unwrap_or(0.0);
        let across = side * side;
        let worst = (across * largest / (sum * sum)).max(sum * sum / (across * size));
        if count > 0 && worst > worst_before {
            return count;
        }
        worst_before = worst;
    }
    sizes.len()
}

/// Lays a row along the shorter side; gives what is left of the area.
fn lay(row: &[f64], area: Rect, rects: &mut Vec<Rect>) -> Rect {
    let sum: f64 = row.iter().sum();
    let side = area.w.min(area.h);
    let depth = if side > 0.0 { sum / side } else { 0.0 };
    let mut at = 0.0;
    for size in row {
        let len = if depth > 0.0 { size / depth } else { 0.0 };
        rects.push(match area.w < area.h {
            true => Rect {
                x: area.x + at,
                y: area.y,
                w: len,
                h: depth,
            },
            false => Rect {
                x: area.x,
                y: area.y + at,
                w: depth,
                h: len,
            },
        });
        at += len;
    }
    match area.w < area.h {
        true => Rect {
            y: area.y + depth,
            h: (area.h - depth).max(0.0),
            ..area
        },
        false => Rect {
            x: area.x + depth,
            w: (area.w - depth).max(0.0),
            ..area
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_in_proportion_and_fill_the_picture() {
        let area = Rect {
            x: 0.0,
            y: 0.0,
            w: 6.0,
            h: 4.0,
        };
        let sizes = [6, 6, 4, 3, 2, 2, 1];
        let rects = squarify(&sizes, area);
        for (rect, size) in rects.iter().zip(sizes) {
            assert!((rect.w * rect.h - size as f64).abs() < 1e-9);
            assert!(rect.x + rect.w < 6.0 + 1e-9 && rect.y + rect.h < 4.0 + 1e-9);
        }
        // The example of the paper: the first two share a column, one above the other.
        assert_eq!((rects[0].w, rects[0].h), (3.0, 2.0));
        assert_eq!((rects[1].y, rects[1].x), (2.0, 0.0));
    }

    #[test]
    fn nothing_takes_no_room() {
        let area = Rect {
            x: 0.0,
            y: 0.0,
            w: 6.0,
            h: 4.0,
        };
        assert!(squarify(&[], area).is_empty());
        assert_eq!(squarify(&[0, 0], area)[1].w, 0.0);
    }
}
