//! RDB events to and from bytes, and DUMP payload footers
