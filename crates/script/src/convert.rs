//! Between Lua's values and those of commands.

use crate::natives::{bytes_of, numeric};
use crate::{Host, LogLevel, Repl, Value};
use mlua::{Lua, LuaString, MultiValue, Result, Table, Value as LuaValue};

/// What a script may ask; the numbers are those of `prelude.luau`.
mod ask {
    pub(super) const CALL: i64 = 0;
    pub(super) const SETRESP: i64 = 1;
    pub(super) const SET_REPL: i64 = 2;
    pub(super) const ACL: i64 = 3;
}

/// How deep tables may nest that become a reply.
const DEPTH_MAX: usize = 200;

/// Answers what a script asks: the first value is the question. Two values: whether it went well,
/// and the answer or the error.
pub(crate) fn answer(lua: &Lua, host: &mut dyn Host, mut args: MultiValue) -> Result<MultiValue> {
    let question = args.pop_front().and_then(|value| value.as_i64());
    let number = |args: &MultiValue| args.front().and_then(numeric).unwrap_or_default();
    match question.unwrap_or_default() {
        ask::CALL => match arguments(&args) {
            Ok(argv) => called(lua, host.call(&argv)),
            Err(text) => refused(lua, text),
        },
        ask::SETRESP => {
            host.set_resp(number(&args) == 3.0);
            Ok(MultiValue::new())
        }
        ask::SET_REPL => {
            let to = Repl::from_bits(number(&args) as i64);
            to.inspect(|&to| host.set_repl(to));
            Ok(MultiValue::from_iter([LuaValue::Boolean(to.is_some())]))
        }
        ask::ACL => match arguments(&args).map(|argv| host.may_call(&argv)) {
            Ok(Some(may)) => Ok(pair(true, LuaValue::Boolean(may))),
            Ok(None) => refused(lua, "Invalid command passed to redis.acl_check_cmd()"),
            Err(text) => refused(lua, text),
        },
        _ => {
            log(host, &args);
            Ok(MultiValue::new())
        }
    }
}

fn called(lua: &Lua, reply: Value) -> Result<MultiValue> {
    let is_error = matches!(reply, Value::Error(_));
    Ok(pair(!is_error, to_lua(lua, reply)?))
}

fn refused(lua: &Lua, text: &str) -> Result<MultiValue> {
    called(lua, Value::Error(format!("ERR {text}").into_bytes()))
}

fn pair(ok: bool, value: LuaValue) -> MultiValue {
    MultiValue::from_iter([LuaValue::Boolean(ok), value])
}

/// The arguments of a command: strings, and numbers in 17 digits.
fn arguments(args: &MultiValue) -> std::result::Result<Vec<Vec<u8>>, &'static str> {
    if args.is_empty() {
        return Err("Please specify at least one argument for this redis lib call");
    }
    let argument = |value| {
        bytes_of(value, 17).ok_or("Lua redis lib command arguments must be strings or integers")
    };
    args.iter().map(argument).collect()
}

fn log(host: &mut dyn Host, args: &MultiValue) {
    let level = args.front().and_then(numeric).unwrap_or_default();
    let parts: Vec<_> = args
        .iter()
        .skip(1)
        .filter_map(|value| bytes_of(value, 14))
        .collect();
    if let Some(level) = LogLevel::from_number(level as i64) {
        host.log(level, &parts.join(&b' '));
    }
}

/// The value that a script gets for a reply.
pub(crate) fn to_lua(lua: &Lua, value: Value) -> Result<LuaValue> {
    Ok(match value {
        // RESP2 knows no null but the absence of a string, which is false; the host says which.
        Value::Null => LuaValue::Nil,
        Value::Boolean(truth) => LuaValue::Boolean(truth),
        Value::Integer(number) => LuaValue::Number(number as f64),
        Value::Bulk(bytes) => LuaValue::String(lua.create_string(bytes)?),
        Value::Status(line) => field(lua, "ok", lua.create_string(line)?)?,
        Value::Error(line) => field(lua, "err", lua.create_string(line)?)?,
        Value::BigNumber(digits) => field(lua, "big_number", lua.create_string(digits)?)?,
        Value::Double(number) => field(lua, "double", number)?,
        Value::Verbatim(format, text) => {
            let table = lua.create_table_with_capacity(0, 2)?;
            table.raw_set("string", lua.create_string(text)?)?;
            table.raw_set("format", lua.create_string(format)?)?;
            field(lua, "verbatim_string", table)?
        }
        Value::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for (at, item) in items.into_iter().enumerate() {
                table.raw_set(at + 1, to_lua(lua, item)?)?;
            }
            LuaValue::Table(table)
        }
        Value::Set(items) => {
            let table = lua.create_table_with_capacity(0, items.len())?;
            for item in items {
                table.raw_set(to_lua(lua, item)?, true)?;
            }
            field(lua, "set", table)?
        }
        Value::Map(pairs) => {
            let table = lua.create_table_with_capacity(0, pairs.len())?;
            for (key, value) in pairs {
                table.raw_set(to_lua(lua, key)?, to_lua(lua, value)?)?;
            }
            field(lua, "map", table)?
        }
    })
}

fn field(lua: &Lua, name: &str, value: impl mlua::IntoLua) -> Result<LuaValue> {
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set(name, value)?;
    Ok(LuaValue::Table(table))
}

/// The reply that a script's value stands for.
pub(crate) fn from_lua(value: &LuaValue, depth: usize) -> Value {
    if depth > DEPTH_MAX {
        return Value::Error(b"ERR reached lua stack limit".to_vec());
    }
    match value {
        LuaValue::String(text) => Value::Bulk(text.as_bytes().to_vec()),
        LuaValue::Boolean(truth) => Value::Boolean(*truth),
        LuaValue::Integer(number) => Value::Integer(*number),
        LuaValue::Number(number) => Value::Integer(truncated(*number)),
        LuaValue::Table(table) => tagged(table, depth).unwrap_or_else(|| array(table, depth)),
        _ => Value::Null,
    }
}

/// The integer that C makes of a number on x86-64: what does not fit is the least.
fn truncated(number: f64) -> i64 {
    let fits = (-(2f64.powi(63))..2f64.powi(63)).contains(&number);
    if fits { number as i64 } else { i64::MIN }
}

/// A table that stands for something else than an array, in the order in which Redis looks.
fn tagged(table: &Table, depth: usize) -> Option<Value> {
    let text = |name| {
        let value = table.raw_get::<LuaValue>(name).ok()?;
        value.as_string().map(|text| text.as_bytes().to_vec())
    };
    let inner = |name| table.raw_get::<LuaValue>(name).ok()?.as_table().cloned();
    if let Some(line) = text("err") {
        return Some(Value::Error(line));
    }
    if let Some(line) = text("ok") {
        return Some(Value::Status(one_line(line)));
    }
    if let Some(number) = numeric(&table.raw_get("double").ok()?) {
        return Some(Value::Double(number));
    }
    if let Some(digits) = text("big_number") {
        return Some(Value::BigNumber(one_line(digits)));
    }
    if let Some(verbatim) = inner("verbatim_string").and_then(|table| verbatim(&table)) {
        return Some(verbatim);
    }
    let pairs = |table: Table| -> Vec<(LuaValue, LuaValue)> { table.pairs().flatten().collect() };
    if let Some(table) = inner("map") {
        let converted = |(key, value): &(LuaValue, LuaValue)| {
            (from_lua(key, depth + 1), from_lua(value, depth + 1))
        };
        return Some(Value::Map(pairs(table).iter().map(converted).collect()));
    }
    let items = pairs(inner("set")?);
    let item = |(key, _): &(LuaValue, LuaValue)| from_lua(key, depth + 1);
    Some(Value::Set(items.iter().map(item).collect()))
}

fn verbatim(table: &Table) -> Option<Value> {
    let text = |name| table.raw_get::<LuaString>(name).ok();
    let (format, text) = (text("format")?, text("string")?);
    let bytes = |text: LuaString| text.as_bytes().to_vec();
    Some(Value::Verbatim(bytes(format), bytes(text)))
}

/// The items up to the first that is missing.
fn array(table: &Table, depth: usize) -> Value {
    let mut items = Vec::new();
    for at in 1.. {
        match table.raw_get::<LuaValue>(at) {
            Ok(LuaValue::Nil) | Err(_) => break,
            Ok(value) => items.push(from_lua(&value, depth + 1)),
        }
    }
    Value::Array(items)
}

fn one_line(mut line: Vec<u8>) -> Vec<u8> {
    for byte in &mut line {
        if matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use crate::Value;
    use crate::testing::{eval, text};

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.into())
    }

    #[test]
    fn commands_get_strings_and_give_tables() {
        let reply = eval("return redis.call('set', KEYS[1], 1.5, ARGV[1])");
        assert_eq!(
            reply,
            Value::Array(["set", "k", "1.5", "v"].map(bulk).to_vec())
        );
        assert_eq!(text("return redis.pcall('fail')"), "ERR failed");
        assert_eq!(text("redis.call('fail')"), "ERR failed");
        assert_eq!(
            text("return select(2, pcall(redis.call, 'fail'))"),
            "ERR failed"
        );
    }

    #[test]
    fn tagged_tables_are_replies() {
        assert_eq!(
            eval("return {ok = 'x\\ny'}"),
            Value::Status(b"x y".to_vec())
        );
        assert_eq!(eval("return {double = 1.5}"), Value::Double(1.5));
        assert_eq!(
            eval("return {1, nil, 3}"),
            Value::Array(vec![Value::Integer(1)])
        );
        assert_eq!(eval("return 2^63"), Value::Integer(i64::MIN));
        let map = Value::Map(vec![(bulk("a"), Value::Integer(1))]);
        assert_eq!(eval("return {map = {a = 1}}"), map);
        let endless = eval("local t = {} t[1] = t return t");
        assert!(format!("{endless:?}").contains("Error"));
    }
}
