//! DEBUG DIGEST is the one of the server that wrote the file.

mod said;

use duramen::{DigestForm, Engine, ManualClock, UnixMillis};
use said::said;
use std::path::Path;

/// Some of the corpus's files, with what their own server says to DEBUG DIGEST once it has loaded
/// them, and in which form it says it. Files with values of modules are not among them: of those
/// only the module could tell.
const DIGESTS: &[(&str, &str, DigestForm)] = {
    use DigestForm::{Redis70, Redis72, Redis74};
    &[
        (
            "redis-6.2.14/types",
            "06d109dcebaef107ddf9137f104a703d70abdbf5",
            Redis70,
        ),
        (
            "redis-6.2.14/streams",
            "dacafa467100077334a395b899ed6251720d7c84",
            Redis70,
        ),
        (
            "redis-6.2.14/lfu",
            "4ce0c72aa935b235913b133209b4b29a6c9c1969",
            Redis70,
        ),
        (
            "redis-7.0.15/types",
            "bf1a9370e7ec2ba492e7532f24fc5a26e54f8a03",
            Redis70,
        ),
        (
            "redis-7.0.15/streams",
            "fc92c88b79051d36facac6b57899b3ccb526e176",
            Redis70,
        ),
        (
            "redis-7.0.15/lfu",
            "ea60a8885d7a79ce7d2c1e76e6edc94972f3784a",
            Redis70,
        ),
        (
            "redis-8.2.3/nocompress",
            "f8f578c4069f2ced34e8601509785c5813b45e1a",
            Redis74,
        ),
        (
            "redis-8.2.3/streams",
            "f53c5e2c971203d005db3ef76199883efaa5bd14",
            Redis74,
        ),
        (
            "redis-8.2.3/lfu",
            "ea60a8885d7a79ce7d2c1e76e6edc94972f3784a",
            Redis74,
        ),
        (
            "valkey-9.1.2/types",
            "a63016b31c90219ec8c8127e35d5ff7036909d6d",
            Redis72,
        ),
        (
            "valkey-9.1.2/streams",
            "2f6a0b0520cadd569ccd4832efeeefca82537903",
            Redis72,
        ),
        (
            "valkey-9.1.2/lfu",
            "ea60a8885d7a79ce7d2c1e76e6edc94972f3784a",
            Redis72,
        ),
    ]
};

/// When the servers were asked: deadlines go by.
const ASKED: UnixMillis = UnixMillis(1_795_422_900_000);

fn open(file: &str) -> Engine {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus/rdb");
    let path = corpus.join(file).with_extension("rdb");
    let name = path.file_name().unwrap().to_str().unwrap();
    let builder = Engine::builder(path.parent().unwrap()).read_only();
    let builder = builder.config("dbfilename", name).unwrap();
    let builder = builder.config("databases", "32").unwrap();
    builder.clock(ManualClock::new(ASKED)).open().unwrap()
}

#[test]
fn digests_are_those_of_the_servers() {
    for (file, expected, form) in DIGESTS {
        let engine = open(file);
        let digest = engine.digest(*form).unwrap();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&hex, expected, "{file}");
        let command = match form {
            DigestForm::Redis70 => "DEBUG DIGEST OLD-SCORE-TEXT",
            DigestForm::Redis72 => "DEBUG DIGEST",
            DigestForm::Redis74 => continue,
        };
        assert_eq!(&said(&mut engine.session(), command), expected, "{file}");
    }
}

#[test]
fn what_order_and_shards_hold_does_not_count() {
    let digest = |shards, lines: &[&str]| {
        let storage = duramen::storage::Memory::new();
        let builder = Engine::builder("/data").storage(storage).shards(shards);
        let mut session = builder.open().unwrap().session();
        said::all_said(&mut session, lines);
        said(&mut session, "DEBUG DIGEST")
    };
    assert_eq!(digest(1, &[]), "0".repeat(40));
    let some = digest(1, &["SET a 1", "SADD s x y", "RPUSH l x y"]);
    assert_eq!(digest(8, &["RPUSH l x y", "SADD s y x", "SET a 1"]), some);
    assert_ne!(digest(8, &["RPUSH l y x", "SADD s y x", "SET a 1"]), some);
}
