//! How fast a file of strings is decoded, checksum included: `decode_speed [keys]`.

use packed::crc64::crc64;
use rdb::{Decoder, DecoderOptions, Error};
use std::time::Instant;

/// How much is read at once, in bytes.
const BLOCK: usize = 64 << 10;

fn main() -> Result<(), Error> {
    let keys = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let file = file(keys.unwrap_or(2_000_000));
    for verify_checksum in [false, true] {
        let options = DecoderOptions {
            verify_checksum,
            ..DecoderOptions::default()
        };
        let start = Instant::now();
        let events = decode(&file, options)?;
        let took = start.elapsed();
        println!(
            "checksum {verify_checksum}: {events} events of {} MB in {took:?}, {:.0} MB/s",
            file.len() / 1_000_000,
            file.len() as f64 / took.as_secs_f64() / 1e6
        );
    }
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
            file.extend_from_slice(&((state >> 32) as u32).to_le_bytes());
        }
    }
    file.push(0xFF);
    let checksum = crc64(&file);
    file.extend_from_slice(&checksum.to_le_bytes());
    file
}

fn decode(file: &[u8], options: DecoderOptions) -> Result<u64, Error> {
    let mut decoder = Decoder::new(options);
    let mut events = 0;
    for block in file.chunks(BLOCK) {
        decoder.feed(block);
        while decoder.next()?.is_some() {
            events += 1;
        }
    }
    Ok(events)
}
