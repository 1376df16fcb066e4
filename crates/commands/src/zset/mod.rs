//! Sorted sets: members with scores, ordered by score and then by bytes.

mod add;
mod algebra;
mod member;
mod pop;
mod random;
mod range;
mod remove_range;

use crate::{Command, Compat, Flags, Group, KeyAccess, KeySpec, Protocol, ReplySink, Spec, tips};
use packed::{Element, number};

const WRITE: Flags = Flags::WRITE;
const GROW: Flags = WRITE.union(Flags::DENYOOM);
const READ: Flags = Flags::READONLY;
const WAITING: Flags = WRITE.union(Flags::BLOCKING);
const FAST: Flags = Flags::FAST;
const MANY: Flags = READ.union(Flags::MOVABLEKEYS);
const STORE: Flags = GROW.union(Flags::MOVABLEKEYS);

const SOURCES: KeySpec = KeySpec::Numkeys {
    dest: None,
    count_at: 1,
};
const STORED_SOURCES: KeySpec = KeySpec::Numkeys {
    dest: Some(1),
    count_at: 2,
};

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::SortedSet, flags).keys(KeySpec::FIRST)
}

/// The sorted sets' rows of the table.
#[rustfmt::skip]
pub(crate) const COMMANDS: &[Command] = &[
    Command::new(spec("zadd", -4, GROW.union(FAST))
        .doc("1.2.0", "O(log N) a member", "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]", "Adds members with their scores, or changes their scores."), add::zadd),
    Command::new(spec("zincrby", 4, GROW.union(FAST)).access(&[KeyAccess::READ_AND_CHANGE])
        .doc("1.2.0", "O(log N)", "key increment member", "Adds to the score of a member."), add::zincrby),
    Command::new(spec("zrem", -3, WRITE.union(FAST)).access(&[KeyAccess::SHRINK])
        .doc("1.2.0", "O(log N) a member", "key member [member ...]", "Removes members."), member::zrem),
    Command::new(spec("zscore", 3, READ.union(FAST))
        .doc("1.2.0", "O(1)", "key member", "Returns the score of a member."), member::zscore),
    Command::new(spec("zmscore", -3, READ.union(FAST))
        .doc("6.2.0", "O(N) for N members", "key member [member ...]", "Returns the scores of several members."), member::zmscore),
    Command::new(spec("zcard", 2, READ.union(FAST)).access(&[KeyAccess::LOOK])
        .doc("1.2.0", "O(1)", "key", "Counts the members of a sorted set."), member::zcard),
    Command::new(spec("zcount", 4, READ.union(FAST))
        .doc("2.0.0", "O(log N)", "key min max", "Counts the members within a range of scores."), range::zcount),
    Command::new(spec("zlexcount", 4, READ.union(FAST))
        .doc("2.8.9", "O(log N)", "key min max", "Counts the members within a range of bytes."), range::zlexcount),
    Command::new(spec("zrank", -3, READ.union(FAST))
        .doc("2.0.0", "O(log N)", "key member [WITHSCORE]", "Returns the rank of a member, lowest score first."), member::zrank),
    Command::new(spec("zrevrank", -3, READ.union(FAST))
        .doc("2.0.0", "O(log N)", "key member [WITHSCORE]", "Returns the rank of a member, highest score first."), member::zrevrank),
    Command::new(spec("zrange", -4, READ)
        .doc("1.2.0", "O(log N + M) for M members", "key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]", "Returns members within a range of ranks, scores or bytes."), range::zrange),
    Command::new(spec("zrangestore", -5, GROW).keys(KeySpec::FIRST_TWO).access(&[KeyAccess::OVERWRITE, KeyAccess::READ])
        .doc("6.2.0", "O(log N + M) for M members", "dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]", "Stores members within a range of ranks, scores or bytes."), range::zrangestore),
    Command::new(spec("zrevrange", -4, READ)
        .doc("1.2.0", "O(log N + M) for M members", "key start stop [WITHSCORES]", "Returns members within a range of ranks, highest score first."), range::zrevrange),
    Command::new(spec("zrangebyscore", -4, READ)
        .doc("1.0.5", "O(log N + M) for M members", "key min max [WITHSCORES] [LIMIT offset count]", "Returns members within a range of scores."), range::zrangebyscore),
    Command::new(spec("zrevrangebyscore", -4, READ)
        .doc("2.2.0", "O(log N + M) for M members", "key max min [WITHSCORES] [LIMIT offset count]", "Returns members within a range of scores, highest first."), range::zrevrangebyscore),
    Command::new(spec("zrangebylex", -4, READ)
        .doc("2.8.9", "O(log N + M) for M members", "key min max [LIMIT offset count]", "Returns members within a range of bytes."), range::zrangebylex),
    Command::new(spec("zrevrangebylex", -4, READ)
        .doc("2.8.9", "O(log N + M) for M members", "key max min [LIMIT offset count]", "Returns members within a range of bytes, last first."), range::zrevrangebylex),
    Command::new(spec("zremrangebyrank", 4, WRITE).access(&[KeyAccess::SHRINK])
        .doc("2.0.0", "O(log N + M) for M members", "key start stop", "Removes the members within a range of ranks."), remove_range::zremrangebyrank),
    Command::new(spec("zremrangebyscore", 4, WRITE).access(&[KeyAccess::SHRINK])
        .doc("1.2.0", "O(log N + M) for M members", "key min max", "Removes the members within a range of scores."), remove_range::zremrangebyscore),
    Command::new(spec("zremrangebylex", 4, WRITE).access(&[KeyAccess::SHRINK])
        .doc("2.8.9", "O(log N + M) for M members", "key min max", "Removes the members within a range of bytes."), remove_range::zremrangebylex),
    Command::new(spec("zpopmin", -2, WRITE.union(FAST)).access(&[KeyAccess::TAKE])
        .doc("5.0.0", "O(M log N) for M members", "key [count]", "Takes out the members of the lowest scores."), pop::zpopmin),
    Command::new(spec("zpopmax", -2, WRITE.union(FAST)).access(&[KeyAccess::TAKE])
        .doc("5.0.0", "O(M log N) for M members", "key [count]", "Takes out the members of the highest scores."), pop::zpopmax),
    Command::new(spec("zmpop", -4, WRITE.union(Flags::MOVABLEKEYS)).keys(SOURCES).access(&[KeyAccess::TAKE])
        .doc("7.0.0", "O(K) + O(M log N) for K keys and M members", "numkeys key [key ...] <MIN | MAX> [COUNT count]", "Takes members out of the first of several sorted sets that has any."), pop::zmpop),
    Command::new(spec("bzpopmin", -3, WAITING.union(FAST).union(Flags::NOSCRIPT)).keys(KeySpec::ALL_BUT_LAST).access(&[KeyAccess::TAKE])
        .doc("5.0.0", "O(log N)", "key [key ...] timeout", "Takes the member with the lowest score out of the first of several sorted sets that has any, and waits for one if none has."), pop::bzpopmin),
    Command::new(spec("bzpopmax", -3, WAITING.union(FAST).union(Flags::NOSCRIPT)).keys(KeySpec::ALL_BUT_LAST).access(&[KeyAccess::TAKE])
        .doc("5.0.0", "O(log N)", "key [key ...] timeout", "Takes the member with the highest score out of the first of several sorted sets that has any, and waits for one if none has."), pop::bzpopmax),
    Command::new(spec("bzmpop", -5, WAITING.union(Flags::MOVABLEKEYS)).keys(KeySpec::Numkeys { dest: None, count_at: 2 }).access(&[KeyAccess::TAKE])
        .doc("7.0.0", "O(K) + O(M log N) for K keys and M members", "timeout numkeys key [key ...] <MIN | MAX> [COUNT count]", "Takes members out of the first of several sorted sets that has any, and waits for one if none has."), pop::bzmpop),
    Command::new(spec("zrandmember", -2, READ).tips(tips::VARIES)
        .doc("6.2.0", "O(N) for N drawn members", "key [count [WITHSCORES]]", "Draws random members."), random::zrandmember),
    Command::new(spec("zunion", -3, MANY).keys(SOURCES)
        .doc("6.2.0", "O(N log N) for N members in all", "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]", "Returns what is in any of several sorted sets."), algebra::zunion),
    Command::new(spec("zinter", -3, MANY).keys(SOURCES)
        .doc("6.2.0", "O(N*K log N) for K sets, the smallest of N members", "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]", "Returns what is in all of several sorted sets."), algebra::zinter),
    Command::new(spec("zdiff", -3, MANY).keys(SOURCES)
        .doc("6.2.0", "O(N*K log N) for K sets, the first of N members", "numkeys key [key ...] [WITHSCORES]", "Returns what is in the first of several sorted sets only."), algebra::zdiff),
    Command::new(spec("zunionstore", -4, STORE).keys(STORED_SOURCES).access(&[KeyAccess::OVERWRITE, KeyAccess::READ])
        .doc("2.0.0", "O(N log N) for N members in all", "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]", "Stores what is in any of several sorted sets."), algebra::zunionstore),
    Command::new(spec("zinterstore", -4, STORE).keys(STORED_SOURCES).access(&[KeyAccess::OVERWRITE, KeyAccess::READ])
        .doc("2.0.0", "O(N*K log N) for K sets, the smallest of N members", "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]", "Stores what is in all of several sorted sets."), algebra::zinterstore),
    Command::new(spec("zdiffstore", -4, STORE).keys(STORED_SOURCES).access(&[KeyAccess::OVERWRITE, KeyAccess::READ])
        .doc("6.2.0", "O(N*K log N) for K sets, the first of N members", "destination numkeys key [key ...]", "Stores what is in the first of several sorted sets only."), algebra::zdiffstore),
    Command::new(spec("zintercard", -3, MANY).keys(SOURCES)
        .doc("7.0.0", "O(N*K) for K sets, the smallest of N members", "numkeys key [key ...] [LIMIT limit]", "Counts what is in all of several sorted sets, up to a limit."), algebra::zintercard),
    Command::new(spec("zscan", -3, READ).tips(tips::VARIES)
        .doc("2.8.0", "O(1) a call, O(N) for a whole iteration", "key cursor [MATCH pattern] [COUNT count] [NOSCORES]", "Walks over a sorted set in steps."), member::zscan),
];

/// A member and its score.
type Pair<'z> = (Element<'z>, f64);

/// Members, with their scores if asked: flat in RESP2, arrays of two in RESP3.
fn reply_pairs(reply: &mut dyn ReplySink, compat: Compat, pairs: &[Pair<'_>], with_scores: bool) {
    let nested = with_scores && reply.protocol() == Protocol::Resp3;
    let flat = with_scores && !nested;
    reply.array(if flat { 2 * pairs.len() } else { pairs.len() });
    for &(member, score) in pairs {
        if nested {
            reply.array(2);
        }
        reply.element(member);
        if with_scores {
            reply_score(reply, compat, score);
        }
    }
}

/// A score as a reply by itself. RESP3 has numbers, whose text says nothing.
fn reply_score(reply: &mut dyn ReplySink, compat: Compat, score: f64) {
    if compat.has_old_score_text() && reply.protocol() == Protocol::Resp2 {
        reply.bulk(&score_text(score, compat));
    } else {
        reply.double(score);
    }
}

/// A score as text, where a reply has it so in every protocol.
fn score_text(score: f64, compat: Compat) -> Vec<u8> {
    let mut text = Vec::new();
    if compat.has_old_score_text() {
        number::write_f64_17g(score, &mut text);
    } else {
        number::write_f64_shortest(score, &mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::testing::{Fixture, bulks, check_effects, check_transcript};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn transcript() {
        check_transcript("zset");
    }

    #[test]
    fn effects_make_a_twin() {
        check_effects("zset");
    }

    /// Members in the order of a sorted set.
    fn ordered(model: &BTreeMap<String, i32>) -> Vec<(i32, String)> {
        let mut pairs: Vec<_> = model.iter().map(|(m, score)| (*score, m.clone())).collect();
        pairs.sort();
        pairs
    }

    fn names(pairs: &[(i32, String)]) -> Vec<String> {
        pairs.iter().map(|(_, member)| member.clone()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn agrees_with_a_sorted_list(
            added in prop::collection::vec((-5..5i32, "[a-f]{1,3}"), 1..300),
            removed in prop::collection::vec("[a-f]{1,3}", 0..50),
            min in -5..5i32,
            start in -300..300isize,
        ) {
            let mut fixture = Fixture::new();
            let mut model = BTreeMap::new();
            for (score, member) in added {
                fixture.run(&format!("zadd z {score} {member}"));
                model.insert(member, score);
            }
            for member in removed {
                fixture.run(&format!("zrem z {member}"));
                model.remove(&member);
            }
            let pairs = ordered(&model);
            prop_assert_eq!(bulks(&fixture.run("zrange z 0 -1")), names(&pairs));
            let above: Vec<_> = pairs.iter().filter(|pair| pair.0 > min).cloned().collect();
            let by_score = fixture.run(&format!("zrange z ({min} +inf byscore"));
            prop_assert_eq!(bulks(&by_score), names(&above));
            let count = fixture.run(&format!("zcount z ({min} +inf"));
            prop_assert_eq!(count, format!("(integer) {}", above.len()));
            let first = if start < 0 { pairs.len().saturating_add_signed(start) } else { start as usize };
            let tail = pairs.get(first..).unwrap_or_default();
            prop_assert_eq!(bulks(&fixture.run(&format!("zrange z {start} -1"))), names(tail));
            for (rank, (_, member)) in pairs.iter().enumerate().step_by(17) {
                let reply = fixture.run(&format!("zrank z {member}"));
                prop_assert_eq!(reply, format!("(integer) {rank}"));
            }
        }
    }
}
