//! The library `struct`: values to and from bytes, as a format says.
//!
//! ```text
//! > < !n space   byte order, alignment      b B h H l L T in In   integers of 1 2 8 8 n bytes
//! f d            floats of 4 and 8 bytes    s                     bytes up to a NUL
//! cn             n bytes                    x                     a byte of padding
//! ```

use crate::natives::{Lifted, bytes_of, lifted, number_of, type_name};
use mlua::{Lua, MultiValue, Result, Table, Value};

/// The functions of `struct`.
pub(crate) fn library(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    table.set("pack", lifted(lua, pack)?)?;
    table.set("unpack", lifted(lua, unpack)?)?;
    table.set("size", lifted(lua, size)?)?;
    Ok(table)
}

type Fallible<T> = std::result::Result<T, String>;

/// Integers have at most so many bytes.
const INTEGER_BYTES_MAX: usize = 32;
/// What `!` alone aligns to.
const ALIGN_DEFAULT: usize = 8;
/// No result is larger: `x` and alignment make much of little, and every value is in memory.
const PACKED_BYTES_MAX: usize = 512 << 20;

/// A format that is read letter by letter.
struct Format<'f> {
    left: &'f [u8],
    big_endian: bool,
    align: usize,
}

/// A letter of a format, with the bytes that its value takes and those of padding before it.
struct Item {
    letter: u8,
    size: usize,
    padding: usize,
}

impl Format<'_> {
    fn new(text: &[u8]) -> Format<'_> {
        // A NUL ends a format, as it does in C.
        let end = text.iter().position(|&byte| byte == 0);
        Format {
            left: &text[..end.unwrap_or(text.len())],
            big_endian: false,
            align: 1,
        }
    }

    /// The next letter that stands for a value, at `position` of the bytes.
    fn next(&mut self, position: usize) -> Fallible<Option<Item>> {
        while let Some((&letter, left)) = self.left.split_first() {
            self.left = left;
            let size = self.size(letter)?;
            if !is_value(letter) {
                self.control(letter)?;
                continue;
            }
            return Ok(Some(Item {
                letter,
                size,
                padding: self.padding(letter, size, position),
            }));
        }
        Ok(None)
    }

    fn size(&mut self, letter: u8) -> Fallible<usize> {
        Ok(match letter {
            b'b' | b'B' | b'x' => 1,
            b'h' | b'H' => 2,
            b'f' => 4,
            b'l' | b'L' | b'T' | b'd' => 8,
            b'c' => self.number(1)?,
            b'i' | b'I' => match self.number(4)? {
                size @ 0..=INTEGER_BYTES_MAX => size,
                size => {
                    return Err(format!(
                        "integral size {size} is larger than limit of {INTEGER_BYTES_MAX}"
                    ));
                }
            },
            _ => 0,
        })
    }

    /// The number that stands next, if one does.
    fn number(&mut self, default: usize) -> Fallible<usize> {
        let digits = self.left.iter().take_while(|byte| byte.is_ascii_digit());
        let (digits, left) = self.left.split_at(digits.count());
        self.left = left;
        if digits.is_empty() {
            return Ok(default);
        }
        let text = std::str::from_utf8(digits).unwrap_or_default();
        let number: Option<i32> = text.parse().ok();
        let number = number.ok_or("integral size overflow")?;
        Ok(number as usize)
    }

    fn control(&mut self, letter: u8) -> Fallible<()> {
        match letter {
            b' ' => {}
            b'>' => self.big_endian = true,
            b'<' => self.big_endian = false,
            b'!' => {
                self.align = self.number(ALIGN_DEFAULT)?;
                if !self.align.is_power_of_two() {
                    return Err(format!("alignment {} is not a power of 2", self.align));
                }
            }
            other => {
                let option = char::from(other);
                return Err(format!("invalid format option '{option}'"));
            }
        }
        Ok(())
    }

    /// How many bytes lie before a value, so that it is aligned. Like its model, it counts on sizes
    /// being powers of 2.
    fn padding(&self, letter: u8, size: usize, position: usize) -> usize {
        if size == 0 || letter == b'c' {
            return 0;
        }
        let size = size.min(self.align);
        size.wrapping_sub(position & (size - 1)) & (size - 1)
    }
}

fn is_value(letter: u8) -> bool {
    b"bBhHlLTiIfdcsx".contains(&letter)
}

/// The format, which is every function's first argument.
fn format_of(args: &MultiValue, function: &str) -> Fallible<Vec<u8>> {
    text_at(args, 0, function)
}

fn text_at(args: &MultiValue, at: usize, function: &str) -> Fallible<Vec<u8>> {
    let found = args.get(at);
    let text = found.and_then(|value| bytes_of(value, 14));
    text.ok_or_else(|| expected("string", at, function, found))
}

fn number_at(args: &MultiValue, at: usize, function: &str) -> Fallible<f64> {
    let found = args.get(at);
    let number = found.and_then(number_of);
    number.ok_or_else(|| expected("number", at, function, found))
}

fn expected(what: &str, at: usize, function: &str, found: Option<&Value>) -> String {
    let (at, found) = (at + 1, type_name(found));
    format!("bad argument #{at} to '{function}' ({what} expected, got {found})")
}

fn pack(lua: &Lua, args: MultiValue) -> Lifted {
    let text = format_of(&args, "pack")?;
    let (mut format, mut out, mut at) = (Format::new(&text), Vec::new(), 1);
    while let Some(item) = format.next(out.len())? {
        out.resize(out.len() + item.padding, 0);
        if out.len() > PACKED_BYTES_MAX {
            return Err("packed string too long".into());
        }
        match item.letter {
            b'x' => {
                out.push(0);
                continue;
            }
            b'f' => {
                let bytes = (number_at(&args, at, "pack")? as f32).to_le_bytes();
                put(&mut out, &bytes, format.big_endian);
            }
            b'd' => {
                let bytes = number_at(&args, at, "pack")?.to_le_bytes();
                put(&mut out, &bytes, format.big_endian);
            }
            b'c' | b's' => put_text(&mut out, &item, &text_at(&args, at, "pack")?, at)?,
            _ => {
                let bytes = integer(number_at(&args, at, "pack")?).to_le_bytes();
                let mut wide = [0; INTEGER_BYTES_MAX];
                wide[..8].copy_from_slice(&bytes);
                put(&mut out, &wide[..item.size], format.big_endian);
            }
        }
        at += 1;
    }
    one(lua.create_string(out).map(Value::String))
}

/// The 64 bits that C makes of a number on x86-64.
fn integer(number: f64) -> u64 {
    if number < 0.0 || number.is_nan() {
        let fits = number >= -(2f64.powi(63));
        return if fits { number as i64 as u64 } else { 1 << 63 };
    }
    if number < 2f64.powi(64) {
        number as u64
    } else {
        0
    }
}

fn put(out: &mut Vec<u8>, little_endian: &[u8], big_endian: bool) {
    match big_endian {
        true => out.extend(little_endian.iter().rev()),
        false => out.extend_from_slice(little_endian),
    }
}

fn put_text(out: &mut Vec<u8>, item: &Item, text: &[u8], at: usize) -> Fallible<()> {
    let size = match item.size {
        0 => text.len(),
        size => size,
    };
    let Some(text) = text.get(..size) else {
        // The number of the argument behind it, as its model has it.
        return Err(format!(
            "bad argument #{} to 'pack' (string too short)",
            at + 2
        ));
    };
    out.extend_from_slice(text);
    if item.letter == b's' {
        out.push(0);
    }
    Ok(())
}

const TOO_SHORT: &str = "bad argument #2 to 'unpack' (data string too short)";

fn unpack(lua: &Lua, args: MultiValue) -> Lifted {
    let text = format_of(&args, "unpack")?;
    let data = text_at(&args, 1, "unpack")?;
    let start = match args.get(2) {
        None | Some(Value::Nil) => 1.0,
        Some(_) => number_at(&args, 2, "unpack")?,
    };
    if start < 1.0 {
        return Err("bad argument #3 to 'unpack' (offset must be 1 or greater)".into());
    }
    let (mut format, mut position) = (Format::new(&text), start as usize - 1);
    let mut values: Vec<Value> = Vec::new();
    while let Some(mut item) = format.next(position)? {
        position = position.saturating_add(item.padding);
        let mut rest = data.get(position..).ok_or(TOO_SHORT)?;
        if item.letter == b'c' && item.size == 0 {
            item.size = counted(&mut values)?;
        }
        if item.letter == b's' {
            let end = rest.iter().position(|&byte| byte == 0);
            item.size = end.ok_or("unfinished string in data")? + 1;
        }
        rest = rest.get(..item.size).ok_or(TOO_SHORT)?;
        values.extend(value(lua, &item, rest, format.big_endian)?);
        position += item.size;
        if values.len() > RESULTS_MAX {
            return Err("stack overflow (too many results)".into());
        }
    }
    values.push(Value::Number(position as f64 + 1.0));
    Ok(MultiValue::from_vec(values))
}

/// As many results as a function may have.
const RESULTS_MAX: usize = 7000;

/// The size that the value before it gives.
fn counted(values: &mut Vec<Value>) -> Fallible<usize> {
    let size = values.pop().and_then(|value| number_of(&value));
    let size = size.ok_or("format 'c0' needs a previous size")?;
    Ok(usize::try_from(integer(size)).unwrap_or(usize::MAX))
}

fn value(lua: &Lua, item: &Item, bytes: &[u8], big_endian: bool) -> Fallible<Option<Value>> {
    let mut ordered = bytes.to_vec();
    if big_endian && !b"cs".contains(&item.letter) {
        ordered.reverse();
    }
    let number = match item.letter {
        b'x' => return Ok(None),
        b'c' | b's' => {
            let text = if item.letter == b's' {
                &bytes[..bytes.len() - 1]
            } else {
                bytes
            };
            let text = lua.create_string(text).map_err(|error| error.to_string())?;
            return Ok(Some(Value::String(text)));
        }
        b'f' => f64::from(f32::from_le_bytes(fixed(&ordered))),
        b'd' => f64::from_le_bytes(fixed(&ordered)),
        letter => unpacked_integer(&ordered, letter.is_ascii_lowercase()),
    };
    Ok(Some(Value::Number(number)))
}

/// The first bytes, and zeros if there are fewer.
fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut fixed = [0; N];
    for (to, from) in fixed.iter_mut().zip(bytes) {
        *to = *from;
    }
    fixed
}

/// The low 64 bits of an integer of any size, with its sign if it has one.
fn unpacked_integer(bytes: &[u8], signed: bool) -> f64 {
    let word = u64::from_le_bytes(fixed(bytes));
    if !signed {
        return word as f64;
    }
    let unused = 64 - 8 * bytes.len().clamp(1, 8);
    ((word << unused) as i64 >> unused) as f64
}

fn size(_: &Lua, args: MultiValue) -> Lifted {
    let text = format_of(&args, "size")?;
    let (mut format, mut position) = (Format::new(&text), 0usize);
    while let Some(item) = format.next(position)? {
        match (item.letter, item.size) {
            (b's', _) => {
                return Err("bad argument #1 to 'size' (option 's' has no fixed size)".into());
            }
            (b'c', 0) => {
                return Err("bad argument #1 to 'size' (option 'c0' has no fixed size)".into());
            }
            _ => position += item.padding + item.size,
        }
    }
    one(Ok(Value::Number(position as f64)))
}

fn one(value: Result<Value>) -> Lifted {
    let value = value.map_err(|error| error.to_string())?;
    Ok(MultiValue::from_iter([value]))
}

#[cfg(test)]
mod tests {
    use crate::testing::text;

    #[test]
    fn values_come_back_as_they_were() {
        let cases = [
            ("struct.pack('>I2', 258):byte(1, 2)", "1 2"),
            ("struct.unpack('<i3', struct.pack('<i3', -2))", "-2 4"),
            (
                "struct.unpack('sc3b', struct.pack('sc3b', 'ab', 'cde', 5))",
                "ab cde 5 8",
            ),
            ("struct.unpack('bc0', struct.pack('bc0', 2, 'xy'))", "xy 4"),
            ("struct.unpack('>d', struct.pack('>d', 1.5))", "1.5 9"),
            ("struct.size('!4bi')", "8"),
        ];
        let show = "local function show(...) local t = {...} for i = 1, #t do t[i] = tostring(t[i]) end \
                    return table.concat(t, ' ') end return show";
        for (source, shown) in cases {
            assert_eq!(text(&format!("{show}({source})")), shown, "{source}");
        }
    }

    #[test]
    fn what_the_bytes_cannot_back_is_refused() {
        let cases = [
            ("struct.unpack('i', 'abc')", "data string too short)"),
            ("struct.unpack('s', 'abc')", "unfinished string in data"),
            (
                "struct.pack('i99', 1)",
                "integral size 99 is larger than limit of 32",
            ),
            ("struct.pack('c99999999999', 'x')", "integral size overflow"),
            ("struct.pack('!3')", "alignment 3 is not a power of 2"),
            ("struct.size('y')", "invalid format option 'y'"),
        ];
        for (source, refusal) in cases {
            assert!(
                text(source).ends_with(refusal),
                "{source}: {}",
                text(source)
            );
        }
    }
}
