//! The file traits and their implementations: os, memory, recording
