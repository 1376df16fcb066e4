//! A reply as a tree, RESP2 and RESP3 alike.

use crate::Error;

/// One reply. Maps are flat: key, value, key, value ...
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A missing value.
    Nil,
    /// A signed integer; RESP3 booleans come as 0 and 1.
    Int(i64),
    /// A RESP3 double.
    Double(f64),
    /// A byte string.
    Bulk(Vec<u8>),
    /// A status line.
    Simple(String),
    /// An error, with its code word in front.
    Error(String),
    /// An array, set or push.
    Array(Vec<Reply>),
    /// A map, flat.
    Map(Vec<Reply>),
}

impl Reply {
    /// The reply that stands at the front of `bytes`, in RESP2 or RESP3.
    pub fn parse(bytes: &[u8]) -> Result<Reply, Error> {
        crate::tcp::parse(bytes)
    }

    /// The bytes of a bulk or status, or of a number's text.
    pub fn into_bytes(self) -> Result<Vec<u8>, Error> {
        match self {
            Reply::Bulk(bytes) => Ok(bytes),
            Reply::Simple(text) => Ok(text.into_bytes()),
            Reply::Int(n) => Ok(n.to_string().into_bytes()),
            Reply::Double(n) => Ok(n.to_string().into_bytes()),
            other => Err(other.unexpected("a string")),
        }
    }

    /// The text of a bulk or status; bytes that are not UTF-8 are replaced.
    pub fn into_text(self) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(&self.into_bytes()?).into_owned())
    }

    /// An integer, or a string that reads as one.
    pub fn integer(&self) -> Result<i64, Error> {
        let parsed = match self {
            Reply::Int(n) => Some(*n),
            Reply::Bulk(bytes) => std::str::from_utf8(bytes).ok().and_then(|t| t.parse().ok()),
            Reply::Simple(text) => text.parse().ok(),
            _ => None,
        };
        parsed.ok_or_else(|| self.unexpected("an integer"))
    }

    /// The elements of an array, set or (flat) map.
    pub fn into_items(self) -> Result<Vec<Reply>, Error> {
        match self {
            Reply::Array(items) | Reply::Map(items) => Ok(items),
            other => Err(other.unexpected("an array")),
        }
    }

    /// The elements of a flat list of pairs, or of a list of two-element arrays.
    pub fn into_pairs(self) -> Result<Vec<(Reply, Reply)>, Error> {
        let items = self.into_items()?;
        if items
            .iter()
            .all(|item| matches!(item, Reply::Array(pair) if pair.len() == 2))
        {
            return items.into_iter().map(pair_of_two).collect();
        }
        let mut items = items.into_iter();
        let mut pairs = Vec::with_capacity(items.len() / 2);
        while let Some(first) = items.next() {
            let second = items
                .next()
                .ok_or_else(|| first.unexpected("a value after it"))?;
            pairs.push((first, second));
        }
        Ok(pairs)
    }

    /// An error saying that this reply is not `expected`.
    pub(crate) fn unexpected(&self, expected: &'static str) -> Error {
        let mut found = format!("{self:?}");
        if let Some((cut, _)) = found.char_indices().nth(200) {
            found.truncate(cut);
        }
        Error::Shape { expected, found }
    }
}

fn pair_of_two(item: Reply) -> Result<(Reply, Reply), Error> {
    let mut two = item.into_items()?.into_iter();
    match (two.next(), two.next()) {
        (Some(first), Some(second)) => Ok((first, second)),
        _ => Err(Reply::Nil.unexpected("a pair")),
    }
}

/// The fields of an XINFO-like reply, taken by name.
pub(crate) struct Fields(Vec<(String, Reply)>);

impl Fields {
    pub(crate) fn of(reply: Reply) -> Result<Fields, Error> {
        let mut items = reply.into_items()?.into_iter();
        let mut fields = Vec::new();
        while let (Some(name), Some(value)) = (items.next(), items.next()) {
            fields.push((name.into_text()?, value));
        }
        Ok(Fields(fields))
    }

    /// Takes the field out; `None` where this server does not tell it.
    pub(crate) fn take(&mut self, name: &str) -> Option<Reply> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Takes out a field that every server tells.
    pub(crate) fn need(&mut self, name: &'static str) -> Result<Reply, Error> {
        self.take(name).ok_or(Error::Shape {
            expected: name,
            found: "no such field".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_flat_and_nested() {
        let bulk = |text: &str| Reply::Bulk(text.into());
        let flat = Reply::Array(vec![bulk("a"), bulk("1")]);
        let nested = Reply::Array(vec![Reply::Array(vec![bulk("a"), bulk("1")])]);
        let want = vec![(bulk("a"), bulk("1"))];
        assert_eq!(flat.into_pairs().ok(), Some(want.clone()));
        assert_eq!(nested.into_pairs().ok(), Some(want));
        assert!(Reply::Array(vec![bulk("a")]).into_pairs().is_err());
        assert!(Reply::Nil.into_pairs().is_err());
    }

    #[test]
    fn integers_from_text() {
        assert_eq!(Reply::Bulk(b"-5".to_vec()).integer().ok(), Some(-5));
        assert!(Reply::Bulk(b"five".to_vec()).integer().is_err());
    }
}
