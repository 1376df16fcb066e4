//! Scripts that mean harm: each ends, with whatever answer, and the engine works as before.

#![cfg(feature = "scripts")]

use duramen::{Engine, ManualClock, Reply, Session, UnixMillis};
use std::time::Duration;

const HOSTILE: &[&str] = &[
    // Results without end.
    "return {unpack({}, 1, 10000000)}",
    "return {unpack({}, -2147483648, 2147483647)}",
    "return {string.byte(string.rep('x', 1000000), 1, -1)}",
    "return select('#', unpack({1}, 1, 7000))",
    "local t = {} for i = 1, 100000 do t[i] = i end return #{unpack(t)}",
    // Memory without end.
    "local s = 'x' while true do s = s .. s end",
    "local t = {} while true do t[#t + 1] = string.rep('x', 1000000) .. #t end",
    "return string.rep('x', 2147483647)",
    "return string.rep('x', -1)",
    "return string.format('%99999999d', 1)",
    "return table.concat({}, 'x', 1, 2147483647)",
    "local t = {} for i = 1, 100 do t[2^i] = i end return #t",
    // The stack.
    "local function f() return f() + 1 end return f()",
    "local function f() return pcall(f) end return f()",
    "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x",
    "local t = {} getmetatable(setmetatable(t, {__index = function(t, k) return t[k] end})) return t.x",
    "return xpcall(error, function() error() end)",
    "return xpcall(function() error('x') end, function(e) return xpcall(error, error) end)",
    "local f = coroutine.wrap(function() while true do coroutine.yield(coroutine.wrap(function() end)) end end) for i = 1, 100000 do f() end",
    "local function deep(n) if n == 0 then return 1 end return coroutine.wrap(function() return deep(n - 1) end)() end return deep(1000)",
    "return ('('):rep(100000):find(('('):rep(100000))",
    "return string.find(('a'):rep(300000), ('a?'):rep(300000))",
    "return string.gsub('x', 'x', function() return error end)",
    "table.sort({3, 1, 2, 5, 4}, function() return true end)",
    "return loadstring(('('):rep(100000))",
    "return loadstring('return ' .. ('{'):rep(100000))",
    "return loadstring(('a='):rep(100000))",
    // The parser.
    "return [====================================================[",
    "return '\\u{ffffffffff}'",
    "return \"\\999\"",
    "for _ in pairs(loadstring('[' .. ('='):rep(100000))) do end",
    // Bytecode.
    "return loadstring('\\27Lua\\81\\0\\1\\4\\4\\4\\8\\0')",
    "return loadstring('\\6\\3\\0\\255\\255\\255\\255\\15')",
    "return loadstring('\\0error')",
    "return loadstring(string.dump(function() end))",
    // What should not be within reach.
    "return package.loadlib('x', 'y')",
    "return require('os')",
    "return debug.getregistry()",
    "return io.open('/etc/passwd')",
    "return os.execute('true')",
    "return getfenv(0)",
    "return setfenv(1, {})",
    "return newproxy(true)",
    "getmetatable('').__index = nil",
    "getmetatable(_G).__index = nil",
    "getmetatable(cjson.null).x = 1",
    "rawset(_G, 'x', 1)",
    "rawset(redis, 'call', nil)",
    "table.insert(KEYS, setmetatable({}, {__tostring = error})) return KEYS",
    "string.format = nil",
    "table.clear(redis)",
    "table.freeze(_G)",
    "return setmetatable(redis, {})",
    // Tables that are not what they seem.
    "return setmetatable({}, {__index = function() error('no') end})",
    "local t = {} t[1] = t return t",
    "local t = {} t.map = t return t",
    "local t = {} t.set = {[t] = true} return t",
    "error(setmetatable({}, {__index = error, __tostring = error}))",
    "error(setmetatable({err = {}}, {__metatable = 1}))",
    "error(table.freeze({err = 'frozen'}))",
    "return {err = 'two\\r\\n-lines'}",
    "return {ok = 'two\\r\\n+lines'}",
    "return redis.call('set', 'k', setmetatable({}, {__tostring = function() return 'x' end}))",
    "return redis.call(unpack({}, 1, 100))",
    "return coroutine.wrap(redis.call)('ping')",
    "return coroutine.wrap(function() return redis.call('ping', coroutine.yield()) end)()",
    "local c c = coroutine.wrap(function() c() end) c()",
    // The libraries.
    "return bit.tohex(65535, -2147483648)",
    "return bit.lshift(1, 2^40)",
    "return bit.band(0/0, 1/0)",
    "return cjson.encode(string.rep('\\0', 100000))",
    "local t = {} for i = 1, 5000 do t = {t} end return cjson.encode(t)",
    "local t = {} t[1] = t return cjson.encode(t)",
    "cjson.encode_max_depth(2147483647) local t = {} t[1] = t return cjson.encode(t)",
    "cjson.decode_max_depth(2147483647) return cjson.decode(('['):rep(1000000))",
    "cjson.encode_sparse_array(true, 0, 0) return cjson.encode({[2147483647] = 1})",
    "return cjson.encode({[1e300] = 1})",
    "return cjson.decode('\"\\\\u')",
    "return cjson.decode('[1e99999999999999999999]')",
    "return cmsgpack.unpack('\\221\\255\\255\\255\\255')",
    "return cmsgpack.unpack('\\223\\255\\255\\255\\255')",
    "return cmsgpack.unpack('\\219\\255\\255\\255\\255')",
    "return cmsgpack.unpack(('\\145'):rep(1000000))",
    "return cmsgpack.unpack(('\\1'):rep(1000000))",
    "return cmsgpack.unpack_limit('\\1', 2147483647, 2147483647)",
    "return cmsgpack.unpack_limit('\\1', 1, -1)",
    "local t = {} t[1] = t return cmsgpack.pack(t)",
    "return struct.pack('I2147483647', 1)",
    "return struct.pack('c2147483647', 'x')",
    "return struct.pack(('x'):rep(1000000))",
    "return struct.pack('!2147483647i', 1)",
    "return struct.pack('!1073741824xi32', 1)",
    "return struct.unpack('c0', 'x')",
    "return struct.unpack('bc0', '\\255')",
    "return struct.unpack('i', 'x', 2147483647)",
    "return struct.unpack('d', 'xxxxxxxx', -1)",
    "return struct.unpack('i0', '')",
    "return struct.size('c99999999999')",
    "return struct.size(('c2147483647'):rep(100))",
    "return redis.sha1hex(setmetatable({}, {__tostring = error}))",
    "return math.random(-2^63, 2^63)",
    "return math.random(0/0)",
];

#[test]
fn each_ends_and_harms_nobody() {
    let mut session = Engine::open_in_memory().session();
    session.execute(&["SET", "k", "v"]);
    for script in HOSTILE {
        session.execute(&["EVAL", script, "0"]);
        let script_after =
            "return redis.call('get', 'k') .. string.format('%d', 1) .. cjson.encode({1})";
        let after = session.execute(&["EVAL", script_after, "0"]);
        let fine = matches!(&after, Reply::Bulk(_));
        assert!(fine, "{script}: {after:?}");
        session.execute(&["SET", "k", "v"]);
    }
}

/// Runs a script that does not end in one thread, and kills it from another.
fn killed(script: &str) -> String {
    let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    let engine = Engine::builder("/data")
        .storage(duramen::storage::Memory::new())
        .clock(clock.clone())
        .open()
        .unwrap();
    let mut other = engine.session();
    let running = |mut session: Session, script: String| {
        std::thread::spawn(move || match session.execute(&["EVAL", &script, "0"]) {
            Reply::Error(error) => error.to_string(),
            reply => format!("{reply:?}"),
        })
    };
    let thread = running(engine.session(), script.to_owned());
    let line = |reply: Reply| match reply {
        Reply::Error(error) => error.to_string(),
        reply => format!("{reply:?}"),
    };
    while line(other.execute(&["SCRIPT", "KILL"])).starts_with("NOTBUSY") {
        std::thread::sleep(Duration::from_millis(1));
    }
    thread.join().unwrap()
}

#[test]
fn nothing_that_only_reads_outlives_being_killed() {
    let scripts = [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local function f() while true do xpcall(f, f) end end f()",
        "while true do redis.pcall('ping') end",
        "repeat until false",
        "for i = 1, math.huge do end",
        "local c = coroutine.wrap(function() while true do coroutine.yield() end end) while true do c() end",
        "return string.find(('a'):rep(50000), ('.-'):rep(5) .. 'b')",
        "local t = setmetatable({}, {__index = function(t, k) return k end}) while t[1] do end",
    ];
    for script in scripts {
        let reply = killed(script);
        assert!(reply.contains("Script killed by user"), "{script}: {reply}");
    }
}

#[test]
fn others_are_told_of_a_script_that_runs_for_too_long() {
    let clock = ManualClock::new(UnixMillis(1_700_000_000_000));
    let engine = Engine::builder("/data")
        .storage(duramen::storage::Memory::new())
        .clock(clock.clone())
        .open()
        .unwrap();
    let mut other = engine.session();
    let script = "redis.call('set', 'k', 'v') while true do end";
    let run =
        |mut session: Session| std::thread::spawn(move || session.execute(&["EVAL", script, "0"]));
    let told = |reply: Reply| match reply {
        Reply::Error(error) => error.to_string(),
        reply => format!("{reply:?}"),
    };
    let unkillable = "UNKILLABLE Sorry the script already executed write commands";
    let mut killing = || loop {
        let answer = told(other.execute(&["SCRIPT", "KILL"]));
        if !answer.starts_with("NOTBUSY") {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    // Killed before it has written, it is run again.
    let thread = loop {
        let thread = run(engine.session());
        if killing().starts_with(unkillable) {
            break thread;
        }
        thread.join().unwrap();
    };
    clock.advance(10_000);
    let busy =
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
    for argv in [
        &["GET", "k"][..],
        &["PING"],
        &["FUNCTION", "LIST"],
        &["FUNCTION", "STATS"],
    ] {
        assert_eq!(told(other.execute(argv)), busy);
    }
    assert!(told(other.execute(&["FUNCTION", "KILL"])).starts_with(unkillable));
    engine.abort_scripts();
    assert!(told(thread.join().unwrap()).contains("Script killed by user"));
    assert_eq!(told(other.execute(&["GET", "k"])), "Bulk([118])");
}
