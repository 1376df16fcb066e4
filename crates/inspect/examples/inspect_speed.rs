//! How fast a file is summed up and written as JSON lines: `inspect_speed FILE`. Without one, a file of
//! 2 million keys of 24 bytes with values of 100 is made in memory.

use inspect::export::{JsonOptions, JsonRows, Output};
use inspect::{Error, Filter, Source, Summary, SummaryOptions, Visitor};
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;
use units::UnixMillis;

fn main() -> Result<(), Error> {
    let made = file(2_000_000);
    let mut summary = Summary::new(SummaryOptions {
        top: 10,
        separators: b":".to_vec(),
        slots: false,
        at: None,
        now: UnixMillis(0),
        positions: None,
    });
    measure("summary", &made, &mut summary)?;
    for (name, whole) in [("JSON", false), ("JSON, whole", true)] {
        let options = JsonOptions {
            whole,
            ..JsonOptions::default()
        };
        let mut rows = JsonRows::new(Output::new(io::sink(), false), options);
        measure(name, &made, &mut rows)?;
    }
    Ok(())
}

fn measure(name: &str, made: &[u8], visitor: &mut impl Visitor) -> Result<(), Error> {
    let filter = Filter::default();
    let start = Instant::now();
    let mut source = Source::new(&filter, visitor);
    let mut read = 0;
    match std::env::args().nth(1) {
        Some(path) => {
            let path = Path::new(&path);
            let (mut blocks, len) = inspect::open(&storage::Os, path, |bytes| read += bytes)?;
            source.read(path, len, &mut blocks)?;
        }
        None => {
            read = made.len() as u64;
            source.read(Path::new("made"), Some(read), &mut made.take(read))?;
        }
    }
    let secs = start.elapsed().as_secs_f64();
    println!("{name}: {:.0} MB/s", read as f64 / secs / 1e6);
    Ok(())
}

/// A file of that many keys of 24 bytes, with values of 100 that do not compress.
fn file(keys: u64) -> Vec<u8> {
    let mut file = b"REDIS0010\xFE\x00".to_vec();
    let mut state = 1_u64;
    for number in 0..keys {
        file.extend_from_slice(format!("\x00\x18key:{number:020}\x40\x64").as_bytes());
        for _ in 0..25 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let printable = (state >> 33) as u32 & 0x1F1F_1F1F | 0x4040_4040;
            file.extend_from_slice(&printable.to_le_bytes());
        }
    }
    file.push(0xFF);
    let checksum = packed::crc64::crc64(&file);
    file.extend_from_slice(&checksum.to_le_bytes());
    file
}
