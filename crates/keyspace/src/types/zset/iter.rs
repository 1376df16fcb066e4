use super::order::OrderIter;
use super::pairs;
use packed::Element;
use packed::listpack::{self, Listpack};
use std::ops::Range;

/// Members of a sorted set and their scores, from either end.
#[derive(Debug, Clone)]
pub struct ZsetIter<'a> {
    pairs: Pairs<'a>,
    /// Whether the greatest comes first.
    rev: bool,
}

#[derive(Debug, Clone)]
enum Pairs<'a> {
    Listpack {
        elements: listpack::Iter<'a>,
        left: usize,
    },
    Order(OrderIter<'a>),
}

impl<'a> ZsetIter<'a> {
    /// The pairs with these ranks, which are there.
    pub(super) fn of_listpack(listpack: Listpack<'a>, ranks: Range<usize>, rev: bool) -> Self {
        let mut elements = listpack.iter();
        let behind = listpack.len() / 2 - ranks.end;
        (0..2 * ranks.start).for_each(|_| {
            elements.next();
        });
        (0..2 * behind).for_each(|_| {
            elements.next_back();
        });
        let left = ranks.len();
        ZsetIter {
            pairs: Pairs::Listpack { elements, left },
            rev,
        }
    }

    pub(super) fn of_order(iter: OrderIter<'a>, rev: bool) -> Self {
        ZsetIter {
            pairs: Pairs::Order(iter),
            rev,
        }
    }

    fn least(&mut self) -> Option<(Element<'a>, f64)> {
        match &mut self.pairs {
            Pairs::Listpack { elements, left } => {
                *left = left.checked_sub(1)?;
                let member = elements.next()?;
                Some((member, pairs::decode(elements.next()?)))
            }
            Pairs::Order(iter) => iter.next().map(|(score, m)| (Element::Bytes(m), score)),
        }
    }

    fn greatest(&mut self) -> Option<(Element<'a>, f64)> {
        match &mut self.pairs {
            Pairs::Listpack { elements, left } => {
                *left = left.checked_sub(1)?;
                let score = pairs::decode(elements.next_back()?);
                Some((elements.next_back()?, score))
            }
            Pairs::Order(iter) => iter
                .next_back()
                .map(|(score, m)| (Element::Bytes(m), score)),
        }
    }
}

impl<'a> Iterator for ZsetIter<'a> {
    type Item = (Element<'a>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rev {
            self.greatest()
        } else {
            self.least()
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.pairs {
            Pairs::Listpack { left, .. } => *left,
            Pairs::Order(iter) => iter.len(),
        };
        (left, Some(left))
    }
}

impl DoubleEndedIterator for ZsetIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.rev {
            self.least()
        } else {
            self.greatest()
        }
    }
}

impl ExactSizeIterator for ZsetIter<'_> {}
