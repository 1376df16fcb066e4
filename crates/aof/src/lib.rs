//! The multi-part append-only file: manifest and reader
