//! Locks, atomics, and what a thread keeps. Under the feature `model` they are those of a checker,
//! which runs a test again and again and chooses itself who goes on at each of them.

#[cfg(not(feature = "model"))]
pub(crate) use parking_lot::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
#[cfg(not(feature = "model"))]
pub(crate) use std::{sync::atomic, thread_local};

#[cfg(feature = "model")]
pub(crate) use model::{Condvar, read_unless, write_unless};
#[cfg(not(feature = "model"))]
pub(crate) use patience::{read_unless, write_unless};
#[cfg(feature = "model")]
pub(crate) use shuttle::{sync::atomic, thread_local};
#[cfg(feature = "model")]
pub(crate) use shuttle_parking_lot_impl::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

/// Locks for those who need not wait.
#[cfg(not(feature = "model"))]
mod patience {
    use super::{RwLock, RwLockReadGuard, RwLockWriteGuard};
    use std::time::Duration;

    /// How often someone who waits asks whether to go on.
    const ASK_EVERY: Duration = Duration::from_millis(5);

    pub(crate) fn read_unless<'l, T>(
        lock: &'l RwLock<T>,
        give_up: &dyn Fn() -> bool,
    ) -> Option<RwLockReadGuard<'l, T>> {
        patiently(|| lock.try_read(), || lock.try_read_for(ASK_EVERY), give_up)
    }

    pub(crate) fn write_unless<'l, T>(
        lock: &'l RwLock<T>,
        give_up: &dyn Fn() -> bool,
    ) -> Option<RwLockWriteGuard<'l, T>> {
        patiently(
            || lock.try_write(),
            || lock.try_write_for(ASK_EVERY),
            give_up,
        )
    }

    #[inline]
    fn patiently<G>(
        now: impl Fn() -> Option<G>,
        soon: impl Fn() -> Option<G>,
        give_up: &dyn Fn() -> bool,
    ) -> Option<G> {
        let mut taken = now();
        while taken.is_none() && !give_up() {
            taken = soon();
        }
        taken
    }
}

#[cfg(feature = "model")]
mod model {
    use super::{MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
    use std::time::Duration;

    /// `parking_lot`'s, as far as it is used here, for the checker's locks. A wait ends by being
    /// notified only, unless it is for no time at all.
    #[derive(Default)]
    pub(crate) struct Condvar {
        notices: shuttle::sync::Mutex<u64>,
        bell: shuttle::sync::Condvar,
    }

    pub(crate) struct WaitTimeoutResult(bool);

    impl WaitTimeoutResult {
        pub(crate) fn timed_out(&self) -> bool {
            self.0
        }
    }

    /// The checker's locks have no time: who would ask again and again just waits.
    pub(crate) fn read_unless<'l, T>(
        lock: &'l RwLock<T>,
        _: &dyn Fn() -> bool,
    ) -> Option<RwLockReadGuard<'l, T>> {
        Some(lock.read())
    }

    pub(crate) fn write_unless<'l, T>(
        lock: &'l RwLock<T>,
        _: &dyn Fn() -> bool,
    ) -> Option<RwLockWriteGuard<'l, T>> {
        Some(lock.write())
    }

    impl Condvar {
        pub(crate) fn new() -> Condvar {
            Condvar::default()
        }

        pub(crate) fn notify_one(&self) {
            self.notify_all();
        }

        pub(crate) fn notify_all(&self) {
            *self.notices.lock().expect("nobody panics with it") += 1;
            self.bell.notify_all();
        }

        pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, longest: Duration) {
            if longest.is_zero() {
                return;
            }
            // Locked before the guard is given up: nothing is notified in between.
            let notices = self.notices.lock().expect("nobody panics with it");
            let seen = *notices;
            MutexGuard::unlocked(guard, || {
                let is_new = |notices: &mut u64| *notices == seen;
                drop(self.bell.wait_while(notices, is_new));
            });
        }

        pub(crate) fn wait_while_for<T>(
            &self,
            guard: &mut MutexGuard<'_, T>,
            mut condition: impl FnMut(&mut T) -> bool,
            longest: Duration,
        ) -> WaitTimeoutResult {
            while condition(guard) {
                if longest.is_zero() {
                    return WaitTimeoutResult(true);
                }
                self.wait_for(guard, longest);
            }
            WaitTimeoutResult(false)
        }
    }
}
