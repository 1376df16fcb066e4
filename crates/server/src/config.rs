//! `redis-server`'s command line and configuration file.

use crate::addresses::{Address, addresses};
use crate::directives::DIRECTIVES;
use duramen::Builder;
use std::fmt;
use std::path::{Path, PathBuf};

/// What the server is started with.
#[derive(Debug)]
pub struct ServerConfig {
    pub(crate) engine: Builder,
}

/// A path to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnixSocket {
    pub(crate) path: PathBuf,
    /// Who may connect, as of `chmod`; by default as the process's mask has it.
    pub(crate) mode: Option<u32>,
}

/// A setting that was refused, and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file and line, or the command line.
    place: String,
    /// The setting as it was written.
    line: String,
    /// What is wrong with it.
    why: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "*** FATAL CONFIG FILE ERROR (Duramen {}) ***",
            env!("CARGO_PKG_VERSION")
        )?;
        writeln!(f, "Reading the configuration, at {}", self.place)?;
        writeln!(f, ">>> '{}'", self.line)?;
        f.write_str(&self.why)
    }
}

impl std::error::Error for ConfigError {}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        ServerConfig {
            engine: duramen::Engine::builder(here).directives(DIRECTIVES),
        }
    }
}

impl ServerConfig {
    /// From the command line: a configuration file, if the first argument is one (`-` for standard
    /// input), then `--setting value ...`.
    pub fn from_args(args: &[String]) -> Result<ServerConfig, ConfigError> {
        let mut config = ServerConfig::default();
        let mut args = args;
        if let Some((path, rest)) = args.split_first()
            && (path == "-" || !path.starts_with('-'))
        {
            config = config.with_file(Path::new(path), 0)?;
            if path != "-" {
                config.engine = config.engine.config_file(absolute(Path::new(path)));
            }
            args = rest;
        }
        for line in lines_of(args) {
            config = config.with_line(&line, "the command line", 0)?;
        }
        Ok(config)
    }

    /// The addresses to listen on.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        let port = self.number("port").unwrap_or(0);
        addresses(&self.text("bind"), port).unwrap_or_default()
    }

    /// The Unix socket to listen on.
    pub(crate) fn unix_socket(&self) -> Option<UnixSocket> {
        let mode = u32::from_str_radix(&self.text("unixsocketperm"), 8);
        let path = Some(self.text("unixsocket")).filter(|path| !path.is_empty());
        path.map(|path| UnixSocket {
            path: PathBuf::from(path),
            mode: mode.ok().filter(|mode| *mode != 0),
        })
    }

    /// How many connections may wait to be accepted.
    pub(crate) fn backlog(&self) -> i32 {
        self.number("tcp-backlog").unwrap_or(511)
    }

    /// How many threads serve connections: as many as half of the cores if not said, as the kernel's
    /// work for the sockets, syncs, saves and often the clients themselves take the other half.
    pub(crate) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let said = self.number("io-threads").filter(|threads| *threads > 0);
        said.unwrap_or_else(|| (cores() / 2).max(1))
    }

    /// A setting as text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.engine.setting(name).unwrap_or_default()
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name).parse().ok()
    }

    fn with_file(mut self, path: &Path, depth: usize) -> Result<ServerConfig, ConfigError> {
        let name = path.display().to_string();
        let fail = |why: String| ConfigError {
            place: name.clone(),
            line: String::new(),
            why,
        };
        if depth > INCLUDES_MAX {
            return Err(fail("too many files include one another".to_owned()));
        }
        let text = match name.as_str() {
            "-" => std::io::read_to_string(std::io::stdin()),
            _ => std::fs::read_to_string(path),
        };
        let text = text.map_err(|error| fail(format!("can't open config file: {error}")))?;
        for (number, line) in text.lines().enumerate() {
            let place = format!("line {} of {name}", number + 1);
            self = self.with_line(line, &place, depth)?;
        }
        Ok(self)
    }

    /// One line: the name of a setting, then its values.
    fn with_line(self, line: &str, place: &str, depth: usize) -> Result<ServerConfig, ConfigError> {
        let line = line.trim();
        let fail = |why: String| ConfigError {
            place: place.to_owned(),
            line: line.to_owned(),
            why,
        };
        if line.is_empty() || line.starts_with('#') {
            return Ok(self);
        }
        let words = resp::split_words(line.as_bytes());
        let words =
            words.map_err(|_| fail("Unbalanced quotes in configuration line".to_owned()))?;
        let text = |word: Vec<u8>| String::from_utf8_lossy(&word).into_owned();
        let words: Vec<String> = words.into_iter().map(text).collect();
        match words.as_slice() {
            [name, file] if name.eq_ignore_ascii_case("include") => {
                self.with_file(Path::new(file), depth + 1)
            }
            _ => self.with_words(words).map_err(fail),
        }
    }

    fn with_words(self, mut words: Vec<String>) -> Result<ServerConfig, String> {
        if let [name, dir] = words.as_mut_slice()
            && name.eq_ignore_ascii_case("dir")
        {
            *dir = absolute(Path::new(dir)).display().to_string();
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let engine = self.engine.line(&words).map_err(|error| explain(&error))?;
        Ok(ServerConfig { engine })
    }
}

/// Files may include files, this deep.
const INCLUDES_MAX: usize = 16;

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn explain(error: &duramen::ConfigError) -> String {
    match error {
        duramen::ConfigError::Unknown(name) => {
            format!("Bad directive or wrong number of arguments: unknown setting '{name}'")
        }
        other => other.to_string(),
    }
}

/// Arguments as lines of a file. `--name` begins one, unless the one before has no value yet: values
/// may begin with `--` as well. `"--name value"` in one argument is a whole line, and `--save` may be
/// without a value.
fn lines_of(args: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut has_value = true;
    let mut rest = args.iter().peekable();
    while let Some(arg) = rest.next() {
        let setting = arg.strip_prefix("--").filter(|_| has_value);
        match (setting, lines.last_mut()) {
            (Some(setting), _) => {
                let is_last = rest.peek().is_none_or(|next| next.starts_with("--"));
                let saves_never = is_last && arg.eq_ignore_ascii_case("--save");
                has_value = saves_never || arg.split_whitespace().count() > 1;
                let value = if saves_never { " \"\"" } else { "" };
                lines.push(format!("{setting}{value}"));
            }
            (None, Some(line)) => {
                line.push(' ');
                line.push_str(&resp::quoted(arg.as_bytes()));
                has_value = true;
            }
            // Words in front of everything are a setting as well: `loglevel verbose`.
            (None, None) => lines.push(arg.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    fn parse(line: &str) -> Result<ServerConfig, ConfigError> {
        ServerConfig::from_args(&args(line))
    }

    #[test]
    fn flags_are_those_of_redis_server() {
        let config =
            parse("--port 7001 --bind 127.0.0.1 -::1 --save 900 1 --appendonly no").unwrap();
        let addresses = config.addresses();
        assert_eq!(addresses[0].socket, "127.0.0.1:7001".parse().unwrap());
        assert_eq!(addresses[1].socket, "[::1]:7001".parse().unwrap());
        assert!(addresses[1].optional);
        assert!(parse("--port 0").unwrap().addresses().is_empty());
    }

    #[test]
    fn an_unknown_setting_is_named() {
        let error = parse("--nosuch 1").unwrap_err().to_string();
        assert!(error.contains("nosuch"), "{error}");
        assert!(parse("--daemonize yes").is_err());
    }

    #[test]
    fn refusals_show_the_line() {
        let refused = |line| parse(line).unwrap_err().to_string();
        let arity = "wrong number of arguments";
        assert!(refused("--port").contains(arity));
        let error = refused("--port --loglevel verbose");
        assert!(
            error.contains("'port \"--loglevel\" \"verbose\"'"),
            "{error}"
        );
        assert!(error.contains(arity), "{error}");
        assert!(refused("--port --bla").contains("couldn't be parsed into an integer"));
        assert!(refused("--replicaof 127.0.0.1 abc").contains("Invalid master port"));
        assert!(refused("--replicaof --127.0.0.1 --abc").contains(arity));
        let error = refused("--shutdown-on-sigint");
        assert!(error.contains("one of the following"), "{error}");
    }

    #[test]
    fn save_points_add_up_until_an_empty_line() {
        let save = |args: &[&str]| {
            let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
            ServerConfig::from_args(&args).unwrap().text("save")
        };
        assert_eq!(
            save(&["--save", "900 1", "--save", "300", "10"]),
            "900 1 300 10"
        );
        assert_eq!(
            save(&["--save", "900 1", "--save", "", "--save", "60 5"]),
            "60 5"
        );
        assert_eq!(save(&["--save", "--port", "1"]), "");
        assert_eq!(save(&["--port", "1", "--save"]), "");
        assert!(parse("--save 900").is_err());
    }

    #[test]
    fn a_mode_alone_is_no_socket() {
        let config = parse("--unixsocketperm 770").unwrap();
        assert_eq!(config.unix_socket(), None);
        let config = parse("--unixsocketperm 770 --unixsocket s").unwrap();
        let (path, mode) = (PathBuf::from("s"), Some(0o770));
        assert_eq!(config.unix_socket(), Some(UnixSocket { path, mode }));
    }

    #[test]
    fn arguments_become_lines() {
        let args = ["--maxmemory 1mb", "--proc-title-template", "--x", "--save"];
        assert_eq!(
            lines_of(&args.map(str::to_owned)),
            ["maxmemory 1mb", "proc-title-template \"--x\"", "save \"\""]
        );
    }
}
