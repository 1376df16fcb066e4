//! Function libraries as text: loaded, listed, saved, and not yet run.

use std::collections::BTreeMap;

/// The libraries by name, each with its source as `FUNCTION LOAD` takes it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Functions {
    libraries: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// A library whose first line is not `#!<engine> name=<library>`, or whose name is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LoadError {
    MissingMetadata,
    MissingName,
    InvalidName,
    AlreadyExists(String),
}

impl LoadError {
    /// The refusal as clients see it, without its code.
    pub(crate) fn text(&self) -> String {
        match self {
            LoadError::MissingMetadata => "Missing library metadata".to_owned(),
            LoadError::MissingName => "Library name was not given".to_owned(),
            LoadError::InvalidName => "Library names can only contain letters, numbers, or \
                underscores(_) and must be at least one character long"
                .to_owned(),
            LoadError::AlreadyExists(name) => format!("Library '{name}' already exists"),
        }
    }
}

impl Functions {
    /// Adds a library, or puts it in place of one of the same name, and returns its name.
    pub(crate) fn load(&mut self, code: &[u8], replace: bool) -> Result<&[u8], LoadError> {
        let (_, name) = header(code)?;
        if !replace && self.libraries.contains_key(name) {
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(LoadError::AlreadyExists(name));
        }
        self.libraries.insert(name.to_vec(), code.to_vec());
        let (name, _) = self
            .libraries
            .get_key_value(name)
            .expect("it was just put there");
        Ok(name)
    }

    /// Adds a library that a server had loaded, whatever its first line says.
    pub(crate) fn adopt(&mut self, code: &[u8]) {
        let name = header(code).map_or(code, |(_, name)| name);
        self.libraries.insert(name.to_vec(), code.to_vec());
    }

    pub(crate) fn delete(&mut self, name: &[u8]) -> bool {
        self.libraries.remove(name).is_some()
    }

    pub(crate) fn clear(&mut self) {
        self.libraries.clear();
    }

    /// Every library: its engine (`LUA`), name and source, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (String, &[u8], &[u8])> {
        self.libraries.iter().map(|(name, code)| {
            let engine = header(code).map_or_else(|_| String::new(), |(engine, _)| engine);
            (engine, &name[..], &code[..])
        })
    }

    /// The sources alone, as a snapshot carries them.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &[u8]> {
        self.libraries.values().map(Vec::as_slice)
    }
}

/// Engine (in upper case) and name from the first line, `#!lua name=mylib`.
fn header(code: &[u8]) -> Result<(String, &[u8]), LoadError> {
    let line = code.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.strip_prefix(b"#!").ok_or(LoadError::MissingMetadata)?;
    let mut words = line
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    let engine = words.next().ok_or(LoadError::MissingMetadata)?;
    let name = words
        .find_map(|word| word.strip_prefix(b"name="))
        .ok_or(LoadError::MissingName)?;
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if name.is_empty() || !name.iter().all(is_word) {
        return Err(LoadError::InvalidName);
    }
    Ok((String::from_utf8_lossy(engine).to_ascii_uppercase(), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_library() {
        let mut functions = Functions::default();
        assert_eq!(
            functions.load(b"#!lua name=lib\nreturn 1", false),
            Ok(&b"lib"[..])
        );
        assert_eq!(
            functions.load(b"#!lua name=lib\n", false),
            Err(LoadError::AlreadyExists("lib".into()))
        );
        assert!(functions.load(b"#!lua name=lib\n-- two", true).is_ok());
        assert_eq!(
            functions.load(b"return 1", false),
            Err(LoadError::MissingMetadata)
        );
        assert_eq!(
            functions.load(b"#!lua\n", false),
            Err(LoadError::MissingName)
        );
        assert_eq!(
            functions.load(b"#!lua name=a-b\n", false),
            Err(LoadError::InvalidName)
        );
        let listed: Vec<_> = functions.iter().collect();
        assert_eq!(
            listed,
            [(
                "LUA".to_owned(),
                &b"lib"[..],
                &b"#!lua name=lib\n-- two"[..]
            )]
        );
    }
}
