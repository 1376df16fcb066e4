use commands::{Error, Protocol, ReplySink};

/// A sink that lets through only what answers no request: what is left when a client wants no
/// replies (`CLIENT REPLY OFF`).
pub(crate) struct OnlyPushes<'r> {
    inner: &'r mut dyn ReplySink,
    /// Items of the current push that are still to come. Pushes are flat.
    left: usize,
    /// The last status line.
    status: String,
}

impl<'r> OnlyPushes<'r> {
    pub(crate) fn new(inner: &'r mut dyn ReplySink) -> OnlyPushes<'r> {
        OnlyPushes {
            inner,
            left: 0,
            status: String::new(),
        }
    }

    /// The status line that was not let through, should it be wanted after all.
    pub(crate) fn into_status(self) -> String {
        self.status
    }

    /// Writes one item, if it belongs to a push.
    fn item(&mut self, write: impl FnOnce(&mut dyn ReplySink)) {
        if self.left > 0 {
            self.left -= 1;
            write(self.inner);
        }
    }
}

impl ReplySink for OnlyPushes<'_> {
    fn protocol(&self) -> Protocol {
        self.inner.protocol()
    }
    fn set_protocol(&mut self, protocol: Protocol) {
        self.inner.set_protocol(protocol);
    }
    fn push(&mut self, len: usize) {
        self.left = len;
        self.inner.push(len);
    }
    fn integer(&mut self, number: i64) {
        self.item(|inner| inner.integer(number));
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.item(|inner| inner.bulk(bytes));
    }
    fn null(&mut self) {
        self.item(|inner| inner.null());
    }
    fn error(&mut self, _: &Error) {}
    fn simple(&mut self, line: &str) {
        line.clone_into(&mut self.status);
    }
    fn bulk_parts(&mut self, _: usize, _: &mut dyn Iterator<Item = &[u8]>) {}
    fn null_array(&mut self) {}
    fn array(&mut self, _: usize) {}
    fn map(&mut self, _: usize) {}
    fn set(&mut self, _: usize) {}
    fn double(&mut self, _: f64) {}
    fn boolean(&mut self, _: bool) {}
    fn verbatim(&mut self, _: &str, _: &str) {}
}
