use crate::access::{freq, idle_secs};
use crate::budget::Life;
use crate::keyspace::Inner;
use crate::table::{Deposit, Found, Mark, Share};
use crate::{OverBudget, ValueRef, ViewCancelled};
use std::collections::BTreeMap;
use std::sync::Arc;
use units::{DbIndex, ReplOffset, UnixMillis};

/// The keyspace as it was at one moment.
///
/// Making one copies nothing; writers put aside what they are about to change. Reading one gives
/// up each segment as it goes and holds no lock but for the moment it takes to fetch a segment, so
/// each entry can be read once. Dropping one frees what it still holds.
///
/// When views keep more than the budget (`snapshot-copy-budget`), a view may be cancelled: reading on
/// fails with [`ViewCancelled`].
pub struct FrozenView {
    inner: Arc<Inner>,
    offset: ReplOffset,
    /// Shares of the shards in which a database had keys, shards ascending.
    databases: BTreeMap<DbIndex, Vec<(usize, Arc<Share>)>>,
    /// Declared last: the budget takes a view for gone only after its memory.
    life: Arc<Life>,
}

/// An entry of a frozen view.
#[derive(Clone, Copy)]
pub struct FrozenEntry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: ValueRef<'a>,
    /// When the key expires, if it does. It may have, since or before.
    pub deadline: Option<UnixMillis>,
    stamp: u32,
}

impl FrozenEntry<'_> {
    /// Seconds since the key was last used; meaningful under an LRU policy.
    pub fn idle_secs(&self, now: UnixMillis) -> u64 {
        idle_secs(self.stamp, now)
    }

    /// The LFU counter, without decay; meaningful under an LFU policy.
    pub fn freq(&self) -> u8 {
        freq(self.stamp, 0, UnixMillis(0))
    }
}

impl FrozenView {
    /// A view of the shares that each shard gave.
    pub(crate) fn new(
        inner: Arc<Inner>,
        over: OverBudget,
        offset: ReplOffset,
        shards: Vec<Vec<(DbIndex, Arc<Share>)>>,
    ) -> FrozenView {
        let mut databases = BTreeMap::<DbIndex, Vec<_>>::new();
        for (shard, shares) in shards.into_iter().enumerate() {
            for (db, share) in shares {
                databases.entry(db).or_default().push((shard, share));
            }
        }
        let shares = databases.values().flatten();
        let shares = shares.map(|(_, share)| Arc::clone(share)).collect();
        FrozenView {
            life: inner.budget.admit(over, shares),
            inner,
            offset,
            databases,
        }
    }

    /// Where the log of changes stood: repeated up to here, it gives what is in the view.
    pub fn offset(&self) -> ReplOffset {
        self.offset
    }

    /// Database, keys, and keys with a deadline, of every database that was not empty, ascending.
    pub fn databases(&self) -> impl Iterator<Item = (DbIndex, usize, usize)> + '_ {
        self.databases.iter().map(|(&db, shares)| {
            let keys = shares.iter().map(|(_, share)| share.len).sum();
            let expires = shares.iter().map(|(_, share)| share.deadlines).sum();
            (db, keys, expires)
        })
    }

    /// Visits every entry of a database, segment by segment, and gives each up after it; stops at
    /// the first error. What was visited is gone from the view.
    pub fn for_each<E: From<ViewCancelled>>(
        &mut self,
        db: DbIndex,
        mut f: impl FnMut(FrozenEntry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(segment) = self.next_segment(db)? {
            segment.iter().try_for_each(&mut f)?;
        }
        Ok(())
    }

    /// Takes the next segment of a database out of the view, for readers that share the work among
    /// threads; `None` after the last.
    pub fn next_segment(&mut self, db: DbIndex) -> Result<Option<FrozenSegment>, ViewCancelled> {
        let Some(shares) = self.databases.get_mut(&db) else {
            return Ok(None);
        };
        while let Some((shard, share)) = shares.first() {
            if let Some(segment) = fetch(&self.inner, *shard, share) {
                let life = Arc::clone(&self.life);
                return Ok(Some(FrozenSegment { segment, life }));
            }
            if let Some(cancelled) = self.life.cancelled() {
                return Err(cancelled);
            }
            shares.remove(0);
        }
        Ok(None)
    }
}

/// The next segment of a share, wherever it lies.
fn fetch(inner: &Inner, shard: usize, share: &Share) -> Option<Arc<Deposit>> {
    loop {
        match share.next() {
            Found::Segment(segment) => return Some(segment),
            Found::Nowhere => return None,
            Found::InShard(number) => {
                let shard = inner.shards[shard].lock.read();
                if let Some(segment) = share.take(number, &shard.tables) {
                    return Some(segment);
                }
            }
        }
    }
}

/// Some hundreds of entries of a [`FrozenView`].
pub struct FrozenSegment {
    segment: Arc<Deposit>,
    #[expect(
        dead_code,
        reason = "the view counts as alive while its memory is in use"
    )]
    life: Arc<Life>,
}

impl FrozenSegment {
    /// Its entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = FrozenEntry<'_>> {
        self.segment.iter().map(|item| FrozenEntry {
            key: item.key,
            value: item.value,
            deadline: item.deadline,
            stamp: item.mark.load(),
        })
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.segment.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
