//! Sets: plain, as an intset, as a listpack.
//!
//! # Layout
//!
//! ```text
//!   kind 2   set             = len n, n x str
//!   kind 11  intset          = str(u32 width, u32 n, n integers ascending; little-endian)
//!   kind 20  listpack        = str(listpack of members)                7.2 and later
//! ```
//!
//! Example: `0B 01 73  0A 02000000 01000000 0500` the set "s" of 5.

use packed::listpack::Listpack;

use crate::blob::{Unique, check_groups, check_intset};
use crate::cursor::{Cursor, Stop};
use crate::event::Part;
use crate::object::list;
use crate::string::{StringWriter, put_len, read_str};

pub(crate) fn read_intset<'a, 'i: 'a>(
    cur: &mut Cursor<'i>,
    scratch: &'a mut Vec<u8>,
) -> Result<Part<'a>, Stop> {
    let at = cur.at();
    let blob = read_str(cur, scratch, "a set's intset")?.resolve(scratch);
    match check_intset(blob) {
        Ok(()) => Ok(Part::SetIntset(blob)),
        Err(kind) => Err(cur.wrong(at, kind)),
    }
}

pub(crate) fn read_listpack<'a, 'i: 'a>(
    cur: &mut Cursor<'i>,
    scratch: &'a mut Vec<u8>,
    unique: &mut Unique,
) -> Result<Part<'a>, Stop> {
    let at = cur.at();
    let blob = read_str(cur, scratch, "a set's listpack")?.resolve(scratch);
    match check_groups(blob, 1, "member", unique) {
        Ok(_) => Ok(Part::SetListpack(blob)),
        Err(kind) => Err(cur.wrong(at, kind)),
    }
}

/// Appends a listpack of members as a plain set.
pub(crate) fn put_plain(blob: &[u8], strings: &mut StringWriter, out: &mut Vec<u8>) {
    put_len(Listpack::new(blob).len() as u64, out);
    list::put_elements(blob, strings, out);
}
