use crate::{Args, Error};

/// Takes a number of keys and that many keys, as LMPOP and ZMPOP have them; too few keys are a
/// syntax error.
pub(crate) fn numkeys<'a>(args: &mut Args<'a>) -> Result<&'a [&'a [u8]], Error> {
    let count = args.int_in(1..=i64::MAX, "numkeys should be greater than 0")?;
    args.take(usize::try_from(count).unwrap_or(usize::MAX))
}
