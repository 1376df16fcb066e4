//! Walks over keys and elements, a page at a time.

use super::{Argv, FieldValue, FromReply, Pairs};
use crate::reply::Reply;
use crate::session::Session;
use commands::Error;
use std::collections::VecDeque;

/// What a walk looks at: everything, unless said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    pattern: Option<Vec<u8>>,
    count: Option<usize>,
    kind: Option<String>,
}

impl Scan {
    /// Only names that match a glob (`MATCH`).
    pub fn pattern(mut self, pattern: impl AsRef<[u8]>) -> Scan {
        self.pattern = Some(pattern.as_ref().to_vec());
        self
    }

    /// About so many are looked at while nobody else changes any (`COUNT`).
    pub fn count(mut self, count: usize) -> Scan {
        self.count = Some(count);
        self
    }

    /// Only keys that hold this, by the name that `TYPE` has for it (`TYPE`). Nothing but
    /// [`Session::scan`] takes it.
    pub fn kind(mut self, kind: &str) -> Scan {
        self.kind = Some(kind.to_owned());
        self
    }

    fn add_to<'a>(&'a self, mut argv: Argv<'a>) -> Argv<'a> {
        if let Some(pattern) = &self.pattern {
            argv = argv.token("MATCH").word(pattern);
        }
        argv = argv.option("COUNT", self.count);
        match &self.kind {
            Some(kind) => argv.token("TYPE").word(kind),
            None => argv,
        }
    }
}

/// An iterator over what a `SCAN` finds. What is there all the time is found, what comes or goes
/// meanwhile perhaps, and some perhaps twice; nothing is locked between two pages. After an error
/// it is at its end.
#[derive(Debug)]
pub struct Scanned<'s, T> {
    session: &'s mut Session,
    command: &'static str,
    key: Option<Vec<u8>>,
    scan: Scan,
    /// Where the next page begins; `None` after the last.
    cursor: Option<u64>,
    page: VecDeque<T>,
}

impl<T: FromItems> Scanned<'_, T> {
    fn next_page(&mut self, cursor: u64) -> Result<(), Error> {
        let argv = Argv::new(self.command);
        let argv = match &self.key {
            Some(key) => argv.word(key),
            None => argv,
        };
        let (next, Items(page)) = self
            .session
            .ask::<(u64, Items<T>)>(&self.scan.add_to(argv.number(cursor)))?;
        self.cursor = Some(next).filter(|next| *next != 0);
        self.page.extend(page);
        Ok(())
    }
}

impl<T: FromItems> Iterator for Scanned<'_, T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Result<T, Error>> {
        while self.page.is_empty() {
            if let Err(error) = self.cursor.take().map(|at| self.next_page(at))? {
                return Some(Err(error));
            }
        }
        self.page.pop_front().map(Ok)
    }
}

/// What a page of a walk holds: single names, or names with what belongs to them. Nobody else
/// implements it.
pub trait FromItems: Sized {
    /// `None` for a reply of another kind.
    #[doc(hidden)]
    fn from_items(reply: Reply) -> Option<Vec<Self>>;
}

impl FromItems for Vec<u8> {
    fn from_items(reply: Reply) -> Option<Vec<Vec<u8>>> {
        Vec::from_reply(reply)
    }
}

impl<B: FromReply> FromItems for (Vec<u8>, B) {
    fn from_items(reply: Reply) -> Option<Vec<(Vec<u8>, B)>> {
        Pairs::from_reply(reply).map(|pairs| pairs.0)
    }
}

struct Items<T>(Vec<T>);

impl<T: FromItems> FromReply for Items<T> {
    fn from_reply(reply: Reply) -> Option<Items<T>> {
        T::from_items(reply).map(Items)
    }
}

impl Session {
    /// Walks over the keys of the database. Like `SCAN`.
    ///
    /// ```
    /// use duramen::{Engine, Scan};
    /// let mut session = Engine::open_in_memory().session();
    /// (0..100).try_for_each(|n| session.set(format!("user:{n}"), "name"))?;
    /// session.set("other", "1")?;
    /// let users = session.scan(Scan::default().pattern("user:*"));
    /// let users: Vec<Vec<u8>> = users.collect::<Result<_, _>>()?;
    /// assert_eq!(users.len(), 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scan(&mut self, scan: Scan) -> Scanned<'_, Vec<u8>> {
        self.walk("SCAN", None, scan)
    }

    /// Walks over the members of the set at `key`. Like `SSCAN`; [`Session::scan`] has an example.
    pub fn sscan(&mut self, key: impl AsRef<[u8]>, scan: Scan) -> Scanned<'_, Vec<u8>> {
        self.walk("SSCAN", Some(key.as_ref().to_vec()), scan)
    }

    /// Walks over the fields of the hash at `key`, with their values. Like `HSCAN`;
    /// [`Session::scan`] has an example.
    pub fn hscan(&mut self, key: impl AsRef<[u8]>, scan: Scan) -> Scanned<'_, FieldValue> {
        self.walk("HSCAN", Some(key.as_ref().to_vec()), scan)
    }

    /// Walks over the members of the sorted set at `key`, with their scores. Like `ZSCAN`.
    ///
    /// ```
    /// use duramen::{Scan, ZAdd};
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.zadd("game", ZAdd::default(), &[(3.0, "ann")])?;
    /// let mut scores = session.zscan("game", Scan::default());
    /// assert_eq!(scores.next().transpose()?, Some((b"ann".to_vec(), 3.0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn zscan(&mut self, key: impl AsRef<[u8]>, scan: Scan) -> Scanned<'_, (Vec<u8>, f64)> {
        self.walk("ZSCAN", Some(key.as_ref().to_vec()), scan)
    }

    fn walk<T>(
        &mut self,
        command: &'static str,
        key: Option<Vec<u8>>,
        scan: Scan,
    ) -> Scanned<'_, T> {
        Scanned {
            session: self,
            command,
            key,
            scan,
            cursor: Some(0),
            page: VecDeque::new(),
        }
    }
}
