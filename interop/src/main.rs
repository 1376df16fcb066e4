//! `random`: the same random commands to a real server and to ours, until a time is over.

use std::{
    collections::BTreeMap,
    error::Error,
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::{Parser, Subcommand};
use interop::{
    Build, Launch, our_server,
    random::{Allowed, Difference, Duel, Scripts, Step, shrink},
};

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Sends random commands to a real server and to ours, and compares the replies.
    Random(Random),
}

#[derive(Parser)]
struct Random {
    /// The real server: redis-7.0, valkey-9.1, ..
    #[arg(long, default_value = "redis-7.0")]
    peer: String,
    /// How long.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// The first sequence's seed; each further one has the next.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Steps of a sequence.
    #[arg(long, default_value_t = 400)]
    steps: usize,
    /// Our server, or else `DURAMEN_SERVER`, or else one that is built now.
    #[arg(long)]
    server: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let What::Random(random) = Arguments::parse().what;
    let peer = |build: &Build| build.name() == random.peer;
    let build = Build::ALL.into_iter().find(peer).ok_or("no such peer")?;
    let ours = match &random.server {
        Some(path) => path.clone(),
        None => our_server()?,
    };
    let version = match build {
        Build::Redis62 | Build::Redis70 => "7.0",
        Build::Redis82 | Build::Valkey91 => "7.2",
    };
    let mut bout = Bout {
        build,
        theirs: Launch::build(build, build.find()?),
        ours: Launch::new(ours)
            .set("compat-version", version)
            .set("enable-debug-command", "yes"),
        kinds: BTreeMap::new(),
    };
    match bout.run(&random)? {
        0 => Ok(()),
        differences => Err(format!("{differences} kinds of difference").into()),
    }
}

/// Sequences against one peer.
struct Bout {
    build: Build,
    theirs: Launch,
    ours: Launch,
    /// How often each kind of difference was met.
    kinds: BTreeMap<String, usize>,
}

impl Bout {
    /// Runs until the time is over; returns how many kinds of difference there are.
    fn run(&mut self, random: &Random) -> Result<usize, Box<dyn Error>> {
        let (begin, length) = (
            Instant::now(),
            Duration::from_secs_f64(random.minutes * 60.0),
        );
        let mut duel = self.duel()?;
        let mut problem = None;
        let mut scripts = Scripts::new(self.build, |name| match duel.both_know(name) {
            Ok(known) => known,
            Err(error) => {
                problem = Some(error);
                false
            }
        });
        problem.map_or(Ok(()), Err)?;
        let (mut seed, mut commands, mut explained) = (random.seed, 0, 0);
        while begin.elapsed() < length {
            let steps = scripts.script(seed, random.steps);
            match duel.run(&steps) {
                Ok(ran) => {
                    commands += ran.commands;
                    explained += ran.explained;
                    if let Some(difference) = ran.difference {
                        self.show(&mut duel, seed, steps, &difference)?;
                    }
                }
                Err(error) => {
                    self.ended(seed, &error);
                    duel = self.duel()?;
                }
            }
            seed += 1;
        }
        let differences: usize = self.kinds.values().sum();
        println!(
            "{}: {commands} commands in {} sequences from seed {}, {explained} differences \
             explained, {differences} not, of {} kinds",
            self.build,
            seed - random.seed,
            random.seed,
            self.kinds.len()
        );
        Ok(self.kinds.len())
    }

    fn duel(&self) -> io::Result<Duel> {
        Duel::start(self.build, &self.theirs, &self.ours, Allowed::load()?)
    }

    /// Shows a difference as the shortest sequence that has it, the first time that one like it comes.
    fn show(
        &mut self,
        duel: &mut Duel,
        seed: u64,
        mut steps: Vec<Step>,
        difference: &Difference,
    ) -> io::Result<()> {
        let kind = difference.kind();
        let times = self.kinds.entry(kind.clone()).or_default();
        *times += 1;
        if *times > 1 {
            return Ok(());
        }
        steps.truncate(difference.at + 1);
        let mut last = difference.clone();
        let steps = shrink(steps, |steps| {
            let found = duel.run(steps)?.difference;
            let same = found.filter(|found| found.kind() == kind);
            let fails = same.is_some();
            last = same.unwrap_or(last.clone());
            Ok::<_, io::Error>(fails)
        })?;
        println!("== seed {seed}: {:.300}", last.command);
        println!("theirs {:.600}\nours   {:.600}", last.theirs, last.ours);
        for step in &steps {
            println!("  {:.300}", step.to_string());
        }
        Ok(())
    }

    /// Notes a sequence that a server did not survive, or did not answer.
    fn ended(&mut self, seed: u64, error: &io::Error) {
        println!("== seed {seed}: {error}");
        *self.kinds.entry(format!("ended: {error}")).or_default() += 1;
    }
}
