//! Keys, whatever they hold.

use super::Argv;
use crate::Expiry;
use crate::session::Session;
use commands::Error;
use units::DbIndex;

impl Session {
    /// What `key` holds, by the name that `TYPE` has for it; `None` if it is not there.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.sadd("tags", &["1", "2"])?;
    /// assert_eq!(session.type_of("tags")?.as_deref(), Some("set"));
    /// assert_eq!(session.encoding("tags")?.as_deref(), Some("intset"));
    /// assert_eq!(session.type_of("none")?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn type_of(&mut self, key: impl AsRef<[u8]>) -> Result<Option<String>, Error> {
        let name: String = self.ask(&Argv::new("TYPE").word(&key))?;
        Ok(Some(name).filter(|name| name != "none"))
    }

    /// The form in which `key` is kept, by the name that `OBJECT ENCODING` has for it;
    /// [`Session::type_of`] has an example.
    pub fn encoding(&mut self, key: impl AsRef<[u8]>) -> Result<Option<String>, Error> {
        self.ask(&Argv::new("OBJECT").token("ENCODING").word(&key))
    }

    /// Gives `key` another name, in place of what has that; an error if it is not there. Like
    /// `RENAME`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.set("draft", "text")?;
    /// session.rename("draft", "page")?;
    /// assert!(session.copy("page", "backup", false)?);
    /// assert!(!session.copy("page", "backup", false)?);
    /// assert!(!session.rename_if_free("page", "backup")?);
    /// assert_eq!(session.unlink(&["page", "backup", "draft"])?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rename(&mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<(), Error> {
        let _: Vec<u8> = self.ask(&Argv::new("RENAME").word(&from).word(&to))?;
        Ok(())
    }

    /// The same if nothing has that name; whether that was so. Like `RENAMENX`;
    /// [`Session::rename`] has an example.
    pub fn rename_if_free(
        &mut self,
        from: impl AsRef<[u8]>,
        to: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.ask(&Argv::new("RENAMENX").word(&from).word(&to))
    }

    /// Copies a key; whether it was there, and its copy's name free or to be replaced. Like `COPY`;
    /// [`Session::rename`] has an example.
    pub fn copy(
        &mut self,
        from: impl AsRef<[u8]>,
        to: impl AsRef<[u8]>,
        replace: bool,
    ) -> Result<bool, Error> {
        let argv = Argv::new("COPY").word(&from).word(&to);
        self.ask(&argv.flag("REPLACE", replace))
    }

    /// Moves `key` to another database; whether it was there, and its name free there. Like `MOVE`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.set("a", "1")?;
    /// assert!(session.move_to("a", duramen::DbIndex(1))?);
    /// assert!(!session.exists("a")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn move_to(&mut self, key: impl AsRef<[u8]>, db: DbIndex) -> Result<bool, Error> {
        self.ask(&Argv::new("MOVE").word(&key).number(db))
    }

    /// Deletes keys, and leaves freeing what was large to another thread; how many were there. Like
    /// `UNLINK`; [`Session::rename`] has an example.
    pub fn unlink<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Result<usize, Error> {
        self.ask(&Argv::new("UNLINK").words(keys))
    }

    /// Notes that keys were used; how many are there. Like `TOUCH`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.set("a", "1")?;
    /// assert_eq!(session.touch(&["a", "b"])?, 1);
    /// assert_eq!(session.random_key()?.as_deref(), Some(&b"a"[..]));
    /// assert_eq!(session.keys("*")?, [b"a"]);
    /// assert_eq!(session.db_size()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn touch<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Result<usize, Error> {
        self.ask(&Argv::new("TOUCH").words(keys))
    }

    /// Any key of the database. Like `RANDOMKEY`; [`Session::touch`] has an example.
    pub fn random_key(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.ask(&Argv::new("RANDOMKEY"))
    }

    /// Every key that matches a glob, while all else waits: see [`Session::scan`]. Like `KEYS`;
    /// [`Session::touch`] has an example.
    pub fn keys(&mut self, pattern: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, Error> {
        self.ask(&Argv::new("KEYS").word(&pattern))
    }

    /// Keys of the database. Like `DBSIZE`; [`Session::touch`] has an example.
    pub fn db_size(&mut self) -> Result<usize, Error> {
        self.ask(&Argv::new("DBSIZE"))
    }

    /// The value at `key` in the bytes that any Redis restores it from. Like `DUMP`.
    ///
    /// ```
    /// use duramen::Expiry;
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.set("a", "1")?;
    /// let payload = session.dump("a")?.unwrap();
    /// session.restore("b", payload, Expiry::Never, false)?;
    /// assert_eq!(session.get("b")?.as_deref(), Some(&b"1"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dump(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        self.ask(&Argv::new("DUMP").word(&key))
    }

    /// Puts a dumped value at `key`; an error if it is damaged, or the key is there and not to be
    /// replaced. [`Expiry::Keep`] is [`Expiry::Never`] here. Like `RESTORE`; [`Session::dump`] has
    /// an example.
    pub fn restore(
        &mut self,
        key: impl AsRef<[u8]>,
        payload: impl AsRef<[u8]>,
        expiry: Expiry,
        replace: bool,
    ) -> Result<(), Error> {
        let (ttl, is_absolute) = match expiry {
            Expiry::Never | Expiry::Keep => (0, false),
            Expiry::InMillis(ms) => (ms, false),
            // 0 would mean never.
            Expiry::At(at) => (u64::try_from(at.0).unwrap_or(1).max(1), true),
        };
        let argv = Argv::new("RESTORE").word(&key).number(ttl).word(&payload);
        let argv = argv.flag("ABSTTL", is_absolute).flag("REPLACE", replace);
        let _: Vec<u8> = self.ask(&argv)?;
        Ok(())
    }
}
