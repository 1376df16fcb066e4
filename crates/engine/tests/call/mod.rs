//! An engine in process as something that answers commands, for dumps of its content.

use duramen::{Engine, Reply, Session};
use kvdump::Call;

/// A session that a dump asks.
pub(crate) struct InProcess(Session);

impl InProcess {
    /// A new session of `engine`.
    pub(crate) fn new(engine: &Engine) -> InProcess {
        InProcess(engine.session())
    }
}

impl Call for InProcess {
    fn call(&mut self, argv: &[&[u8]]) -> Result<kvdump::Reply, kvdump::Error> {
        Ok(translate(self.0.execute(argv)))
    }
}

fn translate(reply: Reply) -> kvdump::Reply {
    let all = |items: Vec<Reply>| items.into_iter().map(translate).collect();
    match reply {
        Reply::Nil => kvdump::Reply::Nil,
        Reply::Status(line) => kvdump::Reply::Simple(line),
        Reply::Error(error) => kvdump::Reply::Error(error.to_string()),
        Reply::Integer(number) => kvdump::Reply::Int(number),
        Reply::Boolean(truth) => kvdump::Reply::Int(i64::from(truth)),
        Reply::Double(number) => kvdump::Reply::Double(number),
        Reply::Bulk(bytes) => kvdump::Reply::Bulk(bytes),
        Reply::Verbatim(_, text) => kvdump::Reply::Bulk(text.into_bytes()),
        Reply::BigNumber(digits) => kvdump::Reply::Bulk(digits.into_bytes()),
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => {
            kvdump::Reply::Array(all(items))
        }
        Reply::Map(pairs) => {
            let flat = pairs.into_iter().flat_map(|(key, value)| [key, value]);
            kvdump::Reply::Map(flat.map(translate).collect())
        }
    }
}
