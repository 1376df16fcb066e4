//! Words of a line as a person types it, by the quoting rules of Redis (`sdssplitargs`). Inline
//! requests, the config file and the AOF manifest all use them.

use std::fmt;

/// A quote is not closed, or something other than a blank follows a closing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnbalancedQuotes;

impl fmt::Display for UnbalancedQuotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unbalanced quotes")
    }
}

impl std::error::Error for UnbalancedQuotes {}

/// Splits `line` at blanks into words, taking quotes and escapes away.
///
/// In `"..."`, `\xHH`, `\n`, `\r`, `\t`, `\b` and `\a` are what they are in C, and `\` before
/// any other byte is that byte. In `'...'` only `\'` is an escape. A quoted part may begin inside
/// a word and ends it. A NUL outside of quotes ends the line, as it does in C.
pub fn split_words(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let mut words = Vec::new();
    split_into(line, |word| words.push(word.to_vec()), &mut Vec::new())?;
    Ok(words)
}

/// As [`split_words`], without a vector a word: `scratch` is the room to build them in.
pub(crate) fn split_into(
    line: &[u8],
    mut each: impl FnMut(&[u8]),
    scratch: &mut Vec<u8>,
) -> Result<(), UnbalancedQuotes> {
    let mut rest = line;
    loop {
        rest = skip_blanks(rest);
        if matches!(rest.first(), None | Some(0)) {
            return Ok(());
        }
        scratch.clear();
        rest = word(rest, scratch)?;
        each(scratch);
    }
}

/// Reads one word into `out`; what follows it is returned.
fn word<'a>(line: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | 0 => return Ok(rest),
            b'"' => return closed(double_quoted(after, out)?),
            b'\'' => return closed(single_quoted(after, out)?),
            _ => out.push(byte),
        }
        rest = after;
    }
    Ok(rest)
}

/// What follows a closing quote must be a blank or the end.
fn closed(rest: &[u8]) -> Result<&[u8], UnbalancedQuotes> {
    match rest.first() {
        Some(byte) if *byte != 0 && !is_space(*byte) => Err(UnbalancedQuotes),
        _ => Ok(rest),
    }
}

fn double_quoted<'a>(line: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    let mut rest = line;
    loop {
        let (byte, after) = match rest {
            [] => return Err(UnbalancedQuotes),
            [b'"', after @ ..] => return Ok(after),
            [b'\\', b'x', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                (hex(*high) << 4 | hex(*low), after)
            }
            [b'\\', escape, after @ ..] => (unescape(*escape), after),
            [byte, after @ ..] => (*byte, after),
        };
        out.push(byte);
        rest = after;
    }
}

fn single_quoted<'a>(line: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    let mut rest = line;
    loop {
        let (byte, after) = match rest {
            [] => return Err(UnbalancedQuotes),
            [b'\'', after @ ..] => return Ok(after),
            [b'\\', b'\'', after @ ..] => (b'\'', after),
            [byte, after @ ..] => (*byte, after),
        };
        out.push(byte);
        rest = after;
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

/// `word` as [`split_words`] reads it back: in quotes if it would not be one word otherwise.
pub fn quoted_word(word: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    match !word.is_empty() && word.iter().all(plain) {
        true => String::from_utf8_lossy(word).into_owned(),
        false => quoted(word),
    }
}

/// `bytes` in double quotes, with the escapes that [`split_words`] takes away.
pub fn quoted(bytes: &[u8]) -> String {
    let inside: String = bytes.iter().map(|byte| escaped(*byte)).collect();
    format!("\"{inside}\"")
}

fn escaped(byte: u8) -> String {
    match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\t' => "\\t".to_owned(),
        0x07 => "\\a".to_owned(),
        0x08 => "\\b".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        other => format!("\\x{other:02x}"),
    }
}

/// C's `isspace`, which has the vertical tab that `u8::is_ascii_whitespace` lacks.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0D)
}

fn skip_blanks(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|byte| is_space(**byte)).count();
    line.get(blanks..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Vec<String>, UnbalancedQuotes> {
        let words = split_words(line.as_bytes())?;
        Ok(words
            .iter()
            .map(|word| word.escape_ascii().to_string())
            .collect())
    }

    #[test]
    fn words_and_quotes() {
        assert_eq!(words("").unwrap(), [""; 0]);
        assert_eq!(words(" \t\x0b SET  k v \r").unwrap(), ["SET", "k", "v"]);
        assert_eq!(words("a\"b c\" d").unwrap(), ["ab c", "d"]);
        assert_eq!(words("\"\" ''").unwrap(), ["", ""]);
        assert_eq!(
            words(r#""\x41\xfF\n\r\t\b\a\"\\\q""#).unwrap(),
            ["A\\xff\\n\\r\\t\\x08\\x07\\\"\\\\q"]
        );
        assert_eq!(words(r#""\xZZ""#).unwrap(), ["xZZ"]);
        assert_eq!(words(r"'a\'b\n'").unwrap(), [r"a\'b\\n"]);
        assert_eq!(words("a \0 b").unwrap(), ["a"]);
    }

    #[test]
    fn what_is_quoted_reads_back() {
        assert_eq!(quoted_word(b"plain-1.aof"), "plain-1.aof");
        assert_eq!(quoted_word(b""), "\"\"");
        assert_eq!(quoted_word(b"a b"), "\"a b\"");
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(split_words(quoted(&all).as_bytes()).unwrap(), [all]);
    }

    #[test]
    fn unbalanced() {
        for line in ["\"", "'", "a \"b", "\"a\"b", "'a'b", r#""\"#, r"'\'"] {
            assert_eq!(words(line), Err(UnbalancedQuotes), "{line}");
        }
    }
}
