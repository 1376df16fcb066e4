//! `what-if`: what would fit into how much memory.

use super::args::{FilterArgs, size};
use super::{Input, conclude};
use clap::Args;
use duramen::storage::Os;
use inspect::Error;
use inspect::report::{what_if_json, write_what_if};
use inspect::what_if::{Limits, Policy, WhatIf};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Of the question what would fit.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct WhatIfArgs {
    /// An RDB file, a data directory with one, or - for standard input
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// How much memory there is: bytes, or with k, m or g
    #[arg(short, long, value_name = "BYTES", value_parser = size)]
    maxmemory: Option<u64>,

    /// What is evicted: noeviction, or {allkeys,volatile}-{lru,lfu,random}, or volatile-ttl
    #[arg(short, long, value_name = "POLICY", default_value = "noeviction")]
    policy: Policy,

    /// A limit of compact forms under its name in redis.conf; may be repeated
    #[arg(long = "config", value_name = "NAME=VALUE", value_parser = limit)]
    limits: Vec<(String, u64)>,

    /// The answer as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    filter: FilterArgs,
}

const HELP: &str = "\
Memory is estimated as a Redis 7.0 would have it after loading the file. Commands of a log do not count.
Keys go in the order of the policy, by what the file says of their use; servers draw samples and come
near to that. A limit of one type changes the forms of that type only; the others stay as in the file.

Exit code: 0 it fits, 1 it does not, or the file is damaged, 2 it could not be read.

Examples:
  duramen what-if dump.rdb                         what it needs
  duramen what-if -m 512m -p allkeys-lru dump.rdb
  duramen what-if -m 2g -p volatile-ttl --match 'session:*' dump.rdb
  duramen what-if --config hash-max-listpack-entries=1024 dump.rdb
  duramen what-if -m 100m --json dump.rdb | jq .fits";

fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let value = value
        .parse()
        .map_err(|_| "expected a number behind the =")?;
    Limits::default().set(name, value)?;
    Ok((name.to_owned(), value))
}

/// Says what would fit; the exit code tells whether all of it does that may not be evicted.
pub(crate) fn run(args: &WhatIfArgs) -> ExitCode {
    match answer(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => conclude(Err(error)),
    }
}

fn answer(args: &WhatIfArgs) -> Result<bool, Error> {
    let mut limits = Limits::default();
    for (name, value) in &args.limits {
        // Names were checked when the arguments were.
        let _ = limits.set(name, *value);
    }
    let temp = std::env::temp_dir();
    let mut what_if = WhatIf::new(&Os, &temp, args.policy, limits);
    Input::of(&args.path)?.read(&args.filter.filter(), &mut what_if)?;
    let outcome = what_if.under(args.maxmemory)?;
    let mut out = std::io::stdout().lock();
    let written = match args.json {
        true => writeln!(
            out,
            "{:#}",
            what_if_json(&outcome, args.policy, args.maxmemory)
        ),
        false => write_what_if(&outcome, args.policy, args.maxmemory, &mut out),
    };
    written.map_err(Error::Write)?;
    Ok(args.maxmemory.is_none_or(|most| outcome.used() <= most))
}
