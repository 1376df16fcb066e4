//! Requests that took long (`SLOWLOG`): the latest of them, without what is secret.

use commands::Spec;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;
use units::UnixMillis;

/// How many arguments are kept of a request, and how many bytes of each.
const ARGUMENTS_MAX: usize = 32;
const ARGUMENT_BYTES_MAX: usize = 128;

/// What stands in the place of a secret.
const REDACTED: &[u8] = b"(redacted)";

/// Settings whose values are secret.
const SECRETS: [&str; 5] = [
    "requirepass",
    "masterauth",
    "masteruser",
    "tls-key-file-pass",
    "tls-client-key-file-pass",
];

/// A request that took long.
#[derive(Debug)]
pub(crate) struct SlowRequest {
    pub(crate) id: i64,
    pub(crate) at: UnixMillis,
    pub(crate) took: Duration,
    pub(crate) argv: Vec<Vec<u8>>,
    /// Where the client is, and what it calls itself.
    pub(crate) address: String,
    pub(crate) name: Vec<u8>,
}

/// The latest requests that took long.
#[derive(Debug)]
pub(crate) struct SlowLog {
    /// Microseconds from which a request is kept; negative for none.
    threshold: AtomicI64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The latest first.
    requests: VecDeque<Arc<SlowRequest>>,
    most: usize,
    next_id: i64,
}

impl SlowLog {
    pub(crate) fn new(threshold: i64, most: usize) -> SlowLog {
        let kept = Kept {
            most,
            ..Kept::default()
        };
        SlowLog {
            threshold: AtomicI64::new(threshold),
            kept: Mutex::new(kept),
        }
    }

    /// Changes what is kept: requests of so many microseconds or more, and how many.
    pub(crate) fn configure(&self, threshold: i64, most: usize) {
        self.threshold.store(threshold, Relaxed);
        let mut kept = self.kept.lock();
        kept.most = most;
        kept.requests.truncate(most);
    }

    /// Whether a request that took so long is to be kept.
    #[inline]
    pub(crate) fn keeps(&self, took: Duration) -> bool {
        let threshold = u128::try_from(self.threshold.load(Relaxed));
        threshold.is_ok_and(|threshold| took.as_micros() >= threshold)
    }

    /// Keeps a request, whose number is given to it.
    pub(crate) fn keep(&self, mut request: SlowRequest) {
        let mut kept = self.kept.lock();
        request.id = kept.next_id;
        kept.next_id += 1;
        kept.requests.push_front(Arc::new(request));
        let most = kept.most;
        kept.requests.truncate(most);
    }

    /// The latest, at most so many.
    pub(crate) fn latest(&self, most: usize) -> Vec<Arc<SlowRequest>> {
        self.kept
            .lock()
            .requests
            .iter()
            .take(most)
            .cloned()
            .collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.lock().requests.len()
    }

    pub(crate) fn clear(&self) {
        self.kept.lock().requests.clear();
    }
}

/// A request as it may be shown: without secrets, and cut where it is long.
pub(crate) fn shown(spec: &Spec, argv: &[&[u8]]) -> Vec<Vec<u8>> {
    let whole = match argv.len() > ARGUMENTS_MAX {
        true => ARGUMENTS_MAX - 1,
        false => argv.len(),
    };
    let all = without_secrets(spec, argv).take(whole);
    let mut shown: Vec<Vec<u8>> = all.map(cut).collect();
    if whole < argv.len() {
        shown.push(format!("... ({} more arguments)", argv.len() - whole).into());
    }
    shown
}

/// The arguments, something else in the places of secrets.
pub(crate) fn without_secrets<'a>(
    spec: &Spec,
    argv: &'a [&'a [u8]],
) -> impl Iterator<Item = &'a [u8]> {
    let all = argv.iter().enumerate();
    all.map(|(at, arg)| match is_secret(spec, argv, at) {
        true => REDACTED,
        false => arg,
    })
}

fn cut(arg: &[u8]) -> Vec<u8> {
    if arg.len() <= ARGUMENT_BYTES_MAX {
        return arg.to_vec();
    }
    let more = format!("... ({} more bytes)", arg.len() - ARGUMENT_BYTES_MAX);
    [&arg[..ARGUMENT_BYTES_MAX], more.as_bytes()].concat()
}

fn is_secret(spec: &Spec, argv: &[&[u8]], at: usize) -> bool {
    match spec.name {
        "auth" => at > 0,
        "hello" => at > 2 && follows(argv, at, b"auth", 2),
        "acl|setuser" | "acl|getuser" | "acl|deluser" => at > 1,
        "migrate" => at > 5 && (follows(argv, at, b"auth", 1) || follows(argv, at, b"auth2", 2)),
        "config|set" => at > 2 && at % 2 == 1 && is_secret_setting(argv[at - 1]),
        _ => false,
    }
}

/// Whether an argument is one of the `count` behind `word`.
fn follows(argv: &[&[u8]], at: usize, word: &[u8], count: usize) -> bool {
    (1..=count).any(|back| argv[at - back].eq_ignore_ascii_case(word))
}

fn is_secret_setting(name: &[u8]) -> bool {
    let is_it = |secret: &&str| secret.as_bytes().eq_ignore_ascii_case(name);
    SECRETS.iter().any(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    fn text(line: &str) -> String {
        let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let spec = registry::identify(&argv).unwrap().spec();
        let words = shown(spec, &argv);
        String::from_utf8(words.join(&b' ')).unwrap()
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(text("SET k v"), "SET k v");
        assert_eq!(text("AUTH bob pw"), "AUTH (redacted) (redacted)");
        assert_eq!(
            text("HELLO 3 auth bob pw SETNAME me"),
            "HELLO 3 auth (redacted) (redacted) SETNAME me"
        );
        assert_eq!(
            text("ACL SETUSER bob >pw"),
            "ACL SETUSER (redacted) (redacted)"
        );
        assert_eq!(
            text("MIGRATE h 1 auth 0 9 AUTH2 u pw COPY"),
            "MIGRATE h 1 auth 0 9 AUTH2 (redacted) (redacted) COPY"
        );
        assert_eq!(
            text("CONFIG SET maxmemory 1 RequirePass pw"),
            "CONFIG SET maxmemory 1 RequirePass (redacted)"
        );
    }

    #[test]
    fn what_is_long_is_cut() {
        let many = format!("SADD k{}", " m".repeat(40));
        let first = format!("SADD k{}", " m".repeat(29));
        assert_eq!(text(&many), format!("{first} ... (11 more arguments)"));
        let long = format!("GET {}", "a".repeat(200));
        assert_eq!(
            text(&long),
            format!("GET {}... (72 more bytes)", "a".repeat(128))
        );
    }

    #[test]
    fn the_latest_are_kept() {
        let log = SlowLog::new(10, 2);
        assert!(log.keeps(Duration::from_micros(10)) && !log.keeps(Duration::from_micros(9)));
        for _ in 0..3 {
            log.keep(SlowRequest {
                id: 0,
                at: UnixMillis(0),
                took: Duration::ZERO,
                argv: Vec::new(),
                address: String::new(),
                name: Vec::new(),
            });
        }
        let ids = |most| -> Vec<i64> { log.latest(most).iter().map(|slow| slow.id).collect() };
        assert_eq!(ids(9), [2, 1]);
        assert_eq!(ids(1), [2]);
        log.configure(-1, 1);
        assert_eq!(log.len(), 1);
        assert!(!log.keeps(Duration::from_secs(9)));
    }
}
