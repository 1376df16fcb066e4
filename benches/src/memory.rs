//! Resident memory a key or member.

use crate::{
    Outcome,
    args::Args,
    load::send_all,
    measure::in_turn,
    server::Server,
    shapes::{ALL, Shape},
    table::{Better, print_head, print_row},
};

/// Prints bytes of resident memory a key, member, field or item, for each shape of data.
pub(crate) fn measure(args: &Args) -> Outcome<()> {
    print_head(args, "memory: bytes of RSS a key or member");
    for shape in &ALL {
        let figures = in_turn(args, |server| Ok(vec![bytes_each(args, server, shape)?]))?;
        let label = format!("{}; {}", shape.label, shape.members(args.keys()));
        for runs in &figures {
            print_row(&label, runs, 1, Better::Less);
        }
    }
    println!();
    Ok(())
}

fn bytes_each(args: &Args, server: usize, shape: &Shape) -> Outcome<f64> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(&args.subjects[server], dir.path(), None)?;
    let before = server.settled_rss()?;
    send_all(&mut server.connect()?, shape.commands(args.keys()))?;
    let after = server.settled_rss()?;
    server.stop()?;
    Ok(after.saturating_sub(before) as f64 / shape.members(args.keys()) as f64)
}
