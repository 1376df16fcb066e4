//! Patterns of `KEYS`, `SCAN`, `PSUBSCRIBE` and key permissions: `*`, `?`, `[a-z]`, `[^abc]` and
//! `\` before a character that stands for itself.
//!
//! A failed match goes back to the last `*` only: what a `*` further left could take instead, the
//! last one can as well. So the time is at most pattern times text, however many stars there are.

/// Whether the whole of `text` fits `pattern`. Bytes are compared as they are.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    let mut last_star: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some(rest) = pattern.strip_prefix(b"*") {
            pattern = rest;
            last_star = Some((pattern, text));
            if pattern.is_empty() {
                return true;
            }
            continue;
        }
        match (text.split_first(), one(pattern)) {
            (None, None) => return true,
            (Some((&byte, text_left)), Some((single, pattern_left))) if single.fits(byte) => {
                pattern = pattern_left;
                text = text_left;
            }
            _ => {
                let Some((after_star, [_, shorter @ ..])) = last_star else {
                    return false;
                };
                pattern = after_star;
                text = shorter;
                last_star = Some((after_star, shorter));
            }
        }
    }
}

/// What one byte of the text may be.
enum Single<'p> {
    Any,
    Literal(u8),
    /// What stands between the brackets, and whether it was negated.
    Class(&'p [u8], bool),
}

impl Single<'_> {
    fn fits(&self, byte: u8) -> bool {
        match *self {
            Single::Any => true,
            Single::Literal(wanted) => wanted == byte,
            Single::Class(members, negated) => class_has(members, byte) != negated,
        }
    }
}

/// Splits off what the first byte of the text must fit; `None` at the end of the pattern.
fn one(pattern: &[u8]) -> Option<(Single<'_>, &[u8])> {
    Some(match pattern {
        [] => return None,
        [b'?', rest @ ..] => (Single::Any, rest),
        [b'\\', literal, rest @ ..] => (Single::Literal(*literal), rest),
        [b'[', b'^', rest @ ..] => class(rest, true),
        [b'[', rest @ ..] => class(rest, false),
        [literal, rest @ ..] => (Single::Literal(*literal), rest),
    })
}

/// A class up to its `]`; one that is left open ends with the pattern.
fn class(text: &[u8], negated: bool) -> (Single<'_>, &[u8]) {
    let mut end = 0;
    while let Some(&byte) = text.get(end) {
        match (byte, text.get(end + 1), text.get(end + 2)) {
            (b']', ..) => return (Single::Class(&text[..end], negated), &text[end + 1..]),
            (b'\\', Some(_), _) => end += 2,
            (_, Some(b'-'), Some(_)) => end += 3,
            _ => end += 1,
        }
    }
    (Single::Class(text, negated), &[])
}

fn class_has(mut members: &[u8], byte: u8) -> bool {
    loop {
        let (found, rest) = match members {
            [] => return false,
            [b'\\', literal, rest @ ..] => (*literal == byte, rest),
            [a, b'-', b, rest @ ..] => ((*a.min(b)..=*a.max(b)).contains(&byte), rest),
            [literal, rest @ ..] => (*literal == byte, rest),
        };
        if found {
            return true;
        }
        members = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_what_they_say() {
        for (pattern, text, wanted) in [
            ("", "", true),
            ("*", "", true),
            ("*", "abc", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a*b*c", "axbxbxc", true),
            ("h?llo", "hallo", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hello", true),
            ("h[^e]llo", "hello", false),
            ("h[a-e]llo", "hcllo", true),
            ("h[e-a]llo", "hcllo", true),
            ("h\\*llo", "h*llo", true),
            ("h\\*llo", "hallo", false),
            ("[\\]]", "]", true),
            ("[a-]", "-", false),
            ("[abc", "c", true),
            ("a\\", "a\\", true),
            ("foo*", "fo", false),
            ("[]", "a", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                wanted,
                "{pattern} {text}"
            );
        }
    }

    /// A backtracking matcher would need longer than the universe is old.
    #[test]
    fn many_stars_do_not_explode() {
        let pattern = b"a*".repeat(200);
        let text = [b"a".repeat(3000), b"b".to_vec()].concat();
        assert!(matches(&pattern, &text));
        assert!(!matches(&[pattern, b"c".to_vec()].concat(), &text));
    }

    fn reference(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|skip| reference(rest, &text[skip..])),
            _ => one(pattern).is_some_and(|(single, rest)| {
                text.split_first()
                    .is_some_and(|(&byte, left)| single.fits(byte) && reference(rest, left))
            }),
        }
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in r"[ab*?\[\]\\^-]{0,8}", text in "[ab-]{0,8}") {
            proptest::prop_assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                reference(pattern.as_bytes(), text.as_bytes())
            );
        }
    }
}
