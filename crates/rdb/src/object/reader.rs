use crate::blob::Unique;
use crate::cursor::{Cursor, Stop};
use crate::error::ErrorKind;
use crate::event::Part;
use crate::kind::{Kind, TemplateForm};
use crate::object::hash::{self, FieldForm};
use crate::object::list::Nodes;
use crate::object::module::ModuleScan;
use crate::object::stream::StreamReader;
use crate::object::string::StringReader;
use crate::object::template::{TemplatedReader, Templates};
use crate::object::{EMPTY_LISTPACK_LEN, set, zset};
use crate::old_forms::EMPTY_ZIPLIST_LEN;
use crate::string::{peek_str_len, read_len, read_str};

/// Reads one value after another, part by part.
///
/// [`ValueReader::start`], then [`ValueReader::next`] until it gives [`Part::EndValue`]. A call that
/// stops for want of input changes nothing that is not behind a commit of the cursor, and is made
/// again from there.
#[derive(Debug)]
pub(crate) struct ValueReader {
    stage: Stage,
    /// Where strings are decoded to; holds those of the part given last.
    scratch: Vec<u8>,
    unique: Unique,
    string: StringReader,
    /// Those that the file told so far.
    pub(crate) templates: Templates,
    templated: TemplatedReader,
    module: ModuleScan,
    stream: StreamReader,
}

/// What comes next in the input.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Start(Kind),
    String,
    Elements { left: u64 },
    Fields { left: u64, form: FieldForm },
    Scored { left: u64, text: bool },
    Nodes(Nodes),
    Templated,
    Stream,
    End,
}

/// Scratch space beyond this is given back between parts.
const SCRATCH_KEPT: usize = 1 << 20;

impl ValueReader {
    pub(crate) fn new() -> ValueReader {
        ValueReader {
            stage: Stage::End,
            scratch: Vec::new(),
            unique: Unique::default(),
            string: StringReader::default(),
            templates: Templates::default(),
            templated: TemplatedReader::default(),
            module: ModuleScan::default(),
            stream: StreamReader::default(),
        }
    }

    /// The next bytes are a value of this kind.
    pub(crate) fn start(&mut self, kind: Kind) {
        self.stage = match kind {
            Kind::String => Stage::String,
            _ => Stage::Start(kind),
        };
        match kind {
            Kind::String => self.string.start(),
            Kind::Module => self.module = ModuleScan::default(),
            Kind::HashTemplated(_) => self.templated = TemplatedReader::default(),
            _ => {}
        }
    }

    /// Whether the value has no parts left, so that [`Part::EndValue`] is next.
    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        match self.stage {
            Stage::String => self.string.is_at_end(),
            stage => stage == Stage::End,
        }
    }

    /// Whether the value ahead is a collection without elements. If so it is passed over whole; if
    /// not, the cursor is where it was, but for leading nodes without elements.
    pub(crate) fn skip_empty(&mut self, cur: &mut Cursor<'_>) -> Result<bool, Stop> {
        if let Stage::Nodes(nodes) = &mut self.stage {
            self.scratch.clear();
            return nodes.skip_empty(cur, &mut self.scratch);
        }
        let Stage::Start(kind) = self.stage else {
            return Ok(false);
        };
        match kind {
            Kind::Module => Ok(false),
            Kind::Stream15 | Kind::Stream19 | Kind::Stream21 => Ok(false),
            Kind::Stream26 | Kind::Stream27 | Kind::HashTemplated(_) => Ok(false),
            Kind::Quicklist | Kind::ListOfZiplists => {
                let nodes = Nodes::read(kind, cur)?;
                cur.commit();
                self.stage = Stage::Nodes(nodes);
                self.skip_empty(cur)
            }
            _ => self.skip_empty_simple(kind, cur),
        }
    }

    fn skip_empty_simple(&mut self, kind: Kind, cur: &mut Cursor<'_>) -> Result<bool, Stop> {
        let at = cur.at();
        self.scratch.clear();
        let empty = match kind {
            Kind::List | Kind::Set | Kind::Hash | Kind::Zset | Kind::ZsetText => {
                read_len(cur, "a collection's length")? == 0
            }
            Kind::HashTtl22Redis | Kind::HashTtl22Valkey => {
                read_len(cur, "a collection's length")? == 0
            }
            Kind::HashTtl24 => {
                cur.bytes(8, "a hash's earliest deadline")?;
                read_len(cur, "a collection's length")? == 0
            }
            Kind::HashListpackTtl25 => {
                cur.bytes(8, "a hash's earliest deadline")?;
                self.skip_empty_blob(kind, cur)?
            }
            _ => self.skip_empty_blob(kind, cur)?,
        };
        if !empty {
            cur.back_to(at);
        }
        Ok(empty)
    }

    /// Blobs without entries are known by their size, since they hold nothing but their frame.
    fn skip_empty_blob(&mut self, kind: Kind, cur: &mut Cursor<'_>) -> Result<bool, Stop> {
        let empty = match kind {
            Kind::ListZiplist | Kind::HashZiplist | Kind::ZsetZiplist => EMPTY_ZIPLIST_LEN as u64,
            Kind::HashZipmap => EMPTY_ZIPMAP_LEN,
            Kind::SetIntset => EMPTY_INTSET_LEN,
            _ => EMPTY_LISTPACK_LEN,
        };
        if peek_str_len(cur, "a collection")? != empty {
            return Ok(false);
        }
        read_str(cur, &mut self.scratch, "a collection")?;
        Ok(true)
    }

    /// As [`ValueReader::next`], of a string that has parts left.
    #[inline]
    pub(crate) fn next_string<'a, 'i: 'a>(
        &'a mut self,
        cur: &mut Cursor<'i>,
    ) -> Result<Part<'a>, Stop> {
        self.clear_scratch();
        self.string.next(cur, &mut self.scratch)
    }

    #[inline]
    fn clear_scratch(&mut self) {
        self.scratch.clear();
        if self.scratch.capacity() > SCRATCH_KEPT {
            self.scratch.shrink_to(SCRATCH_KEPT);
        }
    }

    /// The next part. Moves the cursor past it and commits.
    pub(crate) fn next<'a, 'i: 'a>(&'a mut self, cur: &mut Cursor<'i>) -> Result<Part<'a>, Stop> {
        self.clear_scratch();
        match self.stage {
            Stage::Start(kind) => self.start_value(kind, cur),
            Stage::String if !self.string.is_at_end() => self.next_string(cur),
            Stage::String
            | Stage::Elements { left: 0 }
            | Stage::Fields { left: 0, .. }
            | Stage::Scored { left: 0, .. }
            | Stage::End => {
                self.stage = Stage::End;
                Ok(Part::EndValue)
            }
            Stage::Elements { left } => self.element(left, cur),
            Stage::Fields { left, form } => self.field(left, form, cur),
            Stage::Scored { left, text } => self.scored(left, text, cur),
            Stage::Nodes(nodes) => self.node(nodes, cur),
            Stage::Templated => self.templated_field(cur),
            Stage::Stream => {
                let part = self.stream.next(cur, &mut self.scratch)?;
                cur.commit();
                match part {
                    Some(part) => Ok(part.resolve(&self.scratch)),
                    None => {
                        self.stage = Stage::End;
                        Ok(Part::EndValue)
                    }
                }
            }
        }
    }

    fn start_value<'a, 'i: 'a>(
        &'a mut self,
        kind: Kind,
        cur: &mut Cursor<'i>,
    ) -> Result<Part<'a>, Stop> {
        match kind {
            Kind::List | Kind::Set | Kind::Hash | Kind::Zset | Kind::ZsetText => {
                let len = read_len(cur, "a collection's length")?;
                self.counted(kind, len, cur)
            }
            Kind::HashTtl22Redis | Kind::HashTtl24 | Kind::HashTtl22Valkey => {
                let form = FieldForm::read(kind, cur)?;
                let left = read_len(cur, "a hash's length")?;
                not_empty(left, cur)?;
                self.stage = Stage::Fields { left, form };
                cur.commit();
                let (len, ttl) = (left, true);
                Ok(Part::Hash { len, ttl })
            }
            Kind::Quicklist | Kind::ListOfZiplists => {
                let nodes = Nodes::read(kind, cur)?;
                cur.commit();
                self.start_nodes(nodes)
            }
            // One node; read when it is asked for, like any other.
            Kind::ListZiplist => self.start_nodes(Nodes::single_ziplist()),
            Kind::HashTemplated(form) => self.start_templated(form, cur),
            Kind::Stream15 | Kind::Stream19 | Kind::Stream21 | Kind::Stream26 | Kind::Stream27 => {
                let part = self.stream.start(kind, cur)?;
                self.stage = Stage::Stream;
                cur.commit();
                Ok(part)
            }
            _ => self.whole_value(kind, cur),
        }
    }

    fn start_nodes<'a>(&mut self, nodes: Nodes) -> Result<Part<'a>, Stop> {
        self.stage = Stage::Nodes(nodes.begun());
        let (nodes, elements) = (nodes.left(), None);
        Ok(Part::Quicklist { nodes, elements })
    }

    fn counted<'a>(
        &mut self,
        kind: Kind,
        len: u64,
        cur: &mut Cursor<'_>,
    ) -> Result<Part<'a>, Stop> {
        not_empty(len, cur)?;
        cur.commit();
        let left = len;
        let (stage, part) = match kind {
            Kind::List => (Stage::Elements { left }, Part::List { len }),
            Kind::Set => (Stage::Elements { left }, Part::Set { len }),
            Kind::Hash => {
                let form = FieldForm::Plain;
                let ttl = false;
                (Stage::Fields { left, form }, Part::Hash { len, ttl })
            }
            _ => {
                let text = kind == Kind::ZsetText;
                (Stage::Scored { left, text }, Part::Zset { len })
            }
        };
        self.stage = stage;
        Ok(part)
    }

    /// Kinds that are one part: blobs and modules.
    fn whole_value<'a, 'i: 'a>(
        &'a mut self,
        kind: Kind,
        cur: &mut Cursor<'i>,
    ) -> Result<Part<'a>, Stop> {
        let ValueReader {
            scratch, unique, ..
        } = self;
        let part = match kind {
            Kind::SetIntset => set::read_intset(cur, scratch)?,
            Kind::SetListpack => set::read_listpack(cur, scratch, unique)?,
            Kind::ZsetZiplist | Kind::ZsetListpack => {
                zset::read_listpack(kind, cur, scratch, unique)?
            }
            Kind::Module => Part::Module(self.module.read(cur)?),
            _ => hash::read_listpack(kind, cur, scratch, unique)?,
        };
        self.stage = Stage::End;
        cur.commit();
        Ok(part)
    }

    fn element<'a, 'i: 'a>(
        &'a mut self,
        left: u64,
        cur: &mut Cursor<'i>,
    ) -> Result<Part<'a>, Stop> {
        let text = read_str(cur, &mut self.scratch, "an element")?;
        self.stage = Stage::Elements { left: left - 1 };
        cur.commit();
        Ok(Part::Element(text.resolve(&self.scratch)))
    }

    fn field<'a, 'i: 'a>(
        &'a mut self,
        left: u64,
        form: FieldForm,
        cur: &mut Cursor<'i>,
    ) -> Result<Part<'a>, Stop> {
        let (field, value, expire) = hash::read_field(form, cur, &mut self.scratch)?;
        let left = left - 1;
        self.stage = Stage::Fields { left, form };
        cur.commit();
        Ok(Part::Field {
            field: field.resolve(&self.scratch),
            value: value.resolve(&self.scratch),
            expire,
        })
    }

    fn start_templated<'a>(
        &mut self,
        form: TemplateForm,
        cur: &mut Cursor<'_>,
    ) -> Result<Part<'a>, Stop> {
        let (templates, scratch) = (&self.templates, &mut self.scratch);
        let len = self.templated.start(form, templates, cur, scratch)?;
        self.stage = Stage::Templated;
        cur.commit();
        let ttl = false;
        Ok(Part::Hash { len, ttl })
    }

    fn templated_field<'a, 'i: 'a>(&'a mut self, cur: &mut Cursor<'i>) -> Result<Part<'a>, Stop> {
        let (templates, scratch) = (&self.templates, &mut self.scratch);
        match self.templated.next(templates, cur, scratch)? {
            Some(part) => Ok(part),
            None => {
                self.stage = Stage::End;
                Ok(Part::EndValue)
            }
        }
    }

    fn scored<'a, 'i: 'a>(
        &'a mut self,
        left: u64,
        text: bool,
        cur: &mut Cursor<'i>,
    ) -> Result<Part<'a>, Stop> {
        let (member, score) = zset::read_scored(text, cur, &mut self.scratch)?;
        let left = left - 1;
        self.stage = Stage::Scored { left, text };
        cur.commit();
        let member = member.resolve(&self.scratch);
        Ok(Part::Scored { member, score })
    }

    fn node<'a, 'i: 'a>(
        &'a mut self,
        nodes: Nodes,
        cur: &mut Cursor<'i>,
    ) -> Result<Part<'a>, Stop> {
        if nodes.is_unannounced() {
            return self.start_nodes(nodes);
        }
        let mut nodes = nodes;
        let node = nodes.next(cur, &mut self.scratch);
        // Nodes without elements may have been passed over even if the next is incomplete.
        self.stage = Stage::Nodes(nodes);
        match node? {
            Some(node) => Ok(node.resolve(&self.scratch)),
            None if nodes.found_none() => Err(cur.wrong(cur.at(), ErrorKind::EmptyCollection)),
            None => {
                self.stage = Stage::End;
                Ok(Part::EndValue)
            }
        }
    }
}

/// A zipmap's count and end mark.
const EMPTY_ZIPMAP_LEN: u64 = 2;
/// An intset's element size and count.
const EMPTY_INTSET_LEN: u64 = 8;

fn not_empty(len: u64, cur: &Cursor<'_>) -> Result<(), Stop> {
    match len {
        0 => Err(cur.wrong(cur.at(), ErrorKind::EmptyCollection)),
        _ => Ok(()),
    }
}
