//! Scripts and functions.

use crate::reply::Reply;
use crate::session::Session;
use commands::Error;

impl Session {
    /// Runs a script on these keys. Like `EVAL`.
    ///
    /// ```
    /// use duramen::{Engine, Reply};
    /// let mut session = Engine::open_in_memory().session();
    /// let code = "return redis.call('INCRBY', KEYS[1], ARGV[1])";
    /// # if cfg!(feature = "scripts") {
    /// assert_eq!(session.eval(code, &["visits"], &["2"])?, Reply::Integer(2));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn eval<K: AsRef<[u8]>, A: AsRef<[u8]>>(
        &mut self,
        code: impl AsRef<[u8]>,
        keys: &[K],
        args: &[A],
    ) -> Result<Reply, Error> {
        self.on_keys(b"EVAL", code.as_ref(), keys, args)
    }

    /// Runs a function of a library on these keys. Like `FCALL`.
    ///
    /// ```
    /// use duramen::{Engine, Reply};
    /// let mut session = Engine::open_in_memory().session();
    /// let code = "#!lua name=demo\nredis.register_function('two', function() return 2 end)";
    /// # if cfg!(feature = "scripts") {
    /// session.execute(&["FUNCTION", "LOAD", code]).into_result()?;
    /// assert_eq!(session.fcall::<&str, &str>("two", &[], &[])?, Reply::Integer(2));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fcall<K: AsRef<[u8]>, A: AsRef<[u8]>>(
        &mut self,
        function: impl AsRef<[u8]>,
        keys: &[K],
        args: &[A],
    ) -> Result<Reply, Error> {
        self.on_keys(b"FCALL", function.as_ref(), keys, args)
    }

    fn on_keys<K: AsRef<[u8]>, A: AsRef<[u8]>>(
        &mut self,
        name: &[u8],
        what: &[u8],
        keys: &[K],
        args: &[A],
    ) -> Result<Reply, Error> {
        let count = keys.len().to_string();
        let mut argv: Vec<&[u8]> = vec![name, what, count.as_bytes()];
        argv.extend(keys.iter().map(AsRef::as_ref));
        argv.extend(args.iter().map(AsRef::as_ref));
        self.ask(&argv)
    }
}
