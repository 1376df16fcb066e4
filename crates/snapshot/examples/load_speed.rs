//! How fast a file of strings becomes a keyspace: `load_speed [keys] [threads]`.

use keyspace::{Keyspace, Options};
use rdb::{Decoder, DecoderOptions};
use snapshot::LoadOptions;
use std::time::Instant;
use units::UnixMillis;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How much is read at once, in bytes.
const BLOCK: usize = 64 << 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).flat_map(|text| text.parse().ok());
    let keys = arguments.next().unwrap_or(2_000_000);
    let threads = arguments.next().unwrap_or(2) as usize;
    let file = file(keys);
    let keyspace = Keyspace::new(Options {
        shards: 8,
        ..Options::default()
    });
    let start = Instant::now();
    load(&file, &keyspace, threads)?;
    let took = start.elapsed();
    println!(
        "{keys} keys, {} MB, {threads} threads: {took:?}, {:.0} ns a key, {:.1} bytes a key kept",
        file.len() / 1_000_000,
        took.as_secs_f64() * 1e9 / keys as f64,
        keyspace.used_bytes() as f64 / keys as f64
    );
    Ok(())
}

fn load(
    file: &[u8],
    keyspace: &Keyspace,
    threads: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let options = LoadOptions {
        now: UnixMillis(1_700_000_000_000),
        keep_expired: false,
        input_len: file.len() as u64,
        threads,
    };
    let (fed, _) = snapshot::load(keyspace, options, |loader| {
        let mut decoder = Decoder::new(DecoderOptions::default());
        for block in file.chunks(BLOCK) {
            decoder.feed(block);
            while let Some(event) = decoder.next()? {
                loader.put(&event)?;
            }
        }
        Ok(())
    })?;
    fed
}

/// A file of that many keys of 24 bytes, with values of 100 that do not compress. Its checksum is
/// not computed, which a loader accepts after computing its own.
fn file(keys: u64) -> Vec<u8> {
    let mut file = b"REDIS0010\xFE\x00\xFB\x80".to_vec();
    file.extend_from_slice(&(keys as u32).to_be_bytes());
    file.push(0);
    let mut state = 1_u64;
    for number in 0..keys {
        file.extend_from_slice(format!("\x00\x18key:{number:020}\x40\x64").as_bytes());
        for _ in 0..25 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            file.extend_from_slice(&((state >> 32) as u32).to_le_bytes());
        }
    }
    file.push(0xFF);
    file.extend_from_slice(&[0; 8]);
    file
}
