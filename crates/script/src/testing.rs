//! An interpreter with a host that echoes, for the tests of its parts.

use crate::{Host, Interpreter, Killswitch, Limits, LogLevel, Repl, Setup, Value};
use std::sync::Arc;

/// Answers a command with its arguments; `fail` fails.
#[derive(Default)]
pub(crate) struct Echo {
    pub(crate) repl: Option<Repl>,
    pub(crate) lines: Vec<String>,
}

impl Host for Echo {
    fn call(&mut self, argv: &[Vec<u8>]) -> Value {
        if argv[0] == b"fail" {
            return Value::Error(b"ERR failed".to_vec());
        }
        Value::Array(argv.iter().cloned().map(Value::Bulk).collect())
    }
    fn set_resp(&mut self, _: bool) {}
    fn set_repl(&mut self, to: Repl) {
        self.repl = Some(to);
    }
    fn may_call(&mut self, argv: &[Vec<u8>]) -> Option<bool> {
        (argv[0] != b"nosuch").then_some(argv[0] != b"forbidden")
    }
    fn log(&mut self, level: LogLevel, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        self.lines.push(format!("{level:?} {line}"));
    }
}

pub(crate) fn interpreter(has_functions: bool) -> Interpreter {
    let setup = Setup {
        version: "7.2.4",
        has_functions,
        limits: Limits {
            memory_bytes_max: 64 << 20,
        },
    };
    Interpreter::new(&setup, Arc::<Killswitch>::default()).unwrap()
}

/// What a script returns, or fails with.
pub(crate) fn eval(source: &str) -> Value {
    let mut interpreter = interpreter(false);
    let script = match interpreter.load(source.as_bytes()) {
        Ok(script) => script,
        Err(failure) => return Value::Error(failure.line),
    };
    let ran = interpreter.run(&script, &[b"k"], &[b"v"], &mut Echo::default());
    ran.unwrap_or_else(|failure| Value::Error(failure.line))
}

/// Text that a script returns, or fails with.
pub(crate) fn text(source: &str) -> String {
    match eval(source) {
        Value::Bulk(bytes) | Value::Error(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        other => format!("{other:?}"),
    }
}
