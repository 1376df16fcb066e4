//! Scripts and functions.

use super::Argv;
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
        let argv = Argv::new("EVAL").word(&code);
        self.ask(&argv.counted(keys).words(args))
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
        let argv = Argv::new("FCALL").word(&function);
        self.ask(&argv.counted(keys).words(args))
    }
}
