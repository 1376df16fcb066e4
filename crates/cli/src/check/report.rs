//! What was found, for people and for programs.

use rdb::{Checksum, Version};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Of everything that was checked.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) files: Vec<FileReport>,
}

/// From good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Sound,
    Damaged,
    Unreadable,
}

/// Of one file.
#[derive(Debug)]
pub(super) struct FileReport {
    pub(super) path: PathBuf,
    /// What it was taken for.
    pub(super) kind: &'static str,
    pub(super) verdict: Verdict,
    pub(super) damage: Option<Damage>,
    /// The snapshot that it is or begins with, as far as it could be followed.
    pub(super) rdb: Option<RdbFacts>,
    /// The records in it, as far as they could be followed.
    pub(super) log: Option<LogFacts>,
    pub(super) notes: Vec<String>,
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    /// Bytes from the start of the file.
    pub(super) offset: Option<u64>,
    pub(super) what: String,
}

/// Types of values, in the order in which they are always named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Type {
    String,
    List,
    Set,
    Hash,
    Zset,
    Stream,
    Module,
}

/// What a snapshot holds.
#[derive(Debug, Default)]
pub(super) struct RdbFacts {
    pub(super) version: Option<Version>,
    pub(super) aux: Vec<(String, String)>,
    pub(super) checksum: Option<Checksum>,
    pub(super) dbs: BTreeMap<u32, DbFacts>,
    pub(super) types: BTreeMap<Type, u64>,
    /// The type of the value under way.
    pub(super) last_type: Option<Type>,
    pub(super) functions: u64,
    pub(super) module_aux: u64,
    /// Keys without elements, which are left out when the file is loaded.
    pub(super) empty: u64,
    /// Records that only Redis Enterprise understands.
    pub(super) skipped: u64,
}

/// What a database of a snapshot holds.
#[derive(Debug, Default)]
pub(super) struct DbFacts {
    pub(super) keys: u64,
    /// Keys with a deadline, those included whose time has come.
    pub(super) expires: u64,
}

/// What a log holds.
#[derive(Debug, Default)]
pub(super) struct LogFacts {
    pub(super) commands: u64,
    pub(super) annotations: u64,
    /// The last `#TS:` of the file, Unix time in seconds.
    pub(super) last_timestamp: Option<i64>,
}

impl Verdict {
    pub(super) fn exit_code(self) -> u8 {
        match self {
            Verdict::Sound => 0,
            Verdict::Damaged => 1,
            Verdict::Unreadable => 2,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Verdict::Sound => "sound",
            Verdict::Damaged => "damaged",
            Verdict::Unreadable => "unreadable",
        }
    }
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::String => "string",
            Type::List => "list",
            Type::Set => "set",
            Type::Hash => "hash",
            Type::Zset => "zset",
            Type::Stream => "stream",
            Type::Module => "module",
        }
    }
}

impl Damage {
    /// The offset is told apart from the rest of the text.
    pub(super) fn of_rdb(error: &rdb::Error) -> Damage {
        let offset = error.offset();
        let text = error.to_string();
        let what = text.strip_prefix(&format!("at byte {offset}: "));
        Damage {
            offset: Some(offset),
            what: what.unwrap_or(&text).to_owned(),
        }
    }

    pub(super) fn of_aof(error: &aof::Error) -> Damage {
        let offset = match error {
            aof::Error::Record { source, .. } => Some(source.at),
            aof::Error::Truncated { tail, .. } => Some(tail.valid_up_to),
            _ => None,
        };
        let text = match error {
            aof::Error::Record { source, .. } => source.to_string(),
            aof::Error::Manifest { source, .. } => source.to_string(),
            error => error.to_string(),
        };
        let prefix = offset.map(|offset| format!("offset {offset}: "));
        let what = prefix.and_then(|prefix| text.strip_prefix(&prefix));
        Damage {
            offset,
            what: what.unwrap_or(&text).to_owned(),
        }
    }
}

impl FileReport {
    /// A file of which nothing bad is known yet.
    pub(super) fn new(path: &Path, kind: &'static str) -> FileReport {
        FileReport {
            path: path.to_owned(),
            kind,
            verdict: Verdict::Sound,
            damage: None,
            rdb: None,
            log: None,
            notes: Vec::new(),
        }
    }

    pub(super) fn unreadable(path: &Path, why: impl fmt::Display) -> FileReport {
        FileReport {
            verdict: Verdict::Unreadable,
            notes: vec![why.to_string()],
            ..FileReport::new(path, "file")
        }
    }

    pub(super) fn damaged(&mut self, damage: Damage) {
        self.verdict = Verdict::Damaged;
        self.damage = Some(damage);
    }

    fn to_json(&self) -> Value {
        let damage = self.damage.as_ref();
        json!({
            "path": self.path.to_string_lossy(),
            "kind": self.kind,
            "verdict": self.verdict.name(),
            "damage": damage.map(|damage| json!({"offset": damage.offset, "what": damage.what})),
            "rdb": self.rdb.as_ref().map(RdbFacts::to_json),
            "log": self.log.as_ref().map(LogFacts::to_json),
            "notes": self.notes,
        })
    }
}

impl Report {
    /// The worst of all.
    pub(super) fn verdict(&self) -> Verdict {
        let verdicts = self.files.iter().map(|file| file.verdict);
        verdicts.max().unwrap_or(Verdict::Sound)
    }

    pub(super) fn to_json(&self) -> Value {
        let files: Vec<Value> = self.files.iter().map(FileReport::to_json).collect();
        json!({"verdict": self.verdict().name(), "files": files})
    }
}

impl RdbFacts {
    fn to_json(&self) -> Value {
        let dbs = self.dbs.iter().map(|(db, facts)| {
            let facts = json!({"keys": facts.keys, "expires": facts.expires});
            (db.to_string(), facts)
        });
        let types = self.types.iter();
        let types = types.map(|(kind, count)| (kind.name().to_owned(), json!(count)));
        let aux = self.aux.iter();
        let aux = aux.map(|(name, value)| (name.clone(), json!(value)));
        json!({
            "version": self.version.map(|version| version.to_string()),
            "checksum": self.checksum.map(checksum_name),
            "aux": aux.collect::<Map<_, _>>(),
            "dbs": dbs.collect::<Map<_, _>>(),
            "types": types.collect::<Map<_, _>>(),
            "functions": self.functions,
            "module_aux": self.module_aux,
            "empty": self.empty,
            "skipped": self.skipped,
        })
    }

    fn aux(&self, names: &[&str]) -> Option<&str> {
        let found = self
            .aux
            .iter()
            .find(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, value)| value.as_str())
    }
}

impl LogFacts {
    fn to_json(&self) -> Value {
        json!({
            "commands": self.commands,
            "annotations": self.annotations,
            "last_timestamp": self.last_timestamp,
        })
    }
}

fn checksum_name(checksum: Checksum) -> &'static str {
    match checksum {
        Checksum::Verified(_) => "right",
        Checksum::NotComputed => "not computed",
        Checksum::Absent => "none in this version",
    }
}

/// A line a file, details indented below it, and a line for all if there are several.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.iter().try_for_each(|file| file.fmt(f))?;
        if self.files.len() < 2 {
            return Ok(());
        }
        let count = |verdict| {
            self.files
                .iter()
                .filter(|file| file.verdict == verdict)
                .count()
        };
        write!(
            f,
            "{} files: {} sound",
            self.files.len(),
            count(Verdict::Sound)
        )?;
        for verdict in [Verdict::Damaged, Verdict::Unreadable] {
            if count(verdict) > 0 {
                write!(f, ", {} {}", count(verdict), verdict.name())?;
            }
        }
        writeln!(f)
    }
}

impl fmt::Display for FileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match self.verdict {
            Verdict::Sound => write!(f, "sound {}", self.kind)?,
            Verdict::Damaged => f.write_str("DAMAGED")?,
            Verdict::Unreadable => f.write_str("cannot be read")?,
        }
        if let Some(Damage { offset, what }) = &self.damage {
            offset.map_or(Ok(()), |offset| write!(f, " at byte {offset}"))?;
            write!(f, ": {what}")?;
        }
        writeln!(f)?;
        if let Some(rdb) = &self.rdb {
            rdb.fmt(f)?;
        }
        if let Some(log) = &self.log {
            log.fmt(f)?;
        }
        self.notes
            .iter()
            .try_for_each(|note| writeln!(f, "  {note}"))
    }
}

impl fmt::Display for RdbFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(version) = self.version else {
            return Ok(());
        };
        write!(f, "  {version}")?;
        if let Some(writer) = self.aux(&["redis-ver", "valkey-ver"]) {
            write!(f, " by version {writer}")?;
        }
        match self.checksum {
            Some(checksum) => writeln!(f, ", checksum {}", checksum_name(checksum))?,
            None => writeln!(f, ", up to there:")?,
        }
        for (db, facts) in &self.dbs {
            let keys = counted(facts.keys, "key", "keys");
            writeln!(f, "  db {db}: {keys}, {} with a deadline", facts.expires)?;
        }
        let types = self.types.iter();
        let types: Vec<String> = types
            .map(|(kind, count)| format!("{} {count}", kind.name()))
            .collect();
        if !types.is_empty() {
            writeln!(f, "  types: {}", types.join(", "))?;
        }
        self.fmt_rest(f)
    }
}

impl RdbFacts {
    fn fmt_rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modules = self.types.get(&Type::Module).copied().unwrap_or(0) + self.module_aux;
        let rows = [
            (self.functions, "function library", "function libraries"),
            (
                modules,
                "record of a module: servers without it refuse the file",
                "records of modules: servers without them refuse the file",
            ),
            (
                self.empty,
                "key without elements, left out when the file is loaded",
                "keys without elements, left out when the file is loaded",
            ),
            (
                self.skipped,
                "record of Redis Enterprise: other servers refuse the file",
                "records of Redis Enterprise: other servers refuse the file",
            ),
        ];
        for (count, one, many) in rows.into_iter().filter(|row| row.0 > 0) {
            writeln!(f, "  {}", counted(count, one, many))?;
        }
        Ok(())
    }
}

impl fmt::Display for LogFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}", counted(self.commands, "command", "commands"))?;
        if self.annotations > 0 {
            write!(
                f,
                ", {}",
                counted(self.annotations, "annotation", "annotations")
            )?;
        }
        if let Some(secs) = self.last_timestamp {
            write!(f, ", the last time {secs}")?;
        }
        writeln!(f)
    }
}

/// `1 key`, `2 keys`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides_and_is_told() {
        let mut bad = FileReport::new(Path::new("b"), "RDB file");
        bad.damaged(Damage {
            offset: Some(7),
            what: "x".to_owned(),
        });
        let good = FileReport::new(Path::new("a"), "RDB file");
        let report = Report {
            files: vec![good, bad],
        };
        assert_eq!(report.verdict().exit_code(), 1);
        let text = "a: sound RDB file\nb: DAMAGED at byte 7: x\n2 files: 1 sound, 1 damaged\n";
        assert_eq!(report.to_string(), text);
        assert_eq!(report.to_json()["files"][1]["damage"]["offset"], 7);
    }
}
