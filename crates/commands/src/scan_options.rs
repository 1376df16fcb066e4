use crate::{Args, Error, ReplySink, glob};

/// What HSCAN, SSCAN and ZSCAN take behind their cursor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScanOptions<'a> {
    pattern: Option<&'a [u8]>,
    /// About how many elements one call should visit; at least 1.
    pub(crate) count: usize,
    /// HSCAN and ZSCAN: names only, without values or scores.
    pub(crate) names_only: bool,
}

/// Whose options they are; two commands have a word that the others know and refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScanOf {
    Hash,
    Set,
    SortedSet,
}

const NOT_HSCAN: &str = "NOVALUES option can only be used in HSCAN";
const NOT_ZSCAN: &str = "NOSCORES option can only be used in ZSCAN";

/// Takes a cursor.
pub(crate) fn parse_cursor(args: &mut Args<'_>) -> Result<u64, Error> {
    let digits = std::str::from_utf8(args.bytes()?).ok();
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Error::err("invalid cursor"))
}

impl<'a> ScanOptions<'a> {
    /// Takes the options behind the cursor.
    pub(crate) fn parse(args: &mut Args<'a>, of: ScanOf) -> Result<ScanOptions<'a>, Error> {
        let mut options = ScanOptions {
            pattern: None,
            count: 10,
            names_only: false,
        };
        let mut refusal = None;
        while !args.is_done() {
            if args.keyword("MATCH") {
                options.pattern = Some(args.bytes()?);
            } else if args.keyword("COUNT") {
                let count = usize::try_from(args.int()?).map_err(|_| Error::Syntax)?;
                options.count = count;
            } else if args.keyword("NOVALUES") {
                options.names_only = true;
                refusal = refusal.or((of != ScanOf::Hash).then_some(NOT_HSCAN));
            } else if args.keyword("NOSCORES") {
                options.names_only = true;
                refusal = refusal.or((of != ScanOf::SortedSet).then_some(NOT_ZSCAN));
            } else {
                return Err(Error::Syntax);
            }
        }
        if let Some(refusal) = refusal {
            return Err(Error::err(refusal));
        }
        if options.count == 0 {
            return Err(Error::Syntax);
        }
        Ok(options)
    }

    /// Whether a name is asked for.
    pub(crate) fn wants(&self, name: &[u8]) -> bool {
        self.pattern
            .is_none_or(|pattern| glob::matches(pattern, name))
    }
}

/// The reply of a scan: where to go on, and what was found.
pub(crate) fn reply_scan(reply: &mut dyn ReplySink, cursor: u64, found: &[Vec<u8>]) {
    reply.array(2);
    reply.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    reply.array(found.len());
    for item in found {
        reply.bulk(item);
    }
}
