use packed::crc64::Crc64;

use crate::encode_error::{EncodeError, Losses};
use crate::event::{Event, KeyMeta, Part};
use crate::object::ValueWriter;
use crate::opcode;
use crate::string::put_len;
use crate::target::{Loss, Target};

/// How an [`Encoder`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderOptions {
    /// Whether strings are compressed where that saves space (`rdbcompression`).
    pub compress: bool,
    /// Whether the footer holds a checksum or zero (`rdbchecksum`).
    pub checksum: bool,
    /// Whether data that the target cannot hold is left out and noted in [`Encoder::losses`], rather
    /// than refused. See [`Loss::is_data`].
    pub lossy: bool,
}

impl Default for EncoderOptions {
    fn default() -> EncoderOptions {
        EncoderOptions {
            compress: true,
            checksum: true,
            lossy: false,
        }
    }
}

/// Turns events into the bytes of a file for one [`Target`].
///
/// Put events in an order that a decoder could have given them, from [`Event::Start`] to
/// [`Event::End`], and drain [`Encoder::buffer`] whenever it is large enough. A value that comes in a
/// form the target lacks is written in one it has.
///
/// ```
/// use rdb::{Encoder, EncoderOptions, Event, KeyMeta, Part, Target};
///
/// let mut encoder = Encoder::new(Target::Redis10, EncoderOptions::default());
/// let meta = KeyMeta::default();
/// for event in [
///     Event::Start(Target::Redis10.version()),
///     Event::Key { key: b"k", meta },
///     Event::Value(Part::String(b"v")),
///     Event::Value(Part::EndValue),
/// ] {
///     encoder.put(&event)?;
/// }
/// encoder.finish()?;
/// assert!(encoder.take().starts_with(b"REDIS0010\x00\x01k\x01v\xFF"));
/// # Ok::<(), rdb::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct Encoder {
    target: Target,
    options: EncoderOptions,
    value: ValueWriter,
    out: Vec<u8>,
    /// Where in `out` the key began whose value is being written, unless that was drained.
    key_start: Option<usize>,
    crc: Crc64,
    drained: u64,
}

impl Encoder {
    /// An encoder that has written nothing.
    pub fn new(target: Target, options: EncoderOptions) -> Encoder {
        Encoder {
            target,
            options,
            value: ValueWriter::new(target, options.compress, options.lossy),
            out: Vec::new(),
            key_start: None,
            crc: Crc64::new(),
            drained: 0,
        }
    }

    /// Whom the bytes are for.
    pub fn target(&self) -> Target {
        self.target
    }

    /// How it writes.
    pub fn options(&self) -> EncoderOptions {
        self.options
    }

    /// The bytes written and not drained.
    pub fn buffer(&self) -> &[u8] {
        &self.out
    }

    /// Bytes written so far, drained ones included.
    pub fn written(&self) -> u64 {
        self.drained + self.out.len() as u64
    }

    /// What was left out so far.
    pub fn losses(&self) -> &Losses {
        &self.value.losses
    }

    /// Drains the buffer, keeping its memory for what follows.
    pub fn clear(&mut self) {
        self.account();
        self.out.clear();
    }

    /// Drains the buffer into a vector of its own.
    pub fn take(&mut self) -> Vec<u8> {
        self.account();
        std::mem::take(&mut self.out)
    }

    /// Drains the buffer for [`Encoder::append_records`] of another encoder, and forgets what was left
    /// out of it. `spare` is a vector whose memory may be used.
    pub fn take_records(&mut self, mut spare: Vec<u8>) -> (Vec<u8>, Losses) {
        self.account();
        spare.clear();
        let records = std::mem::replace(&mut self.out, spare);
        (records, std::mem::take(&mut self.value.losses))
    }

    /// Appends records that other encoders for the same target wrote, with what they left out, so
    /// that several threads can write one file. Gives back a vector whose memory is free.
    pub fn append_records(&mut self, records: Vec<u8>, losses: &Losses) -> Vec<u8> {
        debug_assert!(self.value.is_idle(), "records come between keys");
        self.value.losses.add(losses);
        if self.out.is_empty() {
            return std::mem::replace(&mut self.out, records);
        }
        self.out.extend_from_slice(&records);
        records
    }

    fn account(&mut self) {
        if self.options.checksum {
            self.crc.update(&self.out);
        }
        self.drained += self.out.len() as u64;
        self.key_start = None;
    }

    /// Appends an event. If a value is refused its key is taken back too, unless part of it was
    /// drained; the parts that would follow are to be left out.
    pub fn put(&mut self, event: &Event<'_>) -> Result<(), EncodeError> {
        if let Event::Value(part) = event {
            return self.part(part);
        }
        if !self.value.is_idle() {
            let found = "something else than the rest of a value";
            return Err(EncodeError::Misplaced { found });
        }
        match *event {
            Event::Start(_) => {
                let header = self.target.version().header();
                self.out.extend_from_slice(&header);
            }
            Event::Key { key, meta } => self.key(key, meta),
            Event::End { .. } => self.end(),
            _ => return self.record(event),
        }
        Ok(())
    }

    /// Appends [`Event::End`].
    pub fn finish(&mut self) -> Result<(), EncodeError> {
        let checksum = crate::event::Checksum::NotComputed;
        self.put(&Event::End { checksum })
    }

    fn part(&mut self, part: &Part<'_>) -> Result<(), EncodeError> {
        let written = self.value.put(part, &mut self.out);
        if written.is_err() {
            self.value.abandon();
            if let Some(start) = self.key_start.take() {
                self.out.truncate(start);
            }
        }
        written
    }

    fn key(&mut self, key: &[u8], meta: KeyMeta) {
        self.key_start = Some(self.out.len());
        let (head, strings) = self.value.start();
        head.key.extend_from_slice(key);
        let before = &mut head.before_kind;
        if let Some(at) = meta.expire {
            before.push(opcode::EXPIRE_MS);
            before.extend_from_slice(&at.0.to_le_bytes());
        }
        if let Some(secs) = meta.idle_secs {
            before.push(opcode::IDLE);
            put_len(secs, before);
        }
        if let Some(freq) = meta.freq {
            before.extend_from_slice(&[opcode::FREQ, freq]);
        }
        strings.put(key, &mut head.after_kind);
    }

    fn record(&mut self, event: &Event<'_>) -> Result<(), EncodeError> {
        match *event {
            Event::Aux { key, value } => self.strings(opcode::AUX, &[key, value]),
            Event::SelectDb(db) => self.lengths(opcode::SELECT_DB, &[u64::from(db.0)]),
            Event::ResizeDb { keys, expires } => {
                self.lengths(opcode::RESIZE_DB, &[keys, expires]);
            }
            Event::SlotInfo {
                slot,
                keys,
                expires,
            } if self.target == Target::Redis12 => {
                self.lengths(opcode::SLOT_INFO, &[slot, keys, expires]);
            }
            Event::SlotImport { job, ranges } => return self.slot_import(job, ranges),
            Event::Function(source) if self.target.has_functions() => {
                self.strings(opcode::FUNCTION, &[source]);
            }
            Event::ModuleKeyMeta(_) => return self.lose(Loss::ModuleKeyMeta),
            Event::Function(_) => return self.lose(Loss::Function),
            Event::ModuleAux(bytes) => {
                self.out.push(opcode::MODULE_AUX);
                self.out.extend_from_slice(bytes);
            }
            // A hint that others lack, and what the decoder says for the reader's information.
            _ => {}
        }
        Ok(())
    }

    fn slot_import(&mut self, job: &[u8], ranges: &[(u64, u64)]) -> Result<(), EncodeError> {
        if self.target != Target::Valkey80 {
            return self.lose(Loss::SlotImport);
        }
        self.strings(opcode::SLOT_IMPORT, &[job]);
        put_len(ranges.len() as u64, &mut self.out);
        for (first, last) in ranges {
            put_len(*first, &mut self.out);
            put_len(*last, &mut self.out);
        }
        Ok(())
    }

    fn lose(&mut self, what: Loss) -> Result<(), EncodeError> {
        let (head, _) = self.value.start();
        debug_assert!(head.key.is_empty());
        self.value.abandon();
        self.value.lose(what)
    }

    fn strings(&mut self, opcode: u8, texts: &[&[u8]]) {
        self.out.push(opcode);
        for text in texts {
            self.value.strings.put(text, &mut self.out);
        }
    }

    fn lengths(&mut self, opcode: u8, lengths: &[u64]) {
        self.out.push(opcode);
        for len in lengths {
            put_len(*len, &mut self.out);
        }
    }

    fn end(&mut self) {
        self.out.push(opcode::EOF);
        let mut crc = self.crc;
        crc.update(&self.out);
        let footer = if self.options.checksum {
            crc.value()
        } else {
            0
        };
        self.out.extend_from_slice(&footer.to_le_bytes());
    }
}
