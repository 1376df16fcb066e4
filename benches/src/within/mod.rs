//! The engine within a process, without a server. Each task has a process of its own: this program,
//! started again, so that memory is counted from nothing.
//!
//! Needs the feature `in-process`; without it there are no figures.

#[cfg(feature = "in-process")]
mod engine;
#[cfg(feature = "in-process")]
mod tasks;

use crate::{Outcome, ballast::Ballast, workload::Workload};

/// Says to the program, started again, what it is to measure.
const TASK: &str = "BENCHES_TASK";

/// The figures of latencies, in microseconds or how many: by the wall's clock, then by the thread's,
/// which counts page faults, but stands still while the thread waits or others run.
pub(crate) const LATENCY: [&str; 8] = [
    "p50",
    "p99",
    "p99.9",
    "p99.99",
    "max",
    "above 1 ms",
    "own time: max",
    "own time: above 1 ms",
];

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Task {
    /// [`LATENCY`] of adding so many keys.
    Growth(u64),
    /// Freezes at a twentieth, a quarter and all of so many keys: p50 and max of each, in
    /// microseconds.
    Freeze(u64),
    /// Writes to so many things, first without a view, then under one view after the other: for each
    /// [`LATENCY`], writes a second, most extra memory in MB, and seconds that a view was read.
    Views(Workload, u64),
    /// [`LATENCY`] of filling the same few KiB: what the machine by itself does to an operation.
    Machine,
}

impl Task {
    fn words(self) -> String {
        match self {
            Task::Growth(keys) => format!("growth {keys}"),
            Task::Freeze(keys) => format!("freeze {keys}"),
            Task::Views(workload, count) => format!("{} {count}", workload.label()),
            Task::Machine => "machine 0".to_owned(),
        }
    }

    #[cfg(any(test, feature = "in-process"))]
    fn of_words(words: &str) -> Option<Task> {
        let (name, count) = words.rsplit_once(' ')?;
        let count = count.parse().ok()?;
        let named = |workload: &Workload| workload.label() == name;
        match name {
            "growth" => Some(Task::Growth(count)),
            "freeze" => Some(Task::Freeze(count)),
            "machine" => Some(Task::Machine),
            _ => {
                let workload = Workload::ALL.into_iter().find(named)?;
                Some(Task::Views(workload, count))
            }
        }
    }
}

/// The figures of a task, of a process that this starts and waits for; `None` where no engine is
/// linked. It grows into so many bytes of touched memory.
pub(crate) fn figures(task: Task, ballast: usize) -> Outcome<Option<Vec<f64>>> {
    if !cfg!(feature = "in-process") {
        return Ok(None);
    }
    let ballast = Ballast::hold(ballast)?;
    let mut program = std::process::Command::new(std::env::current_exe()?);
    let process = program
        .env(TASK, task.words())
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    ballast.follow(process.id());
    let output = process.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("{task:?} ended with {}", output.status).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let figures: Result<_, _> = text.split_whitespace().map(str::parse).collect();
    Ok(Some(figures?))
}

/// Does the task that this process was started for, and prints its figures; `false` if it was
/// started for none.
#[cfg(feature = "in-process")]
pub(crate) fn did_task() -> Outcome<bool> {
    let Ok(words) = std::env::var(TASK) else {
        return Ok(false);
    };
    let task = Task::of_words(&words).ok_or(format!("{words} is no task"))?;
    for figure in tasks::run(task)? {
        println!("{figure}");
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_survive_being_told() {
        let views = Workload::ALL.map(|workload| Task::Views(workload, 5));
        for task in [Task::Growth(1), Task::Freeze(2), Task::Machine]
            .into_iter()
            .chain(views)
        {
            assert_eq!(Task::of_words(&task.words()), Some(task));
        }
        assert_eq!(Task::of_words("growth"), None);
    }
}
