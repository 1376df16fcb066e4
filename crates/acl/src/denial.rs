/// Why a request is not allowed. Of the denials of several selectors the greatest is told: the one
/// that came closest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    /// The command itself.
    Command,
    /// The key at this index of the arguments.
    Key(usize),
    /// The channel at this index of the arguments.
    Channel(usize),
}
