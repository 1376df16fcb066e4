//! Our engine, in this process, answering as a server would.

use std::path::Path;

use duramen::{Engine, SaveError, SaveReport, Session};
use kvdump::{Call, Dump, Reply};

use crate::Build;

/// An open engine with one session.
#[derive(Debug)]
pub struct Ours {
    session: Session,
}

impl Ours {
    /// An empty engine without a directory.
    pub fn in_memory() -> Ours {
        let engine = Engine::open_in_memory();
        Ours {
            session: engine.session(),
        }
    }

    /// An empty engine without a directory, which answers like `build` where versions differ.
    pub fn in_memory_like(build: Build) -> Ours {
        let ours = Ours::in_memory();
        if matches!(build, Build::Redis62 | Build::Redis70) {
            let set = ours.engine().set_config("compat-version", "7.0");
            set.expect("a setting of ours");
        }
        ours
    }

    /// Opens `dir` with `settings`, to be saved for `target` (or for who wrote what is there).
    pub fn open(
        dir: &Path,
        target: Option<Build>,
        settings: &[(String, String)],
    ) -> Result<Ours, Box<dyn std::error::Error>> {
        let mut builder = Engine::builder(dir);
        let save = [("save".to_owned(), String::new())];
        let target = target.map(|build| ("rdb-target".to_owned(), build.folder().to_owned()));
        for (name, value) in save.iter().chain(&target).chain(settings) {
            builder = builder.config(name, value)?;
        }
        let engine = builder.open()?;
        Ok(Ours {
            session: engine.session(),
        })
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        self.session.engine()
    }

    /// Saves, dropping what the target cannot hold; the report says what that was.
    pub fn save_lossy(&mut self) -> Result<SaveReport, SaveError> {
        self.engine()
            .set_config("rdb-save-lossy", "yes")
            .expect("a setting of ours");
        self.engine().save()
    }

    /// The same with the append-only file, written anew.
    pub fn rewrite_lossy(&mut self) -> Result<SaveReport, SaveError> {
        self.engine()
            .set_config("rdb-save-lossy", "yes")
            .expect("a setting of ours");
        self.engine().rewrite_log()
    }

    /// `DEBUG DIGEST` as `build` would print it for the same content.
    pub fn digest_as(&self, build: Build) -> String {
        let digest = self.engine().digest(build.digest_form());
        let digest = digest.expect("nothing bounds what views keep");
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Everything in it.
    pub fn kvdump(&mut self) -> Result<Dump, kvdump::Error> {
        kvdump::dump(self)
    }
}

impl Call for Ours {
    fn call(&mut self, argv: &[&[u8]]) -> Result<Reply, kvdump::Error> {
        Ok(reply(self.session.execute(argv)))
    }
}

/// The engine's reply as one off the wire.
fn reply(ours: duramen::Reply) -> Reply {
    use duramen::Reply as Typed;
    let all = |items: Vec<Typed>| items.into_iter().map(reply).collect();
    match ours {
        Typed::Nil => Reply::Nil,
        Typed::Status(line) => Reply::Simple(line),
        Typed::Error(error) => Reply::Error(error.to_string()),
        Typed::Integer(n) => Reply::Int(n),
        Typed::Double(n) => Reply::Double(n),
        Typed::Boolean(yes) => Reply::Int(i64::from(yes)),
        Typed::Bulk(bytes) => Reply::Bulk(bytes),
        Typed::Verbatim(_, text) | Typed::BigNumber(text) => Reply::Bulk(text.into_bytes()),
        Typed::Array(items) | Typed::Set(items) | Typed::Push(items) => Reply::Array(all(items)),
        Typed::Map(pairs) => Reply::Map(
            pairs
                .into_iter()
                .flat_map(|(key, value)| [reply(key), reply(value)])
                .collect(),
        ),
    }
}
