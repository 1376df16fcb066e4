//! The command line.

use crate::inspect::args::InspectArgs;
use crate::inspect::tool_args::{
    ConvertArgs, DiffArgs, GetArgs, MergeArgs, RedactArgs, RepairArgs, SplitArgs,
};
use crate::inspect::what_if::WhatIfArgs;
use crate::restore::RestoreArgs;
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Opens data directories of Redis and Valkey in its own process.
#[derive(Debug, Parser)]
#[command(
    name = "duramen",
    version,
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES
)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    shell: ShellArgs,
    #[command(subcommand)]
    action: Option<Action>,
}

const EXAMPLES: &str = "\
Without a subcommand it is a shell.

Examples:
  duramen                              a shell on ./duramen-data, made if it is not there
  duramen /var/lib/redis               a shell on what a server left behind
  duramen my-data GET greeting         one command; exit code 1 if it fails
  echo 'KEYS *' | duramen my-data      commands from a pipe, one a line
  duramen --read-only --json my-data HGETALL user:1
  duramen --config rdb-target=redis-7.0 my-data
  duramen serve --port 7000 --dir my-data
  duramen inspect dump.rdb             what is in it, and what takes the memory
  duramen check my-data                is every file sound? exit code 0, 1 or 2
  duramen restore my-data --list       which points in time can be had";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Run commands on a data directory, from a terminal, a pipe or the command line
    Shell(ShellArgs),
    /// Serve a data directory over RESP, with redis-server's flags and configuration file
    #[command(disable_help_flag = true)]
    Serve(ServeArgs),
    /// Say what is in an RDB or append-only file: summary, report, or its keys in several formats
    Inspect(InspectArgs),
    /// Look one key of an RDB file up, through an index
    Get(GetArgs),
    /// Say which keys differ between two RDB files
    Diff(DiffArgs),
    /// Write an RDB file for another server or version
    Convert(ConvertArgs),
    /// Make one RDB file of several
    Merge(MergeArgs),
    /// Make an RDB file for each database or range of slots
    Split(SplitArgs),
    /// Write an RDB file with other names and values of the same shapes
    Redact(RedactArgs),
    /// Save what is whole in a damaged RDB file
    Repair(RepairArgs),
    /// Say what of a file would fit into how much memory
    WhatIf(WhatIfArgs),
    /// Say whether RDB and append-only files are sound, and where not
    Check(CheckArgs),
    /// Make a data directory of what another was at a time or an offset
    Restore(RestoreArgs),
}

/// Of the shell.
#[derive(Debug, Args)]
pub(crate) struct ShellArgs {
    /// The data directory; it is made if it is not there
    #[arg(default_value = "./duramen-data")]
    pub(crate) dir: PathBuf,

    /// One command to run instead of reading some: its name and arguments
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    pub(crate) words: Vec<OsString>,

    /// One command to run, as a line to be split as at the prompt; may be repeated
    #[arg(
        short = 'c',
        long = "command",
        value_name = "LINE",
        conflicts_with = "words"
    )]
    pub(crate) lines: Vec<OsString>,

    /// The database to begin in
    #[arg(short = 'n', value_name = "DB", default_value_t = 0)]
    pub(crate) db: u32,

    /// Replies in the shapes of RESP3: maps, sets, doubles
    #[arg(short = '3', long)]
    pub(crate) resp3: bool,

    /// Replies as JSON, in the shapes of RESP3
    #[arg(long, group = "look")]
    pub(crate) json: bool,

    /// As --json, with bytes that are not printable ASCII as \xHH
    #[arg(long, group = "look")]
    pub(crate) quoted_json: bool,

    /// Replies as bare text, as when the output is not a terminal
    #[arg(long, group = "look")]
    pub(crate) raw: bool,

    /// Replies for people, even if the output is not a terminal
    #[arg(long, group = "look")]
    pub(crate) no_raw: bool,

    /// Take no lock and write nothing
    #[arg(long)]
    pub(crate) read_only: bool,

    /// A setting, by its name in redis.conf; may be repeated
    #[arg(long = "config", value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,
}

/// Of the server.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// redis-server's arguments: a configuration file, then --setting value ...
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) settings: Vec<String>,
}

/// Of the check.
#[derive(Debug, Args)]
#[command(after_help = CHECK_HELP)]
pub(crate) struct CheckArgs {
    /// RDB files, append-only files, manifests, or data directories
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// The findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const CHECK_HELP: &str = "\
Nothing is loaded and nothing is written: files are read in blocks.

Exit code: 0 all is sound, 1 something is damaged, 2 something could not be read.

Examples:
  duramen check dump.rdb
  duramen check /var/lib/redis         every .rdb file in it and its append-only file
  duramen check --json appendonlydir";

impl CommandLine {
    /// What is to be done; a shell if nothing is said.
    pub(crate) fn action(self) -> Action {
        self.action.unwrap_or(Action::Shell(self.shell))
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected NAME=VALUE".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn action(line: &str) -> Action {
        let words = line.split_whitespace();
        CommandLine::try_parse_from(words).unwrap().action()
    }

    fn shell(line: &str) -> ShellArgs {
        match action(line) {
            Action::Shell(args) => args,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_declaration_makes_sense() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_shell_needs_no_name() {
        assert_eq!(shell("duramen").dir, PathBuf::from("./duramen-data"));
        assert_eq!(shell("duramen some/dir").dir, PathBuf::from("some/dir"));
        assert_eq!(
            shell("duramen --json shell/dir").dir,
            PathBuf::from("shell/dir")
        );
        assert_eq!(shell("duramen shell check").dir, PathBuf::from("check"));
        let args = shell("duramen dir SET check -1 --json");
        assert_eq!(args.words, ["SET", "check", "-1", "--json"]);
        assert!(!args.json);
    }

    #[test]
    fn subcommands_take_what_follows() {
        let Action::Serve(args) = action("duramen serve --port 7000 --help --dir x") else {
            panic!("not served");
        };
        assert_eq!(args.settings, ["--port", "7000", "--help", "--dir", "x"]);
        assert!(matches!(action("duramen check --json a b"), Action::Check(args) if args.json));
        let args = shell("duramen shell -n 3 --config save= --config rdb-target=valkey-9 dir");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            args.settings,
            [pair("save", ""), pair("rdb-target", "valkey-9")]
        );
        assert_eq!(args.db, 3);
    }
}
