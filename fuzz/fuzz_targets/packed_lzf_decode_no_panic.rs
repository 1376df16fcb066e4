//! No bytes make LZF panic, and no claim makes it hold memory that the bytes cannot fill. The claim is the first two
//! bytes, times 16 to reach beyond what is possible.
#![no_main]

use harness::within_budget;
use libfuzzer_sys::fuzz_target;
use packed::lzf;

fuzz_target!(|bytes: &[u8]| {
    let Some((claim, input)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let claimed = usize::from(u16::from_le_bytes(*claim));
    for claimed in [claimed, claimed * 16, usize::MAX - claimed] {
        within_budget(bytes.len(), || {
            let mut output = b"kept".to_vec();
            match lzf::decompress(input, claimed, &mut output) {
                Ok(()) => assert_eq!(output.len(), 4 + claimed),
                Err(_) => assert_eq!(output, b"kept"),
            }
        });
    }
});
