//! Sorted elements of lists, sets and sorted sets.

use super::Argv;
use crate::session::Session;
use commands::Error;

/// How [`Session::sort`] sorts, and what it returns: the elements, as numbers, in rising order,
/// unless said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sort {
    by: Option<Vec<u8>>,
    limit: Option<(usize, usize)>,
    get: Vec<Vec<u8>>,
    descending: bool,
    alphabetic: bool,
}

impl Sort {
    /// By what is at the key that `pattern` names once an element stands for its `*`, or in the
    /// field of a hash with `key->field`; in the order that there is, if it has no `*` (`BY`).
    pub fn by(mut self, pattern: impl AsRef<[u8]>) -> Sort {
        self.by = Some(pattern.as_ref().to_vec());
        self
    }

    /// At most `count`, after the first `offset` (`LIMIT`).
    pub fn limit(mut self, offset: usize, count: usize) -> Sort {
        self.limit = Some((offset, count));
        self
    }

    /// Returns what `pattern` names as for [`Sort::by`], or the element itself for `#`. May be said
    /// more than once (`GET`).
    pub fn get(mut self, pattern: impl AsRef<[u8]>) -> Sort {
        self.get.push(pattern.as_ref().to_vec());
        self
    }

    /// The greatest first (`DESC`).
    pub fn descending(mut self) -> Sort {
        self.descending = true;
        self
    }

    /// As text, not as numbers (`ALPHA`).
    pub fn alphabetic(mut self) -> Sort {
        self.alphabetic = true;
        self
    }

    fn argv<'a>(&'a self, name: &'static str, key: &'a [u8]) -> Argv<'a> {
        let mut argv = Argv::new(name).word(key);
        if let Some(pattern) = &self.by {
            argv = argv.token("BY").word(pattern);
        }
        if let Some((offset, count)) = self.limit {
            argv = argv.token("LIMIT").number(offset).number(count);
        }
        for pattern in &self.get {
            argv = argv.token("GET").word(pattern);
        }
        argv.flag("DESC", self.descending)
            .flag("ALPHA", self.alphabetic)
    }
}

impl Session {
    /// The elements of the list, set or sorted set at `key`, sorted, or what they lead to. Like
    /// `SORT_RO`.
    ///
    /// ```
    /// use duramen::{Engine, Side, Sort};
    /// let mut session = Engine::open_in_memory().session();
    /// session.push("ids", Side::Right, &["1", "2", "3"])?;
    /// session.mset(&[("age:1", "30"), ("age:2", "20"), ("name:1", "ann"), ("name:2", "bob")])?;
    /// let youngest_first = Sort::default().by("age:*").get("name:*");
    /// let names = session.sort("ids", &youngest_first)?;
    /// assert_eq!(names, [None, Some(b"bob".to_vec()), Some(b"ann".to_vec())]);
    /// assert_eq!(session.sort_into("ids", "sorted", &Sort::default().descending())?, 3);
    /// assert_eq!(session.lrange("sorted", 0..=0)?, [b"3"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sort(
        &mut self,
        key: impl AsRef<[u8]>,
        sort: &Sort,
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.ask(&sort.argv("SORT_RO", key.as_ref()))
    }

    /// Puts them into a list at `target` and returns how many they are. Like `SORT .. STORE`;
    /// [`Session::sort`] has an example.
    pub fn sort_into(
        &mut self,
        key: impl AsRef<[u8]>,
        target: impl AsRef<[u8]>,
        sort: &Sort,
    ) -> Result<usize, Error> {
        let argv = sort.argv("SORT", key.as_ref());
        self.ask(&argv.token("STORE").word(&target))
    }
}
