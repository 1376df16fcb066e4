//! One value as the payload of `DUMP` and `RESTORE`.

use crate::parts;
use crate::value_loader::{ValueError, ValueLoader};
use keyspace::{Settings, Value, ValueRef};
use rdb::dump::{ValueDecoder, ValueEncoder, decode, decode_unchecked};
use rdb::{EncodeError, Target};
use std::fmt;

/// Why a value has no payload for the target.
pub type DumpError = EncodeError;

/// The payload of `value` for servers of `target`.
pub fn dump(value: &ValueRef<'_>, target: Target) -> Result<Vec<u8>, DumpError> {
    let mut encoder = ValueEncoder::new(target, true, false);
    parts::put(*value, target, &mut |part| encoder.put(part))?;
    encoder.finish()
}

/// Why a payload gave no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum RestoreError {
    /// The bytes are not a payload: version or checksum are wrong.
    NotAPayload(rdb::Error),
    /// They are, but what they hold is no value.
    BadData(rdb::Error),
    /// The parts do not make a value.
    BadValue(ValueError),
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RestoreError::NotAPayload(error) | RestoreError::BadData(error) => error.fmt(f),
            RestoreError::BadValue(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RestoreError {}

/// The value in `payload`, held as `settings` say. It is whole and sound, or there is none.
pub fn restore(payload: &[u8], settings: &Settings) -> Result<Value, RestoreError> {
    value(decode(payload), settings)
}

/// The same whatever the payload's checksum is.
pub fn restore_unchecked(payload: &[u8], settings: &Settings) -> Result<Value, RestoreError> {
    value(decode_unchecked(payload), settings)
}

fn value(
    decoder: Result<ValueDecoder<'_>, rdb::Error>,
    settings: &Settings,
) -> Result<Value, RestoreError> {
    let mut decoder = decoder.map_err(RestoreError::NotAPayload)?;
    let mut loader = ValueLoader::new(*settings);
    while let Some(part) = decoder.next().map_err(RestoreError::BadData)? {
        if let Some(value) = loader.put(&part).map_err(RestoreError::BadValue)? {
            return Ok(value);
        }
    }
    Err(RestoreError::BadValue(ValueError::Unfinished))
}
