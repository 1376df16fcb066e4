//! kvdump/1: the logical content of a keyspace as JSON, read through commands
