//! Damaged files end in an error or in other keys, never in a panic, and every visitor survives both.

use inspect::export::{Commands, CsvRows, JsonOptions, JsonRows, Output};
use inspect::rewrite::Scan;
use inspect::{Filter, Source, Summary, SummaryOptions, Visitor};
use std::path::Path;
use storage::{File as _, Memory, Mode, Storage as _};
use units::UnixMillis;

fn visit(bytes: &[u8], visitor: &mut impl Visitor) -> bool {
    let filter = Filter::default();
    let mut source = Source::new(&filter, visitor);
    let len = Some(bytes.len() as u64);
    source
        .read(Path::new("damaged.rdb"), len, &mut &*bytes)
        .is_ok()
}

/// Whether all visitors agree on whether the file can be read to its end.
fn visit_all(bytes: &[u8]) -> bool {
    let mut summary = Summary::new(SummaryOptions {
        top: 3,
        separators: b":".to_vec(),
        slots: true,
        at: None,
        now: UnixMillis(0),
        positions: None,
    });
    let output = || Output::new(std::io::sink(), true);
    let mut json = Vec::new();
    let mut rows = JsonRows::new(Output::new(&mut json, true), JsonOptions::default());
    let read = visit(bytes, &mut summary);
    assert_eq!(visit(bytes, &mut rows), read);
    assert_eq!(visit(bytes, &mut CsvRows::new(output())), read);
    assert_eq!(visit(bytes, &mut Commands::new(output())), read);
    rows.finish().unwrap();
    let lines = json.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| read && !line.is_empty());
    assert!(
        lines
            .map(serde_json::from_slice::<serde_json::Value>)
            .all(|row| row.is_ok())
    );
    inspect::report::write_text(&summary, &mut std::io::sink()).unwrap();
    inspect::report::html::write(&summary, "x", &mut std::io::sink()).unwrap();
    read
}

#[test]
fn no_byte_can_make_it_panic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus/rdb");
    let (mut damaged, mut read) = (0, 0);
    for name in [
        "redis-7.0.15/dbs",
        "redis-6.2.14/lru",
        "redis-8.2.3/lfu",
        "valkey-9.1.2/functions",
    ] {
        let whole = std::fs::read(root.join(name).with_extension("rdb")).unwrap();
        let step = whole.len().div_ceil(400);
        for at in (0..whole.len()).step_by(step) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            read += u32::from(visit_all(&bytes));
            let disk = Memory::new();
            let path = Path::new("damaged.rdb");
            disk.open(path, Mode::CreateNew)
                .unwrap()
                .append(&bytes)
                .unwrap();
            // The header alone cannot be done without.
            assert!(
                at < 9 || Scan::of(&disk, path).is_ok_and(|scan| !scan.is_sound()),
                "{name}: {at}"
            );
            damaged += 1;
        }
    }
    assert!(damaged > 500);
    assert!(
        read <= damaged / 100,
        "{read} of {damaged} were not noticed"
    );
}
