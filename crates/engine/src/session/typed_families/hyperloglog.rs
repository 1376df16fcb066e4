//! HyperLogLogs.

use super::Argv;
use crate::session::Session;
use commands::Error;

impl Session {
    /// Counts elements in the HyperLogLog at `key`; whether its estimate changed. Like `PFADD`.
    ///
    /// ```
    /// let mut session = duramen::Engine::open_in_memory().session();
    /// assert!(session.pfadd("monday", &["ann", "bob"])?);
    /// assert!(!session.pfadd("monday", &["ann"])?);
    /// session.pfadd("tuesday", &["bob", "eve"])?;
    /// assert_eq!(session.pfcount(&["monday", "tuesday"])?, 3);
    /// session.pfmerge("week", &["monday", "tuesday"])?;
    /// assert_eq!(session.pfcount(&["week"])?, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pfadd<E: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        elements: &[E],
    ) -> Result<bool, Error> {
        self.ask(&Argv::new("PFADD").word(&key).words(elements))
    }

    /// About how many elements these HyperLogLogs counted together. Like `PFCOUNT`;
    /// [`Session::pfadd`] has an example.
    pub fn pfcount<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Result<usize, Error> {
        self.ask(&Argv::new("PFCOUNT").words(keys))
    }

    /// Adds what these HyperLogLogs counted to the one at `target`. Like `PFMERGE`;
    /// [`Session::pfadd`] has an example.
    pub fn pfmerge<K: AsRef<[u8]>>(
        &mut self,
        target: impl AsRef<[u8]>,
        sources: &[K],
    ) -> Result<(), Error> {
        let _: Vec<u8> = self.ask(&Argv::new("PFMERGE").word(&target).words(sources))?;
        Ok(())
    }
}
