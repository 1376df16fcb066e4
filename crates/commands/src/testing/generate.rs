//! Commands of all families, made up from a seed, on few keys, so that they meet values of every
//! type, their own leavings and deadlines that pass.

use super::{Fixture, twin};
use crate::EventClass;

/// `%k` a key, `%m` a member or field, `%v` a value, `%i` a small integer, `%n` a small count, `%f` a
/// float, `%t` a time to live in milliseconds, `%p` a longitude and a latitude.
const TEMPLATES: &[&str] = &[
    "set %k %v",
    "set %k %v px %t",
    "set %k %v nx get",
    "set %k %v keepttl",
    "set %k %v ifeq %v",
    "set %k %v ifne %v px %t get",
    "delex %k ifne %v",
    "delifeq %k %v",
    "msetex 2 %k %v %k %v px %t",
    "msetex 2 %k %v %k %v nx keepttl",
    "setex %k 1 %v",
    "getset %k %v",
    "getdel %k",
    "getex %k px %t",
    "getex %k persist",
    "append %k %v",
    "setrange %k %n %v",
    "incrby %k %i",
    "incrbyfloat %k %f",
    "mset %k %v %k %v",
    "msetnx %k %v %k %v",
    "get %k",
    "strlen %k",
    "lcs %k %k idx",
    "setbit %k %n 1",
    "bitop xor %k %k %k",
    "bitop not %k %k",
    "bitop diff %k %k %k",
    "bitop diff1 %k %k %k",
    "bitop one %k %k %k",
    "bitop andor %k %k %k",
    "bitfield %k incrby u5 %n %i set i9 #%n %i",
    "bitcount %k %i %i",
    "bitpos %k 1 %i",
    "pfadd %k %m %m",
    "pfcount %k",
    "pfcount %k %k",
    "pfmerge %k %k",
    "pfdebug todense %k",
    "del %k",
    "unlink %k %k",
    "pexpire %k %t",
    "pexpire %k %t gt",
    "pexpire %k %t lt",
    "expire %k -1",
    "persist %k",
    "rename %k %k",
    "renamenx %k %k",
    "copy %k %k",
    "copy %k %k replace",
    "touch %k",
    "pttl %k",
    "exists %k",
    "sort %k alpha store %k",
    "sort %k by nosort get # store %k",
    "geoadd %k %p %m",
    "geoadd %k ch xx %p %m",
    "geosearchstore %k %k frommember %m byradius 9000 km",
    "georadius %k %p 5000 km store %k",
    "geosearch %k fromlonlat %p bybox 9000 9000 km asc",
    "lpush %k %v",
    "rpush %k %v %v",
    "rpushx %k %v",
    "lpop %k",
    "rpop %k %n",
    "lset %k %i %v",
    "linsert %k before %v %v",
    "lrem %k %i %v",
    "ltrim %k %i %i",
    "lmove %k %k left right",
    "rpoplpush %k %k",
    "lmpop 2 %k %k left count %n",
    "sadd %k %m %m",
    "sadd %k %i",
    "srem %k %m",
    "spop %k",
    "spop %k %n",
    "smove %k %k %m",
    "sinterstore %k %k %k",
    "sunionstore %k %k %k",
    "sdiffstore %k %k %k",
    "hset %k %m %v",
    "hsetnx %k %m %v",
    "hdel %k %m",
    "hincrby %k %m %i",
    "hincrbyfloat %k %m %f",
    "hpexpire %k %t fields 1 %m",
    "hpersist %k fields 1 %m",
    "hgetall %k",
    "zadd %k %f %m",
    "zadd %k gt ch %f %m",
    "zadd %k incr %i %m",
    "zincrby %k %f %m",
    "zrem %k %m",
    "zpopmin %k",
    "zpopmax %k %n",
    "zremrangebyrank %k %i %i",
    "zremrangebyscore %k %i %i",
    "zunionstore %k 2 %k %k",
    "zinterstore %k 2 %k %k aggregate max",
    "zrangestore %k %k %n %n",
    "zmpop 2 %k %k min count %n",
    "xadd %k * %m %v",
    "xadd %k maxlen ~ 3 * %m %v",
    "xtrim %k maxlen %n",
    "xtrim %k maxlen %n acked",
    "xtrim %k minid ~ 9999999999999 delref",
    "xadd %k maxlen 2 delref * %m %v",
    "xadd %k minid ~ 1700000000500 acked * %m %v",
    "xadd %k 1700000000100-%n %m %v",
    "xdel %k 1-1",
    "xack %k %m 1700000000100-%n",
    "xdelex %k delref ids 2 1700000000100-%n 1700000000100-%n",
    "xdelex %k acked ids 1 1700000000100-%n",
    "xackdel %k %m ids 2 1700000000100-%n 1700000000100-%n",
    "xackdel %k %m acked ids 1 1700000000100-%n",
    "xgroup create %k %m 0",
    "xgroup create %k %m $ mkstream",
    "xreadgroup group %m c streams %k >",
];

const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn pick<'t>(rng: &mut fastrand::Rng, words: &[&'t str]) -> &'t str {
    words[rng.usize(..words.len())]
}

fn value(rng: &mut fastrand::Rng) -> String {
    match rng.u8(..6) {
        0 => rng.i64(..).to_string(),
        1 => rng.i32(-9..9).to_string(),
        2 => "x".repeat(rng.usize(..100)) + "y",
        3 => format!("{:.3}", rng.f64() * 100.0),
        _ => pick(rng, &["one", "two", "three"]).to_owned(),
    }
}

fn word(rng: &mut fastrand::Rng, kind: char) -> String {
    match kind {
        'k' => pick(rng, &KEYS).to_owned(),
        'm' => pick(rng, &["m1", "m2", "m3", "m4", "5"]).to_owned(),
        'v' => value(rng),
        'i' => rng.i32(-4..8).to_string(),
        'n' => rng.i32(0..6).to_string(),
        'f' => format!("{:.2}", rng.f64() * 20.0 - 10.0),
        't' => rng.i32(1..3000).to_string(),
        'p' => format!(
            "{:.4} {:.4}",
            rng.f64() * 300.0 - 150.0,
            rng.f64() * 150.0 - 75.0
        ),
        _ => unreachable!("no template says %{kind}"),
    }
}

fn command(rng: &mut fastrand::Rng) -> String {
    let mut parts = pick(rng, TEMPLATES).split('%');
    let mut line = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (kind, rest) = part.split_at(1);
        line.push_str(&word(rng, kind.chars().next().unwrap_or_default()));
        line.push_str(rest);
    }
    line
}

/// Whatever happens, the keyspace stays sound, and effects alone lead to the same contents.
#[test]
fn effects_of_generated_commands_make_a_twin() {
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut original, mut twin) = (Fixture::new(), Fixture::new());
        twin.settings.replaying = true;
        for _ in 0..400 {
            original.run(&command(&mut rng));
            twin::repeat(&original, &mut twin);
            original.pass(rng.i64(0..60));
            twin.now = original.now;
        }
        original.keyspace.check();
        twin::compare(&mut original, &mut twin, &format!("seed {seed}"));
    }
}

fn there(fixture: &mut Fixture) -> [bool; KEYS.len()] {
    KEYS.map(|key| fixture.run(&format!("exists {key}")) == "(integer) 1")
}

/// Whoever follows the events knows at any time which keys there are.
#[test]
fn no_key_comes_or_goes_untold() {
    for seed in 0..20 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut fixture = Fixture::new();
        fixture.settings.notify = EventClass::from_letters("EAn").expect("letters");
        for _ in 0..300 {
            let before = there(&mut fixture);
            let line = command(&mut rng);
            fixture.run(&line);
            let told = fixture.events();
            let says = |names: &[&str], key: &str| {
                let mut told = told.split(", ");
                told.any(|event| names.iter().any(|name| event == format!("{name} {key}")))
            };
            let keys = KEYS.iter().zip(before.iter().zip(there(&mut fixture)));
            for (key, (before, after)) in keys {
                let (came, went) = (!before && after, *before && !after);
                assert!(!came || says(&["new"], key), "{line}: {key}, {told}");
                let gone = ["del", "rename_from"];
                assert!(!went || says(&gone, key), "{line}: {key}, {told}");
            }
            fixture.pass(rng.i64(0..60));
        }
    }
}
