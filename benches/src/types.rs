//! A command or two of every type, scripts and transactions, sixteen at a time.

use crate::{
    Outcome,
    args::Args,
    load::send_all,
    measure::in_turn,
    server::Server,
    table::{Better, print_head, print_row},
    throughput::benchmark,
};

/// Keys, or members, that the commands choose from.
const KEYS: u64 = 100_000;
/// Commands that are under way at a time, of each connection.
const DEPTH: u64 = 16;

/// What is run how often, in this order: what reads finds what was written before.
const COMMANDS: [(u64, &str); 16] = [
    (600_000, "INCR n:__rand_int__"),
    (600_000, "LPUSH list:__rand_int__ value-of-some-length"),
    (100_000, "LRANGE long 0 99"),
    (600_000, "SADD set __rand_int__"),
    (600_000, "SISMEMBER set __rand_int__"),
    (600_000, "HSET hash:__rand_int__ field value-of-some-length"),
    (600_000, "HGET hash:__rand_int__ field"),
    (400_000, "ZADD zset __rand_int__ member:__rand_int__"),
    (400_000, "ZRANGE zset 1000 1009"),
    (
        400_000,
        "XADD stream MAXLEN ~ 10000 * field value-of-some-length",
    ),
    (400_000, "PFADD hll __rand_int__"),
    (600_000, "SETBIT bits:__rand_int__ 7 1"),
    (200_000, "GEOADD geo 13.36 38.11 __rand_int__"),
    (200_000, "EVAL return(1) 0"),
    (200_000, "EVAL return(redis.call(ARGV[1])) 0 DBSIZE"),
    (200_000, "SORT long LIMIT 0 10 ALPHA"),
];
/// Rounds of one transaction, and commands in each.
const TRANSACTIONS: u64 = 100_000;
const TRANSACTION: [&str; 4] = ["MULTI", "INCR m:1", "INCR m:2", "EXEC"];

/// Prints the server's CPU time a command.
pub(crate) fn measure(args: &Args) -> Outcome<()> {
    let dirs: Vec<tempfile::TempDir> = args
        .subjects
        .iter()
        .map(|_| tempfile::tempdir())
        .collect::<Result<_, _>>()?;
    let core = args.pin.as_ref().map(|(server, _)| server.as_str());
    let mut servers = Vec::new();
    for (subject, dir) in args.subjects.iter().zip(&dirs) {
        let server = Server::start(subject, dir.path(), core)?;
        let items = (0..100).map(|n| words(&format!("RPUSH long item-{n}")));
        send_all(&mut server.connect()?, items.map(bytes))?;
        servers.push(server);
    }
    print_head(args, &format!("P={DEPTH}: server CPU ns a command"));
    for (count, line) in COMMANDS {
        let words = words(line);
        let run = |at: usize| benchmark(args, &servers[at], [KEYS, count, DEPTH], &words);
        print_row(line, &in_turn(args, run)?[0], 0, Better::Less);
    }
    let figures = in_turn(args, |at| transactions(&servers[at]))?;
    print_row("MULTI, two INCR, EXEC", &figures[0], 0, Better::Less);
    println!();
    servers.into_iter().try_for_each(Server::stop)
}

/// The server's CPU nanoseconds for a transaction, many of them sent without waiting.
fn transactions(server: &Server) -> Outcome<Vec<f64>> {
    let mut connection = server.connect()?;
    let before = server.cpu()?;
    let lines = TRANSACTION
        .iter()
        .cycle()
        .take(TRANSACTIONS as usize * TRANSACTION.len());
    send_all(&mut connection, lines.map(|line| bytes(words(line))))?;
    let cpu = server.cpu()? - before;
    Ok(vec![cpu.as_nanos() as f64 / TRANSACTIONS as f64])
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn bytes(words: Vec<String>) -> Vec<Vec<u8>> {
    words.into_iter().map(String::into_bytes).collect()
}
