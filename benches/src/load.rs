//! Fills a server with strings.

use kvdump::{Reply, Tcp};

use crate::Outcome;

/// Commands sent before replies are read.
const PIPELINE: u64 = 256;

/// The size of a string entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) key_bytes: usize,
    pub(crate) value_bytes: usize,
}

impl Shape {
    /// 16-byte keys and values.
    pub(crate) const SMALL: Shape = Shape {
        key_bytes: 16,
        value_bytes: 16,
    };
    /// 24-byte keys, 100-byte values.
    pub(crate) const MEDIUM: Shape = Shape {
        key_bytes: 24,
        value_bytes: 100,
    };
}

/// Sets `keys` keys, each once, in an order without pattern, to letters that don't compress.
pub(crate) fn fill(to: &mut Tcp, shape: Shape, keys: u64) -> Outcome<()> {
    let mut rng = fastrand::Rng::with_seed(keys);
    let mut sent = 0;
    while sent < keys {
        let batch = PIPELINE.min(keys - sent);
        for number in sent..sent + batch {
            let key = format!(
                "key:{:0width$}",
                scatter(number, keys),
                width = shape.key_bytes - 4
            );
            let value: Vec<u8> = (0..shape.value_bytes)
                .map(|_| rng.u8(b'!'..=b'~'))
                .collect();
            to.push(&[b"SET", key.as_bytes(), &value]);
        }
        to.flush()?;
        for _ in 0..batch {
            match to.reply()? {
                Reply::Simple(_) => {}
                other => return Err(format!("SET was answered {other:?}").into()),
            }
        }
        sent += batch;
    }
    Ok(())
}

/// A permutation of `0..keys`: multiplication by a number that shares no factor with `keys`.
fn scatter(number: u64, keys: u64) -> u64 {
    const PRIME: u64 = 2_654_435_761;
    (u128::from(number) * u128::from(PRIME) % u128::from(keys)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scatter_misses_none() {
        let mut all: Vec<u64> = (0..10_000).map(|n| scatter(n, 10_000)).collect();
        all.sort_unstable();
        assert!(all.iter().copied().eq(0..10_000));
    }
}
