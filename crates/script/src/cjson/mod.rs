//! The library `cjson`.

mod decode;
mod encode;

use crate::natives::{Lifted, bytes_of, lifted, number_of, type_name};
use mlua::{Lua, MultiValue, Result, Table, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What scripts may choose. It lasts as long as the interpreter.
#[derive(Debug, Clone, Copy)]
struct Config {
    /// Arrays with too many holes become objects, rather than errors.
    sparse_convert: bool,
    /// Too many: the greatest index is more than so many times the number of items (0: never) ..
    sparse_ratio: i64,
    /// .. and more than this.
    sparse_safe: i64,
    encode_depth_max: i64,
    decode_depth_max: i64,
    /// Significant digits of a number.
    precision: i64,
    encode_invalid: Invalid,
    decode_invalid: bool,
    keep_buffer: bool,
}

/// What becomes of numbers that JSON does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Invalid {
    Refused,
    Printed,
    Null,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_depth_max: 1000,
            decode_depth_max: 1000,
            precision: 14,
            encode_invalid: Invalid::Refused,
            decode_invalid: true,
            keep_buffer: true,
        }
    }
}

/// Deeper than this nothing is followed, whatever scripts choose: it has to fit a thread's stack.
const DEPTH_MAX: i64 = 400;

/// The configuration that the functions of one library share.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Config>>);

impl Shared {
    fn get(&self) -> MutexGuard<'_, Config> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Fallible<T> = std::result::Result<T, String>;

/// The functions of `cjson`, with a configuration of their own.
pub(crate) fn library(lua: &Lua) -> Result<Table> {
    let shared = Shared::default();
    let table = lua.create_table()?;
    let config = shared.clone();
    let encode = lifted(lua, move |lua, args| encode(lua, &args, &config))?;
    table.set("encode", encode)?;
    let config = shared.clone();
    let decode = lifted(lua, move |lua, args| decode(lua, &args, &config))?;
    table.set("decode", decode)?;
    for (name, option) in OPTIONS {
        let config = shared.clone();
        let function = move |lua: &Lua, args: MultiValue| {
            let args = Args {
                function: name,
                args: &args,
            };
            option(&args, lua, &mut config.get())
        };
        table.set(name, lifted(lua, function)?)?;
    }
    table.set("null", Value::NULL)?;
    table.set("_NAME", "cjson")?;
    table.set("_VERSION", "2.1.0")?;
    Ok(table)
}

fn encode(lua: &Lua, args: &MultiValue, config: &Shared) -> Lifted {
    let [value] = only(args, "encode")?;
    let config = *config.get();
    let text = lua.create_string(encode::encode(value, &config)?);
    one(text.map(Value::String))
}

fn decode(lua: &Lua, args: &MultiValue, config: &Shared) -> Lifted {
    let [value] = only(args, "decode")?;
    let text = bytes_of(value, 14).ok_or_else(|| {
        let found = type_name(Some(value));
        format!("bad argument #1 to 'decode' (string expected, got {found})")
    })?;
    let config = *config.get();
    Ok(MultiValue::from_iter([decode::decode(
        lua, &text, &config,
    )?]))
}

fn only<'a>(args: &'a MultiValue, function: &str) -> Fallible<[&'a Value; 1]> {
    match (args.len(), args.front()) {
        (1, Some(value)) => Ok([value]),
        _ => Err(format!(
            "bad argument #1 to '{function}' (expected 1 argument)"
        )),
    }
}

fn one(value: Result<Value>) -> Lifted {
    let value = value.map_err(|error| error.to_string())?;
    Ok(MultiValue::from_iter([value]))
}

/// Sets an option if an argument says so, and tells what it is now.
type Setter = fn(&Args<'_>, &Lua, &mut Config) -> Lifted;

const OPTIONS: [(&str, Setter); 7] = [
    ("encode_sparse_array", |args, _, config| {
        args.at_most(3)?;
        let convert = args.switch(0, &mut config.sparse_convert)?;
        let ratio = args.integer(1, &mut config.sparse_ratio, 0, INT_MAX)?;
        let safe = args.integer(2, &mut config.sparse_safe, 0, INT_MAX)?;
        Ok(MultiValue::from_iter([convert, ratio, safe]))
    }),
    ("encode_max_depth", |args, _, config| {
        args.only_integer(&mut config.encode_depth_max, 1, INT_MAX)
    }),
    ("decode_max_depth", |args, _, config| {
        args.only_integer(&mut config.decode_depth_max, 1, INT_MAX)
    }),
    ("encode_number_precision", |args, _, config| {
        args.only_integer(&mut config.precision, 1, 14)
    }),
    ("encode_keep_buffer", |args, _, config| {
        args.only_switch(&mut config.keep_buffer)
    }),
    ("decode_invalid_numbers", |args, _, config| {
        args.only_switch(&mut config.decode_invalid)
    }),
    ("encode_invalid_numbers", |args, lua, config| {
        args.at_most(1)?;
        if let Some(chosen) = args.choice(0, &["off", "on", "null"])? {
            config.encode_invalid = [Invalid::Refused, Invalid::Printed, Invalid::Null][chosen];
        }
        match config.encode_invalid {
            Invalid::Null => one(lua.create_string("null").map(Value::String)),
            other => one(Ok(Value::Boolean(other == Invalid::Printed))),
        }
    }),
];

const INT_MAX: i64 = i32::MAX as i64;

/// The arguments of a function that sets an option.
struct Args<'a> {
    function: &'static str,
    args: &'a MultiValue,
}

impl Args<'_> {
    fn at_most(&self, count: usize) -> Fallible<()> {
        if self.args.len() <= count {
            return Ok(());
        }
        let (at, function) = (count + 1, self.function);
        Err(format!(
            "bad argument #{at} to '{function}' (found too many arguments)"
        ))
    }

    fn given(&self, at: usize) -> Option<&Value> {
        self.args.get(at).filter(|value| !value.is_nil())
    }

    fn integer(&self, at: usize, setting: &mut i64, min: i64, max: i64) -> Fallible<Value> {
        let function = self.function;
        if let Some(value) = self.given(at) {
            let number = number_of(value).ok_or_else(|| {
                let (at, found) = (at + 1, type_name(Some(value)));
                format!("bad argument #{at} to '{function}' (number expected, got {found})")
            })?;
            if !(min..=max).contains(&(number as i64)) {
                return Err(format!(
                    "bad argument #1 to '{function}' (expected integer between {min} and {max})"
                ));
            }
            *setting = number as i64;
        }
        Ok(Value::Number(*setting as f64))
    }

    /// The place of an argument among names; `true` and `false` stand for the first two.
    fn choice(&self, at: usize, names: &[&str]) -> Fallible<Option<usize>> {
        let Some(value) = self.given(at) else {
            return Ok(None);
        };
        if let Value::Boolean(truth) = value {
            return Ok(Some(usize::from(*truth)));
        }
        let text = bytes_of(value, 14).unwrap_or_default();
        let found = names.iter().position(|name| name.as_bytes() == text);
        found.map(Some).ok_or_else(|| {
            let (at, function) = (at + 1, self.function);
            let text = String::from_utf8_lossy(&text);
            format!("bad argument #{at} to '{function}' (invalid option '{text}')")
        })
    }

    fn switch(&self, at: usize, setting: &mut bool) -> Fallible<Value> {
        if let Some(chosen) = self.choice(at, &["off", "on"])? {
            *setting = chosen == 1;
        }
        Ok(Value::Boolean(*setting))
    }

    fn only_integer(&self, setting: &mut i64, min: i64, max: i64) -> Lifted {
        self.at_most(1)?;
        one(Ok(self.integer(0, setting, min, max)?))
    }

    fn only_switch(&self, setting: &mut bool) -> Lifted {
        self.at_most(1)?;
        one(Ok(self.switch(0, setting)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::text;

    #[test]
    fn values_come_back_as_they_were() {
        let cases = [
            r#"[1,2.5,"a\n\/\u001f",true,null]"#,
            r#"{"a":{"b":[{}]}}"#,
            "[1e+15,0.1,-3]",
        ];
        for json in cases {
            let source = format!("return cjson.encode(cjson.decode([=[{json}]=]))");
            assert_eq!(text(&source), json);
        }
        assert_eq!(text("return cjson.encode({})"), "{}");
        assert_eq!(
            text("return cjson.decode('\"\\\\ud83d\\\\ude00\"')"),
            "\u{1f600}"
        );
    }

    #[test]
    fn refusals_say_where_and_what() {
        let cases = [
            (
                "cjson.decode('[1,')",
                "Expected value but found T_END at character 4",
            ),
            (
                "cjson.decode('{1}')",
                "Expected object key string but found T_NUMBER at character 2",
            ),
            (
                "cjson.decode('[1] x')",
                "Expected the end but found invalid token at character 5",
            ),
            (
                "cjson.encode({[20] = 1})",
                "Cannot serialise table: excessively sparse array",
            ),
            (
                "cjson.encode(1/0)",
                "Cannot serialise number: must not be NaN or Inf",
            ),
            ("cjson.encode(print)", "nonexistent global variable 'print'"),
            (
                "cjson.encode(error)",
                "Cannot serialise function: type not supported",
            ),
        ];
        for (source, refusal) in cases {
            assert!(text(source).contains(refusal), "{source}: {}", text(source));
        }
    }

    #[test]
    fn a_library_of_its_own_has_its_own_settings() {
        let source = "local c = cjson.new() c.encode_number_precision(3) \
                      return c.encode(1/3) .. cjson.encode(1/3)";
        assert_eq!(text(source), "0.3330.33333333333333");
    }
}
