use crate::keyspace::Inner;
use crate::plan::{Mode, Plan};
use crate::shard::Shard;
use crate::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, read_unless, write_unless};
use smallvec::SmallVec;

/// Locked shards with their numbers, ascending.
pub(super) enum Held<'a> {
    Read(Guards<RwLockReadGuard<'a, Shard>>),
    Write(Guards<RwLockWriteGuard<'a, Shard>>),
}

/// One without an allocation. Covariant in the guards' lifetime, as a `SmallVec` would not be.
pub(super) enum Guards<G> {
    One((u16, G)),
    Many(Vec<(u16, G)>),
}

impl<G> Guards<G> {
    /// Takes shards as long as `lock` gives them.
    fn lock(shards: &[u16], lock: impl Fn(usize) -> Option<G>) -> Option<Guards<G>> {
        let numbered = |&shard: &u16| Some((shard, lock(usize::from(shard))?));
        Some(match shards {
            [shard] => Guards::One(numbered(shard)?),
            _ => Guards::Many(shards.iter().map(numbered).collect::<Option<_>>()?),
        })
    }

    /// Where the guard of a shard is: at its number if all are held, else among few.
    #[inline]
    fn position(&self, shard: usize) -> Option<usize> {
        let is = |(number, _): &(u16, G)| usize::from(*number) == shard;
        match self.get(shard) {
            Some(guard) if is(guard) => Some(shard),
            _ => self.iter().position(is),
        }
    }
}

impl<G> std::ops::Deref for Guards<G> {
    type Target = [(u16, G)];
    #[inline]
    fn deref(&self) -> &[(u16, G)] {
        match self {
            Guards::One(one) => std::slice::from_ref(one),
            Guards::Many(many) => many,
        }
    }
}

impl<G> std::ops::DerefMut for Guards<G> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [(u16, G)] {
        match self {
            Guards::One(one) => std::slice::from_mut(one),
            Guards::Many(many) => many,
        }
    }
}

impl<'a> Held<'a> {
    /// Takes the shards of a plan, ascending: everybody does, so nobody waits in a circle.
    pub(super) fn lock(inner: &'a Inner, plan: &Plan<'_>) -> Held<'a> {
        let read = |lock: &'a RwLock<Shard>| Some(lock.read());
        let write = |lock: &'a RwLock<Shard>| Some(lock.write());
        Held::lock_by(inner, plan, read, write).expect("who waits gets every lock")
    }

    /// The same, unless `give_up` says so while somebody else holds a shard.
    pub(super) fn lock_unless(
        inner: &'a Inner,
        plan: &Plan<'_>,
        give_up: &dyn Fn() -> bool,
    ) -> Option<Held<'a>> {
        let read = |lock| read_unless(lock, give_up);
        let write = |lock| write_unless(lock, give_up);
        Held::lock_by(inner, plan, read, write)
    }

    fn lock_by(
        inner: &'a Inner,
        plan: &Plan<'_>,
        read: impl Fn(&'a RwLock<Shard>) -> Option<RwLockReadGuard<'a, Shard>>,
        write: impl Fn(&'a RwLock<Shard>) -> Option<RwLockWriteGuard<'a, Shard>>,
    ) -> Option<Held<'a>> {
        let all: SmallVec<[u16; 16]>;
        let shards = match plan.which.listed() {
            Some(shards) => shards,
            None => {
                all = (0..inner.shards.len() as u16).collect();
                &all
            }
        };
        let lock = |shard: usize| &inner.shards[shard].lock;
        Some(match plan.mode {
            Mode::Read => Held::Read(Guards::lock(shards, |shard| read(lock(shard)))?),
            Mode::Write => Held::Write(Guards::lock(shards, |shard| write(lock(shard)))?),
        })
    }

    pub(super) fn mode(&self) -> Mode {
        match self {
            Held::Read(_) => Mode::Read,
            Held::Write(_) => Mode::Write,
        }
    }

    fn len(&self) -> usize {
        match self {
            Held::Read(guards) => guards.len(),
            Held::Write(guards) => guards.len(),
        }
    }

    /// Whether a shard is held.
    pub(super) fn has(&self, shard: usize) -> bool {
        match self {
            Held::Read(guards) => guards.position(shard).is_some(),
            Held::Write(guards) => guards.position(shard).is_some(),
        }
    }

    /// Whether what a plan takes of `shards` in all is held, in its mode.
    pub(super) fn covers(&self, plan: &Plan<'_>, shards: usize) -> bool {
        match plan.which.listed() {
            Some([]) => true,
            _ if plan.mode != self.mode() => false,
            Some(shards) => shards.iter().all(|&shard| self.has(usize::from(shard))),
            None => self.len() == shards,
        }
    }

    /// Some shard, if any is held.
    pub(super) fn first(&self) -> Option<&Shard> {
        match self {
            Held::Read(guards) => guards.first().map(|(_, shard)| &**shard),
            Held::Write(guards) => guards.first().map(|(_, shard)| &**shard),
        }
    }

    #[inline]
    pub(super) fn get(&self, shard: usize) -> &Shard {
        let found = match self {
            Held::Read(guards) => guards.position(shard).map(|at| &*guards[at].1),
            Held::Write(guards) => guards.position(shard).map(|at| &*guards[at].1),
        };
        found.expect("a command uses only keys that it planned for")
    }

    #[inline]
    pub(super) fn get_mut(&mut self, shard: usize) -> &mut Shard {
        match self {
            Held::Read(_) => panic!("a command that writes plans to write"),
            Held::Write(guards) => match guards.position(shard) {
                Some(at) => &mut guards[at].1,
                None => panic!("a command uses only keys that it planned for"),
            },
        }
    }

    /// The shards held, with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Shard)> {
        (0..self.len()).map(|at| match self {
            Held::Read(guards) => (usize::from(guards[at].0), &*guards[at].1),
            Held::Write(guards) => (usize::from(guards[at].0), &*guards[at].1),
        })
    }

    /// The shards held for writing, with their numbers.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Shard)> {
        let guards: &mut [_] = match self {
            Held::Read(_) => &mut [],
            Held::Write(guards) => guards,
        };
        guards
            .iter_mut()
            .map(|(number, shard)| (usize::from(*number), &mut **shard))
    }
}
