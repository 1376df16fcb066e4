//! Values and data of modules, carried opaque: no module is needed to pass them on.
//!
//! # Layout
//!
//! ```text
//!   value (kind 7) = len id, piece*, 00        id: 9 letters of 6 bits, then 10 bits of version
//!   MODULE_AUX     = len id, 02 len when, piece*, 00
//!   KEY_META       = len classes (7 at most), classes x (4 bytes, piece*, 00)    Redis 8.6 and later
//!
//!   piece = len opcode, then  1, 2: len   3: f32   4: f64   5: str
//! ```
//!
//! Example: `81 B5 EB 2D FF FA DD 6C 01  02 07  05 01 78  00` pieces 7 and "x" of module "test__rdb".
//!
//! The `when` of an aux is itself a piece (an unsigned number), so both are an id and pieces.

use std::fmt;

use crate::cursor::{Cursor, Stop};
use crate::decoder::STRING_LEN_MAX;
use crate::error::ErrorKind;
use crate::string::{read_len, read_str, skip_str};

const PIECE_EOF: u64 = 0;
const PIECE_SIGNED: u64 = 1;
const PIECE_UNSIGNED: u64 = 2;
const PIECE_F32: u64 = 3;
const PIECE_F64: u64 = 4;
const PIECE_STR: u64 = 5;

/// How far a module's bytes were looked through, so that waiting for the rest of a large value does
/// not start over with each block of input.
#[derive(Debug, Default)]
pub(crate) struct ModuleScan {
    /// Bytes from where it starts; 0 is before the id or the number of classes.
    scanned: usize,
    /// Classes of metadata that did not begin yet, and whether one has begun.
    classes_left: u64,
    in_class: bool,
}

impl ModuleScan {
    /// Moves past the id and all pieces, and gives their bytes. They begin at `start`, which must be
    /// the same distance from the last commit in every call.
    pub(crate) fn read<'i>(&mut self, cur: &mut Cursor<'i>) -> Result<&'i [u8], Stop> {
        let start = cur.at();
        match self.scanned {
            0 => _ = read_len(cur, "a module's id")?,
            scanned => _ = cur.bytes(scanned, "a module's value")?,
        }
        self.scanned = cur.at() - start;
        while read_piece(cur)? {
            self.scanned = cur.at() - start;
        }
        self.scanned = 0;
        Ok(cur.since(start))
    }

    /// As [`ModuleScan::read`], for the metadata of a key.
    pub(crate) fn read_key_meta<'i>(&mut self, cur: &mut Cursor<'i>) -> Result<&'i [u8], Stop> {
        let start = cur.at();
        match self.scanned {
            0 => (self.classes_left, self.in_class) = (read_classes(cur)?, false),
            scanned => _ = cur.bytes(scanned, "a key's metadata")?,
        }
        self.scanned = cur.at() - start;
        while self.in_class || self.classes_left > 0 {
            if self.in_class {
                self.in_class = read_piece(cur)?;
            } else {
                cur.bytes(CLASS_LEN, "a class of a key's metadata")?;
                (self.classes_left, self.in_class) = (self.classes_left - 1, true);
            }
            self.scanned = cur.at() - start;
        }
        self.scanned = 0;
        Ok(cur.since(start))
    }
}

/// What names a class and its version, in bytes.
const CLASS_LEN: usize = 4;
/// Classes that a key has at most.
const CLASSES_MAX: u64 = 7;

fn read_classes(cur: &mut Cursor<'_>) -> Result<u64, Stop> {
    let at = cur.at();
    match read_len(cur, "a key's metadata")? {
        count @ ..=CLASSES_MAX => Ok(count),
        found => {
            let (expected, found) = ("at most 7 classes of metadata", i128::from(found));
            Err(cur.wrong(at, ErrorKind::BadNumber { expected, found }))
        }
    }
}

/// Moves past a piece; false after the last.
fn read_piece(cur: &mut Cursor<'_>) -> Result<bool, Stop> {
    let at = cur.at();
    match read_len(cur, "a module's piece")? {
        PIECE_EOF => return Ok(false),
        PIECE_SIGNED | PIECE_UNSIGNED => _ = read_len(cur, "a module's number")?,
        PIECE_F32 => _ = cur.bytes(4, "a module's float")?,
        PIECE_F64 => _ = cur.bytes(8, "a module's double")?,
        PIECE_STR => skip_str(cur, "a module's string")?,
        found => return Err(cur.wrong(at, ErrorKind::BadModulePiece { found })),
    }
    Ok(true)
}

/// Who wrote a module's value or data: the module's name, and its own version of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModuleId(pub u64);

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const VERSION_BITS: u32 = 10;
const LETTER_BITS: u32 = 6;

/// As `vectorset v1`.
impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in (0..9).rev() {
            let index = self.0 >> (VERSION_BITS + LETTER_BITS * place) & 63;
            let letter = LETTERS.get(index as usize).copied().unwrap_or_default();
            write!(f, "{}", char::from(letter))?;
        }
        write!(f, " v{}", self.0 & ((1 << VERSION_BITS) - 1))
    }
}

/// One of the things that a module said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ModulePiece<'a> {
    /// A signed number.
    Signed(i64),
    /// An unsigned number.
    Unsigned(u64),
    /// A float.
    Float(f32),
    /// A double.
    Double(f64),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// Walks over the pieces of [`Part::Module`](crate::Part::Module) or
/// [`Event::ModuleAux`](crate::Event::ModuleAux), whose first piece says when it is to be read.
///
/// ```
/// use rdb::{ModulePiece, ModulePieces};
///
/// let value = b"\x81\xB5\xEB\x2D\xFF\xFA\xDD\x6C\x01\x02\x07\x05\x01x\x00";
/// let mut pieces = ModulePieces::new(value).expect("an id");
/// assert_eq!(pieces.id().to_string(), "test__rdb v1");
/// assert_eq!(pieces.next(), Some(ModulePiece::Unsigned(7)));
/// assert_eq!(pieces.next(), Some(ModulePiece::Bytes(b"x")));
/// assert_eq!(pieces.next(), None);
/// ```
#[derive(Debug)]
pub struct ModulePieces<'a> {
    id: ModuleId,
    cur: Cursor<'a>,
    scratch: Vec<u8>,
}

impl<'a> ModulePieces<'a> {
    /// The pieces in bytes that the decoder gave; `None` if they do not begin with an id.
    pub fn new(bytes: &'a [u8]) -> Option<ModulePieces<'a>> {
        let mut cur = Cursor::new(bytes, STRING_LEN_MAX);
        let id = ModuleId(read_len(&mut cur, "a module's id").ok()?);
        let scratch = Vec::new();
        Some(ModulePieces { id, cur, scratch })
    }

    /// Who wrote them.
    pub fn id(&self) -> ModuleId {
        self.id
    }

    /// The next piece, `None` after the last, or where the bytes are not what the decoder gives.
    #[expect(clippy::should_implement_trait, reason = "pieces borrow from this")]
    pub fn next(&mut self) -> Option<ModulePiece<'_>> {
        let reading = "a module's piece";
        let cur = &mut self.cur;
        Some(match read_len(cur, reading).ok()? {
            PIECE_SIGNED => ModulePiece::Signed(read_len(cur, reading).ok()?.cast_signed()),
            PIECE_UNSIGNED => ModulePiece::Unsigned(read_len(cur, reading).ok()?),
            PIECE_F32 => ModulePiece::Float(f32::from_le_bytes(cur.array(reading).ok()?)),
            PIECE_F64 => ModulePiece::Double(f64::from_le_bytes(cur.array(reading).ok()?)),
            PIECE_STR => {
                self.scratch.clear();
                let text = read_str(cur, &mut self.scratch, reading).ok()?;
                ModulePiece::Bytes(text.resolve(&self.scratch))
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_passed_over_in_any_split() {
        let whole = b"\x81\xB5\xEB\x2D\xFF\xFA\xDD\x6C\x01\x02\x07\x05\x01x\x03abcd\x00rest";
        let mut scan = ModuleScan::default();
        for cut in 0..whole.len() - 4 {
            let mut cur = Cursor::new(&whole[..cut], 100);
            assert!(
                matches!(scan.read(&mut cur), Err(Stop::Need { .. })),
                "{cut}"
            );
        }
        let mut cur = Cursor::new(whole, 100);
        let bytes = scan.read(&mut cur).expect("all there");
        assert_eq!(bytes, &whole[..whole.len() - 4]);
    }

    #[test]
    fn metadata_of_keys_is_passed_over_in_any_split() {
        let whole = b"\x02abcd\x02\x07\x00efgh\x05\x01x\x00rest";
        let mut scan = ModuleScan::default();
        for cut in 0..whole.len() - 4 {
            let mut cur = Cursor::new(&whole[..cut], 100);
            let stop = scan.read_key_meta(&mut cur);
            assert!(matches!(stop, Err(Stop::Need { .. })), "{cut}");
        }
        let mut cur = Cursor::new(whole, 100);
        let bytes = scan.read_key_meta(&mut cur).expect("all there");
        assert_eq!(bytes, &whole[..whole.len() - 4]);
        let mut cur = Cursor::new(b"\x08", 100);
        assert!(matches!(scan.read_key_meta(&mut cur), Err(Stop::Wrong(_))));
    }

    #[test]
    fn unknown_pieces_are_refused() {
        let mut cur = Cursor::new(b"\x01\x06\x00", 100);
        let stop = ModuleScan::default().read(&mut cur);
        assert!(matches!(stop, Err(Stop::Wrong(e)) if e.offset() == 1));
    }
}
