//! Sets.

use super::Argv;
use crate::session::Session;
use commands::Error;

/// How several sets become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOp {
    /// What all of them have.
    Intersection,
    /// What any of them has.
    Union,
    /// What the first has and no other.
    Difference,
}

impl Session {
    /// Adds members to the set at `key` and returns how many are new. Like `SADD`.
    ///
    /// ```
    /// let mut session = duramen::Engine::open_in_memory().session();
    /// assert_eq!(session.sadd("tags", &["red", "blue", "red"])?, 2);
    /// assert!(session.sismember("tags", "red")?);
    /// assert_eq!(session.smismember("tags", &["red", "green"])?, [true, false]);
    /// assert_eq!(session.srem("tags", &["red"])?, 1);
    /// assert_eq!(session.smembers("tags")?, [b"blue"]);
    /// assert_eq!(session.scard("tags")?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sadd<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        members: &[M],
    ) -> Result<usize, Error> {
        self.ask(&Argv::new("SADD").word(&key).words(members))
    }

    /// Removes members and returns how many were there. Like `SREM`; [`Session::sadd`] has an
    /// example.
    pub fn srem<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        members: &[M],
    ) -> Result<usize, Error> {
        self.ask(&Argv::new("SREM").word(&key).words(members))
    }

    /// Whether the set at `key` has this member. Like `SISMEMBER`; [`Session::sadd`] has an example.
    pub fn sismember(
        &mut self,
        key: impl AsRef<[u8]>,
        member: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.ask(&Argv::new("SISMEMBER").word(&key).word(&member))
    }

    /// The same for each of `members`. Like `SMISMEMBER`; [`Session::sadd`] has an example.
    pub fn smismember<M: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        members: &[M],
    ) -> Result<Vec<bool>, Error> {
        self.ask(&Argv::new("SMISMEMBER").word(&key).words(members))
    }

    /// All members, in no particular order. Like `SMEMBERS`; [`Session::sadd`] has an example.
    pub fn smembers(&mut self, key: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, Error> {
        self.ask(&Argv::new("SMEMBERS").word(&key))
    }

    /// How many members there are. Like `SCARD`; [`Session::sadd`] has an example.
    pub fn scard(&mut self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.ask(&Argv::new("SCARD").word(&key))
    }

    /// Takes at most `count` members out by chance. Like `SPOP`.
    ///
    /// ```
    /// let mut session = duramen::Engine::open_in_memory().session();
    /// session.sadd("hat", &["1", "2", "3"])?;
    /// assert_eq!(session.srandmember("hat", 2)?.len(), 2);
    /// let drawn = session.spop("hat", 2)?;
    /// assert_eq!((drawn.len(), session.scard("hat")?), (2, 1));
    /// assert!(!session.smove("hat", "drawn", &drawn[0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spop(&mut self, key: impl AsRef<[u8]>, count: usize) -> Result<Vec<Vec<u8>>, Error> {
        self.ask(&Argv::new("SPOP").word(&key).number(count))
    }

    /// At most `count` members by chance, each once. Like `SRANDMEMBER`; [`Session::spop`] has an
    /// example.
    pub fn srandmember(
        &mut self,
        key: impl AsRef<[u8]>,
        count: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.ask(&Argv::new("SRANDMEMBER").word(&key).number(count))
    }

    /// Moves a member from one set to another; whether it was there. Like `SMOVE`;
    /// [`Session::spop`] has an example.
    pub fn smove(
        &mut self,
        from: impl AsRef<[u8]>,
        to: impl AsRef<[u8]>,
        member: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.ask(&Argv::new("SMOVE").word(&from).word(&to).word(&member))
    }

    /// What all these sets have. Like `SINTER`.
    ///
    /// ```
    /// use duramen::{Engine, SetOp};
    /// let mut session = Engine::open_in_memory().session();
    /// session.sadd("a", &["1", "2"])?;
    /// session.sadd("b", &["2", "3"])?;
    /// assert_eq!(session.sinter(&["a", "b"])?, [b"2"]);
    /// assert_eq!(session.sdiff(&["a", "b"])?, [b"1"]);
    /// assert_eq!(session.sunion(&["a", "b"])?.len(), 3);
    /// assert_eq!(session.sinter_card(&["a", "b"], None)?, 1);
    /// assert_eq!(session.scombine_into(SetOp::Union, "c", &["a", "b"])?, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sinter<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Result<Vec<Vec<u8>>, Error> {
        self.ask(&Argv::new("SINTER").words(keys))
    }

    /// What any of these sets has. Like `SUNION`; [`Session::sinter`] has an example.
    pub fn sunion<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Result<Vec<Vec<u8>>, Error> {
        self.ask(&Argv::new("SUNION").words(keys))
    }

    /// What the first of these sets has and no other. Like `SDIFF`; [`Session::sinter`] has an
    /// example.
    pub fn sdiff<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Result<Vec<Vec<u8>>, Error> {
        self.ask(&Argv::new("SDIFF").words(keys))
    }

    /// How many members all these sets have, counted no further than `limit`. Like `SINTERCARD`;
    /// [`Session::sinter`] has an example.
    pub fn sinter_card<K: AsRef<[u8]>>(
        &mut self,
        keys: &[K],
        limit: Option<usize>,
    ) -> Result<usize, Error> {
        let argv = Argv::new("SINTERCARD").counted(keys);
        self.ask(&argv.option("LIMIT", limit))
    }

    /// Puts several sets together into one at `target`, and returns how many members that has. Like
    /// `SINTERSTORE`, `SUNIONSTORE` and `SDIFFSTORE`; [`Session::sinter`] has an example.
    pub fn scombine_into<K: AsRef<[u8]>>(
        &mut self,
        op: SetOp,
        target: impl AsRef<[u8]>,
        keys: &[K],
    ) -> Result<usize, Error> {
        let name = match op {
            SetOp::Intersection => "SINTERSTORE",
            SetOp::Union => "SUNIONSTORE",
            SetOp::Difference => "SDIFFSTORE",
        };
        self.ask(&Argv::new(name).word(&target).words(keys))
    }
}
