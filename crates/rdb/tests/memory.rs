//! What a decoder and an encoder hold does not grow with what they read: strings of 2 GiB and collections of millions
//! of elements go through a megabyte. One test, since memory is counted for the whole process.

use peak_alloc::PeakAlloc;
use rdb::{CHUNK_LEN, Decoder, DecoderOptions, Encoder, EncoderOptions, Event, Part, Target};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The most that may be held, in bytes.
const BUDGET: usize = 1 << 20;
const BLOCK: usize = 64 << 10;

/// What was seen of a file.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    parts: u64,
    string_bytes: u64,
    longest: usize,
}

/// A file of one key: a header, `head`, as many times `item` as `count` says, and `tail`.
struct Source<'a> {
    head: &'a [u8],
    item: &'a [u8],
    count: usize,
    tail: &'a [u8],
}

impl Source<'_> {
    /// Hands out the file in blocks.
    fn feed(&self, mut block: impl FnMut(&[u8])) {
        block(b"REDIS0012");
        block(self.head);
        let many = self.item.repeat((BLOCK / self.item.len()).min(self.count));
        let times = many.len() / self.item.len();
        (0..self.count / times).for_each(|_| block(&many));
        (0..self.count % times).for_each(|_| block(self.item));
        block(self.tail);
        block(&[0xFF, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    /// Decodes and encodes it; what was seen, and the most bytes that were held meanwhile.
    fn pass(&self) -> (Seen, usize) {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let (mut seen, mut decoder) = (Seen::default(), Decoder::new(DecoderOptions::default()));
        let options = EncoderOptions {
            compress: false,
            ..EncoderOptions::default()
        };
        let mut encoder = Encoder::new(Target::Redis12, options);
        self.feed(|block| {
            decoder.feed(block);
            while let Some(event) = decoder.next().expect("sound") {
                seen.take(&event);
                encoder.put(&event).expect("what was decoded is in order");
                if encoder.buffer().len() > BLOCK {
                    encoder.clear();
                }
            }
        });
        assert!(decoder.is_done());
        (seen, ALLOCATOR.peak_usage() - before)
    }
}

impl Seen {
    fn take(&mut self, event: &Event<'_>) {
        let Event::Value(part) = event else { return };
        self.parts += 1;
        if let Part::Chunk(bytes) | Part::String(bytes) = part {
            self.string_bytes += bytes.len() as u64;
            self.longest = self.longest.max(bytes.len());
        }
    }
}

#[test]
fn memory_does_not_grow_with_strings_or_collections() {
    // A literal "a", and then 264 bytes from 1 back for every three.
    let matches = (1 << 31) / 264;
    let len = 1 + matches * 264;
    let size = |n: usize| [&[0x80][..], &(n as u32).to_be_bytes()].concat();
    let lzf = [
        b"\x00\x01k\xC3",
        &*size(2 + 3 * matches),
        &*size(len),
        b"\x00a",
    ]
    .concat();
    let raw = [b"\x00\x01k", &*size(64 << 20)].concat();
    let hash = [b"\x04\x01k", &*size(1_000_000)].concat();
    let list = [b"\x01\x01k", &*size(1_000_000)].concat();
    let cases = [
        (&lzf, &b"\xE0\xFF\x00"[..], matches, len),
        (&raw, &[7; 64], 1 << 20, 64 << 20),
        (&hash, b"\xC0\x05\x05value", 1_000_000, 0),
        (&list, b"\x07element", 1_000_000, 0),
    ];
    for (head, item, count, string_bytes) in cases {
        let source = Source {
            head,
            item,
            count,
            tail: b"",
        };
        let (seen, peak) = source.pass();
        println!(
            "{} parts, {} bytes of a string: {peak} bytes held",
            seen.parts, seen.string_bytes
        );
        assert!(peak <= BUDGET, "{peak} bytes held");
        assert_eq!(seen.string_bytes, string_bytes as u64);
        assert_eq!(seen.longest, CHUNK_LEN.min(string_bytes));
        let parts = match string_bytes {
            0 => count,
            len => len.div_ceil(CHUNK_LEN),
        };
        assert_eq!(seen.parts, parts as u64 + 2);
    }
}
