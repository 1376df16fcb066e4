//! The command table: arguments, keyspace, reply, effects
