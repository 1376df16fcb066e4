//! Measures the engine and the server beside their peers.

fn main() {}
