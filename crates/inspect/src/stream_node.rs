//! The entries of a stream's node. Nodes were checked by the decoder; the layout is drawn in the
//! crate `rdb`, file `object/stream_node.rs`.

use packed::Element;
use packed::listpack::{Iter, Listpack};
use units::StreamId;

const FLAG_DELETED: i64 = 1;
const FLAG_SAME_FIELDS: i64 = 2;

/// An entry of a stream, with its fields still in the node.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its id.
    pub id: StreamId,
    /// How many fields it has.
    pub fields: usize,
    master: &'a Master<'a>,
    body: &'a Iter<'a>,
    own_names: bool,
}

impl<'a> Entry<'a> {
    /// Its fields with their values.
    pub fn pairs(&self) -> impl Iterator<Item = (Element<'a>, Element<'a>)> + use<'a> {
        let mut names = self.master.names.clone();
        let mut body = self.body.clone();
        let own_names = self.own_names;
        (0..self.fields).map_while(move |_| {
            let name = match own_names {
                true => body.next(),
                false => names.next(),
            }?;
            Some((name, body.next()?))
        })
    }
}

/// What entries refer to: the node's id and the fields of its first entry.
#[derive(Debug)]
struct Master<'a> {
    id: StreamId,
    fields: usize,
    names: Iter<'a>,
}

/// Calls `each` with the entries of a node that are alive, in order.
pub(crate) fn each_entry<E>(
    id: StreamId,
    listpack: &[u8],
    mut each: impl FnMut(Entry<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut elements = Listpack::new(listpack).iter();
    elements.next();
    elements.next();
    let fields = count(&mut elements);
    let names = elements.clone();
    skip(&mut elements, fields + 1);
    let master = Master { id, fields, names };
    while let Some(flags) = elements.next() {
        let flags = flags.as_int().unwrap_or_default();
        let id = entry_id(master.id, &mut elements);
        let own_names = flags & FLAG_SAME_FIELDS == 0;
        let fields = match own_names {
            true => count(&mut elements),
            false => master.fields,
        };
        if flags & FLAG_DELETED == 0 {
            each(Entry {
                id,
                fields,
                master: &master,
                body: &elements.clone(),
                own_names,
            })?;
        }
        let names = if own_names { fields } else { 0 };
        skip(&mut elements, fields + names + 1);
    }
    Ok(())
}

fn entry_id(master: StreamId, elements: &mut Iter<'_>) -> StreamId {
    let mut part = || {
        let part = elements.next().and_then(|element| element.as_int());
        part.unwrap_or_default().cast_unsigned()
    };
    StreamId {
        ms: master.ms.wrapping_add(part()),
        seq: master.seq.wrapping_add(part()),
    }
}

fn count(elements: &mut Iter<'_>) -> usize {
    let count = elements.next().and_then(|element| element.as_int());
    count.map_or(0, |count| usize::try_from(count).unwrap_or(0))
}

fn skip(elements: &mut Iter<'_>, count: usize) {
    for _ in 0..count {
        if elements.next().is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packed::listpack::ListpackBuf;

    #[test]
    fn entries_alive_with_their_own_and_the_shared_fields() {
        let mut node = ListpackBuf::new();
        // Two alive, one deleted; master field f. Then f=v under the master's id, a deleted one,
        // and x=y under the next ms.
        for text in [
            "2", "1", "1", "f", "0", "2", "0", "0", "v", "4", "3", "0", "1", "w", "4", "0", "1",
            "0", "1", "x", "y", "6",
        ] {
            node.push_back(text.as_bytes());
        }
        let mut seen = Vec::new();
        let id = StreamId::new(10, 5);
        each_entry(id, node.bytes(), |entry| {
            let pairs = entry.pairs().map(|(f, v)| (f.to_vec(), v.to_vec()));
            seen.push((entry.id, pairs.collect::<Vec<_>>()));
            Ok::<(), ()>(())
        })
        .unwrap();
        let pair = |f: &str, v: &str| vec![(f.as_bytes().to_vec(), v.as_bytes().to_vec())];
        assert_eq!(
            seen,
            [
                (StreamId::new(10, 5), pair("f", "v")),
                (StreamId::new(11, 5), pair("x", "y"))
            ]
        );
    }
}
