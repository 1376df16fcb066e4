//! A sorted set as a listpack: member, score, member, score ..., in order.

use super::order::{self, Member};
use packed::listpack::{Listpack, ListpackBuf, Pos};
use packed::{Element, IntText, number};

/// The score that an element holds.
pub(super) fn decode(element: Element<'_>) -> f64 {
    match element {
        Element::Int(number) => number as f64,
        Element::Bytes(text) => number::parse_f64(text).unwrap_or_default(),
    }
}

/// An integer if the score is one within half the range of i64, as servers have it; else text.
fn push_score(listpack: &mut ListpackBuf, pos: Pos, score: f64) {
    const INT_MAX: f64 = (i64::MAX / 2) as f64;
    let int = score as i64;
    if (-INT_MAX..=INT_MAX).contains(&score) && int as f64 == score {
        listpack.insert_element(pos, Element::Int(int));
    } else {
        let mut text = Vec::new();
        number::write_f64_shortest(score, &mut text);
        listpack.insert_element(pos, Element::Bytes(&text));
    }
}

/// Positions of the members.
fn positions(listpack: Listpack<'_>) -> impl Iterator<Item = Pos> {
    let next = move |pos: &Pos| listpack.next(listpack.next(*pos)?);
    std::iter::successors(listpack.start(), next)
}

fn score_behind(listpack: Listpack<'_>, member: Pos) -> f64 {
    listpack
        .next(member)
        .map_or(0.0, |pos| decode(listpack.at(pos)))
}

pub(super) fn iter(listpack: Listpack<'_>) -> impl Iterator<Item = (Element<'_>, f64)> {
    positions(listpack).map(move |pos| (listpack.at(pos), score_behind(listpack, pos)))
}

pub(super) fn score(listpack: Listpack<'_>, member: &[u8]) -> Option<f64> {
    Some(score_behind(listpack, listpack.find(member, 1)?))
}

pub(super) fn rank(listpack: Listpack<'_>, member: &[u8]) -> Option<usize> {
    positions(listpack).position(|pos| listpack.at(pos).eq_text(member))
}

/// How many pairs, from the first on, are `before`.
pub(super) fn rank_where(
    listpack: Listpack<'_>,
    before: impl Fn(f64, Member<'_>) -> bool,
) -> usize {
    let mut text = IntText::new();
    iter(listpack)
        .take_while(|(member, score)| before(*score, Member::Bytes(member.text(&mut text))))
        .count()
}

/// Adds a member that is not there.
pub(super) fn insert(listpack: &mut ListpackBuf, member: &[u8], score: f64) {
    let view = listpack.as_ref();
    let mut text = IntText::new();
    let behind = positions(view).find(|pos| {
        let other = view.at(*pos);
        let other = (score_behind(view, *pos), other.text(&mut text));
        !order::is_before(other, (score, member))
    });
    let pos = behind.unwrap_or(view.end_pos());
    // The score first: the member goes in front of it, at the same position.
    push_score(listpack, pos, score);
    listpack.insert_before(pos, member);
}

/// Removes a member and its score.
pub(super) fn remove(listpack: &mut ListpackBuf, member: &[u8]) {
    if let Some(pos) = listpack.as_ref().find(member, 1) {
        listpack.remove(pos, 2);
    }
}
