//! Bitmaps.

use super::Argv;
use crate::session::Session;
use commands::Error;
use std::ops::RangeBounds;

/// How [`Session::bitop`] puts strings together, bit by bit; shorter ones have zeros at their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitOp {
    /// Set in all.
    And,
    /// Set in any.
    Or,
    /// Set in an odd number of them.
    Xor,
    /// Not set in the only one.
    Not,
    /// Set in the first and in none of the others.
    Diff,
    /// Set in any of the others, and not in the first.
    Diff1,
    /// Set in the first and in any of the others.
    AndOr,
    /// Set in exactly one.
    One,
}

impl BitOp {
    fn token(self) -> &'static str {
        match self {
            BitOp::And => "AND",
            BitOp::Or => "OR",
            BitOp::Xor => "XOR",
            BitOp::Not => "NOT",
            BitOp::Diff => "DIFF",
            BitOp::Diff1 => "DIFF1",
            BitOp::AndOr => "ANDOR",
            BitOp::One => "ONE",
        }
    }
}

impl Session {
    /// Sets a bit of the string at `key`, counted from its first byte's highest, and returns what it
    /// was. Like `SETBIT`.
    ///
    /// ```
    /// let mut session = duramen::Engine::open_in_memory().session();
    /// assert!(!session.setbit("seen", 7, true)?);
    /// assert!(session.getbit("seen", 7)?);
    /// assert_eq!(session.bitcount("seen")?, 1);
    /// assert_eq!(session.bitpos("seen", true, ..)?, Some(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn setbit(&mut self, key: impl AsRef<[u8]>, offset: u64, bit: bool) -> Result<bool, Error> {
        let argv = Argv::new("SETBIT").word(&key).number(offset);
        self.ask(&argv.number(u8::from(bit)))
    }

    /// A bit of the string at `key`. Like `GETBIT`; [`Session::setbit`] has an example.
    pub fn getbit(&mut self, key: impl AsRef<[u8]>, offset: u64) -> Result<bool, Error> {
        self.ask(&Argv::new("GETBIT").word(&key).number(offset))
    }

    /// How many bits are set. Like `BITCOUNT`; [`Session::setbit`] has an example.
    pub fn bitcount(&mut self, key: impl AsRef<[u8]>) -> Result<u64, Error> {
        self.ask(&Argv::new("BITCOUNT").word(&key))
    }

    /// Where the first set, or unset, bit is in these bytes of the string at `key`, the last
    /// included; negative ones count from the end. Like `BITPOS`; [`Session::setbit`] has an
    /// example.
    pub fn bitpos(
        &mut self,
        key: impl AsRef<[u8]>,
        bit: bool,
        bytes: impl RangeBounds<i64>,
    ) -> Result<Option<u64>, Error> {
        let argv = Argv::new("BITPOS").word(&key).number(u8::from(bit));
        let at: i64 = self.ask(&argv.range(bytes))?;
        Ok(u64::try_from(at).ok())
    }

    /// Puts strings together and stores the outcome at `target`; its length in bytes. Like `BITOP`.
    ///
    /// ```
    /// use duramen::{BitOp, Engine};
    /// let mut session = Engine::open_in_memory().session();
    /// session.mset(&[("monday", "\x07"), ("tuesday", "\x06")])?;
    /// session.bitop(BitOp::And, "both", &["monday", "tuesday"])?;
    /// assert_eq!(session.bitcount("both")?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bitop<K: AsRef<[u8]>>(
        &mut self,
        op: BitOp,
        target: impl AsRef<[u8]>,
        sources: &[K],
    ) -> Result<usize, Error> {
        let argv = Argv::new("BITOP").token(op.token()).word(&target);
        self.ask(&argv.words(sources))
    }
}
