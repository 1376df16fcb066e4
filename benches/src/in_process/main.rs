//! Measures the engine within one process beside the maps and caches that a program would else use:
//! nanoseconds a get and a set, bytes a key, and two threads at once.
//!
//! ```text
//! cargo run --release -p benches --features in-process --bin in-process [keys] [store,store ...]
//! ```
//!
//! Keys of 16 bytes, values of 100, all of them there. Every store has the same allocator and a
//! process of its own, and every map the same hash, SipHash-1-3. The engine is used through its
//! typed methods, with deadlines checked, uses noted and writes logged; the others do none of that.

#[path = "../draw.rs"]
mod draw;
mod measure;
mod stores;

use std::process::Command;
use stores::{Boxes, Dash, Engine, Moka, Quick};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What any part of a measurement returns.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The stores by name, the engine first: the others are what it is compared with.
const STORES: [&str; 5] = ["duramen", "hashbrown", "dashmap", "moka", "quick_cache"];

/// Says to the program, started again, which store it is to measure.
const STORE: &str = "IN_PROCESS_STORE";

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let keys = args.next().map_or(Ok(5_000_000), |keys| keys.parse())?;
    if let Ok(store) = std::env::var(STORE) {
        return measure_one(&store, keys);
    }
    let wanted = args.next().unwrap_or_else(|| STORES.join(","));
    println!(
        "{keys} keys of 16 bytes, values of 100; nanoseconds an operation, bytes of RSS a key\n"
    );
    println!("| store | {} |", measure::COLUMNS.join(" | "));
    println!("| --- |{}", " --- |".repeat(measure::COLUMNS.len()));
    for store in wanted.split(',') {
        let program = std::env::current_exe()?;
        let status = Command::new(program)
            .arg(keys.to_string())
            .env(STORE, store)
            .status()?;
        if !status.success() {
            return Err(format!("{store} failed").into());
        }
    }
    Ok(())
}

fn measure_one(store: &str, keys: usize) -> Outcome<()> {
    let figures = match store {
        "duramen" => measure::measure(&Engine::new(), keys)?,
        "hashbrown" => measure::measure_single(&Boxes::default(), keys)?,
        "dashmap" => measure::measure(&Dash::default(), keys)?,
        "moka" => measure::measure(&Moka::new(keys), keys)?,
        "quick_cache" => measure::measure(&Quick::new(keys), keys)?,
        _ => return Err(format!("{store} is none of {}", STORES.join(", ")).into()),
    };
    let figures: Vec<String> = figures
        .iter()
        .map(|figure| figure.map_or("-".to_owned(), |figure| format!("{figure:.0}")))
        .collect();
    println!("| {store} | {} |", figures.join(" | "));
    Ok(())
}
