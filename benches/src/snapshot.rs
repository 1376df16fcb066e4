//! SAVE, and loading what it wrote.

use std::time::Instant;

use kvdump::Call;

use crate::{
    Outcome,
    args::Args,
    load::send_all,
    measure::in_turn,
    server::Server,
    shapes::MEDIUM_STRINGS,
    table::{Better, print_head, print_row},
};

/// Prints seconds for SAVE and for a start that loads the file, compression and checksum as by
/// default.
pub(crate) fn measure(args: &Args) -> Outcome<()> {
    print_head(
        args,
        &format!("snapshot, {} keys of 24 + 100 bytes: seconds", args.keys()),
    );
    let figures = in_turn(args, |server| save_and_load(args, server))?;
    let labels = ["SAVE", "SAVE, server CPU", "load", "load, server CPU"];
    for (label, runs) in labels.iter().zip(&figures) {
        print_row(label, runs, 2, Better::Less);
    }
    if let Some(runs) = figures.get(labels.len()) {
        print_row("file, MB", runs, 1, Better::Less);
    }
    println!();
    Ok(())
}

fn save_and_load(args: &Args, server: usize) -> Outcome<Vec<f64>> {
    let (subject, dir) = (&args.subjects[server], tempfile::tempdir()?);
    let server = Server::start(subject, dir.path(), None)?;
    let mut connection = server.connect()?;
    send_all(&mut connection, MEDIUM_STRINGS.commands(args.keys()))?;
    let (cpu, begin) = (server.cpu()?, Instant::now());
    connection.ask(&["SAVE"])?;
    let (save, save_cpu) = (begin.elapsed(), server.cpu()? - cpu);
    server.stop()?;
    let bytes = std::fs::metadata(dir.path().join("dump.rdb"))?.len();

    let server = Server::start(subject, dir.path(), None)?;
    let (load, load_cpu) = (server.started_in, server.cpu()?);
    let keys = server.connect()?.ask(&["DBSIZE"])?.integer()?;
    if u64::try_from(keys)? != args.keys() {
        return Err(format!("{} loaded {keys} keys of {}", subject.name, args.keys()).into());
    }
    server.stop()?;
    let seconds = [save, save_cpu, load, load_cpu].map(|time| time.as_secs_f64());
    Ok([seconds.as_slice(), &[bytes as f64 / 1e6]].concat())
}
