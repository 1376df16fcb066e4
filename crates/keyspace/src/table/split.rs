//! The only rehashing there is: a full segment becomes two.

use super::entry::{Draft, Entry};
use super::index::Index;
use super::page::At;
use super::segment::Segment;
use super::slab::Slab;
use super::stamp::Mark;
use crate::KeyHasher;

impl<M: Mark> Segment<M> {
    /// Moves the entries whose hash has `bit` set into a segment of their own, which is returned.
    /// Both halves come out compacted, one directory bit deeper.
    pub(crate) fn split(&mut self, bit: u64, hasher: &KeyHasher) -> Segment<M> {
        let empty = Segment::new(self.depth + 1, self.epoch);
        let mut old = std::mem::replace(self, empty.clone());
        let mut upper = empty;
        let index = std::mem::replace(&mut old.index, Index::with_room(0));
        let entries = index
            .iter()
            .map(|(at, mark)| (hasher.hash(old.key(at)), at, mark.clone()));
        let entries: Vec<(u64, At, M)> = entries.collect();
        let full = Index::<M::Line>::FULL;
        let above = entries.iter().filter(|(hash, ..)| hash & bit != 0).count();
        self.index = Index::with_room((entries.len() - above + 1).min(full));
        upper.index = Index::with_room((above + 1).min(full));
        for (hash, at, mark) in entries {
            let half = if hash & bit == 0 {
                &mut *self
            } else {
                &mut upper
            };
            half.adopt(hash, at, mark, &mut old);
        }
        old.pages.let_go();
        upper
    }

    /// Takes over one entry of `old`, and what it has in the slab. There is room in the index.
    fn adopt(&mut self, hash: u64, at: At, mark: M, old: &mut Segment<M>) {
        let entry = Entry::parse(old.pages.bytes(at));
        let key = entry
            .key_number()
            .map(|number| self.slab.adopt_key(number, &mut old.slab));
        let value = entry
            .value_number()
            .map(|number| self.adopt_value(number, &mut old.slab));
        let draft = entry.draft();
        let draft = Draft {
            key: key.as_ref().map_or(draft.key, |number| &number[..]),
            value: value.as_ref().map_or(draft.value, |number| &number[..]),
            ..draft
        };
        let at = self
            .pages
            .allocate(draft.size())
            .expect("half of a segment fits a segment");
        draft.write(self.pages.bytes_mut(at));
        self.count_deadline(None, draft.deadline);
        self.note_due(at);
        self.index.insert(hash, at, mark);
    }

    fn adopt_value(&mut self, number: u16, old: &mut Slab) -> [u8; 2] {
        let value = old
            .remove(number)
            .expect("entries number values that the slab holds");
        self.slab.insert_value(value).to_le_bytes()
    }
}
