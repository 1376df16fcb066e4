use super::*;
use crate::types::frozen::Frozen;
use proptest::prelude::*;
use std::collections::VecDeque;

fn check(list: &List) {
    if let Repr::Quick(quick) = &list.repr {
        quick.check();
    }
}

fn content(list: &List) -> Vec<Vec<u8>> {
    list.as_ref()
        .iter()
        .map(|element| element.to_vec())
        .collect()
}

fn sized(list_max_listpack_size: i32) -> Settings {
    let mut settings = Settings::for_tests();
    settings.limits.list_max_listpack_size = list_max_listpack_size;
    settings
}

#[test]
fn grows_into_a_quicklist_and_back_at_half_a_node() {
    let settings = sized(-1);
    let mut list = List::default();
    let element = [b'x'; 100];
    while list.as_ref().encoding() == "listpack" {
        list.push_back(&settings, &element);
    }
    assert_eq!(list.as_ref().len(), 4096 / 103 + 1);
    assert_eq!(list.as_ref().nodes().count(), 2);
    while list.as_ref().encoding() == "quicklist" {
        list.pop_back().unwrap();
    }
    // Half of 4096 bytes, less the frame of 7.
    assert_eq!(list.as_ref().len(), (2048 - 7) / 103);
}

#[test]
fn elements_over_the_size_of_a_node_are_nodes() {
    let settings = Settings::for_tests();
    let large = vec![b'l'; 8193];
    let mut list = List::default();
    list.push_back(&settings, b"a");
    list.push_back(&settings, &large);
    list.push_back(&settings, b"b");
    let nodes: Vec<_> = list.as_ref().nodes().collect();
    assert!(matches!(
        nodes[..],
        [Node::Packed(_), Node::Plain(_), Node::Packed(_)]
    ));
    assert_eq!(list.as_ref().get(1), Some(Element::Bytes(&large)));
    assert!(list.set(&settings, 1, b"small"));
    assert_eq!(list.remove_matching(0, b"small"), 1);
    assert_eq!(content(&list), [b"a".to_vec(), b"b".to_vec()]);
    check(&list);
}

#[test]
fn loaded_nodes_stay_as_they_are() {
    let settings = Settings::for_tests();
    let node = |elements: &[&[u8]]| {
        let mut listpack = ListpackBuf::new();
        elements
            .iter()
            .for_each(|element| listpack.push_back(element));
        listpack
    };
    let mut list = List::default();
    list.push_node(&settings, node(&[b"a", b"1"]));
    assert_eq!(list.as_ref().encoding(), "listpack");
    list.push_node(&settings, node(&[b"b"]));
    assert_eq!(list.as_ref().encoding(), "quicklist");
    assert_eq!(list.as_ref().nodes().count(), 2);
    assert_eq!(list.as_ref().len(), 3);
    list.push_node(&settings, node(&[]));
    assert_eq!(list.as_ref().nodes().count(), 2);
}

#[derive(Debug, Clone)]
enum Step {
    PushFront(Vec<u8>),
    PushBack(Vec<u8>),
    PopFront,
    PopBack,
    Set(isize, Vec<u8>),
    Insert(Vec<u8>, bool, Vec<u8>),
    Remove(i64, Vec<u8>),
    Trim(usize, usize),
    Clone,
}

fn elements() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        10 => (0..9i64).prop_map(|n| n.to_string().into_bytes()),
        6 => "[ab]".prop_map(String::into_bytes),
        3 => (100usize..2000).prop_map(|n| vec![b'm'; n]),
        1 => (4000usize..5000).prop_map(|n| vec![b'l'; n]),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => elements().prop_map(Step::PushFront),
        6 => elements().prop_map(Step::PushBack),
        1 => Just(Step::PopFront),
        1 => Just(Step::PopBack),
        3 => (-40isize..40, elements()).prop_map(|(at, e)| Step::Set(at, e)),
        4 => (elements(), any::<bool>(), elements()).prop_map(|(p, b, e)| Step::Insert(p, b, e)),
        1 => (-3i64..4, elements()).prop_map(|(n, e)| Step::Remove(n, e)),
        1 => (0usize..3, 10usize..200).prop_map(|(a, b)| Step::Trim(a, b)),
        2 => Just(Step::Clone),
    ];
    prop::collection::vec(step, 0..100)
}

/// Whether anything changed.
fn apply(step: Step, settings: &Settings, list: &mut List, model: &mut VecDeque<Vec<u8>>) -> bool {
    match step {
        Step::PushFront(element) => {
            list.push_front(settings, &element);
            model.push_front(element);
            true
        }
        Step::PushBack(element) => {
            list.push_back(settings, &element);
            model.push_back(element);
            true
        }
        Step::PopFront => {
            let popped = model.pop_front();
            assert_eq!(list.pop_front(), popped);
            popped.is_some()
        }
        Step::PopBack => {
            let popped = model.pop_back();
            assert_eq!(list.pop_back(), popped);
            popped.is_some()
        }
        Step::Set(at, element) => {
            let there = from_front(at, model.len());
            assert_eq!(list.set(settings, at, &element), there.is_some());
            there.is_some_and(|at| {
                model[at] = element;
                true
            })
        }
        Step::Insert(pivot, before, element) => {
            let at = model.iter().position(|e| *e == pivot);
            if let Some(at) = at {
                model.insert(at + usize::from(!before), element.clone());
            }
            let len = list.insert(settings, &pivot, before, &element);
            assert_eq!(len, at.map(|_| model.len()));
            at.is_some()
        }
        Step::Remove(count, element) => {
            let mut gone = 0;
            let most = if count == 0 {
                usize::MAX
            } else {
                count.unsigned_abs() as usize
            };
            while gone < most {
                let mut found = model.iter();
                let at = match count < 0 {
                    true => found.rposition(|e| *e == element),
                    false => found.position(|e| *e == element),
                };
                let Some(at) = at else { break };
                model.remove(at);
                gone += 1;
            }
            assert_eq!(list.remove_matching(count, &element), gone);
            gone > 0
        }
        Step::Trim(start, stop) => {
            let before = model.len();
            model.truncate(stop);
            model.drain(..start.min(model.len()));
            list.trim(start, stop);
            model.len() != before
        }
        Step::Clone => false,
    }
}

fn agree(list: &List, model: &VecDeque<Vec<u8>>) {
    check(list);
    assert_eq!(model, &content(list));
}

fn agree_in_all(list: &List, model: &VecDeque<Vec<u8>>) {
    agree(list, model);
    let (view, content) = (list.as_ref(), content(list));
    let mut backwards: Vec<_> = view.iter().rev().map(|e| e.to_vec()).collect();
    backwards.reverse();
    assert_eq!(backwards, content);
    let (from, to) = (model.len() / 3, model.len() / 2 + 1);
    let range: Vec<_> = view.range(from, to).map(|e| e.to_vec()).collect();
    assert_eq!(&range[..], &content[from..to.min(model.len())]);
    for (at, element) in model.iter().enumerate() {
        let behind = at as isize - model.len() as isize;
        assert!(view.get(at as isize).unwrap().eq_text(element));
        assert!(view.get(behind).unwrap().eq_text(element));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]
    #[test]
    fn agrees_with_a_deque_and_clones_stand_still(
        filled in prop_oneof![3 => Just(0usize), 1 => Just(150)],
        steps in steps(),
        size in prop_oneof![Just(-1), Just(-2), Just(1), Just(5)],
    ) {
        let settings = sized(size);
        let (mut list, mut model) = (List::default(), VecDeque::new());
        for n in 0..filled {
            let element = vec![b'0' + (n % 10) as u8; 300];
            list.push_back(&settings, &element);
            model.push_back(element);
        }
        let mut frozen = Frozen::default();
        for step in steps {
            if matches!(step, Step::Clone) {
                frozen.take(&list, &model);
            }
            let before = list.changes;
            let changed = apply(step, &settings, &mut list, &mut model);
            prop_assert_eq!(list.changes > before, changed);
            prop_assert_eq!(list.as_ref().len(), model.len());
            check(&list);
            frozen.each(agree);
        }
        agree_in_all(&list, &model);
        frozen.each(agree_in_all);
    }
}
