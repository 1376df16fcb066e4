//! What a real server wrote, loaded and saved by us, is read by every real server: with the digest
//! that we print, and with the content that the sidecar has.

use std::path::Path;

use interop::{
    Build, Launch, Ours, Outcome, Peer, available, conclude, corpus, corpus::Case, losses::Losses,
};
use kvdump::{Call, Difference, Options, compare};

/// Why a file that our save made is refused by a server without the module.
const MODULE_UNKNOWN: &str = "value of a module that the server does not have";

type Problems = Vec<String>;

/// Loads `case`, saves it for `target`, and returns the engine with what was lost.
fn convert(
    case: &Case,
    target: Build,
    dir: &Path,
) -> Result<(Ours, Vec<String>), Box<dyn std::error::Error>> {
    case.copy_into(dir)?;
    let mut ours = Ours::open(dir, Some(target), &case.reading_settings())?;
    let losses = match ours.engine().save() {
        Ok(_) => Vec::new(),
        Err(duramen::SaveError::Lossy { losses, .. }) => {
            let data = losses.rows().iter().filter(|row| row.what.is_data());
            data.map(|row| row.what.to_string()).collect()
        }
        Err(error) => return Err(error.into()),
    };
    if !losses.is_empty() {
        ours.save_lossy()?;
    }
    Ok((ours, losses))
}

/// Starts `target` on the snapshot in `dir`.
fn start(
    case: &Case,
    target: Build,
    binary: &Path,
    dir: &Path,
) -> Result<Peer, Box<dyn std::error::Error>> {
    let fresh = dir.join("for-the-peer");
    std::fs::create_dir_all(&fresh)?;
    std::fs::copy(dir.join("dump.rdb"), fresh.join("dump.rdb"))?;
    let mut launch = Launch::build(target, binary).dir(fresh);
    for (name, value) in case.reading_settings() {
        if !name.starts_with("append") {
            launch = launch.set(&name, &value);
        }
    }
    Ok(launch.start()?)
}

/// Whether a difference is what one of the losses means.
fn is_lost(difference: &Difference, losses: &[String]) -> bool {
    losses.iter().any(|loss| match loss.as_str() {
        "expiry of a hash field" => difference.path.ends_with("][2]") && difference.found.is_null(),
        "function library" => difference.key == "functions",
        MODULE_UNKNOWN => difference.path.is_empty() && difference.expected["type"] == "module",
        _ => false,
    })
}

/// 6.2 puts a key that was idle for longer than its 24-bit clock has run since it last wrapped at
/// half the clock's range, whoever wrote the file.
fn is_idle_beyond_the_clock(difference: &Difference, target: Build) -> bool {
    let half = |idle: i64| idle.abs_diff(1 << 23) < 60;
    target == Build::Redis62
        && difference.path == "idle_s"
        && difference.found.as_i64().is_some_and(half)
}

/// Deletes every value of a module.
fn drop_modules(call: &mut impl Call) -> Outcome {
    for (db, rows) in kvdump::dump(call)?.dbs {
        for row in rows.iter().filter(|row| row["type"] == "module") {
            let key = kvdump::from_json(&row["key"]).ok_or("a key too long to be told")?;
            call.ask(&["SELECT", &db.to_string()])?;
            call.ask_bytes(&[b"DEL", &key])?;
        }
    }
    Ok(())
}

/// One file for one target: what differs, and what was lost.
fn one(
    case: &Case,
    target: Build,
    binary: &Path,
) -> Result<(Problems, Vec<String>), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let (mut ours, mut losses) = convert(case, target, dir.path())?;
    let mut peer = match start(case, target, binary, dir.path()) {
        // A module's value is carried through, but a server without the module refuses the file.
        Err(error) if error.to_string().contains("module") => {
            losses.push(MODULE_UNKNOWN.to_owned());
            drop_modules(&mut ours)?;
            ours.save_lossy()?;
            start(case, target, binary, dir.path())?
        }
        other => other?,
    };
    let mut problems = Vec::new();
    let found = peer.kvdump()?;
    let from_aof = Options {
        ignore_seen: case.is_aof(),
        ..Options::ACROSS_SERVERS
    };
    let views = [
        ("sidecar", case.sidecar.dump.clone(), from_aof),
        ("our own view", ours.kvdump()?, Options::ACROSS_SERVERS),
    ];
    for (who, expected, options) in views {
        let differences = compare(&expected, &found, &options).into_iter();
        let unexpected = differences.filter(|difference| {
            !is_lost(difference, &losses)
                && !is_idle_beyond_the_clock(difference, target)
                && !case.is_undetermined(difference)
        });
        problems.extend(unexpected.map(|difference| format!("{who}: {difference}")));
    }
    // Only the module itself can compute its part of a digest.
    drop_modules(&mut ours)?;
    drop_modules(&mut peer)?;
    let (mine, theirs) = (ours.digest_as(target), peer.digest()?);
    if mine != theirs {
        problems.push(format!("digest: ours {mine}, theirs {theirs}"));
    }
    peer.end()?;
    Ok((problems, losses))
}

fn every_target(cases: &[Case], what: &str, part: &str) -> Outcome {
    let peers = available(&Build::ALL)?;
    let mut list = Losses::load()?;
    let (mut problems, mut compared) = (Vec::new(), 0);
    for case in cases {
        for (target, binary) in &peers {
            let at = |text: String| format!("{} for {target}: {text}", case.name);
            match one(case, *target, binary) {
                Ok((found, lost)) => {
                    problems.extend(found.into_iter().map(at));
                    problems.extend(list.check(&case.name, target.folder(), &lost));
                }
                Err(error) => problems.push(at(error.to_string())),
            }
            compared += 1;
        }
    }
    let targets: Vec<&str> = peers.iter().map(|(build, _)| build.folder()).collect();
    let unmet = list
        .unmet(&targets)
        .into_iter()
        .filter(|line| line.contains(&format!(": {part}/")));
    problems.extend(unmet);
    conclude(what, compared, &problems)
}

#[test]
fn snapshots() -> Outcome {
    every_target(&corpus::snapshots()?, "snapshots for each target", "rdb")
}

#[test]
fn aof_folders() -> Outcome {
    every_target(
        &corpus::aof_folders()?,
        "AOF folders as snapshots for each target",
        "aof",
    )
}
