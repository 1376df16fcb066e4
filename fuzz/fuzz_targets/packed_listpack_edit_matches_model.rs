//! Any sequence of edits leaves a valid listpack that holds what a plain vector holds.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use packed::listpack::{self, ListpackBuf, Pos};

#[derive(Arbitrary, Debug)]
enum Text {
    Bytes(Vec<u8>),
    Int(i64),
    Small(i16),
    /// So many equal bytes, for the larger size classes.
    Long(u16),
}

#[derive(Arbitrary, Debug)]
enum Step {
    PushBack(Text),
    PushFront(Text),
    InsertBefore(u8, Text),
    InsertAfter(u8, Text),
    Replace(u8, Text),
    Remove(u8, u8),
}

impl Text {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Text::Bytes(bytes) => bytes,
            Text::Int(int) => int.to_string().into_bytes(),
            Text::Small(int) => int.to_string().into_bytes(),
            Text::Long(len) => vec![b'x'; usize::from(len) % 20_000],
        }
    }
}

/// The index and position that a seed means, if there are elements.
fn place(listpack: &ListpackBuf, model: &[Vec<u8>], seed: u8) -> Option<(usize, Pos)> {
    let index = usize::from(seed).checked_rem(model.len())?;
    let pos = listpack.as_ref().seek(index as isize);
    Some((index, pos.expect("an element for each of the model's")))
}

fn apply(listpack: &mut ListpackBuf, model: &mut Vec<Vec<u8>>, step: Step) -> Option<()> {
    match step {
        Step::PushBack(text) => {
            model.push(text.into_bytes());
            listpack.push_back(model.last()?);
        }
        Step::PushFront(text) => {
            model.insert(0, text.into_bytes());
            listpack.push_front(model.first()?);
        }
        Step::InsertBefore(seed, text) => {
            let (index, pos) = place(listpack, model, seed)?;
            model.insert(index, text.into_bytes());
            listpack.insert_before(pos, &model[index]);
        }
        Step::InsertAfter(seed, text) => {
            let (index, pos) = place(listpack, model, seed)?;
            model.insert(index + 1, text.into_bytes());
            listpack.insert_after(pos, &model[index + 1]);
        }
        Step::Replace(seed, text) => {
            let (index, pos) = place(listpack, model, seed)?;
            model[index] = text.into_bytes();
            listpack.replace(pos, &model[index]);
        }
        Step::Remove(seed, count) => {
            let (index, pos) = place(listpack, model, seed)?;
            model.drain(index..model.len().min(index + usize::from(count)));
            listpack.remove(pos, count.into());
        }
    }
    Some(())
}

fuzz_target!(|steps: Vec<Step>| {
    let (mut listpack, mut model) = (ListpackBuf::new(), Vec::new());
    for step in steps {
        apply(&mut listpack, &mut model, step);
        assert_eq!(listpack::validate(listpack.bytes()), Ok(()));
        let view = listpack.as_ref();
        assert!(
            view.iter()
                .map(|element| element.to_vec())
                .eq(model.iter().cloned())
        );
        assert!(
            view.iter()
                .rev()
                .map(|element| element.to_vec())
                .eq(model.iter().rev().cloned())
        );
        assert_eq!((view.len(), listpack.len()), (model.len(), model.len()));
    }
});
