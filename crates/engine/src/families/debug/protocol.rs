//! DEBUG PROTOCOL and ERROR: replies of every shape, for tests of clients.

use crate::session::Session;
use commands::{Args, Error, Outcome, Protocol, ReplySink};

pub(super) fn protocol(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let kind = args.bytes()?.to_ascii_lowercase();
    match kind.as_slice() {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.integer(12345),
        b"double" => reply.double(3141.0 / 1000.0),
        b"bignum" => reply.big_number("1234567999999999999999999999999999999"),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        b"map" => map(reply),
        b"attrib" => attribute(reply),
        b"push" => push(reply)?,
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        b"verbatim" => reply.verbatim("txt", "This is a verbatim\nstring"),
        _ => {
            return Err(Error::err(
                "Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}

fn map(reply: &mut dyn ReplySink) {
    reply.map(3);
    for number in 0..3 {
        reply.integer(number);
        reply.boolean(number == 1);
    }
}

fn attribute(reply: &mut dyn ReplySink) {
    if reply.attribute(1) {
        reply.bulk(b"key-popularity");
        reply.array(2);
        reply.bulk(b"key:123");
        reply.integer(90);
    }
    reply.bulk(b"Some real reply following the attribute");
}

fn push(reply: &mut dyn ReplySink) -> Outcome {
    if reply.protocol() == Protocol::Resp2 {
        return Err(Error::err("RESP2 is not supported by this command"));
    }
    reply.push(2);
    reply.bulk(b"server-cpu-usage");
    reply.integer(42);
    reply.bulk(b"Some real reply following the push reply");
    Ok(())
}

/// The line goes out as it is: its first word is the code.
pub(super) fn error(_: &mut Session, args: &mut Args<'_>, _: &mut dyn ReplySink) -> Outcome {
    let line = String::from_utf8_lossy(args.bytes()?).into_owned();
    Err(Error::Text(line.replace(['\r', '\n'], " ").into()))
}
