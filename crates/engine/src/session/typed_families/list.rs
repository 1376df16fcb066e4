//! Lists.

use super::Argv;
use crate::session::Session;
use commands::Error;
use std::ops::RangeBounds;
use std::time::Duration;

/// The key of a list, and an element that was in it.
pub type KeyElement = (Vec<u8>, Vec<u8>);

/// The key of a list, and elements that were in it.
pub type KeyElements = (Vec<u8>, Vec<Vec<u8>>);

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The head, index 0.
    Left,
    /// The tail, index -1.
    Right,
}

impl Side {
    fn token(self) -> &'static str {
        self.pick("LEFT", "RIGHT")
    }

    fn pick(self, left: &'static str, right: &'static str) -> &'static str {
        match self {
            Side::Left => left,
            Side::Right => right,
        }
    }
}

impl Session {
    /// Puts elements at an end of the list at `key`, one after the other, and returns its length.
    /// Like `LPUSH` and `RPUSH`.
    ///
    /// ```
    /// use duramen::{Engine, Side};
    /// let mut session = Engine::open_in_memory().session();
    /// session.push("jobs", Side::Right, &["a", "b"])?;
    /// assert_eq!(session.push("jobs", Side::Left, &["c"])?, 3);
    /// assert_eq!(session.lrange("jobs", ..)?, [b"c", b"a", b"b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push<E: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        side: Side,
        elements: &[E],
    ) -> Result<usize, Error> {
        let argv = Argv::new(side.pick("LPUSH", "RPUSH")).word(&key);
        self.ask(&argv.words(elements))
    }

    /// Takes at most `count` elements off an end of the list at `key`. Like `LPOP` and `RPOP`.
    ///
    /// ```
    /// use duramen::{Engine, Side};
    /// let mut session = Engine::open_in_memory().session();
    /// session.push("jobs", Side::Right, &["a", "b", "c"])?;
    /// assert_eq!(session.pop("jobs", Side::Right, 2)?, [b"c", b"b"]);
    /// assert!(session.pop("none", Side::Left, 1)?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pop(
        &mut self,
        key: impl AsRef<[u8]>,
        side: Side,
        count: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let argv = Argv::new(side.pick("LPOP", "RPOP")).word(&key);
        let popped: Option<_> = self.ask(&argv.number(count))?;
        Ok(popped.unwrap_or_default())
    }

    /// Takes an element off an end of the first of these lists that has one, and says which; waits
    /// for one on this thread, for `timeout` at most, or for ever. Like `BLPOP` and `BRPOP`.
    ///
    /// ```
    /// use duramen::{Engine, Side};
    /// use std::time::Duration;
    /// let engine = Engine::open_in_memory();
    /// let mut worker = engine.session();
    /// let thread = std::thread::spawn(move || worker.pop_waiting(&["jobs"], Side::Left, None));
    /// engine.session().push("jobs", Side::Left, &["a"])?;
    /// let found = thread.join().unwrap()?;
    /// assert_eq!(found, Some((b"jobs".to_vec(), b"a".to_vec())));
    /// let soon = Some(Duration::from_millis(1));
    /// assert_eq!(engine.session().pop_waiting(&["jobs"], Side::Left, soon)?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pop_waiting<K: AsRef<[u8]>>(
        &mut self,
        keys: &[K],
        side: Side,
        timeout: Option<Duration>,
    ) -> Result<Option<KeyElement>, Error> {
        let argv = Argv::new(side.pick("BLPOP", "BRPOP")).words(keys);
        self.ask(&argv.timeout(timeout))
    }

    /// The elements at these indexes, the last included; negative ones count from the end. Like
    /// `LRANGE`; [`Session::push`] has an example.
    pub fn lrange(
        &mut self,
        key: impl AsRef<[u8]>,
        range: impl RangeBounds<i64>,
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.ask(&Argv::new("LRANGE").word(&key).range(range))
    }

    /// How many elements there are. Like `LLEN`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// assert_eq!(session.llen("none")?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn llen(&mut self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.ask(&Argv::new("LLEN").word(&key))
    }

    /// Moves an element from an end of one list to an end of another, and returns it. Like `LMOVE`.
    ///
    /// ```
    /// use duramen::{Engine, Side};
    /// let mut session = Engine::open_in_memory().session();
    /// session.push("jobs", Side::Right, &["a"])?;
    /// let moved = session.lmove(("jobs", Side::Left), ("done", Side::Right))?;
    /// assert_eq!(moved.as_deref(), Some(&b"a"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lmove(
        &mut self,
        from: (impl AsRef<[u8]>, Side),
        to: (impl AsRef<[u8]>, Side),
    ) -> Result<Option<Vec<u8>>, Error> {
        let argv = Argv::new("LMOVE").word(&from.0).word(&to.0);
        self.ask(&argv.token(from.1.token()).token(to.1.token()))
    }

    /// The same; waits for an element on this thread, for `timeout` at most, or for ever. Like
    /// `BLMOVE`; [`Session::pop_waiting`] has an example of waiting.
    pub fn lmove_waiting(
        &mut self,
        from: (impl AsRef<[u8]>, Side),
        to: (impl AsRef<[u8]>, Side),
        timeout: Option<Duration>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let argv = Argv::new("BLMOVE").word(&from.0).word(&to.0);
        let argv = argv.token(from.1.token()).token(to.1.token());
        self.ask(&argv.timeout(timeout))
    }

    /// Takes at most `count` elements off an end of the first of these lists that has any, and says
    /// which. Like `LMPOP`.
    ///
    /// ```
    /// use duramen::{Engine, Side};
    /// let mut session = Engine::open_in_memory().session();
    /// session.push("low", Side::Right, &["a", "b"])?;
    /// let (list, jobs) = session.pop_any(&["high", "low"], Side::Left, 10)?.unwrap();
    /// assert_eq!((list, jobs.len()), (b"low".to_vec(), 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pop_any<K: AsRef<[u8]>>(
        &mut self,
        keys: &[K],
        side: Side,
        count: usize,
    ) -> Result<Option<KeyElements>, Error> {
        let argv = Argv::new("LMPOP").counted(keys).token(side.token());
        self.ask(&argv.option("COUNT", Some(count)))
    }

    /// The element at an index; a negative one counts from the end. Like `LINDEX`.
    ///
    /// ```
    /// use duramen::{Engine, Side};
    /// let mut session = Engine::open_in_memory().session();
    /// session.push("list", Side::Right, &["a", "b", "d"])?;
    /// session.linsert("list", Side::Left, "d", "c")?;
    /// session.lset("list", 0, "A")?;
    /// assert_eq!(session.lindex("list", -2)?.as_deref(), Some(&b"c"[..]));
    /// assert_eq!(session.lpos("list", "d")?, Some(3));
    /// assert_eq!(session.lrem("list", 0, "b")?, 1);
    /// session.ltrim("list", 0..=1)?;
    /// assert_eq!(session.lrange("list", ..)?, [b"A", b"c"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lindex(&mut self, key: impl AsRef<[u8]>, index: i64) -> Result<Option<Vec<u8>>, Error> {
        self.ask(&Argv::new("LINDEX").word(&key).number(index))
    }

    /// Replaces the element at an index; an error if there is none. Like `LSET`;
    /// [`Session::lindex`] has an example.
    pub fn lset(
        &mut self,
        key: impl AsRef<[u8]>,
        index: i64,
        element: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        let argv = Argv::new("LSET").word(&key).number(index);
        let _: Vec<u8> = self.ask(&argv.word(&element))?;
        Ok(())
    }

    /// Puts an element on one side of the first that is `pivot`, and returns the list's length;
    /// `None` if there is no such element. Like `LINSERT`; [`Session::lindex`] has an example.
    pub fn linsert(
        &mut self,
        key: impl AsRef<[u8]>,
        side: Side,
        pivot: impl AsRef<[u8]>,
        element: impl AsRef<[u8]>,
    ) -> Result<Option<usize>, Error> {
        let argv = Argv::new("LINSERT").word(&key);
        let argv = argv.token(side.pick("BEFORE", "AFTER")).word(&pivot);
        let len: i64 = self.ask(&argv.word(&element))?;
        Ok(usize::try_from(len).ok().filter(|len| *len > 0))
    }

    /// Removes elements that are `element`: the first `count`, the last for a negative one, all for
    /// 0; how many they were. Like `LREM`; [`Session::lindex`] has an example.
    pub fn lrem(
        &mut self,
        key: impl AsRef<[u8]>,
        count: i64,
        element: impl AsRef<[u8]>,
    ) -> Result<usize, Error> {
        self.ask(&Argv::new("LREM").word(&key).number(count).word(&element))
    }

    /// Leaves nothing but the elements at these indexes. Like `LTRIM`; [`Session::lindex`] has an
    /// example.
    pub fn ltrim(
        &mut self,
        key: impl AsRef<[u8]>,
        range: impl RangeBounds<i64>,
    ) -> Result<(), Error> {
        let _: Vec<u8> = self.ask(&Argv::new("LTRIM").word(&key).range(range))?;
        Ok(())
    }

    /// The index of the first element that is `element`. Like `LPOS`; [`Session::lindex`] has an
    /// example.
    pub fn lpos(
        &mut self,
        key: impl AsRef<[u8]>,
        element: impl AsRef<[u8]>,
    ) -> Result<Option<usize>, Error> {
        self.ask(&Argv::new("LPOS").word(&key).word(&element))
    }
}
