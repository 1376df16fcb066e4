//! Measures server binaries beside each other, all in the same way: over RESP, and by what the
//! system says of their process. Ours gets no shorter way than a peer. What the engine does without
//! a server has tables of its own, of processes that link it (feature `in-process`); only freezing
//! stands beside the forks of others, and hit ratios are counted in the keyspace by itself as well.
//!
//! ```text
//! cargo build --release -p duramen-server
//! cargo run --release -p benches --features in-process -- \
//!     --server duramen=target/release/duramen-server \
//!     --server redis-7.0=/usr/bin/redis-server --server valkey-9.1=/path/to/valkey-server
//! ```
//!
//! A server must take `--port --bind --dir --save --appendonly --daemonize`. Runs are interleaved
//! (A B C A B C ...); each figure is the median of its runs, each ratio is to the best of the
//! others. Figures of a shared machine mean little, ratios of one run more, CPU times most.

mod aof;
mod args;
mod background;
mod ballast;
mod draw;
mod freeze;
mod growth;
mod hit_ratio;
mod info;
mod lag;
mod load;
mod measure;
mod memory;
mod quantiles;
mod server;
mod shapes;
mod snapshot;
mod steady;
mod table;
mod throughput;
mod types;
mod views;
mod within;
mod workload;

use args::Args;

#[cfg(feature = "in-process")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What any part of a measurement returns.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Measures something and prints a table of it.
type Measure = fn(&Args) -> Outcome<()>;

/// What can be measured, by the names that `--what` takes.
const MEASUREMENTS: [(&str, Measure); 11] = [
    ("memory", memory::measure),
    ("throughput", throughput::measure),
    ("types", types::measure),
    ("snapshot", snapshot::measure),
    ("aof", aof::measure),
    ("freeze", freeze::measure),
    ("views", views::measure_keys),
    ("collections", views::measure_collections),
    ("growth", growth::measure),
    ("lag", lag::measure),
    ("hits", hit_ratio::measure),
];

fn main() -> Outcome<()> {
    #[cfg(feature = "in-process")]
    if within::did_task()? {
        return Ok(());
    }
    let args = Args::parse(std::env::args().skip(1))?;
    table::print_conditions(&args);
    for (name, measure) in MEASUREMENTS {
        if args.wants(name) {
            measure(&args)?;
        }
    }
    Ok(())
}
