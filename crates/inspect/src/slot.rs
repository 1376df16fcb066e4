//! Cluster slots of keys: CRC-16 (XMODEM) of the name, or of the part between its first braces.

/// How many slots there are.
pub const SLOTS: usize = 16_384;

/// The slot of a key.
pub fn of(name: &[u8]) -> u16 {
    crc16(hashed(name)) & (SLOTS as u16 - 1)
}

/// What of a name is hashed: `a` of `{a}b`, all of it if there is no pair of braces around something.
fn hashed(name: &[u8]) -> &[u8] {
    let Some(open) = name.iter().position(|byte| *byte == b'{') else {
        return name;
    };
    let inner = name.get(open + 1..).unwrap_or_default();
    match inner.iter().position(|byte| *byte == b'}') {
        Some(close) if close > 0 => inner.get(..close).unwrap_or(name),
        _ => name,
    }
}

const POLYNOMIAL: u16 = 0x1021;

#[expect(clippy::indexing_slicing, reason = "the compiler runs it")]
const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            let carry = crc & 0x8000 != 0;
            crc <<= 1;
            if carry {
                crc ^= POLYNOMIAL;
            }
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        let index = usize::from((crc >> 8) as u8 ^ byte);
        (crc << 8) ^ TABLE.get(index).copied().unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `CLUSTER KEYSLOT` of Redis 7.0.15 told them.
    #[test]
    fn slots_are_those_of_servers() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(of(b"foo"), 12_182);
        assert_eq!(of(b"a{foo}b"), 12_182);
        assert_eq!(of(b"{foo"), crc16(b"{foo") & 16_383);
        assert_eq!(of(b"{}foo"), crc16(b"{}foo") & 16_383);
    }
}
