//! Replies in the look of `redis-cli --no-raw`.

use super::line::quoted;
use super::sink::Item;

/// The text of one reply. An aggregate with too few or too many items is a fault of the handler.
pub(super) fn print(items: &[Item]) -> String {
    let mut rest = items.iter();
    let text = item(&mut rest, "");
    assert_eq!(rest.len(), 0, "more items than announced: {items:?}");
    text
}

fn item(rest: &mut std::slice::Iter<'_, Item>, indent: &str) -> String {
    match rest.next().expect("as many items as announced") {
        Item::Simple(line) => line.clone(),
        Item::Error(line) => format!("(error) {line}"),
        Item::Integer(number) => format!("(integer) {number}"),
        Item::Bulk(bytes) => quoted(bytes),
        Item::Nil => "(nil)".into(),
        Item::Double(text) => format!("(double) {text}"),
        Item::Boolean(truth) => format!("({truth})"),
        Item::Array(0) => "(empty array)".into(),
        Item::Map(0) => "(empty hash)".into(),
        Item::Set(0) => "(empty set)".into(),
        Item::Array(len) => list(rest, *len, ')', indent),
        Item::Set(len) => list(rest, *len, '~', indent),
        Item::Map(pairs) => map(rest, *pairs, indent),
    }
}

fn list(rest: &mut std::slice::Iter<'_, Item>, len: usize, mark: char, indent: &str) -> String {
    let width = len.to_string().len();
    let deeper = format!("{indent}{}", " ".repeat(width + 2));
    let lines: Vec<String> = (1..=len)
        .map(|i| format!("{i:>width$}{mark} {}", item(rest, &deeper)))
        .collect();
    lines.join(&format!("\n{indent}"))
}

fn map(rest: &mut std::slice::Iter<'_, Item>, pairs: usize, indent: &str) -> String {
    let width = pairs.to_string().len();
    let deeper = format!("{indent}{}", " ".repeat(width + 2));
    let lines: Vec<String> = (1..=pairs)
        .map(|i| {
            let key = item(rest, &deeper);
            let aggregate = matches!(
                rest.as_slice(),
                [Item::Array(1..) | Item::Map(1..) | Item::Set(1..), ..]
            );
            let line_end = if aggregate {
                format!("\n{deeper}")
            } else {
                String::new()
            };
            format!("{i:>width$}# {key} => {line_end}{}", item(rest, &deeper))
        })
        .collect();
    lines.join(&format!("\n{indent}"))
}
