//! `redis-server`'s command line and configuration file, for the settings that exist.

use duramen::Builder;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the server is started with.
#[derive(Debug)]
pub struct ServerConfig {
    pub(crate) engine: Builder,
    port: u16,
    bind: Vec<Bind>,
    unix_socket: Option<PathBuf>,
    unix_mode: Option<u32>,
    /// Save points in the order of their lines; each line adds to those before.
    save: Vec<String>,
    pub(crate) backlog: i32,
    pub(crate) threads: usize,
    pub(crate) client: ClientConfig,
}

/// An address to listen on. Where it is optional, its absence is no error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bind {
    address: IpAddr,
    optional: bool,
}

/// A path to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnixSocket<'c> {
    pub(crate) path: &'c Path,
    /// Who may connect, as of `chmod`; by default as the process's mask has it.
    pub(crate) mode: Option<u32>,
}

/// What holds for every connection.
#[derive(Debug, Clone)]
pub(crate) struct ClientConfig {
    /// After so long without a byte from the peer, the connection ends.
    pub(crate) idle: Option<Duration>,
    pub(crate) connections_max: usize,
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
        let any = [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        ServerConfig {
            engine: duramen::Engine::builder("."),
            port: 6379,
            bind: any
                .map(|address| Bind {
                    address,
                    optional: address.is_ipv6(),
                })
                .to_vec(),
            unix_socket: None,
            unix_mode: None,
            save: Vec::new(),
            backlog: 511,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            client: ClientConfig {
                idle: None,
                connections_max: 10_000,
            },
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
            && !path.starts_with("--")
        {
            config = config.with_file(Path::new(path), 0)?;
            args = rest;
        }
        for words in settings_of(args) {
            config = config.with(&words, "the command line")?;
        }
        Ok(config)
    }

    /// The same with the engine's settings as `builder` has them.
    pub fn with_engine(self, builder: Builder) -> ServerConfig {
        ServerConfig {
            engine: builder,
            ..self
        }
    }

    /// The addresses to listen on, each with whether its absence is no error.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (SocketAddr, bool)> {
        let bind = if self.port == 0 { &[][..] } else { &self.bind };
        bind.iter()
            .map(|bind| (SocketAddr::new(bind.address, self.port), bind.optional))
    }

    /// The Unix socket to listen on.
    pub(crate) fn unix_socket(&self) -> Option<UnixSocket<'_>> {
        let mode = self.unix_mode;
        let path = self.unix_socket.as_deref();
        path.map(|path| UnixSocket { path, mode })
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
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let place = format!("line {} of {name}", number + 1);
            let words = resp::split_words(line.as_bytes()).map_err(|_| ConfigError {
                place: place.clone(),
                line: line.to_owned(),
                why: "Unbalanced quotes in configuration line".to_owned(),
            })?;
            let text = |word: Vec<u8>| String::from_utf8_lossy(&word).into_owned();
            let words: Vec<String> = words.into_iter().map(text).collect();
            self = match words.as_slice() {
                [name, file] if name.eq_ignore_ascii_case("include") => {
                    self.with_file(Path::new(file), depth + 1)?
                }
                _ => self.with(&words, &place)?,
            };
        }
        Ok(self)
    }

    /// One setting: its name, then its values.
    fn with(self, words: &[String], place: &str) -> Result<ServerConfig, ConfigError> {
        let line = words.join(" ");
        let place = place.to_owned();
        self.with_setting(words)
            .map_err(|why| ConfigError { place, line, why })
    }

    fn with_setting(mut self, words: &[String]) -> Result<ServerConfig, String> {
        let (name, values) = words.split_first().ok_or("a setting without a name")?;
        let name = name.to_ascii_lowercase();
        let value = values.join(" ");
        match name.as_str() {
            "port" => self.port = number(&value)?,
            "bind" => self.bind = binds(values)?,
            "unixsocket" => {
                self.unix_socket = Some(value)
                    .filter(|path| !path.is_empty())
                    .map(PathBuf::from);
            }
            "unixsocketperm" => {
                let mode = u32::from_str_radix(&value, 8).map_err(|_| "expected an octal mode")?;
                self.unix_mode = Some(mode);
            }
            "user" => self.engine = self.engine.user(&value),
            "save" => self = self.with_save(value)?,
            "tcp-backlog" => self.backlog = number(&value)?,
            "io-threads" => self.threads = number::<usize>(&value)?.max(1),
            "maxclients" => self.client.connections_max = number(&value)?,
            "timeout" => {
                let secs: u64 = number(&value)?;
                self.client.idle = (secs > 0).then(|| Duration::from_secs(secs));
            }
            "daemonize" if value == "no" => {}
            "daemonize" => return Err("only 'no': let the system's supervisor do it".to_owned()),
            _ => self = self.with_engine_setting(&name, &value)?,
        }
        Ok(self)
    }

    /// Each line of save points adds to those before; an empty one takes them back.
    fn with_save(mut self, points: String) -> Result<ServerConfig, String> {
        match points.trim_matches('"').is_empty() {
            true => self.save.clear(),
            false => self.save.push(points),
        }
        let all = self.save.join(" ");
        self.with_engine_setting("save", &all)
    }

    fn with_engine_setting(self, name: &str, value: &str) -> Result<ServerConfig, String> {
        let engine = self.engine.config(name, value);
        let engine = engine.map_err(|error| explain(&error))?;
        Ok(ServerConfig { engine, ..self })
    }
}

/// Files may include files, this deep.
const INCLUDES_MAX: usize = 16;

fn explain(error: &duramen::ConfigError) -> String {
    match error {
        duramen::ConfigError::Unknown(name) => {
            format!("Bad directive or wrong number of arguments: unknown setting '{name}'")
        }
        other => other.to_string(),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| "argument couldn't be parsed into an integer".to_owned())
}

/// Addresses; `*` is every one there is, and a leading `-` makes one optional.
fn binds(values: &[String]) -> Result<Vec<Bind>, String> {
    values.iter().map(|value| bind(value)).collect()
}

fn bind(value: &str) -> Result<Bind, String> {
    let (optional, value) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let address = match value {
        "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        "::*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => value
            .parse()
            .map_err(|_| format!("'{value}' is not an address"))?,
    };
    Ok(Bind { address, optional })
}

/// Splits `--name value ... --name ...`; `"--name value"` in one argument counts as well.
fn settings_of(args: &[String]) -> Vec<Vec<String>> {
    let mut settings: Vec<Vec<String>> = Vec::new();
    for arg in args {
        match arg.strip_prefix("--") {
            Some(setting) if !setting.is_empty() => {
                settings.push(setting.split_whitespace().map(str::to_owned).collect());
            }
            _ => match settings.last_mut() {
                Some(setting) => setting.push(arg.clone()),
                None => settings.push(vec![arg.clone()]),
            },
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<ServerConfig, ConfigError> {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        ServerConfig::from_args(&args)
    }

    #[test]
    fn flags_are_those_of_redis_server() {
        let config =
            parse("--port 7001 --bind 127.0.0.1 -::1 --save 900 1 --appendonly no").unwrap();
        let addresses: Vec<_> = config.addresses().collect();
        assert_eq!(addresses[0], ("127.0.0.1:7001".parse().unwrap(), false));
        assert_eq!(addresses[1], ("[::1]:7001".parse().unwrap(), true));
        assert!(parse("--port 0").unwrap().addresses().next().is_none());
    }

    #[test]
    fn an_unknown_setting_is_named() {
        let error = parse("--nosuch 1").unwrap_err().to_string();
        assert!(error.contains("nosuch"), "{error}");
        assert!(parse("--port x").is_err());
        assert!(parse("--daemonize yes").is_err());
    }

    #[test]
    fn save_points_add_up_until_an_empty_line() {
        let config = parse("--save 900 1 --save 300 10").unwrap();
        assert_eq!(config.save, ["900 1", "300 10"]);
        let args = ["--save", "900 1", "--save", "", "--save", "60 5"].map(str::to_owned);
        assert_eq!(ServerConfig::from_args(&args).unwrap().save, ["60 5"]);
        assert!(parse("--save 900").is_err());
    }

    #[test]
    fn a_mode_alone_is_no_socket() {
        let config = parse("--unixsocketperm 770").unwrap();
        assert_eq!(config.unix_socket(), None);
        let config = parse("--unixsocketperm 770 --unixsocket s").unwrap();
        let (path, mode) = (Path::new("s"), Some(0o770));
        assert_eq!(config.unix_socket(), Some(UnixSocket { path, mode }));
    }

    #[test]
    fn a_setting_may_come_in_one_argument_or_without_a_value() {
        let args = ["--save", "--port 7002"].map(str::to_owned);
        assert_eq!(
            settings_of(&args),
            [vec!["save".to_owned()], vec!["port".into(), "7002".into()]]
        );
    }
}
