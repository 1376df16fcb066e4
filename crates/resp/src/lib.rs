//! RESP2 and RESP3: incremental borrowing decoder, encoder
