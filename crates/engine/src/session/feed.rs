//! A session whose client is a replica.

use super::Session;
use crate::replicas::{About, Feed};
use commands::{Error, Flags, Outcome, ReplySink, Spec};
use std::task::{Context, Poll};
use units::{DbIndex, ReplId, ReplOffset};

/// For front-ends: a replica is sent the log as it grows.
impl Session {
    /// Whether the client is a replica: nothing is replied to it any more, whatever it says, and
    /// what [`Session::poll_feed`] gives is sent.
    pub fn is_fed(&self) -> bool {
        self.feed.is_some()
    }

    /// Puts what is to be sent next into `out`, which is empty; or wakes the task of `cx` when there
    /// is something. To be called once a second at least, so that a replica which waits for its
    /// snapshot hears something. After an error the front-end hangs up.
    pub fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
    ) -> Poll<Result<(), Error>> {
        match &mut self.feed {
            Some(feed) => feed.poll(cx, out),
            None => Poll::Pending,
        }
    }
}

impl Session {
    /// What the client told of itself before it asks for the log.
    pub(crate) fn as_replica(&mut self) -> &mut About {
        &mut self.as_replica
    }

    /// Makes a replica of the client: from `known` on if that can be, else from the beginning.
    /// `is_told` where the history is, unless it asked by `SYNC`.
    pub(crate) fn feed(
        &mut self,
        known: Option<(ReplId, ReplOffset)>,
        is_told: bool,
        reply: &mut dyn ReplySink,
    ) -> Outcome {
        if self.feed.is_some() {
            return Ok(());
        }
        let engine = self.engine.clone();
        engine.inner().may_save().map_err(Error::err)?;
        let (id, about) = (self.client.id, self.about_replica());
        let rest = known.and_then(|known| Feed::rest(&engine, id, about.clone(), known));
        let stats = engine.stats();
        let feed = match rest {
            Some((feed, line)) => {
                stats.partial_syncs.add(1);
                reply.simple(&line);
                feed
            }
            None => {
                if known.is_some() {
                    stats.refused_partial_syncs.add(1);
                }
                stats.full_syncs.add(1);
                Feed::whole(&engine, id, about, is_told)
            }
        };
        self.feed = Some(feed);
        Ok(())
    }

    /// With the peer's address if it named no other.
    fn about_replica(&self) -> About {
        let mut about = self.as_replica.clone();
        if about.address.is_empty() {
            let peer = self.card().about(|about| about.peer.address.clone());
            let host = peer.rsplit_once(':').map_or("", |(host, _)| host);
            about.address = host.trim_matches(['[', ']']).to_owned();
        }
        about
    }

    /// Has what comes from the primary be for a database, until it says otherwise.
    pub(crate) fn go_on_in(&mut self, db: DbIndex) {
        self.client.db = db;
    }

    /// Has `bytes`, which came from the primary, logged with what the next command does.
    pub(crate) fn relay(&mut self, bytes: Vec<u8>) {
        self.relayed = Some(bytes);
    }

    /// The same now, if the command took no keys.
    pub(crate) fn end_relay(&mut self) {
        if let Some(bytes) = self.relayed.take() {
            self.engine.log().relay(&bytes, false, self.client.db);
        }
    }

    /// Up to where the log holds what this session did.
    pub(crate) fn last_write(&self) -> ReplOffset {
        self.last_write
    }

    /// Notes what a replica told of how far it is.
    pub(crate) fn note_ack(&self, acked: u64, synced: Option<u64>) {
        if let Some(feed) = &self.feed {
            feed.replica().note_ack(acked, synced, self.engine.now());
            self.engine.go_on_with_failover();
        }
    }

    /// Who is shown every command, or every change, does not work: replies would be lost in between.
    pub(super) fn admit_follower(&self, spec: &Spec) -> Outcome {
        let works = Flags::WRITE | Flags::READONLY | Flags::MAY_REPLICATE;
        match (self.is_fed() || self.is_monitor()) && spec.flags.intersects(works) {
            true => Err(Error::err("Replica can't interact with the keyspace")),
            false => Ok(()),
        }
    }
}
