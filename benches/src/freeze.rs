//! What it takes to begin a snapshot: to freeze the engine, or to fork the process of a peer.

use std::ops::Range;

use hdrhistogram::Histogram;

use crate::{
    Outcome,
    args::Args,
    background::fork_micros,
    load::send_all,
    measure::in_turn,
    server::Server,
    shapes::{Argv, Words, name},
    table::{Better, print_head, print_row},
    within::{self, Task},
};

/// Forks of each number of keys.
const FORKS: usize = 5;

/// Prints how long freezing takes the engine, in process, and forking the others, as `INFO` tells.
pub(crate) fn measure(args: &Args) -> Outcome<()> {
    let keys = args.keys_or(20_000_000);
    let name = &args.subjects[0].name;
    print_head(
        args,
        &format!(
            "keys of 24 + 100 bytes; {name} freezes in process, the others fork: microseconds"
        ),
    );
    let figures = in_turn(args, |at| match at {
        0 => Ok(within::figures(Task::Freeze(keys), args.ballast)?.unwrap_or(vec![f64::NAN; 6])),
        _ => forks(args, at, keys),
    })?;
    let labels = parts(keys)
        .into_iter()
        .flat_map(|part| ["p50", "max"].map(|quantile| format!("{} keys, {quantile}", part.end)));
    for (label, runs) in labels.zip(&figures) {
        print_row(&label, runs, 1, Better::Less);
    }
    println!();
    Ok(())
}

fn forks(args: &Args, at: usize, keys: u64) -> Outcome<Vec<f64>> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(&args.subjects[at], dir.path(), None)?;
    let (mut connection, mut figures) = (server.connect()?, Vec::new());
    for part in parts(keys) {
        send_all(&mut connection, load(part))?;
        let mut took = Histogram::<u64>::new(3)?;
        for _ in 0..FORKS {
            if let Some(micros) = fork_micros(&server, &mut connection)? {
                took.record(micros as u64)?;
            }
        }
        let figure = |micros: u64| {
            if took.is_empty() {
                f64::NAN
            } else {
                micros as f64
            }
        };
        figures.extend([took.value_at_quantile(0.5), took.max()].map(figure));
    }
    server.stop()?;
    Ok(figures)
}

/// The keys to add, and to measure after each: a twentieth, a quarter, all.
pub(crate) fn parts(keys: u64) -> [Range<u64>; 3] {
    [0..keys / 20, keys / 20..keys / 4, keys / 4..keys]
}

/// The commands that add those keys.
pub(crate) fn load(part: Range<u64>) -> impl Iterator<Item = Argv> {
    let mut words = Words(fastrand::Rng::with_seed(part.start));
    part.map(move |number| vec![b"SET".to_vec(), name(number, 24), words.noise(100)])
}
