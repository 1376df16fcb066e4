//! SORT and SORT_RO: the elements of a list, set or sorted set in an order that may come from other
//! keys, told, replaced by what other keys hold, or stored as a list.

use crate::{
    Args, Command, Context, Error, EventClass, Flags, Group, KeyAccess, KeyBegin, KeyPositions,
    KeySpec, Outcome, Spec,
};
use keyspace::{Edit, List, StringRef, Ttl, ValueRef};
use packed::number;
use std::cmp::Ordering;

const fn row(name: &'static str, flags: Flags) -> Spec {
    Spec::new(name, -2, Group::Generic, flags)
        .undeclared_keys()
        .not_in_category_of_group()
        .also_in(&["set", "sortedset", "list", "dangerous"])
}

/// What a list, set or sorted set is sorted by, and what is told of its elements.
const BY_AND_GET: (KeyBegin, KeyAccess) = (KeyBegin::Unknown, KeyAccess::READ);

const SORT_KEYS: KeySpec = KeySpec::Custom {
    find: sort_keys,
    told: &[
        (KeyBegin::Index(1), KeyAccess::READ),
        BY_AND_GET,
        (KeyBegin::Unknown, KeyAccess::OVERWRITE),
    ],
};

const SORT_RO_KEYS: KeySpec = KeySpec::Custom {
    find: |_, found| found.push(1),
    told: &[(KeyBegin::Index(1), KeyAccess::READ), BY_AND_GET],
};

#[rustfmt::skip]
pub(crate) const COMMANDS: &[Command] = &[
    Command::new(row("sort", Flags::WRITE.union(Flags::DENYOOM).union(Flags::MOVABLEKEYS)).keys(SORT_KEYS)
        .access(&[KeyAccess::READ, KeyAccess::OVERWRITE])
        .doc("1.0.0", "O(N+M*log(M)) where N is the number of elements and M how many are returned",
            "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] [STORE destination]",
            "Returns or stores the elements of a list, a set or a sorted set in order."), sort),
    Command::new(row("sort_ro", Flags::READONLY.union(Flags::MOVABLEKEYS)).keys(SORT_RO_KEYS)
        .doc("7.0.0", "O(N+M*log(M)) where N is the number of elements and M how many are returned",
            "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]",
            "Returns the elements of a list, a set or a sorted set in order."), sort_ro),
];

/// The key sorted and the last one behind STORE. The arguments of other options are not looked at,
/// so `BY store` is no destination.
fn sort_keys(argv: &[&[u8]], found: &mut KeyPositions) {
    found.push(1);
    let (mut at, mut dest) = (2, None);
    while let Some(word) = argv.get(at) {
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        if is(b"STORE") {
            dest = Some(at + 1).filter(|at| *at < argv.len());
        }
        at += if is(b"LIMIT") {
            3
        } else if is(b"STORE") || is(b"BY") || is(b"GET") {
            2
        } else {
            1
        };
    }
    found.extend(dest);
}

#[derive(Default)]
struct SortOptions<'a> {
    by: Option<&'a [u8]>,
    get: Vec<&'a [u8]>,
    limit: Option<(i64, i64)>,
    descending: bool,
    alpha: bool,
    store: Option<&'a [u8]>,
}

impl<'a> SortOptions<'a> {
    fn parse(args: &mut Args<'a>, may_store: bool) -> Result<SortOptions<'a>, Error> {
        let mut options = SortOptions::default();
        while !args.is_done() {
            if args.keyword("ASC") {
                options.descending = false;
            } else if args.keyword("DESC") {
                options.descending = true;
            } else if args.keyword("ALPHA") {
                options.alpha = true;
            } else if args.left() > 2 && args.keyword("LIMIT") {
                options.limit = Some((args.int()?, args.int()?));
            } else if may_store && args.left() > 1 && args.keyword("STORE") {
                options.store = Some(args.bytes()?);
            } else if args.left() > 1 && args.keyword("BY") {
                options.by = Some(args.bytes()?);
            } else if args.left() > 1 && args.keyword("GET") {
                options.get.push(args.bytes()?);
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(options)
    }

    /// Whether elements keep the order in which they come: `BY` a pattern without `*` says so.
    fn keeps_order(&self) -> bool {
        self.by.is_some_and(|pattern| !pattern.contains(&b'*'))
    }

    /// Other keys are looked at only by those who may read any key.
    fn check_rights(&self, may_read_every_key: bool) -> Outcome {
        let option = match () {
            () if may_read_every_key => return Ok(()),
            () if self.by.is_some() && !self.keeps_order() => "BY",
            () if !self.get.is_empty() => "GET",
            () => return Ok(()),
        };
        Err(Error::err(format_args!(
            "{option} option of SORT denied due to insufficient ACL permissions."
        )))
    }

    /// The part of `len` elements that was asked for.
    fn range(&self, len: usize) -> std::ops::Range<usize> {
        let (start, count) = self.limit.unwrap_or((0, -1));
        let start = usize::try_from(start).unwrap_or(0).min(len);
        let count = usize::try_from(count).unwrap_or(len).min(len - start);
        start..start + count
    }
}

pub(crate) fn sort(ctx: &mut Context<'_, '_>) -> Outcome {
    run(ctx, true)
}

pub(crate) fn sort_ro(ctx: &mut Context<'_, '_>) -> Outcome {
    run(ctx, false)
}

fn run(ctx: &mut Context<'_, '_>, may_store: bool) -> Outcome {
    let key = ctx.args.bytes()?;
    let mut options = SortOptions::parse(&mut ctx.args, may_store)?;
    options.check_rights(ctx.settings.may_read_every_key)?;
    let subject = elements(ctx, key)?;
    let ordered = options.store.is_some() || ctx.settings.in_script;
    if subject.unordered && options.keeps_order() && ordered {
        // What is stored must not depend on how a set happens to lie in memory.
        options.by = None;
        options.alpha = true;
    }
    let sorted = order(ctx, subject, &options)?;
    let range = options.range(sorted.len());
    let results = sorted.get(range).unwrap_or_default();
    let rows = results
        .iter()
        .flat_map(|element| results_of(ctx, &options, element));
    let rows: Vec<Option<Vec<u8>>> = rows.collect();
    if may_store {
        ctx.event_if_missing(key);
    }
    match options.store {
        Some(dest) => store(ctx, dest, rows),
        None => tell(ctx, &rows),
    }
    Ok(())
}

/// What is sorted, in the order in which it comes.
struct Subject {
    elements: Vec<Vec<u8>>,
    unordered: bool,
}

fn elements(ctx: &Context<'_, '_>, key: &[u8]) -> Result<Subject, Error> {
    let entry = ctx.keys.get(ctx.db, key);
    let (elements, unordered) = match entry.map(|entry| entry.value()) {
        None => (Vec::new(), false),
        Some(ValueRef::List(list)) => (list.iter().map(|e| e.to_vec()).collect(), false),
        Some(ValueRef::Set(set)) => (set.iter().map(|e| e.to_vec()).collect(), true),
        Some(ValueRef::Zset(zset)) => (zset.iter().map(|(e, _)| e.to_vec()).collect(), false),
        Some(_) => return Err(Error::WrongType),
    };
    Ok(Subject {
        elements,
        unordered,
    })
}

/// What an element is sorted by.
enum Weight {
    Number(f64),
    /// `None`, for a key that is missing, comes first.
    Text(Option<Vec<u8>>),
}

fn order(
    ctx: &Context<'_, '_>,
    subject: Subject,
    options: &SortOptions<'_>,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut elements = subject.elements;
    if options.keeps_order() {
        if options.descending && !subject.unordered {
            elements.reverse();
        }
        return Ok(elements);
    }
    let mut weighted = elements
        .into_iter()
        .map(|element| Ok((weight(ctx, &element, options)?, element)))
        .collect::<Result<Vec<(Weight, Vec<u8>)>, Error>>()?;
    weighted.sort_by(|(a, element_a), (b, element_b)| {
        // Equal numbers fall back on the bytes, so that the result is the same everywhere.
        let tie = || match a {
            Weight::Number(_) => element_a.cmp(element_b),
            Weight::Text(_) => Ordering::Equal,
        };
        let ascending = compare(a, b).then_with(tie);
        if options.descending {
            ascending.reverse()
        } else {
            ascending
        }
    });
    Ok(weighted.into_iter().map(|(_, element)| element).collect())
}

fn compare(a: &Weight, b: &Weight) -> Ordering {
    match (a, b) {
        (Weight::Number(a), Weight::Number(b)) => a.total_cmp(b),
        (Weight::Text(a), Weight::Text(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

fn weight(
    ctx: &Context<'_, '_>,
    element: &[u8],
    options: &SortOptions<'_>,
) -> Result<Weight, Error> {
    let text = match options.by {
        Some(pattern) => look_up(ctx, pattern, element),
        None => Some(element.to_vec()),
    };
    if options.alpha {
        return Ok(Weight::Text(text));
    }
    let Some(text) = text else {
        return Ok(Weight::Number(0.0));
    };
    // Real servers read a weight as C does, from behind blanks up to the first NUL.
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    // Positive and negative zero are the same number.
    let number = number::parse_f64(text.trim_ascii_start()).filter(|number| !number.is_nan());
    let number = number.or(text.is_empty().then_some(0.0));
    number
        .map(|number| Weight::Number(number + 0.0))
        .ok_or_else(|| Error::err("One or more scores can't be converted into double"))
}

/// What stands in an element's place: itself, or what the GET patterns find.
fn results_of<'e>(
    ctx: &'e Context<'_, '_>,
    options: &'e SortOptions<'_>,
    element: &'e [u8],
) -> impl Iterator<Item = Option<Vec<u8>>> + 'e {
    let itself = options.get.is_empty().then(|| Some(element.to_vec()));
    let found = options
        .get
        .iter()
        .map(|pattern| look_up(ctx, pattern, element));
    itself.into_iter().chain(found)
}

/// The string that a pattern leads to: `#` is the element itself, a `*` stands for it in the name of
/// a key, and `->` divides that from the name of a field.
fn look_up(ctx: &Context<'_, '_>, pattern: &[u8], element: &[u8]) -> Option<Vec<u8>> {
    if pattern == b"#" {
        return Some(element.to_vec());
    }
    let star = pattern.iter().position(|&byte| byte == b'*')?;
    let (before, after) = (&pattern[..star], &pattern[star + 1..]);
    let arrow = after.windows(2).position(|pair| pair == b"->");
    // An arrow at the very end is part of the name.
    let (after, field) = match arrow {
        Some(at) if at + 2 < after.len() => (&after[..at], Some(&after[at + 2..])),
        _ => (after, None),
    };
    let key = [before, element, after].concat();
    let found: Option<StringRef<'_>> = match field {
        None => ctx.keys.string(ctx.db, &key).ok()?,
        Some(field) => ctx
            .keys
            .hash(ctx.db, &key)
            .ok()??
            .get(field, ctx.keys.now()),
    };
    found.map(|string| string.to_vec())
}

fn tell(ctx: &mut Context<'_, '_>, rows: &[Option<Vec<u8>>]) {
    ctx.reply.array(rows.len());
    for row in rows {
        match row {
            Some(bytes) => ctx.reply.bulk(bytes),
            None => ctx.reply.null(),
        }
    }
}

/// Stores a list in place of whatever the key held; nothing is stored as no key at all.
fn store(ctx: &mut Context<'_, '_>, dest: &[u8], rows: Vec<Option<Vec<u8>>>) {
    if rows.is_empty() {
        ctx.remove_stored(dest);
    } else {
        let settings = ctx.keys.settings();
        let mut list = List::empty(&settings);
        for row in &rows {
            list.push_back(&settings, row.as_deref().unwrap_or_default());
        }
        ctx.keys.insert(ctx.db, dest, list.into_value(), Ttl::Clear);
        ctx.event(EventClass::LIST, "sortstore", dest);
    }
    ctx.reply.integer(rows.len() as i64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_effects, check_transcript};

    #[test]
    fn transcript() {
        check_transcript("sort");
    }

    #[test]
    fn effects_make_a_twin() {
        check_effects("sort");
    }

    #[test]
    fn only_store_names_a_destination() {
        let positions = |line: &str| {
            let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            SORT_KEYS.positions(&argv).map(|found| found.to_vec())
        };
        assert_eq!(positions("sort k by store get # store d"), Some(vec![1, 7]));
        assert_eq!(positions("sort k limit 0 store"), Some(vec![1]));
        assert_eq!(positions("sort k store"), Some(vec![1]));
    }

    #[test]
    fn ranges_stay_inside() {
        let range = |start, count| {
            let limit = Some((start, count));
            SortOptions {
                limit,
                ..SortOptions::default()
            }
            .range(5)
        };
        assert_eq!(range(1, 2), 1..3);
        assert_eq!(range(-3, 2), 0..2);
        assert_eq!(range(9, 2), 5..5);
        assert_eq!(range(3, -1), 3..5);
        assert_eq!(range(i64::MAX, i64::MAX), 5..5);
    }
}
