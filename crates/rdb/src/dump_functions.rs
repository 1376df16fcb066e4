//! The payload of `FUNCTION DUMP`: library sources as in a snapshot, and a footer as `DUMP` has it.
//!
//! ```text
//!   F5 str source   of each library
//!   u16 version, u64 checksum
//! ```

use crate::cursor::Cursor;
use crate::decoder::STRING_LEN_MAX;
use crate::dump;
use crate::error::{Error, ErrorKind};
use crate::opcode;
use crate::string::{StringWriter, read_str};
use crate::target::Target;

/// Writes libraries, each as its source.
///
/// ```
/// use rdb::{Target, dump_functions};
///
/// let sources = [&b"#!lua name=a\n"[..]];
/// let payload = dump_functions::encode(sources.into_iter(), Target::Redis10);
/// assert_eq!(dump_functions::decode(&payload)?, sources);
/// # Ok::<(), rdb::Error>(())
/// ```
pub fn encode<'s>(sources: impl Iterator<Item = &'s [u8]>, target: Target) -> Vec<u8> {
    let (mut out, mut strings) = (Vec::new(), StringWriter::new(false));
    for source in sources {
        out.push(opcode::FUNCTION);
        strings.put(source, &mut out);
    }
    dump::seal(&mut out, target);
    out
}

/// Reads the sources of libraries; the footer must be right.
pub fn decode(payload: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let (body, _) = dump::verify_all(payload)?;
    let mut cur = Cursor::new(body, STRING_LEN_MAX);
    let (mut sources, mut scratch) = (Vec::new(), Vec::new());
    while !cur.rest().is_empty() {
        let at = cur.at() as u64;
        let byte = cur
            .byte("a record")
            .map_err(|stop| dump::fail(stop, &cur))?;
        if byte != opcode::FUNCTION {
            let what = "a record that is no function";
            return Err(Error::new(at, ErrorKind::Unsupported { found: byte, what }));
        }
        scratch.clear();
        let source = read_str(&mut cur, &mut scratch, "a library");
        let source = source.map_err(|stop| dump::fail(stop, &cur))?;
        sources.push(source.resolve(&scratch).to_vec());
    }
    Ok(sources)
}
