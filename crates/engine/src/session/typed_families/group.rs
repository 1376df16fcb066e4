//! Consumer groups of streams.

use super::stream::{Shown, entries};
use super::{Argv, FromReply, StreamEntry, XRead};
use crate::reply::Reply;
use crate::session::Session;
use commands::Error;
use std::time::Duration;
use units::StreamId;

/// A stream and a group of its consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group<'a> {
    /// The stream's key.
    pub key: &'a [u8],
    /// The group's name.
    pub name: &'a [u8],
}

impl<'a> Group<'a> {
    /// The group called `name` of the stream at `key`.
    pub fn new<K, N>(key: &'a K, name: &'a N) -> Group<'a>
    where
        K: AsRef<[u8]> + ?Sized,
        N: AsRef<[u8]> + ?Sized,
    {
        let (key, name) = (key.as_ref(), name.as_ref());
        Group { key, name }
    }

    fn argv(self, command: &'static str) -> Argv<'a> {
        Argv::new(command).word(self.key).word(self.name)
    }

    fn sub_argv(self, subcommand: &'static str) -> Argv<'a> {
        let argv = Argv::new("XGROUP").token(subcommand);
        argv.word(self.key).word(self.name)
    }
}

/// What a group has handed out and nobody has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// How many entries.
    pub count: usize,
    /// The ids of the first and the last.
    pub ends: Option<(StreamId, StreamId)>,
    /// The consumers that have any, and how many.
    pub consumers: Vec<(Vec<u8>, usize)>,
}

/// An entry that was handed out and is not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEntry {
    /// Its id.
    pub id: StreamId,
    /// Who has it.
    pub consumer: Vec<u8>,
    /// How long ago it was handed out last.
    pub idle: Duration,
    /// How often it was handed out.
    pub deliveries: usize,
}

/// What [`Session::xautoclaim`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Where to go on; [`StreamId::MIN`] after the last.
    pub next: StreamId,
    /// The entries that have a new consumer.
    pub entries: Vec<StreamEntry>,
    /// Ids that were pending, and whose entries are deleted.
    pub deleted: Vec<StreamId>,
}

impl FromReply for Pending {
    fn from_reply(reply: Reply) -> Option<Pending> {
        type Parts = (usize, Option<StreamId>, Reply, Reply);
        let (count, first, last, consumers) = Parts::from_reply(reply)?;
        let last: Option<StreamId> = Option::from_reply(last)?;
        // Counts are text here.
        let consumers: Option<Vec<(Vec<u8>, String)>> = Option::from_reply(consumers)?;
        let consumers = consumers.unwrap_or_default().into_iter();
        let consumers = consumers.map(|(name, count)| Some((name, count.parse().ok()?)));
        Some(Pending {
            count,
            ends: first.zip(last),
            consumers: consumers.collect::<Option<_>>()?,
        })
    }
}

impl FromReply for PendingEntry {
    fn from_reply(reply: Reply) -> Option<PendingEntry> {
        let (id, consumer, idle, deliveries) = <(_, _, u64, _)>::from_reply(reply)?;
        Some(PendingEntry {
            id,
            consumer,
            idle: Duration::from_millis(idle),
            deliveries,
        })
    }
}

impl FromReply for Claimed {
    fn from_reply(reply: Reply) -> Option<Claimed> {
        let (next, shown, deleted) = <(_, Vec<Shown>, _)>::from_reply(reply)?;
        Some(Claimed {
            next,
            entries: entries(shown),
            deleted,
        })
    }
}

impl Session {
    /// Makes a group whose consumers get what comes after an id, and the stream if it is not there;
    /// an error if there is such a group. Like `XGROUP CREATE .. MKSTREAM`.
    ///
    /// ```
    /// use duramen::{Engine, Group, StreamId, XAdd, XRead};
    /// let mut session = Engine::open_in_memory().session();
    /// let workers = Group::new("jobs", "workers");
    /// session.xgroup_create(workers, StreamId::MIN)?;
    /// session.xadd("jobs", XAdd::default(), &[("task", "paint")])?;
    ///
    /// let (id, fields) = session.xread_group(workers, "ann", XRead::default())?.remove(0);
    /// assert_eq!(fields, [(b"task".to_vec(), b"paint".to_vec())]);
    /// assert_eq!(session.xpending(workers)?.count, 1);
    /// assert_eq!(session.xack(workers, &[id])?, 1);
    /// assert!(session.xgroup_destroy(workers)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn xgroup_create(&mut self, group: Group<'_>, after: StreamId) -> Result<(), Error> {
        let argv = group.sub_argv("CREATE").number(after);
        let _: Vec<u8> = self.ask(&argv.token("MKSTREAM"))?;
        Ok(())
    }

    /// Removes a group; whether it was there. Like `XGROUP DESTROY`; [`Session::xgroup_create`] has
    /// an example.
    pub fn xgroup_destroy(&mut self, group: Group<'_>) -> Result<bool, Error> {
        self.ask(&group.sub_argv("DESTROY"))
    }

    /// From now on, consumers of the group get what comes after this id. Like `XGROUP SETID`.
    ///
    /// ```
    /// use duramen::{Engine, Group, StreamId, XAdd, XRead};
    /// let mut session = Engine::open_in_memory().session();
    /// let workers = Group::new("jobs", "workers");
    /// let first = session.xadd("jobs", XAdd::default(), &[("task", "paint")])?.unwrap();
    /// session.xgroup_create(workers, first)?;
    /// assert!(session.xread_group(workers, "ann", XRead::default())?.is_empty());
    /// session.xgroup_set_id(workers, StreamId::MIN)?;
    /// assert_eq!(session.xread_group(workers, "ann", XRead::default())?.len(), 1);
    /// assert_eq!(session.xgroup_delete_consumer(workers, "ann")?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn xgroup_set_id(&mut self, group: Group<'_>, after: StreamId) -> Result<(), Error> {
        let _: Vec<u8> = self.ask(&group.sub_argv("SETID").number(after))?;
        Ok(())
    }

    /// Removes a consumer, and says how many entries were pending for it, which nobody has then.
    /// Like `XGROUP DELCONSUMER`; [`Session::xgroup_set_id`] has an example.
    pub fn xgroup_delete_consumer(
        &mut self,
        group: Group<'_>,
        consumer: impl AsRef<[u8]>,
    ) -> Result<usize, Error> {
        self.ask(&group.sub_argv("DELCONSUMER").word(&consumer))
    }

    /// Entries that no consumer of the group got yet; they are pending for this one from then on.
    /// Like `XREADGROUP .. >`; [`Session::xgroup_create`] has an example.
    pub fn xread_group(
        &mut self,
        group: Group<'_>,
        consumer: impl AsRef<[u8]>,
        options: XRead,
    ) -> Result<Vec<StreamEntry>, Error> {
        let argv = Argv::new("XREADGROUP").token("GROUP");
        let argv = options.add_to(argv.word(group.name).word(&consumer));
        let argv = argv.token("STREAMS").word(group.key).token(">");
        let streams = self.ask_streams(&argv)?;
        Ok(streams
            .into_iter()
            .flat_map(|(_, entries)| entries)
            .collect())
    }

    /// Says that entries are dealt with; how many were pending. Like `XACK`;
    /// [`Session::xgroup_create`] has an example.
    pub fn xack(&mut self, group: Group<'_>, ids: &[StreamId]) -> Result<usize, Error> {
        self.ask(&group.argv("XACK").numbers(ids))
    }

    /// What is pending, in sum. Like `XPENDING`; [`Session::xgroup_create`] has an example.
    pub fn xpending(&mut self, group: Group<'_>) -> Result<Pending, Error> {
        self.ask(&group.argv("XPENDING"))
    }

    /// At most `count` entries that have been pending for `idle` or longer, from an id on. Like
    /// `XPENDING .. IDLE`.
    ///
    /// ```
    /// use duramen::{Engine, Group, StreamId, XAdd, XRead};
    /// use std::time::Duration;
    /// let mut session = Engine::open_in_memory().session();
    /// let workers = Group::new("jobs", "workers");
    /// session.xgroup_create(workers, StreamId::MIN)?;
    /// session.xadd("jobs", XAdd::default(), &[("task", "paint")])?;
    /// session.xread_group(workers, "ann", XRead::default())?;
    ///
    /// let pending = session.xpending_entries(workers, Duration::ZERO, StreamId::MIN, 10)?;
    /// assert_eq!((&pending[0].consumer[..], pending[0].deliveries), (&b"ann"[..], 1));
    /// let entries = session.xclaim(workers, "bob", Duration::ZERO, &[pending[0].id])?;
    /// assert_eq!(entries.len(), 1);
    /// let claimed = session.xautoclaim(workers, "eve", Duration::ZERO, StreamId::MIN, 10)?;
    /// assert_eq!((claimed.next, claimed.entries), (StreamId::MIN, entries));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn xpending_entries(
        &mut self,
        group: Group<'_>,
        idle: Duration,
        from: StreamId,
        count: usize,
    ) -> Result<Vec<PendingEntry>, Error> {
        let argv = group
            .argv("XPENDING")
            .token("IDLE")
            .number(idle.as_millis());
        self.ask(&argv.number(from).token("+").number(count))
    }

    /// Makes entries that have been pending for `idle` or longer another consumer's, and returns
    /// those. Like `XCLAIM`; [`Session::xpending_entries`] has an example.
    pub fn xclaim(
        &mut self,
        group: Group<'_>,
        consumer: impl AsRef<[u8]>,
        idle: Duration,
        ids: &[StreamId],
    ) -> Result<Vec<StreamEntry>, Error> {
        let argv = group
            .argv("XCLAIM")
            .word(&consumer)
            .number(idle.as_millis());
        Ok(entries(self.ask(&argv.numbers(ids))?))
    }

    /// The same for any such entries, at most `count`, from an id on. Like `XAUTOCLAIM`;
    /// [`Session::xpending_entries`] has an example.
    pub fn xautoclaim(
        &mut self,
        group: Group<'_>,
        consumer: impl AsRef<[u8]>,
        idle: Duration,
        from: StreamId,
        count: usize,
    ) -> Result<Claimed, Error> {
        let argv = group.argv("XAUTOCLAIM").word(&consumer);
        let argv = argv.number(idle.as_millis()).number(from);
        self.ask(&argv.option("COUNT", Some(count)))
    }
}
