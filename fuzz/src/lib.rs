//! What the targets share: a bound on memory, input in pieces, and fingerprints of what came out.

mod talk;

use std::fmt::{self, Debug, Write};
use std::hash::{DefaultHasher, Hash, Hasher};

use peak_alloc::PeakAlloc;
pub use talk::{Talk, word};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What a decoder may hold whatever its input is.
const BUDGET_BASE: usize = 1 << 20;
/// What it may hold for each byte of input.
const BUDGET_PER_BYTE: usize = 64;

/// Runs `decode` and asserts that it never held more than 1 MiB + 64 bytes for each of `input_bytes`.
pub fn within_budget<T>(input_bytes: usize, decode: impl FnOnce() -> T) -> T {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = decode();
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    let budget = BUDGET_BASE + BUDGET_PER_BYTE * input_bytes;
    assert!(
        peak <= budget,
        "{peak} bytes held for {input_bytes} of input, {budget} allowed"
    );
    result
}

/// Cuts `bytes` into pieces whose sizes follow from the bytes themselves, so that a finding repeats and files can be
/// seeds as they are.
pub fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut state = fingerprint(bytes) | 1;
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let size = 1 + (state >> 32) as usize % (1 << (state % 11));
        let (piece, left) = rest.split_at(size.min(rest.len()));
        rest = left;
        Some(piece)
    })
}

/// A hash of anything.
pub fn fingerprint(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A running fingerprint of things as `Debug` prints them, which holds none of them.
#[derive(Default)]
pub struct Trace {
    hasher: DefaultHasher,
    /// How many things were added.
    pub count: u64,
}

impl Trace {
    /// Adds a thing.
    pub fn add(&mut self, thing: &impl Debug) {
        self.count += 1;
        write!(Sink(&mut self.hasher), "{thing:?};").expect("hashing does not fail");
    }

    /// Their number and the fingerprint.
    pub fn finish(self) -> (u64, u64) {
        (self.count, self.hasher.finish())
    }
}

struct Sink<'a>(&'a mut DefaultHasher);

impl Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
