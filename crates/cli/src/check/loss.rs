//! What of a damaged snapshot is lost, and what `repair` could save.

use super::report::{FileReport, Verdict};
use duramen::storage::Os;
use inspect::report::{number, printable};
use inspect::rewrite::{Lost, Scan};

/// Adds a note for each region that cannot be saved. Files that are no snapshot, or whose header is
/// gone, get none.
pub(super) fn tell(report: &mut FileReport) {
    let is_snapshot = report.kind == "RDB file" && report.verdict == Verdict::Damaged;
    if !is_snapshot {
        return;
    }
    let Ok(scan) = Scan::of(&Os, &report.path) else {
        return;
    };
    report.notes.extend(scan.lost.iter().map(note));
    if scan.lost.is_empty() && scan.checksum.is_some() {
        let note = "every record can be read, but some value may be wrong";
        report.notes.push(note.to_owned());
    }
}

fn note(lost: &Lost) -> String {
    let end = lost.offset + lost.len;
    let (len, offset) = (number(lost.len), lost.offset);
    let key = match &lost.key {
        Some(key) => format!(", key \"{}\" and what may follow it there", printable(key)),
        None => String::new(),
    };
    format!(
        "lost: {len} bytes from byte {offset} on, up to {end}{key}: {}",
        lost.what
    )
}
