//! One server process, and what the system says of it.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use kvdump::{Call, Reply, Tcp};

use crate::{Outcome, args::Subject, ballast::Ballast};

/// Longest time that starting, loading or a single reply may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// Resident memory counts as settled when it moved less than this, in bytes, ...
const SETTLED_BYTES: u64 = 256 << 10;
/// ... for this long.
const SETTLED_FOR: Duration = Duration::from_secs(2);

/// A running server. Dropped, it is killed.
pub(crate) struct Server {
    child: Child,
    port: u16,
    /// From starting the process until it answered.
    pub(crate) started_in: Duration,
}

impl Server {
    /// Starts `subject` in `dir`, loading what is there, pinned to `core` if one is given. It saves
    /// nothing and keeps no log.
    pub(crate) fn start(subject: &Subject, dir: &Path, core: Option<&str>) -> Outcome<Server> {
        Server::start_with(subject, dir, core, &["--appendonly", "no"])
    }

    /// As [`Server::start`], of a log what `settings` say.
    pub(crate) fn start_with(
        subject: &Subject,
        dir: &Path,
        core: Option<&str>,
        settings: &[&str],
    ) -> Outcome<Server> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = pinned(&subject.path, core);
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--daemonize",
            "no",
        ]);
        command
            .args(["--save", ""])
            .args(settings)
            .arg("--dir")
            .arg(dir);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir(dir);
        let begin = Instant::now();
        let child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", subject.path.display()))?;
        let mut server = Server {
            child,
            port,
            started_in: Duration::ZERO,
        };
        server.wait_until_loaded(&subject.name)?;
        server.started_in = begin.elapsed();
        Ok(server)
    }

    fn wait_until_loaded(&mut self, name: &str) -> Outcome<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{name} ended with {status} while starting").into());
            }
            if let Ok(mut connection) = self.connect()
                && matches!(connection.call(&[b"PING"]), Ok(Reply::Simple(_)))
            {
                return Ok(());
            }
            sleep(Duration::from_millis(2));
        }
        Err(format!("{name} did not start within {PATIENCE:?}").into())
    }

    /// Has touched memory given back as the server grows.
    pub(crate) fn grows_into(&self, ballast: Ballast) {
        ballast.follow(self.child.id());
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn connect(&self) -> Outcome<Tcp> {
        Ok(Tcp::connect(("127.0.0.1", self.port), PATIENCE)?)
    }

    /// Resident memory, in bytes.
    pub(crate) fn rss(&self) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kib.ok_or("no VmRSS")?.parse::<u64>()? * 1024)
    }

    /// Memory of the process and its children that is nobody else's too, in bytes: a page that a
    /// parent and its forked child share counts once.
    pub(crate) fn memory_with_children(&self) -> Outcome<u64> {
        // A child may be gone by the time that it is asked.
        let shares = [self.child.id().to_string()]
            .into_iter()
            .chain(self.children()?);
        Ok(shares.filter_map(|id| proportional_set(&id)).sum())
    }

    /// The processes that it started.
    pub(crate) fn children(&self) -> Outcome<Vec<String>> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        Ok(children.split_whitespace().map(str::to_owned).collect())
    }

    /// Resident memory once it stands still (tables grow, and pages go back, for a while after).
    pub(crate) fn settled_rss(&self) -> Outcome<u64> {
        let (mut last, mut since) = (self.rss()?, Instant::now());
        let deadline = Instant::now() + PATIENCE;
        while since.elapsed() < SETTLED_FOR && Instant::now() < deadline {
            sleep(Duration::from_millis(100));
            let now = self.rss()?;
            if now.abs_diff(last) > SETTLED_BYTES {
                (last, since) = (now, Instant::now());
            }
        }
        self.rss()
    }

    /// CPU time that all its threads, and its children that ended, used so far.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(") ").ok_or("no process name")?;
        // utime, stime, cutime and cstime are fields 14 to 17, counted from 1; the state behind the name is 3.
        let ticks: u64 = fields
            .split(' ')
            .skip(11)
            .take(4)
            .filter_map(|n| n.parse::<u64>().ok())
            .sum();
        Ok(Duration::from_micros(ticks * 1_000_000 / clock_ticks()?))
    }

    /// Ends it by SIGTERM; without save points nobody saves then.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        for _ in 0..1000 {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            sleep(Duration::from_millis(10));
        }
        Err("a server did not end".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of a process, in bytes, of shared pages its part.
fn proportional_set(id: &str) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// `program`, on one core if one is given.
pub(crate) fn pinned(program: &Path, core: Option<&str>) -> Command {
    match core {
        None => Command::new(program),
        Some(core) => {
            let mut command = Command::new("taskset");
            command.args(["-c", core]).arg(program);
            command
        }
    }
}

/// Ticks a second in which the system counts CPU time.
fn clock_ticks() -> Outcome<u64> {
    let told = Command::new("getconf").arg("CLK_TCK").output()?.stdout;
    Ok(String::from_utf8(told)?.trim().parse()?)
}
