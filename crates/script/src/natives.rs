//! The functions of the host program that the prelude builds on.

use crate::interpreter::Setup;
use crate::number::general;
use crate::random::Random;
use crate::{bits, cjson, cmsgpack, pack};
use mlua::chunk::ChunkMode;
use mlua::{Function, IntoLuaMulti, Lua, MultiValue, Result, Table, Value};
use sha1::{Digest, Sha1};
use std::sync::Arc;

/// Everything that `prelude.luau` calls `natives`, except the compiler, which needs the world that
/// the prelude makes.
pub(crate) fn table(lua: &Lua, setup: &Setup) -> Result<Table> {
    let natives = lua.create_table()?;
    natives.set("version", setup.version)?;
    natives.set("version_number", version_number(setup.version))?;
    natives.set("has_functions", setup.has_functions)?;
    natives.set("sha1hex", lua.create_function(sha1hex)?)?;
    let random = Arc::new(Random::default());
    let seeded = random.clone();
    let next = lua.create_function(move |_, ()| Ok(random.next()))?;
    natives.set("random", next)?;
    let seed = lua.create_function(move |_, seed: f64| {
        seeded.seed(seed as i64 as i32);
        Ok(())
    })?;
    natives.set("randomseed", seed)?;
    let lifted = lua.create_table()?;
    lifted.set("bit", bits::library(lua)?)?;
    lifted.set("struct", pack::library(lua)?)?;
    lifted.set("cjson", cjson::library(lua)?)?;
    natives.set(
        "new_cjson",
        lua.create_function(|lua, ()| cjson::library(lua))?,
    )?;
    lifted.set("cmsgpack", cmsgpack::library(lua)?)?;
    natives.set("lifted", lifted)?;
    Ok(natives)
}

/// `loadstring`: a chunk of text, never of bytecode, in the world of scripts; or nil and a message.
pub(crate) fn compiler(lua: &Lua, world: Table) -> Result<Function> {
    lua.create_function(
        move |lua, (code, name): (mlua::LuaString, mlua::LuaString)| {
            let name = name.to_string_lossy();
            let code = code.as_bytes();
            let chunk = lua.load(&*code).set_name(name);
            let chunk = chunk
                .set_mode(ChunkMode::Text)
                .set_environment(world.clone());
            match chunk.into_function() {
                Ok(function) => function.into_lua_multi(lua),
                Err(error) => (Value::Nil, message(&error)).into_lua_multi(lua),
            }
        },
    )
}

/// What an error of the interpreter says, without the name of its kind.
pub(crate) fn message(error: &mlua::Error) -> String {
    match error {
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        mlua::Error::RuntimeError(text) | mlua::Error::MemoryError(text) => text.clone(),
        mlua::Error::CallbackError { cause, .. } => message(cause),
        other => other.to_string(),
    }
}

/// `7.2.4` as `0x070204`.
fn version_number(version: &str) -> i64 {
    let parts = version.split('.');
    parts.fold(0, |number, part| {
        number << 8 | part.parse::<i64>().unwrap_or_default()
    })
}

fn sha1hex(_: &Lua, value: Value) -> Result<String> {
    Ok(hex(&sha1(&bytes_of(&value, 14).unwrap_or_default())))
}

/// The SHA-1 of a script is its name.
pub(crate) fn sha1(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a string, or of a number in so many digits; nothing else has bytes.
pub(crate) fn bytes_of(value: &Value, digits: usize) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Integer(number) => Some(general(*number as f64, digits).into_bytes()),
        Value::Number(number) => Some(general(*number, digits).into_bytes()),
        _ => None,
    }
}

/// How the name of a value's type is spelled in messages.
pub(crate) fn type_name(value: Option<&Value>) -> &'static str {
    match value {
        None => "no value",
        Some(Value::Integer(_)) => "number",
        Some(value) => value.type_name(),
    }
}

/// A number.
pub(crate) fn numeric(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

/// A number, or the text of one.
pub(crate) fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => std::str::from_utf8(&text.as_bytes())
            .ok()?
            .trim()
            .parse()
            .ok(),
        value => numeric(value),
    }
}

/// What a lifted function ends with: its results, or a message to be raised.
pub(crate) type Lifted = std::result::Result<MultiValue, String>;

/// A function of a library, in the form that the prelude lifts: `true, results...` or `false,
/// message`.
pub(crate) fn lifted<F>(lua: &Lua, function: F) -> Result<Function>
where
    F: Fn(&Lua, MultiValue) -> Lifted + Send + 'static,
{
    lua.create_function(move |lua, args: MultiValue| {
        let (ok, mut values) = match function(lua, args) {
            Ok(values) => (true, values),
            Err(message) => (false, message.into_lua_multi(lua)?),
        };
        values.push_front(Value::Boolean(ok));
        Ok(values)
    })
}
