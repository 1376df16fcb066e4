//! The events that follow from keys that are not there when a command begins: one that only reads
//! them missed them (`keymiss`), and one that writes may have made them (`new`).

use crate::{Context, Error, EventClass, Flags, Handler, Outcome, Spec};

/// Runs a handler, looking at its keys before and after.
pub(crate) fn run(spec: &Spec, handler: Handler, ctx: &mut Context<'_, '_>) -> Outcome {
    let argv = ctx.args.argv();
    let positions = spec.keys.positions(argv).unwrap_or_default();
    let missing = positions.iter().map(|&at| argv[at]);
    let missing: Vec<&[u8]> = missing
        .filter(|key| !ctx.keys.exists(ctx.db, key))
        .collect();
    let outcome = handler(ctx);
    if spec.flags.contains(Flags::WRITE) {
        missing.iter().for_each(|key| tell_new(ctx, key));
    } else if has_looked(&outcome) && !is_unheard(spec) {
        for key in missing {
            ctx.event(EventClass::KEY_MISS, "keymiss", key);
        }
    }
    outcome
}

/// Whether a command got as far as its keys; its arguments come first.
fn has_looked(outcome: &Outcome) -> bool {
    matches!(outcome, Ok(()) | Err(Error::NoSuchKey | Error::WrongType))
}

/// Whether the command looks at keys without its being told.
fn is_unheard(spec: &Spec) -> bool {
    spec.name.starts_with("object|") || spec.name.starts_with("memory|")
}

/// Tells that a key which was missing is there now.
fn tell_new(ctx: &mut Context<'_, '_>, key: &[u8]) {
    let told = ctx.settings.notify.contains(EventClass::NEW);
    if told && ctx.keys.exists(ctx.db, key) {
        ctx.effects.tell_new(ctx.db, key);
    }
}
