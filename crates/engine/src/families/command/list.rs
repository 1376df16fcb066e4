//! COMMAND LIST.

use crate::registry;
use crate::session::Session;
use commands::{Args, CATEGORIES, Error, Outcome, ReplySink, Spec, glob};

/// Containers come with what they contain.
pub(super) fn list(_: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let filter = Filter::parse(args)?;
    let specs = registry::specs().filter(|spec| filter.lets_through(spec));
    let names: Vec<&str> = specs.map(|spec| spec.name).collect();
    reply.array(names.len());
    names.iter().for_each(|name| reply.bulk(name.as_bytes()));
    Ok(())
}

/// Which commands are listed.
enum Filter<'a> {
    All,
    None,
    Category(&'a [u8]),
    Pattern(&'a [u8]),
}

impl<'a> Filter<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Filter<'a>, Error> {
        if args.is_done() {
            return Ok(Filter::All);
        }
        if args.left() != 3 || !args.keyword("FILTERBY") {
            return Err(Error::Syntax);
        }
        if args.keyword("MODULE") {
            args.bytes()?;
            Ok(Filter::None)
        } else if args.keyword("ACLCAT") {
            args.bytes().map(Filter::Category)
        } else if args.keyword("PATTERN") {
            args.bytes().map(Filter::Pattern)
        } else {
            Err(Error::Syntax)
        }
    }

    fn lets_through(&self, spec: &Spec) -> bool {
        match self {
            Filter::All => true,
            Filter::None => false,
            Filter::Category(name) => {
                let is_it = |known: &&str| known.as_bytes().eq_ignore_ascii_case(name);
                let category = CATEGORIES.iter().find(|known| is_it(known));
                category.is_some_and(|category| spec.categories().any(|one| one == *category))
            }
            Filter::Pattern(pattern) => {
                glob::matches(&pattern.to_ascii_lowercase(), spec.name.as_bytes())
            }
        }
    }
}
