use super::{IfMissing, Keys, Ttl, WrongType};
use crate::Edit;
use units::DbIndex;

impl Keys<'_> {
    /// Edits the value of a key as a `T`: takes it out, hands it to `f`, puts it back where it then
    /// fits, and keeps its deadline. A collection that `f` leaves empty is removed.
    ///
    /// A missing key is created only if `f` changed the empty value it was given. `None` if the key
    /// is missing and `missing` says to skip it.
    ///
    /// # Errors
    ///
    /// [`WrongType`] if the value is of another type; `f` is not called.
    pub fn edit<T: Edit, R>(
        &mut self,
        db: DbIndex,
        key: &[u8],
        missing: IfMissing,
        f: impl FnOnce(&mut T) -> R,
    ) -> Result<Option<R>, WrongType> {
        let hash = self.hash_of(key);
        self.reap_hashed(db, hash, key);
        match self.shard(hash).get(db, hash, key) {
            None if missing == IfMissing::Skip => Ok(None),
            None => Ok(Some(self.create(db, hash, key, f))),
            Some(item) if item.value.ty() != T::TYPE => Err(WrongType),
            Some(_) => Ok(self.edit_found(db, hash, key, f)),
        }
    }

    fn create<T: Edit, R>(
        &mut self,
        db: DbIndex,
        hash: u64,
        key: &[u8],
        f: impl FnOnce(&mut T) -> R,
    ) -> R {
        let mut value = T::empty(&self.shard(hash).settings);
        let result = f(&mut value);
        if value.changes() > 0 && !value.is_empty() {
            let changes = value.changes();
            self.store(db, hash, key, value.into_value(), Ttl::Clear);
            self.changed(db, hash, key, changes);
        }
        result
    }

    /// The value is there and of type `T`.
    fn edit_found<T: Edit, R>(
        &mut self,
        db: DbIndex,
        hash: u64,
        key: &[u8],
        f: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let table = self.shard_mut(hash).tables.get_mut(db.index())?;
        let taken = table.take_value(hash, key)?;
        let mut value = match T::from_value(taken) {
            Ok(value) => value,
            Err(_) => unreachable!("a value's type is that of its reference"),
        };
        let before = value.changes();
        let result = f(&mut value);
        let changes = value.changes().wrapping_sub(before);
        if value.is_empty() {
            let old = self.shard_mut(hash).discard(db, hash, key).flatten();
            self.discard(old, |lazy| lazy.server_del);
            self.discard(Some(value.into_value()), |lazy| lazy.server_del);
        } else {
            self.store(db, hash, key, value.into_value(), Ttl::Keep);
        }
        if changes > 0 {
            self.changed(db, hash, key, changes);
        }
        Some(result)
    }
}
