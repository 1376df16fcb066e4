//! The threads that serve connections: one runtime each, and nothing shared but the engine.

use crate::connection;
use crate::live::Live;
use crate::shutdown::Stopped;
use crate::stream::Accepted;
use duramen::Engine;
use std::io::{self, Write as _};
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
    live: Live,
    stopped: Stopped,
    connected: Arc<AtomicUsize>,
}

/// Starts `threads` workers.
pub(crate) fn start(
    engine: &Engine,
    threads: usize,
    live: Live,
    stopped: &Stopped,
) -> io::Result<Vec<Worker>> {
    let shared = Shared {
        engine: engine.clone(),
        live,
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
    let is_local = stream.is_local();
    let mut session = shared.engine.session();
    session.distrust();
    session.introduce(stream.peer());
    if is_local {
        session.set_local();
    }
    let live = &shared.live;
    let refusal = match () {
        () if connected >= live.connections_max() => Some(TOO_MANY),
        () if live.is_protected() && !is_local && session.is_authenticated() => Some(PROTECTED),
        () => None,
    };
    if refusal.is_some() {
        shared.engine.note_refused_connection();
    }
    // A connection that breaks concerns its peer alone.
    let _ = match (stream, refusal) {
        (Accepted::Tcp(stream), None) => match tokio::net::TcpStream::from_std(stream) {
            Ok(stream) => connection::serve(stream, session, live, shared.stopped).await,
            Err(error) => Err(error),
        },
        (Accepted::Unix(stream), None) => match tokio::net::UnixStream::from_std(stream) {
            Ok(stream) => connection::serve(stream, session, live, shared.stopped).await,
            Err(error) => Err(error),
        },
        (Accepted::Tcp(mut stream), Some(line)) => stream.write_all(line),
        (Accepted::Unix(mut stream), Some(line)) => stream.write_all(line),
    };
    shared.connected.fetch_sub(1, Ordering::Relaxed);
}

const TOO_MANY: &[u8] = b"-ERR max number of clients reached\r\n";

const PROTECTED: &[u8] =
    b"-DENIED The server is in protected mode: it takes connections from other \
machines only once the default user has a password (requirepass), or protected-mode is no.\r\n";
