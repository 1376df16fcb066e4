//! Sets.

use crate::session::Session;
use commands::Error;

impl Session {
    /// Adds members to the set at `key` and returns how many are new. Like `SADD`.
    ///
    /// ```
    /// let mut session = duramen::Engine::open_in_memory().session();
    /// assert_eq!(session.sadd("tags", &["red", "blue", "red"])?, 2);
    /// assert!(session.sismember("tags", "red")?);
    /// assert_eq!(session.srem("tags", &["red"])?, 1);
    /// assert_eq!(session.smembers("tags")?, [b"blue"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sadd<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        members: &[M],
    ) -> Result<usize, Error> {
        self.ask_all(&[b"SADD", key.as_ref()], members)
    }

    /// Removes members and returns how many were there. Like `SREM`; [`Session::sadd`] has an
    /// example.
    pub fn srem<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        members: &[M],
    ) -> Result<usize, Error> {
        self.ask_all(&[b"SREM", key.as_ref()], members)
    }

    /// Whether the set at `key` has this member. Like `SISMEMBER`; [`Session::sadd`] has an example.
    pub fn sismember(
        &mut self,
        key: impl AsRef<[u8]>,
        member: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.ask(&[b"SISMEMBER", key.as_ref(), member.as_ref()])
    }

    /// All members, in no particular order. Like `SMEMBERS`; [`Session::sadd`] has an example.
    pub fn smembers(&mut self, key: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, Error> {
        self.ask(&[b"SMEMBERS", key.as_ref()])
    }

    /// What all these sets have. Like `SINTER`.
    ///
    /// ```
    /// let mut session = duramen::Engine::open_in_memory().session();
    /// session.sadd("a", &["1", "2"])?;
    /// session.sadd("b", &["2", "3"])?;
    /// assert_eq!(session.sinter(&["a", "b"])?, [b"2"]);
    /// assert_eq!(session.sdiff(&["a", "b"])?, [b"1"]);
    /// assert_eq!(session.sunion(&["a", "b"])?.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sinter<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Result<Vec<Vec<u8>>, Error> {
        self.ask_all(&[b"SINTER"], keys)
    }

    /// What any of these sets has. Like `SUNION`; [`Session::sinter`] has an example.
    pub fn sunion<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Result<Vec<Vec<u8>>, Error> {
        self.ask_all(&[b"SUNION"], keys)
    }

    /// What the first of these sets has and no other. Like `SDIFF`; [`Session::sinter`] has an
    /// example.
    pub fn sdiff<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Result<Vec<Vec<u8>>, Error> {
        self.ask_all(&[b"SDIFF"], keys)
    }
}
