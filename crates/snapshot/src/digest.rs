//! The digest of a keyspace, as `DEBUG DIGEST` computes it: equal for equal logical content,
//! whatever the order, encoding or server.
//!
//! Two operations on 20 bytes, both from SHA-1: *mix* (order matters) replaces them by the hash of
//! themselves xored with the hash of the data, *add* (order does not matter) xors the hash of the
//! data in. A database mixes its number, then adds the digest of each key; a key mixes its name,
//! the number of its type (big-endian), its elements, and adds a mark if it has a deadline.
//! Times themselves, field deadlines, pending entries and functions are not part of it.
//!
//! Checked against Redis 6.2, 7.0 and 8.2 and Valkey 9.1. Scores are mixed in as text, which
//! changed with 7.2; later Redis marks fields that have a deadline. See [`DigestForm`].

use keyspace::{FrozenView, HashRef, StringRef, ValueRef, ViewCancelled, ZsetRef};
use packed::{Element, IntText, number};
use sha1::{Digest as _, Sha1};
use units::{DbIndex, UnixMillis};

/// Whose digest is computed; the same for most content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestForm {
    /// Redis before 7.2: scores with 17 digits.
    Redis70,
    /// Redis 7.2 and every Valkey since: scores with as few digits as tell them apart.
    Redis72,
    /// Redis since 7.4: besides, a mark at each hash field that has a deadline.
    Redis74,
}

/// Whether scores are as before 7.2.
impl From<bool> for DigestForm {
    fn from(old_score_text: bool) -> DigestForm {
        match old_score_text {
            true => DigestForm::Redis70,
            false => DigestForm::Redis72,
        }
    }
}

/// The digest of every key of `view` that has not expired at `now`; fails if the view is cancelled.
pub fn digest(
    mut view: FrozenView,
    now: UnixMillis,
    form: impl Into<DigestForm>,
) -> Result<[u8; 20], ViewCancelled> {
    let form = form.into();
    let mut whole = Digest::default();
    let dbs: Vec<DbIndex> = view.databases().map(|(db, ..)| db).collect();
    for db in dbs {
        let mut keys = Digest::default();
        let mut any = false;
        view.for_each(db, |entry| {
            if entry.deadline.is_none_or(|at| at > now) {
                any = true;
                let mut key = Digest::default();
                key.mix(entry.key);
                key.value(entry.value, entry.deadline, now, form);
                keys.add(&key.0);
            }
            Ok::<(), ViewCancelled>(())
        })?;
        if any {
            // The number of the database is mixed in before its keys are added.
            whole.mix(&db.0.to_be_bytes());
            whole.xor(&keys.0);
        }
    }
    Ok(whole.0)
}

/// The digest of one value, as `DEBUG DIGEST-VALUE` prints it.
pub fn digest_value(
    value: ValueRef<'_>,
    deadline: Option<UnixMillis>,
    now: UnixMillis,
    form: impl Into<DigestForm>,
) -> [u8; 20] {
    let mut digest = Digest::default();
    digest.value(value, deadline, now, form.into());
    digest.0
}

/// 20 bytes that data is mixed into and added to.
#[derive(Default)]
struct Digest([u8; 20]);

impl Digest {
    fn xor(&mut self, hash: &[u8; 20]) {
        self.0
            .iter_mut()
            .zip(hash)
            .for_each(|(mine, other)| *mine ^= other);
    }

    fn add(&mut self, data: &[u8]) {
        self.xor(&Sha1::digest(data).into());
    }

    fn mix(&mut self, data: &[u8]) {
        self.add(data);
        self.0 = Sha1::digest(self.0).into();
    }

    fn mix_element(&mut self, element: Element<'_>) {
        self.mix(element.text(&mut IntText::default()));
    }

    fn mix_string(&mut self, string: StringRef<'_>) {
        let mut hash = Sha1::new();
        match string {
            StringRef::Int(number) => hash.update(itoa(number)),
            _ => string.chunks().for_each(|chunk| hash.update(chunk)),
        }
        self.xor(&hash.finalize().into());
        self.0 = Sha1::digest(self.0).into();
    }

    fn value(
        &mut self,
        value: ValueRef<'_>,
        deadline: Option<UnixMillis>,
        now: UnixMillis,
        form: DigestForm,
    ) {
        self.mix(&type_number(&value).to_be_bytes());
        match value {
            ValueRef::String(string) => self.mix_string(string),
            ValueRef::List(list) => list.iter().for_each(|element| self.mix_element(element)),
            ValueRef::Set(set) => set.iter().for_each(|member| {
                self.add(member.text(&mut IntText::default()));
            }),
            ValueRef::Zset(zset) => self.zset(zset, form),
            ValueRef::Hash(hash) => self.hash(hash, now, form),
            ValueRef::Stream(stream) => self.stream(stream),
            // A server asks the module, which is not here: the bytes stand for what it would say.
            ValueRef::Module(module) => self.mix(&module.raw),
        }
        if deadline.is_some() {
            self.add(b"!!expire!!");
        }
    }

    fn zset(&mut self, zset: ZsetRef<'_>, form: DigestForm) {
        let mut text = Vec::new();
        for (member, score) in zset.iter() {
            text.clear();
            match form {
                DigestForm::Redis70 => number::write_f64_17g(score, &mut text),
                _ => number::write_f64_digits(score, &mut text),
            }
            let mut pair = Digest::default();
            pair.mix_element(member);
            pair.mix(&text);
            self.add(&pair.0);
        }
    }

    fn hash(&mut self, hash: HashRef<'_>, now: UnixMillis, form: DigestForm) {
        for (field, value, deadline) in hash.iter(now) {
            let mut pair = Digest::default();
            pair.mix_element(field);
            pair.mix_string(value);
            if form == DigestForm::Redis74 && deadline.is_some() {
                pair.add(b"!!hexpire!!");
            }
            self.add(&pair.0);
        }
    }

    fn stream(&mut self, stream: &keyspace::Stream) {
        for entry in stream.iter() {
            self.mix(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
            for (field, value) in entry.fields() {
                self.mix_element(field);
                self.mix_element(value);
            }
        }
    }
}

fn itoa(number: i64) -> Vec<u8> {
    let mut text = Vec::new();
    number::write_i64(number, &mut text);
    text
}

/// The number that servers know the type by.
fn type_number(value: &ValueRef<'_>) -> u32 {
    match value {
        ValueRef::String(_) => 0,
        ValueRef::List(_) => 1,
        ValueRef::Set(_) => 2,
        ValueRef::Zset(_) => 3,
        ValueRef::Hash(_) => 4,
        ValueRef::Module(_) => 5,
        ValueRef::Stream(_) => 6,
    }
}
