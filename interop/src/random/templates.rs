//! The commands that are tried, family by family.
//!
//! Left out is what no two servers answer alike: the time, times of idleness, one member of many
//! by chance (with a count beyond all members it is all of them), order without a sort, texts of
//! HELP. Ranges by name are asked of sets whose scores are all the same; of others they mean
//! nothing. No more do places of members whose scores are none.
//! Only sets, hashes and sorted sets are watched: elsewhere Redis counts some things as a change that
//! change nothing (APPEND of nothing, LTRIM of nothing), and what happens to a group as none.

use crate::Build;

/// Families with their templates, one a line.
type Families = &'static [(&'static str, &'static str)];

/// What is tried on a server: on Redis 7.0 all that it knows, on later ones what they added, and what
/// makes something to try it on.
pub(super) fn families(build: Build) -> Families {
    match build {
        Build::Redis62 | Build::Redis70 => FAMILIES,
        Build::Redis82 => REDIS_8,
        Build::Valkey91 => VALKEY_9,
    }
}

const REDIS_8: Families = &[
    ("string", BITS_AND_LOGS),
    ("string", STRING),
    ("string", BITS_OF_REDIS_8),
    ("stream", STREAM),
    ("stream", STREAMS_OF_REDIS_8),
    ("transaction", TRANSACTION),
];

const VALKEY_9: Families = &[
    ("string", STRING),
    ("string", STRINGS_OF_VALKEY_9),
    ("zset", GEO_OF_VALKEY_9),
    ("hash", HASHES_OF_VALKEY_9),
];

/// What later servers answer otherwise: what groups have read after deletions, nodes whose entries
/// are all gone, and whether a time is looked at if the key is missing.
const OF_REDIS_7: &str = "
XINFO GROUPS {stream}
XINFO STREAM {stream}
GETEX {string} EX 0
";

const FAMILIES: Families = &[
    ("connection", CONNECTION),
    ("key", KEY),
    ("string", STRING),
    ("list", LIST),
    ("set", SET),
    ("hash", HASH),
    ("zset", ZSET),
    ("stream", STREAM),
    ("string", BITS_AND_LOGS),
    ("zset", GEO),
    ("transaction", TRANSACTION),
    ("redis 7", OF_REDIS_7),
];

const CONNECTION: &str = "
PING
PING {v}
ECHO {v}
SELECT {db}
SELECT 0
SELECT 0
SWAPDB {db} {db}
DBSIZE
NOSUCHCOMMAND {f}
";

const KEY: &str = "
DEL {k+}
UNLINK {k}
EXISTS {k+}
TOUCH {k+}
TYPE {k}
KEYS {p}
SCAN 0 COUNT 1000
SCAN 0 COUNT 1000 MATCH {p}
SCAN 0 COUNT 1000 TYPE <string|list|set|hash|zset|stream|nosuch>
EXPIRE {k} -1
EXPIRE {k} <100000|x|9223372036854775807>
EXPIREAT {k} {at} <NX|XX|GT|LT||NX GT>
PEXPIREAT {k} {atms} <NX|XX|GT|LT|||>
PERSIST {k}
TTL {k}
PTTL {k}
EXPIRETIME {k}
PEXPIRETIME {k}
RENAME {k} {k}
RENAMENX {k} {k}
COPY {k} {k} <REPLACE||DB 1|DB 2 REPLACE|DB 99>
MOVE {k} {db}
OBJECT ENCODING {k}
OBJECT FREQ {k}
RESTORE {k} 0 {v}
SORT {list} ALPHA <DESC|ASC|> <LIMIT {i} {n}|>
SORT {set} ALPHA <DESC|>
SORT {list}
SORT {list} BY string:* GET # GET string:*
SORT {set} BY nosort ALPHA STORE {list}
SORT {list} ALPHA STORE {list}
SORT_RO {zset} ALPHA
";

const STRING: &str = "
SET {k} {v}
SET {k} {v} <NX|XX|GET|NX GET|XX GET|KEEPTTL|EX 0|EX x|PXAT {atms}|EXAT {at}|EX 100000 KEEPTTL|NX XX|BOGUS>
SETNX {k} {v}
SETEX {k} <100000|0|-1|x> {v}
PSETEX {k} <100000000|0> {v}
GET {k}
GETSET {k} {v}
GETDEL {k}
GETEX {k} <PERSIST|EXAT {at}|PXAT {atms}|>
MSET {k v+}
MSETNX {k v+}
MSET {k}
MGET {k+}
APPEND {k} {v}
STRLEN {k}
INCR {k}
DECR {k}
INCRBY {k} {int}
DECRBY {k} {int}
INCRBYFLOAT {k} {float}
SETRANGE {k} {offset} {v}
GETRANGE {k} {i} {i}
SUBSTR {k} {i} {i}
LCS {k} {k} <LEN|IDX|IDX WITHMATCHLEN|IDX MINMATCHLEN 2||LEN IDX>
";

const LIST: &str = "
LPUSH {k} {v+}
RPUSH {k} {v+}
LPUSHX {k} {v+}
RPUSHX {k} {v}
LPOP {k}
RPOP {k}
LPOP {k} {n}
RPOP {k} {n}
LLEN {k}
LRANGE {k} {i} {i}
LINDEX {k} {i}
LSET {k} {i} {v}
LINSERT {k} <BEFORE|AFTER|AROUND> {v} {v}
LREM {k} {i} {v}
LTRIM {k} {i} {i}
LTRIM {k} -30 -1
LMOVE {k} {k} <LEFT|RIGHT> <LEFT|RIGHT|UP>
RPOPLPUSH {k} {k}
LPOS {k} {v} <RANK {i}|COUNT {n}|RANK -1 COUNT 0|MAXLEN {n}|>
LMPOP <1|2|0> {k} {k} <LEFT|RIGHT> <COUNT {n}|>
LMPOP 1 {k} <LEFT|RIGHT|UP>
";

const SET: &str = "
SADD {k} {m+}
SADD {k} {m+}
SADD {k} {v+}
SREM {k} {m+}
SISMEMBER {k} {m}
SMISMEMBER {k} {m+}
SCARD {k}
SMEMBERS {k}
SPOP {k} 1000
SPOP {k} <-1|0>
SRANDMEMBER {k} 1000
SMOVE {k} {k} {m}
SUNION {k+}
SINTER {k+}
SDIFF {k+}
SUNIONSTORE {k} {k+}
SINTERSTORE {k} {k+}
SDIFFSTORE {k} {k+}
SINTERCARD 2 {k} {k} <LIMIT {n}|>
SINTERCARD {n} {k}
SSCAN {k} 0 COUNT 1000
SSCAN {k} x
";

const HASH: &str = "
HSET {k} {f v+}
HSET {k} {f v+}
HSET {k} {f v f}
HMSET {k} {f v+}
HSETNX {k} {f} {v}
HGET {k} {f}
HMGET {k} {f+}
HDEL {k} {f+}
HEXISTS {k} {f}
HLEN {k}
HSTRLEN {k} {f}
HKEYS {k}
HVALS {k}
HGETALL {k}
HINCRBY {k} {f} {int}
HINCRBYFLOAT {k} {f} {float}
HRANDFIELD {k} 1000 <WITHVALUES||BOGUS>
HSCAN {k} 0 COUNT 1000
";

const ZSET: &str = "
ZADD {k} {score m+}
ZADD {k} {score m+}
ZADD {k} <NX|XX|GT|LT|CH|XX CH|NX GT|GT LT|XX GT CH> {score m+}
ZADD {k} INCR {score} {m}
ZADD {k} <XX|NX|GT> INCR {score} {m}
ZINCRBY {k} {score} {m}
ZREM {k} {m+}
ZCARD {k}
ZSCORE {k} {m}
ZMSCORE {k} {m+}
ZRANK {k} {m}
ZREVRANK {k} {m}
ZCOUNT {k} {min} {max}
ZLEXCOUNT {lex} {lexmin} {lexmax}
ZRANGE {k} {i} {i} <REV|WITHSCORES|REV WITHSCORES||LIMIT 0 1>
ZRANGE {k} {min} {max} BYSCORE <REV|WITHSCORES|LIMIT {i} {n}|>
ZADD {lex} 0 {m}
ZADD {lex} 0 {m}
ZRANGE {lex} {lexmin} {lexmax} BYLEX <REV|LIMIT {i} {n}||WITHSCORES>
ZRANGESTORE {k} {k} {i} {i} <REV|>
ZRANGESTORE {k} {k} {min} {max} BYSCORE
ZREVRANGE {k} {i} {i} <WITHSCORES|>
ZRANGEBYSCORE {k} {min} {max} <WITHSCORES|LIMIT {i} {n}|>
ZREVRANGEBYSCORE {k} {max} {min} <WITHSCORES|LIMIT {i} {n}|>
ZRANGEBYLEX {lex} {lexmin} {lexmax} <LIMIT {i} {n}|>
ZREVRANGEBYLEX {lex} {lexmax} {lexmin}
ZREMRANGEBYRANK {k} {i} {i}
ZREMRANGEBYSCORE {k} {min} {max}
ZREMRANGEBYLEX {lex} {lexmin} {lexmax}
ZPOPMIN {k} <{n}|>
ZPOPMAX {k} <{n}|>
ZMPOP 2 {k} {k} <MIN|MAX> <COUNT {n}|>
ZUNION 2 {k} {k} <WITHSCORES|WEIGHTS 2 0.5 WITHSCORES|AGGREGATE MAX WITHSCORES|>
ZINTER 2 {k} {k} <WITHSCORES|WEIGHTS 2 -1 WITHSCORES|AGGREGATE MIN|>
ZDIFF 2 {k} {k} <WITHSCORES|>
ZUNION 2 {set} {zset} WITHSCORES
ZUNIONSTORE {k} 2 {k} {k} <WEIGHTS 2 3|AGGREGATE MIN|>
ZINTERSTORE {k} 2 {k} {k} <WEIGHTS 1 x|AGGREGATE SUM|>
ZDIFFSTORE {k} 2 {k} {k}
ZINTERCARD 2 {k} {k} <LIMIT {n}|>
ZRANDMEMBER {k} 1000 <WITHSCORES|>
ZSCAN {k} 0 COUNT 1000
";

const STREAM: &str = "
XADD {k} {id} {f v+}
XADD {k} {id} {f v+}
XADD {k} <NOMKSTREAM|MAXLEN {n}|MAXLEN = {n}|MINID {id}|MAXLEN {n} LIMIT 5> {id} {f v+}
XADD {k} 39-* {f v+}
XADD {k} {id} {f}
XLEN {k}
XRANGE {k} {idrange} {idrange} <COUNT {n}|>
XREVRANGE {k} {idrange} {idrange} <COUNT {n}|>
XDEL {k} {id+}
XTRIM {k} <MAXLEN {n}|MAXLEN = {n}|MINID {id}|MINID {id} LIMIT 3>
XREAD <COUNT {n}|> STREAMS {k} {id}
XREAD STREAMS {k} {k} {id} $
XGROUP CREATE {k} {group} <{id}|$|0> <MKSTREAM|ENTRIESREAD 2|>
XGROUP SETID {k} {group} <{id}|$>
XGROUP DESTROY {k} {group}
XGROUP CREATECONSUMER {k} {group} {consumer}
XGROUP DELCONSUMER {k} {group} {consumer}
XREADGROUP GROUP {group} {consumer} <COUNT {n}|NOACK|> STREAMS {k} <{new}|{id}>
XACK {k} {group} {id+}
XPENDING {k} {group}
XCLAIM {k} {group} {consumer} 0 {id+} <JUSTID|FORCE|FORCE JUSTID|>
XAUTOCLAIM {k} {group} {consumer} 0 {id} <COUNT 2|JUSTID|>
";

const BITS_AND_LOGS: &str = "
SETBIT {k} {offset} {bit}
GETBIT {k} {offset}
BITCOUNT {k} <{i} {i}|{i} {i} BIT|>
BITPOS {k} {bit} <{i}|{i} {i}|{i} {i} BIT|>
BITOP <AND|OR|XOR> {k} {k} {k}
BITOP NOT {k} {k}
BITFIELD {k} <GET u8 0|SET i5 3 -4|INCRBY u4 #1 9|OVERFLOW SAT INCRBY i8 0 100|OVERFLOW FAIL INCRBY u2 5 3>
BITFIELD_RO {k} GET i16 {offset}
PFADD string:hll {m+}
PFCOUNT string:hll
PFMERGE string:hll2 string:hll
PFCOUNT string:hll string:hll2
PFDEBUG <ENCODING|DECODE|TODENSE|NONE> string:hll
PFDEBUG ENCODING {k}
";

const GEO: &str = "
GEOADD {k} {lon} {lat} {m}
GEOADD {geo} {lon} {lat} {m}
GEOADD {geo} {lon} {lat} {m}
GEOADD {k} <NX|XX|CH> {lon} {lat} {m}
GEODIST {geo} {m} {m} <km|m|ft|bogus|>
GEOHASH {geo} {m+}
GEOPOS {geo} {m+}
GEOSEARCH {geo} FROMLONLAT 15 37 BYRADIUS <200|2000000> km ASC <WITHDIST|WITHCOORD|WITHHASH|>
GEOSEARCH {geo} FROMMEMBER {m} BYBOX 400 400 km DESC
GEOSEARCHSTORE {k} {geo} FROMLONLAT 15 37 BYRADIUS 500 km ASC
GEORADIUS {geo} {lon} {lat} <200|2000000> km <ASC|DESC> <WITHDIST|WITHCOORD WITHHASH|STORE|COUNT x|>
GEORADIUS {geo} {lon} {lat} 500 km STORE {zset}
GEORADIUS_RO {geo} 15 37 500 km ASC <STORE x|ANY|>
GEORADIUSBYMEMBER {geo} {m} 500 km ASC <WITHHASH|STORE {zset}>
GEORADIUSBYMEMBER_RO {geo} {m} 2000 mi ASC
";

const BITS_OF_REDIS_8: &str = "
BITOP <DIFF|DIFF1|ANDOR|ONE> {k} {k+}
BITOP <DIFF|DIFF1|ANDOR|ONE> {k} {k} {k} {k}
";

/// Approximate trims are left out: what they leave is a server's own.
const STREAMS_OF_REDIS_8: &str = "
XADD {k} <KEEPREF|DELREF|ACKED> {id} {f v+}
XADD {k} <MAXLEN {n}|MINID {id}> <KEEPREF|DELREF|ACKED|BOGUS> {id} {f v+}
XTRIM {k} <KEEPREF|DELREF|ACKED> <MAXLEN {n}|MINID {id}>
XTRIM {k} <MAXLEN {n}|MINID {id}> <DELREF|ACKED>
XDELEX {k} <DELREF|ACKED|KEEPREF|> IDS 2 {id} {id}
XDELEX {k} IDS <1|2|0|x> {id} <ACKED|DELREF|>
XACKDEL {k} {group} <DELREF|ACKED|KEEPREF|> IDS 2 {id} {id}
XACKDEL {k} {group} IDS <1|2|0|x> {id} <ACKED|DELREF|>
XREADGROUP GROUP {group} {consumer} STREAMS {k} {new}
XPENDING {k} {group}
";

const STRINGS_OF_VALKEY_9: &str = "
SET {k} {v} IFEQ {v} <GET|KEEPTTL|EX 100000|NX|XX GET|IFEQ x|>
SET {k} {v} <GET|KEEPTTL|NX|XX> IFEQ {v}
DELIFEQ {k} {v}
MSETEX 2 {k v} {k v} <NX|XX|EX 100000|PXAT {atms}|KEEPTTL|NX XX|EX 0|XX KEEPTTL|GET|>
MSETEX {n} {k v} {k v}
";

const GEO_OF_VALKEY_9: &str = "
GEOADD {geo} {lon} {lat} {m}
GEOADD {geo} {lon} {lat} {m}
GEOSEARCH {geo} BYPOLYGON 4 10 30 {lon} {lat} 20 39 15 41 <WITHHASH|WITHCOORD|>
GEOSEARCH {geo} BYPOLYGON 3 -130 30 20 50 {lon} {lat} ASC WITHDIST
GEOSEARCH {geo} BYPOLYGON {n} 10 30 10 40 30 40
GEOSEARCHSTORE {k} {geo} BYPOLYGON 3 10 30 {lon} {lat} 20 39
ZADD {k} {score m+}
ZSCAN {k} 0 COUNT 1000 NOSCORES
";

const HASHES_OF_VALKEY_9: &str = "
HSETEX {k} <NX|XX|NX FNX|FXX XX|XX NX|EXAT {at} NX> FIELDS 1 {f v}
HSET {k} {f v+}
HGETALL {k}
DEL {k}
";

const TRANSACTION: &str = "
MULTI
EXEC
EXEC
DISCARD
WATCH {watched}
UNWATCH
";
