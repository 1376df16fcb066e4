//! Libraries of functions (`FUNCTION LOAD`).

use crate::natives::message;
use crate::{Failure, Host, Interpreter, ScriptFlags, Value};
use mlua::{Function as LuaFunction, Lua, MultiValue, Table, Value as LuaValue};
use std::cell::RefCell;
use std::fmt;
use std::time::{Duration, Instant};

/// A function that a library registered.
#[derive(Debug, Clone)]
pub struct Function {
    /// What `FCALL` calls it.
    pub name: String,
    /// What its author says of it.
    pub description: Option<Vec<u8>>,
    /// What it says of itself.
    pub flags: ScriptFlags,
    callback: LuaFunction,
}

/// A library that can't be loaded, in Redis's words, without a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadFailure(pub String);

impl fmt::Display for LoadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Interpreter {
    /// Runs the code of a library (without its first line's text) and returns what it registers, in
    /// its order. It may take so long; `None` where a log or a snapshot asks for it.
    pub fn load_library(
        &self,
        code: &[u8],
        within: Option<Duration>,
    ) -> Result<Vec<Function>, LoadFailure> {
        let chunk = self.compile(code, "=user_function");
        let chunk =
            chunk.map_err(|text| LoadFailure(format!("Error compiling function: {text}")))?;
        let registered = RefCell::new(Vec::new());
        let deadline = within.map(|time| Instant::now() + time);
        self.killswitch.set_deadline(deadline);
        let ended = self.lua.scope(|scope| {
            let register =
                |_: &Lua, args: MultiValue| Ok(register(&mut registered.borrow_mut(), args).err());
            let register = scope.create_function(register)?;
            self.show_world(true)?;
            self.load_library
                .call::<(bool, LuaValue)>((chunk, register))
        });
        self.killswitch.set_deadline(None);
        let ended = self.show_world(false).and(ended);
        self.tidy();
        let why = match ended {
            Ok((true, _)) => return Ok(registered.into_inner()),
            Ok((false, raised)) => {
                String::from_utf8_lossy(&self.failure(&raised).line).into_owned()
            }
            Err(error) => format!("ERR {}", message(&error)),
        };
        Err(LoadFailure(format!("Error registering functions: {why}")))
    }

    /// Calls a function of a library.
    pub fn call(
        &self,
        function: &Function,
        keys: &[&[u8]],
        args: &[&[u8]],
        host: &mut dyn Host,
    ) -> Result<Value, Failure> {
        let tables = self
            .strings(keys)
            .and_then(|keys| Ok((keys, self.strings(args)?)));
        let tables = tables.map_err(|error| self.broken(&error))?;
        self.invoke(&function.callback, tables, host)
    }
}

/// What `redis.register_function` was given so far.
#[derive(Default)]
struct Given {
    name: Option<Vec<u8>>,
    description: Option<Vec<u8>>,
    flags: ScriptFlags,
    callback: Option<LuaFunction>,
}

fn register(functions: &mut Vec<Function>, args: MultiValue) -> Result<(), &'static str> {
    let args: Vec<LuaValue> = args.into_iter().collect();
    let given = match &args[..] {
        [LuaValue::Table(named)] => Given::named(named)?,
        [_] => {
            return Err(
                "calling redis.register_function with a single argument is only applicable to \
                 Lua table (representing named arguments).",
            );
        }
        [name, callback] => Given::positional(name, callback)?,
        _ => return Err("wrong number of arguments to redis.register_function"),
    };
    let name = given
        .name
        .ok_or("redis.register_function must get a function name argument")?;
    let callback = given
        .callback
        .ok_or("redis.register_function must get a callback argument")?;
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if name.is_empty() || !name.iter().all(is_word) {
        return Err(
            "Library names can only contain letters, numbers, or underscores(_) and must be at \
             least one character long",
        );
    }
    let name = String::from_utf8_lossy(&name).into_owned();
    if functions
        .iter()
        .any(|function| function.name.eq_ignore_ascii_case(&name))
    {
        return Err("Function already exists in the library");
    }
    functions.push(Function {
        name,
        description: given.description,
        flags: given.flags,
        callback,
    });
    Ok(())
}

impl Given {
    fn positional(name: &LuaValue, callback: &LuaValue) -> Result<Given, &'static str> {
        let name =
            text(name).ok_or("first argument to redis.register_function must be a string")?;
        let callback = callback
            .as_function()
            .ok_or("second argument to redis.register_function must be a function")?;
        Ok(Given {
            name: Some(name),
            callback: Some(callback.clone()),
            ..Given::default()
        })
    }

    fn named(table: &Table) -> Result<Given, &'static str> {
        let mut given = Given::default();
        for (key, value) in table.pairs::<LuaValue, LuaValue>().flatten() {
            let key = text(&key)
                .ok_or("named argument key given to redis.register_function is not a string")?;
            given.take(&key.to_ascii_lowercase(), &value)?;
        }
        Ok(given)
    }

    fn take(&mut self, key: &[u8], value: &LuaValue) -> Result<(), &'static str> {
        match key {
            b"function_name" => {
                self.name = Some(text(value).ok_or(
                    "function_name argument given to redis.register_function must be a string",
                )?);
            }
            b"description" => {
                self.description = Some(text(value).ok_or(
                    "description argument given to redis.register_function must be a string",
                )?);
            }
            b"callback" => {
                self.callback = Some(value.as_function().cloned().ok_or(
                    "callback argument given to redis.register_function must be a function",
                )?);
            }
            b"flags" => self.flags = flags(value)?,
            _ => return Err("unknown argument given to redis.register_function"),
        }
        Ok(())
    }
}

fn flags(value: &LuaValue) -> Result<ScriptFlags, &'static str> {
    let table = value.as_table().ok_or(
        "flags argument to redis.register_function must be a table representing function flags",
    )?;
    let mut flags = ScriptFlags::default();
    for flag in table.sequence_values::<LuaValue>() {
        let flag = flag.ok().and_then(|flag| text(&flag));
        if !flag.is_some_and(|flag| flags.set(&flag.to_ascii_lowercase())) {
            return Err("unknown flag given");
        }
    }
    Ok(flags)
}

fn text(value: &LuaValue) -> Option<Vec<u8>> {
    value.as_string().map(|text| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Echo, interpreter};

    #[test]
    fn what_registers_can_be_called() {
        let interpreter = interpreter(true);
        let code = b"redis.register_function{function_name = 'f', description = 'd', \
            flags = {'no-writes'}, callback = function(keys, args) return #keys + #args end}";
        let functions = interpreter.load_library(code, None).unwrap();
        let [function] = &functions[..] else {
            panic!("one function");
        };
        assert_eq!(function.description.as_deref(), Some(&b"d"[..]));
        assert!(function.flags.no_writes);
        let called = interpreter.call(function, &[b"a"], &[b"b", b"c"], &mut Echo::default());
        assert_eq!(called, Ok(Value::Integer(3)));
    }

    #[test]
    fn what_cannot_be_registered_is_said() {
        let interpreter = interpreter(true);
        let refused = |code: &str| {
            interpreter
                .load_library(code.as_bytes(), None)
                .unwrap_err()
                .0
        };
        let cases = [
            (
                "redis.register_function('f')",
                "single argument is only applicable to Lua table",
            ),
            (
                "redis.register_function('f', 1)",
                "second argument to redis.register_function must be a function",
            ),
            (
                "redis.register_function{callback = 1}",
                "callback argument given to redis.register_function must be a function",
            ),
            (
                "redis.register_function{x = 1}",
                "unknown argument given to redis.register_function",
            ),
            ("redis.call('x')", "nonexistent global variable 'call'"),
            ("math.floor(1)", "nonexistent global variable 'math'"),
            ("return (", "Error compiling function: user_function:1:"),
        ];
        for (code, refusal) in cases {
            assert!(refused(code).contains(refusal), "{code}: {}", refused(code));
        }
    }

    #[test]
    fn a_library_that_does_not_end_is_stopped() {
        let interpreter = interpreter(true);
        let within = Some(Duration::from_millis(20));
        let refused = interpreter
            .load_library(b"while true do end", within)
            .unwrap_err();
        assert!(refused.0.contains("FUNCTION LOAD timeout"), "{}", refused.0);
    }
}
