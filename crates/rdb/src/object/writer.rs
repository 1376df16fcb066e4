use crate::encode_error::{EncodeError, Losses};
use crate::event::Part;
use crate::kind::Kind;
use crate::object::hash::{self, FieldForm};
use crate::object::list::NodeForm;
use crate::object::stream_writer::{StreamWriter, Written};
use crate::object::string::StringChunks;
use crate::object::{set, zset};
use crate::string::{StringWriter, put_len};
use crate::target::{Loss, Target};

/// Writes one value after another, part by part, in the forms that the target has.
#[derive(Debug)]
pub(crate) struct ValueWriter {
    target: Target,
    lossy: bool,
    pub(crate) strings: StringWriter,
    pub(crate) losses: Losses,
    stage: Stage,
    head: Head,
    /// What must be all there before it is written: a list whose count comes first and is not known
    /// yet, and the count so far; or a string to be compressed.
    held: Vec<u8>,
    held_count: u64,
    /// The form of the fields or nodes that follow.
    fields: FieldForm,
    nodes: NodeForm,
}

/// The bytes before a value's kind and those between kind and value.
#[derive(Debug, Default)]
pub(crate) struct Head {
    /// For messages.
    pub(crate) key: Vec<u8>,
    pub(crate) before_kind: Vec<u8>,
    pub(crate) after_kind: Vec<u8>,
}

impl Head {
    pub(crate) fn clear(&mut self) {
        self.key.clear();
        self.before_kind.clear();
        self.after_kind.clear();
    }
}

/// What may come next.
#[derive(Debug)]
enum Stage {
    Idle,
    /// The first part, which decides the kind.
    First,
    Chunks(StringChunks),
    Elements {
        left: u64,
    },
    Fields {
        left: u64,
    },
    Scored {
        left: u64,
    },
    /// Nodes, `items` (nodes or elements, as the form counts) of them.
    Nodes {
        items: u64,
    },
    /// Nodes, held back until they were counted.
    HeldNodes,
    Stream(StreamWriter),
    /// The value is whole, its end was not said yet.
    Whole,
}

/// The buffer for lists that are held back keeps no more than this between values.
const HELD_KEPT: usize = 1 << 20;

impl ValueWriter {
    pub(crate) fn new(target: Target, compress: bool, lossy: bool) -> ValueWriter {
        ValueWriter {
            target,
            lossy,
            strings: StringWriter::new(compress),
            losses: Losses::default(),
            stage: Stage::Idle,
            head: Head::default(),
            held: Vec::new(),
            held_count: 0,
            fields: FieldForm::Plain,
            nodes: NodeForm::Nodes,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }

    /// A value begins. Gives its head to be filled in.
    pub(crate) fn start(&mut self) -> (&mut Head, &mut StringWriter) {
        self.stage = Stage::First;
        self.head.clear();
        (&mut self.head, &mut self.strings)
    }

    /// Gives the value up.
    pub(crate) fn abandon(&mut self) {
        self.stage = Stage::Idle;
        self.held.clear();
    }

    /// Appends a part.
    pub(crate) fn put(&mut self, part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match (&mut self.stage, part) {
            (Stage::First, _) => return self.first(part, out),
            (Stage::Chunks(chunks), Part::Chunk(bytes)) => {
                if !chunks.put(bytes, &mut self.held, &mut self.strings, out) {
                    return Err(EncodeError::misplaced(part));
                }
            }
            (Stage::Elements { left: left @ 1.. }, Part::Element(text)) => {
                *left -= 1;
                self.strings.put(text, out);
            }
            (Stage::Scored { left: left @ 1.. }, Part::Scored { member, score }) => {
                *left -= 1;
                self.strings.put(member, out);
                zset::put_score(*score, out);
            }
            (Stage::Fields { left: left @ 1.. }, Part::Field { .. }) => {
                *left -= 1;
                return self.field(part, out);
            }
            (
                Stage::Nodes { .. } | Stage::HeldNodes,
                Part::NodePlain(_) | Part::NodeListpack(_),
            ) => {
                return self.node(part, out);
            }
            (Stage::Stream(stream), _) if *part != Part::EndValue => {
                return match stream.put(part, &mut self.strings, out) {
                    Written::Whole => Ok(()),
                    Written::Without(what) => self.lose(what),
                    Written::Impossible(what) => Err(self.unrepresentable(what)),
                    Written::Misplaced => Err(EncodeError::misplaced(part)),
                };
            }
            (_, Part::EndValue) => return self.end(out),
            _ => return Err(EncodeError::misplaced(part)),
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match &self.stage {
            Stage::Whole
            | Stage::Elements { left: 0 }
            | Stage::Fields { left: 0 }
            | Stage::Scored { left: 0 }
            | Stage::Nodes { items: 0 } => {}
            Stage::Stream(stream) if stream.is_complete() => {}
            Stage::Chunks(chunks) if chunks.is_complete() => self.held.shrink_to(HELD_KEPT),
            Stage::HeldNodes if self.held_count > 0 => {
                put_len(self.held_count, out);
                out.extend_from_slice(&self.held);
                self.held.clear();
                self.held.shrink_to(HELD_KEPT);
            }
            _ => return Err(EncodeError::misplaced(&Part::EndValue)),
        }
        self.stage = Stage::Idle;
        Ok(())
    }

    /// The first part decides the kind.
    fn first(&mut self, part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match *part {
            Part::String(text) => {
                self.begin(Kind::String, out);
                self.strings.put(text, out);
                self.stage = Stage::Whole;
            }
            Part::LongString { len } => {
                self.begin(Kind::String, out);
                self.held.clear();
                self.stage = Stage::Chunks(StringChunks::start(len, &self.strings, out));
            }
            Part::Module(bytes) => {
                self.begin(Kind::Module, out);
                out.extend_from_slice(bytes);
                self.stage = Stage::Whole;
            }
            Part::List { len } => self.counted(Kind::List, len, Stage::Elements { left: len }, out),
            Part::Set { len } => self.counted(Kind::Set, len, Stage::Elements { left: len }, out),
            Part::Zset { len } => self.counted(Kind::Zset, len, Stage::Scored { left: len }, out),
            Part::Hash { len, ttl } => self.hash(len, ttl, out),
            Part::Quicklist { nodes, elements } => self.quicklist(nodes, elements, out),
            Part::StreamHeader { nodes } => {
                self.begin(stream_kind(self.target), out);
                self.stage = Stage::Stream(StreamWriter::start(self.target, nodes, out));
            }
            _ => return self.blob(part, out),
        }
        Ok(())
    }

    fn begin(&mut self, kind: Kind, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head.before_kind);
        out.push(kind.byte());
        out.extend_from_slice(&self.head.after_kind);
    }

    fn counted(&mut self, kind: Kind, len: u64, stage: Stage, out: &mut Vec<u8>) {
        self.begin(kind, out);
        put_len(len, out);
        self.stage = stage;
    }

    fn hash(&mut self, len: u64, ttl: bool, out: &mut Vec<u8>) {
        let (kind, form) = match self.target {
            Target::Redis12 if ttl => (Kind::HashTtl24, FieldForm::Relative { min: 0 }),
            Target::Valkey80 if ttl => (Kind::HashTtl22Valkey, FieldForm::Trailing),
            _ => (Kind::Hash, FieldForm::Plain),
        };
        self.begin(kind, out);
        hash::put_header(form, len, out);
        self.fields = form;
        self.stage = Stage::Fields { left: len };
    }

    fn field(&mut self, part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let &Part::Field {
            field,
            value,
            expire,
        } = part
        else {
            return Err(EncodeError::misplaced(part));
        };
        if expire.is_some() && self.fields == FieldForm::Plain {
            self.lose(Loss::FieldTtl)?;
        }
        let row = (field, value, expire);
        hash::put_field(self.fields, row, &mut self.strings, out);
        Ok(())
    }

    fn quicklist(&mut self, nodes: u64, elements: Option<u64>, out: &mut Vec<u8>) {
        let (kind, form) = match self.target.has_listpacks() {
            true => (Kind::Quicklist, NodeForm::Nodes),
            false => (Kind::List, NodeForm::Elements),
        };
        self.begin(kind, out);
        self.nodes = form;
        let Some(elements) = elements else {
            self.held.clear();
            self.held_count = 0;
            self.stage = Stage::HeldNodes;
            return;
        };
        let items = match form {
            NodeForm::Nodes => nodes,
            NodeForm::Elements => elements,
        };
        put_len(items, out);
        self.stage = Stage::Nodes { items };
    }

    fn node(&mut self, part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let held = matches!(self.stage, Stage::HeldNodes);
        let to = if held { &mut self.held } else { out };
        let made = match part {
            Part::NodePlain(element) => self.nodes.put_plain(element, &mut self.strings, to),
            Part::NodeListpack(blob) => self.nodes.put_listpack(blob, &mut self.strings, to),
            _ => 0,
        };
        match &mut self.stage {
            Stage::Nodes { items } => match items.checked_sub(made) {
                Some(left) => *items = left,
                None => return Err(EncodeError::misplaced(part)),
            },
            _ => self.held_count += made,
        }
        Ok(())
    }

    /// Kinds that are one blob.
    fn blob(&mut self, part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match *part {
            Part::SetIntset(blob) => self.as_it_is(Kind::SetIntset, blob, out),
            Part::SetListpack(blob) if self.target.has_set_listpacks() => {
                self.as_it_is(Kind::SetListpack, blob, out);
            }
            Part::SetListpack(blob) => {
                self.begin(Kind::Set, out);
                set::put_plain(blob, &mut self.strings, out);
            }
            Part::HashListpackTtl { min, listpack } => {
                self.hash_with_deadlines(min, listpack, out)?;
            }
            Part::HashListpack(blob) => self.hash_listpack(blob, out),
            Part::ZsetListpack(blob) if self.target.has_listpacks() => {
                self.as_it_is(Kind::ZsetListpack, blob, out);
            }
            Part::ZsetListpack(blob) => {
                self.begin(Kind::Zset, out);
                zset::put_plain(blob, &mut self.strings, out)
                    .map_err(|_| EncodeError::misplaced(part))?;
            }
            _ => return Err(EncodeError::misplaced(part)),
        }
        self.stage = Stage::Whole;
        Ok(())
    }

    fn as_it_is(&mut self, kind: Kind, blob: &[u8], out: &mut Vec<u8>) {
        self.begin(kind, out);
        self.strings.put(blob, out);
    }

    fn hash_listpack(&mut self, blob: &[u8], out: &mut Vec<u8>) {
        if self.target.has_listpacks() {
            return self.as_it_is(Kind::HashListpack, blob, out);
        }
        self.begin(Kind::Hash, out);
        hash::put_plain(blob, &mut self.strings, out);
    }

    fn hash_with_deadlines(
        &mut self,
        min: u64,
        blob: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        match self.target {
            Target::Redis12 => {
                self.begin(Kind::HashListpackTtl25, out);
                out.extend_from_slice(&min.to_le_bytes());
                self.strings.put(&hash::with_deadlines_in_range(blob), out);
            }
            Target::Valkey80 => {
                self.begin(Kind::HashTtl22Valkey, out);
                hash::put_trailing(blob, &mut self.strings, out);
            }
            Target::Redis9 | Target::Redis10 | Target::Redis11 => {
                if hash::triples(blob).any(|(_, _, expire)| expire.is_some()) {
                    self.lose(Loss::FieldTtl)?;
                }
                self.hash_listpack(&hash::without_deadlines(blob), out);
            }
        }
        Ok(())
    }

    /// Notes what cannot be written, or refuses.
    pub(crate) fn lose(&mut self, what: Loss) -> Result<(), EncodeError> {
        if what.is_data() && !self.lossy {
            return Err(self.unrepresentable(what));
        }
        self.losses.note(what, &self.head.key);
        Ok(())
    }

    fn unrepresentable(&self, what: Loss) -> EncodeError {
        let (target, key) = (self.target, self.head.key.as_slice().into());
        EncodeError::Unrepresentable { what, target, key }
    }
}

fn stream_kind(target: Target) -> Kind {
    match target {
        Target::Redis9 => Kind::Stream15,
        Target::Redis10 => Kind::Stream19,
        Target::Redis11 | Target::Redis12 | Target::Valkey80 => Kind::Stream21,
    }
}
