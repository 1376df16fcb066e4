//! Values to JSON.

use super::{Config, DEPTH_MAX, Fallible, Invalid};
use crate::natives::{numeric, type_name};
use crate::number::general;
use mlua::{Table, Value};

pub(super) fn encode(value: &Value, config: &Config) -> Fallible<Vec<u8>> {
    let mut encoder = Encoder {
        out: Vec::new(),
        depth: 0,
        config,
    };
    encoder.value(value)?;
    Ok(encoder.out)
}

/// So many holes are written as `null`, whatever a script chose: each costs time and memory.
const HOLES_MAX: f64 = 1e6;

struct Encoder<'c> {
    out: Vec<u8>,
    depth: i64,
    config: &'c Config,
}

impl Encoder<'_> {
    fn value(&mut self, value: &Value) -> Fallible<()> {
        match value {
            Value::String(text) => self.text(&text.as_bytes()),
            Value::Integer(number) => self.number(*number as f64)?,
            Value::Number(number) => self.number(*number)?,
            Value::Boolean(truth) => self.plain(if *truth { "true" } else { "false" }),
            Value::Table(table) => self.table(table)?,
            Value::Nil => self.plain("null"),
            Value::LightUserData(pointer) if pointer.0.is_null() => self.plain("null"),
            other => return Err(cannot(type_name(Some(other)), "type not supported")),
        }
        Ok(())
    }

    fn plain(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        self.out.push(b'"');
        for &byte in text {
            match byte {
                b'"' => self.plain("\\\""),
                b'\\' => self.plain("\\\\"),
                b'/' => self.plain("\\/"),
                8 => self.plain("\\b"),
                b'\t' => self.plain("\\t"),
                b'\n' => self.plain("\\n"),
                12 => self.plain("\\f"),
                b'\r' => self.plain("\\r"),
                0..=31 | 127 => self.plain(&format!("\\u{byte:04x}")),
                _ => self.out.push(byte),
            }
        }
        self.out.push(b'"');
    }

    fn number(&mut self, number: f64) -> Fallible<()> {
        if number.is_finite() {
            self.plain(&general(number, self.config.precision as usize));
            return Ok(());
        }
        match self.config.encode_invalid {
            Invalid::Refused => return Err(cannot("number", "must not be NaN or Inf")),
            Invalid::Null => self.plain("null"),
            Invalid::Printed if number.is_nan() => self.plain("nan"),
            Invalid::Printed => self.plain(if number < 0.0 { "-inf" } else { "inf" }),
        }
        Ok(())
    }

    fn table(&mut self, table: &Table) -> Fallible<()> {
        self.depth += 1;
        if self.depth > self.config.encode_depth_max.min(DEPTH_MAX) {
            let depth = self.depth;
            return Err(format!("Cannot serialise, excessive nesting ({depth})"));
        }
        let pairs = pairs(table)?;
        match self.array_len(&pairs)? {
            None | Some(0) => self.object(&pairs)?,
            Some(len) => self.array(table, len)?,
        }
        self.depth -= 1;
        Ok(())
    }

    /// The greatest index, if all keys are indexes.
    fn array_len(&self, pairs: &[(Value, Value)]) -> Fallible<Option<usize>> {
        let mut greatest = 0.0f64;
        for (key, _) in pairs {
            match numeric(key) {
                Some(key) if key >= 1.0 && key.fract() == 0.0 => greatest = greatest.max(key),
                _ => return Ok(None),
            }
        }
        let Config {
            sparse_ratio,
            sparse_safe,
            ..
        } = *self.config;
        let too_many = pairs.len() as f64 * sparse_ratio as f64;
        if greatest > pairs.len() as f64 + HOLES_MAX {
            return Err(cannot("table", "excessively sparse array"));
        }
        if sparse_ratio > 0 && greatest > too_many && greatest > sparse_safe as f64 {
            return match self.config.sparse_convert {
                true => Ok(None),
                false => Err(cannot("table", "excessively sparse array")),
            };
        }
        Ok(Some(greatest as usize))
    }

    fn array(&mut self, table: &Table, len: usize) -> Fallible<()> {
        self.out.push(b'[');
        for at in 1..=len {
            if at > 1 {
                self.out.push(b',');
            }
            let item: Value = table.raw_get(at).map_err(|error| error.to_string())?;
            self.value(&item)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn object(&mut self, pairs: &[(Value, Value)]) -> Fallible<()> {
        self.out.push(b'{');
        for (at, (key, value)) in pairs.iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            match (key, numeric(key)) {
                (Value::String(text), _) => self.text(&text.as_bytes()),
                (_, Some(number)) => {
                    self.out.push(b'"');
                    self.number(number)?;
                    self.out.push(b'"');
                }
                _ => {
                    let reason = "table key must be a number or string";
                    return Err(cannot(type_name(Some(key)), reason));
                }
            }
            self.out.push(b':');
            self.value(value)?;
        }
        self.out.push(b'}');
        Ok(())
    }
}

/// Every key with its value, in the order in which `next` gives them.
fn pairs(table: &Table) -> Fallible<Vec<(Value, Value)>> {
    let mut pairs = Vec::new();
    let gathered = table.for_each(|key: Value, value: Value| {
        pairs.push((key, value));
        Ok(())
    });
    gathered.map_err(|error| error.to_string())?;
    Ok(pairs)
}

fn cannot(what: &str, why: &str) -> String {
    format!("Cannot serialise {what}: {why}")
}
