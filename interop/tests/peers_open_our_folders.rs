//! A data folder with an AOF, opened, changed and saved by us, is opened by real servers; and what
//! they then write to it, we read.

use std::path::Path;

use interop::{Build, Launch, Ours, Outcome, available, conclude, corpus, corpus::Case};
use kvdump::{Call, Difference, Options, compare};

/// Whether `target` can open what we save into a folder of this case.
///
/// A single file (before 7.0) stays one only for 6.2; the rest becomes a folder with a manifest.
fn opens(target: Build, case: &Case) -> bool {
    target.has_multi_part_aof() || !case.maker.has_multi_part_aof()
}

/// What a target may lack; which losses those are is compared where snapshots are.
fn is_lost(difference: &Difference) -> bool {
    let field_deadline = difference.path.ends_with("][2]") && difference.found.is_null();
    field_deadline || difference.key == "functions"
}

/// What differs between us and `target` after each has written to a copy of the folder.
fn back_and_forth(
    case: &Case,
    target: Build,
    binary: &Path,
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    case.copy_into(dir.path())?;
    let mut ours = Ours::open(dir.path(), Some(target), &case.reading_settings())?;
    ours.ask(&["SET", "interop:ours", "written by us"])?;
    ours.rewrite_lossy()?;
    // Into the file behind the new base.
    ours.ask(&["RPUSH", "interop:both", "first"])?;
    let (before, digest) = (ours.kvdump()?, ours.digest_as(target));
    drop(ours);

    let mut launch = Launch::build(target, binary)
        .dir(dir.path())
        .set("appendonly", "yes");
    for (name, value) in case.reading_settings() {
        launch = launch.set(&name, &value);
    }
    let mut peer = launch.start()?;
    let mut problems = Vec::new();
    if digest != peer.digest()? {
        problems.push("digest".to_owned());
    }
    let mut differences = compare(&before, &peer.kvdump()?, &Options::ACROSS_SERVERS);
    differences.retain(|difference| !is_lost(difference));
    problems.extend(
        differences
            .iter()
            .map(|difference| format!("read by it: {difference}")),
    );

    peer.ask(&["RPUSH", "interop:both", "second"])?;
    let after = peer.kvdump()?;
    let digest = peer.digest()?;
    peer.end()?;

    let mut ours = Ours::open(dir.path(), None, &case.reading_settings())?;
    let differences = compare(
        &after,
        &ours.kvdump()?,
        &Options {
            ignore_seen: true,
            ..Options::ACROSS_SERVERS
        },
    );
    problems.extend(
        differences
            .iter()
            .map(|difference| format!("read by us again: {difference}")),
    );
    if digest != ours.digest_as(target) {
        problems.push("digest after reading its AOF".to_owned());
    }
    Ok(problems)
}

#[test]
fn back_and_forth_with_every_server() -> Outcome {
    let peers = available(&Build::ALL)?;
    let (mut problems, mut compared) = (Vec::new(), 0);
    for case in corpus::aof_folders()? {
        for (target, binary) in peers.iter().filter(|(target, _)| opens(*target, &case)) {
            let found = back_and_forth(&case, *target, binary)
                .unwrap_or_else(|error| vec![error.to_string()]);
            problems.extend(
                found
                    .iter()
                    .map(|problem| format!("{} with {target}: {problem}", case.name)),
            );
            compared += 1;
        }
    }
    conclude("AOF folders saved by us", compared, &problems)
}
