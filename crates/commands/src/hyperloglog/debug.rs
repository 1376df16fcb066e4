//! PFDEBUG: how a HyperLogLog is kept.

use super::sketch::{self, Sketch};
use super::{HEADER_LEN, sparse, stored};
use crate::{Context, Error, Outcome};
use keyspace::Ttl;

pub(super) fn pfdebug(ctx: &mut Context<'_, '_>) -> Outcome {
    let (sub, key) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let bytes = stored(ctx, key)?.ok_or_else(|| Error::err("The specified key does not exist"))?;
    let bytes = bytes.into_owned();
    match sub.to_ascii_lowercase().as_slice() {
        b"getreg" => getreg(ctx, key, bytes),
        b"decode" => decode(ctx, &bytes),
        b"encoding" => {
            let dense = sketch::is_dense(&bytes);
            ctx.reply.simple(if dense { "dense" } else { "sparse" });
            Ok(())
        }
        b"todense" => {
            let changed = to_dense(ctx, key, bytes)?;
            ctx.reply.integer(changed.into());
            Ok(())
        }
        _ => {
            let sub = String::from_utf8_lossy(sub);
            Err(Error::err(format_args!(
                "Unknown PFDEBUG subcommand '{sub}'"
            )))
        }
    }
}

/// The registers, one by one; as in Redis, who asks for them gets a dense HyperLogLog.
fn getreg(ctx: &mut Context<'_, '_>, key: &[u8], bytes: Vec<u8>) -> Outcome {
    let registers = sketch::registers(&bytes)?;
    to_dense(ctx, key, bytes)?;
    ctx.reply.array(registers.len());
    for register in registers.iter() {
        ctx.reply.integer((*register).into());
    }
    Ok(())
}

/// Makes a HyperLogLog dense; whether it was not yet.
fn to_dense(ctx: &mut Context<'_, '_>, key: &[u8], bytes: Vec<u8>) -> Result<bool, Error> {
    if sketch::is_dense(&bytes) {
        return Ok(false);
    }
    let mut sketch = Sketch::from_bytes(bytes);
    sketch.make_dense()?;
    ctx.keys.set_string(ctx.db, key, sketch.bytes(), Ttl::Keep);
    Ok(true)
}

/// The runs of the sparse form: `z:` and `Z:` of zeros, said in one byte or in two, `v:` of a value.
fn decode(ctx: &mut Context<'_, '_>, bytes: &[u8]) -> Outcome {
    if sketch::is_dense(bytes) {
        return Err(Error::err("HLL encoding is not sparse"));
    }
    let text = sparse::describe(bytes.get(HEADER_LEN..).unwrap_or(&[]))?;
    ctx.reply.bulk(text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Fixture;

    #[test]
    fn who_looks_at_registers_makes_them_dense() {
        let mut fixture = Fixture::new();
        fixture.run("pfadd k a b c");
        assert_eq!(fixture.run("pfdebug ENCODING k"), "sparse");
        let before = fixture.run("pfcount k");
        let registers = fixture.run("pfdebug getreg k");
        assert_eq!(registers.lines().count(), super::super::REGISTERS);
        assert!(!fixture.effects().is_empty());
        assert_eq!(fixture.run("pfdebug encoding k"), "dense");
        assert_eq!(fixture.run("pfdebug todense k"), "(integer) 0");
        assert_eq!(fixture.effects(), "");
        assert_eq!(fixture.run("pfcount k"), before);
    }
}
