//! The thread that keeps the connection to the primary, while there is one to follow.

use crate::shutdown::Stopped;
use crate::tell::{tell, warn};
use duramen::{Engine, Primary};
use std::future::poll_fn;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How long to wait before the next attempt.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How often the primary hears how far this replica is.
const REPORT_EVERY: Duration = Duration::from_secs(1);

const READ_BYTES: usize = 64 << 10;

/// Starts the thread. It ends when the server does.
pub(crate) fn start(engine: &Engine, mut stopped: Stopped) -> io::Result<JoinHandle<()>> {
    let engine = engine.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    std::thread::Builder::new()
        .name("link".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = stopped.wait() => {}
                    () = follow(&engine) => {}
                }
            });
        })
}

/// Follows whatever primary is chosen, for ever.
async fn follow(engine: &Engine) {
    loop {
        let (choice, primary) = engine.primary();
        let changed = poll_fn(|cx| engine.poll_primary(cx, choice));
        let Some(primary) = primary else {
            changed.await;
            continue;
        };
        tell(&format!(
            "Connecting to MASTER {}:{}",
            primary.host, primary.port
        ));
        let connection = async {
            if let Err(error) = connect(engine, choice, &primary).await {
                warn(&format!("MASTER <-> REPLICA sync: {error}"));
            }
            sleep(RETRY_AFTER).await;
        };
        tokio::select! {
            () = changed => {}
            () = connection => {}
        }
    }
}

/// One connection, to its end.
async fn connect(engine: &Engine, choice: u64, primary: &Primary) -> io::Result<()> {
    let silence = engine.config("repl-timeout");
    let silence = silence.and_then(|secs| secs.parse().ok()).unwrap_or(60);
    let silence = Duration::from_secs(silence);
    let mut output = Vec::new();
    let mut link = engine.link(choice, &mut output);
    let address = (primary.host.as_str(), primary.port);
    let mut stream = timeout(silence, TcpStream::connect(address)).await??;
    stream.set_nodelay(true)?;
    let mut input = vec![0; READ_BYTES];
    let mut report = tokio::time::interval(REPORT_EVERY);
    let mut silent_since = tokio::time::Instant::now();
    loop {
        stream.write_all(&output).await?;
        output.clear();
        tokio::select! {
            count = stream.read(&mut input) => match count? {
                0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "connection with the primary lost")),
                count => {
                    silent_since = tokio::time::Instant::now();
                    link.feed(&input[..count], &mut output).map_err(io::Error::other)?;
                }
            },
            _ = report.tick() => {
                if silent_since.elapsed() > silence {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "the primary is silent"));
                }
                link.report(&mut output).map_err(io::Error::other)?;
            }
        }
    }
}
