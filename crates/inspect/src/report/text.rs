//! For people, on a terminal.

use super::table::Table;
use super::{bytes, checksum_name, number, printable, size_name};
use crate::record::Type;
use crate::summary::{Prefix, PrefixTree, Share, Summary, Top, date_and_time};
use std::io::{self, Write};

/// Prefixes told of each node, and how many lines in all.
const BREADTH: usize = 10;
const PREFIX_LINES: usize = 40;
/// Names longer than this are cut, in characters.
const NAME_SHOWN: usize = 60;

/// Writes a summary as text.
pub fn write_text(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    head(summary, out)?;
    types(summary, out)?;
    dbs(summary, out)?;
    deadlines(summary, out)?;
    sizes(summary, out)?;
    top("Largest keys by memory", &summary.top_memory, out)?;
    top("Largest keys by elements", &summary.top_elements, out)?;
    prefixes("Prefixes", "MEMORY", &summary.prefixes, out)?;
    uses(summary, out)?;
    slots(summary, out)?;
    commands(summary, out)
}

fn head(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    for version in &summary.versions {
        write!(out, "{version}")?;
        let writer = |(name, _): &&(String, String)| name.ends_with("-ver");
        if let Some((name, version)) = summary.aux.iter().find(writer) {
            write!(out, " by {} {version}", name.trim_end_matches("-ver"))?;
        }
        writeln!(out, ", checksum {}", checksum_name(summary.checksum))?;
    }
    let aux: Vec<String> = summary
        .aux
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if !aux.is_empty() {
        writeln!(out, "  {}", aux.join(" "))?;
    }
    writeln!(
        out,
        "{} keys in {} database{}, about {} of memory, {} in the file",
        number(summary.total.keys),
        summary.dbs.len(),
        if summary.dbs.len() == 1 { "" } else { "s" },
        bytes(summary.total.memory + summary.overhead()),
        bytes(summary.total.serialized),
    )?;
    for (count, what) in [
        (summary.functions.0, "function libraries"),
        (summary.module_aux.0, "records of modules"),
        (
            summary.empty,
            "keys without elements, which servers leave out",
        ),
        (summary.skipped, "records of Redis Enterprise"),
    ] {
        if count > 0 {
            writeln!(out, "{} {what}", number(count))?;
        }
    }
    Ok(())
}

fn types(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new(&[
        "TYPE",
        "ENCODING",
        ">KEYS",
        ">ELEMENTS",
        ">MEMORY",
        ">IN FILE",
    ]);
    for kind in Type::ALL {
        for (encoding, row) in summary.forms(kind) {
            table.push([
                kind.name().to_owned(),
                encoding.name().to_owned(),
                number(row.keys),
                number(row.elements),
                bytes(row.memory),
                bytes(row.serialized),
            ]);
        }
    }
    table.write("Types and encodings", out)
}

fn dbs(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new(&["DB", ">KEYS", ">WITH DEADLINE", ">MEMORY"]);
    for (db, found) in &summary.dbs {
        table.push([
            db.to_string(),
            number(found.row.keys),
            number(found.expires),
            bytes(found.row.memory),
        ]);
    }
    table.write("Databases", out)
}

fn share(table: &mut Table, name: String, share: Share) {
    if share.keys > 0 {
        table.push([name, number(share.keys), bytes(share.memory)]);
    }
}

fn deadlines(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let deadlines = &summary.deadlines;
    if deadlines.never.keys == summary.total.keys {
        return Ok(());
    }
    let mut table = Table::new(&["EXPIRES", ">KEYS", ">MEMORY"]);
    share(&mut table, "never".to_owned(), deadlines.never);
    share(&mut table, "has expired".to_owned(), deadlines.passed);
    for (name, left) in deadlines.left.rows() {
        share(&mut table, name.to_owned(), left);
    }
    let title = format!("Time to live at {} UTC", date_and_time(deadlines.at));
    table.write(&title, out)?;
    let mut table = Table::new(&["FROM", ">KEYS", ">MEMORY"]);
    for (day, count, found) in deadlines.calendar() {
        let name = if count == 1 {
            day
        } else {
            format!("{day}, {count} days")
        };
        share(&mut table, name, found);
    }
    table.write("Expiry calendar", out)
}

fn sizes(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new(&["MEMORY OF A KEY", ">KEYS", ">MEMORY"]);
    for (at, found) in summary.sizes.iter().enumerate() {
        share(&mut table, size_name(at), *found);
    }
    table.write("Sizes", out)
}

fn top(title: &str, top: &Top, out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new(&["KEY", "DB", "TYPE", "ENCODING", ">ELEMENTS", ">MEMORY"]);
    for key in top.keys() {
        table.push([
            short(&key.name),
            key.db.to_string(),
            key.kind.name().to_owned(),
            key.encoding.name().to_owned(),
            number(key.figures.elements),
            bytes(key.figures.memory),
        ]);
    }
    table.write(title, out)
}

fn short(name: &[u8]) -> String {
    let text = printable(name);
    match text.char_indices().nth(NAME_SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or(&text)),
        None => text,
    }
}

fn prefixes(title: &str, what: &str, tree: &PrefixTree, out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new(&["PREFIX", ">KEYS", &format!(">{what}"), ">SHARE"]);
    let root = tree.tree(BREADTH);
    let mut left = PREFIX_LINES;
    for prefix in &root.children {
        lines(prefix, root.bytes.max(1), &mut left, &mut table);
    }
    table.write(title, out)
}

fn lines(prefix: &Prefix, total: u64, left: &mut usize, table: &mut Table) {
    // Below a hundredth it is noise, and single keys are told elsewhere.
    if *left == 0 || prefix.keys < 2 || prefix.bytes.saturating_mul(100) < total {
        return;
    }
    *left -= 1;
    let indent = "  ".repeat(prefix.depth - 1);
    table.push([
        format!("{indent}{}", short(&prefix.name)),
        number(prefix.keys),
        bytes(prefix.bytes),
        format!("{:.1}%", prefix.bytes as f64 * 100.0 / total as f64),
    ]);
    for child in &prefix.children {
        lines(child, total, left, table);
    }
}

fn uses(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    if summary.has_idle() {
        let mut table = Table::new(&["NOT USED FOR", ">KEYS", ">MEMORY"]);
        for (name, idle) in summary.idle.rows() {
            share(&mut table, name.to_owned(), idle);
        }
        table.write("Idle keys", out)?;
        ranked("Idle for longest", "SECONDS", &summary.top_idle, out)?;
    }
    if summary.has_freq() {
        let mut table = Table::new(&["LFU COUNTER", ">KEYS", ">MEMORY"]);
        for (at, found) in summary.freqs.iter().enumerate() {
            share(
                &mut table,
                format!("{} to {}", at * 16, at * 16 + 15),
                *found,
            );
        }
        table.write("Use of keys", out)?;
        ranked("Used most", "COUNTER", &summary.top_freq, out)?;
    }
    Ok(())
}

fn ranked(title: &str, what: &str, top: &Top, out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new(&["KEY", "DB", &format!(">{what}"), ">MEMORY"]);
    for key in top.keys() {
        table.push([
            short(&key.name),
            key.db.to_string(),
            number(key.rank),
            bytes(key.figures.memory),
        ]);
    }
    table.write(title, out)
}

/// Slots in sixteen ranges; each by itself would be a book.
fn slots(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new(&["SLOTS", ">KEYS", ">MEMORY", ">FULLEST SLOT"]);
    let size = crate::slot::SLOTS / 16;
    for (at, range) in summary.slots.chunks(size).enumerate() {
        let fullest = range
            .iter()
            .enumerate()
            .max_by_key(|(_, share)| share.memory);
        let name = format!("{} to {}", at * size, at * size + size - 1);
        let fullest = fullest.map_or(0, |(slot, _)| at * size + slot);
        table.push([
            name,
            number(range.iter().map(|share| share.keys).sum()),
            bytes(range.iter().map(|share| share.memory).sum()),
            fullest.to_string(),
        ]);
    }
    table.write("Cluster slots", out)
}

fn commands(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new(&["COMMAND", ">COUNT", ">KEYS", ">BYTES"]);
    for (name, count) in summary.commands.rows() {
        table.push([
            short(name),
            number(count.count),
            number(count.keys),
            bytes(count.bytes),
        ]);
    }
    table.write("Logged commands", out)?;
    prefixes(
        "Prefixes that commands name",
        "BYTES",
        &summary.written,
        out,
    )
}
