//! Every sidecar of the corpus reads, and equals itself.

use std::path::{Path, PathBuf};

use kvdump::{Options, Sidecar, compare};

fn sidecars(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tails" {
            sidecars(&path, out);
        } else if name.ends_with(".json")
            && !name.ends_with(".verdict.json")
            && name != "tails.json"
        {
            out.push(path);
        }
    }
}

#[test]
fn all_load() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus");
    let mut files = Vec::new();
    for part in ["rdb", "aof", "public"] {
        sidecars(&corpus.join(part), &mut files);
    }
    let mut keys = 0;
    for file in &files {
        let sidecar = Sidecar::load(file).unwrap();
        keys += sidecar.dump.keys();
        let differences = compare(&sidecar.dump, &sidecar.dump.clone(), &Options::SAME_SERVER);
        assert!(differences.is_empty(), "{}", file.display());
    }
    assert_eq!((files.len(), keys), (128, 3699));
    println!("{} sidecars, {keys} keys", files.len());
}

#[test]
fn what_is_not_a_sidecar_says_so() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus");
    let error = Sidecar::load(&corpus.join("dump/redis-8.2.3.json")).unwrap_err();
    assert!(error.to_string().contains("kvdump/1"), "{error}");
    assert!(Sidecar::load(&corpus.join("README.md")).is_err());
}
