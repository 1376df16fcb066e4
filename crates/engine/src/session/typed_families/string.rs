//! Strings beyond what is done without a command: conditions, parts, many keys.

use super::Argv;
use crate::Expiry;
use crate::session::Session;
use commands::Error;
use std::ops::RangeBounds;

/// What must hold for a key to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetIf<'a> {
    /// It is not there (`NX`).
    Missing,
    /// It is there (`XX`).
    Present,
    /// It is there, and its string is this (`IFEQ`).
    Equal(&'a [u8]),
}

impl Session {
    /// Puts `value` at `key` if the condition holds, and says whether it did. Like `SET` with `NX`,
    /// `XX` or `IFEQ`.
    ///
    /// ```
    /// use duramen::{Engine, Expiry, SetIf};
    /// let mut session = Engine::open_in_memory().session();
    /// let lease = Expiry::InMillis(30_000);
    /// assert!(session.set_if("lock", "me", SetIf::Missing, lease)?);
    /// assert!(!session.set_if("lock", "you", SetIf::Missing, lease)?);
    /// assert!(session.set_if("lock", "you", SetIf::Equal(b"me"), Expiry::Keep)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_if(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        condition: SetIf<'_>,
        expiry: Expiry,
    ) -> Result<bool, Error> {
        let argv = Argv::new("SET").word(&key).word(&value);
        let argv = match condition {
            SetIf::Missing => argv.token("NX"),
            SetIf::Present => argv.token("XX"),
            SetIf::Equal(value) => argv.token("IFEQ").word(value),
        };
        let done: Option<Vec<u8>> = self.ask(&argv.expiry(expiry, None, Some("KEEPTTL")))?;
        Ok(done.is_some())
    }

    /// Puts `value` at `key` and returns what was there. Like `GETSET`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// assert_eq!(session.getset("state", "on")?, None);
    /// assert_eq!(session.getset("state", "off")?.as_deref(), Some(&b"on"[..]));
    /// assert_eq!(session.getdel("state")?.as_deref(), Some(&b"off"[..]));
    /// assert!(!session.exists("state")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn getset(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.ask(&Argv::new("GETSET").word(&key).word(&value))
    }

    /// Deletes `key` and returns its string. Like `GETDEL`; [`Session::getset`] has an example.
    pub fn getdel(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        self.ask(&Argv::new("GETDEL").word(&key))
    }

    /// The string at `key`, which from now on expires as said. Like `GETEX`.
    ///
    /// ```
    /// use duramen::Expiry;
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.set("page", "text")?;
    /// let text = session.getex("page", Expiry::InMillis(60_000))?;
    /// assert_eq!(text.as_deref(), Some(&b"text"[..]));
    /// assert!(session.deadline("page")?.flatten().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn getex(
        &mut self,
        key: impl AsRef<[u8]>,
        expiry: Expiry,
    ) -> Result<Option<Vec<u8>>, Error> {
        let argv = Argv::new("GETEX").word(&key);
        self.ask(&argv.expiry(expiry, Some("PERSIST"), None))
    }

    /// The strings at `keys`, in their order, all as of one moment. Like `MGET`;
    /// [`Session::get_many_with`] copies nothing.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.mset(&[("a", "1"), ("b", "2")])?;
    /// assert_eq!(session.mget(&["b", "c"])?, [Some(b"2".to_vec()), None]);
    /// assert!(!session.mset_if_missing(&[("c", "3"), ("a", "4")])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mget<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.ask(&Argv::new("MGET").words(keys))
    }

    /// Puts every value at its key, all at once. Like `MSET`; [`Session::mget`] has an example.
    pub fn mset<K: AsRef<[u8]>, V: AsRef<[u8]>>(&mut self, pairs: &[(K, V)]) -> Result<(), Error> {
        let _: Vec<u8> = self.ask(&Argv::new("MSET").pairs(pairs))?;
        Ok(())
    }

    /// The same, if none of the keys is there; whether that was so. Like `MSETNX`;
    /// [`Session::mget`] has an example.
    pub fn mset_if_missing<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        pairs: &[(K, V)],
    ) -> Result<bool, Error> {
        self.ask(&Argv::new("MSETNX").pairs(pairs))
    }

    /// Adds `by` to the number at `key`, 0 if there is none, and returns the sum. Like
    /// `INCRBYFLOAT`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// assert_eq!(session.incr_by_float("sum", 1.5)?, 1.5);
    /// assert_eq!(session.incr_by_float("sum", 1.25)?, 2.75);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn incr_by_float(&mut self, key: impl AsRef<[u8]>, by: f64) -> Result<f64, Error> {
        self.ask(&Argv::new("INCRBYFLOAT").word(&key).number(by))
    }

    /// Bytes of the string at `key`, 0 if it is not there. Like `STRLEN`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.set("text", "hello world")?;
    /// assert_eq!(session.setrange("text", 6, "there")?, 11);
    /// assert_eq!(session.getrange("text", -5..)?, b"there");
    /// assert_eq!(session.strlen("text")?, 11);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn strlen(&mut self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.ask(&Argv::new("STRLEN").word(&key))
    }

    /// The bytes at these offsets, the last included; negative ones count from the end. Like
    /// `GETRANGE`; [`Session::strlen`] has an example.
    pub fn getrange(
        &mut self,
        key: impl AsRef<[u8]>,
        range: impl RangeBounds<i64>,
    ) -> Result<Vec<u8>, Error> {
        self.ask(&Argv::new("GETRANGE").word(&key).range(range))
    }

    /// Writes `bytes` into the string at `key` from `offset` on, zero bytes before it where there is
    /// nothing yet, and returns its length. Like `SETRANGE`; [`Session::strlen`] has an example.
    pub fn setrange(
        &mut self,
        key: impl AsRef<[u8]>,
        offset: usize,
        bytes: impl AsRef<[u8]>,
    ) -> Result<usize, Error> {
        let argv = Argv::new("SETRANGE").word(&key).number(offset);
        self.ask(&argv.word(&bytes))
    }

    /// The longest sequence of bytes that both strings have in the same order. Like `LCS`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.mset(&[("a", "ohmytext"), ("b", "mynewtext")])?;
    /// assert_eq!(session.lcs("a", "b")?, b"mytext");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lcs(
        &mut self,
        one: impl AsRef<[u8]>,
        other: impl AsRef<[u8]>,
    ) -> Result<Vec<u8>, Error> {
        self.ask(&Argv::new("LCS").word(&one).word(&other))
    }
}
