//! `duramen`: a data directory of Redis or Valkey in your hands, without a server.
//!
//! This crate does *not* know how commands work, what is in a data directory or how files are laid
//! out: the shell hands words to a [`duramen::Session`] and prints the reply, `serve` is the server
//! crate, `check` follows the codecs' events without
//! loading anything, `restore` is the engine's, and `inspect` is the crate of that name.

mod args;
mod check;
mod inspect;
mod restore;
mod shell;

use crate::inspect::{tools, what_if};
use args::{Action, CommandLine};
use clap::Parser as _;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let action = CommandLine::parse().action();
    if !matches!(action, Action::Shell(_) | Action::Serve(_)) {
        take_small_pages();
    }
    match action {
        Action::Shell(args) => shell::run(&args),
        Action::Serve(args) => server::command_line(&args.settings),
        Action::Inspect(args) => inspect::run(&args),
        Action::Get(args) => tools::get(&args),
        Action::Diff(args) => tools::compare(&args),
        Action::Convert(args) => tools::convert(&args),
        Action::Merge(args) => tools::merge(&args),
        Action::Split(args) => tools::split(&args),
        Action::Redact(args) => tools::redact(&args),
        Action::Repair(args) => tools::repair(&args),
        Action::WhatIf(args) => what_if::run(&args),
        Action::Check(args) => check::run(&args),
        Action::Restore(args) => restore::run(&args),
    }
}

/// Keeps the allocator from pages of 2 MiB: what reads files in blocks would take twice the memory
/// with them, and be no faster.
fn take_small_pages() {
    #[cfg(target_os = "linux")]
    // Where the system refuses, it takes more memory.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
