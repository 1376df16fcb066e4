//! Pictures, as inline SVG.

use super::escape;
use super::treemap::{Rect, squarify};
use crate::report::{bytes, number, printable};
use crate::summary::{Prefix, Share, Summary};
use std::io::{self, Write};

const WIDTH: f64 = 1140.0;
const COLORS: [&str; 10] = [
    "#4263eb", "#0ca678", "#f08c00", "#ae3ec9", "#e03131", "#1098ad", "#74b816", "#d6336c",
    "#7048e8", "#495057",
];
/// Of each node so many parts are drawn; what is left is one more.
const BREADTH: usize = 40;

/// The prefixes as a map of areas by memory.
pub(super) fn prefixes(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let tree = summary.prefixes.tree(BREADTH);
    if tree.bytes == 0 {
        return Ok(());
    }
    const HEIGHT: f64 = 440.0;
    writeln!(
        out,
        "<section class=\"wide\"><h2>Memory by prefix</h2>\
         <svg class=\"map\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">"
    )?;
    let area = Rect {
        x: 0.0,
        y: 0.0,
        w: WIDTH,
        h: HEIGHT,
    };
    let children = parts(&tree);
    let sizes: Vec<u64> = children.iter().map(|child| child.bytes).collect();
    let rects = squarify(&sizes, area);
    for (at, (child, rect)) in children.iter().zip(rects).enumerate() {
        let color = COLORS.get(at % COLORS.len()).unwrap_or(&"#495057");
        node(child, rect, color, 1.0, tree.bytes, out)?;
    }
    writeln!(out, "</svg></section>")
}

/// The children of a node, and what of it is in none of them.
fn parts(of: &Prefix) -> Vec<Prefix> {
    let mut parts = of.children.clone();
    let told = |sum: fn(&Prefix) -> u64| of.children.iter().map(sum).sum::<u64>();
    let rest = of.bytes.saturating_sub(told(|child| child.bytes));
    if rest > 0 {
        let mut name = of.name.clone();
        name.extend_from_slice(if of.depth == 0 {
            b"(no prefix)"
        } else {
            b"..."
        });
        parts.push(Prefix {
            name,
            depth: of.depth + 1,
            keys: of.keys.saturating_sub(told(|child| child.keys)),
            bytes: rest,
            folded: of.folded,
            children: Vec::new(),
        });
    }
    parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
    parts
}

/// Rectangles smaller than this hold no others, and no label.
const SIDE_MIN: f64 = 34.0;
const LABEL_WIDTH_MIN: f64 = 54.0;
const LABEL_HEIGHT: f64 = 18.0;
/// Width of a character of a label.
const CHARACTER: f64 = 7.2;

fn node(
    of: &Prefix,
    rect: Rect,
    color: &str,
    opacity: f64,
    total: u64,
    out: &mut impl Write,
) -> io::Result<()> {
    if rect.w < 1.0 || rect.h < 1.0 {
        return Ok(());
    }
    let Rect { x, y, w, h } = rect;
    let name = escape(&printable(&of.name));
    let share = of.bytes as f64 * 100.0 / total as f64;
    writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"3\" \
         fill=\"{color}\" fill-opacity=\"{opacity:.2}\">\
         <title>{name}\n{} keys, {} ({share:.1}%)</title></rect>",
        number(of.keys),
        bytes(of.bytes),
    )?;
    if w >= LABEL_WIDTH_MIN && h >= LABEL_HEIGHT + 2.0 {
        let room = ((w - 12.0) / CHARACTER) as usize;
        let shown = escape(&fitting(&printable(&of.name), room));
        writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\">{shown}</text>",
            x + 7.0,
            y + 15.0
        )?;
    }
    let inner = rect.inner(4.0, LABEL_HEIGHT);
    if of.children.is_empty() || inner.w < SIDE_MIN || inner.h < SIDE_MIN {
        return Ok(());
    }
    let children = parts(of);
    let sizes: Vec<u64> = children.iter().map(|child| child.bytes).collect();
    for (child, rect) in children.iter().zip(squarify(&sizes, inner)) {
        node(child, rect, color, 0.75, total, out)?;
    }
    Ok(())
}

/// The end of a name tells more than its beginning, which the surrounding area shows.
fn fitting(name: &str, room: usize) -> String {
    let len = name.chars().count();
    match len <= room {
        true => name.to_owned(),
        false => {
            let tail: String = name.chars().skip(len - room.saturating_sub(1)).collect();
            format!("\u{2026}{tail}")
        }
    }
}

/// When keys expire, a column a day or 30 days.
pub(super) fn calendar(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let days = summary.deadlines.calendar();
    let most = days.iter().map(|(_, _, share)| share.memory).max();
    let Some(most) = most else {
        return Ok(());
    };
    const HEIGHT: f64 = 150.0;
    writeln!(
        out,
        "<section class=\"wide\"><h2>Expiry calendar \
         <small>memory of the keys that expire, {} at most</small></h2>\
         <svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\">",
        bytes(most),
        HEIGHT + 22.0
    )?;
    let step = (WIDTH / days.len() as f64).min(80.0);
    for (at, (day, count, share)) in days.iter().enumerate() {
        let height = (share.memory as f64 / most.max(1) as f64 * HEIGHT).max(2.0);
        let (x, y) = (at as f64 * step, HEIGHT - height);
        let span = if *count == 1 {
            String::new()
        } else {
            format!(" and {} days on", count - 1)
        };
        writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" rx=\"2\" \
             fill=\"var(--bar)\"><title>{day}{span}\n{} keys, {}</title></rect>",
            x + 1.0,
            step - 2.0,
            number(share.keys),
            bytes(share.memory),
        )?;
        let every = (80.0 / step).ceil() as usize;
        if at % every == 0 && x + 70.0 < WIDTH {
            writeln!(
                out,
                "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\">{day}</text>",
                x + 1.0,
                HEIGHT + 16.0
            )?;
        }
    }
    writeln!(out, "</svg></section>")
}

/// How many columns the slots are gathered into.
const SLOT_COLUMNS: usize = 256;

/// How memory spreads over the cluster's slots.
pub(super) fn slots(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let width = crate::slot::SLOTS / SLOT_COLUMNS;
    let columns: Vec<Share> = summary
        .slots
        .chunks(width)
        .map(|slots| Share {
            keys: slots.iter().map(|share| share.keys).sum(),
            memory: slots.iter().map(|share| share.memory).sum(),
        })
        .collect();
    let most = columns.iter().map(|share| share.memory).max().unwrap_or(0);
    if most == 0 {
        return Ok(());
    }
    const HEIGHT: f64 = 110.0;
    writeln!(
        out,
        "<section class=\"wide\"><h2>Cluster slots \
         <small>memory of {width} slots each, {} at most</small></h2>\
         <svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\">",
        bytes(most),
        HEIGHT + 20.0
    )?;
    let step = WIDTH / SLOT_COLUMNS as f64;
    for (at, share) in columns.iter().enumerate() {
        let height = share.memory as f64 / most as f64 * HEIGHT;
        writeln!(
            out,
            "<rect x=\"{:.2}\" y=\"{:.1}\" width=\"{:.2}\" height=\"{height:.1}\" \
             fill=\"var(--bar)\"><title>slots {} to {}\n{} keys, {}</title></rect>",
            at as f64 * step,
            HEIGHT - height,
            step - 0.8,
            at * width,
            at * width + width - 1,
            number(share.keys),
            bytes(share.memory),
        )?;
    }
    for slot in (0..crate::slot::SLOTS).step_by(2048) {
        let x = slot as f64 / width as f64 * step;
        let y = HEIGHT + 15.0;
        writeln!(
            out,
            "<text class=\"axis\" x=\"{x:.1}\" y=\"{y:.1}\">{slot}</text>"
        )?;
    }
    writeln!(out, "</svg></section>")
}
