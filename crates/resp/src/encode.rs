//! Appends replies and requests to a byte vector.
//!
//! A type that RESP2 lacks degrades as Redis lets it: a map to a flat array, a set or push to an
//! array, a double, big number or verbatim text to a bulk, a boolean to 0 or 1, null to a null bulk.

/// The dialect a reply is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// The one every connection starts with.
    #[default]
    Resp2,
    /// After `HELLO 3`.
    Resp3,
}

/// `+text`. CR and LF become spaces: they would end the reply early.
pub fn simple(out: &mut Vec<u8>, text: &[u8]) {
    line(out, b'+', text);
}

/// `-text`, where `text` starts with the code: `ERR ...`. CR and LF become spaces, since errors
/// often quote what a client sent.
pub fn error(out: &mut Vec<u8>, text: &[u8]) {
    line(out, b'-', text);
}

/// `:number`.
pub fn integer(out: &mut Vec<u8>, number: i64) {
    header(out, b':', number);
}

/// `$len`, then `bytes`, whatever they are.
pub fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + HEADER_MAX + CRLF.len());
    bulk_len(out, bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(CRLF);
}

/// Only the header of a bulk: `len` bytes and [`CRLF`] are for the caller to append.
pub fn bulk_len(out: &mut Vec<u8>, len: usize) {
    length(out, b'$', len);
}

/// A bulk that holds a decimal number.
pub fn bulk_integer(out: &mut Vec<u8>, number: i64) {
    bulk(out, itoa::Buffer::new().format(number).as_bytes());
}

/// Nothing, where a bulk might be: `$-1` or `_`.
pub fn null(out: &mut Vec<u8>, protocol: Protocol) {
    out.extend_from_slice(match protocol {
        Protocol::Resp2 => b"$-1\r\n",
        Protocol::Resp3 => b"_\r\n",
    });
}

/// Nothing, where an array might be: `*-1` or `_`.
pub fn null_array(out: &mut Vec<u8>, protocol: Protocol) {
    out.extend_from_slice(match protocol {
        Protocol::Resp2 => b"*-1\r\n",
        Protocol::Resp3 => b"_\r\n",
    });
}

/// The header of an array of `len` replies, which follow.
pub fn array_len(out: &mut Vec<u8>, len: usize) {
    length(out, b'*', len);
}

/// The header of a map of `pairs`; twice as many replies follow, each key in front of its value.
pub fn map_len(out: &mut Vec<u8>, protocol: Protocol, pairs: usize) {
    match protocol {
        Protocol::Resp2 => length(out, b'*', pairs * 2),
        Protocol::Resp3 => length(out, b'%', pairs),
    }
}

/// The header of a set of `len` replies, which follow.
pub fn set_len(out: &mut Vec<u8>, protocol: Protocol, len: usize) {
    length(out, by(protocol, b'*', b'~'), len);
}

/// The header of an out-of-band message of `len` replies, which follow.
pub fn push_len(out: &mut Vec<u8>, protocol: Protocol, len: usize) {
    length(out, by(protocol, b'*', b'>'), len);
}

/// The start of an attribute: pairs about the reply that follows. RESP2 has none.
pub fn attribute_len(out: &mut Vec<u8>, pairs: usize) {
    length(out, b'|', pairs);
}

/// A double as its text: versions of servers differ in which.
pub fn double(out: &mut Vec<u8>, protocol: Protocol, text: &[u8]) {
    match protocol {
        Protocol::Resp2 => bulk(out, text),
        Protocol::Resp3 => line(out, b',', text),
    }
}

/// `#t` or `#f`; `:1` or `:0`.
pub fn boolean(out: &mut Vec<u8>, protocol: Protocol, truth: bool) {
    out.extend_from_slice(match (protocol, truth) {
        (Protocol::Resp2, false) => b":0\r\n",
        (Protocol::Resp2, true) => b":1\r\n",
        (Protocol::Resp3, false) => b"#f\r\n",
        (Protocol::Resp3, true) => b"#t\r\n",
    });
}

/// An integer of any size, given in decimal.
pub fn big_number(out: &mut Vec<u8>, protocol: Protocol, digits: &[u8]) {
    match protocol {
        Protocol::Resp2 => bulk(out, digits),
        Protocol::Resp3 => line(out, b'(', digits),
    }
}

/// Text for people, `format` being `txt` or `mkd`.
pub fn verbatim(out: &mut Vec<u8>, protocol: Protocol, format: [u8; 3], text: &[u8]) {
    match protocol {
        Protocol::Resp2 => bulk(out, text),
        Protocol::Resp3 => {
            length(out, b'=', text.len() + format.len() + 1);
            out.extend_from_slice(&format);
            out.push(b':');
            out.extend_from_slice(text);
            out.extend_from_slice(CRLF);
        }
    }
}

/// A request, which is also a record of the AOF and of the replication stream.
pub fn command(out: &mut Vec<u8>, args: &[&[u8]]) {
    array_len(out, args.len());
    for arg in args {
        bulk(out, arg);
    }
}

/// What ends every line and every bulk.
pub const CRLF: &[u8; 2] = b"\r\n";

/// A type byte, 20 digits, CR LF.
const HEADER_MAX: usize = 23;

fn by(protocol: Protocol, resp2: u8, resp3: u8) -> u8 {
    match protocol {
        Protocol::Resp2 => resp2,
        Protocol::Resp3 => resp3,
    }
}

fn line(out: &mut Vec<u8>, kind: u8, text: &[u8]) {
    out.reserve(text.len() + 1 + CRLF.len());
    out.push(kind);
    out.extend(text.iter().map(|byte| match byte {
        b'\r' | b'\n' => b' ',
        other => *other,
    }));
    out.extend_from_slice(CRLF);
}

fn length(out: &mut Vec<u8>, kind: u8, len: usize) {
    if let (true, Ok(digit)) = (len < 10, u8::try_from(len)) {
        out.extend_from_slice(&[kind, b'0' + digit, b'\r', b'\n']);
    } else {
        header(out, kind, i64::try_from(len).unwrap_or(i64::MAX));
    }
}

fn header(out: &mut Vec<u8>, kind: u8, number: i64) {
    out.push(kind);
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    out.extend_from_slice(CRLF);
}

#[cfg(test)]
mod tests {
    use super::Protocol::{Resp2, Resp3};
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        out.escape_ascii().to_string()
    }

    #[test]
    fn each_type_in_both_dialects() {
        let both = |write: &dyn Fn(&mut Vec<u8>, Protocol)| {
            (text(|out| write(out, Resp2)), text(|out| write(out, Resp3)))
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(both(&null), pair(r"$-1\r\n", r"_\r\n"));
        assert_eq!(both(&null_array), pair(r"*-1\r\n", r"_\r\n"));
        assert_eq!(both(&|o, p| map_len(o, p, 6)), pair(r"*12\r\n", r"%6\r\n"));
        assert_eq!(both(&|o, p| set_len(o, p, 3)), pair(r"*3\r\n", r"~3\r\n"));
        assert_eq!(both(&|o, p| push_len(o, p, 3)), pair(r"*3\r\n", r">3\r\n"));
        assert_eq!(
            both(&|o, p| double(o, p, b"0.5")),
            pair(r"$3\r\n0.5\r\n", r",0.5\r\n")
        );
        assert_eq!(
            both(&|o, p| boolean(o, p, true)),
            pair(r":1\r\n", r"#t\r\n")
        );
        assert_eq!(
            both(&|o, p| boolean(o, p, false)),
            pair(r":0\r\n", r"#f\r\n")
        );
        assert_eq!(
            both(&|o, p| big_number(o, p, b"12")),
            pair(r"$2\r\n12\r\n", r"(12\r\n")
        );
        assert_eq!(
            both(&|o, p| verbatim(o, p, *b"txt", b"hi")),
            pair(r"$2\r\nhi\r\n", r"=6\r\ntxt:hi\r\n")
        );
    }

    #[test]
    fn types_of_both() {
        assert_eq!(text(|o| simple(o, b"OK")), r"+OK\r\n");
        assert_eq!(text(|o| integer(o, i64::MIN)), r":-9223372036854775808\r\n");
        assert_eq!(text(|o| bulk(o, b"a\r\nb")), r"$4\r\na\r\nb\r\n");
        assert_eq!(text(|o| bulk_integer(o, -7)), r"$2\r\n-7\r\n");
        assert_eq!(text(|o| array_len(o, 100)), r"*100\r\n");
        assert_eq!(
            text(|o| command(o, &[b"GET", b"k"])),
            r"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
        );
    }

    #[test]
    fn a_line_cannot_be_broken_from_outside() {
        assert_eq!(
            text(|o| error(o, b"ERR x\r\n+OK\r\n")),
            r"-ERR x  +OK  \r\n"
        );
        assert_eq!(text(|o| simple(o, b"a\nb")), r"+a b\r\n");
    }
}
