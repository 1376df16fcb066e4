//! Replies as JSON, one a line, as `redis-cli --json` prints them.
//!
//! Where that prints no JSON this departs: an error is `{"error":"ERR ..."}`, an infinity or NaN is
//! a string, and a map's key that is no string is the string of its JSON.

use super::look::quoted;
use duramen::Reply;

/// How byte strings become strings of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strings {
    /// Byte by byte. Bytes that are not UTF-8 make text that is none.
    AsTheyAre,
    /// What is not printable ASCII as `\xHH`; the same for any bytes.
    Quoted,
}

/// Writes `reply` without a line end.
pub(super) fn write(reply: &Reply, strings: Strings, out: &mut Vec<u8>) {
    match reply {
        Reply::Nil => out.extend_from_slice(b"null"),
        Reply::Status(text) | Reply::Verbatim(_, text) | Reply::BigNumber(text) => {
            string(text.as_bytes(), strings, out)
        }
        Reply::Error(error) => {
            out.extend_from_slice(b"{\"error\":");
            string(error.to_string().as_bytes(), strings, out);
            out.push(b'}');
        }
        Reply::Integer(number) => packed::number::write_i64(*number, out),
        Reply::Double(number) => double(*number, out),
        Reply::Boolean(truth) => out.extend_from_slice(truth.to_string().as_bytes()),
        Reply::Bulk(bytes) => string(bytes, strings, out),
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                comma(i, out);
                write(item, strings, out);
            }
            out.push(b']');
        }
        Reply::Map(pairs) => {
            out.push(b'{');
            for (i, (name, value)) in pairs.iter().enumerate() {
                comma(i, out);
                key(name, strings, out);
                out.push(b':');
                write(value, strings, out);
            }
            out.push(b'}');
        }
    }
}

fn key(reply: &Reply, strings: Strings, out: &mut Vec<u8>) {
    if reply.as_bytes().is_some() {
        return write(reply, strings, out);
    }
    let mut text = Vec::new();
    write(reply, strings, &mut text);
    escaped(&text, out);
}

fn double(number: f64, out: &mut Vec<u8>) {
    let quote = |out: &mut Vec<u8>| {
        if !number.is_finite() {
            out.push(b'"');
        }
    };
    quote(out);
    packed::number::write_f64_shortest(number, out);
    quote(out);
}

fn comma(i: usize, out: &mut Vec<u8>) {
    if i > 0 {
        out.push(b',');
    }
}

fn string(bytes: &[u8], strings: Strings, out: &mut Vec<u8>) {
    match strings {
        Strings::AsTheyAre => escaped(bytes, out),
        Strings::Quoted => {
            let mut text = Vec::new();
            quoted(bytes, &mut text);
            let inside = text.get(1..text.len() - 1).unwrap_or_default();
            escaped(inside, out);
        }
    }
}

/// Writes a string of JSON.
fn escaped(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            ..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use duramen::Error;

    fn text(reply: &Reply, strings: Strings) -> String {
        let mut out = Vec::new();
        write(reply, strings, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn bulk(bytes: &[u8]) -> Reply {
        Reply::Bulk(bytes.to_vec())
    }

    #[test]
    fn shapes_are_those_of_resp3() {
        let score = Reply::Array(vec![bulk(b"a"), Reply::Double(1.5)]);
        let reply = Reply::Map(vec![
            (bulk(b"s"), Reply::Set(vec![score, Reply::Nil])),
            (Reply::Integer(1), Reply::Boolean(true)),
            (Reply::Array(vec![bulk(b"x")]), Reply::Map(vec![])),
        ]);
        let expected = r#"{"s":[["a",1.5],null],"1":true,"[\"x\"]":{}}"#;
        assert_eq!(text(&reply, Strings::AsTheyAre), expected);
        assert!(serde_json::from_str::<serde_json::Value>(expected).is_ok());
    }

    #[test]
    fn what_json_has_no_word_for_is_said_otherwise() {
        let error = Reply::Error(Error::err("no"));
        assert_eq!(text(&error, Strings::AsTheyAre), r#"{"error":"ERR no"}"#);
        let inf = Reply::Double(f64::NEG_INFINITY);
        assert_eq!(text(&inf, Strings::AsTheyAre), r#""-inf""#);
    }

    #[test]
    fn quoted_strings_hold_any_bytes() {
        let reply = bulk(b"a\x00\"\\\xff\n");
        let line = text(&reply, Strings::Quoted);
        let back: String = serde_json::from_str(&line).unwrap();
        assert_eq!(back, r#"a\x00\"\\\xff\n"#);
        let reply = bulk(b"\x01\"\t\x0c");
        assert_eq!(text(&reply, Strings::AsTheyAre), r#""\u0001\"\t\f""#);
    }
}
