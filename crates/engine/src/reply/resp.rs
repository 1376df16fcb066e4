use commands::{Error, Protocol, ReplySink};
use packed::number;
use resp::encode;

/// A sink that appends RESP to a buffer.
#[derive(Debug)]
pub struct RespSink<'a> {
    out: &'a mut Vec<u8>,
    protocol: resp::Protocol,
}

impl<'a> RespSink<'a> {
    /// Appends to `out` in the version of RESP that the client speaks.
    pub fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> RespSink<'a> {
        RespSink {
            out,
            protocol: on_the_wire(protocol),
        }
    }
}

fn on_the_wire(protocol: Protocol) -> resp::Protocol {
    match protocol {
        Protocol::Resp2 => resp::Protocol::Resp2,
        Protocol::Resp3 => resp::Protocol::Resp3,
    }
}

impl ReplySink for RespSink<'_> {
    fn protocol(&self) -> Protocol {
        match self.protocol {
            resp::Protocol::Resp2 => Protocol::Resp2,
            resp::Protocol::Resp3 => Protocol::Resp3,
        }
    }
    fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = on_the_wire(protocol);
    }
    fn simple(&mut self, line: &str) {
        encode::simple(self.out, line.as_bytes());
    }
    fn error(&mut self, error: &Error) {
        encode::error(self.out, error.to_string().as_bytes());
    }
    fn integer(&mut self, number: i64) {
        encode::integer(self.out, number);
    }
    fn bulk(&mut self, bytes: &[u8]) {
        encode::bulk(self.out, bytes);
    }
    fn bulk_parts(&mut self, len: usize, parts: &mut dyn Iterator<Item = &[u8]>) {
        encode::bulk_len(self.out, len);
        parts.for_each(|part| self.out.extend_from_slice(part));
        self.out.extend_from_slice(b"\r\n");
    }
    fn null(&mut self) {
        encode::null(self.out, self.protocol);
    }
    fn null_array(&mut self) {
        encode::null_array(self.out, self.protocol);
    }
    fn array(&mut self, len: usize) {
        encode::array_len(self.out, len);
    }
    fn map(&mut self, pairs: usize) {
        encode::map_len(self.out, self.protocol, pairs);
    }
    fn set(&mut self, len: usize) {
        encode::set_len(self.out, self.protocol, len);
    }
    fn push(&mut self, len: usize) {
        encode::push_len(self.out, self.protocol, len);
    }
    fn double(&mut self, number: f64) {
        let mut text = Vec::new();
        number::write_f64_shortest(number, &mut text);
        encode::double(self.out, self.protocol, &text);
    }
    fn boolean(&mut self, truth: bool) {
        encode::boolean(self.out, self.protocol, truth);
    }
    fn big_number(&mut self, digits: &str) {
        encode::big_number(self.out, self.protocol, digits.as_bytes());
    }
    fn attribute(&mut self, pairs: usize) -> bool {
        let takes_it = self.protocol == resp::Protocol::Resp3;
        if takes_it {
            encode::attribute_len(self.out, pairs);
        }
        takes_it
    }
    fn verbatim(&mut self, format: &str, text: &str) {
        let format = format.as_bytes().try_into().unwrap_or(*b"txt");
        encode::verbatim(self.out, self.protocol, format, text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Redis 8.2 and Valkey 9.1 print them; the third is as near to `..671.2`.
    #[test]
    fn doubles_are_those_of_servers() {
        for (number, text) in [
            (3.0, "3"),
            (-0.0, "-0"),
            (1_367_911_502_401_671.3, "1367911502401671.3"),
            (1e21, "1e+21"),
            (f64::INFINITY, "inf"),
        ] {
            let mut out = Vec::new();
            RespSink::new(&mut out, Protocol::Resp3).double(number);
            assert_eq!(out, format!(",{text}\r\n").into_bytes());
        }
    }
}
