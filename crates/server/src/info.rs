//! What the process adds to `INFO`, and the clock of its rates.

use duramen::{Engine, InfoLine};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

/// Has the engine ask for what only the process knows.
pub(crate) fn tell(engine: &Engine) {
    engine.on_info(|section| match section {
        "CPU" => cpu(),
        _ => Vec::new(),
    });
}

/// Seconds that the process and those that it started worked, in the kernel and outside.
fn cpu() -> Vec<InfoLine> {
    let mut lines = Vec::new();
    let both = [
        (UsageWho::RUSAGE_SELF, ["used_cpu_sys", "used_cpu_user"]),
        (
            UsageWho::RUSAGE_CHILDREN,
            ["used_cpu_sys_children", "used_cpu_user_children"],
        ),
    ];
    for (who, [system, user]) in both {
        if let Ok(usage) = getrusage(who) {
            lines.push((system, seconds(usage.system_time())));
            lines.push((user, seconds(usage.user_time())));
        }
    }
    lines
}

fn seconds(time: TimeVal) -> String {
    let micros = time.num_microseconds();
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
