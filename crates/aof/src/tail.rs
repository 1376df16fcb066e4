use std::fmt;

/// How a log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Offset in the file behind the last thing that counts. Appending goes on here, after the file
    /// was cut to this length.
    pub valid_up_to: u64,
    /// Length of the file in bytes.
    pub file_len: u64,
    /// Why the two differ, if they do.
    pub reason: TailReason,
}

/// What is wrong with the end of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TailReason {
    /// Nothing.
    Whole,
    /// The last command is cut short, or claims more than the file holds.
    TornCommand,
    /// A MULTI has no EXEC; the cut is in front of the MULTI.
    OpenMulti,
    /// An annotation is cut short.
    TornAnnotation,
    /// NUL bytes up to the end.
    Nuls,
    /// A batch does not match its checksum, and nothing says that it was on disk once.
    TornBatch,
}

impl Tail {
    /// True if nothing need be cut.
    pub fn is_whole(&self) -> bool {
        self.reason == TailReason::Whole
    }

    /// How many bytes do not count.
    pub fn bytes_cut(&self) -> u64 {
        self.file_len.saturating_sub(self.valid_up_to)
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.reason {
            TailReason::Whole => return write!(f, "whole, {} bytes", self.file_len),
            TailReason::TornCommand => "the last command is cut short",
            TailReason::OpenMulti => "a MULTI has no EXEC",
            TailReason::TornAnnotation => "an annotation is cut short",
            TailReason::TornBatch => "the last batch does not match its checksum",
            TailReason::Nuls => "NUL bytes up to the end",
        };
        let (at, cut) = (self.valid_up_to, self.bytes_cut());
        write!(
            f,
            "{what}: the last {cut} bytes, from offset {at} on, do not count"
        )
    }
}
