//! Lists.

use crate::session::Session;
use commands::Error;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The key of a list, and an element that was in it.
pub type KeyElement = (Vec<u8>, Vec<u8>);

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The head, index 0.
    Left,
    /// The tail, index -1.
    Right,
}

impl Side {
    fn word(self) -> &'static [u8] {
        match self {
            Side::Left => b"LEFT",
            Side::Right => b"RIGHT",
        }
    }

    fn pick<'a>(self, left: &'a [u8], right: &'a [u8]) -> &'a [u8] {
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
    /// assert_eq!(session.lrange("jobs", 0..=-1)?, [b"c", b"a", b"b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push<E: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        side: Side,
        elements: &[E],
    ) -> Result<usize, Error> {
        self.ask_all(&[side.pick(b"LPUSH", b"RPUSH"), key.as_ref()], elements)
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
        let count = count.to_string();
        let name = side.pick(b"LPOP", b"RPOP");
        let popped: Option<_> = self.ask(&[name, key.as_ref(), count.as_bytes()])?;
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
        let seconds = timeout.map_or(0.0, |timeout| timeout.as_secs_f64().max(0.001));
        let seconds = seconds.to_string();
        let mut argv: Vec<&[u8]> = vec![side.pick(b"BLPOP", b"BRPOP")];
        argv.extend(keys.iter().map(AsRef::as_ref));
        argv.push(seconds.as_bytes());
        let found: Option<Vec<Vec<u8>>> = self.ask(&argv)?;
        let mut found = found.unwrap_or_default().into_iter();
        Ok(found.next().zip(found.next()))
    }

    /// The elements at these indexes, the last included; negative ones count from the end. Like
    /// `LRANGE`; [`Session::push`] has an example.
    pub fn lrange(
        &mut self,
        key: impl AsRef<[u8]>,
        range: RangeInclusive<i64>,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let (start, stop) = (range.start().to_string(), range.end().to_string());
        self.ask(&[b"LRANGE", key.as_ref(), start.as_bytes(), stop.as_bytes()])
    }

    /// How many elements there are. Like `LLEN`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// assert_eq!(session.llen("none")?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn llen(&mut self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.ask(&[b"LLEN", key.as_ref()])
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
        let (source, target) = (from.0.as_ref(), to.0.as_ref());
        self.ask(&[b"LMOVE", source, target, from.1.word(), to.1.word()])
    }
}
