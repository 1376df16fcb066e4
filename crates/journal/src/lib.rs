//! The replication log: offsets and chunks in memory
