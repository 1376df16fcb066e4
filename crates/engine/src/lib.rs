//! A Redis-compatible storage engine that programs link in
