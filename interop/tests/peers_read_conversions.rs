//! Every snapshot of the corpus, converted event by event for each real server without a keyspace between, is loaded by
//! that server, which then prints the digest that our engine has of the file as it was.

use std::fs;
use std::path::Path;

use interop::{Build, Launch, Ours, Outcome, available, conclude, corpus};
use rdb::{
    Decoder, DecoderOptions, EncodeError, Encoder, EncoderOptions, Event, KeyMeta, Part, Target,
};

/// Databases beyond the default ones occur.
const DATABASES: (&str, &str) = ("databases", "10000");

/// Files that no server loads: their version, checksum or content is wrong on purpose.
const DAMAGED: usize = 3;

/// Files with a score of -0 outside of a compact form. 6.2 keeps its sign and says so in the digest; in later servers,
/// and here, adding a member makes it 0.
const NEGATIVE_ZERO: [&str; 2] = [
    "public/librdb-tests/plain_zset_2_v11.rdb",
    "public/librdb-tests/plain_zset_v6.rdb",
];

/// Hands on events but for modules' data and values, which a server without the module refuses.
#[derive(Default)]
struct WithoutModules {
    key: Option<(Vec<u8>, KeyMeta)>,
    skipping: bool,
}

impl WithoutModules {
    fn put(&mut self, event: &Event<'_>, encoder: &mut Encoder) -> Result<(), EncodeError> {
        match event {
            Event::ModuleAux(_) => return Ok(()),
            Event::Key { key, meta } => {
                self.key = Some((key.to_vec(), *meta));
                return Ok(());
            }
            Event::Value(Part::Module(_)) => {
                self.skipping = true;
                self.key = None;
            }
            _ => {}
        }
        if let Some((key, meta)) = self.key.take() {
            let key = &key;
            encoder.put(&Event::Key { key, meta })?;
        }
        if self.skipping {
            self.skipping = *event != Event::Value(Part::EndValue);
            return Ok(());
        }
        encoder.put(event)
    }
}

/// The file for `target`; `None` if it cannot be read.
fn convert(bytes: &[u8], target: Target) -> Result<Option<Vec<u8>>, EncodeError> {
    let mut decoder = Decoder::new(DecoderOptions::default());
    decoder.feed(bytes);
    decoder.finish_input();
    let lossy = true;
    let options = EncoderOptions {
        lossy,
        ..EncoderOptions::default()
    };
    let (mut encoder, mut filter) = (Encoder::new(target, options), WithoutModules::default());
    loop {
        match decoder.next() {
            Ok(Some(event)) => filter.put(&event, &mut encoder)?,
            Ok(None) => return Ok(Some(encoder.take())),
            Err(_) => return Ok(None),
        }
    }
}

/// The digest that our engine has of a snapshot, as `build` would print it.
fn our_digest(snapshot: &[u8], build: Build) -> Result<String, Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    fs::write(dir.path().join("dump.rdb"), snapshot)?;
    let (name, value) = DATABASES;
    let settings = [(name.to_owned(), value.to_owned())];
    Ok(Ours::open(dir.path(), None, &settings)?.digest_as(build))
}

fn peers_digest(
    snapshot: &[u8],
    build: Build,
    binary: &Path,
) -> Result<String, Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    fs::write(dir.path().join("dump.rdb"), snapshot)?;
    let launch = Launch::build(build, binary).dir(dir.path());
    let mut peer = launch.set(DATABASES.0, DATABASES.1).start()?;
    let digest = peer.digest()?;
    peer.end()?;
    Ok(digest)
}

/// Both digests of a file, if it can be read.
fn both(
    bytes: &[u8],
    build: Build,
    binary: &Path,
) -> Result<Option<(String, String)>, Box<dyn std::error::Error>> {
    // All that was in it, for a reader of ours that knows no more of modules than the peer.
    let whole = [Target::Redis12, Target::Valkey80];
    let family = whole[usize::from(bytes.starts_with(b"VALKEY"))];
    let (Some(whole), Some(converted)) = (
        convert(bytes, family)?,
        convert(bytes, build.folder().parse()?)?,
    ) else {
        return Ok(None);
    };
    let ours = our_digest(&whole, build)?;
    Ok(Some((ours, peers_digest(&converted, build, binary)?)))
}

fn is_signed_zero(name: &str, build: Build) -> bool {
    build == Build::Redis62 && NEGATIVE_ZERO.contains(&name)
}

#[test]
fn every_snapshot_for_every_server() -> Outcome {
    let (peers, files) = (available(&Build::ALL)?, corpus::snapshot_files()?);
    assert_eq!(files.len(), 153);
    let (mut problems, mut compared, mut unread) = (Vec::new(), 0, 0);
    for (name, bytes) in &files {
        for (build, binary) in &peers {
            match both(bytes, *build, binary) {
                Ok(Some((ours, theirs))) if ours == theirs => {}
                Ok(Some(_)) if is_signed_zero(name, *build) => {}
                Ok(Some((ours, theirs))) => {
                    problems.push(format!("{name} for {build}: ours {ours}, theirs {theirs}"));
                }
                Ok(None) => unread += 1,
                Err(error) => problems.push(format!("{name} for {build}: {error}")),
            }
            compared += 1;
        }
    }
    assert_eq!(unread, DAMAGED * peers.len());
    conclude("snapshots converted for each server", compared, &problems)
}
