//! A server process of a test's own, and clients of it.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]

use resp::{ReplyDecoder, Value};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server in a directory; killed when dropped.
pub struct Server {
    child: Child,
    pub port: u16,
    log: Receiver<String>,
}

impl Server {
    /// Starts one on a free port and waits until it accepts connections.
    pub fn start(dir: &Path, settings: &[&str]) -> Server {
        let port = free_port();
        let given = settings.contains(&"--port");
        let port_text = port.to_string();
        let mut args = vec!["--dir", dir.to_str().unwrap()];
        if !given {
            args.extend(["--port", &port_text]);
        }
        args.extend(settings);
        Server::start_with(&args, port)
    }

    /// Starts one with exactly these arguments.
    pub fn start_with(args: &[&str], port: u16) -> Server {
        let server = Server::spawn(args, port);
        server.wait_for("Ready to accept connections");
        server
    }

    /// The same, without waiting for it.
    pub fn spawn(args: &[&str], port: u16) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_duramen-server"))
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (send, log) = channel();
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| drop(send.send(line)))
        });
        Server { child, port, log }
    }

    /// Reads the log up to a line that holds `text`.
    pub fn wait_for(&self, text: &str) {
        while !self
            .log
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("the server never said '{text}'"))
            .contains(text)
        {}
    }

    /// A client over TCP.
    pub fn connect(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client::new(stream)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends the server a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Asks the server to end, and waits until it has.
    pub fn terminate(self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.join()
    }

    /// Waits until the server has ended.
    pub fn join(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A client over a Unix socket.
pub fn connect_unix(path: &Path) -> Client<UnixStream> {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Client::new(stream)
}

/// A connection.
pub struct Client<S> {
    pub stream: S,
    decoder: ReplyDecoder,
}

impl<S: Read + Write> Client<S> {
    fn new(stream: S) -> Client<S> {
        let decoder = ReplyDecoder::new();
        Client { stream, decoder }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next reply, `None` at the end of the stream.
    pub fn reply(&mut self) -> Option<Value> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(value) = self.decoder.next_value().unwrap() {
                return Some(value);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.decoder.feed(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Sends one command and returns its reply.
    pub fn call(&mut self, argv: &[&[u8]]) -> Value {
        self.send(&request(argv));
        self.reply().expect("a reply")
    }

    /// The same, from words.
    pub fn say(&mut self, line: &str) -> Value {
        let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        self.call(&argv)
    }
}

/// A command as clients send it.
pub fn request(argv: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", argv.len()).into_bytes();
    for arg in argv {
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

pub fn ok() -> Value {
    Value::Simple(b"OK".to_vec())
}

pub fn bulk(text: &str) -> Value {
    Value::Bulk(text.as_bytes().to_vec())
}
