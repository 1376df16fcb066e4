//! Commands as lines, and replies as short text, so that a test reads like a conversation.

use duramen::{Reply, Session};

/// Carries out a line of words without quotes, and returns the reply: `(nil)`, `(error) ..`, a
/// number, a string as it is, items in brackets.
pub(crate) fn said(session: &mut Session, line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    show(&session.execute(&words))
}

/// As [`said`], of several lines in turn.
#[allow(dead_code, reason = "not every test says several lines in turn")]
pub(crate) fn all_said(session: &mut Session, lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| said(session, line)).collect()
}

fn show(reply: &Reply) -> String {
    match reply {
        Reply::Nil => "(nil)".to_owned(),
        Reply::Status(line) => line.clone(),
        Reply::Error(error) => format!("(error) {error}"),
        Reply::Integer(number) => number.to_string(),
        Reply::Double(number) => number.to_string(),
        Reply::Boolean(truth) => truth.to_string(),
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Verbatim(_, text) | Reply::BigNumber(text) => text.clone(),
        Reply::Array(items) => format!("[{}]", join(items)),
        Reply::Set(items) => format!("~[{}]", join(items)),
        Reply::Push(items) => format!(">[{}]", join(items)),
        Reply::Map(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(key, value)| format!("{}: {}", show(key), show(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

fn join(items: &[Reply]) -> String {
    let items: Vec<String> = items.iter().map(show).collect();
    items.join(", ")
}
