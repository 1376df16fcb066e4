use crate::{Args, Context, Error, Outcome};
use keyspace::ListRef;

/// What LPOS looks for, and how far.
struct Search<'a> {
    element: &'a [u8],
    /// Matches to pass over before the first that counts.
    skip: u64,
    /// Whether the tail is searched first.
    backwards: bool,
    /// Matches wanted; `None` without COUNT, where one is replied by itself.
    count: Option<usize>,
    /// Elements to compare at most.
    compared_max: usize,
}

pub(super) fn lpos(ctx: &mut Context<'_, '_>) -> Outcome {
    let key = ctx.args.bytes()?;
    let search = Search::parse(&mut ctx.args)?;
    let list = ctx.keys.list(ctx.db, key)?;
    let found = list.map_or(Vec::new(), |list| search.run(list));
    if search.count.is_some() {
        ctx.reply.array(found.len());
        found.iter().for_each(|&at| ctx.reply.integer(at as i64));
    } else {
        match found.first() {
            Some(&at) => ctx.reply.integer(at as i64),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}

impl<'a> Search<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Search<'a>, Error> {
        let mut search = Search {
            element: args.bytes()?,
            skip: 0,
            backwards: false,
            count: None,
            compared_max: usize::MAX,
        };
        while !args.is_done() {
            if args.keyword("RANK") {
                let rank = parse_rank(args)?;
                search.skip = rank.unsigned_abs() - 1;
                search.backwards = rank < 0;
            } else if args.keyword("COUNT") {
                let count = args.int_in(0..=i64::MAX, "COUNT can't be negative")?;
                search.count = Some(unlimited_if_zero(count));
            } else if args.keyword("MAXLEN") {
                let len = args.int_in(0..=i64::MAX, "MAXLEN can't be negative")?;
                search.compared_max = unlimited_if_zero(len);
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(search)
    }

    /// The indexes of the matches, in the order in which they were met.
    fn run(&self, list: ListRef<'_>) -> Vec<usize> {
        let wanted = self.count.unwrap_or(1);
        if self.backwards {
            let last = list.len().wrapping_sub(1);
            let matches = self.matches(list.iter().rev());
            matches.map(|at| last - at).take(wanted).collect()
        } else {
            self.matches(list.iter()).take(wanted).collect()
        }
    }

    fn matches<'e>(
        &self,
        elements: impl Iterator<Item = packed::Element<'e>>,
    ) -> impl Iterator<Item = usize> {
        elements
            .take(self.compared_max)
            .enumerate()
            .filter(|(_, element)| element.eq_text(self.element))
            .map(|(at, _)| at)
            .skip(usize::try_from(self.skip).unwrap_or(usize::MAX))
    }
}

fn parse_rank(args: &mut Args<'_>) -> Result<i64, Error> {
    match args.int_between(-i64::MAX, i64::MAX)? {
        0 => Err(Error::err(
            "RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
             or use negative to start from the end of the list",
        )),
        rank => Ok(rank),
    }
}

fn unlimited_if_zero(count: i64) -> usize {
    match count {
        0 => usize::MAX,
        count => usize::try_from(count).unwrap_or(usize::MAX),
    }
}
