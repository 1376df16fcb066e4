//! One engine from several threads.

mod said;

use duramen::{DbIndex, Engine, FrozenEntry, ValueRef};
use said::{all_said, said};

const THREADS: usize = 4;
const ROUNDS: usize = 500;

#[test]
fn no_increment_is_lost() {
    let engine = Engine::open_in_memory();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let mut session = engine.session();
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    said(&mut session, "INCR one");
                    said(&mut session, &format!("INCR many:{}", round % 50));
                    session.incr_by(format!("own:{thread}"), 1).unwrap();
                }
            });
        }
    });
    let mut session = engine.session();
    assert_eq!(
        said(&mut session, "GET one"),
        (THREADS * ROUNDS).to_string()
    );
    for key in 0..50 {
        let sum = said(&mut session, &format!("GET many:{key}"));
        assert_eq!(sum, (THREADS * ROUNDS / 50).to_string());
    }
    for thread in 0..THREADS {
        assert_eq!(
            said(&mut session, &format!("GET own:{thread}")),
            ROUNDS.to_string()
        );
    }
}

/// Elements move between two lists under several plans at once; none is lost or doubled.
#[test]
fn moves_between_keys_keep_every_element() {
    let engine = Engine::open_in_memory();
    for element in 0..100 {
        said(&mut engine.session(), &format!("RPUSH left {element}"));
    }
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let mut session = engine.session();
            let line = match thread % 2 {
                0 => "LMOVE left right LEFT RIGHT",
                _ => "RPOPLPUSH right left",
            };
            scope.spawn(move || (0..ROUNDS).for_each(|_| drop(said(&mut session, line))));
        }
    });
    let mut session = engine.session();
    let mut elements: Vec<Vec<u8>> = ["left", "right"]
        .iter()
        .flat_map(|key| {
            let reply = session.execute(&["LRANGE", key, "0", "-1"]);
            let items = reply.as_items().unwrap().to_vec();
            items
                .into_iter()
                .map(|item| item.as_bytes().unwrap().to_vec())
        })
        .collect();
    elements.sort();
    elements.dedup();
    assert_eq!(elements.len(), 100);
}

/// A view that is read while others write shows one moment: sums that move together are equal.
#[test]
fn a_view_is_one_moment() {
    let engine = Engine::open_in_memory();
    std::thread::scope(|scope| {
        let mut session = engine.session();
        scope.spawn(move || {
            for _ in 0..ROUNDS {
                all_said(&mut session, &["MULTI", "INCR left", "INCR right", "EXEC"]);
            }
        });
        for _ in 0..50 {
            let mut view = engine.freeze();
            let mut values = Vec::new();
            let visit = |entry: FrozenEntry<'_>| match entry.value {
                ValueRef::String(value) => {
                    values.push(value.to_vec());
                    Ok(())
                }
                _ => Err(Box::<dyn std::error::Error>::from(
                    "a counter that is no string",
                )),
            };
            view.for_each(DbIndex(0), visit).unwrap();
            assert!(values.is_empty() || values.len() == 2, "both or neither");
            assert_eq!(values.first(), values.last());
        }
    });
}
