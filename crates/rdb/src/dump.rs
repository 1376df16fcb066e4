//! `DUMP` payloads: one value and a footer.
//!
//! # Layout
//!
//! ```text
//!   size  field
//!   1     kind      see `kind.rs`
//!   ..    value
//!   2     version   u16, little-endian
//!   8     checksum  CRC-64/Jones of all the above, little-endian; 0 is refused
//! ```
//!
//! Example: `00 01 76 0A00 ..` the string "v", by Redis 7.0.
//!
//! Servers let a value run on into its footer and ignore bytes between the two. Here a value ends
//! where its footer begins, exactly.

use packed::crc64;

use crate::cursor::{Cursor, Stop};
use crate::decoder::STRING_LEN_MAX;
use crate::encode_error::{EncodeError, Losses};
use crate::error::{Error, ErrorKind};
use crate::event::Part;
use crate::header::{Family, Version};
use crate::kind::Kind;
use crate::object::{ValueReader, ValueWriter};
use crate::opcode;
use crate::target::Target;

const VERSION_LEN: usize = 2;
const CHECKSUM_LEN: usize = 8;
/// The size of the footer, in bytes.
pub const FOOTER_LEN: usize = VERSION_LEN + CHECKSUM_LEN;

/// Checks the footer of a payload, and gives what it stands behind (kind and value) and the version.
pub fn verify(payload: &[u8]) -> Result<(&[u8], Version), Error> {
    let (body, version) = verify_all(payload)?;
    if body.is_empty() {
        let found = payload.len();
        return Err(Error::new(0, ErrorKind::ShortPayload { found }));
    }
    Ok((body, version))
}

/// The same where there may be nothing in front of the footer.
pub(crate) fn verify_all(payload: &[u8]) -> Result<(&[u8], Version), Error> {
    let (summed, stored) = split_checksum(payload)?;
    let computed = crc64::crc64(summed);
    if stored != computed || stored == 0 {
        let kind = ErrorKind::ChecksumMismatch { stored, computed };
        return Err(Error::new(summed.len() as u64, kind));
    }
    split_version(payload)
}

fn short(payload: &[u8]) -> Error {
    let found = payload.len();
    Error::new(0, ErrorKind::ShortPayload { found })
}

/// What the checksum stands for, and the checksum.
fn split_checksum(payload: &[u8]) -> Result<(&[u8], u64), Error> {
    let split = payload.split_last_chunk();
    let (summed, checksum) = split.ok_or_else(|| short(payload))?;
    Ok((summed, u64::from_le_bytes(*checksum)))
}

/// What the footer stands behind, and the version in it.
fn split_version(payload: &[u8]) -> Result<(&[u8], Version), Error> {
    let (summed, _) = split_checksum(payload)?;
    let (body, number) = summed.split_last_chunk().ok_or_else(|| short(payload))?;
    match Version::of_number(u16::from_le_bytes(*number)) {
        Ok(version) => Ok((body, version)),
        Err(kind) => Err(Error::new(body.len() as u64, kind)),
    }
}

/// What servers call the form of a payload's value when they find it damaged.
pub fn form(payload: &[u8]) -> &'static str {
    match payload.first() {
        Some(9) => "Zipmap",
        Some(10 | 14) => "Ziplist",
        Some(11) => "Intset",
        Some(12) => "Zset ziplist",
        Some(13) => "Hash ziplist",
        Some(15 | 19 | 21 | 26 | 27) => "Stream listpack",
        Some(16) => "Hash listpack",
        Some(17) => "Zset listpack",
        Some(18) => "Listpack",
        Some(20) => "Set listpack",
        _ => "Value",
    }
}

/// Checks a payload's footer and prepares to read its value.
pub fn decode(payload: &[u8]) -> Result<ValueDecoder<'_>, Error> {
    let (body, version) = verify(payload)?;
    value_decoder(body, version)
}

/// The same whatever the checksum is.
pub fn decode_unchecked(payload: &[u8]) -> Result<ValueDecoder<'_>, Error> {
    let (body, version) = split_version(payload)?;
    value_decoder(body, version)
}

fn value_decoder(body: &[u8], version: Version) -> Result<ValueDecoder<'_>, Error> {
    let mut cur = Cursor::new(body, STRING_LEN_MAX);
    let byte = cur
        .byte("a value's kind")
        .map_err(|stop| fail(stop, &cur))?;
    let kind = kind(byte, version).map_err(|kind| Error::new(0, kind))?;
    let mut value = ValueReader::new();
    value.start(kind);
    let done = false;
    Ok(ValueDecoder {
        version,
        kind,
        cur,
        value,
        done,
    })
}

/// Kinds are not bound to the version of a payload, since its checksum says that it is whole.
fn kind(byte: u8, version: Version) -> Result<Kind, ErrorKind> {
    let number = version.number.max(opcode::CHECKSUMS_SINCE);
    let version = Version { number, ..version };
    if byte == opcode::KEY_META && version.family == Family::Redis {
        let (found, what) = (byte, "a key's metadata of modules");
        return Err(ErrorKind::Unsupported { found, what });
    }
    if byte >= opcode::FIRST {
        opcode::check(byte, version)?;
    }
    Kind::of(byte, version)
}

/// Reads the value of a `DUMP` payload part by part.
#[derive(Debug)]
pub struct ValueDecoder<'p> {
    version: Version,
    kind: Kind,
    cur: Cursor<'p>,
    value: ValueReader,
    done: bool,
}

impl ValueDecoder<'_> {
    /// The version in the footer.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The next part, up to and including [`Part::EndValue`]; `None` after it.
    #[expect(
        clippy::should_implement_trait,
        reason = "parts borrow from the decoder"
    )]
    pub fn next(&mut self) -> Result<Option<Part<'_>>, Error> {
        if self.done {
            return Ok(None);
        }
        let name = self.kind.name();
        match self.value.next(&mut self.cur) {
            Ok(Part::EndValue) => {
                let count = self.cur.rest().len();
                if count > 0 {
                    let at = self.cur.at() as u64;
                    return Err(Error::new(at, ErrorKind::TrailingBytes { count }));
                }
                self.done = true;
                Ok(Some(Part::EndValue))
            }
            Ok(part) => Ok(Some(part)),
            Err(stop) => Err(fail(stop, &self.cur).within(b"", name)),
        }
    }
}

pub(crate) fn fail(stop: Stop, cur: &Cursor<'_>) -> Error {
    let len = cur.at() + cur.rest().len();
    match stop.at_end_of_input(len) {
        Stop::Wrong(error) => *error,
        Stop::Need { reading, end } => {
            let missing = end.saturating_sub(len) as u64;
            Error::new(len as u64, ErrorKind::Truncated { reading, missing })
        }
    }
}

/// Appends the footer to a kind and its value.
pub fn seal(payload: &mut Vec<u8>, target: Target) {
    let number = target.version().number;
    payload.extend_from_slice(&number.to_le_bytes());
    let checksum = crc64::crc64(payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
}

/// Writes one value as a `DUMP` payload.
///
/// ```
/// use rdb::{Part, Target, dump};
///
/// let mut encoder = dump::ValueEncoder::new(Target::Redis10, false, false);
/// encoder.put(&Part::String(b"v"))?;
/// encoder.put(&Part::EndValue)?;
/// assert!(encoder.finish()?.starts_with(b"\x00\x01v\x0A\x00"));
/// # Ok::<(), rdb::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct ValueEncoder {
    target: Target,
    value: ValueWriter,
    out: Vec<u8>,
}

impl ValueEncoder {
    /// An encoder for one value. `compress` and `lossy` are as in
    /// [`EncoderOptions`](crate::EncoderOptions).
    pub fn new(target: Target, compress: bool, lossy: bool) -> ValueEncoder {
        let mut value = ValueWriter::new(target, compress, lossy);
        value.start();
        ValueEncoder {
            target,
            value,
            out: Vec::new(),
        }
    }

    /// Appends a part.
    pub fn put(&mut self, part: &Part<'_>) -> Result<(), EncodeError> {
        self.value.put(part, &mut self.out)
    }

    /// What was left out.
    pub fn losses(&self) -> &Losses {
        &self.value.losses
    }

    /// The payload, once [`Part::EndValue`] was put.
    pub fn finish(mut self) -> Result<Vec<u8>, EncodeError> {
        if !self.value.is_idle() || self.out.is_empty() {
            let found = "the end of a payload";
            return Err(EncodeError::Misplaced { found });
        }
        seal(&mut self.out, self.target);
        Ok(self.out)
    }
}
