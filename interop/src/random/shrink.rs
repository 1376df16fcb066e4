//! Making a sequence short that still shows a difference.

/// The shortest part of `steps`, in order, that was found for which `fails` holds; it does for all
/// of them. Pieces are left out by halves, then quarters, down to single steps.
pub fn shrink<T: Clone, E>(
    mut steps: Vec<T>,
    mut fails: impl FnMut(&[T]) -> Result<bool, E>,
) -> Result<Vec<T>, E> {
    let mut piece = steps.len() / 2;
    while piece > 0 {
        let mut at = 0;
        let before = steps.len();
        while at < steps.len() {
            let end = (at + piece).min(steps.len());
            let less = [&steps[..at], &steps[end..]].concat();
            match fails(&less)? {
                true => steps = less,
                false => at = end,
            }
        }
        // Once more with single steps while that helps: one may have kept another.
        if piece > 1 || steps.len() == before {
            piece /= 2;
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_what_it_takes() {
        let takes = |steps: &[u32]| Ok::<_, ()>(steps.contains(&7) && steps.contains(&93));
        assert_eq!(shrink((0..200).collect(), takes), Ok(vec![7, 93]));
    }

    #[test]
    fn order_stays() {
        let takes = |steps: &[u32]| {
            let place = |n| steps.iter().position(|step| *step == n);
            Ok::<_, ()>(matches!((place(5), place(3)), (Some(a), Some(b)) if a < b))
        };
        assert_eq!(shrink((0..9).rev().collect(), takes), Ok(vec![5, 3]));
    }
}
