//! The library `cmsgpack`: MessagePack, as Lua's values allow it.

use crate::natives::{Lifted, bytes_of, lifted, number_of, numeric, type_name};
use mlua::{Lua, MultiValue, Result, Table, Value};

/// The functions of `cmsgpack`.
pub(crate) fn library(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    table.set("pack", lifted(lua, pack)?)?;
    let unpack_all = |lua: &Lua, args: MultiValue| unpack(lua, &args, "unpack", None, 0);
    table.set("unpack", lifted(lua, unpack_all)?)?;
    let unpack_one = |lua: &Lua, args: MultiValue| {
        let offset = optional(&args, 1, "unpack_one")?;
        unpack(lua, &args, "unpack_one", Some(1), offset)
    };
    table.set("unpack_one", lifted(lua, unpack_one)?)?;
    let unpack_limit = |lua: &Lua, args: MultiValue| {
        let limit = integer_at(&args, 1, "unpack_limit")?;
        let offset = optional(&args, 2, "unpack_limit")?;
        let limit = (limit != 0 || offset != 0).then_some(limit);
        unpack(lua, &args, "unpack_limit", limit, offset)
    };
    table.set("unpack_limit", lifted(lua, unpack_limit)?)?;
    table.set("_NAME", "cmsgpack")?;
    table.set("_VERSION", "lua-cmsgpack 0.4.0")?;
    Ok(table)
}

type Fallible<T> = std::result::Result<T, String>;

/// Tables that lie deeper are packed as nil, so that those which contain themselves have an end.
const PACK_DEPTH_MAX: usize = 16;
/// What lies deeper is refused.
const UNPACK_DEPTH_MAX: usize = 400;

fn pack(lua: &Lua, args: MultiValue) -> Lifted {
    if args.is_empty() {
        return Err("bad argument #0 to 'pack' (MessagePack pack needs input.)".into());
    }
    let mut out = Vec::new();
    for value in &args {
        put(&mut out, value, 0).map_err(|error| error.to_string())?;
    }
    let packed = lua.create_string(out).map_err(|error| error.to_string())?;
    Ok(MultiValue::from_iter([Value::String(packed)]))
}

fn put(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<()> {
    match value {
        Value::String(text) => put_text(out, &text.as_bytes()),
        Value::Boolean(truth) => out.push(if *truth { 0xc3 } else { 0xc2 }),
        Value::Integer(number) => put_number(out, *number as f64),
        Value::Number(number) => put_number(out, *number),
        Value::Table(table) if depth < PACK_DEPTH_MAX => put_table(out, table, depth)?,
        _ => out.push(0xc0),
    }
    Ok(())
}

/// An integer if it is one that 64 bits hold, else a float of the fewest bytes.
fn put_number(out: &mut Vec<u8>, number: f64) {
    let integer = number as i64;
    if integer as f64 == number && number < 2f64.powi(63) {
        put_integer(out, integer);
    } else if f64::from(number as f32) == number {
        out.push(0xca);
        out.extend((number as f32).to_be_bytes());
    } else {
        out.push(0xcb);
        out.extend(number.to_be_bytes());
    }
}

fn put_integer(out: &mut Vec<u8>, number: i64) {
    let (code, bytes) = match number {
        -32..=127 => return out.push(number as u8),
        128..=0xff => (0xcc, 1),
        0x100..=0xffff => (0xcd, 2),
        0x1_0000..=0xffff_ffff => (0xce, 4),
        0x1_0000_0000.. => (0xcf, 8),
        -128..=-33 => (0xd0, 1),
        -0x8000..=-129 => (0xd1, 2),
        -0x8000_0000..=-0x8001 => (0xd2, 4),
        _ => (0xd3, 8),
    };
    out.push(code);
    out.extend_from_slice(&number.to_be_bytes()[8 - bytes..]);
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    let bytes = (text.len() as u32).to_be_bytes();
    match text.len() {
        len @ 0..=31 => out.push(0xa0 | len as u8),
        len @ 32..=0xff => out.extend([0xd9, len as u8]),
        0x100..=0xffff => out.extend([0xda, bytes[2], bytes[3]]),
        _ => {
            out.push(0xdb);
            out.extend(bytes);
        }
    }
    out.extend_from_slice(text);
}

/// The head of an array or a map: in one byte with `few`, else behind `many` or its successor.
fn put_count(out: &mut Vec<u8>, count: usize, few: u8, many: u8) {
    let bytes = (count as u32).to_be_bytes();
    match count {
        0..=15 => out.push(few | count as u8),
        16..=0xffff => out.extend([many, bytes[2], bytes[3]]),
        _ => {
            out.push(many + 1);
            out.extend(bytes);
        }
    }
}

fn put_table(out: &mut Vec<u8>, table: &Table, depth: usize) -> Result<()> {
    let mut pairs = Vec::new();
    table.for_each(|key: Value, value: Value| {
        pairs.push((key, value));
        Ok(())
    })?;
    if is_array(&pairs) {
        put_count(out, pairs.len(), 0x90, 0xdc);
        for at in 1..=pairs.len() {
            put(out, &table.raw_get(at)?, depth + 1)?;
        }
        return Ok(());
    }
    put_count(out, pairs.len(), 0x80, 0xde);
    for (key, value) in &pairs {
        put(out, key, depth + 1)?;
        put(out, value, depth + 1)?;
    }
    Ok(())
}

/// Whether the keys are the integers from 1 to their number. An empty table is an array.
fn is_array(pairs: &[(Value, Value)]) -> bool {
    let mut greatest = 0.0f64;
    for (key, _) in pairs {
        match numeric(key) {
            Some(key) if key > 0.0 && key.fract() == 0.0 && key < 2f64.powi(31) => {
                greatest = greatest.max(key);
            }
            _ => return false,
        }
    }
    greatest == pairs.len() as f64
}

fn integer_at(args: &MultiValue, at: usize, function: &str) -> Fallible<i64> {
    let found = args.get(at);
    let number = found.and_then(number_of).ok_or_else(|| {
        let (at, found) = (at + 1, type_name(found));
        format!("bad argument #{at} to '{function}' (number expected, got {found})")
    })?;
    Ok(number as i64)
}

fn optional(args: &MultiValue, at: usize, function: &str) -> Fallible<i64> {
    match args.get(at) {
        None | Some(Value::Nil) => Ok(0),
        Some(_) => integer_at(args, at, function),
    }
}

/// Values from an offset on: every one, or as many as `limit`; then the offset behind them, or -1
/// at the end, comes first.
fn unpack(lua: &Lua, args: &MultiValue, function: &str, limit: Option<i64>, offset: i64) -> Lifted {
    let found = args.front();
    let input = found.and_then(|value| bytes_of(value, 14)).ok_or_else(|| {
        let found = type_name(found);
        format!("bad argument #1 to '{function}' (string expected, got {found})")
    })?;
    if offset < 0 || limit.is_some_and(|limit| limit < 0) {
        let len = input.len();
        return Err(format!(
            "Invalid request to unpack with offset of {offset} and limit of {len}."
        ));
    }
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let left = input.get(start..).ok_or_else(|| {
        let len = input.len();
        format!("Start offset {offset} greater than input length {len}.")
    })?;
    let mut cursor = Cursor {
        lua,
        left,
        depth: 0,
    };
    let mut values = Vec::new();
    while !cursor.left.is_empty() && limit.is_none_or(|limit| (values.len() as i64) < limit) {
        values.push(cursor.value()?);
        if values.len() > RESULTS_MAX {
            return Err(TOO_MANY.into());
        }
    }
    if limit.is_some() {
        let end = match cursor.left.len() {
            0 => -1.0,
            left => (input.len() - left) as f64,
        };
        values.insert(0, Value::Number(end));
    }
    Ok(MultiValue::from_vec(values))
}

/// As many results as a function may have.
const RESULTS_MAX: usize = 7000;
const TOO_MANY: &str = "stack overflow (too many return values at once; use unpack_one or \
                        unpack_limit instead.)";
const MISSING: &str = "Missing bytes in input.";

/// Packed values that are read one by one.
struct Cursor<'a> {
    lua: &'a Lua,
    left: &'a [u8],
    depth: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Fallible<&'a [u8]> {
        let (taken, left) = self.left.split_at_checked(count).ok_or(MISSING)?;
        self.left = left;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Fallible<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("as many as were asked for"))
    }

    fn value(&mut self) -> Fallible<Value> {
        let [code] = self.fixed()?;
        Ok(match code {
            0x00..=0x7f => Value::Number(f64::from(code)),
            0xe0..=0xff => Value::Number(f64::from(code as i8)),
            0x80..=0x8f => self.map(usize::from(code & 15))?,
            0x90..=0x9f => self.array(usize::from(code & 15))?,
            0xa0..=0xbf => self.text(usize::from(code & 31))?,
            0xc0 => Value::Nil,
            0xc2 | 0xc3 => Value::Boolean(code == 0xc3),
            0xca => Value::Number(f64::from(f32::from_be_bytes(self.fixed()?))),
            0xcb => Value::Number(f64::from_be_bytes(self.fixed()?)),
            0xcc..=0xcf => Value::Number(self.unsigned(1 << (code - 0xcc))? as f64),
            0xd0 => Value::Number(f64::from(i8::from_be_bytes(self.fixed()?))),
            0xd1 => Value::Number(f64::from(i16::from_be_bytes(self.fixed()?))),
            0xd2 => Value::Number(f64::from(i32::from_be_bytes(self.fixed()?))),
            0xd3 => Value::Number(i64::from_be_bytes(self.fixed()?) as f64),
            0xd9..=0xdb => {
                let len = self.unsigned(1 << (code - 0xd9))?;
                self.text(len as usize)?
            }
            0xdc | 0xdd => {
                let count = self.unsigned(2 << (code - 0xdc))?;
                self.array(count as usize)?
            }
            0xde | 0xdf => {
                let count = self.unsigned(2 << (code - 0xde))?;
                self.map(count as usize)?
            }
            _ => return Err("Bad data format in input.".into()),
        })
    }

    /// An unsigned integer of so many bytes.
    fn unsigned(&mut self, bytes: usize) -> Fallible<u64> {
        let bytes = self.take(bytes)?;
        Ok(bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn text(&mut self, len: usize) -> Fallible<Value> {
        let text = self.lua.create_string(self.take(len)?);
        text.map(Value::String).map_err(|error| error.to_string())
    }

    fn descend(&mut self) -> Fallible<Table> {
        self.depth += 1;
        if self.depth > UNPACK_DEPTH_MAX {
            return Err(TOO_MANY.into());
        }
        self.lua.create_table().map_err(|error| error.to_string())
    }

    fn array(&mut self, count: usize) -> Fallible<Value> {
        let table = self.descend()?;
        for at in 1..=count {
            let value = self.value()?;
            table
                .raw_set(at, value)
                .map_err(|error| error.to_string())?;
        }
        self.depth -= 1;
        Ok(Value::Table(table))
    }

    fn map(&mut self, count: usize) -> Fallible<Value> {
        let table = self.descend()?;
        for _ in 0..count {
            let (key, value) = (self.value()?, self.value()?);
            match key {
                Value::Nil => return Err("table index is nil".into()),
                Value::Number(number) if number.is_nan() => return Err("table index is NaN".into()),
                key => table
                    .raw_set(key, value)
                    .map_err(|error| error.to_string())?,
            }
        }
        self.depth -= 1;
        Ok(Value::Table(table))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::text;

    #[test]
    fn values_have_their_shortest_form() {
        let hex = "local function hex(s) return (s:gsub('.', function(c) return string.format('%02x', c:byte()) end)) end return hex";
        let cases = [
            ("1", "01"),
            ("-33", "d0df"),
            ("300", "cd012c"),
            ("2^40", "cf0000010000000000"),
            ("0.5", "ca3f000000"),
            ("0.1", "cb3fb999999999999a"),
            ("'ab'", "a26162"),
            ("{1, 2}", "920102"),
            ("{a = 1}", "81a16101"),
            ("nil", "c0"),
        ];
        for (value, bytes) in cases {
            assert_eq!(
                text(&format!("{hex}(cmsgpack.pack({value}))")),
                bytes,
                "{value}"
            );
        }
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let source =
            "return cjson.encode({cmsgpack.unpack(cmsgpack.pack({1, {2, 'x'}}, true, -70000))})";
        assert_eq!(text(source), "[[1,[2,\"x\"]],true,-70000]");
        let source = "return cjson.encode({cmsgpack.unpack_limit('\\1\\2\\3', 2, 0)})";
        assert_eq!(text(source), "[2,1,2]");
        assert!(
            text("cmsgpack.unpack('\\221\\255\\255\\255\\255')")
                .ends_with("Missing bytes in input.")
        );
        assert!(text("cmsgpack.unpack('\\193')").ends_with("Bad data format in input."));
    }
}
