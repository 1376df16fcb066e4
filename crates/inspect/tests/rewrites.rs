//! Files of real servers, written anew: the same where nothing is lost, another where it should be.

use inspect::diff::{DiffCounts, DiffFormat, diff};
use inspect::redact::Redactor;
use inspect::rewrite::{Keep, Rewrite, Route, Scan};
use inspect::{Error, Filter};
use rdb::Target;
use std::path::{Path, PathBuf};
use storage::Os;

fn corpus(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("../../testdata/corpus").join(path)
}

/// A rewrite of everything into one file.
fn plain<'a>(filter: &'a Filter, out: &Path) -> Rewrite<'a> {
    Rewrite {
        target: None,
        compress: true,
        archive: false,
        lossy: false,
        filter,
        redactor: None,
        route: Route::One(out.to_owned()),
        keep: Keep::Last,
    }
}

fn compare(a: &Path, b: &Path, temp: &Path) -> DiffCounts {
    let filter = Filter::default();
    let sides = [&[a.to_owned()][..], &[b.to_owned()]];
    let (format, out) = (DiffFormat::Text, std::io::sink());
    diff(&Os, temp, sides, &filter, format, out, &mut |_| {}).unwrap()
}

fn snapshots() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for server in std::fs::read_dir(corpus("rdb")).unwrap() {
        let files = std::fs::read_dir(server.unwrap().path()).unwrap();
        let files = files.map(|file| file.unwrap().path());
        found.extend(files.filter(|path| path.extension().is_some_and(|is| is == "rdb")));
    }
    found.sort();
    found
}

#[test]
fn a_file_for_its_own_server_holds_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let filter = Filter::default();
    for (number, path) in snapshots().iter().enumerate() {
        let out = dir.path().join(format!("{number}.rdb"));
        let inputs = std::slice::from_ref(path);
        let done = plain(&filter, &out).run(&Os, dir.path(), inputs, &mut |_| {});
        let done = done.unwrap();
        assert!(done.files[0].losses.is_empty(), "{}", path.display());
        let counts = compare(path, &out, dir.path());
        assert!(counts.is_same(), "{}: {counts:?}", path.display());
        assert_eq!(counts.same, done.files[0].keys);
    }
}

#[test]
fn what_a_target_cannot_hold_is_refused_or_told() {
    let dir = tempfile::tempdir().unwrap();
    let filter = Filter::default();
    let inputs = [corpus("rdb/redis-8.2.3/types.rdb")];
    let run = |lossy, out: &str| {
        let mut rewrite = plain(&filter, &dir.path().join(out));
        rewrite.target = Some(Target::Redis10);
        rewrite.lossy = lossy;
        rewrite.run(&Os, dir.path(), &inputs, &mut |_| {})
    };
    assert!(matches!(run(false, "a.rdb"), Err(Error::Encode(_))));
    assert!(!dir.path().join("a.rdb").exists());
    let done = run(true, "b.rdb").unwrap();
    let losses = done.files[0].losses.rows();
    assert!(
        losses
            .iter()
            .any(|row| row.what == rdb::Loss::FieldTtl && row.count > 10)
    );
}

#[test]
fn parts_of_a_file_merge_into_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let filter = Filter::default();
    let whole = corpus("rdb/redis-7.0.15/types.rdb");
    let mut split = plain(&filter, dir.path());
    split.route = Route::Slots(dir.path().to_owned(), vec![0..=4999, 5000..=16_383]);
    let inputs = std::slice::from_ref(&whole);
    let done = split.run(&Os, dir.path(), inputs, &mut |_| {}).unwrap();
    let parts: Vec<PathBuf> = done.files.into_iter().map(|file| file.path).collect();
    assert_eq!(parts.len(), 2);
    let merged = dir.path().join("merged.rdb");
    let done = plain(&filter, &merged).run(&Os, dir.path(), &parts, &mut |_| {});
    assert_eq!(done.unwrap().duplicates, 0);
    assert!(compare(&whole, &merged, dir.path()).is_same());
}

#[test]
fn redacted_files_are_sound_and_share_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let filter = Filter::default();
    for (number, path) in snapshots().iter().enumerate() {
        let out = dir.path().join(format!("{number}.rdb"));
        let mut rewrite = plain(&filter, &out);
        rewrite.redactor = Some(Redactor::new(b"a secret"));
        let inputs = std::slice::from_ref(path);
        let done = rewrite.run(&Os, dir.path(), inputs, &mut |_| {}).unwrap();
        let scan = Scan::of(&Os, &out).unwrap();
        assert!(scan.is_sound(), "{}: {:?}", path.display(), scan.lost);
        let counts = compare(path, &out, dir.path());
        assert_eq!(
            counts.added + counts.changed + counts.same,
            done.files[0].keys
        );
        // Only names without a letter or a digit stay.
        assert!(
            counts.changed + counts.same <= 12,
            "{}: {counts:?}",
            path.display()
        );
    }
}

#[test]
fn sound_files_need_no_repair() {
    for path in snapshots() {
        let scan = Scan::of(&Os, &path).unwrap();
        assert!(scan.is_sound(), "{}: {:?}", path.display(), scan.lost);
    }
}
