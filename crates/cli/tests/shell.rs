//! The shell on directories of real servers, from a pipe and from the command line.

mod program;

use program::{copy_of, corpus, duramen};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

fn path(dir: &Path) -> &str {
    dir.to_str().unwrap()
}

#[test]
fn piped_commands_print_as_redis_cli_does() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let input = "SET k \"a\\x00b c\"\nGET k\n\nGET nope\nRPUSH l 1 '2 3'\nLRANGE l 0 -1\n\
                 NOSUCH\nGET \"x\n# GET k\nMULTI\nINCR n\nEXEC\n";
    let run = duramen(&[path(&data)], input);
    let error = |name: &str| format!("ERR unknown command '{name}', with args beginning with: ");
    let expected = format!(
        "OK\na\0b c\n\n2\n1\n2 3\n{}\n\nInvalid argument(s)\n{}'GET' 'k' \n\nOK\nQUEUED\n1\n",
        error("NOSUCH"),
        error("#")
    );
    assert_eq!((run.code, run.out), (0, expected));
    assert_eq!(run.err, "");
}

#[test]
fn what_was_piped_in_is_saved_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        duramen(&[path(dir.path())], "SET k v\nexit\nSET after 1\n").out,
        "OK\n"
    );
    assert!(dir.path().join("dump.rdb").exists());
    let run = duramen(&["shell", path(dir.path()), "MGET", "k", "after"], "");
    assert_eq!((run.code, run.out.as_str()), (0, "v\n\n"));
}

#[test]
fn a_directory_of_a_real_server_opens_changes_and_opens_again() {
    for server in [
        "redis-6.2.14",
        "redis-7.0.15",
        "redis-8.2.3",
        "valkey-9.1.2",
    ] {
        let dir = copy_of(&format!("aof/{server}/rewritten"));
        let before = duramen(&[path(dir.path())], "DBSIZE\nSET by:shell 1\n");
        assert!(before.out.ends_with("\nOK\n"), "{server}: {before:?}");
        let after = duramen(&["--read-only", path(dir.path())], "DBSIZE\nGET by:shell\n");
        let size = |text: &str| text.lines().next().unwrap().parse::<u64>().unwrap();
        assert_eq!(size(&after.out), size(&before.out) + 1, "{server}");
        assert!(after.out.ends_with("\n1\n"), "{server}: {after:?}");
        assert_eq!(
            duramen(&["check", path(dir.path())], "").code,
            0,
            "{server}"
        );
    }
}

#[test]
fn looks_can_be_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let feed = "ZADD z 1.5 a inf b\nHSET h f \"\\xff\\\"\"\n";
    assert_eq!(duramen(&[path(dir.path())], feed).code, 0);
    let print = |flags: &[&str], line: &str| {
        let args = [flags, &["--read-only", path(dir.path())]].concat();
        duramen(&args, line).out
    };
    let scores = "ZRANGE z 0 -1 WITHSCORES\n";
    assert_eq!(
        print(&["--no-raw"], scores),
        "1) \"a\"\n2) \"1.5\"\n3) \"b\"\n4) \"inf\"\n"
    );
    assert_eq!(
        print(&["--no-raw", "-3"], scores),
        "1) 1) \"a\"\n   2) (double) 1.5\n2) 1) \"b\"\n   2) (double) inf\n"
    );
    assert_eq!(
        print(&["--json"], scores),
        "[[\"a\",1.5],[\"b\",\"inf\"]]\n"
    );
    assert_eq!(
        print(&["--quoted-json"], "HGETALL h\n"),
        "{\"f\":\"\\\\xff\\\\\\\"\"}\n"
    );
    assert_eq!(
        print(&["--json"], "NOSUCH\n").get(..10),
        Some("{\"error\":\"")
    );
    assert_eq!(print(&["--json"], "DBSIZE\nGET no\n"), "2\nnull\n");
}

#[test]
fn one_command_fails_by_exit_code_and_on_standard_error() {
    let dir = tempfile::tempdir().unwrap();
    let one = |args: &[&str]| duramen(&[&[path(dir.path())], args].concat(), "");
    assert_eq!(one(&["SET", "k", "-1"]).code, 0);
    let run = one(&["LPUSH", "k", "x"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.starts_with("WRONGTYPE "), "{run:?}");
    let lines = ["-c", "INCR n", "-c", "GET 'k'", path(dir.path())];
    assert_eq!(duramen(&lines, "").out, "1\n-1\n");
    let stops = ["-c", "NOSUCH", "-c", "SET late 1", path(dir.path())];
    assert_eq!(duramen(&stops, "").code, 1);
    assert_eq!(one(&["EXISTS", "late"]).out, "0\n");
}

#[test]
fn databases_and_settings() {
    let dir = tempfile::tempdir().unwrap();
    let set = ["-n", "3", path(dir.path()), "SET", "k", "v"];
    assert_eq!(duramen(&set, "").code, 0);
    assert_eq!(
        duramen(&[path(dir.path())], "GET k\nSELECT 3\nGET k\n").out,
        "\nOK\nv\n"
    );
    let beyond = duramen(&["-n", "99", path(dir.path()), "PING"], "");
    assert_eq!(beyond.code, 1);
    assert!(beyond.err.contains("-n 99"), "{beyond:?}");
    let target = ["--config", "rdb-target=valkey-9", path(dir.path())];
    assert_eq!(duramen(&target, "SET a b\n").code, 0);
    let file = fs::read(dir.path().join("dump.rdb")).unwrap();
    assert!(file.starts_with(b"VALKEY080"));
    let wrong = duramen(&["--config", "nope=1", path(dir.path())], "");
    assert!(wrong.code == 1 && wrong.err.contains("nope"), "{wrong:?}");
    assert_eq!(duramen(&["--config", "nope", path(dir.path())], "").code, 2);
}

/// Every file with its time, size and name.
fn listing(dir: &Path) -> Vec<(PathBuf, u64, SystemTime)> {
    let mut rows = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::metadata(&path).unwrap();
        if meta.is_dir() {
            rows.extend(listing(&path));
        }
        rows.push((path, meta.len(), meta.modified().unwrap()));
    }
    rows.sort();
    rows
}

#[test]
fn read_only_writes_nothing() {
    for case in [
        "aof/redis-7.0.15/fresh",
        "aof/redis-6.2.14/fresh",
        "rdb/valkey-9.1.2",
    ] {
        let dir = copy_of(case);
        let before = listing(dir.path());
        let settings = [
            "--config",
            "dbfilename=types.rdb",
            "--config",
            "databases=32",
        ];
        let args = [&settings[..], &["--read-only", path(dir.path())]].concat();
        let run = duramen(&args, "DBSIZE\nSET k v\nDEL k\nSAVE\n");
        assert_eq!(run.code, 0, "{case}: {run:?}");
        assert_ne!(run.out.lines().next(), Some("0"), "{case}");
        assert!(run.out.contains("ERR"), "{case}: SAVE is refused: {run:?}");
        assert_eq!(listing(dir.path()), before, "{case}");
    }
    let missing = duramen(&["--read-only", "/no/such/directory"], "");
    assert!(missing.code == 1 && missing.err.contains("/no/such/directory"));
}

#[test]
fn a_save_that_fails_at_the_end_is_told() {
    let dir = tempfile::tempdir().unwrap();
    // A field's deadline is what Redis 7.0 knows nothing of.
    let target = ["--config", "rdb-target=redis-7.0", path(dir.path())];
    let run = duramen(&target, "HSET h f v\nHPEXPIRE h 900000 FIELDS 1 f\n");
    assert_eq!((run.code, run.out.as_str()), (1, "1\n1\n"));
    assert!(run.err.contains("rdb-target"), "{run:?}");
    assert!(!dir.path().join("dump.rdb").exists());
}

#[test]
fn what_can_not_be_opened_is_named() {
    let file = corpus("rdb/redis-7.0.15/types.rdb");
    let run = duramen(&[path(&file)], "");
    assert!(run.code == 1 && run.err.contains("dbfilename"), "{run:?}");
    let dir = copy_of("public/valkey-tests");
    let args = [
        "--config",
        "dbfilename=corrupt_ziplist.rdb",
        path(dir.path()),
    ];
    let run = duramen(&args, "");
    assert!(
        run.code == 1 && run.err.contains("corrupt_ziplist.rdb"),
        "{run:?}"
    );
}

#[test]
fn help_and_version() {
    let help = duramen(&["--help"], "").out;
    assert!(
        help.contains("Examples:") && help.contains("check"),
        "{help}"
    );
    assert!(duramen(&["--version"], "").out.starts_with("duramen 0."));
    assert!(duramen(&["serve", "--version"], "").out.contains("server"));
    let wrong = duramen(&["serve", "--nosuch", "1"], "");
    assert!(wrong.code == 1 && wrong.err.contains("nosuch"), "{wrong:?}");
}
