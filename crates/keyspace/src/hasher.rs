use siphasher::sip::SipHasher13;

/// SipHash-1-3 under a random key.
///
/// SCAN and RANDOMKEY show hash order to clients, so the hash must stand against those who choose
/// keys to collide; the key is drawn once for each keyspace and handed in.
#[derive(Clone, Copy)]
pub struct KeyHasher {
    k0: u64,
    k1: u64,
}

impl KeyHasher {
    /// A hasher under the 128-bit key `k0`, `k1`.
    pub const fn new(k0: u64, k1: u64) -> KeyHasher {
        KeyHasher { k0, k1 }
    }

    /// The hash of `key`. From bit 56 down: shard, then directory; the low bits choose line and tag
    /// in the index of a segment.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        SipHasher13::new_with_keys(self.k0, self.k1).hash(key)
    }
}

impl std::fmt::Debug for KeyHasher {
    /// The key is a secret: whoever knows it can choose colliding keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyHasher(..)")
    }
}
