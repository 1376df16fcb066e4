//! Resident memory a key.

use crate::{
    Outcome,
    args::Args,
    load::{Shape, fill},
    measure::in_turn,
    server::Server,
    table::{Better, print_head, print_row},
};

/// Prints bytes of resident memory a key, for two sizes of string entries.
pub(crate) fn measure(args: &Args) -> Outcome<()> {
    print_head(
        args,
        &format!("memory, {} keys: bytes of RSS a key", args.keys),
    );
    for shape in [Shape::SMALL, Shape::MEDIUM] {
        let figures = in_turn(args, |server| Ok(vec![bytes_per_key(args, server, shape)?]))?;
        let label = format!("{} + {} bytes", shape.key_bytes, shape.value_bytes);
        for runs in &figures {
            print_row(&label, runs, 1, Better::Less);
        }
    }
    println!();
    Ok(())
}

fn bytes_per_key(args: &Args, server: usize, shape: Shape) -> Outcome<f64> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(&args.subjects[server], dir.path(), None)?;
    let before = server.settled_rss()?;
    fill(&mut server.connect()?, shape, args.keys)?;
    let after = server.settled_rss()?;
    server.stop()?;
    Ok(after.saturating_sub(before) as f64 / args.keys as f64)
}
