//! Hashes beyond what is done without a command: many fields, numbers, deadlines of fields.

use super::{Argv, FieldValue, Pairs};
use crate::Expiry;
use crate::session::Session;
use commands::Error;
use units::UnixMillis;

impl Session {
    /// The values of `fields` in the hash at `key`, in their order. Like `HMGET`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.hset("user", &[("name", "ann"), ("age", "30")])?;
    /// assert_eq!(session.hmget("user", &["age", "none"])?, [Some(b"30".to_vec()), None]);
    /// assert!(!session.hset_if_missing("user", "name", "bob")?);
    /// assert!(session.hexists("user", "name")?);
    /// assert_eq!(session.hlen("user")?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hmget<F: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        fields: &[F],
    ) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.ask(&Argv::new("HMGET").word(&key).words(fields))
    }

    /// Sets `field` if it is not there; whether that was so. Like `HSETNX`; [`Session::hmget`] has
    /// an example.
    pub fn hset_if_missing(
        &mut self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        let argv = Argv::new("HSETNX").word(&key).word(&field);
        self.ask(&argv.word(&value))
    }

    /// Whether the hash at `key` has this field. Like `HEXISTS`; [`Session::hmget`] has an example.
    pub fn hexists(
        &mut self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.ask(&Argv::new("HEXISTS").word(&key).word(&field))
    }

    /// How many fields there are. Like `HLEN`; [`Session::hmget`] has an example.
    pub fn hlen(&mut self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.ask(&Argv::new("HLEN").word(&key))
    }

    /// Every field of the hash at `key`, in no particular order. Like `HKEYS`; see
    /// [`Session::hgetall`] for their values.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.hset("user", &[("name", "ann")])?;
    /// assert_eq!(session.hkeys("user")?, [b"name"]);
    /// assert_eq!(session.hrandfield("user", 5)?, [(b"name".to_vec(), b"ann".to_vec())]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hkeys(&mut self, key: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, Error> {
        self.ask(&Argv::new("HKEYS").word(&key))
    }

    /// At most `count` fields by chance, each once, with their values. Like `HRANDFIELD`;
    /// [`Session::hkeys`] has an example.
    pub fn hrandfield(
        &mut self,
        key: impl AsRef<[u8]>,
        count: usize,
    ) -> Result<Vec<FieldValue>, Error> {
        let argv = Argv::new("HRANDFIELD").word(&key).number(count);
        let Pairs(pairs) = self.ask(&argv.token("WITHVALUES"))?;
        Ok(pairs)
    }

    /// Adds `by` to the integer in `field`, 0 if there is none, and returns the sum. Like `HINCRBY`.
    ///
    /// ```
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// assert_eq!(session.hincr_by("stats", "hits", 2)?, 2);
    /// assert_eq!(session.hincr_by_float("stats", "hits", 0.5)?, 2.5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hincr_by(
        &mut self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
        by: i64,
    ) -> Result<i64, Error> {
        self.ask(&Argv::new("HINCRBY").word(&key).word(&field).number(by))
    }

    /// The same for any number. Like `HINCRBYFLOAT`; [`Session::hincr_by`] has an example.
    pub fn hincr_by_float(
        &mut self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
        by: f64,
    ) -> Result<f64, Error> {
        let argv = Argv::new("HINCRBYFLOAT").word(&key).word(&field);
        self.ask(&argv.number(by))
    }

    /// Says when fields of the hash at `key` go away, and for each whether it is there. Like
    /// `HPEXPIREAT` and `HPERSIST`. [`Expiry::Keep`] changes nothing.
    ///
    /// ```
    /// use duramen::Expiry;
    /// # let mut session = duramen::Engine::open_in_memory().session();
    /// session.hset("user", &[("name", "ann"), ("token", "secret")])?;
    /// let in_a_minute = Expiry::InMillis(60_000);
    /// assert_eq!(session.hexpire("user", &["token", "none"], in_a_minute)?, [true, false]);
    /// let deadlines = session.hdeadlines("user", &["name", "token", "none"])?;
    /// assert!(deadlines[0] == Some(None) && deadlines[1].flatten().is_some());
    /// assert_eq!(deadlines[2], None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hexpire<F: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        fields: &[F],
        expiry: Expiry,
    ) -> Result<Vec<bool>, Error> {
        let argv = match expiry {
            Expiry::Keep => Argv::new("HPEXPIRETIME").word(&key),
            Expiry::Never => Argv::new("HPERSIST").word(&key),
            Expiry::At(at) => Argv::new("HPEXPIREAT").word(&key).number(at),
            Expiry::InMillis(ms) => Argv::new("HPEXPIRE").word(&key).number(ms),
        };
        let codes: Vec<i64> = self.ask(&argv.token("FIELDS").counted(fields))?;
        Ok(codes.into_iter().map(|code| code != NO_FIELD).collect())
    }

    /// When fields of the hash at `key` go away: `None` for one that is not there, `Some(None)` for
    /// one that stays. Like `HPEXPIRETIME`; [`Session::hexpire`] has an example.
    pub fn hdeadlines<F: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        fields: &[F],
    ) -> Result<Vec<Option<Option<UnixMillis>>>, Error> {
        let argv = Argv::new("HPEXPIRETIME").word(&key).token("FIELDS");
        let codes: Vec<i64> = self.ask(&argv.counted(fields))?;
        let deadline = |code: i64| match code {
            NO_FIELD => None,
            code => Some(Some(UnixMillis(code)).filter(|_| code >= 0)),
        };
        Ok(codes.into_iter().map(deadline).collect())
    }
}

/// What the commands of field deadlines reply for a field, or a whole hash, that is not there.
const NO_FIELD: i64 = -2;
