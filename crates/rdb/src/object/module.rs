//! Values and data of modules, carried opaque: no module is needed to pass them on.
//!
//! # Layout
//!
//! ```text
//!   value (kind 7) = len id, piece*, 00        id: 9 letters of 6 bits, then 10 bits of version
//!   MODULE_AUX     = len id, 02 len when, piece*, 00
//!
//!   piece = len opcode, then  1, 2: len   3: f32   4: f64   5: str
//! ```
//!
//! Example: `81 B5 EB 2D FF F9 B6 C8 01  02 07  05 01 78  00` pieces 7 and "x" of module "test__rdb".
//!
//! The `when` of an aux is itself a piece (an unsigned number), so both are an id and pieces.

use crate::cursor::{Cursor, Stop};
use crate::error::ErrorKind;
use crate::string::{read_len, skip_str};

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
    /// Bytes from the cursor's last commit; 0 is before the id.
    scanned: usize,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_passed_over_in_any_split() {
        let whole = b"\x81\xB5\xEB\x2D\xFF\xF9\xB6\xC8\x01\x02\x07\x05\x01x\x03abcd\x00rest";
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
    fn unknown_pieces_are_refused() {
        let mut cur = Cursor::new(b"\x01\x06\x00", 100);
        let stop = ModuleScan::default().read(&mut cur);
        assert!(matches!(stop, Err(Stop::Wrong(e)) if e.offset() == 1));
    }
}
