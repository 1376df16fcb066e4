//! How a script ends that does not end well.

use std::fmt;

/// A script that failed: what was raised and nobody caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The error line, code first.
    pub line: Vec<u8>,
    /// Where it was raised, if in Lua.
    pub place: Option<Place>,
}

/// A line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The chunk, as in `@user_script`.
    pub source: String,
    /// The line in it, from 1.
    pub line: i64,
}

impl Failure {
    /// A failure without a place; `text` gets `ERR ` in front.
    pub(crate) fn err(text: impl fmt::Display) -> Failure {
        Failure {
            line: format!("ERR {text}").into_bytes(),
            place: None,
        }
    }

    /// The line that Redis answers for the failure of the script or function `name`.
    pub fn reply(&self, name: &str) -> Vec<u8> {
        let mut line = self.line.clone();
        if let Some(place) = &self.place {
            let Place { source, line: at } = place;
            line.extend_from_slice(format!(" script: {name}, on {source}:{at}.").as_bytes());
        }
        line
    }
}
