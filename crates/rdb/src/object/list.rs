//! Lists: plain, and as nodes.
//!
//! # Layout
//!
//! ```text
//!   kind 1   list            = len n, n x str
//!   kind 10  ziplist         = str(ziplist)                            before 3.2
//!   kind 14  quicklist       = len n, n x str(ziplist)                 3.2 to 6.2
//!   kind 18  quicklist       = len n, n x node                         7.0 and later
//!            node            = len 1, str(element)  |  len 2, str(listpack)
//! ```
//!
//! Example: `12 01 6C  01 02 09 09000000 0100 81 61 02 FF` the list "l" of one node with "a".
//!
//! # Invariants
//!
//! - Servers since 7.0 pass over nodes without elements, and so does the reader: the number of nodes
//!   it announces is an upper bound. The writer's is exact.

use packed::Element;

use crate::blob::sound_listpack;
use crate::cursor::{Cursor, Stop};
use crate::error::ErrorKind;
use crate::event::Part;
use crate::kind::Kind;
use crate::object::EMPTY_LISTPACK_LEN;
use crate::old_forms::{EMPTY_ZIPLIST_LEN, ziplist_to_listpack};
use crate::string::{StringWriter, Text, peek_str_len, put_len, read_len, read_str};

const CONTAINER_PLAIN: u64 = 1;
const CONTAINER_PACKED: u64 = 2;

/// The nodes of a list that are yet to be read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Nodes {
    left: u64,
    ziplists: bool,
    /// Whether the header part was given out, and whether any node was.
    announced: bool,
    found: bool,
}

/// A node, before its bytes are borrowed.
pub(crate) enum Node<'i> {
    Plain(Text<'i>),
    Listpack(Text<'i>),
}

impl<'i> Node<'i> {
    pub(crate) fn resolve<'a>(&self, scratch: &'a [u8]) -> Part<'a>
    where
        'i: 'a,
    {
        match self {
            Node::Plain(text) => Part::NodePlain(text.resolve(scratch)),
            Node::Listpack(text) => Part::NodeListpack(text.resolve(scratch)),
        }
    }
}

impl Nodes {
    pub(crate) fn read(kind: Kind, cur: &mut Cursor<'_>) -> Result<Nodes, Stop> {
        let left = read_len(cur, "a list's number of nodes")?;
        Ok(Nodes {
            left,
            ziplists: kind == Kind::ListOfZiplists,
            ..Nodes::single_ziplist()
        })
    }

    /// The one node that is a list of kind 10.
    pub(crate) fn single_ziplist() -> Nodes {
        Nodes {
            left: 1,
            ziplists: true,
            announced: false,
            found: false,
        }
    }

    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    pub(crate) fn is_unannounced(&self) -> bool {
        !self.announced
    }

    pub(crate) fn found_none(&self) -> bool {
        !self.found
    }

    /// The same nodes once their number was given out.
    pub(crate) fn begun(mut self) -> Nodes {
        self.announced = true;
        self
    }

    /// Passes over nodes without elements, committing each, and says whether there were no others.
    pub(crate) fn skip_empty(
        &mut self,
        cur: &mut Cursor<'_>,
        scratch: &mut Vec<u8>,
    ) -> Result<bool, Stop> {
        let empty = match self.ziplists {
            true => EMPTY_ZIPLIST_LEN as u64,
            false => EMPTY_LISTPACK_LEN,
        };
        while self.left > 0 {
            let at = cur.at();
            let packed = self.ziplists || read_container(cur)? == CONTAINER_PACKED;
            if !packed || peek_str_len(cur, "a list's node")? != empty {
                cur.back_to(at);
                return Ok(false);
            }
            scratch.clear();
            let blob_at = cur.at();
            let blob = read_str(cur, scratch, "a list's node")?;
            self.check(&blob, scratch)
                .map_err(|kind| cur.wrong(blob_at, kind))?;
            self.left -= 1;
            cur.commit();
        }
        Ok(true)
    }

    fn check(&self, blob: &Text<'_>, scratch: &[u8]) -> Result<(), ErrorKind> {
        match self.ziplists {
            true => ziplist_to_listpack(blob.resolve(scratch)).map(|_| ()),
            false => sound_listpack(blob.resolve(scratch)).map(|_| ()),
        }
    }

    /// The next node with elements, `None` after the last.
    pub(crate) fn next<'i>(
        &mut self,
        cur: &mut Cursor<'i>,
        scratch: &mut Vec<u8>,
    ) -> Result<Option<Node<'i>>, Stop> {
        if self.skip_empty(cur, scratch)? {
            return Ok(None);
        }
        scratch.clear();
        let node = if self.ziplists {
            self.read_ziplist(cur, scratch)?
        } else if read_container(cur)? == CONTAINER_PLAIN {
            Node::Plain(read_plain(cur, scratch)?)
        } else {
            self.read_listpack(cur, scratch)?
        };
        self.left -= 1;
        self.found = true;
        cur.commit();
        Ok(Some(node))
    }

    fn read_ziplist<'i>(
        &self,
        cur: &mut Cursor<'i>,
        scratch: &mut Vec<u8>,
    ) -> Result<Node<'i>, Stop> {
        let at = cur.at();
        let blob = read_str(cur, scratch, "a list's ziplist")?;
        let listpack =
            ziplist_to_listpack(blob.resolve(scratch)).map_err(|kind| cur.wrong(at, kind))?;
        let start = scratch.len();
        scratch.extend_from_slice(&listpack);
        Ok(Node::Listpack(Text::Scratch(start..scratch.len())))
    }

    fn read_listpack<'i>(
        &self,
        cur: &mut Cursor<'i>,
        scratch: &mut Vec<u8>,
    ) -> Result<Node<'i>, Stop> {
        let at = cur.at();
        let blob = read_str(cur, scratch, "a list's listpack")?;
        sound_listpack(blob.resolve(scratch)).map_err(|kind| cur.wrong(at, kind))?;
        Ok(Node::Listpack(blob))
    }
}

/// An element with a node of its own is large; servers refuse one of no bytes.
fn read_plain<'i>(cur: &mut Cursor<'i>, scratch: &mut Vec<u8>) -> Result<Text<'i>, Stop> {
    let at = cur.at();
    let element = read_str(cur, scratch, "a list's element")?;
    if element.len() > 0 {
        return Ok(element);
    }
    let expected = "the length of an element with its own node, 1 or more,";
    Err(cur.wrong(at, ErrorKind::BadNumber { expected, found: 0 }))
}

fn read_container(cur: &mut Cursor<'_>) -> Result<u64, Stop> {
    let at = cur.at();
    match read_len(cur, "a list node's container")? {
        container @ (CONTAINER_PLAIN | CONTAINER_PACKED) => Ok(container),
        found => {
            let found = i128::from(found);
            let expected = "a list node's container, 1 or 2,";
            Err(cur.wrong(at, ErrorKind::BadNumber { expected, found }))
        }
    }
}

/// How a list that comes as nodes is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum NodeForm {
    /// Kind 18.
    Nodes,
    /// Kind 1.
    Elements,
}

impl NodeForm {
    /// Appends a node that is one element; says how many items of this form that made.
    pub(crate) fn put_plain(
        self,
        element: &[u8],
        strings: &mut StringWriter,
        out: &mut Vec<u8>,
    ) -> u64 {
        if self == NodeForm::Nodes {
            put_len(CONTAINER_PLAIN, out);
        }
        strings.put(element, out);
        1
    }

    /// Appends a node of elements; says how many items of this form that made.
    pub(crate) fn put_listpack(
        self,
        listpack: &[u8],
        strings: &mut StringWriter,
        out: &mut Vec<u8>,
    ) -> u64 {
        if self == NodeForm::Nodes {
            put_len(CONTAINER_PACKED, out);
            strings.put(listpack, out);
            return 1;
        }
        put_elements(listpack, strings, out)
    }
}

/// Appends every element of a listpack as a string; says how many.
pub(crate) fn put_elements(listpack: &[u8], strings: &mut StringWriter, out: &mut Vec<u8>) -> u64 {
    let mut count = 0;
    for element in packed::listpack::Listpack::new(listpack).iter() {
        put_element(element, strings, out);
        count += 1;
    }
    count
}

/// Appends an element of a listpack as a string.
pub(crate) fn put_element(element: Element<'_>, strings: &mut StringWriter, out: &mut Vec<u8>) {
    let mut text = packed::IntText::default();
    strings.put(element.text(&mut text), out);
}
