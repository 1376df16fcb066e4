//! Files of commands and what they print.

use super::Fixture;
use crate::{Compat, Protocol};
use std::path::PathBuf;

/// Runs `testdata/transcripts/<family>.txt` and compares; rewrites it if `UPDATE_TRANSCRIPTS` is
/// set.
#[expect(
    clippy::disallowed_methods,
    reason = "a test that rewrites what it expects, not the program"
)]
pub(crate) fn check_transcript(family: &str) {
    let wanted = read(family);
    let got = replay(&wanted);
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        std::fs::write(path(family), &got).expect("the transcript can be rewritten");
    } else {
        compare(family, &wanted, &got);
    }
}

/// The text of `testdata/transcripts/<family>.txt`.
pub(super) fn read(family: &str) -> String {
    std::fs::read_to_string(path(family)).expect("the transcript is there")
}

fn path(family: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/transcripts")
        .join(format!("{family}.txt"))
}

fn compare(family: &str, wanted: &str, got: &str) {
    let mut last_command = "";
    for (i, (wanted, got)) in wanted.lines().zip(got.lines()).enumerate() {
        if wanted.starts_with("> ") {
            last_command = wanted;
        }
        assert_eq!(
            got,
            wanted,
            "{family}.txt, line {}, after {last_command}",
            i + 1
        );
    }
    assert_eq!(
        got.lines().count(),
        wanted.lines().count(),
        "{family}.txt ends early or late"
    );
}

/// The transcript with the replies of today.
fn replay(transcript: &str) -> String {
    let mut fixture = Fixture::new();
    let mut with_effects = false;
    let mut out = String::new();
    for line in transcript.lines() {
        if line.starts_with("# ") || line == "#" || line.is_empty() {
            out.push_str(&format!("{line}\n"));
        } else if let Some(order) = line.strip_prefix("! ") {
            obey(&mut fixture, &mut with_effects, order);
            out.push_str(&format!("{line}\n"));
        } else if let Some(command) = line.strip_prefix("> ") {
            out.push_str(&format!("{line}\n{}\n", fixture.run(command)));
            if with_effects {
                let effects = fixture
                    .effects
                    .iter()
                    .map(|effect| format!("=> {effect}\n"));
                out.extend(effects);
            }
        }
    }
    out
}

/// Does what a line with `! ` asks of the harness.
pub(super) fn obey(fixture: &mut Fixture, with_effects: &mut bool, order: &str) {
    let words: Vec<&str> = order.split(' ').collect();
    match words[..] {
        ["clock", ms] => fixture.pass(ms.parse().expect("milliseconds, as in +1000")),
        ["resp", "2"] => fixture.protocol = Protocol::Resp2,
        ["resp", "3"] => fixture.protocol = Protocol::Resp3,
        ["effects"] => *with_effects = true,
        ["replaying"] => fixture.settings.replaying = true,
        ["compat", "7.0"] => fixture.settings.compat = Compat::Redis70,
        _ => panic!("no such order: {order}"),
    }
}
