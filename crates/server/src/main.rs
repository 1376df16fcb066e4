//! `duramen-server`: in place of `redis-server`.

use server::ServerConfig;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("--version" | "-v") => return print(&server::version()),
        Some("--help" | "-h") => return print(server::USAGE),
        _ => {}
    }
    let outcome = ServerConfig::from_args(&args).map_err(|error| error.to_string());
    match outcome.and_then(|config| server::run(config).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}
