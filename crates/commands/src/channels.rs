use std::ops::Range;

/// Which arguments of a command are channels, and what is done with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Channels {
    /// None of them, or none that takes a right: who listens may stop.
    #[default]
    None,
    /// The first one, to which something is published.
    Publish,
    /// All of them, which are listened to.
    Subscribe,
    /// All of them, patterns of channels which are listened to.
    PatternSubscribe,
    /// Like `Publish`, in a shard.
    ShardPublish,
    /// Like `Subscribe`, in a shard.
    ShardSubscribe,
    /// All of them, which are listened to no longer, in a shard. It takes no right.
    ShardUnsubscribe,
}

impl Channels {
    /// The channels among `argv` which it takes a right to use, and whether they are patterns.
    pub fn of(self, argv: &[&[u8]]) -> (Range<usize>, bool) {
        let end = match self {
            Channels::None | Channels::ShardUnsubscribe => 1,
            Channels::Publish | Channels::ShardPublish => argv.len().min(2),
            _ => argv.len(),
        };
        (1..end, self == Channels::PatternSubscribe)
    }

    /// First, last and step of the arguments that are routed like keys, as `COMMAND INFO` gives
    /// them.
    pub fn routed(self) -> Option<(i64, i64, i64)> {
        match self {
            Channels::ShardPublish => Some((1, 1, 1)),
            Channels::ShardSubscribe | Channels::ShardUnsubscribe => Some((1, -1, 1)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_stand_behind_the_name() {
        let argv: [&[u8]; 3] = [b"x", b"a", b"b"];
        assert_eq!(Channels::Publish.of(&argv), (1..2, false));
        assert_eq!(Channels::PatternSubscribe.of(&argv), (1..3, true));
        assert_eq!(Channels::ShardUnsubscribe.of(&argv), (1..1, false));
    }
}
