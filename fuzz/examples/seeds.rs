//! Fills `corpus/<target>/` with seeds taken from the files of real servers in `../testdata/corpus`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use harness::fingerprint;
use packed::{lzf, ziplist};
use rdb::{Decoder, DecoderOptions, Event, Part};

/// Larger files make slow seeds and teach nothing new.
const FILE_BYTES_MAX: u64 = 48 * 1024;
const BLOB_BYTES_MAX: usize = 4096;

fn main() -> io::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = Seeds {
        folder: here.join("corpus"),
        count: 0,
    };
    for path in files_below(&here.join("../testdata/corpus"))? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let bytes = fs::read(&path)?;
        match name.rsplit('.').next() {
            Some("rdb") => of_snapshot(&mut seeds, &bytes)?,
            Some("aof") => of_log(&mut seeds, &bytes)?,
            Some("manifest") => seeds.put("aof_manifest_no_panic", &bytes)?,
            Some("json") if path.parent().is_some_and(|folder| folder.ends_with("dump")) => {
                of_payloads(&mut seeds, &bytes)?;
            }
            _ => {}
        }
    }
    of_hand(&mut seeds)?;
    of_newer_snapshots(&mut seeds)?;
    of_long_strings(&mut seeds)?;
    println!("{} seeds in {}", seeds.count, seeds.folder.display());
    Ok(())
}

struct Seeds {
    folder: PathBuf,
    count: usize,
}

impl Seeds {
    /// One more seed of a target, named by its content, so that repeating this changes nothing.
    fn put(&mut self, target: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder)?;
        self.count += 1;
        fs::write(
            folder.join(format!("seed-{:016x}", fingerprint(bytes))),
            bytes,
        )
    }
}

fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files_below(&entry.path())?);
        } else if entry.metadata()?.len() <= FILE_BYTES_MAX
            || entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "json")
        {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn of_snapshot(seeds: &mut Seeds, bytes: &[u8]) -> io::Result<()> {
    seeds.put("rdb_decode_no_panic", bytes)?;
    seeds.put("rdb_roundtrip", bytes)?;
    for at in 0..bytes.len().saturating_sub(4) {
        let total =
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
        let blob = bytes
            .get(at..at.saturating_add(total))
            .filter(|blob| blob.len() <= BLOB_BYTES_MAX);
        if let Some(blob) = blob.filter(|blob| ziplist::validate(blob).is_ok()) {
            seeds.put("packed_ziplist_decode_no_panic", blob)?;
        }
    }
    let mut decoder = Decoder::new(DecoderOptions::default());
    decoder.feed(bytes);
    decoder.finish_input();
    while let Ok(Some(event)) = decoder.next() {
        let (target, blob) = match event {
            Event::Value(Part::SetIntset(blob)) => ("packed_intset_decode_no_panic", blob),
            Event::Value(
                Part::NodeListpack(blob)
                | Part::SetListpack(blob)
                | Part::HashListpack(blob)
                | Part::ZsetListpack(blob)
                | Part::StreamNode { listpack: blob, .. },
            ) => ("packed_listpack_decode_no_panic", blob),
            _ => continue,
        };
        if blob.len() <= BLOB_BYTES_MAX {
            seeds.put(target, blob)?;
        }
    }
    Ok(())
}

fn of_log(seeds: &mut Seeds, bytes: &[u8]) -> io::Result<()> {
    seeds.put("aof_reader_no_panic", bytes)?;
    seeds.put("resp_decode_split", bytes)?;
    seeds.put("packed_lzf_roundtrip", bytes)
}

/// Payloads of DUMP without their checksum, which the target puts behind whatever mutation made.
fn of_payloads(seeds: &mut Seeds, json: &[u8]) -> io::Result<()> {
    let json: serde_json::Value = serde_json::from_slice(json)?;
    for row in json["rows"].as_array().into_iter().flatten() {
        let payload = row["payload"].as_str().map(base64).unwrap_or_default();
        if let Some(body) = payload
            .len()
            .checked_sub(8)
            .and_then(|len| payload.get(..len))
        {
            seeds.put("snapshot_restore_no_panic", body)?;
        }
    }
    Ok(())
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sextets = text
        .bytes()
        .filter_map(|byte| ALPHABET.iter().position(|letter| *letter == byte));
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for sextet in sextets {
        (bits, held) = (bits << 6 | sextet as u32, held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

/// What Redis 8.6 to 8.10 write: templates, producers and entries given back of streams, metadata of keys.
fn of_newer_snapshots(seeds: &mut Seeds) -> io::Result<()> {
    let template = b"\xF2\x05\x02\x01a\x02bc".as_slice();
    let values = b"\x0E\x0E\0\0\0\x03\0\x05\x01\x81x\x02\x07\x01\xFF".as_slice();
    let fields = b"\x0E\x0E\0\0\0\x02\0\x81a\x02\x82bc\x03\xFF".as_slice();
    let stream = b"\x01s\0\0\0\0\0\0\0\0\0".as_slice();
    let producers = b"\x40\x64\x0A\x01\x01p\x02\x01a\x05\x06\x01b\x05\x07\x02\x01".as_slice();
    let id = [0; 16].as_slice();
    let group = [
        b"\x01\x01g\0\0\0\x01".as_slice(),
        id,
        &[0; 8],
        b"\x01\0\x01",
        id,
    ]
    .concat();
    for body in [
        [template, b"\x20\x01h\x05\x01x\xC0\x07"].concat(),
        [template, b"\x1E\x01h", values].concat(),
        [b"\x1F\x01h\0".as_slice(), fields, b"\x01x\x017"].concat(),
        [b"\x1D\x01h\x01\x02\x01a\x02bc".as_slice(), values].concat(),
        [b"\x1A".as_slice(), stream, b"\0", producers].concat(),
        [b"\x1B".as_slice(), stream, &group, producers].concat(),
        b"\xF3\x02abcd\x02\x07\x00efgh\x05\x01x\x00\x00\x01k\x01v".to_vec(),
    ] {
        put_snapshot(seeds, b"REDIS0015", &body)?;
    }
    Ok(())
}

/// Strings that come in chunks.
fn of_long_strings(seeds: &mut Seeds) -> io::Result<()> {
    let text: Vec<u8> = (0..200_000_u32).map(|n| (n / 5 % 251) as u8).collect();
    let mut packed = Vec::new();
    lzf::compress(&text, &mut packed, &mut lzf::Table::new());
    let claim = (text.len() as u32).to_le_bytes();
    seeds.put("packed_lzf_unpack_split", &[&claim[..3], &packed].concat())?;
    let size = |len: usize| [&[0x80][..], &(len as u32).to_be_bytes()].concat();
    let body = [
        b"\x00\x01k\xC3",
        &*size(packed.len()),
        &*size(text.len()),
        &packed,
    ]
    .concat();
    put_snapshot(seeds, b"REDIS0011", &body)
}

fn put_snapshot(seeds: &mut Seeds, header: &[u8; 9], body: &[u8]) -> io::Result<()> {
    let file = [header, body, &[0xFF], &[0; 8]].concat();
    seeds.put("rdb_decode_no_panic", &file)?;
    seeds.put("rdb_roundtrip", &file)
}

/// What no file in the corpus shows plainly.
fn of_hand(seeds: &mut Seeds) -> io::Result<()> {
    let text =
        b"the quick brown fox, the quick brown dog, the quick brown fox and the quick brown dog"
            .repeat(3);
    let mut packed = (text.len() as u16).to_le_bytes().to_vec();
    lzf::compress(&text, &mut packed, &mut lzf::Table::new());
    seeds.put("packed_lzf_decode_no_panic", &packed)?;
    seeds.put("packed_lzf_roundtrip", &text)?;
    seeds.put(
        "packed_zipmap_decode_no_panic",
        b"\x02\x03foo\x03\x00bar\x05hello\x05\x00world\xff",
    )?;
    seeds.put(
        "packed_zipmap_decode_no_panic",
        b"\xfe\x01k\x03\x02v12zz\xff",
    )?;
    let ziplist = b"\x11\0\0\0\x0e\0\0\0\x02\0\0\x02hi\x04\xf6\xff";
    seeds.put("packed_ziplist_decode_no_panic", ziplist)?;
    for text in [
        "-9223372036854775808",
        "1e21",
        "0.1",
        "-inf",
        "nan",
        "5e-324",
        "2.0147519334011101e+6",
    ] {
        seeds.put("packed_number_roundtrip", text.as_bytes())?;
    }
    for request in [
        "PING\r\n",
        "set \"a\\x00b\" 'c'\r\n",
        "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
    ] {
        seeds.put("resp_decode_split", request.as_bytes())?;
    }
    let reply = b"%1\r\n+a\r\n*3\r\n:1\r\n,1.5\r\n#t\r\n~1\r\n_\r\n=7\r\ntxt:abc\r\n(12345678901234567890\r\n>1\r\n$-1\r\n!3\r\nERR\r\n|1\r\n+k\r\n+v\r\n:0\r\n";
    seeds.put("resp_decode_split", reply)
}
