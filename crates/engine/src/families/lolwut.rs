//! LOLWUT: the rings of a tree, one for each power of two of the keys that are kept.

use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Flags, Group, Outcome, ReplySink, Spec};

pub(super) const COMMANDS: &[SessionCommand] = &[SessionCommand::new(
    Spec::new(
        "lolwut",
        -1,
        Group::Server,
        Flags::READONLY.union(Flags::FAST),
    )
    .doc(
        "5.0.0",
        "O(1)",
        "[VERSION version] [columns [rows]]",
        "Draws a cut through a tree, and tells the version.",
    ),
    lolwut,
)];

/// Columns and rows if none are asked for, and at most.
const SIZE: (i64, i64) = (60, 24);
const SIZE_MAX: i64 = 1000;

/// From the bark inwards and back.
const GRAIN: [char; 4] = [' ', '.', ':', '+'];

fn lolwut(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let all = args.rest();
    let has_version = all
        .first()
        .is_some_and(|word| word.eq_ignore_ascii_case(b"version"));
    let mut numbers = all[if has_version { all.len().min(2) } else { 0 }..].iter();
    let mut number = |usual: i64| match numbers.next() {
        None => Ok(usual),
        Some(text) => packed::number::parse_i64(text)
            .map(|number| number.clamp(1, SIZE_MAX))
            .ok_or(commands::Error::NotInteger),
    };
    let (columns, rows) = (number(SIZE.0)?, number(SIZE.1)?);
    let keyspace = session.engine.keyspace();
    let dbs = 0..keyspace.databases();
    let keys: usize = dbs.map(|db| keyspace.len(units::DbIndex(db))).sum();
    let mut text = draw(columns, rows, keys);
    let version = session.engine.inner().compat().version();
    text.push_str(&format!(
        "\nRedis ver. {version}, as Duramen {}\n",
        env!("CARGO_PKG_VERSION")
    ));
    reply.verbatim("txt", &text);
    Ok(())
}

/// A disc with two rings, and one more for each power of two of `keys`, off its middle as trees are.
fn draw(columns: i64, rows: i64, keys: usize) -> String {
    let rings = 2.0 + f64::from((keys + 1).ilog2());
    let (width, height) = (columns as f64 / 2.0, rows as f64 / 2.0);
    let cell = |row: i64, column: i64| {
        let x = (column as f64 + 0.5 - width) / width;
        let y = (row as f64 + 0.5 - height) / height;
        let edge = x.hypot(y);
        if edge > 1.0 {
            return ' ';
        }
        if edge > 1.0 - 1.5 / width.max(height) {
            return '#';
        }
        // A tree grows more on one side, and its rings waver.
        let waver = 0.03 * (y.atan2(x) * 5.0).sin();
        let depth = (x + 0.2 * (1.0 - edge)).hypot(y) + waver;
        let at = (depth * rings).fract() * GRAIN.len() as f64;
        GRAIN[(at as usize).min(GRAIN.len() - 1)]
    };
    let line = |row| {
        let line: String = (0..columns).map(|column| cell(row, column)).collect();
        format!("{}\n", line.trim_end())
    };
    (0..rows).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn a_tree_has_as_many_lines_as_asked_for_and_more_rings_with_more_keys() {
        let young = draw(60, 24, 0);
        assert_eq!(young.lines().count(), 24);
        assert!(young.lines().all(|line| line.len() <= 60));
        let rings = |picture: &str| {
            let middle = picture.lines().nth(12).unwrap().to_owned();
            middle.matches("+ ").count() + middle.matches(" +").count()
        };
        assert!(rings(&draw(60, 24, 1000)) > rings(&young));
        assert_eq!(draw(1, 1, 5).lines().count(), 1);
    }
}
