//! JSON to values.

use super::{Config, DEPTH_MAX, Fallible};
use mlua::{Lua, Table, Value};

pub(super) fn decode(lua: &Lua, text: &[u8], config: &Config) -> Fallible<Value> {
    if text.len() >= 2 && (text[0] == 0 || text[1] == 0) {
        return Err("JSON parser does not support UTF-16 or UTF-32".into());
    }
    let mut decoder = Decoder {
        lua,
        text,
        at: 0,
        depth: 0,
        config,
    };
    let (token, at) = decoder.token();
    let value = decoder.value(token, at)?;
    match decoder.token() {
        (Token::End, _) => Ok(value),
        (token, at) => Err(unexpected("the end", &token, at)),
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Text(Vec<u8>),
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Bad(&'static str),
}

impl Token {
    fn name(&self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::Text(_) => "T_STRING",
            Token::Number(_) => "T_NUMBER",
            Token::Boolean(_) => "T_BOOLEAN",
            Token::Null => "T_NULL",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::End => "T_END",
            Token::Bad(why) => why,
        }
    }
}

/// `at` is the offset of what was found.
fn unexpected(expected: &str, found: &Token, at: usize) -> String {
    let (found, at) = (found.name(), at + 1);
    format!("Expected {expected} but found {found} at character {at}")
}

struct Decoder<'a> {
    lua: &'a Lua,
    text: &'a [u8],
    at: usize,
    depth: i64,
    config: &'a Config,
}

impl Decoder<'_> {
    fn value(&mut self, token: Token, at: usize) -> Fallible<Value> {
        Ok(match token {
            Token::Text(text) => Value::String(self.string(&text)?),
            Token::Number(number) => Value::Number(number),
            Token::Boolean(truth) => Value::Boolean(truth),
            Token::Null => Value::NULL,
            Token::ObjectBegin => Value::Table(self.object()?),
            Token::ArrayBegin => Value::Table(self.array()?),
            other => return Err(unexpected("value", &other, at)),
        })
    }

    fn string(&self, text: &[u8]) -> Fallible<mlua::LuaString> {
        self.lua
            .create_string(text)
            .map_err(|error| error.to_string())
    }

    fn descend(&mut self) -> Fallible<Table> {
        self.depth += 1;
        if self.depth > self.config.decode_depth_max.min(DEPTH_MAX) {
            let (depth, at) = (self.depth, self.at);
            return Err(format!(
                "Found too many nested data structures ({depth}) at character {at}"
            ));
        }
        self.lua.create_table().map_err(|error| error.to_string())
    }

    fn object(&mut self) -> Fallible<Table> {
        let table = self.descend()?;
        let (mut token, mut at) = self.token();
        if token == Token::ObjectEnd {
            self.depth -= 1;
            return Ok(table);
        }
        loop {
            let Token::Text(key) = token else {
                return Err(unexpected("object key string", &token, at));
            };
            match self.token() {
                (Token::Colon, _) => {}
                (other, at) => return Err(unexpected("colon", &other, at)),
            }
            (token, at) = self.token();
            let value = self.value(token, at)?;
            let set = table.raw_set(self.string(&key)?, value);
            set.map_err(|error| error.to_string())?;
            match self.token() {
                (Token::ObjectEnd, _) => break,
                (Token::Comma, _) => {}
                (other, at) => return Err(unexpected("comma or object end", &other, at)),
            }
            (token, at) = self.token();
        }
        self.depth -= 1;
        Ok(table)
    }

    fn array(&mut self) -> Fallible<Table> {
        let table = self.descend()?;
        let (mut token, mut at) = self.token();
        if token == Token::ArrayEnd {
            self.depth -= 1;
            return Ok(table);
        }
        for index in 1.. {
            let value = self.value(token, at)?;
            table
                .raw_set(index, value)
                .map_err(|error| error.to_string())?;
            match self.token() {
                (Token::ArrayEnd, _) => break,
                (Token::Comma, _) => {}
                (other, at) => return Err(unexpected("comma or array end", &other, at)),
            }
            (token, at) = self.token();
        }
        self.depth -= 1;
        Ok(table)
    }

    /// The byte at an offset from here; 0 behind the end, which ends a text as it does in C.
    fn peek(&self, offset: usize) -> u8 {
        self.text.get(self.at + offset).copied().unwrap_or_default()
    }

    /// The next token, and its offset.
    fn token(&mut self) -> (Token, usize) {
        while matches!(self.peek(0), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        let at = self.at;
        let single = match self.peek(0) {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b',' => Token::Comma,
            b':' => Token::Colon,
            0 => return (Token::End, at),
            b'"' => return self.quoted(at),
            _ => return (self.word(), at),
        };
        self.at += 1;
        (single, at)
    }

    /// A number or a name.
    fn word(&mut self) -> Token {
        let names = [
            (&b"true"[..], Token::Boolean(true)),
            (b"false", Token::Boolean(false)),
            (b"null", Token::Null),
        ];
        let rest = &self.text[self.at..];
        let begins = self.peek(0);
        if begins == b'-' || begins.is_ascii_digit() {
            if !self.config.decode_invalid && is_invalid(rest) {
                return Token::Bad("invalid number");
            }
            return self.number();
        }
        for (name, token) in names {
            if rest.starts_with(name) {
                self.at += name.len();
                return token;
            }
        }
        let may_be_number = matches!(begins, b'i' | b'I' | b'n' | b'N' | b'+');
        if may_be_number && self.config.decode_invalid && is_invalid(rest) {
            return self.number();
        }
        Token::Bad("invalid token")
    }

    fn number(&mut self) -> Token {
        match strtod(&self.text[self.at..]) {
            Some((number, len)) => {
                self.at += len;
                Token::Number(number)
            }
            None => Token::Bad("invalid number"),
        }
    }

    /// A string; an error within has its own offset.
    fn quoted(&mut self, begin: usize) -> (Token, usize) {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            match self.peek(0) {
                b'"' => break,
                0 => return (Token::Bad("unexpected end of string"), self.at),
                b'\\' => {
                    if let Err(why) = self.escape(&mut text) {
                        return (Token::Bad(why), self.at);
                    }
                }
                byte => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        (Token::Text(text), begin)
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), &'static str> {
        let byte = match self.peek(1) {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 12,
            b'r' => b'\r',
            b'u' => return self.unicode(text).ok_or("invalid unicode escape code"),
            _ => return Err("invalid escape code"),
        };
        text.push(byte);
        self.at += 2;
        Ok(())
    }

    /// One `\uXXXX`, or two that make a pair.
    fn unicode(&mut self, text: &mut Vec<u8>) -> Option<()> {
        let first = self.hex4(2)?;
        let mut point = first;
        let mut len = 6;
        if first & 0xF800 == 0xD800 {
            let second = self.hex4(8)?;
            let is_pair = first & 0x400 == 0
                && (self.peek(6), self.peek(7)) == (b'\\', b'u')
                && second & 0xFC00 == 0xDC00;
            if !is_pair {
                return None;
            }
            point = ((first & 0x3FF) << 10 | second & 0x3FF) + 0x1_0000;
            len = 12;
        }
        let point = char::from_u32(point)?;
        text.extend_from_slice(point.encode_utf8(&mut [0; 4]).as_bytes());
        self.at += len;
        Some(())
    }

    fn hex4(&self, offset: usize) -> Option<u32> {
        (offset..offset + 4).try_fold(0, |number, at| {
            let digit = char::from(self.peek(at)).to_digit(16)?;
            Some(number << 4 | digit)
        })
    }
}

/// Whether C would take for a number what JSON does not.
fn is_invalid(text: &[u8]) -> bool {
    let unsigned = match text {
        [b'+', ..] => return true,
        [b'-', rest @ ..] => rest,
        other => other,
    };
    let begins = |name: &[u8]| {
        unsigned.len() >= name.len() && unsigned[..name.len()].eq_ignore_ascii_case(name)
    };
    match unsigned {
        [b'0', b'x' | b'X' | b'0'..=b'9', ..] => true,
        [b'0'..=b'9', ..] => false,
        _ => begins(b"inf") || begins(b"nan"),
    }
}

/// The longest beginning that is a number to C's `strtod`, and its length.
fn strtod(text: &[u8]) -> Option<(f64, usize)> {
    let sign_len = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let sign = if text.first() == Some(&b'-') {
        -1.0
    } else {
        1.0
    };
    let rest = &text[sign_len..];
    let begins =
        |name: &[u8]| rest.len() >= name.len() && rest[..name.len()].eq_ignore_ascii_case(name);
    let (number, len) = if begins(b"infinity") {
        (f64::INFINITY, 8)
    } else if begins(b"inf") {
        (f64::INFINITY, 3)
    } else if begins(b"nan") {
        (f64::NAN, 3)
    } else if begins(b"0x") && rest.get(2).is_some_and(u8::is_ascii_hexdigit) {
        hexadecimal(rest)
    } else {
        decimal(rest)?
    };
    Some((sign * number, sign_len + len))
}

fn digits(text: &[u8], is_digit: impl Fn(&u8) -> bool) -> usize {
    text.iter().take_while(|byte| is_digit(byte)).count()
}

fn decimal(text: &[u8]) -> Option<(f64, usize)> {
    let whole = digits(text, u8::is_ascii_digit);
    let mut len = whole;
    if text.get(len) == Some(&b'.') {
        let fraction = digits(&text[len + 1..], u8::is_ascii_digit);
        if whole + fraction > 0 {
            len += 1 + fraction;
        }
    }
    if len == 0 {
        return None;
    }
    if matches!(text.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(len + 1), Some(b'+' | b'-')));
        let power = digits(&text[len + 1 + sign..], u8::is_ascii_digit);
        if power > 0 {
            len += 1 + sign + power;
        }
    }
    let text = std::str::from_utf8(&text[..len]).ok()?;
    Some((text.parse().ok()?, len))
}

/// `0x`, digits with or without a fraction, and a power of two behind `p`.
fn hexadecimal(text: &[u8]) -> (f64, usize) {
    let digit = |byte: &u8| f64::from(char::from(*byte).to_digit(16).unwrap_or_default());
    let mut len = 2 + digits(&text[2..], u8::is_ascii_hexdigit);
    let mut number = text[2..len]
        .iter()
        .fold(0.0, |number, byte| number * 16.0 + digit(byte));
    if text.get(len) == Some(&b'.') {
        let count = digits(&text[len + 1..], u8::is_ascii_hexdigit);
        let fraction = &text[len + 1..len + 1 + count];
        number += fraction
            .iter()
            .rfold(0.0, |sum, byte| (sum + digit(byte)) / 16.0);
        len += 1 + count;
    }
    if matches!(text.get(len), Some(b'p' | b'P')) {
        let sign = usize::from(matches!(text.get(len + 1), Some(b'+' | b'-')));
        let count = digits(&text[len + 1 + sign..], u8::is_ascii_digit);
        let power = std::str::from_utf8(&text[len + 1..len + 1 + sign + count]).ok();
        if let Some(power) = power.and_then(|power| power.parse::<i32>().ok()) {
            number *= 2f64.powi(power);
            len += 1 + sign + count;
        }
    }
    (number, len)
}
