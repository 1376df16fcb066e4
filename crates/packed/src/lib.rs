//! Compact encodings: listpack, intset, ziplist, zipmap, LZF, lengths, CRC-64
