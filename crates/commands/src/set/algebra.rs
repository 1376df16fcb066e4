use crate::{Context, Error, EventClass, Outcome};
use keyspace::{Edit, Set, SetRef, Settings, Ttl};
use packed::{Element, IntText};

/// What is made of several sets.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

pub(super) fn sinter(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_result(ctx, Operation::Intersection)
}

pub(super) fn sinterstore(ctx: &mut Context<'_, '_>) -> Outcome {
    store_result(ctx, Operation::Intersection)
}

pub(super) fn sunion(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_result(ctx, Operation::Union)
}

pub(super) fn sunionstore(ctx: &mut Context<'_, '_>) -> Outcome {
    store_result(ctx, Operation::Union)
}

pub(super) fn sdiff(ctx: &mut Context<'_, '_>) -> Outcome {
    reply_result(ctx, Operation::Difference)
}

pub(super) fn sdiffstore(ctx: &mut Context<'_, '_>) -> Outcome {
    store_result(ctx, Operation::Difference)
}

pub(super) fn sintercard(ctx: &mut Context<'_, '_>) -> Outcome {
    let refusal = "numkeys should be greater than 0";
    let numkeys = ctx.args.int_in(1..=i64::MAX, refusal)? as usize;
    if numkeys > ctx.args.left() {
        let text = "Number of keys can't be greater than number of args";
        return Err(Error::err(text));
    }
    let keys = ctx.args.take(numkeys)?;
    let mut limit = 0;
    while !ctx.args.is_done() {
        if !ctx.args.keyword("LIMIT") {
            return Err(Error::Syntax);
        }
        let refusal = "LIMIT can't be negative";
        limit = ctx.args.int_in(0..=i64::MAX, refusal)? as usize;
    }
    let sets = sources(ctx, keys)?;
    let limit = if limit == 0 { usize::MAX } else { limit };
    let count = intersection(&sets).take(limit).count();
    ctx.reply.integer(count as i64);
    Ok(())
}

fn reply_result(ctx: &mut Context<'_, '_>, operation: Operation) -> Outcome {
    let keys = ctx.args.rest();
    let result = operation.of(&sources(ctx, keys)?, &ctx.keys.settings());
    ctx.reply.set(result.as_ref().len());
    for member in result.as_ref().iter() {
        ctx.reply.element(member);
    }
    Ok(())
}

/// An empty result removes the destination, whatever it held.
fn store_result(ctx: &mut Context<'_, '_>, operation: Operation) -> Outcome {
    let destination = ctx.args.bytes()?;
    let keys = ctx.args.rest();
    let result = operation.of(&sources(ctx, keys)?, &ctx.keys.settings());
    let len = result.as_ref().len();
    keys.iter().for_each(|key| ctx.event_if_missing(key));
    if len == 0 {
        ctx.remove_stored(destination);
    } else {
        let value = result.into_value();
        ctx.keys.insert(ctx.db, destination, value, Ttl::Clear);
        ctx.event(EventClass::SET, operation.store_event(), destination);
    }
    ctx.reply.integer(len as i64);
    Ok(())
}

/// The set at each key, `None` where there is none. Every type is checked.
fn sources<'k>(ctx: &'k Context<'_, '_>, keys: &[&[u8]]) -> Result<Vec<Option<SetRef<'k>>>, Error> {
    let sets = keys.iter().map(|key| ctx.keys.set(ctx.db, key));
    Ok(sets.collect::<Result<_, _>>()?)
}

impl Operation {
    /// What is told of a key in which the result was stored.
    fn store_event(self) -> &'static str {
        match self {
            Operation::Union => "sunionstore",
            Operation::Intersection => "sinterstore",
            Operation::Difference => "sdiffstore",
        }
    }

    fn of(self, sets: &[Option<SetRef<'_>>], settings: &Settings) -> Set {
        let mut result = Set::empty(settings);
        let mut add = |member: Element<'_>| {
            let mut buffer = IntText::default();
            result.insert(settings, member.text(&mut buffer));
        };
        match self {
            Operation::Union => sets
                .iter()
                .flatten()
                .flat_map(|set| set.iter())
                .for_each(&mut add),
            Operation::Intersection => intersection(sets).for_each(&mut add),
            Operation::Difference => difference(sets).for_each(&mut add),
        }
        result
    }
}

/// The members of the smallest set that are in all others.
fn intersection<'s>(sets: &'s [Option<SetRef<'s>>]) -> impl Iterator<Item = Element<'s>> {
    let all_there = sets.iter().all(Option::is_some);
    let smallest = sets.iter().flatten().min_by_key(|set| set.len());
    let members = smallest
        .filter(|_| all_there)
        .into_iter()
        .flat_map(|set| set.iter());
    members.filter(|member| {
        let mut buffer = IntText::default();
        let member = member.text(&mut buffer);
        sets.iter().flatten().all(|set| set.contains(member))
    })
}

/// The members of the first set that are in none of the others.
fn difference<'s>(sets: &'s [Option<SetRef<'s>>]) -> impl Iterator<Item = Element<'s>> {
    let (first, others) = sets
        .split_first()
        .map_or((None, sets), |(first, others)| (first.as_ref(), others));
    let members = first.into_iter().flat_map(|set| set.iter());
    members.filter(|member| {
        let mut buffer = IntText::default();
        let member = member.text(&mut buffer);
        !others.iter().flatten().any(|set| set.contains(member))
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{Fixture, bulks};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    type Model = BTreeSet<String>;

    /// Members that are integers in some sets and not in others.
    fn a_set() -> impl Strategy<Value = Model> {
        let member = prop_oneof![(0..30u8).prop_map(|n| n.to_string()), "[a-e]{1,2}"];
        prop::collection::btree_set(member, 0..20)
    }

    fn combined(name: &str, sets: &[Model]) -> Model {
        let mut result = sets[0].clone();
        for other in &sets[1..] {
            result = match name {
                "union" => &result | other,
                "inter" => &result & other,
                _ => &result - other,
            };
        }
        result
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn agrees_with_the_sets_of_std(sets in prop::collection::vec(a_set(), 1..4)) {
            let mut fixture = Fixture::new();
            let mut keys = String::new();
            for (i, set) in sets.iter().enumerate() {
                keys.push_str(&format!(" k{i}"));
                set.iter().for_each(|member| drop(fixture.run(&format!("sadd k{i} {member}"))));
            }
            for name in ["union", "inter", "diff"] {
                let wanted = combined(name, &sets);
                let got: Model = bulks(&fixture.run(&format!("s{name}{keys}"))).into_iter().collect();
                prop_assert_eq!(&got, &wanted);
                let len = fixture.run(&format!("s{name}store dest{keys}"));
                prop_assert_eq!(len, format!("(integer) {}", wanted.len()));
                let stored: Model = bulks(&fixture.run("smembers dest")).into_iter().collect();
                prop_assert_eq!(&stored, &wanted);
            }
        }
    }
}
