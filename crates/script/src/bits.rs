//! The library `bit`: 32-bit words that are shown as signed numbers.

use crate::natives::{Lifted, lifted, number_of, type_name};
use mlua::{Lua, MultiValue, Result, Table, Value};

/// The functions of `bit`.
pub(crate) fn library(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    let add = |name: &'static str, function: fn(&Args<'_>) -> Result32| {
        let function = move |_: &Lua, args: MultiValue| {
            let args = Args {
                function: name,
                args: &args,
            };
            let word = function(&args)?;
            Ok(MultiValue::from_iter([Value::Number(f64::from(
                word as i32,
            ))]))
        };
        table.set(name, lifted(lua, function)?)
    };
    add("tobit", |args| args.word(0))?;
    add("bnot", |args| Ok(!args.word(0)?))?;
    add("band", |args| args.fold(|a, b| a & b))?;
    add("bor", |args| args.fold(|a, b| a | b))?;
    add("bxor", |args| args.fold(|a, b| a ^ b))?;
    add("lshift", |args| Ok(args.word(0)? << args.shift()?))?;
    add("rshift", |args| Ok(args.word(0)? >> args.shift()?))?;
    add("arshift", |args| {
        Ok((args.word(0)? as i32 >> args.shift()?) as u32)
    })?;
    add("rol", |args| Ok(args.word(0)?.rotate_left(args.shift()?)))?;
    add("ror", |args| Ok(args.word(0)?.rotate_right(args.shift()?)))?;
    add("bswap", |args| Ok(args.word(0)?.swap_bytes()))?;
    table.set("tohex", lifted(lua, tohex)?)?;
    Ok(table)
}

type Result32 = std::result::Result<u32, String>;

struct Args<'a> {
    function: &'static str,
    args: &'a MultiValue,
}

impl Args<'_> {
    /// An argument's low 32 bits. Adding 2^52 + 2^51 puts them where a double has its last bits, and
    /// rounds as the addition does.
    fn word(&self, at: usize) -> Result32 {
        let found = self.args.get(at);
        let number = found.and_then(number_of).ok_or_else(|| {
            let (at, function, found) = (at + 1, self.function, type_name(found));
            format!("bad argument #{at} to '{function}' (number expected, got {found})")
        })?;
        Ok((number + 6_755_399_441_055_744.0).to_bits() as u32)
    }

    fn shift(&self) -> Result32 {
        Ok(self.word(1)? & 31)
    }

    fn fold(&self, op: impl Fn(u32, u32) -> u32) -> Result32 {
        (1..self.args.len()).try_fold(self.word(0)?, |word, at| Ok(op(word, self.word(at)?)))
    }
}

/// The last digits of a word, eight unless said otherwise; capitals if their number is negative.
fn tohex(lua: &Lua, args: MultiValue) -> Lifted {
    let words = Args {
        function: "tohex",
        args: &args,
    };
    let word = words.word(0)?;
    let count = match args.len() {
        0 | 1 => 8,
        _ => words.word(1)? as i32,
    };
    let digits = match count {
        ..0 => format!("{word:08X}"),
        _ => format!("{word:08x}"),
    };
    let shown = count.unsigned_abs().min(8) as usize;
    let digits = lua.create_string(&digits[8 - shown..]);
    let digits = digits.map_err(|error| error.to_string())?;
    Ok(MultiValue::from_iter([Value::String(digits)]))
}

#[cfg(test)]
mod tests {
    use crate::testing::text;

    #[test]
    fn words_are_shown_with_their_sign() {
        let cases = [
            ("bit.tobit(0xffffffff)", "-1"),
            ("bit.band(0xff, 0x3c, 0x18)", "24"),
            ("bit.bxor(1, 2^32 + 3)", "2"),
            ("bit.lshift(1, 31)", "-2147483648"),
            ("bit.arshift(-8, 1)", "-4"),
            ("bit.rol(0x12345678, 8)", "878082066"),
            ("bit.bswap(1)", "16777216"),
            ("bit.tohex(255, 4)", "00ff"),
            ("bit.tohex(-1, -2)", "FF"),
            ("bit.tobit(1.5)", "2"),
        ];
        for (source, shown) in cases {
            assert_eq!(
                text(&format!("return tostring({source})")),
                shown,
                "{source}"
            );
        }
        let refused = text("bit.band({})");
        assert!(refused.ends_with("bad argument #1 to 'band' (number expected, got table)"));
    }
}
