//! Opcodes: the bytes that start a record other than a key.
//!
//! # Layout
//!
//! ```text
//!   byte  name           payload
//!   FF    EOF            -, then the checksum
//!   FE    SELECTDB       len db
//!   FD    EXPIRETIME     i32 seconds, little-endian         applies to the next key
//!   FC    EXPIRETIME_MS  i64 ms, little-endian, -1 = none   applies to the next key
//!   FB    RESIZEDB       len keys, len expires
//!   FA    AUX            str key, str value
//!   F9    FREQ           u8                                 applies to the next key
//!   F8    IDLE           len seconds                        applies to the next key
//!   F7    MODULE_AUX     len id, pieces up to EOF           see `object/module.rs`
//!   F6    FUNCTION_OLD   str name, str engine, len n, [str description if n], str code
//!   F5    FUNCTION       str source
//!   F4    SLOT_INFO      len slot, len keys, len expires
//!   F3    Valkey: SLOT_IMPORT = str job, len n, n x (len first, len last)
//!         Redis: KEY_META                              applies to the next key; see `object/module.rs`
//!   F2    Redis: HASH_TEMPLATE                         see `object/template.rs`
//!         Valkey: inline update, not read
//!   6B 79 Redis Enterprise: len
//! ```
//!
//! Example: `FC 00 68 E5 CF 8B 01 00 00` the next key expires 2023-11-14T22:13:20Z.

use crate::error::ErrorKind;
use crate::header::{Family, Version};

pub(crate) const EOF: u8 = 0xFF;
pub(crate) const SELECT_DB: u8 = 0xFE;
pub(crate) const EXPIRE_SECS: u8 = 0xFD;
pub(crate) const EXPIRE_MS: u8 = 0xFC;
pub(crate) const RESIZE_DB: u8 = 0xFB;
pub(crate) const AUX: u8 = 0xFA;
pub(crate) const FREQ: u8 = 0xF9;
pub(crate) const IDLE: u8 = 0xF8;
pub(crate) const MODULE_AUX: u8 = 0xF7;
/// Written by the release candidates of Redis 7.0 only.
pub(crate) const FUNCTION_OLD: u8 = 0xF6;
pub(crate) const FUNCTION: u8 = 0xF5;
pub(crate) const SLOT_INFO: u8 = 0xF4;
/// In Valkey.
pub(crate) const SLOT_IMPORT: u8 = 0xF3;
/// In Redis.
pub(crate) const KEY_META: u8 = SLOT_IMPORT;
/// In Redis.
pub(crate) const HASH_TEMPLATE: u8 = 0xF2;
/// In Valkey.
const INLINE_UPDATE: u8 = HASH_TEMPLATE;
const ENTERPRISE: [u8; 2] = [107, 121];

/// The smallest byte that cannot be a kind of value, except for those of Redis Enterprise.
pub(crate) const FIRST: u8 = HASH_TEMPLATE;

/// The checksum first came with this version; files before it have nothing to tell damage by, so
/// there an opcode or kind younger than the version is an error.
pub(crate) const CHECKSUMS_SINCE: u16 = 5;

/// Whether `opcode` means something in a file of this version, and something we read.
pub(crate) fn check(opcode: u8, version: Version) -> Result<(), ErrorKind> {
    if (opcode, version.family) == (INLINE_UPDATE, Family::Valkey) {
        let (found, what) = (opcode, "an inline update");
        return Err(ErrorKind::Unsupported { found, what });
    }
    since(opcode, first_version(opcode), version)
}

/// Whether `byte` is where a key starts: the kind of its value, known or not.
pub(crate) fn is_key(byte: u8, version: Version) -> bool {
    let enterprise = version.family == Family::Redis && ENTERPRISE.contains(&byte);
    byte < FIRST && !enterprise
}

/// Refuses a byte that is younger than its file, in files without a checksum.
pub(crate) fn since(found: u8, since: u16, version: Version) -> Result<(), ErrorKind> {
    if version.number < CHECKSUMS_SINCE && since > version.number {
        return Err(ErrorKind::TooNewForVersion {
            found,
            since,
            version,
        });
    }
    Ok(())
}

fn first_version(opcode: u8) -> u16 {
    match opcode {
        EOF | SELECT_DB | EXPIRE_SECS => 1,
        EXPIRE_MS => 3,
        AUX | RESIZE_DB => 7,
        FREQ | IDLE | MODULE_AUX => 9,
        FUNCTION | FUNCTION_OLD => 10,
        _ => 12,
    }
}
