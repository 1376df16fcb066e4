//! The parts of a stream into a stream.
//!
//! A file names what is pending in a group before it names whose it is; until then it waits here.

use crate::value_loader::ValueError;
use keyspace::{Group, Stream};
use packed::listpack::ListpackBuf;
use rdb::Part;
use std::collections::BTreeMap;
use units::{StreamId, UnixMillis};

/// A stream whose parts are still coming.
#[derive(Debug, Default)]
pub(crate) struct StreamLoader {
    stream: Stream,
    group: Vec<u8>,
    consumer: Vec<u8>,
    /// Entries of the group that nobody owned up to yet: when and how often each was delivered.
    unowned: BTreeMap<StreamId, (UnixMillis, u64)>,
}

impl StreamLoader {
    pub(crate) fn put(&mut self, part: &Part<'_>) -> Result<(), ValueError> {
        match *part {
            Part::StreamNode { master, listpack } => {
                let node = ListpackBuf::from_vec_trusted(listpack.to_vec());
                let pushed = self.stream.push_node(master, node);
                pushed.map_err(|_| ValueError::Stream("a node of the stream is out of order"))
            }
            Part::StreamMeta {
                last,
                max_deleted,
                entries_added,
                ..
            } => {
                self.stream
                    .set_id(last, Some(entries_added), Some(max_deleted));
                Ok(())
            }
            Part::Group {
                name,
                last,
                entries_read,
                ..
            } => self.start_group(name, last, entries_read),
            Part::Pending {
                id,
                delivered,
                count,
            } => {
                self.unowned.insert(id, (delivered, count));
                Ok(())
            }
            Part::Consumers { .. } => Ok(()),
            Part::Consumer {
                name, seen, active, ..
            } => self.start_consumer(name, seen, active),
            Part::ConsumerPending(id) => self.own(id),
            // Servers forget producers within a minute or two by themselves.
            Part::Producers { .. } | Part::Producer { .. } => Ok(()),
            Part::Produced { .. } | Part::ProducedTotals { .. } => Ok(()),
            Part::Released(_) => Err(ValueError::Stream(
                "an entry was given back by its consumer, which has no place here",
            )),
            _ => Err(ValueError::Misplaced),
        }
    }

    /// The stream, once all parts came.
    pub(crate) fn finish(self) -> Result<Stream, ValueError> {
        self.all_are_owned()?;
        Ok(self.stream)
    }

    fn start_group(
        &mut self,
        name: &[u8],
        last: StreamId,
        entries_read: Option<u64>,
    ) -> Result<(), ValueError> {
        self.all_are_owned()?;
        self.group = name.to_vec();
        match self.stream.create_group(name, last, entries_read) {
            true => Ok(()),
            false => Err(ValueError::Repeated(name.to_vec())),
        }
    }

    fn start_consumer(
        &mut self,
        name: &[u8],
        seen: UnixMillis,
        active: Option<UnixMillis>,
    ) -> Result<(), ValueError> {
        self.consumer = name.to_vec();
        self.edit_group(|group| {
            let is_new = group.create_consumer(name, seen);
            group.set_consumer_times(name, seen, active);
            if is_new {
                Ok(())
            } else {
                Err(ValueError::Repeated(name.to_vec()))
            }
        })
    }

    fn own(&mut self, id: StreamId) -> Result<(), ValueError> {
        let unknown = ValueError::Stream("a consumer owns what is not pending, or another's");
        let (delivered, count) = self.unowned.remove(&id).ok_or(unknown)?;
        let consumer = std::mem::take(&mut self.consumer);
        let assigned =
            self.edit_group(
                |group| match group.assign(id, &consumer, delivered, count) {
                    true => Ok(()),
                    false => Err(ValueError::Misplaced),
                },
            );
        self.consumer = consumer;
        assigned
    }

    fn edit_group(
        &mut self,
        edit: impl FnOnce(&mut Group) -> Result<(), ValueError>,
    ) -> Result<(), ValueError> {
        self.stream
            .edit_group(&self.group, edit)
            .unwrap_or(Err(ValueError::Misplaced))
    }

    fn all_are_owned(&self) -> Result<(), ValueError> {
        match self.unowned.is_empty() {
            true => Ok(()),
            false => Err(ValueError::Stream("nobody owns an entry that is pending")),
        }
    }
}
