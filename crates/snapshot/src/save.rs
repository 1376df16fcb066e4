//! A frozen view as an RDB file.

mod shared;

use crate::parts;
use keyspace::{FrozenEntry, FrozenView, ViewCancelled};
use rdb::{EncodeError, Encoder, Event, KeyMeta};
use units::{DbIndex, UnixMillis};

/// What a file says besides keys.
#[derive(Debug, Clone, Default)]
pub struct Preamble {
    /// Facts about the file, by name.
    pub aux: Vec<(String, Vec<u8>)>,
    /// Sources of function libraries.
    pub functions: Vec<Vec<u8>>,
    /// Data of modules, as [`rdb::Event::ModuleAux`] gave it.
    pub module_aux: Vec<Vec<u8>>,
    /// What is said of each key's use.
    pub access: Access,
}

/// What is said of each key's use. Servers write idle times under an LRU policy and counters under
/// an LFU one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    #[default]
    None,
    /// For how many seconds it has not been used at this time.
    Idle(UnixMillis),
    /// Its counter.
    Freq,
}

/// Why a snapshot was not written.
#[derive(Debug)]
pub enum WriteError<E> {
    /// The view holds something that does not go into the encoder.
    Encode(EncodeError),
    /// Whoever takes the bytes failed.
    Drain(E),
    /// The view was cancelled.
    Cancelled(ViewCancelled),
}

/// Bytes are handed on in blocks of about this size.
const BLOCK_BYTES: usize = 1 << 18;
/// Databases with fewer keys are not worth a thread.
const SHARED_KEYS_MIN: usize = 4096;

/// Writes `view` through `encoder`, and returns how many keys there were. `drain` takes the bytes,
/// block by block.
///
/// Keys are encoded by `threads` threads, which are gone when this returns, while the caller's drains;
/// with 1 it does both. The bytes are the same in any case.
pub fn write<E>(
    mut view: FrozenView,
    encoder: &mut Encoder,
    preamble: &Preamble,
    threads: usize,
    drain: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<u64, WriteError<E>> {
    let access = preamble.access;
    let mut hand_on = |encoder: &mut Encoder| {
        drain(encoder.buffer()).map_err(WriteError::Drain)?;
        encoder.clear();
        Ok(())
    };
    let mut file = Keys {
        encoder,
        access,
        hand_on: &mut hand_on,
    };
    file.preamble(preamble)?;
    let dbs: Vec<(DbIndex, usize, usize)> = view.databases().collect();
    let mut keys = 0;
    for (db, len, expires) in dbs {
        file.put(&Event::SelectDb(db))?;
        file.put(&Event::ResizeDb {
            keys: len as u64,
            expires: expires as u64,
        })?;
        if threads > 1 && len >= SHARED_KEYS_MIN {
            keys += shared::write(&mut view, db, threads, &mut file)?;
        } else {
            view.for_each(db, |entry| {
                keys += 1;
                file.entry(entry)
            })?;
        }
    }
    file.encoder.finish()?;
    (file.hand_on)(file.encoder)?;
    Ok(keys)
}

/// Puts events into an encoder, and hands its bytes on whenever there is a block of them.
struct Keys<'f, E> {
    encoder: &'f mut Encoder,
    access: Access,
    hand_on: &'f mut HandOn<'f, E>,
}

/// Takes the bytes that an encoder has gathered.
type HandOn<'f, E> = dyn FnMut(&mut Encoder) -> Result<(), WriteError<E>> + 'f;

impl<E> Keys<'_, E> {
    /// Writes an event, which may be a part of a value: a large one does not gather in memory.
    fn put(&mut self, event: &Event<'_>) -> Result<(), WriteError<E>> {
        self.encoder.put(event)?;
        self.hand_on_if_full()
    }

    fn hand_on_if_full(&mut self) -> Result<(), WriteError<E>> {
        match self.encoder.buffer().len() >= BLOCK_BYTES {
            true => (self.hand_on)(self.encoder),
            false => Ok(()),
        }
    }

    fn preamble(&mut self, preamble: &Preamble) -> Result<(), WriteError<E>> {
        self.put(&Event::Start(self.encoder.target().version()))?;
        for (name, value) in &preamble.aux {
            self.put(&Event::Aux {
                key: name.as_bytes(),
                value,
            })?;
        }
        for code in &preamble.functions {
            self.put(&Event::Function(code))?;
        }
        preamble
            .module_aux
            .iter()
            .try_for_each(|data| self.put(&Event::ModuleAux(data)))
    }

    fn entry(&mut self, entry: FrozenEntry<'_>) -> Result<(), WriteError<E>> {
        let meta = KeyMeta {
            expire: entry.deadline,
            idle_secs: match self.access {
                Access::Idle(now) => Some(entry.idle_secs(now)),
                _ => None,
            },
            freq: (self.access == Access::Freq).then(|| entry.freq()),
        };
        self.put(&Event::Key {
            key: entry.key,
            meta,
        })?;
        let target = self.encoder.target();
        parts::put(entry.value, target, &mut |part| {
            self.put(&Event::Value(*part))
        })
    }
}

impl<E> From<ViewCancelled> for WriteError<E> {
    fn from(cancelled: ViewCancelled) -> WriteError<E> {
        WriteError::Cancelled(cancelled)
    }
}

impl<E> From<EncodeError> for WriteError<E> {
    fn from(error: EncodeError) -> WriteError<E> {
        WriteError::Encode(error)
    }
}
