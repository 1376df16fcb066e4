//! Tables whose columns sort by a click.

use super::escape;
use crate::report::{bytes, number, printable};
use crate::summary::{Prefix, PrefixTree, Summary, Top};
use std::io::{self, Write};

/// Begins a table: of each column the name, and whether it holds numbers.
fn table_head(title: &str, columns: &[(&str, bool)], out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "<section class=\"wide\"><h2>{title}</h2><table><thead><tr>"
    )?;
    for (name, is_number) in columns {
        let class = if *is_number { " class=\"r\"" } else { "" };
        write!(out, "<th{class}>{name}</th>")?;
    }
    writeln!(out, "</tr></thead><tbody>")
}

fn count(value: u64, shown: &str, out: &mut impl Write) -> io::Result<()> {
    write!(out, "<td class=\"r\" data-v=\"{value}\">{shown}</td>")
}

fn name(text: &[u8], out: &mut impl Write) -> io::Result<()> {
    write!(out, "<td class=\"k\">{}</td>", escape(&printable(text)))
}

pub(super) fn top(
    title: &str,
    top: &Top,
    rank: Option<&str>,
    out: &mut impl Write,
) -> io::Result<()> {
    let keys = top.keys();
    if keys.is_empty() {
        return Ok(());
    }
    let mut columns = vec![("Key", false), ("Type", false), ("Db", true)];
    columns.extend(rank.map(|name| (name, true)));
    columns.extend([
        ("Elements", true),
        ("Longest", true),
        ("Memory", true),
        ("In file", true),
    ]);
    table_head(title, &columns, out)?;
    for key in keys {
        write!(out, "<tr>")?;
        name(&key.name, out)?;
        let (kind, encoding) = (key.kind.name(), key.encoding.name());
        write!(out, "<td>{kind} <span class=\"tag\">{encoding}</span></td>")?;
        count(key.db.into(), &key.db.to_string(), out)?;
        if rank.is_some() {
            count(key.rank, &number(key.rank), out)?;
        }
        let figures = key.figures;
        count(figures.elements, &number(figures.elements), out)?;
        for size in [figures.longest, figures.memory, figures.serialized] {
            count(size, &bytes(size), out)?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></section>")
}

pub(super) fn commands(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let rows = summary.commands.rows();
    if rows.is_empty() {
        return Ok(());
    }
    let columns = [
        ("Command", false),
        ("Count", true),
        ("Keys", true),
        ("Bytes", true),
    ];
    table_head("Logged commands", &columns, out)?;
    for (command, found) in rows {
        write!(out, "<tr>")?;
        name(command, out)?;
        count(found.count, &number(found.count), out)?;
        count(found.keys, &number(found.keys), out)?;
        count(found.bytes, &bytes(found.bytes), out)?;
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></section>")
}

pub(super) fn aux(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    if summary.aux.is_empty() {
        return Ok(());
    }
    table_head(
        "What the writer noted",
        &[("Name", false), ("Value", false)],
        out,
    )?;
    for (aux, value) in &summary.aux {
        let (aux, value) = (escape(aux), escape(value));
        writeln!(out, "<tr><td>{aux}</td><td class=\"k\">{value}</td></tr>")?;
    }
    writeln!(out, "</tbody></table></section>")
}

/// Prefixes told of each node, and how many in all.
const BREADTH: usize = 40;
const PREFIXES: usize = 200;

/// Prefixes with what lies below them, the largest first. What one key has for itself is none.
pub(super) fn prefixes(
    title: &str,
    what: &str,
    tree: &PrefixTree,
    out: &mut impl Write,
) -> io::Result<()> {
    let root = tree.tree(BREADTH);
    let mut rows = Vec::new();
    gather(&root, &mut rows);
    rows.sort_by_key(|prefix| std::cmp::Reverse(prefix.bytes));
    rows.truncate(PREFIXES);
    if rows.is_empty() {
        return Ok(());
    }
    let each = format!("{what} a key");
    let columns = [
        ("Prefix", false),
        ("Keys", true),
        (what, true),
        (&*each, true),
        ("Share", true),
    ];
    table_head(title, &columns, out)?;
    for prefix in rows {
        write!(out, "<tr>")?;
        name(&prefix.name, out)?;
        count(prefix.keys, &number(prefix.keys), out)?;
        let mean = prefix.bytes / prefix.keys.max(1);
        for size in [prefix.bytes, mean] {
            count(size, &bytes(size), out)?;
        }
        let share = prefix.bytes as f64 * 100.0 / root.bytes.max(1) as f64;
        count(prefix.bytes, &format!("{share:.1}%"), out)?;
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></section>")
}

fn gather<'a>(of: &'a Prefix, rows: &mut Vec<&'a Prefix>) {
    for child in of.children.iter().filter(|child| child.keys > 1) {
        rows.push(child);
        gather(child, rows);
    }
}
