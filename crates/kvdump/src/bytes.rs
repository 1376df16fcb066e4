//! Byte strings in JSON: text, base64, or length and hash.
//!
//! A string of printable ASCII up to 300 bytes is a JSON string; other bytes up to 300 are
//! `{"b64": ..}`; what is longer is `{"len": n, "sha256": hex}`.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Longest byte string that is written out in full.
const BYTES_SHOWN_MAX: usize = 300;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A byte string as kvdump/1 writes it.
pub fn to_json(bytes: &[u8]) -> Value {
    if bytes.len() > BYTES_SHOWN_MAX {
        return json!({"len": bytes.len(), "sha256": sha256_hex(bytes)});
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.iter().all(|b| (0x20..=0x7e).contains(b)) => Value::from(text),
        _ => json!({"b64": base64_encode(bytes)}),
    }
}

/// The bytes of a kvdump/1 byte string; `None` if only its hash is there, or it is malformed.
pub fn from_json(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(fields) => base64_decode(fields.get("b64")?.as_str()?),
        _ => None,
    }
}

/// SHA-256 in lower-case hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Base64 with padding (RFC 4648, section 4).
pub fn base64_encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let sextet = (bits >> (18 - 6 * digit)) as usize & 63;
            text.push(if digit <= chunk.len() {
                char::from(ALPHABET[sextet])
            } else {
                '='
            });
        }
    }
    text
}

/// Undoes [`base64_encode`]; `None` for anything that it would not have written.
pub fn base64_decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    let (mut bits, mut held) = (0u32, 0);
    for digit in digits {
        let sextet = ALPHABET.iter().position(|known| known == digit)?;
        bits = bits << 6 | u32::try_from(sextet).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    (bits == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_rfc() {
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ];
        for (plain, coded) in pairs {
            assert_eq!(base64_encode(plain.as_bytes()), coded);
            assert_eq!(base64_decode(coded).as_deref(), Some(plain.as_bytes()));
        }
        for bad in ["Zg=", "Zg", "Z===", "Z!==", "Zh=="] {
            assert_eq!(base64_decode(bad), None, "{bad}");
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(base64_decode(&base64_encode(&all)), Some(all));
    }

    #[test]
    fn three_shapes() {
        assert_eq!(to_json(b"a b"), json!("a b"));
        assert_eq!(to_json(&[1, 2]), json!({"b64": "AQI="}));
        assert_eq!(to_json("é".as_bytes()), json!({"b64": "w6k="}));
        assert_eq!(to_json(&[b'x'; 300]), json!("x".repeat(300)));
        let long = to_json(&[b'x'; 301]);
        assert_eq!(long["len"], 301);
        assert_eq!(long["sha256"].as_str().map(str::len), Some(64));
        assert_eq!(from_json(&to_json(&[0xff, 0])), Some(vec![0xff, 0]));
        assert_eq!(from_json(&long), None);
    }
}
