//! What happens to keys, as messages.

use super::Published;
use crate::Engine;
use crate::log::Batch;
use commands::EventClass;
use units::DbIndex;

/// Something that happened to a key and was no command's doing: its class, its name, the key.
type Told<'a> = (EventClass, &'static str, DbIndex, &'a [u8]);

impl Engine {
    /// Logs a batch, and puts what it did to keys into the outbox in the same step. Called under
    /// the locks under which it was done; the messages go out with the next [`super::Hub::deliver`].
    pub(crate) fn log_telling(&self, batch: &mut Batch, events: &[Told<'_>]) {
        let mut messages = Vec::new();
        if self.hub().has_listeners() {
            let classes = self.inner().config.read().notify();
            for (class, name, db, key) in events {
                if classes.intersects(*class) {
                    announce(classes, *db, name, key, &mut messages);
                }
            }
        }
        self.log().append(batch, || self.hub().queue(&mut messages));
    }
}

/// Adds the messages that tell of an event, to those of the two places where `classes` wants it
/// told.
pub(crate) fn announce(
    classes: EventClass,
    db: DbIndex,
    name: &str,
    key: &[u8],
    messages: &mut Vec<Published>,
) {
    if classes.contains(EventClass::KEYSPACE) {
        let channel = channel("keyspace", db, key);
        messages.push(Published::new(&channel, name.as_bytes()));
    }
    if classes.contains(EventClass::KEYEVENT) {
        let channel = channel("keyevent", db, name.as_bytes());
        messages.push(Published::new(&channel, key));
    }
}

fn channel(place: &str, db: DbIndex, about: &[u8]) -> Vec<u8> {
    let mut channel = format!("__{place}@{db}__:").into_bytes();
    channel.extend_from_slice(about);
    channel
}
