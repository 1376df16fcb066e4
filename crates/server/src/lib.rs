//! A RESP server on the duramen engine
