//! Huge pages, once there is much to put into them.
//!
//! The allocator asks the system for huge pages (2 MiB), which make lookups in many gigabytes
//! faster by a tenth and more. But its blocks lie apart by size and thread, so a small server would
//! take several MB of them that hold next to nothing: half of what it takes in all.

#[cfg(target_os = "linux")]
use nix::sys::prctl;

/// What the process takes when huge pages are worth it, in bytes.
const WORTH_BYTES: usize = 64 << 20;

/// Whether the system may give the process huge pages. What it has of them it keeps.
pub(crate) struct HugePages {
    refused: bool,
}

impl HugePages {
    /// As for a process that takes `resident` bytes.
    pub(crate) fn start(resident: usize) -> HugePages {
        HugePages {
            refused: resident < WORTH_BYTES && refuse(true),
        }
    }

    /// Allows them from when they are worth it.
    pub(crate) fn note(&mut self, resident: usize) {
        if self.refused && resident >= WORTH_BYTES {
            self.refused = !refuse(false);
        }
    }
}

/// Whether the system did so.
#[cfg(target_os = "linux")]
fn refuse(refuse: bool) -> bool {
    prctl::set_thp_disable(refuse).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn refuse(_: bool) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn they_are_refused_until_there_is_much() {
        let refused = || prctl::get_thp_disable().expect("Linux tells");
        let mut pages = HugePages::start(WORTH_BYTES - 1);
        assert!(refused());
        pages.note(WORTH_BYTES - 1);
        assert!(refused());
        pages.note(WORTH_BYTES);
        assert!(!refused());
        pages.note(0);
        assert!(!refused());
        HugePages::start(WORTH_BYTES).note(WORTH_BYTES);
        assert!(!refused());
    }
}
