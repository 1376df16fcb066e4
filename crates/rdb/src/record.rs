use units::{DbIndex, UnixMillis};

use crate::cursor::{Cursor, Stop};
use crate::error::ErrorKind;
use crate::event::{Event, KeyMeta};
use crate::header::{Family, Version};
use crate::kind::Kind;
use crate::object::{ModuleScan, Templates};
use crate::opcode;
use crate::string::{read_len, read_str};

/// Reads records other than values. The bytes of each are drawn in `opcode.rs`.
#[derive(Debug, Default)]
pub(crate) struct RecordReader {
    /// What was said of the next key.
    meta: KeyMeta,
    /// The key whose value comes next.
    pub(crate) key: Vec<u8>,
    scratch: Vec<u8>,
    ranges: Vec<(u64, u64)>,
    module: ModuleScan,
}

/// What the next record is.
pub(crate) enum Prefix {
    /// Neither a key nor the end; nothing of it was read.
    Record,
    /// A key, which is kept. Its value comes next.
    Key(Kind),
    End,
}

/// Memory that a key or scratch space keeps between records, in bytes.
const KEPT: usize = 1 << 20;

impl RecordReader {
    /// What was said of the key that was read, and forgets it.
    pub(crate) fn take_meta(&mut self) -> KeyMeta {
        std::mem::take(&mut self.meta)
    }

    /// Reads what belongs to the next key, and then a key or the end mark if they come next.
    pub(crate) fn read_prefix(
        &mut self,
        version: Version,
        templates: &mut Templates,
        cur: &mut Cursor<'_>,
    ) -> Result<Prefix, Stop> {
        loop {
            if templates.is_open() {
                templates.read(cur, &mut self.scratch)?;
            }
            let at = cur.at();
            let byte = cur.byte("a record")?;
            if byte >= opcode::FIRST {
                opcode::check(byte, version).map_err(|kind| cur.wrong(at, kind))?;
            }
            if byte == opcode::HASH_TEMPLATE {
                templates.read(cur, &mut self.scratch)?;
                cur.commit();
                continue;
            }
            if self.read_attribute(byte, cur)? {
                cur.commit();
                continue;
            }
            let prefix = match byte {
                opcode::EOF => Prefix::End,
                byte if opcode::is_key(byte, version) => {
                    Prefix::Key(self.read_key(byte, version, cur)?)
                }
                _ => {
                    cur.back_to(at);
                    Prefix::Record
                }
            };
            cur.commit();
            return Ok(prefix);
        }
    }

    /// Notes what belongs to the next key; false if the byte is none of that.
    fn read_attribute(&mut self, byte: u8, cur: &mut Cursor<'_>) -> Result<bool, Stop> {
        match byte {
            opcode::EXPIRE_MS => {
                let ms = i64::from_le_bytes(cur.array("a key's deadline")?);
                self.meta.expire = Some(UnixMillis(ms)).filter(|at| at.0 != NO_DEADLINE);
            }
            opcode::EXPIRE_SECS => {
                let secs = i32::from_le_bytes(cur.array("a key's deadline")?);
                self.meta.expire = UnixMillis::from_secs(i64::from(secs));
            }
            opcode::IDLE => self.meta.idle_secs = Some(read_len(cur, "a key's idle time")?),
            opcode::FREQ => self.meta.freq = Some(cur.byte("a key's access counter")?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn read_key(&mut self, byte: u8, version: Version, cur: &mut Cursor<'_>) -> Result<Kind, Stop> {
        let at = cur.at().saturating_sub(1);
        let kind = Kind::of(byte, version).map_err(|kind| cur.wrong(at, kind))?;
        self.scratch.clear();
        let key = read_str(cur, &mut self.scratch, "a key")?;
        self.key.clear();
        if self.key.capacity() > KEPT {
            self.key.shrink_to(KEPT);
        }
        self.key.extend_from_slice(key.resolve(&self.scratch));
        Ok(kind)
    }

    /// Reads a record that [`RecordReader::read_prefix`] found, and commits.
    pub(crate) fn read_record<'a, 'i: 'a>(
        &'a mut self,
        family: Family,
        cur: &mut Cursor<'i>,
    ) -> Result<Event<'a>, Stop> {
        self.scratch.clear();
        self.scratch.shrink_to(KEPT);
        let event = self.read_payload(family, cur)?;
        cur.commit();
        Ok(event)
    }

    fn read_payload<'a, 'i: 'a>(
        &'a mut self,
        family: Family,
        cur: &mut Cursor<'i>,
    ) -> Result<Event<'a>, Stop> {
        match cur.byte("a record")? {
            opcode::SELECT_DB => read_db(cur),
            opcode::RESIZE_DB => Ok(Event::ResizeDb {
                keys: read_len(cur, "a database's size")?,
                expires: read_len(cur, "a database's size")?,
            }),
            opcode::AUX => {
                let key = read_str(cur, &mut self.scratch, "an aux field")?;
                let value = read_str(cur, &mut self.scratch, "an aux field")?;
                let (key, value) = (key.resolve(&self.scratch), value.resolve(&self.scratch));
                Ok(Event::Aux { key, value })
            }
            opcode::MODULE_AUX => Ok(Event::ModuleAux(self.module.read(cur)?)),
            opcode::FUNCTION_OLD => self.read_old_function(cur),
            opcode::FUNCTION => {
                let source = read_str(cur, &mut self.scratch, "a function library")?;
                Ok(Event::Function(source.resolve(&self.scratch)))
            }
            opcode::SLOT_INFO => Ok(Event::SlotInfo {
                slot: read_len(cur, "a slot's size")?,
                keys: read_len(cur, "a slot's size")?,
                expires: read_len(cur, "a slot's size")?,
            }),
            opcode::KEY_META if family == Family::Redis => {
                self.module.read_key_meta(cur).map(Event::ModuleKeyMeta)
            }
            opcode::SLOT_IMPORT => self.read_slot_import(cur),
            // `opcode::check` and `opcode::is_key` let nothing else pass.
            byte => {
                read_len(cur, "a record of Redis Enterprise")?;
                Ok(Event::SkippedOpcode(byte))
            }
        }
    }

    fn read_slot_import<'a, 'i: 'a>(&'a mut self, cur: &mut Cursor<'i>) -> Result<Event<'a>, Stop> {
        let reading = "a slot import";
        let job = read_str(cur, &mut self.scratch, reading)?;
        let at = cur.at();
        let count = read_len(cur, reading)?;
        if count > SLOTS {
            let (expected, found) = ("at most 16384 ranges of slots", i128::from(count));
            return Err(cur.wrong(at, ErrorKind::BadNumber { expected, found }));
        }
        self.ranges.clear();
        for _ in 0..count {
            let range = (read_len(cur, reading)?, read_len(cur, reading)?);
            self.ranges.push(range);
        }
        Ok(Event::SlotImport {
            job: job.resolve(&self.scratch),
            ranges: &self.ranges,
        })
    }

    /// Name, engine and code become the source that later versions keep.
    fn read_old_function<'a, 'i: 'a>(
        &'a mut self,
        cur: &mut Cursor<'i>,
    ) -> Result<Event<'a>, Stop> {
        let reading = "a function library";
        let name = read_str(cur, &mut self.scratch, reading)?;
        let engine = read_str(cur, &mut self.scratch, reading)?;
        if read_len(cur, reading)? != 0 {
            read_str(cur, &mut self.scratch, reading)?;
        }
        let code = read_str(cur, &mut self.scratch, reading)?;
        let source = [
            b"#!",
            engine.resolve(&self.scratch),
            b" name=",
            name.resolve(&self.scratch),
            b"\n",
            code.resolve(&self.scratch),
        ]
        .concat();
        self.scratch = source;
        Ok(Event::Function(&self.scratch))
    }
}

/// A deadline of -1 ms is none.
const NO_DEADLINE: i64 = -1;
/// Slots of a cluster, and so ranges of them at most.
const SLOTS: u64 = 16384;

fn read_db<'a>(cur: &mut Cursor<'_>) -> Result<Event<'a>, Stop> {
    let at = cur.at();
    let found = read_len(cur, "a database's number")?;
    match u32::try_from(found) {
        Ok(db) => Ok(Event::SelectDb(DbIndex(db))),
        Err(_) => {
            let (expected, found) = ("a database's number", i128::from(found));
            Err(cur.wrong(at, ErrorKind::BadNumber { expected, found }))
        }
    }
}
