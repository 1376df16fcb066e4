use super::*;
use crate::types::frozen::Frozen;
use fastrand::Rng;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Model = BTreeMap<Vec<u8>, f64>;

fn add(zset: &mut Zset, member: &str, score: f64) -> ZsetChange {
    zset.insert(&Settings::for_tests(), member.as_bytes(), score)
}

/// A set of that many entries that is a table from the second member on.
fn table() -> Settings {
    let mut settings = Settings::for_tests();
    settings.limits.zset_max_listpack_entries = 1;
    settings
}

fn sorted(model: &Model) -> Vec<(Vec<u8>, f64)> {
    let mut pairs: Vec<_> = model
        .iter()
        .map(|(member, score)| (member.clone(), *score))
        .collect();
    pairs.sort_by(|a, b| a.1.partial_cmp(&b.1).unwrap().then(a.0.cmp(&b.0)));
    pairs
}

fn collect<'a>(iter: impl Iterator<Item = (Element<'a>, f64)>) -> Vec<(Vec<u8>, f64)> {
    iter.map(|(member, score)| (member.to_vec(), score))
        .collect()
}

#[test]
fn forms_change_where_redis_changes_them() {
    let mut zset = Zset::default();
    for n in 0..128 {
        add(&mut zset, &n.to_string(), f64::from(n));
    }
    assert_eq!(zset.as_ref().encoding(), "listpack");
    assert_eq!(add(&mut zset, "5", 7.0), ZsetChange::Updated);
    assert_eq!(zset.as_ref().encoding(), "listpack");
    assert_eq!(add(&mut zset, "more", 7.0), ZsetChange::Added);
    assert_eq!(zset.as_ref().encoding(), "skiplist");
    let mut zset = Zset::default();
    add(&mut zset, &"x".repeat(64), 1.0);
    assert_eq!(zset.as_ref().encoding(), "listpack");
    add(&mut zset, &"x".repeat(65), 1.0);
    assert_eq!(zset.as_ref().encoding(), "skiplist");
    zset.check();
}

#[test]
fn zeros_and_infinities() {
    for settings in [Settings::for_tests(), table()] {
        let mut zset = Zset::default();
        let scores = [0.0, f64::INFINITY, -0.0, f64::NEG_INFINITY];
        for (member, score) in [b"d", b"c", b"b", b"a"].into_iter().zip(scores) {
            assert_eq!(zset.insert(&settings, member, score), ZsetChange::Added);
        }
        let members: Vec<_> = zset.as_ref().iter().map(|(m, _)| m.to_vec()).collect();
        assert_eq!(members, [b"a", b"b", b"d", b"c"]);
        assert_eq!(zset.insert(&settings, b"d", -0.0), ZsetChange::Unchanged);
        assert_eq!(
            zset.insert(&settings, b"d", f64::NAN),
            ZsetChange::Unchanged
        );
        assert_eq!(zset.as_ref().score(b"c"), Some(f64::INFINITY));
        let zeros = ScoreBound::Inclusive(0.0);
        assert_eq!(
            zset.as_ref()
                .count_by_score(zeros, ScoreBound::Inclusive(-0.0)),
            2
        );
        assert_eq!(
            zset.as_ref()
                .count_by_score(ScoreBound::Exclusive(0.0), ScoreBound::PosInf),
            1
        );
        assert_eq!(
            zset.as_ref()
                .count_by_score(ScoreBound::PosInf, ScoreBound::NegInf),
            0
        );
        zset.check();
    }
    // As servers do: a listpack keeps the integer, a table the sign.
    let mut zset = Zset::default();
    add(&mut zset, "z", -0.0);
    assert!(zset.as_ref().score(b"z").unwrap().is_sign_positive());
    zset.insert(&table(), b"y", -0.0);
    assert!(zset.as_ref().score(b"y").unwrap().is_sign_negative());
}

#[test]
fn scores_in_listpacks_are_integers_or_shortest_text() {
    let mut zset = Zset::default();
    add(&mut zset, "a", 0.1);
    add(&mut zset, "b", 3.0);
    add(&mut zset, "c", 1e300);
    let ZsetRepr::Listpack(blob) = zset.as_ref().repr() else {
        panic!("three members")
    };
    let elements: Vec<_> = Listpack::new(blob).iter().collect();
    assert!(matches!(elements[1], Element::Bytes(b"0.1")));
    assert!(matches!(elements[3], Element::Int(3)));
    assert!(matches!(elements[5], Element::Bytes(b"1e+300")));
}

#[test]
fn ranges_by_bytes() {
    for settings in [Settings::for_tests(), table()] {
        let mut zset = Zset::default();
        for member in [b"1", b"a", b"b", b"c"] {
            zset.insert(&settings, member, 0.0);
        }
        let range = |min, max, rev| -> Vec<u8> {
            zset.as_ref()
                .range_by_lex(min, max, rev)
                .flat_map(|(m, _)| m.to_vec())
                .collect()
        };
        assert_eq!(
            range(LexBound::NegInf, LexBound::Exclusive(b"b"), false),
            b"1a"
        );
        assert_eq!(
            range(LexBound::Exclusive(b"1"), LexBound::PosInf, true),
            b"cba"
        );
        assert_eq!(
            range(LexBound::Inclusive(b"b"), LexBound::Inclusive(b"b"), true),
            b"b"
        );
        assert_eq!(range(LexBound::PosInf, LexBound::NegInf, false), b"");
        let mut zset = zset.clone();
        assert_eq!(
            zset.remove_range_by_lex(LexBound::Inclusive(b"a"), LexBound::Inclusive(b"bb")),
            2
        );
        assert_eq!(zset.as_ref().len(), 2);
    }
}

#[test]
fn many_members_in_every_order_of_insertion() {
    let settings = Settings::for_tests();
    let mut rng = Rng::with_seed(7);
    for mode in 0..3 {
        let mut zset = Zset::default();
        for n in 0..40_000u32 {
            let score = match mode {
                0 => n,
                1 => 40_000 - n,
                _ => rng.u32(..1000),
            };
            zset.insert(&settings, n.to_string().as_bytes(), f64::from(score));
        }
        zset.check();
        let frozen = zset.clone();
        assert_eq!(zset.remove_range_by_rank(100..39_000), 38_900);
        zset.check();
        for n in 0..40_000u32 {
            zset.remove(n.to_string().as_bytes());
        }
        zset.check();
        assert_eq!((zset.as_ref().len(), frozen.as_ref().len()), (0, 40_000));
        frozen.check();
        let Repr::Table(large) = &zset.repr else {
            panic!("forms do not go back")
        };
        assert!(large.order.heap_bytes() < 16_384);
    }
}

#[test]
fn members_larger_than_a_chunk() {
    let settings = Settings::for_tests();
    let mut zset = Zset::default();
    let mut model = Model::new();
    for n in [5, 1, 9, 3, 7, 2, 8, 0] {
        let member = vec![b'0' + n; 9000];
        zset.insert(&settings, &member, f64::from(n / 4));
        model.insert(member, f64::from(n / 4));
        zset.check();
    }
    assert_eq!(collect(zset.as_ref().iter()), sorted(&model));
}

fn scores() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (-5i32..5).prop_map(f64::from),
        2 => any::<f64>().prop_filter("no NaN", |score| !score.is_nan()),
        1 => Just(f64::INFINITY),
        1 => Just(-0.0),
    ]
}

fn agree(zset: &Zset, model: &Model) {
    zset.check();
    assert_eq!(collect(zset.as_ref().iter()), sorted(model));
}

fn agree_in_all(zset: &Zset, model: &Model, min: f64, max: f64) {
    agree(zset, model);
    let (view, pairs) = (zset.as_ref(), sorted(model));
    let mut backwards = collect(view.iter().rev());
    backwards.reverse();
    assert_eq!(backwards, pairs);
    for (rank, (member, score)) in pairs.iter().enumerate() {
        assert_eq!(view.score(member), Some(*score));
        assert_eq!(view.rank(member, false), Some(rank));
        assert_eq!(view.rank(member, true), Some(pairs.len() - 1 - rank));
    }
    let inside: Vec<_> = pairs
        .iter()
        .filter(|(_, s)| min <= *s && *s < max)
        .cloned()
        .collect();
    let (from, to) = (ScoreBound::Inclusive(min), ScoreBound::Exclusive(max));
    assert_eq!(collect(view.range_by_score(from, to, false)), inside);
    assert_eq!(view.count_by_score(from, to), inside.len());
    let mut reversed = collect(view.range_by_score(from, to, true));
    reversed.reverse();
    assert_eq!(reversed, inside);
    let mut seen = BTreeMap::new();
    let mut cursor = 0;
    loop {
        cursor = view.scan(cursor, 10, &mut |member, score| {
            seen.insert(member.to_vec(), score);
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(&seen, model);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
    #[test]
    fn agrees_with_a_sorted_map_and_clones_stand_still(
        filled in prop_oneof![3 => Just(0u16), 1 => Just(700)],
        steps in prop::collection::vec((0u8..24, 0u16..300, scores()), 0..120),
        as_table: bool,
    ) {
        let settings = if as_table { table() } else { Settings::for_tests() };
        let (mut zset, mut model) = (Zset::default(), Model::new());
        for n in 0..filled {
            let (member, score) = (n.to_string().into_bytes(), f64::from(n % 40) / 4.0);
            zset.insert(&settings, &member, score);
            model.insert(member, score);
        }
        let mut frozen = Frozen::default();
        for (kind, name, score) in steps {
            let member = name.to_string().into_bytes();
            match kind {
                0..16 => {
                    let expected = match model.get(&member) {
                        None => ZsetChange::Added,
                        Some(old) if *old == score => ZsetChange::Unchanged,
                        Some(_) => ZsetChange::Updated,
                    };
                    prop_assert_eq!(zset.insert(&settings, &member, score), expected);
                    if expected != ZsetChange::Unchanged { model.insert(member, score); }
                }
                16..19 => prop_assert_eq!(zset.remove(&member), model.remove(&member).is_some()),
                19 => {
                    let popped = if name % 2 == 0 { zset.pop_min() } else { zset.pop_max() };
                    let pairs = sorted(&model);
                    let expected = if name % 2 == 0 { pairs.first() } else { pairs.last() };
                    prop_assert_eq!(popped.as_ref(), expected);
                    if let Some((member, _)) = popped { model.remove(&member); }
                }
                20 => {
                    let max = score + 2.0;
                    let (from, to) = (ScoreBound::Exclusive(score), ScoreBound::Inclusive(max));
                    let before = model.len();
                    model.retain(|_, s| !(*s > score && *s <= max));
                    prop_assert_eq!(zset.remove_range_by_score(from, to), before - model.len());
                }
                21 => {
                    let ranks = usize::from(name) / 3..usize::from(name) / 2;
                    let gone: Vec<_> = sorted(&model).into_iter().skip(ranks.start).take(ranks.len()).collect();
                    prop_assert_eq!(zset.remove_range_by_rank(ranks), gone.len());
                    model.retain(|member, _| !gone.iter().any(|(name, _)| name == member));
                }
                _ => frozen.take(&zset, &model),
            }
            prop_assert_eq!(zset.as_ref().len(), model.len());
            zset.check();
            frozen.each(agree);
        }
        agree_in_all(&zset, &model, 0.0, 3.0);
        frozen.each(|zset, model| agree_in_all(zset, model, -2.0, 1.0));
    }
}
