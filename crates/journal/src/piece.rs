use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// Consecutive bytes of the journal. Cheap to clone; stays readable after the journal trimmed them.
#[derive(Clone)]
pub struct Piece {
    chunk: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Piece {
    /// The bytes of `chunk` in `range`, cut to what there is.
    pub(crate) fn new(chunk: Arc<Vec<u8>>, range: Range<usize>) -> Piece {
        let end = range.end.min(chunk.len());
        Piece {
            range: range.start.min(end)..end,
            chunk,
        }
    }
}

impl Deref for Piece {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.chunk.get(self.range.clone()).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Piece({})", self.escape_ascii())
    }
}
