use crate::Value;

/// The world as a running script can reach it.
pub trait Host {
    /// Carries out a command, name first; a refusal is a [`Value::Error`].
    fn call(&mut self, argv: &[Vec<u8>]) -> Value;
    /// From here on replies have the shapes of RESP2 or, if `resp3`, of RESP3.
    fn set_resp(&mut self, resp3: bool);
    /// Chooses where effects of commands to come go.
    fn set_repl(&mut self, to: Repl);
    /// Whether the script's user may carry out a command; `None` if there is no such command.
    fn may_call(&mut self, argv: &[Vec<u8>]) -> Option<bool>;
    /// Takes a line for the log.
    fn log(&mut self, level: LogLevel, line: &[u8]);
}

/// Where the effects of a script's commands go (`redis.set_repl`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repl {
    /// To the append-only file.
    pub aof: bool,
    /// To replicas.
    pub replicas: bool,
}

impl Repl {
    /// Everywhere: how a script begins.
    pub const ALL: Repl = Repl {
        aof: true,
        replicas: true,
    };

    /// From the sum of `redis.REPL_AOF` (1) and `redis.REPL_REPLICA` (2).
    pub(crate) fn from_bits(bits: i64) -> Option<Repl> {
        (0..=3).contains(&bits).then_some(Repl {
            aof: bits & 1 != 0,
            replicas: bits & 2 != 0,
        })
    }
}

/// How much a line of the log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the variants are the names of `redis.LOG_*`")]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
}

impl LogLevel {
    pub(crate) fn from_number(number: i64) -> Option<LogLevel> {
        match number {
            0 => Some(LogLevel::Debug),
            1 => Some(LogLevel::Verbose),
            2 => Some(LogLevel::Notice),
            3 => Some(LogLevel::Warning),
            _ => None,
        }
    }
}
