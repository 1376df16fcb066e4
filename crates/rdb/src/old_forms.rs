//! Blobs that only servers before 7.0 wrote, converted on reading: ziplists and zipmaps become the
//! listpacks that hold the same elements in the same order. Nothing here is ever written.

use packed::listpack::ListpackBuf;
use packed::ziplist::{self, Ziplist};
use packed::zipmap::{self, Zipmap};

use crate::error::ErrorKind;

/// A ziplist without entries has this size, in bytes.
pub(crate) const EMPTY_ZIPLIST_LEN: usize = 11;

/// A listpack's element takes at most a few bytes more than the ziplist's; this keeps the total
/// within a listpack's 32 bits.
const ZIPLIST_LEN_MAX: usize = 3 << 30;

/// The listpack of a ziplist's elements.
pub(crate) fn ziplist_to_listpack(bytes: &[u8]) -> Result<Vec<u8>, ErrorKind> {
    let what = "ziplist";
    check_len(bytes)?;
    ziplist::validate(bytes).map_err(|error| ErrorKind::Blob { what, error })?;
    let mut listpack = ListpackBuf::new();
    for element in Ziplist::new(bytes).iter() {
        listpack.push_element(element);
    }
    Ok(listpack.into_vec())
}

/// The listpack of a zipmap's fields and values, alternating.
pub(crate) fn zipmap_to_listpack(bytes: &[u8]) -> Result<Vec<u8>, ErrorKind> {
    let what = "zipmap";
    check_len(bytes)?;
    zipmap::validate(bytes).map_err(|error| ErrorKind::Blob { what, error })?;
    let mut listpack = ListpackBuf::new();
    for (field, value) in Zipmap::new(bytes).iter() {
        listpack.push_back(field);
        listpack.push_back(value);
    }
    Ok(listpack.into_vec())
}

fn check_len(bytes: &[u8]) -> Result<(), ErrorKind> {
    let len = bytes.len() as u64;
    let max = ZIPLIST_LEN_MAX as u64;
    match len > max {
        true => Err(ErrorKind::StringTooLong { len, max }),
        false => Ok(()),
    }
}
