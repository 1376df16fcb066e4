//! What a script says of itself: the flags of its first line, or of a function.

/// What a script or function may do. Without a first line that says otherwise a script is judged by
/// each of its commands (`EVAL` of before 7.0).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScriptFlags {
    /// It only reads.
    pub no_writes: bool,
    /// It may run when memory is short.
    pub allow_oom: bool,
    /// It may run on a replica whose link is down.
    pub allow_stale: bool,
    /// It can't run in a cluster.
    pub no_cluster: bool,
    /// It may touch keys of several slots.
    pub allow_cross_slot_keys: bool,
    /// Nothing was declared.
    pub undeclared: bool,
}

/// A first line that can't be understood, in Redis's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadFlag(pub String);

/// Every flag with its name.
type Row = (&'static str, fn(&mut ScriptFlags) -> &mut bool);

const TABLE: [Row; 5] = [
    ("no-writes", |flags| &mut flags.no_writes),
    ("allow-oom", |flags| &mut flags.allow_oom),
    ("allow-stale", |flags| &mut flags.allow_stale),
    ("no-cluster", |flags| &mut flags.no_cluster),
    ("allow-cross-slot-keys", |flags| {
        &mut flags.allow_cross_slot_keys
    }),
];

impl ScriptFlags {
    /// Sets the flag of that name; whether there is one.
    pub(crate) fn set(&mut self, name: &[u8]) -> bool {
        let row = TABLE.iter().find(|(known, _)| known.as_bytes() == name);
        row.map(|(_, flag)| *flag(self) = true).is_some()
    }

    /// The names of the flags that are set.
    pub fn names(mut self) -> impl Iterator<Item = &'static str> {
        TABLE
            .iter()
            .filter(move |(_, flag)| *flag(&mut self))
            .map(|(name, _)| *name)
    }

    /// The flags in the first line of a script, and the script behind that (its line end stays, so
    /// that lines keep their numbers).
    pub fn of_script(code: &[u8]) -> Result<(ScriptFlags, &[u8]), BadFlag> {
        let mut flags = ScriptFlags::default();
        if !code.starts_with(b"#!") {
            flags.undeclared = true;
            return Ok((flags, code));
        }
        let end = code.iter().position(|&byte| byte == b'\n');
        let end = end.ok_or_else(|| BadFlag("Invalid script shebang".into()))?;
        let (line, rest) = code.split_at(end);
        let mut words = line.split(u8::is_ascii_whitespace);
        let engine = words.next().unwrap_or_default();
        if engine != b"#!lua" {
            return Err(bad("Unexpected engine in script shebang", engine));
        }
        for word in words.filter(|word| !word.is_empty()) {
            flags.add_option(word)?;
        }
        Ok((flags, rest))
    }

    fn add_option(&mut self, word: &[u8]) -> Result<(), BadFlag> {
        let names = word.strip_prefix(b"flags=");
        let names = names.ok_or_else(|| bad("Unknown lua shebang option", word))?;
        let names = names.split(|&byte| byte == b',');
        for name in names.filter(|name| !name.is_empty()) {
            if !self.set(name) {
                return Err(bad("Unexpected flag in script shebang", name));
            }
        }
        Ok(())
    }
}

fn bad(what: &str, found: &[u8]) -> BadFlag {
    BadFlag(format!("{what}: {}", String::from_utf8_lossy(found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_what_a_script_does() {
        let (flags, rest) =
            ScriptFlags::of_script(b"#!lua flags=no-writes,allow-oom\nreturn 1").unwrap();
        let names: Vec<_> = flags.names().collect();
        assert_eq!(names, ["no-writes", "allow-oom"]);
        assert_eq!(rest, b"\nreturn 1");
        let (flags, rest) = ScriptFlags::of_script(b"return 1").unwrap();
        assert!(flags.undeclared && rest == b"return 1");
    }

    #[test]
    fn what_is_not_known_is_named() {
        let refusal = |code: &[u8]| ScriptFlags::of_script(code).unwrap_err().0;
        assert_eq!(refusal(b"#!lua"), "Invalid script shebang");
        assert_eq!(
            refusal(b"#!not-lua\n"),
            "Unexpected engine in script shebang: #!not-lua"
        );
        assert_eq!(
            refusal(b"#!lua flags=x\n"),
            "Unexpected flag in script shebang: x"
        );
        assert_eq!(
            refusal(b"#!lua badger\n"),
            "Unknown lua shebang option: badger"
        );
    }
}
