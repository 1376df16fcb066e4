use crate::error::{Error, ErrorKind};

/// A place in input that may end at any byte.
///
/// What is read stays read only once [`Cursor::commit`] says so: a reader that stops for want of
/// input is called again with the same bytes and more, from the last commit.
#[derive(Debug)]
pub(crate) struct Cursor<'i> {
    input: &'i [u8],
    at: usize,
    committed: usize,
    string_len_max: u64,
}

/// Why a reader stopped short of an item.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The input ends. `end` counts from the cursor's start to where the item, or what is known of
    /// it, ends.
    Need { reading: &'static str, end: usize },
    /// The input is wrong. The error's offset counts from the cursor's start.
    Wrong(Box<Error>),
}

impl Stop {
    /// The same stop, knowing that `len` bytes from the cursor's start are all there will be.
    pub(crate) fn at_end_of_input(self, len: usize) -> Stop {
        match self {
            Stop::Need { reading, end } => {
                let missing = end.saturating_sub(len) as u64;
                let kind = ErrorKind::Truncated { reading, missing };
                Stop::Wrong(Box::new(Error::new(len as u64, kind)))
            }
            wrong => wrong,
        }
    }

    /// The same stop, inside the value of `key` of the kind named `value`.
    pub(crate) fn within(self, key: &[u8], value: &'static str) -> Stop {
        match self {
            Stop::Wrong(error) => Stop::Wrong(Box::new(error.within(key, value))),
            need => need,
        }
    }
}

impl<'i> Cursor<'i> {
    #[inline]
    pub(crate) fn new(input: &'i [u8], string_len_max: u64) -> Cursor<'i> {
        Cursor {
            input,
            at: 0,
            committed: 0,
            string_len_max,
        }
    }

    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The longest string that is read, in bytes.
    pub(crate) fn string_len_max(&self) -> u64 {
        self.string_len_max
    }

    #[inline]
    pub(crate) fn committed(&self) -> usize {
        self.committed
    }

    #[inline]
    pub(crate) fn commit(&mut self) {
        self.committed = self.at;
    }

    /// Moves back to a place this cursor was at.
    pub(crate) fn back_to(&mut self, at: usize) {
        debug_assert!(at <= self.at);
        self.at = at;
    }

    #[inline]
    pub(crate) fn rest(&self) -> &'i [u8] {
        self.input.get(self.at..).unwrap_or(&[])
    }

    /// The bytes from `from` up to here.
    #[inline]
    pub(crate) fn since(&self, from: usize) -> &'i [u8] {
        self.input.get(from..self.at).unwrap_or(&[])
    }

    /// An error at `at`, a place this cursor was at.
    pub(crate) fn wrong(&self, at: usize, kind: ErrorKind) -> Stop {
        Stop::Wrong(Box::new(Error::new(at as u64, kind)))
    }

    pub(crate) fn need(&self, reading: &'static str, more: usize) -> Stop {
        let end = self.at.saturating_add(more);
        Stop::Need { reading, end }
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    #[inline]
    pub(crate) fn byte(&mut self, reading: &'static str) -> Result<u8, Stop> {
        self.array(reading).map(|[byte]: [u8; 1]| byte)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, reading: &'static str) -> Result<[u8; N], Stop> {
        match self.rest().first_chunk() {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => Err(self.need(reading, N)),
        }
    }

    #[inline]
    pub(crate) fn bytes(&mut self, len: usize, reading: &'static str) -> Result<&'i [u8], Stop> {
        match self.rest().get(..len) {
            Some(bytes) => {
                self.at += len;
                Ok(bytes)
            }
            None => Err(self.need(reading, len)),
        }
    }
}
