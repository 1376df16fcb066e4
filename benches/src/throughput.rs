//! GET and SET through the server, by redis-benchmark.

use std::path::Path;

use crate::{
    Outcome,
    args::Args,
    measure::in_turn,
    server::{Server, pinned},
    table::{Better, print_head, print_row},
};

/// Keys that the commands choose from.
const KEY_SPACE: u64 = 1_000_000;
/// Bytes of a value.
const VALUE_BYTES: u64 = 100;
/// Connections.
const CLIENTS: u64 = 50;
/// Pipeline depth, and how many commands make a run of a second or more.
const DEPTHS: [(u64, u64); 2] = [(1, 200_000), (16, 1_500_000)];

/// Prints commands a second and the server's CPU time a command.
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
        run(args, &server, "set", 64, KEY_SPACE * 3)?;
        servers.push(server);
    }
    print_head(
        args,
        &format!("{CLIENTS} clients, {VALUE_BYTES}-byte values"),
    );
    for (depth, commands) in DEPTHS {
        for test in ["get", "set"] {
            let figures = in_turn(args, |at| run(args, &servers[at], test, depth, commands))?;
            let label = format!("{} P={depth}", test.to_uppercase());
            print_row(
                &format!("{label}, server CPU ns a command"),
                &figures[0],
                0,
                Better::Less,
            );
            print_row(
                &format!("{label}, commands a second"),
                &figures[1],
                0,
                Better::More,
            );
        }
    }
    println!();
    servers.into_iter().try_for_each(Server::stop)
}

/// One run of one of redis-benchmark's own tests.
fn run(args: &Args, server: &Server, test: &str, depth: u64, commands: u64) -> Outcome<Vec<f64>> {
    let words = ["-t", test, "-d", &VALUE_BYTES.to_string()].map(str::to_owned);
    benchmark(args, server, [KEY_SPACE, commands, depth], &words)
}

/// One run of redis-benchmark with further `words`, with so many keys, commands and of those at a
/// time: the server's CPU nanoseconds a command, and commands a second.
pub(crate) fn benchmark(
    args: &Args,
    server: &Server,
    [keys, commands, depth]: [u64; 3],
    words: &[String],
) -> Outcome<Vec<f64>> {
    let core = args.pin.as_ref().map(|(_, client)| client.as_str());
    let mut command = pinned(Path::new("redis-benchmark"), core);
    command.args(["-p", &server.port().to_string(), "--csv"]);
    for (flag, number) in [
        ("-r", keys),
        ("-n", commands),
        ("-P", depth),
        ("-c", CLIENTS),
    ] {
        command.args([flag, &number.to_string()]);
    }
    let before = server.cpu()?;
    let output = command
        .args(words)
        .output()
        .map_err(|error| format!("redis-benchmark: {error}"))?;
    let cpu = server.cpu()? - before;
    let text = String::from_utf8(output.stdout)?;
    let rate = rate(&text).ok_or_else(|| format!("redis-benchmark printed: {text}"))?;
    Ok(vec![cpu.as_nanos() as f64 / commands as f64, rate])
}

/// The second column of the last line.
fn rate(csv: &str) -> Option<f64> {
    let line = csv.lines().last()?;
    line.split(',').nth(1)?.trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_in_the_second_column() {
        let csv = "\"test\",\"rps\",\"avg_latency_ms\"\n\"SET\",\"88495.58\",\"0.3\"\n";
        assert_eq!(rate(csv), Some(88495.58));
        assert_eq!(rate("Error from server: ERR"), None);
    }
}
