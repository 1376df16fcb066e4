use packed::crc64::Crc64;

/// The bytes that were fed and not consumed, and the checksum of those that were.
///
/// ```text
///   buf   [ summed | consumed | waiting | room ]
///         0        summed     start     end    buf.len()
/// ```
///
/// The checksum is brought up to date only when consumed bytes leave the buffer, so that it runs
/// over large blocks.
#[derive(Debug)]
pub(crate) struct Input {
    buf: Vec<u8>,
    summed: usize,
    start: usize,
    end: usize,
    /// The offset in the stream of `buf[0]`.
    base: u64,
    crc: Option<Crc64>,
}

/// A buffer beyond this that has emptied is given back.
const KEPT: usize = 4 << 20;

impl Input {
    pub(crate) fn new(checksum: bool) -> Input {
        Input {
            buf: Vec::new(),
            summed: 0,
            start: 0,
            end: 0,
            base: 0,
            crc: checksum.then(Crc64::new),
        }
    }

    /// The offset in the stream of the first waiting byte.
    #[inline]
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    pub(crate) fn waiting(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or(&[])
    }

    /// The waiting bytes, and where to note how many of them were consumed.
    #[inline]
    pub(crate) fn split(&mut self) -> (&[u8], &mut usize) {
        let waiting = self.buf.get(self.start..self.end).unwrap_or(&[]);
        (waiting, &mut self.start)
    }

    #[inline]
    pub(crate) fn waiting_len(&self) -> usize {
        self.end - self.start
    }

    /// The checksum of everything consumed; 0 if none is kept.
    pub(crate) fn checksum(&mut self) -> u64 {
        self.sum();
        self.crc.as_ref().map_or(0, Crc64::value)
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.compact();
        if self.end < self.buf.len() {
            self.buf.truncate(self.end);
        }
        self.buf.extend_from_slice(bytes);
        self.end = self.buf.len();
    }

    /// Room for at least `min` bytes, to be read into.
    pub(crate) fn space(&mut self, min: usize) -> &mut [u8] {
        self.compact();
        let len = self.end.saturating_add(min);
        if self.buf.len() < len {
            self.buf.resize(len, 0);
        }
        self.buf.get_mut(self.end..).unwrap_or(&mut [])
    }

    /// So many bytes were read into the room.
    pub(crate) fn advance(&mut self, count: usize) {
        self.end = (self.end + count).min(self.buf.len());
    }

    /// Gives up the waiting bytes.
    pub(crate) fn into_waiting(mut self) -> Vec<u8> {
        self.buf.truncate(self.end);
        self.buf.drain(..self.start);
        self.buf
    }

    /// Moves waiting bytes to the front, if that is less work than it gains room.
    fn compact(&mut self) {
        if self.start < self.waiting_len() || self.start == 0 {
            return;
        }
        self.sum();
        self.buf.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        (self.start, self.summed) = (0, 0);
        if self.end == 0 && self.buf.len() > KEPT {
            self.buf = Vec::new();
        }
    }

    fn sum(&mut self) {
        let consumed = self.summed..self.start;
        if let Some(crc) = &mut self.crc {
            crc.update(self.buf.get(consumed).unwrap_or(&[]));
        }
        self.summed = self.start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_and_are_summed_once() {
        let text: Vec<u8> = (0..10_000_u32).map(|n| (n % 251) as u8).collect();
        let mut input = Input::new(true);
        let mut seen = Vec::new();
        for (n, block) in text.chunks(37).enumerate() {
            if n % 2 == 0 {
                input.feed(block);
            } else {
                let space = input.space(block.len());
                space[..block.len()].copy_from_slice(block);
                input.advance(block.len());
            }
            let count = n % 80;
            seen.extend(input.waiting().iter().take(count));
            let (waiting, start) = input.split();
            *start += count.min(waiting.len());
            assert_eq!(input.offset(), seen.len() as u64);
        }
        seen.extend_from_slice(input.waiting());
        let (waiting, start) = input.split();
        *start += waiting.len();
        assert_eq!(seen, text);
        assert_eq!(input.checksum(), packed::crc64::crc64(&text));
    }
}
