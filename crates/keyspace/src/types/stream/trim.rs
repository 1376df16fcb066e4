use super::Stream;
use super::node::NodeRef;
use crate::account::let_go;
use packed::listpack::Pos;
use units::StreamId;

/// What a stream is cut down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trim {
    /// That many entries, the newest.
    MaxLen(u64),
    /// The entries from this id on.
    MinId(StreamId),
}

impl Stream {
    /// Removes the oldest entries (XTRIM); how many. With `approx`, only whole nodes go, so that
    /// more may stay. At most `limit` entries go, if it is not 0.
    pub fn trim(&mut self, trim: Trim, approx: bool, limit: u64) -> u64 {
        let mut removed = 0;
        while let Some((master, alive, last)) = self.oldest() {
            let is_enough = matches!(trim, Trim::MaxLen(max) if self.length as u64 <= max);
            if is_enough || (limit > 0 && removed + alive as u64 > limit) {
                break;
            }
            let is_whole = match trim {
                Trim::MaxLen(max) => (self.length - alive) as u64 >= max,
                Trim::MinId(min) => last < min,
            };
            if is_whole {
                self.drop_node(master);
                removed += alive as u64;
                continue;
            }
            if !approx {
                removed += self.trim_node(master, trim);
            }
            break;
        }
        if removed > 0 {
            self.find_first();
            self.changes += removed;
        }
        removed
    }

    /// The first node: its master id, entries alive, and the id of its last entry, dead or alive.
    fn oldest(&self) -> Option<(StreamId, usize, StreamId)> {
        let (master, node) = self.nodes.first_key_value()?;
        let last = NodeRef::new(*master, node.listpack()).and_then(|view| view.last());
        Some((*master, node.live(), last.map_or(*master, |entry| entry.id)))
    }

    fn drop_node(&mut self, master: StreamId) {
        if let Some(node) = self.nodes.remove(&master) {
            self.node_bytes -= node.heap_bytes();
            self.length -= node.live();
            let_go(node);
        }
    }

    /// Marks the oldest entries of a node as deleted; how many.
    fn trim_node(&mut self, master: StreamId, trim: Trim) -> u64 {
        let alive = self.nodes.get(&master).and_then(|node| {
            let entries = NodeRef::new(master, node.listpack())?.entries();
            Some(entries.filter(|entry| !entry.is_deleted))
        });
        let doomed: Vec<Pos> = match (alive, trim) {
            (None, _) => return 0,
            (Some(alive), Trim::MaxLen(max)) => {
                let surplus = (self.length as u64).saturating_sub(max);
                alive
                    .take(usize::try_from(surplus).unwrap_or(usize::MAX))
                    .map(|e| e.pos)
                    .collect()
            }
            (Some(alive), Trim::MinId(min)) => alive
                .take_while(|entry| entry.id < min)
                .map(|entry| entry.pos)
                .collect(),
        };
        if doomed.is_empty() {
            return 0;
        }
        self.length -= doomed.len();
        self.change_node(master, |node| node.mark_deleted(&doomed));
        doomed.len() as u64
    }
}
