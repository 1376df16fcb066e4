//! A session that caches: what it reads is noted, so that it hears of changes.

use super::Session;
use crate::tracking::{Mode, Tracker};
use commands::{Flags, Spec};
use keyspace::Keys;

/// What a session knows of its own tracking; the rest is in the engine's table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caching {
    mode: Mode,
    /// `CLIENT CACHING` was said, of the next command or of the transaction.
    said: bool,
    /// What the prefixes take that are tracked.
    pub(super) bytes: usize,
}

/// What a prefix takes besides its bytes, here and in the table, about.
const PREFIX_BYTES: usize = 150;

impl Session {
    /// Starts tracking, or changes how.
    pub(crate) fn start_tracking(&mut self, tracker: Tracker) {
        self.subscription_mut();
        let prefixes = tracker.prefixes.iter();
        self.caching = Some(Caching {
            mode: tracker.mode,
            said: false,
            bytes: prefixes.map(|prefix| PREFIX_BYTES + prefix.len()).sum(),
        });
        let keyspace = self.engine.keyspace();
        self.engine
            .tracking()
            .start(self.client.id, tracker, keyspace);
    }

    pub(crate) fn stop_tracking(&mut self) {
        if self.caching.take().is_some() {
            let keyspace = self.engine.keyspace();
            self.engine.tracking().stop(self.client.id, keyspace);
        }
    }

    /// What the session tracks, and whether `CLIENT CACHING` was said.
    pub(crate) fn caching(&self) -> Option<(Mode, bool)> {
        self.caching.map(|caching| (caching.mode, caching.said))
    }

    /// `CLIENT CACHING` was said.
    pub(crate) fn say_caching(&mut self) {
        if let Some(caching) = &mut self.caching {
            caching.said = true;
        }
    }

    /// After a command: what was said holds for one, or for a transaction.
    #[inline]
    pub(super) fn end_caching(&mut self, spec: &Spec) {
        if let Some(caching) = &mut self.caching
            && caching.said
            && !self.transaction.is_open()
            && !spec.name.starts_with("client|")
        {
            caching.said = false;
        }
    }

    /// Notes which keys a command reads, under their locks.
    #[inline]
    pub(super) fn remember_reads(&mut self, spec: &Spec, argv: &[&[u8]]) {
        if let Some(caching) = self.caching {
            self.remember_reads_if(caching, spec, argv);
        }
    }

    fn remember_reads_if(&mut self, caching: Caching, spec: &Spec, argv: &[&[u8]]) {
        let wanted = match caching.mode {
            Mode::Reads => true,
            Mode::OptIn => caching.said,
            Mode::OptOut => !caching.said,
            Mode::Broadcast => false,
        };
        if !wanted || !spec.flags.contains(Flags::READONLY) {
            return;
        }
        let most = self.engine.inner().config.read().tracking_table_max_keys;
        let (tracking, hub) = (self.engine.tracking(), self.engine.hub());
        let named = || -> Vec<&[u8]> {
            let positions = spec.keys.positions(argv).unwrap_or_default();
            positions.into_iter().map(|at| argv[at]).collect()
        };
        let declared = self.declared.as_ref();
        let declared = declared.map(|keys| keys.iter().map(Vec::as_slice).collect());
        for key in declared.unwrap_or_else(named) {
            let told = tracking.remember(self.client.id, key, most, hub);
            self.scratch.notices |= told;
        }
    }

    /// Notes the keys that a script declares, where these are tracked once it reads anything, and
    /// not what it read.
    pub(crate) fn declare_keys(&mut self, spec: &Spec, argv: &[&[u8]]) {
        if self.caching.is_some() && self.settings.compat.tracks_declared_keys() {
            let positions = spec.keys.positions(argv).unwrap_or_default();
            let keys = positions.into_iter().map(|at| argv[at].to_vec());
            self.declared = Some(keys.collect());
        }
    }

    /// The script is over.
    pub(crate) fn undeclare_keys(&mut self) {
        self.declared = None;
    }

    /// Tells those who track of what changed, under the locks under which it did; in a transaction
    /// after each command, as what is read behind a change is not made stale by it.
    #[inline]
    pub(super) fn invalidate(&mut self, keys: &mut Keys<'_>) {
        if self.engine.keyspace().is_observed() {
            let changed = keys.take_changed();
            let (tracking, hub) = (self.engine.tracking(), self.engine.hub());
            self.scratch.notices |= tracking.invalidate(&changed, Some(self.client.id), hub);
            self.scratch.changed.extend(changed);
        }
    }

    /// Tells those who track prefixes of everything that changed, under the same locks. Whether
    /// something is to be handed out.
    #[inline]
    pub(super) fn end_invalidation(&mut self, keys: &mut Keys<'_>) -> bool {
        self.invalidate(keys);
        if !self.scratch.changed.is_empty() {
            let changed = std::mem::take(&mut self.scratch.changed);
            let (tracking, hub) = (self.engine.tracking(), self.engine.hub());
            self.scratch.notices |= tracking.broadcast(&changed, Some(self.client.id), hub);
        }
        std::mem::take(&mut self.scratch.notices)
    }
}
