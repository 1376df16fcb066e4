//! What events mean, whatever the form in which values came.

use std::collections::BTreeMap;

use packed::Element;
use packed::intset::Intset;
use packed::listpack::Listpack;
use rdb::{Event, Part};

/// Keys by database and name, each with its attributes and its value as lines, in an order that does
/// not depend on the form; and what belongs to no key.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Logical {
    pub(crate) keys: BTreeMap<(u32, Vec<u8>), Vec<String>>,
    pub(crate) others: Vec<String>,
    db: u32,
    key: Option<(u32, Vec<u8>)>,
    value: Vec<String>,
    string: Vec<u8>,
    ordered: bool,
}

impl Logical {
    pub(crate) fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::SelectDb(db) => self.db = db.0,
            Event::Key { key, meta } => {
                self.key = Some((self.db, key.to_vec()));
                self.value.clear();
                self.ordered = false;
                self.keys
                    .insert((self.db, key.to_vec()), vec![format!("{meta:?}")]);
            }
            Event::Value(Part::EndValue) => self.end(),
            Event::Value(part) => self.part(part),
            Event::Start(_) | Event::End { .. } | Event::ResizeDb { .. } => {}
            Event::SlotInfo { .. } | Event::SkippedOpcode(_) | Event::SkippedEmpty { .. } => {}
            other => self.others.push(format!("{other:?}")),
        }
    }

    fn end(&mut self) {
        if !self.string.is_empty() {
            let string = show(&std::mem::take(&mut self.string));
            self.line(string);
        }
        if !self.ordered {
            self.value.sort();
        }
        let key = self.key.take().expect("a key before its value");
        let lines = self.keys.get_mut(&key).expect("inserted");
        lines.append(&mut self.value);
    }

    fn part(&mut self, part: &Part<'_>) {
        match part {
            Part::String(text) => {
                self.line("string");
                self.string.extend_from_slice(text);
            }
            Part::LongString { .. } => self.line("string"),
            // For how long and how many: settings, which no target has a place for.
            Part::Producers { .. } | Part::ProducedTotals { .. } => {}
            Part::Chunk(text) => self.string.extend_from_slice(text),
            Part::List { .. } | Part::Quicklist { .. } => {
                self.line("list");
                self.ordered = true;
            }
            Part::Set { .. } => self.line(" set"),
            Part::Hash { .. } => self.line(" hash"),
            Part::Zset { .. } => self.line(" zset"),
            Part::Element(text) | Part::NodePlain(text) => self.line(show(text)),
            Part::NodeListpack(blob) => self.elements(blob),
            Part::SetListpack(blob) => {
                self.line(" set");
                self.elements(blob);
            }
            Part::SetIntset(blob) => {
                self.line(" set");
                for n in Intset::new(blob).iter() {
                    self.line(show(n.to_string().as_bytes()));
                }
            }
            Part::Field {
                field,
                value,
                expire,
            } => self.field(field, value, expire.map(|at| at.0)),
            Part::HashListpack(blob) => self.hash(blob, 2),
            Part::HashListpackTtl { listpack, .. } => self.hash(listpack, 3),
            Part::Scored { member, score } => self.scored(member, *score),
            Part::ZsetListpack(blob) => self.zset(blob),
            other => {
                self.ordered = true;
                self.line(format!("{other:?}"));
            }
        }
    }

    fn line(&mut self, line: impl Into<String>) {
        self.value.push(line.into());
    }

    fn elements(&mut self, blob: &[u8]) {
        for element in Listpack::new(blob).iter() {
            self.line(show(&element.to_vec()));
        }
    }

    fn field(&mut self, field: &[u8], value: &[u8], expire: Option<i64>) {
        let (field, value) = (show(field), show(value));
        self.line(format!("{field} = {value} until {expire:?}"));
    }

    fn hash(&mut self, blob: &[u8], size: usize) {
        self.line(" hash");
        let elements: Vec<_> = Listpack::new(blob).iter().collect();
        for group in elements.chunks(size) {
            let expire = group.get(2).and_then(Element::as_int);
            let expire = expire.filter(|ms| *ms != 0);
            self.field(&group[0].to_vec(), &group[1].to_vec(), expire);
        }
    }

    fn scored(&mut self, member: &[u8], score: f64) {
        // Compact forms of 7.0 and later lose the sign of zero.
        let member = show(member);
        self.line(format!("{member} at {:016x}", (score + 0.0).to_bits()));
    }

    fn zset(&mut self, blob: &[u8]) {
        self.line(" zset");
        let elements: Vec<_> = Listpack::new(blob).iter().collect();
        for pair in elements.chunks(2) {
            let score = packed::number::parse_f64(&pair[1].to_vec()).expect("a score");
            self.scored(&pair[0].to_vec(), score);
        }
    }
}

fn show(text: &[u8]) -> String {
    format!("\"{}\"", text.escape_ascii())
}
