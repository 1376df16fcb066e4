//! Columns of text, as wide as what is in them.

use std::io::{self, Write};

/// Rows under a header; names of columns that begin with `>` are aligned to the right.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Table {
        let right = columns.iter().map(|name| name.starts_with('>')).collect();
        let names = columns.iter().map(|name| name.trim_start_matches('>'));
        Table {
            rows: vec![names.map(str::to_owned).collect()],
            right,
        }
    }

    pub(crate) fn push<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.into());
    }

    /// Writes a title and the rows, indented; nothing if there are none.
    pub(crate) fn write(&self, title: &str, out: &mut impl Write) -> io::Result<()> {
        if self.rows.len() < 2 {
            return Ok(());
        }
        writeln!(out, "\n{title}")?;
        let widths = self.widths();
        for row in &self.rows {
            let mut line = String::from("  ");
            for ((cell, width), right) in row.iter().zip(&widths).zip(&self.right) {
                match right {
                    true => line.push_str(&format!("{cell:>width$}  ")),
                    false => line.push_str(&format!("{cell:<width$}  ")),
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn widths(&self) -> Vec<usize> {
        let width = |at| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.map(|cell: &String| cell.chars().count()).max()
        };
        (0..self.right.len())
            .map(|at| width(at).unwrap_or(0))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_empty_tables_do_not_show() {
        let mut out = Vec::new();
        let mut table = Table::new(&["NAME", ">N"]);
        table.write("none", &mut out).unwrap();
        table.push(["a".to_owned(), "10".to_owned()]);
        table.push(["long name".to_owned(), "5".to_owned()]);
        table.write("Some", &mut out).unwrap();
        let text = "\nSome\n  NAME        N\n  a          10\n  long name   5\n";
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}
