//! Writes a file to measure with to standard output: `make_rdb keys 5000000` has so many keys of 24
//! bytes with values of 100, `make_rdb hash 10000000` one hash of so many fields of 16 and values of 32.

use packed::crc64::Crc64;
use std::io::{self, BufWriter, Write};

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let shape = args.next().unwrap_or_default();
    let count = args.next().and_then(|count| count.parse::<u32>().ok());
    let (Some(count), "keys" | "hash") = (count, shape.as_str()) else {
        return Err(io::Error::other("expected: make_rdb keys|hash COUNT"));
    };
    let mut file = Summed {
        out: BufWriter::new(io::stdout().lock()),
        sum: Crc64::new(),
    };
    file.put(b"REDIS0010\xFE\x00")?;
    let mut noise = Noise(1);
    match shape.as_str() {
        "keys" => keys(count, &mut noise, &mut file)?,
        _ => hash(count, &mut noise, &mut file)?,
    }
    file.put(b"\xFF")?;
    let Summed { mut out, sum } = file;
    out.write_all(&sum.value().to_le_bytes())?;
    out.flush()
}

fn keys(count: u32, noise: &mut Noise, file: &mut Summed<impl Write>) -> io::Result<()> {
    for number in 0..count {
        file.put(format!("\x00\x18key:{number:020}\x40\x64").as_bytes())?;
        file.put(&noise.text::<100>())?;
    }
    Ok(())
}

fn hash(count: u32, noise: &mut Noise, file: &mut Summed<impl Write>) -> io::Result<()> {
    file.put(b"\x04\x04huge\x80")?;
    file.put(&count.to_be_bytes())?;
    for number in 0..count {
        file.put(format!("\x10field:{number:010}\x20").as_bytes())?;
        file.put(&noise.text::<32>())?;
    }
    Ok(())
}

/// What is written, and its checksum.
struct Summed<W> {
    out: W,
    sum: Crc64,
}

impl<W: Write> Summed<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.out.write_all(bytes)
    }
}

/// Text that does not compress.
struct Noise(u64);

impl Noise {
    fn text<const N: usize>(&mut self) -> [u8; N] {
        let mut text = [0; N];
        for four in text.chunks_exact_mut(4) {
            let Noise(state) = self;
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let letters = ((*state >> 33) as u32 & 0x0F0F_0F0F) + 0x6161_6161;
            four.copy_from_slice(&letters.to_le_bytes());
        }
        text
    }
}
