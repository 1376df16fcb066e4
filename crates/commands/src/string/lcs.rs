//! LCS: the longest sequence of bytes, not necessarily adjacent, that two strings share.

use crate::{Args, Context, Error, Outcome, ReplySink};
use std::ops::Range;

#[derive(Default)]
struct LcsOptions {
    len: bool,
    idx: bool,
    with_match_len: bool,
    /// Shorter runs are not listed.
    min_match_len: usize,
}

impl LcsOptions {
    fn parse(args: &mut Args<'_>) -> Result<LcsOptions, Error> {
        let mut options = LcsOptions::default();
        while !args.is_done() {
            if args.keyword("LEN") {
                options.len = true;
            } else if args.keyword("IDX") {
                options.idx = true;
            } else if args.keyword("WITHMATCHLEN") {
                options.with_match_len = true;
            } else if args.keyword("MINMATCHLEN") {
                options.min_match_len = usize::try_from(args.int()?).unwrap_or(0);
            } else {
                return Err(Error::Syntax);
            }
        }
        if options.len && options.idx {
            let text = "If you want both the length and indexes, please just use IDX.";
            return Err(Error::err(text));
        }
        Ok(options)
    }
}

pub(super) fn lcs(ctx: &mut Context<'_, '_>) -> Outcome {
    let (key_a, key_b) = (ctx.args.bytes()?, ctx.args.bytes()?);
    let (a, b) = (string_at(ctx, key_a)?, string_at(ctx, key_b)?);
    let options = LcsOptions::parse(&mut ctx.args)?;
    let table = Table::fill(&a, &b, ctx.settings.string_bytes_max)?;
    if options.len {
        ctx.reply.integer(table.len().into());
    } else if options.idx {
        reply_runs(ctx.reply, &table, &options);
    } else {
        ctx.reply.bulk(&table.sequence());
    }
    Ok(())
}

fn string_at(ctx: &Context<'_, '_>, key: &[u8]) -> Result<Vec<u8>, Error> {
    match ctx.keys.string(ctx.db, key) {
        Ok(string) => Ok(string.map_or(Vec::new(), |string| string.to_vec())),
        Err(_) => Err(Error::err("The specified keys must contain string values")),
    }
}

fn reply_runs(reply: &mut dyn ReplySink, table: &Table<'_>, options: &LcsOptions) {
    let mut runs = table.runs();
    runs.retain(|run| run.a.len() >= options.min_match_len);
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(runs.len());
    for run in runs {
        reply.array(2 + usize::from(options.with_match_len));
        for range in [&run.a, &run.b] {
            reply.array(2);
            reply.integer(range.start as i64);
            reply.integer(range.end as i64 - 1);
        }
        if options.with_match_len {
            reply.integer(run.a.len() as i64);
        }
    }
    reply.bulk(b"len");
    reply.integer(table.len().into());
}

/// Lengths of the longest common sequence of every two prefixes.
struct Table<'s> {
    a: &'s [u8],
    b: &'s [u8],
    lens: Vec<u32>,
}

/// Bytes that follow each other in both strings.
struct Run {
    a: Range<usize>,
    b: Range<usize>,
}

impl<'s> Table<'s> {
    fn fill(a: &'s [u8], b: &'s [u8], bytes_max: usize) -> Result<Table<'s>, Error> {
        let cells = (a.len() + 1).saturating_mul(b.len() + 1);
        if cells.saturating_mul(size_of::<u32>()) > bytes_max {
            let text = "Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
            return Err(Error::err(text));
        }
        let width = b.len() + 1;
        let mut lens = vec![0_u32; cells];
        for (i, byte_a) in a.iter().enumerate() {
            let (above, row) = lens[i * width..(i + 2) * width].split_at_mut(width);
            for (j, byte_b) in b.iter().enumerate() {
                row[j + 1] = if byte_a == byte_b {
                    above[j] + 1
                } else {
                    above[j + 1].max(row[j])
                };
            }
        }
        Ok(Table { a, b, lens })
    }

    /// Of the first `i` and `j` bytes.
    fn at(&self, i: usize, j: usize) -> u32 {
        self.lens[i * (self.b.len() + 1) + j]
    }

    fn len(&self) -> u32 {
        self.at(self.a.len(), self.b.len())
    }

    /// The runs that make up one longest sequence, last first.
    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let (mut i, mut j) = (self.a.len(), self.b.len());
        while i > 0 && j > 0 {
            if self.a[i - 1] == self.b[j - 1] {
                match runs
                    .last_mut()
                    .filter(|run| run.a.start == i && run.b.start == j)
                {
                    Some(run) => (run.a.start, run.b.start) = (i - 1, j - 1),
                    None => runs.push(Run {
                        a: i - 1..i,
                        b: j - 1..j,
                    }),
                }
                (i, j) = (i - 1, j - 1);
            } else if self.at(i - 1, j) > self.at(i, j - 1) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        runs
    }

    fn sequence(&self) -> Vec<u8> {
        let mut sequence = Vec::with_capacity(self.len() as usize);
        for run in self.runs().into_iter().rev() {
            sequence.extend_from_slice(&self.a[run.a]);
        }
        sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(a: &str, b: &str) -> String {
        let table = Table::fill(a.as_bytes(), b.as_bytes(), 1 << 20).expect("small");
        String::from_utf8(table.sequence()).expect("ASCII")
    }

    #[test]
    fn finds_what_is_common() {
        assert_eq!(longest("ohmytext", "mynewtext"), "mytext");
        assert_eq!(longest("", "abc"), "");
        assert_eq!(longest("abc", "xyz"), "");
    }

    #[test]
    fn strings_too_long_for_the_table_are_refused() {
        let long = vec![b'x'; 1000];
        assert!(Table::fill(&long, &long, 1 << 20).is_err());
    }
}
