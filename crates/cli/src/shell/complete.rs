//! Help while typing: names of commands to complete, and the syntax of the one that was named.

use super::docs::{Doc, Docs};
use rustyline::Context;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::Validator;
use std::borrow::Cow;

/// Knows the commands.
pub(super) struct Helper {
    docs: Docs,
}

impl Helper {
    pub(super) fn new(docs: Docs) -> Helper {
        Helper { docs }
    }

    /// The command that a line begins with, how many of its words are the name, and what is known
    /// of it. The container's subcommand counts if it is there.
    pub(super) fn find(&self, words: &[String]) -> Option<(usize, &Doc)> {
        let name = words.first()?.to_ascii_uppercase();
        let subcommand = words
            .get(1)
            .map(|word| format!("{name} {}", word.to_ascii_uppercase()));
        let subcommand = subcommand.and_then(|name| self.docs.get(&name));
        subcommand
            .map(|doc| (2, doc))
            .or_else(|| self.docs.get(&name).map(|doc| (1, doc)))
    }

    /// What is known of the command that `words` name.
    pub(super) fn help(&self, words: &[String]) -> Option<String> {
        let (name_words, doc) = self.find(words)?;
        let name = words.get(..name_words)?.join(" ").to_ascii_uppercase();
        let syntax = doc.syntax.join(" ");
        let (summary, since) = (&doc.summary, &doc.since);
        Some(format!(
            "\n  {name} {syntax}\n  summary: {summary}\n  since: {since}\n\n"
        ))
    }

    /// Names that go on from what was typed, in capitals if that was. A blank follows if more is to
    /// be typed.
    fn names(&self, typed: &str) -> Vec<String> {
        let wanted = typed.to_ascii_uppercase();
        let words = wanted.split(' ').count();
        let small = typed.bytes().any(|byte| byte.is_ascii_lowercase());
        self.docs
            .iter()
            .filter(|(name, _)| name.starts_with(&wanted) && name.split(' ').count() == words)
            .map(|(name, doc)| {
                let more = if self.expects_more(name, doc) {
                    " "
                } else {
                    ""
                };
                match small {
                    true => name.to_ascii_lowercase() + more,
                    false => format!("{name}{more}"),
                }
            })
            .collect()
    }

    fn expects_more(&self, name: &str, doc: &Doc) -> bool {
        let inside = format!("{name} ");
        let next = self.docs.range(inside.clone()..).next();
        !doc.syntax.is_empty() || next.is_some_and(|(name, _)| name.starts_with(&inside))
    }

    /// What of the syntax is still to be typed.
    fn rest_of_syntax(&self, line: &str) -> Option<String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let (name_words, doc) = self.find(&words)?;
        let given = words.len() - name_words;
        // What repeats may always go on.
        let repeats = doc.syntax.last().is_some_and(|last| last.ends_with("...]"));
        let last = doc.syntax.len().saturating_sub(usize::from(repeats));
        let rest = doc.syntax.get(given.min(last)..)?;
        let ends_in_blank = line.ends_with([' ', '\t']);
        let gap = if ends_in_blank { "" } else { " " };
        (!rest.is_empty()).then(|| format!("{gap}{}", rest.join(" ")))
    }
}

impl Completer for Helper {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line.get(..pos).unwrap_or_default();
        let begin = typed.len() - typed.trim_start().len();
        Ok((begin, self.names(typed.trim_start())))
    }
}

impl Hinter for Helper {
    type Hint = Syntax;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<Syntax> {
        let at_end = pos == line.len();
        at_end
            .then(|| self.rest_of_syntax(line))
            .flatten()
            .map(Syntax)
    }
}

/// A hint that is only looked at.
pub(super) struct Syntax(String);

impl Hint for Syntax {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Highlighter for Helper {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[90m{hint}\x1b[0m"))
    }
}

impl Validator for Helper {}

impl rustyline::Helper for Helper {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::docs;
    use duramen::Engine;

    fn helper() -> Helper {
        Helper::new(docs::read(&Engine::open_in_memory()))
    }

    #[test]
    fn names_are_completed_in_the_case_they_were_begun_in() {
        let helper = helper();
        assert_eq!(helper.names("GETRA"), ["GETRANGE "]);
        assert_eq!(helper.names("getra"), ["getrange "]);
        assert_eq!(helper.names("object enc"), ["object encoding "]);
        assert_eq!(helper.names("objec"), ["object "]);
        assert_eq!(helper.names("DBS"), ["DBSIZE"]);
        assert!(helper.names("OBJECT ").len() > 2);
        assert!(helper.names("GET k").is_empty());
        assert!(helper.names("nosuch").is_empty());
    }

    #[test]
    fn hints_shrink_as_arguments_are_typed() {
        let helper = helper();
        let hint = |line: &str| helper.rest_of_syntax(line);
        assert_eq!(hint("get").as_deref(), Some(" key"));
        assert_eq!(hint("GET ").as_deref(), Some("key"));
        assert_eq!(hint("GET k"), None);
        assert_eq!(hint("LRANGE l").as_deref(), Some(" start stop"));
        assert_eq!(hint("LRANGE l 0 ").as_deref(), Some("stop"));
        assert_eq!(hint("OBJECT ENCODING ").as_deref(), Some("key"));
        assert_eq!(hint("DEL a b c ").as_deref(), Some("[key ...]"));
        assert_eq!(hint("nosuch "), None);
        assert_eq!(hint(""), None);
    }
}
