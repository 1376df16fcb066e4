//! What is tried on servers only: commands that wait, scripts, what belongs to a connection.

use super::templates;
use crate::Build;

/// All families for `build`.
pub(super) fn families(build: Build) -> Vec<(&'static str, &'static str)> {
    let old = matches!(build, Build::Redis62 | Build::Redis70);
    let shared = templates::families(Build::Redis70).iter();
    let shared = shared.filter(move |(family, _)| old || *family != "redis 7");
    let newer = match build {
        Build::Redis62 | Build::Redis70 => [].iter(),
        newer => templates::families(newer).iter(),
    };
    let own = [
        ("wait", WAITING),
        ("wait", WAITING),
        ("script", SCRIPT),
        ("connection", CONNECTION),
        ("key", PAST),
        ("transaction", TRANSACTION),
    ];
    shared.chain(newer).copied().chain(own).collect()
}

const WAITING: &str = "
BLPOP {list} {list} 0
BRPOP {list} {zset} 0
BLPOP {list} <x|-1|nan|99999999999999999999>
BLMOVE {list} {list} <LEFT|RIGHT> <LEFT|RIGHT> 0
BRPOPLPUSH {list} {list} 0
BLMPOP 0 2 {list} {list} <LEFT|RIGHT> <COUNT 2|>
BZPOPMIN {zset} {zset} 0
BZPOPMAX {zset} 0
BZMPOP 0 2 {zset} {zset} <MIN|MAX> <COUNT 2|>
XREAD BLOCK 0 STREAMS {stream} <$|{id}>
XREADGROUP GROUP {group} {consumer} BLOCK 0 STREAMS {stream} {new}
RPUSH {list} {v+}
LPUSH {list} {v}
ZADD {zset} {score m+}
XADD {stream} {id} {f v}
RENAME {list} {list}
SWAPDB 0 1
";

const SCRIPT: &str = "
SCRIPT LOAD {v}
SCRIPT EXISTS {v}
EVALSHA {v} 0
EVALSHA 0000000000000000000000000000000000000000 0
EVAL return{f} 0
EVAL return{1,'a',{2,false},3.7,nil,4} 0
EVAL return{err='MINE{f}'} 0
EVAL return{ok='fine'} 0
EVAL return{double=1.5} 0
EVAL return(KEYS[1]..ARGV[1]) 1 {k} {v}
EVAL return#ARGV {n} {k} {v}
EVAL return(redis.sha1hex(ARGV[1])) 0 {v}
EVAL return(cjson.encode(redis.pcall('GET',KEYS[1]))) 1 {string}
EVAL return(cjson.encode(redis.pcall('LRANGE',KEYS[1],0,-1))) 1 {list}
EVAL return(cmsgpack.pack(redis.pcall('LRANGE',KEYS[1],0,-1))) 1 {list}
EVAL return(cjson.decode(ARGV[1])) 0 <[1,2.5,\"x\",null,{\"a\":[]}]|x|1e5|[1|\"\\u00e9\">
EVAL return(struct.pack('>I2h',tonumber(ARGV[1])%65536,3)) 0 <1|70000|-5>
EVAL return(bit.band(tonumber(ARGV[1]),0xff)) 0 <1|-1|4294967296|1.5>
EVAL return(tostring(tonumber(ARGV[1]))) 0 {float}
EVAL return(redis.error_reply(ARGV[1])) 0 <x|-x|ERR\\u0020x>
EVAL return(redis.call()) 0
EVAL return(redis.call('SET',KEYS[1],1,2)) 1 {k}
EVAL_RO return(redis.call('DEL',KEYS[1])) 1 {k}
FCALL run 0 {f}
FCALL look 1 {k} GET {k}
FCALL nosuch 0
FCALL_RO run 0 GET {k}
FUNCTION STATS
FUNCTION DELETE nosuch
";

const CONNECTION: &str = "
HELLO <2|3|4|x|>
HELLO 3 SETNAME {f}
CLIENT SETNAME {f}
CLIENT GETNAME
RESET
ASKING
";

/// Times that both clocks have behind them. Not of SET: 7.0 keeps such a key for a moment, counts it,
/// and servers since do not.
const PAST: &str = "
PEXPIREAT {k} <1|0|-5> <NX|XX|GT|LT|>
EXPIREAT {k} 1
GETEX {string} PXAT 1
RESTORE {k} 1 {v} ABSTTL
COPY {k} {k} DB 1
";

const TRANSACTION: &str = "
MULTI
EXEC
DISCARD
";
