//! No rules of a user panic, and the line that describes the user makes the same user again. The input is rules between
//! blanks.
#![no_main]

use duramen::{Engine, Reply, Session};
use harness::within_budget;
use libfuzzer_sys::fuzz_target;

fn described(session: &mut Session) -> Option<Vec<u8>> {
    let list = session.execute(&["ACL", "LIST"]);
    let mut lines = list.as_items()?.iter().filter_map(Reply::as_bytes);
    lines
        .find(|line| line.starts_with(b"user u "))
        .map(<[u8]>::to_vec)
}

fn set(session: &mut Session, rules: &[u8]) -> Reply {
    let rules = rules.split(|byte| *byte == b' ');
    let argv: Vec<&[u8]> = [b"ACL".as_slice(), b"SETUSER", b"u"]
        .into_iter()
        .chain(rules)
        .collect();
    session.execute(&argv)
}

fuzz_target!(|rules: &[u8]| {
    if rules.windows(2).any(|pair| pair == b"))") {
        // A pattern of a selector that ends in `)`, read back, ends the selector too early: on servers as well.
        return;
    }
    let mut session = Engine::open_in_memory().session();
    let reply = within_budget(rules.len(), || set(&mut session, rules));
    if matches!(reply, Reply::Error(_)) {
        return;
    }
    session.execute(&["ACL", "DRYRUN", "u", "SET", "key", "value"]);
    let before = described(&mut session).expect("a user that was set is listed");
    session.execute(&["ACL", "DELUSER", "u"]);
    let rules = &before[b"user u ".len()..];
    let reply = within_budget(rules.len(), || set(&mut session, rules));
    assert!(matches!(reply, Reply::Status(_)), "{reply:?}");
    assert_eq!(described(&mut session), Some(before));
});
