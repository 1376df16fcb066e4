//! Parts of values with other texts in them. Forms that keep their elements in an order that follows
//! from the texts (intsets, listpacks of sorted sets) become plain ones; servers pack them again.

use crate::error::Error;
use crate::redact::Redactor;
use packed::intset::Intset;
use packed::listpack::{Listpack, ListpackBuf};
use packed::{Element, number};
use rdb::Part;

/// Redacts one part after another.
pub(super) struct Redacted {
    redactor: Redactor,
    texts: [Vec<u8>; 2],
    /// Values that only a module could read, so that nobody can redact them.
    pub(super) opaque: u64,
}

/// What stands in the place of such a value.
const OPAQUE: &[u8] = b"(value of a module)";

impl Redacted {
    pub(super) fn new(redactor: Redactor) -> Redacted {
        Redacted {
            redactor,
            texts: [Vec::new(), Vec::new()],
            opaque: 0,
        }
    }

    /// Another name.
    pub(super) fn name(&mut self, name: &[u8]) -> &[u8] {
        let [text, _] = &mut self.texts;
        text.clear();
        text.extend_from_slice(name);
        self.redactor.name(text);
        text
    }

    /// Hands the parts to `put` that stand for `part`.
    pub(super) fn part(
        &mut self,
        part: &Part<'_>,
        mut put: impl FnMut(&Part<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match *part {
            Part::String(bytes) => put(&Part::String(self.text(Element::Bytes(bytes)))),
            Part::Chunk(bytes) => put(&Part::Chunk(self.text(Element::Bytes(bytes)))),
            Part::Element(bytes) => put(&Part::Element(self.text(Element::Bytes(bytes)))),
            Part::NodePlain(bytes) => put(&Part::NodePlain(self.text(Element::Bytes(bytes)))),
            Part::NodeListpack(bytes) => put(&Part::NodeListpack(&self.listpack(bytes, |_| true))),
            Part::SetListpack(bytes) => put(&Part::SetListpack(&self.listpack(bytes, |_| true))),
            Part::HashListpack(bytes) => put(&Part::HashListpack(&self.listpack(bytes, |_| true))),
            Part::HashListpackTtl { min, listpack } => {
                let listpack = &self.listpack(listpack, |at| at % 3 != 2);
                put(&Part::HashListpackTtl { min, listpack })
            }
            Part::Field {
                field,
                value,
                expire,
            } => {
                let (field, value) = self.pair(field, value);
                put(&Part::Field {
                    field,
                    value,
                    expire,
                })
            }
            Part::Scored { member, score } => {
                let member = self.text(Element::Bytes(member));
                put(&Part::Scored { member, score })
            }
            Part::Module(_) => {
                self.opaque += 1;
                put(&Part::String(OPAQUE))
            }
            Part::SetIntset(bytes) => self.intset(Intset::new(bytes), put),
            Part::ZsetListpack(bytes) => self.scored(Listpack::new(bytes), put),
            _ => self.stream_part(part, put),
        }
    }

    fn text(&mut self, element: Element<'_>) -> &[u8] {
        let [text, _] = &mut self.texts;
        redact(&self.redactor, element, text);
        text
    }

    fn pair(&mut self, field: &[u8], value: &[u8]) -> (&[u8], &[u8]) {
        let [first, second] = &mut self.texts;
        redact(&self.redactor, Element::Bytes(field), first);
        redact(&self.redactor, Element::Bytes(value), second);
        (first, second)
    }

    /// A listpack in which elements are others, if `is_text` says so of their index.
    fn listpack(&mut self, bytes: &[u8], is_text: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut listpack = ListpackBuf::with_capacity(bytes.len());
        for (at, element) in Listpack::new(bytes).iter().enumerate() {
            match is_text(at) {
                true => listpack.push_back(self.text(element)),
                false => listpack.push_element(element),
            }
        }
        listpack.into_vec()
    }

    fn intset(
        &mut self,
        intset: Intset<'_>,
        mut put: impl FnMut(&Part<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let len = intset.len() as u64;
        put(&Part::Set { len })?;
        let mut members = intset.iter();
        members.try_for_each(|int| put(&Part::Element(self.text(Element::Int(int)))))
    }

    fn scored(
        &mut self,
        listpack: Listpack<'_>,
        mut put: impl FnMut(&Part<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let len = listpack.len() as u64 / 2;
        put(&Part::Zset { len })?;
        let mut elements = listpack.iter();
        while let (Some(member), Some(score)) = (elements.next(), elements.next()) {
            let score = match score {
                Element::Int(int) => int as f64,
                Element::Bytes(text) => number::parse_f64(text).unwrap_or_default(),
            };
            let member = self.text(member);
            put(&Part::Scored { member, score })?;
        }
        Ok(())
    }

    fn stream_part(
        &mut self,
        part: &Part<'_>,
        mut put: impl FnMut(&Part<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match *part {
            Part::StreamNode { master, listpack } => {
                let texts = stream_texts(listpack);
                let is_text = |at: usize| texts.get(at) == Some(&true);
                let listpack = &self.listpack(listpack, is_text);
                put(&Part::StreamNode { master, listpack })
            }
            Part::Group {
                name,
                last,
                entries_read,
                pending,
            } => put(&Part::Group {
                name: self.text(Element::Bytes(name)),
                last,
                entries_read,
                pending,
            }),
            Part::Consumer {
                name,
                seen,
                active,
                pending,
            } => put(&Part::Consumer {
                name: self.text(Element::Bytes(name)),
                seen,
                active,
                pending,
            }),
            Part::Producer { name, entries } => put(&Part::Producer {
                name: self.text(Element::Bytes(name)),
                entries,
            }),
            Part::Produced { name, id } => put(&Part::Produced {
                name: self.text(Element::Bytes(name)),
                id,
            }),
            _ => put(part),
        }
    }
}

fn redact(redactor: &Redactor, element: Element<'_>, text: &mut Vec<u8>) {
    text.clear();
    element.write_text(text);
    redactor.value(text);
}

/// Which elements of a stream's node are texts; the layout is drawn in the crate `rdb`.
fn stream_texts(listpack: &[u8]) -> Vec<bool> {
    let elements: Vec<Element<'_>> = Listpack::new(listpack).iter().collect();
    let mut is_text = vec![false; elements.len()];
    let int = |at: usize| {
        let element = elements.get(at).and_then(|element| element.as_int());
        element.map_or(0, |int| usize::try_from(int).unwrap_or(0))
    };
    let mut mark = |from: usize, count: usize| {
        let range = is_text.get_mut(from..from.saturating_add(count));
        range.unwrap_or_default().fill(true);
    };
    let master_fields = int(2);
    mark(3, master_fields);
    let mut at = master_fields + 4;
    while at < elements.len() {
        let own_names = int(at) & 2 == 0;
        let (from, count) = match own_names {
            true => (at + 4, int(at + 3).saturating_mul(2)),
            false => (at + 3, master_fields),
        };
        mark(from, count);
        at = from.saturating_add(count).saturating_add(1);
    }
    is_text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_node_are_those_of_its_fields() {
        let mut node = ListpackBuf::new();
        let elements = [
            "2", "0", "1", "f", "0", "2", "0", "0", "v", "4", "0", "1", "0", "1", "x", "y", "6",
        ];
        elements
            .iter()
            .for_each(|text| node.push_back(text.as_bytes()));
        let texts = stream_texts(node.bytes());
        let marked = elements.iter().zip(&texts).filter(|(_, is)| **is);
        assert!(marked.map(|(text, _)| *text).eq(["f", "v", "x", "y"]));
    }
}
