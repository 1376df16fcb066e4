//! Sorted sets: a listpack of member, score, member, score ... in order while they are few and
//! short, else a table of scores by member beside an order.
//!
//! Members are ordered by score and then by their bytes; 0 and -0 are the same score there. A score
//! is never NaN. A listpack holds integral scores as integers, as servers do, and so no -0.
//!
//! Ranges by score or bytes are found as ranges of ranks, which both forms then walk.

mod balance;
mod bound;
mod chunk;
mod frame;
mod iter;
mod order;
mod pairs;

pub use bound::{LexBound, ScoreBound};
pub use iter::ZsetIter;

use crate::account::{Block, own};
use crate::limits::LISTPACK_BYTES_MAX;
use crate::reclaim::{Parts, whole};
use crate::value::arc_bytes;
use crate::{FieldTable, Settings, StringRef};
use fastrand::Rng;
use order::{Member, Order};
use packed::listpack::{Listpack, ListpackBuf};
use packed::{Element, IntText};
use std::ops::Range;
use std::sync::Arc;

/// A sorted set, to read.
#[derive(Debug, Clone, Copy)]
pub struct ZsetRef<'a>(View<'a>);

#[derive(Debug, Clone, Copy)]
enum View<'a> {
    Listpack(Listpack<'a>),
    Table(&'a Large),
}

/// The form of a sorted set, with its blob if it is one.
#[derive(Debug, Clone, Copy)]
pub enum ZsetRepr<'a> {
    /// Member, score, member, score ..., in order.
    Listpack(&'a [u8]),
    /// A table: no blob.
    Table,
}

/// What an insertion did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZsetChange {
    /// The member is new.
    Added,
    /// The member has another score now.
    Updated,
    /// The member had that score.
    Unchanged,
}

impl<'a> ZsetRef<'a> {
    pub(crate) fn from_inline(bytes: &'a [u8]) -> ZsetRef<'a> {
        ZsetRef(View::Listpack(Listpack::new(bytes)))
    }

    /// The form, and the blob if there is one.
    pub fn repr(&self) -> ZsetRepr<'a> {
        match self.0 {
            View::Listpack(listpack) => ZsetRepr::Listpack(listpack.bytes()),
            View::Table(_) => ZsetRepr::Table,
        }
    }

    /// The form, as OBJECT ENCODING names it.
    pub fn encoding(&self) -> &'static str {
        match self.0 {
            View::Listpack(_) => "listpack",
            View::Table(_) => "skiplist",
        }
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        match self.0 {
            View::Listpack(listpack) => listpack.len() / 2,
            View::Table(large) => large.order.len(),
        }
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score of a member.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match self.0 {
            View::Listpack(listpack) => pairs::score(listpack, member),
            View::Table(large) => large.score(member),
        }
    }

    /// How many members come before this one; with `rev`, behind it.
    pub fn rank(&self, member: &[u8], rev: bool) -> Option<usize> {
        let rank = match self.0 {
            View::Listpack(listpack) => pairs::rank(listpack, member)?,
            View::Table(large) => {
                let score = large.score(member)?;
                large
                    .order
                    .rank_where(|s, m| order::is_before((s, m.bytes()), (score, member)))
            }
        };
        Some(if rev { self.len() - 1 - rank } else { rank })
    }

    /// Members and scores in order, from either end.
    pub fn iter(&self) -> ZsetIter<'a> {
        self.range_by_rank(0..self.len(), false)
    }

    /// The members with these ranks. With `rev`, ranks count from the greatest, which comes first.
    pub fn range_by_rank(&self, ranks: Range<usize>, rev: bool) -> ZsetIter<'a> {
        let len = self.len();
        let end = ranks.end.min(len);
        let start = ranks.start.min(end);
        let forward = if rev {
            len - end..len - start
        } else {
            start..end
        };
        match self.0 {
            View::Listpack(listpack) => ZsetIter::of_listpack(listpack, forward, rev),
            View::Table(large) => ZsetIter::of_order(large.order.range(forward), rev),
        }
    }

    /// The members with scores from `min` to `max`; with `rev`, the greatest first.
    pub fn range_by_score(&self, min: ScoreBound, max: ScoreBound, rev: bool) -> ZsetIter<'a> {
        self.range_by_forward_rank(self.ranks_by_score(min, max), rev)
    }

    /// The members from `min` to `max` in byte order, if all scores are equal; with `rev`, the
    /// greatest first.
    pub fn range_by_lex(&self, min: LexBound<'_>, max: LexBound<'_>, rev: bool) -> ZsetIter<'a> {
        self.range_by_forward_rank(self.ranks_by_lex(min, max), rev)
    }

    fn range_by_forward_rank(&self, ranks: Range<usize>, rev: bool) -> ZsetIter<'a> {
        let len = self.len();
        let ranks = if rev {
            len - ranks.end..len - ranks.start
        } else {
            ranks
        };
        self.range_by_rank(ranks, rev)
    }

    /// How many members have scores from `min` to `max`.
    pub fn count_by_score(&self, min: ScoreBound, max: ScoreBound) -> usize {
        self.ranks_by_score(min, max).len()
    }

    /// How many members lie from `min` to `max` in byte order, if all scores are equal.
    pub fn count_by_lex(&self, min: LexBound<'_>, max: LexBound<'_>) -> usize {
        self.ranks_by_lex(min, max).len()
    }

    fn ranks_by_score(&self, min: ScoreBound, max: ScoreBound) -> Range<usize> {
        let start = self.rank_where(|score, _| min.is_above(score));
        let end = self.rank_where(|score, _| !max.is_below(score));
        start..end.max(start)
    }

    fn ranks_by_lex(&self, min: LexBound<'_>, max: LexBound<'_>) -> Range<usize> {
        let start = self.rank_where(|_, member| min.is_above(member.bytes()));
        let end = self.rank_where(|_, member| !max.is_below(member.bytes()));
        start..end.max(start)
    }

    /// How many members, from the first on, are `before`: a property that members lose once.
    fn rank_where(&self, before: impl Fn(f64, Member<'_>) -> bool) -> usize {
        match self.0 {
            View::Listpack(listpack) => pairs::rank_where(listpack, before),
            View::Table(large) => large.order.rank_where(before),
        }
    }

    /// A member drawn at random, and its score.
    pub fn random(&self, rng: &mut Rng) -> Option<(Element<'a>, f64)> {
        if self.is_empty() {
            return None;
        }
        let rank = rng.usize(..self.len());
        self.range_by_rank(rank..rank + 1, false).next()
    }

    /// Visits about `count` members from `cursor` on, 0 to begin; the cursor to go on from, 0 at
    /// the end. A listpack is visited whole.
    pub fn scan(&self, cursor: u64, count: usize, f: &mut dyn FnMut(Element<'_>, f64)) -> u64 {
        if let View::Table(large) = self.0 {
            return large.members.scan(cursor, count, &mut |member, score, _| {
                f(Element::Bytes(member), decode(score));
            });
        }
        self.iter().for_each(|(member, score)| f(member, score));
        0
    }

    /// A sorted set of one's own; what is large is shared.
    pub fn to_value(self) -> Zset {
        match self.0 {
            View::Listpack(listpack) => Zset::from_inline(listpack.bytes()),
            View::Table(large) => Repr::Table(Arc::new(large.clone())).into(),
        }
    }
}

/// Scores by member, and members by score: always the same ones.
#[derive(Debug, Clone)]
struct Large {
    members: FieldTable,
    order: Order,
}

/// The score that a table of members keeps: as an integer if it is one that takes fewer than 8
/// bytes, else as its bits.
fn decode(value: StringRef<'_>) -> f64 {
    match value {
        StringRef::Int(number) => number as f64,
        StringRef::Bytes(bytes) => f64::from_le_bytes(bytes.try_into().unwrap_or_default()),
        StringRef::Chunked(_) => unreachable!("scores are short"),
    }
}

/// The integer that has exactly the bits of this score, if there is one of at most 7 bytes.
fn integral(score: f64) -> Option<i64> {
    const END: f64 = (1i64 << 55) as f64;
    let number = score as i64;
    let is = (-END..END).contains(&score) && (number as f64).to_bits() == score.to_bits();
    is.then_some(number)
}

impl Block for Large {
    fn block_bytes(&self) -> usize {
        arc_bytes::<Large>() + self.order.list_bytes()
    }
}

impl Large {
    fn score(&self, member: &[u8]) -> Option<f64> {
        self.members.get(member).map(|(value, _)| decode(value))
    }

    fn insert(&mut self, member: &[u8], score: f64, old: Option<f64>) {
        if let Some(old) = old {
            self.order.remove(old, member);
        }
        match integral(score) {
            Some(number) => self.members.insert_int(member, number),
            None => self.members.insert_raw(member, &score.to_le_bytes()),
        };
        self.order.insert(score, member);
    }

    fn into_parts(self) -> impl Iterator<Item = usize> + Send {
        let parts = self.members.into_parts().chain(self.order.into_parts());
        std::iter::once(arc_bytes::<Large>()).chain(parts)
    }

    fn remove_ranks(&mut self, ranks: Range<usize>) {
        for (_, member) in self.order.range(ranks.clone()) {
            self.members.remove(member);
        }
        self.order.remove_ranks(ranks);
    }
}

/// A sorted set, to edit.
#[derive(Debug, Clone)]
pub struct Zset {
    repr: Repr,
    pub(crate) changes: u64,
}

#[derive(Debug, Clone)]
enum Repr {
    Listpack(Arc<ListpackBuf>),
    Table(Arc<Large>),
}

impl From<Repr> for Zset {
    fn from(repr: Repr) -> Zset {
        Zset { repr, changes: 0 }
    }
}

impl Default for Zset {
    fn default() -> Zset {
        Repr::Listpack(Arc::default()).into()
    }
}

impl Zset {
    pub(crate) fn from_inline(bytes: &[u8]) -> Zset {
        Repr::Listpack(Arc::new(ListpackBuf::from_vec_trusted(bytes.to_vec()))).into()
    }

    /// The sorted set in a listpack of different members with their scores, in order, which becomes
    /// a table if there are too many.
    pub fn from_listpack(settings: &Settings, listpack: ListpackBuf) -> Zset {
        let fits = listpack.len() / 2 <= settings.limits.zset_max_listpack_entries;
        let mut zset = Zset::from(Repr::Listpack(Arc::new(listpack)));
        if !fits {
            zset.make_table(settings);
        }
        zset
    }

    /// The sorted set, to read.
    pub fn as_ref(&self) -> ZsetRef<'_> {
        ZsetRef(match &self.repr {
            Repr::Listpack(listpack) => View::Listpack(listpack.as_ref().as_ref()),
            Repr::Table(large) => View::Table(large),
        })
    }

    pub(crate) fn blob(&self) -> Option<&[u8]> {
        match &self.repr {
            Repr::Listpack(listpack) => Some(listpack.bytes()),
            Repr::Table(_) => None,
        }
    }

    /// Bytes taken of an allocator.
    pub fn heap_bytes(&self) -> usize {
        match &self.repr {
            Repr::Listpack(listpack) => listpack.block_bytes(),
            Repr::Table(large) => {
                arc_bytes::<Large>() + large.members.heap_bytes() + large.order.heap_bytes()
            }
        }
    }

    /// What it is made of, to be freed part by part.
    pub(crate) fn into_parts(self) -> Parts {
        match self.repr {
            Repr::Listpack(listpack) => whole(listpack),
            Repr::Table(large) => {
                let owned = Arc::into_inner(large);
                Box::new(owned.into_iter().flat_map(Large::into_parts))
            }
        }
    }

    /// Gives a member a score, which must not be NaN (nothing happens then).
    pub fn insert(&mut self, settings: &Settings, member: &[u8], score: f64) -> ZsetChange {
        let old = self.as_ref().score(member);
        if score.is_nan() || old.is_some_and(|old| old == score) {
            return ZsetChange::Unchanged;
        }
        if old.is_none() && self.outgrows_listpack(settings, member) {
            self.make_table(settings);
        }
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                let listpack = own(listpack);
                if old.is_some() {
                    pairs::remove(listpack, member);
                }
                pairs::insert(listpack, member, score);
            }
            Repr::Table(large) => own(large).insert(member, score, old),
        }
        self.changes += 1;
        match old {
            Some(_) => ZsetChange::Updated,
            None => ZsetChange::Added,
        }
    }

    /// Removes a member; whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        let Some(score) = self.as_ref().score(member) else {
            return false;
        };
        match &mut self.repr {
            Repr::Listpack(listpack) => pairs::remove(own(listpack), member),
            Repr::Table(large) => {
                let large = own(large);
                large.members.remove(member);
                large.order.remove(score, member);
            }
        }
        self.changes += 1;
        true
    }

    /// Takes the first member.
    pub fn pop_min(&mut self) -> Option<(Vec<u8>, f64)> {
        self.pop(0)
    }

    /// Takes the last member.
    pub fn pop_max(&mut self) -> Option<(Vec<u8>, f64)> {
        self.pop(self.as_ref().len().checked_sub(1)?)
    }

    fn pop(&mut self, rank: usize) -> Option<(Vec<u8>, f64)> {
        let (member, score) = self.as_ref().range_by_rank(rank..rank + 1, false).next()?;
        let member = member.to_vec();
        self.remove_range_by_rank(rank..rank + 1);
        Some((member, score))
    }

    /// Removes the members with these ranks; how many.
    pub fn remove_range_by_rank(&mut self, ranks: Range<usize>) -> usize {
        let end = ranks.end.min(self.as_ref().len());
        let ranks = ranks.start.min(end)..end;
        let count = ranks.len();
        if count == 0 {
            return 0;
        }
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                own(listpack).remove_range(2 * ranks.start as isize, 2 * count);
            }
            Repr::Table(large) => own(large).remove_ranks(ranks),
        }
        self.changes += count as u64;
        count
    }

    /// Removes the members with scores from `min` to `max`; how many.
    pub fn remove_range_by_score(&mut self, min: ScoreBound, max: ScoreBound) -> usize {
        let ranks = self.as_ref().ranks_by_score(min, max);
        self.remove_range_by_rank(ranks)
    }

    /// Removes the members from `min` to `max` in byte order, if all scores are equal; how many.
    pub fn remove_range_by_lex(&mut self, min: LexBound<'_>, max: LexBound<'_>) -> usize {
        let ranks = self.as_ref().ranks_by_lex(min, max);
        self.remove_range_by_rank(ranks)
    }

    fn outgrows_listpack(&self, settings: &Settings, member: &[u8]) -> bool {
        let Repr::Listpack(listpack) = &self.repr else {
            return false;
        };
        let limits = &settings.limits;
        listpack.len() / 2 >= limits.zset_max_listpack_entries
            || member.len() > limits.zset_max_listpack_value
            || listpack.byte_len() + member.len() > LISTPACK_BYTES_MAX
    }

    /// Puts another form in place of what it is.
    fn put(&mut self, repr: Repr) {
        let old = std::mem::replace(&mut self.repr, repr);
        crate::Value::Zset(old.into()).let_go();
    }

    fn make_table(&mut self, settings: &Settings) {
        let Repr::Listpack(listpack) = &self.repr else {
            return;
        };
        let mut large = Large {
            members: FieldTable::new(settings.hasher),
            order: Order::default(),
        };
        let mut text = IntText::new();
        for (member, score) in pairs::iter(listpack.as_ref().as_ref()) {
            large.insert(member.text(&mut text), score, None);
        }
        self.put(Repr::Table(Arc::new(large)));
    }

    #[cfg(test)]
    fn check(&self) {
        match &self.repr {
            Repr::Listpack(listpack) => {
                assert!(packed::listpack::validate(listpack.bytes()).is_ok());
            }
            Repr::Table(large) => {
                large.order.check();
                large.members.check();
                assert_eq!(large.members.len(), large.order.len());
            }
        }
    }
}

#[cfg(test)]
mod tests;
