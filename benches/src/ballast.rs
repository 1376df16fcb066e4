//! Memory that was touched already, for what is measured to grow into.
//!
//! The first touch of a page in a virtual machine may have to go to the host, which costs thousands
//! of times what a later one does, and 512 times that where pages are huge. So that a latency tells
//! of the program and not of the host, memory is touched beforehand, held, and given back a little
//! ahead of the process that is measured, before the system returns it to the host.

use std::{fs, thread, time::Duration};

use memmap2::MmapMut;

use crate::Outcome;

/// Bytes that are given back at once.
const CHUNK: usize = 4 << 20;
/// Bytes that are free ahead of the process: few, since the system returns to the host within two
/// seconds what nobody takes.
const AHEAD: usize = 32 << 20;
/// How often the size of the process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// Memory that is held and was touched.
pub(crate) struct Ballast {
    chunks: Vec<MmapMut>,
}

impl Ballast {
    /// Touches and holds so many bytes, in whole chunks.
    pub(crate) fn hold(bytes: usize) -> Outcome<Ballast> {
        let touched = |_| {
            let mut chunk = MmapMut::map_anon(CHUNK)?;
            // Given back as it was taken, it serves for huge pages again.
            #[cfg(target_os = "linux")]
            chunk.advise(memmap2::Advice::HugePage)?;
            chunk.fill(1);
            Ok(chunk)
        };
        let chunks = (0..bytes / CHUNK).map(touched).collect::<Outcome<_>>()?;
        Ok(Ballast { chunks })
    }

    /// Gives back as the process grows, on a thread that ends with the process or the memory.
    pub(crate) fn follow(mut self, process: u32) {
        let total = self.chunks.len() * CHUNK;
        thread::spawn(move || {
            while !self.chunks.is_empty()
                && let Some(resident) = resident(process)
            {
                self.chunks.truncate(kept(total, resident));
                thread::sleep(LOOK_EVERY);
            }
        });
    }
}

/// How many chunks of `total` bytes stay when a process takes `resident` bytes.
fn kept(total: usize, resident: usize) -> usize {
    total.saturating_sub(resident + AHEAD) / CHUNK
}

/// Resident memory of a process in bytes, unless it is gone.
fn resident(process: u32) -> Option<usize> {
    let pages = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let pages: usize = pages.split(' ').nth(1)?.parse().ok()?;
    // A process that ended but was not waited for takes nothing.
    (pages > 0).then_some(pages * 4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_ahead_of_the_process() {
        let total = 100 * CHUNK;
        assert_eq!(kept(total, 0), 100 - AHEAD / CHUNK);
        assert_eq!(kept(total, CHUNK + 1), 100 - AHEAD / CHUNK - 2);
        assert_eq!(kept(total, total), 0);
    }

    #[test]
    fn a_process_has_a_size() {
        assert!(resident(std::process::id()).is_some_and(|bytes| bytes > 0));
        assert_eq!(
            Ballast::hold(2 * CHUNK + 1).expect("memory").chunks.len(),
            2
        );
    }
}
