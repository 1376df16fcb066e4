//! How a reply looks: as `redis-cli` prints it to a terminal (pretty) and to a pipe (raw).
//!
//! ```text
//!   1) "a"              pretty: items by number, strings quoted, bytes that are not printable
//!   2) (integer) 5      as \xHH; `1~` in a set, `1# key => value` in a map
//!   3) 1) (nil)
//!      2) OK
//!
//!   a                   raw: the bytes alone, one item a line; `key value` in a map
//! ```

use super::json;
use duramen::Reply;

/// A way to print replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Pretty,
    Raw,
    Json,
    QuotedJson,
}

impl Look {
    /// Whether replies are to have the shapes of RESP3.
    pub(super) fn is_json(self) -> bool {
        matches!(self, Look::Json | Look::QuotedJson)
    }

    /// The reply as bytes, line end included.
    pub(super) fn print(self, reply: &Reply) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Look::Pretty => {
                pretty(reply, "", &mut out);
                return out;
            }
            Look::Raw => raw(reply, &mut out),
            Look::Json => json::write(reply, json::Strings::AsTheyAre, &mut out),
            Look::QuotedJson => json::write(reply, json::Strings::Quoted, &mut out),
        }
        out.push(b'\n');
        out
    }
}

/// Writes `reply` for people, whose first line is already indented; further ones get `indent`.
fn pretty(reply: &Reply, indent: &str, out: &mut Vec<u8>) {
    match reply {
        Reply::Nil => out.extend_from_slice(b"(nil)"),
        Reply::Status(line) => out.extend_from_slice(line.as_bytes()),
        Reply::Error(error) => out.extend_from_slice(format!("(error) {error}").as_bytes()),
        Reply::Integer(number) => out.extend_from_slice(format!("(integer) {number}").as_bytes()),
        Reply::Double(number) => {
            out.extend_from_slice(b"(double) ");
            packed::number::write_f64_shortest(*number, out);
        }
        Reply::Boolean(truth) => out.extend_from_slice(format!("({truth})").as_bytes()),
        Reply::Bulk(bytes) => quoted(bytes, out),
        Reply::Verbatim(_, text) | Reply::BigNumber(text) => out.extend_from_slice(text.as_bytes()),
        Reply::Array(items) => return pretty_items(items, ')', "(empty array)", indent, out),
        Reply::Set(items) => return pretty_items(items, '~', "(empty set)", indent, out),
        Reply::Push(items) => return pretty_items(items, ')', "(empty push)", indent, out),
        Reply::Map(pairs) => return pretty_pairs(pairs, indent, out),
    }
    out.push(b'\n');
}

fn pretty_items(items: &[Reply], mark: char, empty: &str, indent: &str, out: &mut Vec<u8>) {
    if items.is_empty() {
        out.extend_from_slice(empty.as_bytes());
        out.push(b'\n');
        return;
    }
    let rows = Rows::new(items.len(), mark, indent);
    for (i, item) in items.iter().enumerate() {
        rows.begin(i, out);
        pretty(item, &rows.inner, out);
    }
}

fn pretty_pairs(pairs: &[(Reply, Reply)], indent: &str, out: &mut Vec<u8>) {
    if pairs.is_empty() {
        out.extend_from_slice(b"(empty hash)\n");
        return;
    }
    let rows = Rows::new(pairs.len(), '#', indent);
    for (i, (key, value)) in pairs.iter().enumerate() {
        rows.begin(i, out);
        pretty(key, &rows.inner, out);
        out.pop(); // the key's line end
        out.extend_from_slice(b" => ");
        if has_rows(value) {
            out.push(b'\n');
            out.extend_from_slice(rows.inner.as_bytes());
        }
        pretty(value, &rows.inner, out);
    }
}

/// Whether a map's value begins on a line of its own, having several.
fn has_rows(reply: &Reply) -> bool {
    match reply {
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => match items.as_slice() {
            [only] => has_rows(only),
            items => items.len() > 1,
        },
        Reply::Map(pairs) => match pairs.as_slice() {
            [(_, only)] => has_rows(only),
            pairs => pairs.len() > 1,
        },
        _ => false,
    }
}

/// The numbered rows of an aggregate.
struct Rows<'a> {
    indent: &'a str,
    /// What indents the rows inside of one.
    inner: String,
    mark: char,
    /// Width of the largest number.
    digits: usize,
}

impl Rows<'_> {
    fn new(count: usize, mark: char, indent: &str) -> Rows<'_> {
        let digits = count.to_string().len();
        let inner = format!("{indent}{:1$}", "", digits + 2);
        Rows {
            indent,
            inner,
            mark,
            digits,
        }
    }

    /// The number of row `i`. The first row stands where its parent's number ends.
    fn begin(&self, i: usize, out: &mut Vec<u8>) {
        let indent = if i == 0 { "" } else { self.indent };
        let (number, digits, mark) = (i + 1, self.digits, self.mark);
        out.extend_from_slice(format!("{indent}{number:digits$}{mark} ").as_bytes());
    }
}

/// Writes a string in quotes, as `sdscatrepr` does: what is not printable ASCII is escaped.
pub(super) fn quoted(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    out.push(b'"');
}

fn raw(reply: &Reply, out: &mut Vec<u8>) {
    match reply {
        Reply::Nil => {}
        Reply::Status(line) => out.extend_from_slice(line.as_bytes()),
        // So that an error stands out: a blank line follows.
        Reply::Error(error) => out.extend_from_slice(format!("{error}\n").as_bytes()),
        Reply::Integer(number) => packed::number::write_i64(*number, out),
        Reply::Double(number) => packed::number::write_f64_shortest(*number, out),
        Reply::Boolean(truth) => out.extend_from_slice(format!("({truth})").as_bytes()),
        Reply::Bulk(bytes) => out.extend_from_slice(bytes),
        Reply::Verbatim(_, text) | Reply::BigNumber(text) => out.extend_from_slice(text.as_bytes()),
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => {
            for (i, item) in items.iter().enumerate() {
                next_line(i, out);
                raw(item, out);
            }
        }
        Reply::Map(pairs) => {
            for (i, (key, value)) in pairs.iter().enumerate() {
                next_line(i, out);
                raw(key, out);
                out.push(b' ');
                raw(value, out);
            }
        }
    }
}

fn next_line(i: usize, out: &mut Vec<u8>) {
    if i > 0 {
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(text: &str) -> Reply {
        Reply::Status(text.to_owned())
    }

    fn map(pairs: &[(Reply, Reply)]) -> Reply {
        Reply::Map(pairs.to_vec())
    }

    fn list(items: &[Reply]) -> Reply {
        Reply::Array(items.to_vec())
    }

    /// Each reply with what `redis-cli` 7.0.15 printed for it, pretty and raw.
    fn samples() -> Vec<(Reply, &'static str, &'static str)> {
        use Reply::*;
        let deep = map(&[
            (
                Bulk(b"a\n".to_vec()),
                list(&[s("a"), map(&[(s("z"), Set(vec![Integer(1), Integer(2)]))])]),
            ),
            (s("b"), Integer(1)),
        ]);
        let chain = map(&[(
            s("k"),
            map(&[(s("a"), map(&[(s("b"), Integer(1)), (s("c"), Integer(2))]))]),
        )]);
        vec![
            (map(&[(s("k"), list(&[s("v")]))]), "1# k => 1) v\n", "k v\n"),
            (
                map(&[(s("k"), list(&[list(&[s("v"), s("w")])]))]),
                "1# k => \n   1) 1) v\n      2) w\n",
                "k v\nw\n",
            ),
            (
                chain,
                "1# k => \n   1# a => \n      1# b => (integer) 1\n      2# c => (integer) 2\n",
                "k a b 1\nc 2\n",
            ),
            (
                deep,
                "1# \"a\\n\" => \n   1) a\n   2) 1# z => \n         1~ (integer) 1\n         2~ (integer) 2\n2# b => (integer) 1\n",
                "a\n a\nz 1\n2\nb 1\n",
            ),
            (
                map(&[(s("k"), list(&[]))]),
                "1# k => (empty array)\n",
                "k \n",
            ),
            (
                map(&[(s("k"), Verbatim("txt".into(), "a\nbc".into()))]),
                "1# k => a\nbc\n",
                "k a\nbc\n",
            ),
            (Boolean(true), "(true)\n", "(true)\n"),
            (Double(1.5), "(double) 1.5\n", "1.5\n"),
            (Double(f64::INFINITY), "(double) inf\n", "inf\n"),
            (Nil, "(nil)\n", "\n"),
            (
                list(&[Boolean(true), map(&[(Integer(1), Boolean(false))])]),
                "1) (true)\n2) 1# (integer) 1 => (false)\n",
                "(true)\n1 (false)\n",
            ),
            (map(&[(list(&[s("x")]), s("y"))]), "1# 1) x => y\n", "x y\n"),
            (
                list(&[Error(duramen::Error::err("x")), s("y")]),
                "1) (error) ERR x\n2) y\n",
                "ERR x\n\ny\n",
            ),
            (
                Bulk(b"\x7f\x08\x07\x1f\xc3".to_vec()),
                "\"\\x7f\\b\\a\\x1f\\xc3\"\n",
                "",
            ),
            (Set(vec![]), "(empty set)\n", "\n"),
            (map(&[]), "(empty hash)\n", "\n"),
        ]
    }

    #[test]
    fn replies_look_as_redis_cli_prints_them() {
        for (reply, pretty, raw) in samples() {
            let text = |look: Look| String::from_utf8_lossy(&look.print(&reply)).into_owned();
            assert_eq!(text(Look::Pretty), pretty);
            if !raw.is_empty() {
                assert_eq!(text(Look::Raw), raw);
            }
        }
    }

    #[test]
    fn numbers_are_aligned_and_so_is_what_they_hold() {
        let mut items = vec![Reply::Integer(0); 9];
        items.push(list(&[s("a"), s("b")]));
        let text = String::from_utf8(Look::Pretty.print(&Reply::Array(items))).unwrap();
        assert!(text.starts_with(" 1) (integer) 0\n 2) (integer) 0\n"));
        assert!(text.ends_with("10) 1) a\n    2) b\n"), "{text}");
    }
}
