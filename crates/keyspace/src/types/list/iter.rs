use super::node::Node;
use super::quick::Quicklist;
use packed::Element;
use packed::listpack::{self, Listpack};

/// Elements of a list, from either end.
///
/// Each end walks the nodes by itself; `left` keeps them from passing each other.
#[derive(Debug, Clone)]
pub struct ListIter<'a> {
    quick: Option<&'a Quicklist>,
    front: End<'a>,
    back: End<'a>,
    left: usize,
}

/// How far one end got.
#[derive(Debug, Clone)]
struct End<'a> {
    node: usize,
    elements: Elements<'a>,
}

/// What an end has left of its node.
#[derive(Debug, Clone)]
enum Elements<'a> {
    Plain(Option<&'a [u8]>),
    Packed(listpack::Iter<'a>),
}

impl<'a> Elements<'a> {
    fn of(node: Node<'a>) -> Elements<'a> {
        match node {
            Node::Plain(element) => Elements::Plain(Some(element)),
            Node::Packed(blob) => Elements::Packed(Listpack::new(blob).iter()),
        }
    }

    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            Elements::Plain(element) => element.take().map(Element::Bytes),
            Elements::Packed(elements) => elements.next(),
        }
    }

    fn next_back(&mut self) -> Option<Element<'a>> {
        match self {
            Elements::Plain(element) => element.take().map(Element::Bytes),
            Elements::Packed(elements) => elements.next_back(),
        }
    }
}

impl<'a> End<'a> {
    /// At `offset` elements from the start of a node.
    fn from_start(number: usize, node: Node<'a>, offset: usize) -> End<'a> {
        let mut elements = Elements::of(node);
        (0..offset).for_each(|_| {
            elements.next();
        });
        End {
            node: number,
            elements,
        }
    }

    /// At `offset` elements from the end of a node.
    fn from_end(number: usize, node: Node<'a>, offset: usize) -> End<'a> {
        let mut elements = Elements::of(node);
        (0..offset).for_each(|_| {
            elements.next_back();
        });
        End {
            node: number,
            elements,
        }
    }
}

impl<'a> ListIter<'a> {
    fn empty() -> ListIter<'a> {
        let end = End {
            node: 0,
            elements: Elements::Plain(None),
        };
        ListIter {
            quick: None,
            front: end.clone(),
            back: end,
            left: 0,
        }
    }

    /// Elements `start` to `stop` of a listpack that has that many.
    pub(super) fn of_listpack(listpack: Listpack<'a>, start: usize, stop: usize) -> ListIter<'a> {
        let node = Node::Packed(listpack.bytes());
        ListIter {
            quick: None,
            front: End::from_start(0, node, start),
            back: End::from_end(0, node, listpack.len() - stop),
            left: stop - start,
        }
    }

    /// Elements `start` to `stop` of a quicklist that has that many.
    pub(super) fn of_quick(quick: &'a Quicklist, start: usize, stop: usize) -> ListIter<'a> {
        if start == stop {
            return ListIter::empty();
        }
        let (first, skipped) = quick.locate(start);
        let (last, before) = quick.locate(stop - 1);
        let behind = quick.count(last) - before - 1;
        match (quick.node(first), quick.node(last)) {
            (Some(front), Some(back)) => ListIter {
                quick: Some(quick),
                front: End::from_start(first, front, skipped),
                back: End::from_end(last, back, behind),
                left: stop - start,
            },
            _ => ListIter::empty(),
        }
    }
}

impl<'a> Iterator for ListIter<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        self.left = self.left.checked_sub(1)?;
        loop {
            if let Some(element) = self.front.elements.next() {
                return Some(element);
            }
            let number = self.front.node + 1;
            self.front = End::from_start(number, self.quick?.node(number)?, 0);
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for ListIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        loop {
            if let Some(element) = self.back.elements.next_back() {
                return Some(element);
            }
            let number = self.back.node.checked_sub(1)?;
            self.back = End::from_end(number, self.quick?.node(number)?, 0);
        }
    }
}

impl ExactSizeIterator for ListIter<'_> {}
