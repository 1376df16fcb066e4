//! Scripts and functions through a session.

#![cfg(feature = "scripts")]

use duramen::{Engine, Reply, Session};

fn session() -> Session {
    Engine::open_in_memory().session()
}

fn shown(reply: &Reply) -> String {
    let all = |items: &[Reply]| items.iter().map(shown).collect::<Vec<_>>().join(" ");
    match reply {
        Reply::Nil => "nil".into(),
        Reply::Status(line) => format!("+{line}"),
        Reply::Error(error) => format!("-{error}"),
        Reply::Integer(number) => number.to_string(),
        Reply::Bulk(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Reply::Array(items) | Reply::Set(items) => format!("[{}]", all(items)),
        other => format!("{other:?}"),
    }
}

fn run(session: &mut Session, argv: &[&str]) -> String {
    shown(&session.execute(argv))
}

fn eval(session: &mut Session, script: &str) -> String {
    run(session, &["EVAL", script, "0"])
}

#[test]
fn values_pass_both_ways() {
    let mut session = session();
    let cases = [
        ("return 1", "1"),
        ("return 3.99", "3"),
        ("return 'a'", "\"a\""),
        ("return true", "1"),
        ("return false", "nil"),
        ("return {1, 'b', {3}, nil, 4}", "[1 \"b\" [3]]"),
        ("return {ok='fine'}", "+fine"),
        ("return {err='MY error'}", "-MY error"),
        ("return redis.call('set', 'k', 5)", "+OK"),
        ("return redis.call('get', 'k')", "\"5\""),
        ("return type(redis.call('get', 'none'))", "\"boolean\""),
        ("return redis.call('incr', 'k') + 1", "7"),
        (
            "return redis.sha1hex('')",
            "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"",
        ),
        ("return tostring(0.1) .. tostring(10)", "\"0.110\""),
        (
            "return cjson.encode({1, 2, {a = 'b'}})",
            "\"[1,2,{\\\"a\\\":\\\"b\\\"}]\"",
        ),
        ("return cjson.decode('{\"a\":[1,2]}').a[2]", "2"),
        ("return cmsgpack.unpack(cmsgpack.pack({7, 8}))[2]", "8"),
        (
            "return struct.unpack('>I2', struct.pack('>I2', 258))",
            "258",
        ),
        ("return bit.band(0xff, 0x0f)", "15"),
        ("return {KEYS[1], ARGV[1]}", "[]"),
        ("return unpack({1, 2})", "1"),
        ("return table.getn({1, 2})", "2"),
        ("return loadstring('return 1 + 1')()", "2"),
        ("return select('#', pcall(error))", "2"),
    ];
    for (script, reply) in cases {
        assert_eq!(eval(&mut session, script), reply, "{script}");
    }
    let reply = run(
        &mut session,
        &["EVAL", "return {KEYS[1], ARGV[2]}", "1", "a", "b", "c"],
    );
    assert_eq!(reply, "[\"a\" \"c\"]");
}

#[test]
fn errors_have_the_words_of_redis() {
    let mut session = session();
    let sha = |script: &str| {
        let mut session = Engine::open_in_memory().session();
        run(&mut session, &["SCRIPT", "LOAD", script])
            .trim_matches('"')
            .to_owned()
    };
    let cases = [
        (
            "return nope",
            "ERR user_script:1: Script attempted to access nonexistent global variable 'nope'",
        ),
        (
            "x = 1",
            "ERR user_script:1: Attempt to modify a readonly table",
        ),
        (
            "redis.x = 1",
            "ERR user_script:1: Attempt to modify a readonly table",
        ),
        ("error('boom')", "ERR user_script:1: boom"),
        (
            "redis.call()",
            "ERR Please specify at least one argument for this redis lib call",
        ),
        (
            "redis.call('nosuch')",
            "ERR Unknown Redis command called from script",
        ),
        (
            "redis.call('get')",
            "ERR Wrong number of args calling Redis command from script",
        ),
        (
            "redis.call('eval', 'x', 0)",
            "ERR This Redis command is not allowed from script",
        ),
        (
            "redis.call('set', 'k', {})",
            "ERR Lua redis lib command arguments must be strings or integers",
        ),
        (
            "redis.call('lpush', 'k', 1) redis.call('get', 'k')",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
    ];
    for (script, line) in cases {
        let expected = format!("-{line} script: {}, on @user_script:1.", sha(script));
        assert_eq!(eval(&mut session, script), expected);
    }
    assert_eq!(
        eval(&mut session, "return redis.pcall('nosuch')"),
        "-ERR Unknown Redis command called from script"
    );
    assert_eq!(
        run(
            &mut session,
            &["EVALSHA", "ffffffffffffffffffffffffffffffffffffffff", "0"]
        ),
        "-NOSCRIPT No matching script. Please use EVAL."
    );
    assert!(
        eval(&mut session, "return )")
            .starts_with("-ERR Error compiling script (new function): user_script:1:")
    );
}

#[test]
fn what_only_reads_may_not_write() {
    let mut session = session();
    let refused = "-ERR Write commands are not allowed from read-only scripts.";
    let reply = run(
        &mut session,
        &["EVAL_RO", "return redis.call('set', 'a', 1)", "0"],
    );
    assert!(reply.starts_with(refused), "{reply}");
    let reply = eval(
        &mut session,
        "#!lua flags=no-writes\nreturn redis.call('set', 'a', 1)",
    );
    assert!(reply.starts_with(refused), "{reply}");
    assert_eq!(
        run(
            &mut session,
            &["EVAL_RO", "return redis.call('get', 'a')", "0"]
        ),
        "nil"
    );
}

#[test]
fn functions_are_loaded_called_listed_and_restored() {
    let mut session = session();
    let code = "#!lua name=lib\n\
        redis.register_function('set', function(keys, args) return redis.call('set', keys[1], args[1]) end)\n\
        redis.register_function{function_name='get', callback=function(keys) return redis.call('get', keys[1]) end, flags={'no-writes'}}";
    assert_eq!(run(&mut session, &["FUNCTION", "LOAD", code]), "\"lib\"");
    assert_eq!(run(&mut session, &["FCALL", "set", "1", "k", "v"]), "+OK");
    assert_eq!(run(&mut session, &["FCALL_RO", "get", "1", "k"]), "\"v\"");
    assert_eq!(
        run(&mut session, &["FCALL_RO", "set", "1", "k", "v"]),
        "-ERR Can not execute a script with write flag using *_ro command."
    );
    let Reply::Bulk(dump) = session.execute(&["FUNCTION", "DUMP"]) else {
        panic!("a string");
    };
    assert_eq!(run(&mut session, &["FUNCTION", "FLUSH"]), "+OK");
    assert_eq!(
        run(&mut session, &["FCALL", "get", "1", "k"]),
        "-ERR Function not found"
    );
    let restored = session.execute(&[&b"FUNCTION"[..], b"RESTORE", &dump]);
    assert_eq!(shown(&restored), "+OK");
    assert_eq!(run(&mut session, &["FCALL", "get", "1", "k"]), "\"v\"");
    assert_eq!(
        run(&mut session, &["FUNCTION", "LOAD", code]),
        "-ERR Library 'lib' already exists"
    );
}

#[test]
fn what_has_no_order_has_one_in_scripts() {
    let mut session = session();
    let words: Vec<String> = (0..200).map(|n| format!("w{n:03}")).collect();
    let argv = ["SADD", "s"]
        .into_iter()
        .chain(words.iter().map(String::as_str));
    session.execute(&argv.collect::<Vec<_>>());
    let sorted = eval(
        &mut session,
        "return table.concat(redis.call('sort', 's', 'by', 'nosort'), ' ')",
    );
    assert_eq!(sorted, format!("{:?}", words.join(" ")));
}

#[test]
fn a_script_inside_a_transaction_sees_what_came_before() {
    let mut session = session();
    run(&mut session, &["MULTI"]);
    run(&mut session, &["SET", "a", "1"]);
    run(
        &mut session,
        &["EVAL", "return redis.call('incr', KEYS[1])", "1", "a"],
    );
    assert_eq!(run(&mut session, &["EXEC"]), "[+OK 2]");
}

#[test]
fn a_script_may_not_ask_to_wait() {
    let mut session = session();
    for line in [
        "XREAD BLOCK 0 STREAMS s $",
        "XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let code = "return redis.pcall(unpack(ARGV))";
        let request = [&["EVAL", code, "0"], words.as_slice()].concat();
        let refusal = format!(
            "-ERR {} command is not allowed with BLOCK option from scripts",
            words[0]
        );
        assert_eq!(run(&mut session, &request), refusal);
    }
}
