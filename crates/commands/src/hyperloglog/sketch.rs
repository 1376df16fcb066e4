//! A whole HyperLogLog: header and registers in either form.

use super::dense::{self, DENSE_LEN};
use super::hash::Place;
use super::sparse::{self, Raised};
use super::{HEADER_LEN, REGISTERS};
use crate::Error;

const MAGIC: &[u8] = b"HYLL";
const ENCODING_AT: usize = 4;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
const COUNT_AT: usize = 8;
const STALE: u8 = 0x80;

/// Whether a string may be a HyperLogLog: what can be told from the header and the length.
pub(super) fn looks_right(bytes: &[u8]) -> bool {
    match bytes.split_at_checked(HEADER_LEN) {
        Some((header, rest)) if header.starts_with(MAGIC) => match header[ENCODING_AT] {
            DENSE => rest.len() == DENSE_LEN,
            encoding => encoding == SPARSE,
        },
        _ => false,
    }
}

pub(super) fn is_dense(bytes: &[u8]) -> bool {
    bytes.get(ENCODING_AT) == Some(&DENSE)
}

/// The count in the header, if it is up to date.
pub(super) fn cached(bytes: &[u8]) -> Option<u64> {
    let count = bytes.get(COUNT_AT..)?.first_chunk()?;
    let count = u64::from_le_bytes(*count);
    (count >> 63 == 0).then_some(count)
}

pub(super) fn registers(bytes: &[u8]) -> Result<Box<[u8; REGISTERS]>, Error> {
    let mut registers = Box::new([0; REGISTERS]);
    let body = bytes.get(HEADER_LEN..).unwrap_or(&[]);
    if is_dense(bytes) {
        for (at, register) in registers.iter_mut().enumerate() {
            *register = dense::get(body, at);
        }
    } else {
        sparse::for_each_run(body, |first, len, value| {
            registers[first..first + len].fill(value);
        })?;
    }
    Ok(registers)
}

/// Whether any of `places` is higher than what is there.
pub(super) fn would_change(bytes: &[u8], places: &[Place]) -> Result<bool, Error> {
    if is_dense(bytes) {
        let body = bytes.get(HEADER_LEN..).unwrap_or(&[]);
        let higher = |place: &Place| dense::get(body, place.register) < place.count;
        return Ok(places.iter().any(higher));
    }
    let registers = registers(bytes)?;
    Ok(places
        .iter()
        .any(|place| registers[place.register] < place.count))
}

/// A HyperLogLog taken out of the keyspace to be changed. Its bytes look right.
pub(super) struct Sketch {
    bytes: Vec<u8>,
}

impl Sketch {
    /// All registers 0, the count known.
    pub(super) fn empty() -> Sketch {
        let mut bytes = vec![0; HEADER_LEN];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes[ENCODING_AT] = SPARSE;
        bytes.extend(sparse::empty());
        Sketch { bytes }
    }

    /// Only for bytes that [`looks_right`].
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Sketch {
        debug_assert!(looks_right(&bytes));
        Sketch { bytes }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Raises a register; whether it was lower. Turns dense if it must, as when a sparse form would
    /// take more than `sparse_max` bytes, header included.
    pub(super) fn raise(&mut self, place: Place, sparse_max: usize) -> Result<bool, Error> {
        if !is_dense(&self.bytes) {
            let mut runs = self.bytes.split_off(HEADER_LEN);
            let raised = sparse::raise(&mut runs, place, sparse_max.saturating_sub(HEADER_LEN));
            self.bytes.append(&mut runs);
            match raised? {
                Raised::No => return Ok(false),
                Raised::Yes => {
                    self.mark_stale();
                    return Ok(true);
                }
                Raised::NeedsDense => self.make_dense()?,
            }
        }
        let body = &mut self.bytes[HEADER_LEN..];
        let lower = dense::get(body, place.register) < place.count;
        if lower {
            dense::set(body, place.register, place.count);
        }
        Ok(lower)
    }

    pub(super) fn make_dense(&mut self) -> Result<(), Error> {
        if is_dense(&self.bytes) {
            return Ok(());
        }
        let registers = registers(&self.bytes)?;
        self.bytes.truncate(HEADER_LEN);
        self.bytes.resize(HEADER_LEN + DENSE_LEN, 0);
        self.bytes[ENCODING_AT] = DENSE;
        for (at, &count) in registers.iter().enumerate() {
            dense::set(&mut self.bytes[HEADER_LEN..], at, count);
        }
        Ok(())
    }

    /// Says that the count in the header is out of date.
    pub(super) fn mark_stale(&mut self) {
        self.bytes[HEADER_LEN - 1] |= STALE;
    }

    /// Keeps the count in the header.
    pub(super) fn cache(&mut self, count: u64) {
        self.bytes[COUNT_AT..HEADER_LEN].copy_from_slice(&count.to_le_bytes());
    }
}
