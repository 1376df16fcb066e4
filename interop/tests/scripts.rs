//! Scripts give what they give on Redis 7.0: every library on random values, and a list of scripts.

use fastrand::Rng;
use interop::{Build, Launch, Ours, Outcome, available, conclude};
use kvdump::{Call, Reply};

/// Shows any value, the same on both sides: tables in the order of their keys, numbers in full.
const SHOW: &str = r#"
local function show(v, depth)
  if depth > 8 then return '..' end
  local t = type(v)
  if t == 'number' then return string.format('%.17g', v) end
  if t == 'string' then return string.format('%q', v) end
  if t == 'userdata' then return 'null' end
  if t ~= 'table' then return tostring(v) end
  local keys = {}
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return show(a, 0) < show(b, 0) end)
  local parts = {}
  for _, k in ipairs(keys) do parts[#parts + 1] = show(k, depth + 1) .. '=' .. show(v[k], depth + 1) end
  return '{' .. table.concat(parts, ',') .. '}'
end
local function all(...)
  local shown = {}
  for i = 1, select('#', ...) do shown[i] = show((select(i, ...)), 0) end
  return table.concat(shown, ' ')
end
"#;

/// How often each kind is tried.
const ROUNDS: usize = 1500;

/// A number as Lua source.
fn number(rng: &mut Rng) -> String {
    match rng.u8(..8) {
        0 => rng.i32(-40..140).to_string(),
        1 => rng.i32(..).to_string(),
        2 => rng.i32(-70000..70000).to_string(),
        3 => format!("{}", rng.i64(-(1 << 53)..1 << 53)),
        4 => format!("{:?}", rng.f64() * 1000.0),
        5 => format!("{}.5", rng.i32(-5..5)),
        6 => format!("{:?}", f64::from(rng.i32(..)) * 2f64.powi(rng.i32(-40..60))),
        _ => ["0", "-1", "2^31", "2^32", "2^53", "1e300", "0.1", "2^63"][rng.usize(..8)].to_owned(),
    }
}

fn text(rng: &mut Rng) -> String {
    let len = match rng.u8(..10) {
        0 => rng.usize(..300),
        _ => rng.usize(..6),
    };
    let byte = |_| format!("\\{:03}", rng.u8(..));
    let bytes: String = (0..len).map(byte).collect();
    format!("'{bytes}'")
}

/// A value as Lua source; objects have one key, as the order of keys is nobody's promise.
fn value(rng: &mut Rng, depth: usize) -> String {
    match rng.u8(..if depth > 3 { 6 } else { 9 }) {
        0..=2 => number(rng),
        3 | 4 => text(rng),
        5 => ["true", "false", "cjson.null"][rng.usize(..3)].to_owned(),
        6 | 7 => {
            let items: Vec<_> = (0..rng.usize(..5)).map(|_| value(rng, depth + 1)).collect();
            format!("{{{}}}", items.join(","))
        }
        _ => format!("{{[{}]={}}}", key(rng), value(rng, depth + 1)),
    }
}

fn key(rng: &mut Rng) -> String {
    if rng.bool() {
        text(rng)
    } else {
        rng.i32(-2..14).to_string()
    }
}

/// JSON, mostly.
fn json(rng: &mut Rng) -> String {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\n\\/\"",
        "\"\\x\"",
        "1",
        "-2.5e3",
        "0x1f",
        "nan",
        "Infinity",
        "-inf",
        "true",
        "false",
        "null",
        " ",
        "tru",
        "01",
        "+1",
        "1e999",
        ".5",
        "\"open",
    ];
    if rng.u8(..3) == 0 {
        return (0..rng.usize(..6))
            .map(|_| pieces[rng.usize(..pieces.len())])
            .collect();
    }
    whole_json(rng, 0, &pieces[12..21])
}

fn whole_json(rng: &mut Rng, depth: usize, atoms: &[&str]) -> String {
    let items = |rng: &mut Rng| -> Vec<String> {
        (0..rng.usize(..4))
            .map(|_| whole_json(rng, depth + 1, atoms))
            .collect()
    };
    match rng.u8(..if depth > 3 { 4 } else { 8 }) {
        0..=3 => atoms[rng.usize(..atoms.len())].to_owned(),
        4 | 5 => format!("[{}]", items(rng).join(", ")),
        _ => {
            let items = items(rng);
            let pair = |(at, item): (usize, &String)| format!("\"k{at}\": {item}");
            let pairs: Vec<_> = items.iter().enumerate().map(pair).collect();
            format!("{{{}}}", pairs.join(","))
        }
    }
}

fn format_of(rng: &mut Rng) -> String {
    let letters = [
        "b", "B", "h", "H", "l", "L", "T", "f", "d", "s", "x", "i", "I", "c", ">", "<", "!", " ",
    ];
    let count = rng.usize(1..5);
    let piece = |_| {
        let letter = letters[rng.usize(..letters.len())];
        let count = match (letter, rng.bool()) {
            ("i" | "I", true) => ["1", "2", "3", "4", "8"][rng.usize(..5)],
            ("c", true) => ["0", "1", "3"][rng.usize(..3)],
            ("!", true) => ["1", "2", "4", "8", "3"][rng.usize(..5)],
            _ => "",
        };
        format!("{letter}{count}")
    };
    (0..count).map(piece).collect()
}

/// An expression, and the bytes that it finds in `ARGV[1]`.
fn expression(rng: &mut Rng) -> (String, Vec<u8>) {
    let bytes: Vec<u8> = (0..rng.usize(..24)).map(|_| rng.u8(..)).collect();
    let bits = [
        "band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror",
    ];
    let source = match rng.u8(..12) {
        0 => format!("cjson.encode({})", value(rng, 0)),
        1 | 2 => return ("cjson.decode(ARGV[1])".into(), json(rng).into_bytes()),
        3 | 4 => format!("cmsgpack.pack({})", value(rng, 0)),
        5 => "cmsgpack.unpack(ARGV[1])".into(),
        6 => format!("cmsgpack.unpack(cmsgpack.pack({}))", value(rng, 0)),
        7 => format!(
            "cmsgpack.unpack_limit(ARGV[1], {}, {})",
            rng.i32(-1..4),
            rng.i32(-1..6)
        ),
        8 => {
            let values: Vec<_> = (0..5).map(|_| number(rng)).collect();
            format!("struct.pack('{}', {})", format_of(rng), values.join(","))
        }
        9 => format!("struct.unpack('{}', ARGV[1])", format_of(rng)),
        10 => format!("struct.size('{}')", format_of(rng)),
        _ => match rng.u8(..4) {
            0 => format!("bit.tohex({}, {})", number(rng), rng.i32(-10..10)),
            1 => format!("bit.bswap({})", number(rng)),
            2 => format!("tostring({}), bit.tobit({})", number(rng), number(rng)),
            _ => format!(
                "bit.{}({}, {})",
                bits[rng.usize(..8)],
                number(rng),
                number(rng)
            ),
        },
    };
    (source, bytes)
}

#[test]
fn libraries_give_what_they_give_on_redis() -> Outcome {
    let mut problems = Vec::new();
    let mut compared = 0;
    for (build, binary) in available(&[Build::Redis70])? {
        let mut theirs = Launch::build(build, binary).start()?;
        let mut ours = Ours::in_memory_like(build);
        let mut rng = Rng::with_seed(1);
        for _ in 0..ROUNDS * 12 {
            let (source, bytes) = expression(&mut rng);
            let script = format!("{SHOW}return all(pcall(function() return {source} end))");
            let argv: [&[u8]; 4] = [b"EVAL", script.as_bytes(), b"0", &bytes];
            let (us, them) = (ours.call(&argv)?, theirs.call(&argv)?);
            compared += 1;
            // Redis's Lua does not say where.
            let nameless = line(&us).contains("table index is");
            if us != them && !nameless {
                let bytes = bytes.escape_ascii();
                problems.push(format!(
                    "{source} of {bytes}\n  ours   {}\n  theirs {}",
                    line(&us),
                    line(&them)
                ));
            }
        }
        // Scripts are kept, and these are many.
        theirs.call(&[b"SCRIPT", b"FLUSH"])?;
    }
    conclude("scripts", compared, &problems)
}

fn line(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => bytes.escape_ascii().to_string(),
        other => format!("{other:?}"),
    }
}

/// Scripts as people write them, and as nobody should.
const SCRIPTS: &[&str] = &[
    "return {1, 2.9, 'a', false, true, nil, 4}",
    "return {ok = 'two\\r\\nlines'}",
    "return redis.error_reply('MY error')",
    "return redis.error_reply('-MY error')",
    "return redis.error_reply('single')",
    "return redis.error_reply()",
    "return redis.status_reply('FINE')",
    "return {double = 3.5}",
    "return {map = {a = 1}}",
    "return {set = {a = true}}",
    "return {big_number = '123456789012345678901234567890'}",
    "return {verbatim_string = {format = 'txt', string = 'some text'}}",
    "return redis.call('set', 'k', 'v')",
    "return redis.call('get', 'k')",
    "return redis.call('get', 'missing') == false",
    "redis.setresp(3) return redis.call('get', 'missing') == nil",
    "redis.call('hset', 'h', 'f', 'v') redis.setresp(3) return redis.call('hgetall', 'h').map.f",
    "redis.call('zadd', 'z', 1.5, 'm') redis.setresp(3) return tostring(redis.call('zscore', 'z', 'm').double)",
    "redis.setresp(4)",
    "return redis.call('incrbyfloat', 'n', 0.1)",
    "return redis.call('set', 'x', 0.1)",
    "return redis.call('get', 'x')",
    "return redis.call('lrange', 'k', 0, -1)",
    "return redis.pcall('lrange', 'k', 0, -1)",
    "return {pcall(redis.call, 'lrange', 'k', 0, -1)}",
    "return pcall(redis.call, 'nosuch')",
    "return redis.call()",
    "return redis.call({})",
    "return redis.call('get')",
    "return redis.call('multi')",
    "return redis.sha1hex('abc')",
    "return redis.sha1hex()",
    "return redis.REDIS_VERSION_NUM > 0 and redis.REPL_ALL",
    "return redis.set_repl(9)",
    "return redis.log()",
    "return redis.log(9, 'x')",
    "return redis.breakpoint()",
    "return redis.acl_check_cmd('get', 'k')",
    "return redis.acl_check_cmd('nosuch')",
    "return redis.nosuch",
    "return nosuch",
    "nosuch = 1",
    "_G.nosuch = 1",
    "redis.call = 1",
    "cjson.encode = 1",
    "string.format = 1",
    "setmetatable(_G, {})",
    "getmetatable(_G).__index = 1",
    "getmetatable('').__index = 1",
    "return type(getmetatable('').__index)",
    "error('text')",
    "error({err = 'MY table'})",
    "error()",
    "return {pcall(error, 'x')}",
    "return {pcall(error, {err = 'y'})}",
    "return {xpcall(function() error('x', 0) end, function(e) return e .. '!' end)}",
    "local t = {} t[1] = t return #t",
    "return unpack({1, 2, 3})",
    "return {unpack({1, 2, 3}, 2)}",
    "return table.getn({1, 2})",
    "return table.maxn({1, 2, [9] = 1})",
    "return loadstring('return 1 + 2')()",
    "return {loadstring('return (')}",
    "return load(function() return nil end) == nil",
    "return math.random(1, 1)",
    "math.randomseed(7) return {math.random(1000000), math.random(5, 10), math.random(1000)}",
    "return math.random(0)",
    "return math.mod(7, 3)",
    "return tostring(1/3) .. tostring(100) .. tostring(1e15) .. tostring(-0.5)",
    "return tostring(nil)",
    "return tonumber('0x10')",
    "return tonumber('z', 36)",
    "return tonumber('nope') == nil",
    "return string.rep('ab', 3)",
    "return string.format('%5.2f|%d|%s|%q|%x', 3.14159, 42, 'str', 'quo\"te', 255)",
    "return ('a,b,c'):gsub(',', ';')",
    "return {string.find('hello', 'l+')}",
    "return string.gfind ~= nil",
    "for w in string.gmatch('a b', '%a') do redis.call('rpush', 'words', w) end return redis.call('lrange', 'words', 0, -1)",
    "return collectgarbage('count') > 0",
    "return type(os.clock())",
    "return os.time",
    "return io",
    "return require",
    "return debug",
    "return dofile",
    "return print",
    "local f = function(...) return select('#', ...) end return f(nil, nil)",
    "local co = coroutine.wrap(function() coroutine.yield(7) end) return co()",
    "return #KEYS + #ARGV",
    "return KEYS[1]",
    "-- a comment\nreturn 1",
    "return",
    "",
    "#!lua\nreturn 1",
    "#!lua flags=no-writes\nreturn redis.call('set', 'k', 'v')",
    "#!lua flags=nosuch\nreturn 1",
    "#!lua badger\nreturn 1",
    "#!other\nreturn 1",
    "#!lua",
];

/// Luau's words for what Lua 5.1 words otherwise: see `docs/differences.md`.
const WORDED_OTHERWISE: &[&str] = &["return {loadstring('return (')}"];

#[test]
fn scripts_answer_as_on_redis() -> Outcome {
    let mut problems = Vec::new();
    let mut compared = 0;
    for (build, binary) in available(&[Build::Redis70])? {
        let mut theirs = Launch::build(build, binary).start()?;
        let mut ours = Ours::in_memory_like(build);
        for script in SCRIPTS {
            for verb in [&b"EVAL"[..], b"EVAL_RO"] {
                let argv = [verb, script.as_bytes(), b"0"];
                let (us, them) = (ours.call(&argv)?, theirs.call(&argv)?);
                compared += 1;
                if us != them && !WORDED_OTHERWISE.contains(script) {
                    problems.push(format!(
                        "{script}\n  ours   {}\n  theirs {}",
                        line(&us),
                        line(&them)
                    ));
                }
            }
        }
    }
    conclude("scripts", compared, &problems)
}
