//! How late keys go when their time comes and nobody asks for them.

use std::{
    thread::{JoinHandle, sleep},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use hdrhistogram::Histogram;
use kvdump::{Call, Reply, Tcp};

use crate::{
    Outcome,
    args::Args,
    load::send_all,
    measure::in_turn,
    server::Server,
    shapes::Argv,
    table::{Better, print_head, print_row},
};

/// The deadlines are spread evenly over as many milliseconds,
const SPREAD: i64 = 60_000;
/// after a time in which a million of them can be set,
const SETTING: i64 = 15_000;
/// and the last key has as many more to go.
const GRACE: i64 = 180_000;
/// How long the last events may be under way when all keys are gone.
const UNDER_WAY: Duration = Duration::from_secs(10);
/// How often the keys are counted.
const COUNT_EVERY: Duration = Duration::from_millis(5);

/// Microseconds from deadlines to events.
type Lags = Result<Histogram<u64>, String>;

/// Prints how late keys went, as `expired` events tell and as counting what is overdue tells.
pub(crate) fn measure(args: &Args) -> Outcome<()> {
    let keys = args.keys_or(1_000_000);
    print_head(args, &format!("{keys} keys that fall due within 60 s"));
    let figures = in_turn(args, |server| fall_due(args, server, keys))?;
    let labels = [
        ("`expired` events: p50 of the lag, ms", 1),
        ("p99, ms", 1),
        ("max, ms", 1),
        ("events that came", 0),
        ("late by counting: mean, ms", 2),
        ("overdue keys still counted: mean", 0),
        ("at most", 0),
        ("server CPU, seconds", 2),
    ];
    for ((label, decimals), runs) in labels.iter().zip(&figures) {
        let better = match *label {
            "events that came" => Better::More,
            _ => Better::Less,
        };
        print_row(label, runs, *decimals, better);
    }
    println!();
    Ok(())
}

fn fall_due(args: &Args, server: usize, keys: u64) -> Outcome<Vec<f64>> {
    let dir = tempfile::tempdir()?;
    let server = Server::start(&args.subjects[server], dir.path(), None)?;
    let begin = now() + SETTING;
    let mut deadlines = deadlines(keys, begin);
    let mut client = server.connect()?;
    let events = listen(&server, keys)?;
    send_all(&mut client, deadlines.iter().zip(0u64..).map(set_due))?;
    if now() >= begin {
        return Err("setting the keys took so long that some are due".into());
    }
    deadlines.sort_unstable();
    let cpu = server.cpu()?;
    let overdue = count_overdue(&mut client, &deadlines, begin)?;
    let cpu = (server.cpu()? - cpu).as_secs_f64();
    let last = Instant::now() + UNDER_WAY;
    while events.as_ref().is_some_and(|events| !events.is_finished()) && Instant::now() < last {
        sleep(COUNT_EVERY);
    }
    server.stop()?;
    let lags = match events {
        Some(events) => figures(&events.join().map_err(|_| "the listener panicked")??),
        None => [f64::NAN; 4],
    };
    let counted = [overdue.mean_late, overdue.mean, overdue.most, cpu];
    Ok(lags.into_iter().chain(counted).collect())
}

/// The command that sets a key with that deadline, which its name begins with.
fn set_due((deadline, number): (&i64, u64)) -> Argv {
    let deadline = deadline.to_string();
    let key = format!("{deadline}:{number}");
    let words: [&[u8]; 5] = [
        b"SET",
        key.as_bytes(),
        b"sixteen bytes ..",
        b"PXAT",
        deadline.as_bytes(),
    ];
    words.map(<[u8]>::to_vec).to_vec()
}

/// Milliseconds since the epoch.
fn now() -> i64 {
    now_micros() / 1000
}

fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_micros() as i64
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

/// Listens for `expired` events until `keys` of them have come, or the server ends; `None` if it has
/// no such events.
fn listen(server: &Server, keys: u64) -> Outcome<Option<JoinHandle<Lags>>> {
    let mut client = server.connect()?;
    let configure: [&[u8]; 4] = [b"CONFIG", b"SET", b"notify-keyspace-events", b"Ex"];
    let subscribe: [&[u8]; 2] = [b"SUBSCRIBE", b"__keyevent@0__:expired"];
    for command in [configure.as_slice(), &subscribe] {
        if let Reply::Error(_) = client.call(command)? {
            return Ok(None);
        }
    }
    Ok(Some(std::thread::spawn(move || {
        note_lags(client, keys).map_err(|error| error.to_string())
    })))
}

fn note_lags(mut client: Tcp, keys: u64) -> Outcome<Histogram<u64>> {
    let mut lags = Histogram::new(3)?;
    while lags.len() < keys
        && let Ok(Reply::Array(message)) = client.reply()
    {
        let now = now_micros();
        let Some(Reply::Bulk(key)) = message.last() else {
            return Err("an event without a key".into());
        };
        let name = String::from_utf8_lossy(key);
        let due = name
            .split_once(':')
            .and_then(|(due, _)| due.parse::<i64>().ok());
        let due = due.ok_or(format!("an event of {name}"))?;
        lags.record((now - due * 1000).max(0) as u64)?;
    }
    Ok(lags)
}

/// Milliseconds, and how many there are.
fn figures(lags: &Histogram<u64>) -> [f64; 4] {
    let micros = [
        lags.value_at_quantile(0.5),
        lags.value_at_quantile(0.99),
        lags.max(),
    ];
    let [p50, p99, max] = micros.map(|micros| micros as f64 / 1000.0);
    [p50, p99, max, lags.len() as f64]
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
