//! What commands tell of keys, as Redis 7.2 does.

use super::Fixture;
use crate::EventClass;

/// Runs each line, and compares what it tells with what stands behind ` => `: event and key, with a
/// comma between two of them.
fn check(classes: &str, script: &str) {
    let mut fixture = Fixture::new();
    fixture.settings.notify = EventClass::from_letters(classes).expect("letters of classes");
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let (command, told) = line.split_once("=>").expect("=> in each line");
        fixture.run(command.trim());
        assert_eq!(fixture.events(), told.trim(), "{line}");
    }
}

#[test]
fn strings() {
    check(
        "EA",
        "set a 1 => set a
        set a 1 px 1000 => set a, expire a
        set a 1 nx =>
        set a 1 xx get => set a
        setnx b 1 => set b
        setnx b 1 =>
        setex a 10 1 => set a, expire a
        psetex a 10 1 => set a, expire a
        getset a 1 => set a
        getex a ex 10 => expire a
        getex a persist => persist a
        getex a persist =>
        getex a exat 1 => del a
        getdel b => del b
        getdel b =>
        mset a 1 b 2 => set a, set b
        msetnx c 1 a 2 =>
        msetnx c 1 d 2 => set c, set d
        append a 1 => append a
        setrange a 3 x => setrange a
        setrange a 3 '' =>
        incr b => incrby b
        decrby b 2 => incrby b
        incrbyfloat b 1.5 => incrbyfloat b
        setbit a 1 1 => setbit a
        setbit a 1 1 =>
        bitfield a set u4 0 9 => setbit a
        bitfield a set u4 0 9 =>
        bitop not a b => set a
        bitop not a nokey => del a
        bitop not a nokey =>
        pfadd h 1 => pfadd h
        pfadd h 1 =>
        pfmerge h2 h => pfadd h2",
    );
}

#[test]
fn keys() {
    check(
        "EA",
        "mset a 1 b 2 c 3 => set a, set b, set c
        expire a 10 => expire a
        persist a => persist a
        persist a =>
        expireat a 1 => del a
        rename b a => rename_from b, rename_to a
        rename a a =>
        renamenx a c =>
        renamenx a b => rename_from a, rename_to b
        copy b a => copy_to a
        copy b a =>
        move a 1 => move_from a, move_to a
        del a b c => del b, del c
        unlink a =>
        rpush l 2 1 => rpush l
        sort l store s => sortstore s
        sort nokey store s => del s",
    );
}

#[test]
fn lists() {
    check(
        "EA",
        "rpush a 1 2 3 => rpush a
        lpush a 0 => lpush a
        lpushx nokey 0 =>
        lset a 0 x => lset a
        linsert a before x y => linsert a
        linsert a before nowhere y =>
        lrem a 0 x => lrem a
        lrem a 0 x =>
        ltrim a 0 -1 => ltrim a
        lmove a b left right => rpush b, lpop a
        lmove a a left right => rpush a, lpop a
        lpop a => lpop a
        lpop a 0 =>
        lmpop 2 nokey b left => lpop b, del b
        rpop a 5 => rpop a, del a
        rpush a 1 => rpush a
        ltrim a 1 0 => ltrim a, del a
        rpush a 1 => rpush a
        rpoplpush a b => lpush b, rpop a, del a",
    );
}

#[test]
fn sets_and_hashes() {
    check(
        "EA",
        "sadd a 1 2 3 => sadd a
        sadd a 1 =>
        srem a 9 =>
        srem a 1 => srem a
        smove a b 2 => srem a, sadd b
        smove a b 3 => srem a, del a, sadd b
        spop b => spop b
        spop b 5 => spop b, del b
        sadd a 1 => sadd a
        sunionstore b a => sunionstore b
        sinterstore b a b => sinterstore b
        sdiffstore b a => sdiffstore b
        sdiffstore b a a => del b
        hset h f 1 => hset h
        hset h f 1 => hset h
        hmset h g 1 => hset h
        hsetnx h g 1 =>
        hincrby h f 1 => hincrby h
        hincrbyfloat h f 1 => hincrbyfloat h
        hexpire h 10 fields 1 f => hexpire h
        hpersist h fields 1 f => hpersist h
        hpersist h fields 1 f =>
        hsetex h ex 10 fields 1 f 1 => hset h, hexpire h
        hsetex h pxat 1 fields 1 f 1 => hset h, hdel h
        hgetex h ex 10 fields 1 g => hexpire h
        hgetex h persist fields 1 g => hpersist h
        hdel h nofield =>
        hpexpireat h 1 fields 1 g => hdel h, del h
        hset h f 1 g 2 => hset h
        hdel h f => hdel h
        hgetdel h fields 1 g => hdel h, del h",
    );
}

#[test]
fn sorted_sets() {
    check(
        "EA",
        "zadd a 1 x 2 y 3 z => zadd a
        zadd a 1 x =>
        zadd a incr 1 x => zincr a
        zincrby a 1 x => zincr a
        zincrby a 0 x =>
        zrem a nomember =>
        zrem a x => zrem a
        zunionstore b 1 a => zunionstore b
        zinterstore b 1 a => zinterstore b
        zrangestore b a 0 0 => zrangestore b
        zrangestore b a 9 9 => del b
        zdiffstore b 1 a => zdiffstore b
        zdiffstore b 2 a a => del b
        zpopmin a => zpopmin a
        zpopmax a 5 => zpopmax a, del a
        zadd a 1 x 2 y 3 z => zadd a
        zremrangebyrank a 0 0 => zremrangebyrank a
        zremrangebyscore a 2 2 => zremrangebyscore a
        zremrangebylex a - + => zremrangebylex a, del a
        geoadd a 1 1 x => zadd a
        geosearchstore b a frommember x byradius 1 m => geosearchstore b
        georadius a 1 1 1 m store b => georadiusstore b
        georadius a 9 9 1 m store b => del b
        zmpop 1 a max => zpopmax a, del a",
    );
}

#[test]
fn streams() {
    check(
        "EA",
        "xadd s 1-1 f v => xadd s
        xadd s maxlen 1 2-1 f v => xadd s, xtrim s
        xtrim s maxlen 9 =>
        xtrim s maxlen 0 => xtrim s
        xadd s 3-1 f v => xadd s
        xdel s 9-9 =>
        xsetid s 4-1 => xsetid s
        xgroup create s g 0 => xgroup-create s
        xgroup setid s g 0 => xgroup-setid s
        xgroup createconsumer s g c => xgroup-createconsumer s
        xgroup createconsumer s g c =>
        xreadgroup group g d streams s > => xgroup-createconsumer s
        xclaim s g e 0 3-1 => xgroup-createconsumer s
        xgroup delconsumer s g e => xgroup-delconsumer s
        xgroup delconsumer s g e =>
        xgroup destroy s g => xgroup-destroy s
        xgroup destroy s g =>
        xdel s 3-1 => xdel s",
    );
}

#[test]
fn keys_that_are_missed_or_come_to_be() {
    check(
        "EAmn",
        "get a => keymiss a
        mget a b => keymiss a, keymiss b
        object encoding a =>
        set a 1 get => keymiss a, new a, set a
        set a 1 => set a
        mset a 1 b 2 c 3 => set a, new b, set b, new c, set c
        rename a d => new d, rename_from a, rename_to d
        copy d c replace => new c, copy_to c
        rpush l 1 => new l, rpush l
        lmove l m left left => new m, lpush m, lpop l, del l
        sadd s 1 => new s, sadd s
        smove s t 1 => srem s, del s, new t, sadd t
        sunionstore u t nokey => keymiss nokey, new u, sunionstore u
        type nokey => keymiss nokey
        exists nokey nokey => keymiss nokey, keymiss nokey
        getex nokey => keymiss nokey",
    );
}

#[test]
fn only_what_is_asked_for_is_told() {
    check(
        "Kg",
        "set a 1 ex 10 => expire a
        lpush l 1 =>
        lpop l => del l
        del a => del a",
    );
    check("", "set a 1 =>");
}

/// An expired key is none, whoever finds that first.
#[test]
fn a_key_that_is_over_comes_to_be_again() {
    let mut fixture = Fixture::new();
    fixture.settings.notify = EventClass::from_letters("EAn").expect("letters");
    fixture.run("set a 1 px 10");
    fixture.pass(20);
    fixture.run("append a 1");
    assert_eq!(fixture.events(), "new a, append a");
}
