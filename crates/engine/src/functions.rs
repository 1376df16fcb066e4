//! Function libraries as text: what is saved of them, and what their first lines say.

use std::collections::BTreeMap;

/// The libraries by name, each with its source as `FUNCTION LOAD` takes it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Functions {
    libraries: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// A library that can't be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LoadError {
    MissingMetadata,
    InvalidMetadata,
    InvalidValue(String),
    NameTwice,
    MissingName,
    InvalidName,
    AlreadyExists(String),
    /// Its code was refused or failed; in which words.
    #[cfg(feature = "scripts")]
    Failed(String),
}

impl LoadError {
    /// The refusal as clients see it, without its code.
    pub(crate) fn text(&self) -> String {
        match self {
            LoadError::MissingMetadata => "Missing library metadata".to_owned(),
            LoadError::InvalidMetadata => "Invalid library metadata".to_owned(),
            LoadError::InvalidValue(word) => format!("Invalid metadata value given: {word}"),
            LoadError::NameTwice => {
                "Invalid metadata value, name argument was given multiple times".to_owned()
            }
            LoadError::MissingName => "Library name was not given".to_owned(),
            LoadError::InvalidName => "Library names can only contain letters, numbers, or \
                underscores(_) and must be at least one character long"
                .to_owned(),
            LoadError::AlreadyExists(name) => format!("Library '{name}' already exists"),
            #[cfg(feature = "scripts")]
            LoadError::Failed(text) => text.clone(),
        }
    }

    pub(crate) fn exists(name: &[u8]) -> LoadError {
        LoadError::AlreadyExists(String::from_utf8_lossy(name).into_owned())
    }
}

impl Functions {
    /// Adds a library that was loaded, or puts it in place of one of the same name.
    pub(crate) fn put(&mut self, name: &[u8], code: &[u8]) {
        self.libraries.insert(name.to_vec(), code.to_vec());
    }

    /// Adds a library that a server had loaded, whatever its first line says.
    pub(crate) fn adopt(&mut self, code: &[u8]) {
        let name = header(code).map_or_else(|_| code.to_vec(), |header| header.name);
        self.libraries.insert(name, code.to_vec());
    }

    pub(crate) fn delete(&mut self, name: &[u8]) -> bool {
        self.libraries.remove(name).is_some()
    }

    pub(crate) fn clear(&mut self) {
        self.libraries.clear();
    }

    pub(crate) fn contains(&self, name: &[u8]) -> bool {
        self.libraries.contains_key(name)
    }

    /// Every library: its engine (`LUA`), name and source, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (String, &[u8], &[u8])> {
        self.libraries.iter().map(|(name, code)| {
            let engine = header(code).map_or_else(|_| String::new(), |header| header.engine);
            (engine, &name[..], &code[..])
        })
    }

    /// The sources alone, as a snapshot carries them.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &[u8]> {
        self.libraries.values().map(Vec::as_slice)
    }
}

/// What the first line of a library says, `#!lua name=mylib`, and what stands behind it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header<'c> {
    /// In upper case.
    pub(crate) engine: String,
    pub(crate) name: Vec<u8>,
    /// From the end of the first line on, so that lines keep their numbers.
    pub(crate) body: &'c [u8],
}

/// Reads the first line of a library.
pub(crate) fn header(code: &[u8]) -> Result<Header<'_>, LoadError> {
    if !code.starts_with(b"#!") {
        return Err(LoadError::MissingMetadata);
    }
    let end = code.iter().position(|&byte| byte == b'\n');
    let (line, body) = code.split_at(end.ok_or(LoadError::InvalidMetadata)?);
    let words = resp::split_words(line).map_err(|_| LoadError::InvalidMetadata)?;
    let mut words = words.into_iter();
    let engine = words.next().ok_or(LoadError::InvalidMetadata)?;
    let engine = engine.get(2..).ok_or(LoadError::InvalidMetadata)?;
    let mut name = None;
    for word in words {
        let value = word.split_at_checked(5);
        match value.filter(|(key, _)| key.eq_ignore_ascii_case(b"name=")) {
            Some(_) if name.is_some() => return Err(LoadError::NameTwice),
            Some((_, value)) => name = Some(value.to_vec()),
            None => {
                let word = String::from_utf8_lossy(&word).into_owned();
                return Err(LoadError::InvalidValue(word));
            }
        }
    }
    let name = name.ok_or(LoadError::MissingName)?;
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if name.is_empty() || !name.iter().all(is_word) {
        return Err(LoadError::InvalidName);
    }
    let engine = String::from_utf8_lossy(engine).to_ascii_uppercase();
    Ok(Header { engine, name, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_library() {
        let found = header(b"#!lua name=lib\nreturn 1").unwrap();
        assert_eq!((&found.engine[..], &found.name[..]), ("LUA", &b"lib"[..]));
        assert_eq!(found.body, b"\nreturn 1");
        let refused = |code: &[u8]| header(code).unwrap_err();
        assert_eq!(refused(b"return 1"), LoadError::MissingMetadata);
        assert_eq!(refused(b"#!lua name=a"), LoadError::InvalidMetadata);
        assert_eq!(refused(b"#!lua\n"), LoadError::MissingName);
        assert_eq!(header(b"#!lua name=\"foo\"\n").unwrap().name, b"foo");
        assert_eq!(refused(b"#!lua name=a name=b\n"), LoadError::NameTwice);
        assert_eq!(refused(b"#!lua name=a-b\n"), LoadError::InvalidName);
        let unknown = LoadError::InvalidValue("foo=bar".into());
        assert_eq!(refused(b"#!lua name=a foo=bar\n"), unknown);
    }

    #[test]
    fn what_was_adopted_is_listed_by_its_name() {
        let mut functions = Functions::default();
        functions.adopt(b"#!lua name=lib\n-- two");
        let listed: Vec<_> = functions.iter().collect();
        let code = &b"#!lua name=lib\n-- two"[..];
        assert_eq!(listed, [("LUA".to_owned(), &b"lib"[..], code)]);
        assert!(functions.contains(b"lib"));
    }
}
