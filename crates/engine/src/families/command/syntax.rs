//! The arguments of a command as `COMMAND DOCS` describes them, read from its line of syntax.
//!
//! The line is in the notation of the Redis manual: `key value [NX | XX] [EX seconds]`. A word in
//! capitals is a literal token, brackets are optional, `<` and `>` only hold together, `|` separates
//! alternatives, and `...` repeats what stands before it.

use commands::ReplySink;

/// One argument, or a group of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Argument {
    name: String,
    token: Option<String>,
    shape: Shape,
    optional: bool,
    multiple: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Value,
    PureToken,
    Block(Vec<Argument>),
    OneOf(Vec<Argument>),
}

/// The arguments that `syntax` speaks of. A line that makes no sense gives fewer of them.
pub(super) fn parse(syntax: &str) -> Vec<Argument> {
    let marks = ["[", "]", "<", ">", "|"];
    let spaced = marks.iter().fold(syntax.to_owned(), |line, mark| {
        line.replace(mark, &format!(" {mark} "))
    });
    let words: Vec<&str> = spaced.split_whitespace().collect();
    alternatives(&mut words.as_slice())
}

/// Reads up to a closing bracket or the end.
fn alternatives(words: &mut &[&str]) -> Vec<Argument> {
    let mut choices = vec![Vec::new()];
    while let Some((&word, rest)) = words.split_first() {
        if word == "]" || word == ">" {
            break;
        }
        *words = rest;
        let current = choices.last_mut().expect("there is always one");
        match word {
            "|" => choices.push(Vec::new()),
            "..." => current.iter_mut().last().into_iter().for_each(repeat),
            "[" => push_optional(current, bracketed(words)),
            "<" => push_group(current, one(bracketed(words))),
            _ => push_word(current, word),
        }
    }
    if choices.len() == 1 {
        return choices.remove(0);
    }
    let choices: Vec<Argument> = choices.into_iter().filter_map(one).collect();
    if choices.is_empty() {
        return choices;
    }
    vec![group(Shape::OneOf(choices))]
}

/// Reads to the closing bracket, and past it.
fn bracketed(words: &mut &[&str]) -> Vec<Argument> {
    let inside = alternatives(words);
    *words = words.split_first().map_or(&[][..], |(_, rest)| rest);
    inside
}

/// `[field value ...]` behind `field value` says that there may be more of the same.
fn push_optional(current: &mut Vec<Argument>, inside: Vec<Argument>) {
    let repeats = inside.last().is_some_and(|last| last.multiple);
    let Some(start) = current.len().checked_sub(inside.len()).filter(|_| repeats) else {
        return current.extend(optional(inside));
    };
    let names = |arguments: &[Argument]| -> Vec<String> {
        arguments
            .iter()
            .map(|argument| argument.name.clone())
            .collect()
    };
    if names(&current[start..]) != names(&inside) {
        return current.extend(optional(inside));
    }
    current.truncate(start);
    let single = inside.into_iter().map(|argument| Argument {
        multiple: false,
        ..argument
    });
    let repeated = one(single.collect()).map(|argument| Argument {
        multiple: true,
        ..argument
    });
    current.extend(repeated);
}

fn optional(inside: Vec<Argument>) -> Option<Argument> {
    one(inside).map(|argument| Argument {
        optional: true,
        ..argument
    })
}

fn repeat(argument: &mut Argument) {
    argument.multiple = true;
}

/// A group behind a token is the token's value, as in `AGGREGATE <SUM | MIN>`.
fn push_group(current: &mut Vec<Argument>, group: Option<Argument>) {
    match (current.last_mut(), group) {
        (Some(last), Some(group)) if last.awaits_value() => last.shape = group.shape,
        (_, group) => current.extend(group),
    }
}

/// `MAXLEN`, `DIFF1`, `LIB-VER`, `~`.
fn is_token(word: &str) -> bool {
    let mark = |c: char| c.is_ascii_uppercase() || "-=~*$".contains(c);
    word.starts_with(mark) && word.chars().all(|c| mark(c) || c.is_ascii_digit())
}

/// A word behind a token is the token's value; any other stands for itself.
fn push_word(current: &mut Vec<Argument>, word: &str) {
    let name = word.to_ascii_lowercase();
    let plain = |token, shape| Argument {
        name,
        token,
        shape,
        optional: false,
        multiple: false,
    };
    if is_token(word) {
        current.push(plain(Some(word.to_owned()), Shape::PureToken));
        return;
    }
    match current.last_mut() {
        Some(last) if last.awaits_value() => {
            last.shape = Shape::Value;
            last.name = word.to_owned();
        }
        _ => current.push(plain(None, Shape::Value)),
    }
}

/// Several arguments as one: a block.
fn one(mut arguments: Vec<Argument>) -> Option<Argument> {
    match arguments.len() {
        0 => None,
        1 => arguments.pop(),
        _ => Some(group(Shape::Block(arguments))),
    }
}

fn group(shape: Shape) -> Argument {
    let members = match &shape {
        Shape::Block(members) | Shape::OneOf(members) => members.as_slice(),
        _ => &[],
    };
    let name = members
        .first()
        .map_or_else(String::new, |first| first.name.clone());
    Argument {
        name,
        token: None,
        shape,
        optional: false,
        multiple: false,
    }
}

impl Argument {
    /// Whether it is a token, of which what follows may be the value.
    fn awaits_value(&self) -> bool {
        self.shape == Shape::PureToken && !self.optional
    }

    fn kind(&self) -> &'static str {
        match &self.shape {
            Shape::PureToken => "pure-token",
            Shape::Block(_) => "block",
            Shape::OneOf(_) => "oneof",
            Shape::Value => match self.name.as_str() {
                "key" | "source" | "destination" | "newkey" => "key",
                "pattern" => "pattern",
                "seconds" | "milliseconds" | "count" | "start" | "stop" | "offset" | "index"
                | "numkeys" | "increment" | "decrement" | "cursor" | "db" => "integer",
                "score" => "double",
                name if name.starts_with("unix-time") => "unix-time",
                _ => "string",
            },
        }
    }

    /// Writes the argument as a map.
    pub(super) fn write(&self, reply: &mut dyn ReplySink) {
        let members = match &self.shape {
            Shape::Block(members) | Shape::OneOf(members) => Some(members),
            _ => None,
        };
        let has_flags = self.optional || self.multiple;
        let extra = [self.token.is_some(), has_flags, members.is_some()];
        reply.map(2 + extra.into_iter().filter(|there| *there).count());
        pair(reply, "name", &self.name);
        pair(reply, "type", self.kind());
        if let Some(token) = &self.token {
            pair(reply, "token", token);
        }
        if has_flags {
            self.write_flags(reply);
        }
        if let Some(members) = members {
            reply.bulk(b"arguments");
            write_all(members, reply);
        }
    }

    fn write_flags(&self, reply: &mut dyn ReplySink) {
        let flags = [(self.optional, "optional"), (self.multiple, "multiple")];
        reply.bulk(b"flags");
        reply.array(flags.iter().filter(|(set, _)| *set).count());
        flags
            .iter()
            .filter(|(set, _)| *set)
            .for_each(|(_, name)| reply.simple(name));
    }
}

/// Writes the arguments as an array of maps.
pub(super) fn write_all(arguments: &[Argument], reply: &mut dyn ReplySink) {
    reply.array(arguments.len());
    arguments.iter().for_each(|argument| argument.write(reply));
}

fn pair(reply: &mut dyn ReplySink, name: &str, value: &str) {
    reply.bulk(name.as_bytes());
    reply.bulk(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(arguments: &[Argument]) -> String {
        let show = |argument: &Argument| {
            let inside = match &argument.shape {
                Shape::Block(members) => format!("({})", shown(members)),
                Shape::OneOf(members) => format!("<{}>", shown(members)),
                _ => argument.name.clone(),
            };
            let token = argument
                .token
                .as_deref()
                .map_or(String::new(), |t| format!("{t}="));
            let more = if argument.multiple { "+" } else { "" };
            let maybe = if argument.optional { "?" } else { "" };
            format!("{token}{inside}{more}{maybe}")
        };
        arguments.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lines_of_the_manual_become_trees() {
        assert_eq!(shown(&parse("key value")), "key value");
        assert_eq!(shown(&parse("key [key ...]")), "key+");
        assert_eq!(shown(&parse("key [value ...]")), "key value+?");
        assert_eq!(
            shown(&parse("key field value [field value ...]")),
            "key (field value)+"
        );
        assert_eq!(
            shown(&parse("key [NX | XX] [GET] [EX seconds | KEEPTTL]")),
            "key <NX=nx XX=xx>? GET=get? <EX=seconds KEEPTTL=keepttl>?"
        );
        assert_eq!(
            shown(&parse("key [LIMIT offset count]")),
            "key (LIMIT=offset count)?"
        );
        assert_eq!(
            shown(&parse("<AND | DIFF1> destkey [AGGREGATE <SUM | MIN>]")),
            "<AND=and DIFF1=diff1> destkey AGGREGATE=<SUM=sum MIN=min>?"
        );
        assert_eq!(
            shown(&parse("key [<MAXLEN | MINID> [= | ~] threshold] <* | id>")),
            "key (<MAXLEN=maxlen MINID=minid> <=== ~=~>? threshold)? <*=* id>"
        );
        assert_eq!(shown(&parse("[[[")), "");
        assert_eq!(shown(&parse("<<|]>")), "");
    }
}
