//! Lines as people type them: words, quotes and escapes.

/// The words of a line: bare, `'single quoted'` or `"double quoted with \n \xff escapes"`; `None`
/// if a quote is left open.
pub(crate) fn split(line: &str) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line.trim().as_bytes();
    while !rest.is_empty() {
        let (word, left) = match rest[0] {
            b'"' => double_quoted(&rest[1..])?,
            b'\'' => single_quoted(&rest[1..])?,
            _ => bare(rest),
        };
        words.push(word);
        rest = left.trim_ascii_start();
    }
    Some(words)
}

fn bare(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let end = text
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(text.len());
    (text[..end].to_vec(), &text[end..])
}

fn single_quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let end = text.iter().position(|&byte| byte == b'\'')?;
    Some((text[..end].to_vec(), &text[end + 1..]))
}

fn double_quoted(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        let (byte, left) = match text {
            [b'"', left @ ..] => return Some((word, left)),
            [b'\\', b'x', high, low, left @ ..] => (hex(*high)? << 4 | hex(*low)?, left),
            [b'\\', escaped, left @ ..] => (unescaped(*escaped), left),
            [byte, left @ ..] => (*byte, left),
            [] => return None,
        };
        word.push(byte);
        text = left;
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

fn unescaped(letter: u8) -> u8 {
    match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

/// Bytes in double quotes, as `redis-cli` prints them.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => text.extend(['\\', char::from(byte)]),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            7 => text.push_str("\\a"),
            8 => text.push_str("\\b"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push('"');
    text
}

/// The byte strings of a printed reply, in order, however they are nested.
pub(crate) fn bulks(reply: &str) -> Vec<String> {
    let quoted = reply
        .lines()
        .filter_map(|line| line.find('"').map(|at| &line[at..]));
    let words = quoted.filter_map(|line| split(line)?.into_iter().next());
    words
        .map(|word| String::from_utf8_lossy(&word).into_owned())
        .collect()
}

/// Bytes as a word of a line, in quotes only if they need them.
pub(super) fn word(bytes: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"'\\".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(plain) {
        String::from_utf8_lossy(bytes).into_owned()
    } else {
        quoted(bytes)
    }
}

#[test]
fn words_come_back() {
    let words = split(r#" set  'a b' "x\x00\n\"y" "" "#).expect("balanced");
    let wanted: [&[u8]; 4] = [b"set", b"a b", b"x\x00\n\"y", b""];
    assert_eq!(words, wanted);
    assert_eq!(quoted(b"x\x00\n\"y"), r#""x\x00\n\"y""#);
    assert_eq!(split("'open"), None);
}
