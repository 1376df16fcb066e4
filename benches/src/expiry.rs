//! How late keys go when their time comes and nobody asks for them.

use std::{
    thread::{JoinHandle, sleep},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hdrhistogram::Histogram;
use kvdump::{Call, Reply, Tcp};

use crate::{
    Outcome,
    args::Args,
    load::send_all,
    measure::in_turn,
    server::Server,
    table::{Better, print_head, print_row},
};

/// The deadlines are spread evenly over as many milliseconds,
const SPREAD: i64 = 60_000;
/// after a time in which they can all be set,
const SETTING: i64 = 25_000;
/// and each key has as many more to go.
const GRACE: i64 = 30_000;
/// How often the keys are counted.
const COUNT_EVERY: Duration = Duration::from_millis(5);

/// Milliseconds from deadlines to events.
type Lags = Result<Histogram<u64>, String>;

/// Prints how late keys went, as `expired` events tell and as counting what is overdue tells.
pub(crate) fn measure(args: &Args) -> Outcome<()> {
    print_head(
        args,
        &format!("{} keys that fall due within 60 s", args.keys),
    );
    let figures = in_turn(args, |server| fall_due(args, server))?;
    let labels = [
        ("late by an `expired` event: p50, ms", 0),
        ("p99, ms", 0),
        ("max, ms", 0),
        ("late by counting: mean, ms", 2),
        ("overdue keys still counted: mean", 0),
        ("at most", 0),
        ("server CPU, seconds", 2),
    ];
    for ((label, decimals), runs) in labels.iter().zip(&figures) {
        print_row(label, runs, *decimals, Better::Less);
    }
    println!();
    Ok(())
}

fn fall_due(args: &Args, server: usize) -> Outcome<Vec<f64>> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(&args.subjects[server], dir.path(), None)?;
    let begin = now() + SETTING;
    let mut deadlines = deadlines(args.keys, begin);
    let mut client = server.connect()?;
    let events = listen(&server, begin + SPREAD + GRACE)?;
    let commands = deadlines.iter().zip(0u64..).map(|(deadline, number)| {
        let deadline = deadline.to_string();
        let key = format!("{deadline}:{number}");
        [
            b"SET",
            key.as_bytes(),
            b"sixteen bytes ..",
            b"PXAT",
            deadline.as_bytes(),
        ]
        .map(<[u8]>::to_vec)
        .to_vec()
    });
    send_all(&mut client, commands)?;
    if now() >= begin {
        return Err("setting the keys took so long that some are due".into());
    }
    deadlines.sort_unstable();
    let cpu = server.cpu()?;
    let overdue = count_overdue(&mut client, &deadlines, begin)?;
    let cpu = (server.cpu()? - cpu).as_secs_f64();
    server.stop()?;
    let lags = match events {
        Some(events) => quantiles(&events.join().map_err(|_| "the listener panicked")??),
        None => [f64::NAN; 3],
    };
    let counted = [overdue.mean_late, overdue.mean, overdue.most, cpu];
    Ok(lags.into_iter().chain(counted).collect())
}

/// Milliseconds since the epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_millis() as i64
}

/// Evenly spread, in an order without pattern.
fn deadlines(keys: u64, begin: i64) -> Vec<i64> {
    let mut rng = fastrand::Rng::with_seed(keys);
    let mut deadlines: Vec<i64> = (0..keys)
        .map(|number| begin + (number as i128 * SPREAD as i128 / keys as i128) as i64)
        .collect();
    rng.shuffle(&mut deadlines);
    deadlines
}

/// Listens for `expired` events until some key is late beyond `end`, or the server ends; `None`
/// if it has no such events. A key's name begins with its deadline.
fn listen(server: &Server, end: i64) -> Outcome<Option<JoinHandle<Lags>>> {
    let mut client = server.connect()?;
    let told = client.call(&[b"CONFIG", b"SET", b"notify-keyspace-events", b"Ex"])?;
    if matches!(told, Reply::Error(_)) {
        return Ok(None);
    }
    client.call(&[b"SUBSCRIBE", b"__keyevent@0__:expired"])?;
    Ok(Some(std::thread::spawn(move || note_lags(client, end))))
}

fn note_lags(mut client: Tcp, end: i64) -> Lags {
    let mut lags = Histogram::new(3).map_err(|error| error.to_string())?;
    // The server hangs up when all has been counted.
    while let Ok(Reply::Array(message)) = client.reply() {
        let now = now();
        let Some(Reply::Bulk(key)) = message.last() else {
            return Err("an event without a key".to_owned());
        };
        let name = String::from_utf8_lossy(key);
        let deadline = name.split(':').next().and_then(|text| text.parse().ok());
        let deadline: i64 = deadline.ok_or(format!("an event of {name}"))?;
        lags.record(now.saturating_sub(deadline).max(0) as u64)
            .map_err(|error| error.to_string())?;
        if now > end {
            break;
        }
    }
    Ok(lags)
}

fn quantiles(lags: &Histogram<u64>) -> [f64; 3] {
    [
        lags.value_at_quantile(0.5),
        lags.value_at_quantile(0.99),
        lags.max(),
    ]
    .map(|ms| ms as f64)
}

/// Keys that were counted although their time had come.
struct Overdue {
    mean: f64,
    most: f64,
    /// Milliseconds that a key was counted for too long.
    mean_late: f64,
}

/// Counts the keys from time to time until none is left.
fn count_overdue(client: &mut Tcp, deadlines: &[i64], begin: i64) -> Outcome<Overdue> {
    let (mut most, mut area, mut last) = (0i64, 0i64, begin);
    sleep(Duration::from_millis((begin - now()).max(0) as u64));
    loop {
        let Reply::Int(there) = client.call(&[b"DBSIZE"])? else {
            return Err("DBSIZE is no number".into());
        };
        let at = now();
        let due = deadlines.partition_point(|&deadline| deadline < at);
        let overdue = (there - (deadlines.len() - due) as i64).max(0);
        most = most.max(overdue);
        area += overdue * (at - last);
        last = at;
        if there == 0 || at > begin + SPREAD + GRACE {
            break;
        }
        sleep(COUNT_EVERY);
    }
    Ok(Overdue {
        mean: area as f64 / (last - begin) as f64,
        most: most as f64,
        mean_late: area as f64 / deadlines.len() as f64,
    })
}
