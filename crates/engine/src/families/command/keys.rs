//! COMMAND GETKEYS and GETKEYSANDFLAGS.

use crate::registry;
use crate::session::Session;
use commands::{Args, Error, Flags, KeyRefs, KeySpec, Outcome, ReplySink};

pub(super) fn get_keys(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let argv = args.rest();
    let keys = keys_of(argv)?;
    reply.array(keys.len());
    keys.iter().for_each(|key| reply.bulk(argv[key.at]));
    Ok(())
}

pub(super) fn get_keys_and_flags(
    _: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let argv = args.rest();
    let keys = keys_of(argv)?;
    reply.array(keys.len());
    for key in keys {
        reply.array(2);
        reply.bulk(argv[key.at]);
        let names: Vec<String> = key.access.names().collect();
        reply.set(names.len());
        names.iter().for_each(|name| reply.simple(name));
    }
    Ok(())
}

/// The keys of a request, which has to have some unless its command may do without.
fn keys_of(argv: &[&[u8]]) -> Result<KeyRefs, Error> {
    let entry = registry::identify(argv).map_err(|_| Error::err("Invalid command specified"))?;
    let spec = entry.spec();
    if matches!(spec.keys, KeySpec::None) {
        return Err(Error::err("The command has no key arguments"));
    }
    if !spec.accepts(argv.len()) {
        return Err(Error::err(
            "Invalid number of arguments specified for command",
        ));
    }
    let keys = spec.key_refs(argv).unwrap_or_default();
    if keys.is_empty() && !spec.flags.contains(Flags::NO_MANDATORY_KEYS) {
        return Err(Error::err("Invalid arguments specified for command"));
    }
    Ok(keys)
}
