//! The command line.

/// What is run, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) command: Command,
    /// Images, runs, or turns.
    pub(crate) count: u64,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Crashes at every operation.
    Crash,
    /// Failures of every call.
    Faults,
    /// Damage to every bit.
    Flips,
}

pub(crate) const USAGE: &str = "\
Usage: sim crash  [--images N] [--seed S] [--threads T]
       sim faults [--runs N] [--seed S] [--threads T]
       sim flips  [--turns N] [--seed S] [--threads T]";

impl Command {
    const ALL: [(&str, Command, &str); 3] = [
        ("crash", Command::Crash, "--images"),
        ("faults", Command::Faults, "--runs"),
        ("flips", Command::Flips, "--turns"),
    ];
}

impl Options {
    pub(crate) fn of(arguments: &[String]) -> Result<Options, String> {
        let (named, flags) = arguments.split_first().ok_or("no command was given")?;
        let known = Command::ALL.iter().find(|(name, ..)| name == named);
        let (_, command, count) = known.ok_or(format!("there is no command {named}"))?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Options {
            command: *command,
            count: 10_000,
            seed: 1,
            threads,
        };
        for pair in flags.chunks(2) {
            let [name, value] = pair else {
                return Err(format!("{} wants a value", pair.concat()));
            };
            let number: u64 = value.parse().map_err(|_| format!("{value} is no number"))?;
            match name.as_str() {
                "--seed" => options.seed = number,
                "--threads" => options.threads = (number as usize).max(1),
                name if name == *count => options.count = number,
                _ => return Err(format!("{named} has no option {name}")),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_counts_in_its_own_unit() {
        let of = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            Options::of(&words)
        };
        let options = of("faults --runs 5 --seed 9 --threads 0").unwrap();
        assert_eq!((options.count, options.seed, options.threads), (5, 9, 1));
        assert_eq!(
            of("crash --runs 5").unwrap_err(),
            "crash has no option --runs"
        );
        assert_eq!(of("crash --images").unwrap_err(), "--images wants a value");
        assert!(of("wash").is_err());
    }
}
