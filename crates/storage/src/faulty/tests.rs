use super::*;
use crate::{read, replace};

fn path(text: &str) -> &Path {
    Path::new(text)
}

fn first(_: usize) -> usize {
    0
}

fn content(disk: &Faulty, at: &str) -> Option<Vec<u8>> {
    read(disk, path(at), 9999).ok()
}

#[test]
fn bytes_last_once_synced_and_names_once_their_directory_is() {
    let disk = Faulty::new();
    let file = disk.open(path("/f"), Mode::CreateNew).unwrap();
    file.append(b"one").unwrap();
    file.sync_data().unwrap();
    assert_eq!(content(&disk.crash(Crash::Lost, &mut first), "/f"), None);
    let kept = disk.crash(Crash::NamesOnly, &mut first);
    assert_eq!(content(&kept, "/f").as_deref(), Some(&b"one"[..]));
    disk.sync_dir(path("/")).unwrap();
    file.append(b"two").unwrap();
    for (how, left) in [
        (Crash::Lost, &b"one"[..]),
        (Crash::Kept, b"onetwo"),
        (Crash::Prefix, b"one"),
        (Crash::Zeros, b"one\0\0\0"),
        (Crash::Sectors, b"one\0\0\0"),
    ] {
        let crashed = disk.crash(how, &mut first);
        assert_eq!(content(&crashed, "/f").as_deref(), Some(left), "{how:?}");
    }
}

#[test]
fn a_replacement_is_whole_at_every_moment() {
    let disk = Faulty::new();
    let put = |disk: &Faulty, text: &'static [u8]| {
        let write = |writer: &mut crate::Writer<_>| writer.write_all(text);
        replace::<_, Error>(disk, path("/d/f"), &mut None, write).unwrap();
    };
    put(&disk, b"old");
    let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let sees = Arc::clone(&seen);
    disk.watch(move |moment| {
        for how in Crash::ALL {
            let crashed = moment.crash(how, &mut |below| below / 2);
            sees.lock().push(content(&crashed, "/d/f").unwrap());
        }
    });
    put(&disk, b"new");
    let seen = std::mem::take(&mut *seen.lock());
    assert_eq!(seen.len(), 5 * Crash::ALL.len());
    assert!(
        seen.iter()
            .all(|content| content == b"old" || content == b"new")
    );
    assert_eq!(
        content(&disk.crash(Crash::Lost, &mut first), "/d/f").unwrap(),
        b"new"
    );
}

#[test]
fn what_a_failed_sync_lost_no_later_one_brings_back() {
    let disk = Faulty::new();
    let file = disk.open(path("/f"), Mode::CreateNew).unwrap();
    disk.sync_dir(path("/")).unwrap();
    file.append(b"lost").unwrap();
    disk.fail(0, io::ErrorKind::Other, false);
    assert!(file.sync_data().is_err() && disk.heal());
    file.append(b"kept").unwrap();
    file.sync_data().unwrap();
    assert_eq!(content(&disk, "/f").unwrap(), b"lostkept");
    let crashed = disk.crash(Crash::Lost, &mut first);
    assert_eq!(content(&crashed, "/f").unwrap(), b"\0\0\0\0kept");
}

#[test]
fn failures_come_when_told_once_or_from_then_on() {
    let disk = Faulty::new();
    disk.fail_after(1);
    disk.create_dir(path("/a")).unwrap();
    assert!(disk.create_dir(path("/b")).is_err());
    disk.create_dir(path("/c")).unwrap();
    assert!(disk.heal() && !disk.heal());
    disk.fail(0, io::ErrorKind::Other, true);
    assert!(disk.create_dir(path("/d")).is_err() && disk.create_dir(path("/e")).is_err());
    assert!(disk.heal());
    disk.create_dir(path("/d")).unwrap();
}

#[test]
fn a_failed_sync_leaves_what_the_file_system_does() {
    for (failed_sync, told, read, kept) in [
        (
            FailedSync::CleanPages,
            false,
            &b"lost"[..],
            &b"\0\0\0\0"[..],
        ),
        (FailedSync::Reverted, false, b"", b""),
        (FailedSync::ReportedLate, true, b"lost", b"lost"),
    ] {
        let disk = Faulty::new();
        disk.set_failed_sync(failed_sync);
        let file = disk.open(path("/f"), Mode::CreateNew).unwrap();
        disk.sync_dir(path("/")).unwrap();
        file.append(b"lost").unwrap();
        disk.fail(0, io::ErrorKind::Other, false);
        assert_eq!(file.sync_data().is_ok(), told, "{failed_sync:?}");
        assert!(disk.heal());
        assert_eq!(content(&disk, "/f").unwrap(), read);
        assert_eq!(file.sync_data().is_ok(), !told, "{failed_sync:?}");
        let crashed = disk.crash(Crash::Lost, &mut first);
        assert_eq!(content(&crashed, "/f").unwrap(), kept, "{failed_sync:?}");
    }
}

#[test]
fn reading_fails_if_it_is_to_and_appends_may_be_short() {
    let disk = Faulty::new();
    let file = disk.open(path("/f"), Mode::CreateNew).unwrap();
    let fault = |how, is_sticky| Fault {
        after: 0,
        how,
        is_sticky,
        reads: true,
    };
    disk.inject(fault(Failing::Short, true));
    assert_eq!(file.append(b"four").unwrap(), 2);
    assert_eq!(file.append(b"1").unwrap(), 1);
    let (operation, failed) = disk.heal_after().unwrap();
    assert_eq!((operation, &*failed), (Operation::Append, path("/f")));
    disk.inject(fault(Failing::Error(io::ErrorKind::Other), false));
    assert!(file.len().is_err());
    assert_eq!(file.len().unwrap(), 3);
}

#[test]
fn a_second_name_lasts_once_its_directory_is_synced() {
    let disk = Faulty::new();
    let write = |writer: &mut crate::Writer<_>| writer.write_all(b"one");
    replace::<_, Error>(&disk, path("/f"), &mut None, write).unwrap();
    disk.link(path("/f"), path("/g")).unwrap();
    let again = disk.link(path("/f"), path("/g")).unwrap_err();
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(content(&disk.crash(Crash::Lost, &mut first), "/g"), None);
    disk.sync_dir(path("/")).unwrap();
    disk.remove(path("/f")).unwrap();
    disk.sync_dir(path("/")).unwrap();
    let crashed = disk.crash(Crash::Lost, &mut first);
    assert_eq!(content(&crashed, "/f"), None);
    assert_eq!(content(&crashed, "/g").as_deref(), Some(&b"one"[..]));
}
