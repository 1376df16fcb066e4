//! The settings that are a server's own.

use crate::addresses;
use duramen::Directive;
use duramen::DirectiveKind::{Bytes, Checked, Flag, Number, Octal, OneOf, SomeOf, Text};

const INT: i64 = i32::MAX as i64;
const SIGNAL: &[&str] = &["default", "save", "nosave", "now", "force"];

/// Those with an effect, and behind them those that are only kept.
pub(crate) const DIRECTIVES: &[Directive] = &[
    Directive::new("bind", Checked(addresses::check), "* -::*").words(),
    Directive::new("io-threads", Number(0, 128), "0").immutable(),
    Directive::new("logfile", Text, "").immutable(),
    Directive::new(
        "loglevel",
        OneOf(&["debug", "verbose", "notice", "warning"]),
        "notice",
    ),
    Directive::new("maxclients", Number(1, u32::MAX as i64), "10000"),
    Directive::new(
        "oom-score-adj",
        OneOf(&["no", "yes", "relative", "absolute"]),
        "no",
    ),
    Directive::new("oom-score-adj-values", Checked(oom_values), "0 200 800").words(),
    Directive::new("pidfile", Text, "").immutable(),
    Directive::new("port", Number(0, 65535), "6379"),
    Directive::new("protected-mode", Flag, "yes"),
    Directive::new("tcp-backlog", Number(0, INT), "511").immutable(),
    Directive::new("timeout", Number(0, INT), "0"),
    Directive::new("unixsocket", Text, "").immutable(),
    Directive::new("unixsocketperm", Octal(0, 0o777), "0").immutable(),
    Directive::new("always-show-logo", Flag, "no").immutable(),
    Directive::new("aof_rewrite_cpulist", Text, "").immutable(),
    Directive::new("bgsave_cpulist", Text, "").immutable(),
    Directive::new("bind-source-addr", Text, ""),
    Directive::new("bio_cpulist", Text, "").immutable(),
    Directive::new(
        "client-query-buffer-limit",
        Bytes(1 << 20, i64::MAX),
        "1073741824",
    ),
    Directive::new("crash-log-enabled", Flag, "yes"),
    Directive::new("crash-memcheck-enabled", Flag, "yes"),
    Directive::new("daemonize", Checked(stays_in_front), "no").immutable(),
    Directive::new("disable-thp", Flag, "yes").immutable(),
    Directive::new(
        "enable-module-command",
        OneOf(&["no", "yes", "local"]),
        "no",
    )
    .immutable(),
    Directive::new("ignore-warnings", Text, ""),
    Directive::new("io-threads-do-reads", Flag, "no").immutable(),
    Directive::new(
        "proc-title-template",
        Checked(title),
        "{title} {listen-addr} {server-mode}",
    ),
    Directive::new("server_cpulist", Text, "").immutable(),
    Directive::new("set-proc-title", Flag, "yes").immutable(),
    Directive::new("shutdown-on-sigint", SomeOf(SIGNAL), "default").words(),
    Directive::new("shutdown-on-sigterm", SomeOf(SIGNAL), "default").words(),
    Directive::new("shutdown-timeout", Number(0, INT), "10"),
    Directive::new("socket-mark-id", Number(0, u32::MAX as i64), "0").immutable(),
    Directive::new(
        "supervised",
        OneOf(&["upstart", "systemd", "auto", "no"]),
        "no",
    )
    .immutable(),
    Directive::new("syslog-enabled", OneOf(&["no"]), "no").immutable(),
    Directive::new(
        "syslog-facility",
        OneOf(&[
            "user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
        ]),
        "local0",
    )
    .immutable(),
    Directive::new("syslog-ident", Text, "redis").immutable(),
    Directive::new("tcp-keepalive", Number(0, INT), "300"),
    Directive::new("use-exit-on-panic", Flag, "no").hidden(),
    Directive::new("watchdog-period", Number(0, INT), "0").hidden(),
];

fn stays_in_front(text: &str) -> Result<String, String> {
    match text.eq_ignore_ascii_case("no") {
        true => Ok("no".to_owned()),
        false => Err("only 'no': let the system's supervisor do it".to_owned()),
    }
}

fn oom_values(text: &str) -> Result<String, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() != 3 {
        return Err("wrong number of arguments".to_owned());
    }
    let fits = |word: &&str| {
        let number = word.parse::<i32>();
        number.is_ok_and(|number| (-2000..=2000).contains(&number))
    };
    match words.iter().all(fits) {
        true => Ok(words.join(" ")),
        false => {
            Err("Invalid oom-score-adj-values, elements must be between -2000 and 2000.".to_owned())
        }
    }
}

/// What may stand in braces.
const TITLE_VARIABLES: &[&str] = &[
    "title",
    "listen-addr",
    "server-mode",
    "port",
    "tls-port",
    "unixsocket",
    "config-file",
];

/// The title of a process can't be set without unsafe code; it is only checked.
fn title(text: &str) -> Result<String, String> {
    let wrong = || "template format is invalid or contains unknown variables".to_owned();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let close = rest[open..].find('}').ok_or_else(wrong)? + open;
        if !TITLE_VARIABLES.contains(&&rest[open + 1..close]) {
            return Err(wrong());
        }
        rest = &rest[close + 1..];
    }
    match text.trim().is_empty() {
        true => Err(wrong()),
        false => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_have_known_variables() {
        assert!(title("TEST {title} {port}").is_ok());
        for wrong in ["{invalid-var}", "{title", ""] {
            assert!(title(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn three_scores_within_bounds() {
        assert_eq!(oom_values("1  2 3").unwrap(), "1 2 3");
        for wrong in ["1 2", "1 2 2001", "a b c"] {
            assert!(oom_values(wrong).is_err(), "{wrong}");
        }
    }
}
