//! Keyspace to and from RDB events, DUMP and RESTORE of a value, the digest
