//! The JSON file beside a file of the corpus.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{Dump, Error};

/// A kvdump/1 file: the content, and what it says of the file that it describes.
#[derive(Debug, Clone)]
pub struct Sidecar {
    /// The content that a server of the maker's build had after loading.
    pub dump: Dump,
    /// The server that loaded it, as in `redis 7.0.15`.
    pub loaded_by: String,
    /// Settings that differ from the default, as name and value.
    pub config: Vec<(String, String)>,
    /// The whole object.
    pub json: Value,
}

impl Sidecar {
    /// Reads the file at `path`.
    pub fn load(path: &Path) -> Result<Sidecar, Error> {
        let wrong = |why: String| Error::Sidecar {
            path: path.display().to_string(),
            why,
        };
        let text = fs::read(path)?;
        let json: Value =
            serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        if json["format"] != "kvdump/1" {
            return Err(wrong(format!(
                "format is {}, expected \"kvdump/1\"",
                json["format"]
            )));
        }
        let dump =
            content(&json).ok_or_else(|| wrong("dbs is not an object of arrays".to_owned()))?;
        let loaded_by = json["loaded_by"].as_str().unwrap_or_default().to_owned();
        Ok(Sidecar {
            dump,
            loaded_by,
            config: config(&json),
            json,
        })
    }
}

fn content(json: &Value) -> Option<Dump> {
    let mut dump = Dump {
        policy: json["policy"].as_str().unwrap_or("noeviction").to_owned(),
        functions: json["functions"].as_array().cloned(),
        dbs: Default::default(),
    };
    for (db, rows) in json["dbs"].as_object()? {
        dump.dbs.insert(db.parse().ok()?, rows.as_array()?.clone());
    }
    Some(dump)
}

fn config(json: &Value) -> Vec<(String, String)> {
    let Some(settings) = json["config"].as_object() else {
        return Vec::new();
    };
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    settings
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}
