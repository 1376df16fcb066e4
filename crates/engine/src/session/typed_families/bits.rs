//! Bitmaps and HyperLogLogs.

use crate::session::Session;
use commands::Error;

impl Session {
    /// Sets a bit of the string at `key`, counted from its first byte's highest, and returns what it
    /// was. Like `SETBIT`.
    ///
    /// ```
    /// let mut session = duramen::Engine::open_in_memory().session();
    /// assert!(!session.setbit("seen", 7, true)?);
    /// assert!(session.getbit("seen", 7)?);
    /// assert_eq!(session.bitcount("seen")?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn setbit(&mut self, key: impl AsRef<[u8]>, offset: u64, bit: bool) -> Result<bool, Error> {
        let (offset, bit) = (offset.to_string(), u8::from(bit).to_string());
        self.ask(&[b"SETBIT", key.as_ref(), offset.as_bytes(), bit.as_bytes()])
    }

    /// A bit of the string at `key`. Like `GETBIT`; [`Session::setbit`] has an example.
    pub fn getbit(&mut self, key: impl AsRef<[u8]>, offset: u64) -> Result<bool, Error> {
        self.ask(&[b"GETBIT", key.as_ref(), offset.to_string().as_bytes()])
    }

    /// How many bits are set. Like `BITCOUNT`; [`Session::setbit`] has an example.
    pub fn bitcount(&mut self, key: impl AsRef<[u8]>) -> Result<u64, Error> {
        self.ask(&[b"BITCOUNT", key.as_ref()])
            .map(|count: usize| count as u64)
    }

    /// Counts elements in the HyperLogLog at `key`; whether its estimate changed. Like `PFADD`.
    ///
    /// ```
    /// let mut session = duramen::Engine::open_in_memory().session();
    /// assert!(session.pfadd("visitors", &["ann", "bob"])?);
    /// assert!(!session.pfadd("visitors", &["ann"])?);
    /// assert_eq!(session.pfcount(&["visitors"])?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pfadd<E: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        elements: &[E],
    ) -> Result<bool, Error> {
        self.ask_all(&[b"PFADD", key.as_ref()], elements)
    }

    /// About how many elements these HyperLogLogs counted together. Like `PFCOUNT`;
    /// [`Session::pfadd`] has an example.
    pub fn pfcount<K: AsRef<[u8]>>(&mut self, keys: &[K]) -> Result<usize, Error> {
        self.ask_all(&[b"PFCOUNT"], keys)
    }
}
