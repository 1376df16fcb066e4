//! A report as one page that needs nothing else: no network, no server.

mod charts;
mod tables;
mod treemap;

use super::{bytes, checksum_name, number};
use crate::record::Type;
use crate::summary::{Share, Summary, date_and_time};
use std::io::{self, Write};
use tables::{aux, commands, top};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Writes the report on what `name` stands for.
pub fn write(summary: &Summary, name: &str, out: &mut impl Write) -> io::Result<()> {
    let (place, file) = name.rsplit_once('/').unwrap_or(("", name));
    let (place, title) = (escape(place), escape(file));
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title>\n<style>\n{STYLE}</style></head>\n<body><main>\n<h1>{title}</h1>"
    )?;
    let origin = escape(&origin(summary));
    writeln!(out, "<p class=\"under\">{origin}<br>{place}</p>")?;
    cards(summary, out)?;
    charts::prefixes(summary, out)?;
    writeln!(out, "<div class=\"grid\">")?;
    types(summary, out)?;
    sizes(summary, out)?;
    deadlines(summary, out)?;
    databases(summary, out)?;
    uses(summary, out)?;
    writeln!(out, "</div>")?;
    charts::calendar(summary, out)?;
    charts::slots(summary, out)?;
    tables::prefixes("Prefixes", "Memory", &summary.prefixes, out)?;
    top("Largest keys by memory", &summary.top_memory, None, out)?;
    top("Largest keys by elements", &summary.top_elements, None, out)?;
    top("Idle for longest", &summary.top_idle, Some("Seconds"), out)?;
    top("Used most", &summary.top_freq, Some("Counter"), out)?;
    commands(summary, out)?;
    tables::prefixes("Logged prefixes", "Bytes", &summary.written, out)?;
    aux(summary, out)?;
    writeln!(
        out,
        "<footer>Memory is an estimate for Redis 7.0. Made by duramen inspect.</footer>\n\
         </main>\n<script>\n{SCRIPT}</script></body></html>"
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

fn origin(summary: &Summary) -> String {
    let versions = summary.versions.iter().map(ToString::to_string);
    let mut parts: Vec<String> = versions.collect();
    let writer = |(name, _): &&(String, String)| name.ends_with("-ver");
    if let Some((name, version)) = summary.aux.iter().find(writer) {
        parts.push(format!("by {} {version}", name.trim_end_matches("-ver")));
    }
    if !summary.versions.is_empty() {
        parts.push(format!("checksum {}", checksum_name(summary.checksum)));
    }
    parts.push(format!(
        "seen at {} UTC",
        date_and_time(summary.deadlines.at)
    ));
    parts.join(" · ")
}

fn cards(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let total = summary.total;
    let mut cards = Vec::new();
    let commands = summary.commands.total.count;
    if total.keys > 0 || commands == 0 {
        let mean = total.memory.checked_div(total.keys).unwrap_or(0);
        let expires: u64 = summary.dbs.values().map(|db| db.expires).sum();
        let share = expires as f64 * 100.0 / total.keys.max(1) as f64;
        cards.extend([
            (number(total.keys), "keys"),
            (bytes(total.memory + summary.overhead()), "of memory"),
            (bytes(total.serialized), "in the file"),
            (bytes(mean), "a key on average"),
            (format!("{share:.1}%"), "of keys expire"),
        ]);
    }
    if commands > 0 {
        cards.push((number(commands), "logged commands"));
        cards.push((bytes(summary.commands.total.bytes), "in the log"));
    }
    writeln!(out, "<div class=\"cards\">")?;
    for (figure, what) in cards {
        writeln!(
            out,
            "<div class=\"card\"><b>{figure}</b><span>{what}</span></div>"
        )?;
    }
    writeln!(out, "</div>")
}

/// A chart of bars by memory; rows without keys are left out.
fn bars(title: &str, rows: &[(String, Share)], out: &mut impl Write) -> io::Result<()> {
    let most = rows
        .iter()
        .map(|(_, share)| share.memory)
        .max()
        .unwrap_or(0);
    if rows.iter().all(|(_, share)| share.keys == 0) {
        return Ok(());
    }
    writeln!(out, "<section><h2>{title}</h2><div class=\"bars\">")?;
    for (name, share) in rows.iter().filter(|(_, share)| share.keys > 0) {
        let width = share.memory as f64 * 100.0 / most.max(1) as f64;
        writeln!(
            out,
            "<span>{}</span><i><b style=\"width:{width:.2}%\"></b></i>\
             <span class=\"n\">{} keys</span><span class=\"n\">{}</span>",
            escape(name),
            number(share.keys),
            bytes(share.memory),
        )?;
    }
    writeln!(out, "</div></section>")
}

fn types(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let mut rows = Vec::new();
    for kind in Type::ALL {
        for (encoding, row) in summary.forms(kind) {
            let share = Share {
                keys: row.keys,
                memory: row.memory,
            };
            rows.push((format!("{} ({})", kind.name(), encoding.name()), share));
        }
    }
    bars("Types and encodings", &rows, out)
}

fn deadlines(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let deadlines = &summary.deadlines;
    let mut rows = vec![
        ("no deadline".to_owned(), deadlines.never),
        ("has expired".to_owned(), deadlines.passed),
    ];
    let left = deadlines.left.rows();
    rows.extend(left.map(|(name, share)| (name.to_owned(), share)));
    bars("Time to live", &rows, out)
}

fn sizes(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let rows = summary.sizes.iter().enumerate();
    let rows: Vec<_> = rows
        .map(|(at, share)| (super::size_name(at), *share))
        .collect();
    bars("Memory of a key", &rows, out)
}

fn databases(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    if summary.dbs.len() < 2 {
        return Ok(());
    }
    let rows = summary.dbs.iter().map(|(db, found)| {
        let share = Share {
            keys: found.row.keys,
            memory: found.row.memory,
        };
        (format!("db {db}"), share)
    });
    bars("Databases", &rows.collect::<Vec<_>>(), out)
}

fn uses(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let idle = summary.idle.rows();
    let idle: Vec<_> = idle.map(|(name, share)| (name.to_owned(), share)).collect();
    bars("Not used for", &idle, out)?;
    let freqs = summary.freqs.iter().enumerate();
    let freqs = freqs.map(|(at, share)| (format!("{} to {}", at * 16, at * 16 + 15), *share));
    bars("LFU counter", &freqs.collect::<Vec<_>>(), out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Filter, Source, SummaryOptions};
    use std::path::Path;
    use units::UnixMillis;

    #[test]
    fn names_cannot_break_out_of_the_page() {
        let mut summary = Summary::new(SummaryOptions {
            top: 5,
            separators: b":".to_vec(),
            slots: true,
            at: None,
            now: UnixMillis(0),
            positions: None,
        });
        let file = b"REDIS0004\xFE\x00\x00\x0B<script>:\"x\x01v\xFF";
        let filter = Filter::default();
        let mut source = Source::new(&filter, &mut summary);
        source
            .read(Path::new("f.rdb"), None, &mut &file[..])
            .unwrap();
        let mut page = Vec::new();
        write(&summary, "<b>", &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert_eq!(page.matches("<script>").count(), 1);
        assert!(page.contains("&lt;script&gt;:") && page.contains("&lt;b&gt;"));
        let links = ["http://", "https://", "src=", "@import"];
        assert!(links.iter().all(|link| !page.contains(link)));
    }
}
