//! Lists: one listpack while it is within the size of a node, else a quicklist of such nodes.
//! Elements that are larger than a node are nodes of their own.

mod iter;
mod node;
mod quick;

pub use iter::ListIter;
pub use node::Node;

use crate::Settings;
use crate::account::{Block, own};
use crate::reclaim::{Parts, whole};
use node::NodeLimit;
use packed::Element;
use packed::listpack::{Listpack, ListpackBuf};
use quick::Quicklist;
use std::sync::Arc;

/// A list, to read.
#[derive(Debug, Clone, Copy)]
pub struct ListRef<'a>(View<'a>);

#[derive(Debug, Clone, Copy)]
enum View<'a> {
    Listpack(Listpack<'a>),
    Quick(&'a Quicklist),
}

impl<'a> ListRef<'a> {
    pub(crate) fn from_inline(bytes: &'a [u8]) -> ListRef<'a> {
        ListRef(View::Listpack(Listpack::new(bytes)))
    }

    /// The form, as OBJECT ENCODING names it.
    pub fn encoding(&self) -> &'static str {
        match self.0 {
            View::Listpack(_) => "listpack",
            View::Quick(_) => "quicklist",
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self.0 {
            View::Listpack(listpack) => listpack.len(),
            View::Quick(quick) => quick.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at `index`, negative from the end.
    pub fn get(&self, index: isize) -> Option<Element<'a>> {
        match self.0 {
            View::Listpack(listpack) => listpack.get(index),
            View::Quick(quick) => quick.get(from_front(index, quick.len())?),
        }
    }

    /// The elements, from either end.
    pub fn iter(&self) -> ListIter<'a> {
        self.range(0, self.len())
    }

    /// The elements from index `start` up to but not including `stop`, as far as there are any.
    pub fn range(&self, start: usize, stop: usize) -> ListIter<'a> {
        let stop = stop.min(self.len());
        let start = start.min(stop);
        match self.0 {
            View::Listpack(listpack) => ListIter::of_listpack(listpack, start, stop),
            View::Quick(quick) => quick.range(start, stop),
        }
    }

    /// The nodes as an RDB holds them.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let (one, many) = match self.0 {
            View::Listpack(listpack) if listpack.is_empty() => (None, None),
            View::Listpack(listpack) => (Some(Node::Packed(listpack.bytes())), None),
            View::Quick(quick) => (None, Some(quick.nodes())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// A list of one's own; nodes are shared.
    pub fn to_value(self) -> List {
        match self.0 {
            View::Listpack(listpack) => List::from_inline(listpack.bytes()),
            View::Quick(quick) => Repr::Quick(Arc::new(quick.clone())).into(),
        }
    }
}

/// The place of `index` counted from the front, if it is within the list.
fn from_front(index: isize, len: usize) -> Option<usize> {
    let at = if index < 0 {
        len.checked_sub(index.unsigned_abs())?
    } else {
        index.unsigned_abs()
    };
    (at < len).then_some(at)
}

/// A list, to edit.
#[derive(Debug, Clone)]
pub struct List {
    repr: Repr,
    pub(crate) changes: u64,
}

#[derive(Debug, Clone)]
enum Repr {
    Listpack(Arc<ListpackBuf>),
    Quick(Arc<Quicklist>),
}

impl From<Repr> for List {
    fn from(repr: Repr) -> List {
        List { repr, changes: 0 }
    }
}

impl Default for List {
    fn default() -> List {
        Repr::Listpack(Arc::default()).into()
    }
}

impl List {
    pub(crate) fn from_inline(bytes: &[u8]) -> List {
        Repr::Listpack(Arc::new(ListpackBuf::from_vec_trusted(bytes.to_vec()))).into()
    }

    /// The list, to read.
    pub fn as_ref(&self) -> ListRef<'_> {
        ListRef(match &self.repr {
            Repr::Listpack(listpack) => View::Listpack(listpack.as_ref().as_ref()),
            Repr::Quick(quick) => View::Quick(quick),
        })
    }

    pub(crate) fn blob(&self) -> Option<&[u8]> {
        match &self.repr {
            Repr::Listpack(listpack) => Some(listpack.bytes()),
            Repr::Quick(_) => None,
        }
    }

    /// Bytes taken of an allocator.
    pub fn heap_bytes(&self) -> usize {
        match &self.repr {
            Repr::Listpack(listpack) => listpack.block_bytes(),
            Repr::Quick(quick) => quick.heap_bytes(),
        }
    }

    /// Number of nodes.
    pub(crate) fn nodes_len(&self) -> usize {
        match &self.repr {
            Repr::Listpack(_) => 1,
            Repr::Quick(quick) => quick.nodes_len(),
        }
    }

    /// What it is made of, to be freed part by part.
    pub(crate) fn into_parts(self) -> Parts {
        match self.repr {
            Repr::Listpack(listpack) => whole(listpack),
            Repr::Quick(quick) => {
                let owned = Arc::into_inner(quick);
                Box::new(owned.into_iter().flat_map(Quicklist::into_parts))
            }
        }
    }

    /// Adds an element in front.
    pub fn push_front(&mut self, settings: &Settings, element: &[u8]) {
        self.grow_for(settings, element);
        match &mut self.repr {
            Repr::Listpack(listpack) => own(listpack).push_front(element),
            Repr::Quick(quick) => own(quick).push_front(element),
        }
        self.changes += 1;
    }

    /// Adds an element at the end.
    pub fn push_back(&mut self, settings: &Settings, element: &[u8]) {
        self.grow_for(settings, element);
        match &mut self.repr {
            Repr::Listpack(listpack) => own(listpack).push_back(element),
            Repr::Quick(quick) => own(quick).push_back(element),
        }
        self.changes += 1;
    }

    /// Adds a listpack of elements at the end, as a node of its own: for loading.
    pub fn push_node(&mut self, settings: &Settings, node: ListpackBuf) {
        if node.is_empty() {
            return;
        }
        let limit = NodeLimit::of(settings);
        if self.as_ref().is_empty() && !limit.is_exceeded(node.byte_len(), node.len()) {
            self.put(Repr::Listpack(Arc::new(node)));
        } else {
            self.make_quick(limit).push_node(node);
        }
        self.changes += 1;
    }

    /// Takes the first element.
    pub fn pop_front(&mut self) -> Option<Vec<u8>> {
        self.pop(0)
    }

    /// Takes the last element.
    pub fn pop_back(&mut self) -> Option<Vec<u8>> {
        self.pop(-1)
    }

    fn pop(&mut self, index: isize) -> Option<Vec<u8>> {
        let element = self.as_ref().get(index)?.to_vec();
        let at = from_front(index, self.as_ref().len())?;
        self.remove_range(at, 1);
        Some(element)
    }

    /// Replaces the element at `index`, negative from the end; whether there is one.
    pub fn set(&mut self, settings: &Settings, index: isize, element: &[u8]) -> bool {
        let Some(at) = from_front(index, self.as_ref().len()) else {
            return false;
        };
        self.grow_for(settings, element);
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                if let Some(pos) = listpack.as_ref().as_ref().seek(at as isize) {
                    own(listpack).replace(pos, element);
                }
            }
            Repr::Quick(quick) => own(quick).set(at, element),
        }
        self.shrink();
        self.changes += 1;
        true
    }

    /// Inserts an element before or after the first one that equals `pivot`; the new length, or
    /// `None` if there is no such one.
    pub fn insert(
        &mut self,
        settings: &Settings,
        pivot: &[u8],
        before: bool,
        element: &[u8],
    ) -> Option<usize> {
        let at = self
            .as_ref()
            .iter()
            .position(|candidate| candidate.eq_text(pivot))?;
        let at = if before { at } else { at + 1 };
        self.grow_for(settings, element);
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                let view = listpack.as_ref().as_ref();
                let pos = view.seek(at as isize).unwrap_or(view.end_pos());
                own(listpack).insert_before(pos, element);
            }
            Repr::Quick(quick) => own(quick).insert(at, element),
        }
        self.changes += 1;
        Some(self.as_ref().len())
    }

    /// Removes elements that equal `element`: the first `count`, the last `-count`, or all for 0;
    /// how many.
    pub fn remove_matching(&mut self, count: i64, element: &[u8]) -> usize {
        let most = match usize::try_from(count.unsigned_abs()) {
            Ok(0) | Err(_) => usize::MAX,
            Ok(most) => most,
        };
        let removed = match &mut self.repr {
            Repr::Listpack(listpack) => {
                let found = node::matches(listpack.as_ref().as_ref(), element, most, count < 0);
                if !found.is_empty() {
                    node::remove_all(own(listpack), &found);
                }
                found.len()
            }
            Repr::Quick(quick) if quick.range(0, quick.len()).any(|e| e.eq_text(element)) => {
                own(quick).remove_matching(element, most, count < 0)
            }
            Repr::Quick(_) => 0,
        };
        self.shrink();
        self.changes += removed as u64;
        removed
    }

    /// Keeps the elements from index `start` up to but not including `stop`.
    pub fn trim(&mut self, start: usize, stop: usize) {
        let len = self.as_ref().len();
        let stop = stop.min(len);
        let start = start.min(stop);
        self.remove_range(stop, len - stop);
        self.remove_range(0, start);
    }

    fn remove_range(&mut self, start: usize, count: usize) {
        if count == 0 {
            return;
        }
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                own(listpack).remove_range(start as isize, count);
            }
            Repr::Quick(quick) => own(quick).remove_range(start, count),
        }
        self.shrink();
        self.changes += count as u64;
    }

    /// Becomes a quicklist if an element to come makes too much of a listpack.
    fn grow_for(&mut self, settings: &Settings, element: &[u8]) {
        let limit = NodeLimit::of(settings);
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                let (bytes, len) = (listpack.byte_len(), listpack.len());
                if limit.is_exceeded(bytes + element.len(), len + 1) {
                    self.make_quick(limit);
                }
            }
            Repr::Quick(quick) if quick.limit() != limit => own(quick).set_limit(limit),
            Repr::Quick(_) => {}
        }
    }

    /// Puts another form in place of what it is.
    fn put(&mut self, repr: Repr) {
        let old = std::mem::replace(&mut self.repr, repr);
        crate::Value::List(old.into()).let_go();
    }

    fn make_quick(&mut self, limit: NodeLimit) -> &mut Quicklist {
        if let Repr::Listpack(listpack) = &mut self.repr {
            let mut quick = Quicklist::new(limit);
            own(listpack);
            quick.push_node(Arc::unwrap_or_clone(std::mem::take(listpack)));
            self.repr = Repr::Quick(Arc::new(quick));
        }
        match &mut self.repr {
            Repr::Quick(quick) => own(quick),
            Repr::Listpack(_) => unreachable!("it has just become a quicklist"),
        }
    }

    /// Becomes a listpack again if all fits half a node: half, so that it does not go to and fro.
    fn shrink(&mut self) {
        if let Repr::Quick(quick) = &self.repr
            && let Some(listpack) = quick.as_half_node()
        {
            let listpack = Arc::new(listpack.clone());
            self.put(Repr::Listpack(listpack));
        }
    }
}

#[cfg(test)]
mod tests;
