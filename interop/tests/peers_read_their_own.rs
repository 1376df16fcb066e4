//! Each real server loads what its own build wrote, and says what the sidecar says.
//!
//! Nothing of ours but the reader of keyspaces takes part: this proves the harness itself.

use interop::{Build, Launch, Outcome, available, conclude, corpus, corpus::Case};
use kvdump::{Options, compare};
use std::path::Path;

fn read_back(case: &Case, binary: &Path) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    case.copy_into(dir.path())?;
    let mut launch = Launch::build(case.maker, binary).dir(dir.path());
    for (name, value) in case.reading_settings() {
        launch = launch.set(&name, &value);
    }
    if case.is_aof() {
        launch = launch.set("appendonly", "yes");
    }
    let mut peer = launch
        .start()
        .map_err(|error| format!("{}: {error}", case.name))?;
    let found = peer.kvdump()?;
    let options = Options {
        ignore_seen: case.is_aof(),
        ..Options::SAME_SERVER
    };
    let mut differences = compare(&case.sidecar.dump, &found, &options);
    differences.retain(|difference| !case.is_undetermined(difference));
    peer.end()?;
    Ok(differences
        .iter()
        .map(|difference| format!("{}: {difference}", case.name))
        .collect())
}

fn all(cases: Vec<Case>, what: &str) -> Outcome {
    let peers = available(&Build::ALL)?;
    let (mut problems, mut compared) = (Vec::new(), 0);
    for case in &cases {
        if let Some((_, binary)) = peers.iter().find(|(build, _)| *build == case.maker) {
            problems.extend(read_back(case, binary)?);
            compared += 1;
        }
    }
    conclude(what, compared, &problems)
}

#[test]
fn snapshots() -> Outcome {
    let cases = corpus::snapshots()?;
    assert_eq!(cases.len(), 59);
    all(cases, "snapshots read by their makers")
}

#[test]
fn aof_folders() -> Outcome {
    let cases = corpus::aof_folders()?;
    assert_eq!(cases.len(), 27);
    all(cases, "AOF folders read by their makers")
}
