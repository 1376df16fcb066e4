use units::StreamId;

use crate::event::Part;
use crate::object::stream::{Counters, ENTRIES_READ_UNKNOWN, NEVER_ACTIVE, StreamForm};
use crate::string::{StringWriter, put_len};
use crate::target::{Loss, Target};

/// Writes a stream part by part, and counts that the parts are those it was told of. The layout is
/// drawn in `stream.rs`.
#[derive(Debug)]
pub(crate) struct StreamWriter {
    form: StreamForm,
    place: Place,
    counters: Counters,
    groups_left: u64,
    consumers_left: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Nodes { left: u64 },
    Groups,
    Pending { left: u64 },
    Consumers,
    Owned { left: u64 },
}

/// What became of a part.
pub(crate) enum Written {
    Whole,
    /// But for this.
    Without(Loss),
    /// Not, and what was written makes no sense without it.
    Impossible(Loss),
    /// It may not come here.
    Misplaced,
}

impl StreamWriter {
    /// Writes what comes before the nodes.
    pub(crate) fn start(target: Target, nodes: u64, out: &mut Vec<u8>) -> StreamWriter {
        put_len(nodes, out);
        StreamWriter {
            form: form(target),
            place: Place::Nodes { left: nodes },
            counters: Counters::default(),
            groups_left: 0,
            consumers_left: 0,
        }
    }

    /// Whether every part announced has come.
    pub(crate) fn is_complete(&self) -> bool {
        let groups_done = match self.place {
            Place::Groups => true,
            Place::Consumers | Place::Owned { left: 0 } => self.consumers_left == 0,
            _ => false,
        };
        groups_done && self.groups_left == 0
    }

    pub(crate) fn put(
        &mut self,
        part: &Part<'_>,
        strings: &mut StringWriter,
        out: &mut Vec<u8>,
    ) -> Written {
        self.settle();
        match (self.place, part) {
            (Place::Nodes { left: left @ 1.. }, Part::StreamNode { master, listpack }) => {
                strings.put(&master.to_be_bytes(), out);
                strings.put(listpack, out);
                self.place = Place::Nodes { left: left - 1 };
                Written::Whole
            }
            (Place::Nodes { left: 0 }, Part::StreamMeta { .. }) => self.meta(part, out),
            (Place::Groups, Part::Group { .. }) if self.groups_left > 0 => {
                self.group(part, strings, out)
            }
            (Place::Consumers, Part::Consumer { .. }) if self.consumers_left > 0 => {
                self.consumer(part, strings, out)
            }
            (Place::Groups | Place::Consumers, Part::Released(_)) => {
                Written::Impossible(Loss::ReleasedEntry)
            }
            _ if self.is_complete() => put_producers(part),
            _ => self.put_pending(part, out),
        }
    }

    fn settle(&mut self) {
        if self.place == (Place::Owned { left: 0 }) {
            self.place = Place::Consumers;
        }
        if self.place == Place::Consumers && self.consumers_left == 0 {
            self.place = Place::Groups;
        }
    }

    fn put_pending(&mut self, part: &Part<'_>, out: &mut Vec<u8>) -> Written {
        match (self.place, part) {
            (
                Place::Pending { left: left @ 1.. },
                Part::Pending {
                    id,
                    delivered,
                    count,
                },
            ) => {
                out.extend_from_slice(&id.to_be_bytes());
                out.extend_from_slice(&delivered.0.to_le_bytes());
                put_len(*count, out);
                self.place = Place::Pending { left: left - 1 };
            }
            (Place::Pending { left: 0 }, Part::Consumers { count }) => {
                put_len(*count, out);
                self.consumers_left = *count;
                self.place = Place::Consumers;
            }
            (Place::Owned { left: left @ 1.. }, Part::ConsumerPending(id)) => {
                out.extend_from_slice(&id.to_be_bytes());
                self.place = Place::Owned { left: left - 1 };
            }
            _ => return Written::Misplaced,
        }
        Written::Whole
    }

    fn meta(&mut self, part: &Part<'_>, out: &mut Vec<u8>) -> Written {
        let &Part::StreamMeta {
            len,
            last,
            first,
            max_deleted,
            entries_added,
            groups,
        } = part
        else {
            return Written::Misplaced;
        };
        put_len(len, out);
        put_id(last, out);
        if self.form >= StreamForm::V2 {
            put_id(first, out);
            put_id(max_deleted, out);
            put_len(entries_added, out);
        }
        put_len(groups, out);
        self.groups_left = groups;
        self.counters = Counters { len, first, last };
        self.place = Place::Groups;
        let follows = max_deleted == StreamId::MIN && entries_added == len;
        self.loses(StreamForm::V2, !follows, Loss::StreamCounters)
    }

    fn group(&mut self, part: &Part<'_>, strings: &mut StringWriter, out: &mut Vec<u8>) -> Written {
        let &Part::Group {
            name,
            last,
            entries_read,
            pending,
        } = part
        else {
            return Written::Misplaced;
        };
        strings.put(name, out);
        put_id(last, out);
        if self.form >= StreamForm::V2 {
            put_len(entries_read.unwrap_or(ENTRIES_READ_UNKNOWN), out);
        }
        put_len(pending, out);
        self.groups_left -= 1;
        self.place = Place::Pending { left: pending };
        let follows = self.counters.entries_read(last) == entries_read;
        self.loses(StreamForm::V2, !follows, Loss::StreamCounters)
    }

    fn consumer(
        &mut self,
        part: &Part<'_>,
        strings: &mut StringWriter,
        out: &mut Vec<u8>,
    ) -> Written {
        let &Part::Consumer {
            name,
            seen,
            active,
            pending,
        } = part
        else {
            return Written::Misplaced;
        };
        strings.put(name, out);
        out.extend_from_slice(&seen.0.to_le_bytes());
        if self.form >= StreamForm::V3 {
            let ms = active.map_or(NEVER_ACTIVE, |at| at.0);
            out.extend_from_slice(&ms.to_le_bytes());
        }
        put_len(pending, out);
        self.consumers_left -= 1;
        self.place = Place::Owned { left: pending };
        let differs = active != Some(seen);
        self.loses(StreamForm::V3, differs, Loss::ConsumerActive)
    }

    /// What is lost if something that `matters` has a place since `form` only.
    fn loses(&self, form: StreamForm, matters: bool, what: Loss) -> Written {
        match self.form < form && matters {
            true => Written::Without(what),
            false => Written::Whole,
        }
    }
}

/// No target has a place for what the stream remembers of producers.
fn put_producers(part: &Part<'_>) -> Written {
    match part {
        Part::Producer { .. } => Written::Without(Loss::Producer),
        Part::Producers { .. } | Part::Produced { .. } | Part::ProducedTotals { .. } => {
            Written::Whole
        }
        _ => Written::Misplaced,
    }
}

fn form(target: Target) -> StreamForm {
    match target {
        Target::Redis9 => StreamForm::V1,
        Target::Redis10 => StreamForm::V2,
        Target::Redis11 | Target::Redis12 | Target::Valkey80 => StreamForm::V3,
    }
}

fn put_id(id: StreamId, out: &mut Vec<u8>) {
    put_len(id.ms, out);
    put_len(id.seq, out);
}
