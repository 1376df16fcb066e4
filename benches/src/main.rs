//! Measures server binaries beside each other, all in the same way: over RESP, and by what the
//! system says of their process. It links no engine, so that ours gets no shorter way than a peer; only
//! hit ratios are counted in the keyspace by itself as well.
//!
//! ```text
//! cargo build --release -p duramen-server
//! cargo run --release -p benches -- \
//!     --server duramen=target/release/duramen-server \
//!     --server redis-7.0=/usr/bin/redis-server --server valkey-9.1=/path/to/valkey-server
//! ```
//!
//! A server must take `--port --bind --dir --save --appendonly --daemonize`. Runs are interleaved
//! (A B C A B C ...); each figure is the median of its runs, each ratio is to the best of the
//! others. Figures of a shared machine mean little, ratios of one run more, CPU times most.

mod args;
mod expiry;
mod hit_ratio;
mod latency;
mod load;
mod measure;
mod memory;
mod server;
mod shapes;
mod snapshot;
mod table;
mod throughput;

use args::Args;

/// What any part of a measurement returns.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let args = Args::parse(std::env::args().skip(1))?;
    table::print_conditions(&args);
    if args.wants("memory") {
        memory::measure(&args)?;
    }
    if args.wants("throughput") {
        throughput::measure(&args)?;
    }
    if args.wants("snapshot") {
        snapshot::measure(&args)?;
    }
    if args.wants("saving") {
        latency::measure_saving(&args)?;
    }
    if args.wants("growth") {
        latency::measure_growth(&args)?;
    }
    if args.wants("expiry") {
        expiry::measure(&args)?;
    }
    if args.wants("hits") {
        hit_ratio::measure(&args)?;
    }
    Ok(())
}
