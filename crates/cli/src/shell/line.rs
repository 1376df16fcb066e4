//! What a line means.

/// A line that was typed or piped in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Nothing to do.
    Blank,
    /// The end of the conversation.
    Exit,
    /// A quote is not closed, or something follows a closing one.
    Invalid,
    /// A command and its arguments.
    Command(Vec<Vec<u8>>),
}

impl Line {
    /// Reads a line by `redis-cli`'s rules; `#` means nothing special.
    pub(super) fn of(text: &[u8]) -> Line {
        let Ok(words) = resp::split_words(text) else {
            return Line::Invalid;
        };
        match words.as_slice() {
            [] => Line::Blank,
            [word] if is_one_of(word, &["exit", "quit"]) => Line::Exit,
            _ => Line::Command(words),
        }
    }
}

/// Whether `word` is one of `names`, in any case.
pub(super) fn is_one_of(word: &[u8], names: &[&str]) -> bool {
    names
        .iter()
        .any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
}

/// What is said of [`Line::Invalid`].
pub(super) const INVALID: &str = "Invalid argument(s)\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_exit_words_and_hashes() {
        let words = |words: &[&[u8]]| Line::Command(words.iter().map(|w| w.to_vec()).collect());
        assert_eq!(
            Line::of(br#"SET "a b" '\x'"#),
            words(&[b"SET", b"a b", b"\\x"])
        );
        assert_eq!(Line::of(b"# 1"), words(&[b"#", b"1"]));
        assert_eq!(Line::of(b"  \t"), Line::Blank);
        assert_eq!(Line::of(b" QUIT "), Line::Exit);
        assert_eq!(Line::of(b"exit now"), words(&[b"exit", b"now"]));
        assert_eq!(Line::of(b"GET \"a"), Line::Invalid);
    }
}
