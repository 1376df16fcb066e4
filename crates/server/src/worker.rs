//! The threads that serve connections: one runtime each, and nothing shared but the engine.

use crate::config::ClientConfig;
use crate::connection;
use crate::shutdown::Stopped;
use crate::stream::Accepted;
use duramen::Engine;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

/// A thread that serves connections.
pub(crate) struct Worker {
    inbox: UnboundedSender<Accepted>,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Serves `stream` from now on.
    pub(crate) fn take(&self, stream: Accepted) {
        // A worker is gone only once the server ends, and then so is the connection.
        let _ = self.inbox.send(stream);
    }
}

/// What a worker's connections share.
#[derive(Clone)]
struct Shared {
    engine: Engine,
    client: ClientConfig,
    stopped: Stopped,
    connected: Arc<AtomicUsize>,
}

/// Starts `threads` workers.
pub(crate) fn start(
    engine: &Engine,
    threads: usize,
    client: ClientConfig,
    stopped: &Stopped,
) -> io::Result<Vec<Worker>> {
    let shared = Shared {
        engine: engine.clone(),
        client,
        stopped: stopped.clone(),
        connected: Arc::default(),
    };
    (0..threads)
        .map(|number| start_one(number, shared.clone()))
        .collect()
}

fn start_one(number: usize, shared: Shared) -> io::Result<Worker> {
    let (inbox, accepted) = unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let thread = std::thread::Builder::new()
        .name(format!("worker-{number}"))
        .spawn(move || work(&runtime, accepted, shared))?;
    Ok(Worker { inbox, thread })
}

/// How long a peer may take to read its last replies when the server ends.
const LAST_REPLIES_WITHIN: Duration = Duration::from_secs(1);

/// Waits for every worker to end.
pub(crate) fn join(workers: Vec<Worker>) {
    for worker in workers {
        drop(worker.inbox);
        let _ = worker.thread.join();
    }
}

fn work(runtime: &Runtime, mut accepted: UnboundedReceiver<Accepted>, shared: Shared) {
    let connections = LocalSet::new();
    let mut stopped = shared.stopped.clone();
    connections.block_on(runtime, async {
        let mut open = tokio::task::JoinSet::new();
        loop {
            tokio::select! {
                Some(stream) = accepted.recv() => {
                    open.spawn_local(serve(stream, shared.clone()));
                }
                Some(_) = open.join_next() => {}
                () = stopped.wait() => break,
            }
        }
        // Each has seen the same signal, and ends once its current batch is answered; a peer that
        // takes no replies is left behind.
        let all = async { while open.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_REPLIES_WITHIN, all).await;
    });
}

async fn serve(stream: Accepted, shared: Shared) {
    let connected = shared.connected.fetch_add(1, Ordering::Relaxed);
    let too_many = connected >= shared.client.connections_max;
    let Shared {
        engine,
        client,
        stopped,
        connected,
    } = shared;
    let peer = stream.peer();
    // A connection that breaks concerns its peer alone.
    let _ = match (stream, too_many) {
        (Accepted::Tcp(stream), false) => match tokio::net::TcpStream::from_std(stream) {
            Ok(stream) => connection::serve(stream, peer, &engine, &client, stopped).await,
            Err(error) => Err(error),
        },
        (Accepted::Unix(stream), false) => match tokio::net::UnixStream::from_std(stream) {
            Ok(stream) => connection::serve(stream, peer, &engine, &client, stopped).await,
            Err(error) => Err(error),
        },
        (Accepted::Tcp(stream), true) => refuse(stream),
        (Accepted::Unix(stream), true) => refuse(stream),
    };
    connected.fetch_sub(1, Ordering::Relaxed);
}

fn refuse(mut stream: impl io::Write) -> io::Result<()> {
    stream.write_all(b"-ERR max number of clients reached\r\n")
}
