//! What files hold, counted.

mod commands;
mod prefix;
mod time;
mod top;

pub use commands::{CommandCount, Commands, KeyPositions};
pub use prefix::{Prefix, PrefixTree};
pub use time::{Deadlines, Share, Spans, date_and_time};
pub use top::{Top, TopKey};

use crate::estimate;
use crate::record::{Encoding, Fact, Figures, Key, Piece, Type, Visitor};
use crate::slot;
use rdb::{Checksum, Version};
use std::collections::BTreeMap;
use std::io;
use units::UnixMillis;

/// How a [`Summary`] counts.
pub struct SummaryOptions {
    /// How many of the largest keys are kept by each measure.
    pub top: usize,
    /// Where names are cut into prefixes.
    pub separators: Vec<u8>,
    /// Whether cluster slots are counted, which costs a hash of every name.
    pub slots: bool,
    /// The time from which deadlines are seen; else that at which the file was written.
    pub at: Option<UnixMillis>,
    /// The time to take if the file does not tell.
    pub now: UnixMillis,
    /// Where commands have their keys.
    pub positions: Option<KeyPositions>,
}

/// What files hold, counted in bounded memory.
#[derive(Debug)]
pub struct Summary {
    /// Headers, one for each snapshot.
    pub versions: Vec<Version>,
    /// What the writer noted of itself, as text.
    pub aux: Vec<(String, String)>,
    /// What the footer of the last snapshot said, once it came.
    pub checksum: Option<Checksum>,
    /// All keys.
    pub total: Row,
    /// Keys by database.
    pub dbs: BTreeMap<u32, DbRow>,
    forms: Vec<Row>,
    /// Keys by deadline.
    pub deadlines: Deadlines,
    /// Keys by memory: under 2^i bytes and at least half of that.
    pub sizes: [Share; 64],
    /// The largest by memory.
    pub top_memory: Top,
    /// The largest by elements.
    pub top_elements: Top,
    /// Keys by prefix.
    pub prefixes: PrefixTree,
    /// How long keys were idle, where the file says so.
    pub idle: Spans,
    /// Those idle for longest.
    pub top_idle: Top,
    /// Keys by LFU counter, 16 to a row, where the file says so.
    pub freqs: [Share; 16],
    /// Those used most.
    pub top_freq: Top,
    /// Keys by cluster slot, if asked for.
    pub slots: Vec<Share>,
    /// Function libraries: how many, and the bytes of their sources.
    pub functions: (u64, u64),
    /// Records of modules, values not included: how many, and their bytes.
    pub module_aux: (u64, u64),
    /// Keys without elements, which servers leave out.
    pub empty: u64,
    /// Records of Redis Enterprise.
    pub skipped: u64,
    /// Commands of logs.
    pub commands: Commands,
    /// Prefixes of the keys that they name, with bytes of the commands.
    pub written: PrefixTree,
    /// The last time that a log told, Unix seconds.
    pub last_timestamp: Option<i64>,
    follows_ctime: bool,
}

/// What keys of one kind come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Row {
    /// How many.
    pub keys: u64,
    /// Their elements.
    pub elements: u64,
    /// Their bytes of memory, estimated.
    pub memory: u64,
    /// Their bytes in the file.
    pub serialized: u64,
}

/// What a database holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DbRow {
    /// Its keys.
    pub row: Row,
    /// Keys with a deadline.
    pub expires: u64,
}

impl Row {
    #[inline]
    fn add(&mut self, figures: &Figures) {
        self.keys += 1;
        self.elements += figures.elements;
        self.memory += figures.memory;
        self.serialized += figures.serialized;
    }
}

/// What is kept of facts that a writer noted.
const AUX_MAX: usize = 64;
const AUX_BYTES_MAX: usize = 256;
/// Databases beyond these are counted as the last.
pub(crate) const DBS_MAX: usize = 16 << 10;
/// Forms that a type may have.
const FORMS: usize = Encoding::Module as usize + 1;
const MS_PER_SEC: i64 = 1000;

impl Summary {
    /// A summary of nothing yet.
    pub fn new(options: SummaryOptions) -> Summary {
        let slots = if options.slots { slot::SLOTS } else { 0 };
        let top = || Top::new(options.top);
        Summary {
            versions: Vec::new(),
            aux: Vec::new(),
            checksum: None,
            total: Row::default(),
            dbs: BTreeMap::new(),
            forms: vec![Row::default(); Type::ALL.len() * FORMS],
            deadlines: Deadlines::new(options.at.unwrap_or(options.now)),
            sizes: [Share::default(); 64],
            top_memory: top(),
            top_elements: top(),
            prefixes: PrefixTree::new(&options.separators),
            idle: Spans::new(),
            top_idle: top(),
            freqs: [Share::default(); 16],
            top_freq: top(),
            slots: vec![Share::default(); slots],
            functions: (0, 0),
            module_aux: (0, 0),
            empty: 0,
            skipped: 0,
            written: PrefixTree::new(&options.separators),
            commands: Commands::new(options.positions),
            last_timestamp: None,
            follows_ctime: options.at.is_none(),
        }
    }

    /// What keys of a type come to, form by form; forms without keys are left out.
    pub fn forms(&self, kind: Type) -> impl Iterator<Item = (Encoding, Row)> + '_ {
        let rows = self.forms.chunks(FORMS).nth(kind as usize);
        let rows = ENCODINGS
            .into_iter()
            .zip(rows.into_iter().flatten().copied());
        rows.filter(|(_, row)| row.keys > 0)
    }

    /// What keys of a type come to.
    pub fn of_type(&self, kind: Type) -> Row {
        self.forms(kind).fold(Row::default(), |sum, (_, row)| Row {
            keys: sum.keys + row.keys,
            elements: sum.elements + row.elements,
            memory: sum.memory + row.memory,
            serialized: sum.serialized + row.serialized,
        })
    }

    /// Bytes of the tables of all databases, deadlines included, which are no single key's, and what
    /// tables of values take beyond what is told of each.
    pub fn overhead(&self) -> u64 {
        let tables = self.dbs.values().map(|db| {
            let (keys, deadlines) = (db.row.keys, db.expires);
            estimate::buckets(keys, deadlines) + estimate::entries(keys, deadlines)
        });
        let forms = Type::ALL.into_iter().flat_map(|kind| self.forms(kind));
        let unseen = forms.map(|(encoding, row)| estimate::unseen(encoding, row.elements));
        tables.sum::<u64>() + unseen.sum::<u64>()
    }

    /// Whether any key says when it was last used.
    pub fn has_idle(&self) -> bool {
        self.idle.rows().any(|(_, share)| share.keys > 0)
    }

    /// Whether any key says how often it was used.
    pub fn has_freq(&self) -> bool {
        self.freqs.iter().any(|share| share.keys > 0)
    }

    fn note_aux(&mut self, name: &[u8], value: &[u8]) {
        let text = |bytes: &[u8]| {
            let shown = bytes.get(..AUX_BYTES_MAX).unwrap_or(bytes);
            String::from_utf8_lossy(shown).into_owned()
        };
        let (name, value) = (text(name), text(value));
        if name == "ctime" && self.follows_ctime {
            let at = value
                .parse::<i64>()
                .ok()
                .map(|secs| secs.saturating_mul(MS_PER_SEC));
            self.deadlines.at = at.map_or(self.deadlines.at, UnixMillis);
        }
        if self.aux.len() < AUX_MAX {
            self.aux.push((name, value));
        }
    }

    #[inline]
    fn note_use(&mut self, key: &Key<'_>, figures: &Figures) {
        if let Some(secs) = key.idle_secs {
            let ms = i64::try_from(secs).unwrap_or(i64::MAX);
            self.idle.add(ms.saturating_mul(MS_PER_SEC), figures);
            self.top_idle.offer(secs, key, figures);
        }
        if let Some(freq) = key.freq {
            if let Some(share) = self.freqs.get_mut(usize::from(freq / 16)) {
                share.add(figures);
            }
            self.top_freq.offer(u64::from(freq), key, figures);
        }
    }

    #[inline]
    fn db(&mut self, db: u32) -> &mut DbRow {
        let known = self.dbs.len() < DBS_MAX || self.dbs.contains_key(&db);
        self.dbs
            .entry(if known { db } else { u32::MAX })
            .or_default()
    }
}

const ENCODINGS: [Encoding; FORMS] = [
    Encoding::Int,
    Encoding::Embstr,
    Encoding::Raw,
    Encoding::Listpack,
    Encoding::ListpackEx,
    Encoding::Ziplist,
    Encoding::Quicklist,
    Encoding::Intset,
    Encoding::Hashtable,
    Encoding::Skiplist,
    Encoding::Stream,
    Encoding::Module,
];

impl Visitor for Summary {
    fn fact(&mut self, fact: &Fact<'_>) -> io::Result<()> {
        let count = |sum: &mut (u64, u64), bytes: u64| {
            *sum = (sum.0 + 1, sum.1 + bytes);
        };
        match fact {
            Fact::Snapshot(version) => self.versions.push(*version),
            Fact::Aux(name, value) => self.note_aux(name, value),
            Fact::Function(source) => count(&mut self.functions, source.len() as u64),
            Fact::ModuleAux(bytes) => count(&mut self.module_aux, *bytes),
            Fact::SkippedEmpty(_) => self.empty += 1,
            Fact::SkippedRecord(_) => self.skipped += 1,
            Fact::SnapshotEnd(checksum) => self.checksum = Some(*checksum),
            Fact::Command { words, bytes } => {
                let written = &mut self.written;
                let each_key = |key: &[u8]| written.add(key, *bytes);
                self.commands.add(words, *bytes, each_key);
            }
            Fact::Timestamp(secs) => self.last_timestamp = Some(*secs),
        }
        Ok(())
    }

    #[inline]
    fn key(&mut self, _: &Key<'_>) -> io::Result<bool> {
        Ok(false)
    }

    fn piece(&mut self, _: &Piece<'_>) -> io::Result<()> {
        Ok(())
    }

    fn end_key(&mut self, key: &Key<'_>, figures: &Figures, keep: bool) -> io::Result<()> {
        if !keep {
            return Ok(());
        }
        self.total.add(figures);
        let db = self.db(key.db);
        db.row.add(figures);
        db.expires += u64::from(key.expire.is_some());
        let form = key.kind as usize * FORMS + key.encoding as usize;
        if let Some(row) = self.forms.get_mut(form) {
            row.add(figures);
        }
        let size = 64 - figures.memory.leading_zeros() as usize;
        if let Some(share) = self.sizes.get_mut(size) {
            share.add(figures);
        }
        self.deadlines.add(key.expire, figures);
        self.top_memory.offer(figures.memory, key, figures);
        if key.kind != Type::String {
            self.top_elements.offer(figures.elements, key, figures);
        }
        self.prefixes.add(key.name, figures.memory);
        self.note_use(key, figures);
        if !self.slots.is_empty() {
            let slot = usize::from(slot::of(key.name));
            if let Some(share) = self.slots.get_mut(slot) {
                share.add(figures);
            }
        }
        Ok(())
    }
}
