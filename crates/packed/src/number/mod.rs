//! Numbers as text: the one home of canonical decimals and of doubles as each server family prints them.
//!
//! Servers decide by these rules what may be stored as an integer, what a score may look like, and how a double is
//! shown. Redis 6.2 and 7.0 print doubles as C's `%.17g`; Redis 7.2 and later and Valkey print the shortest text that
//! reads back as the same double.
//!
//! ```text
//!   double            write_f64_17g              write_f64_shortest
//!   0.1               0.10000000000000001        0.1
//!   1e17              1e+17                      100000000000000000
//!   2^63              9.2233720368547758e+18     9223372036854776000
//!   1e21              1e+21                      1e+21
//!   292798855.54483914 292798855.54483914        2.9279885554483914e+8
//!   5e-324            4.9406564584124654e-324    5e-324
//!   -0.0              -0                         -0
//! ```
//!
//! Invariants: `parse_i64(write_i64(n)) == n`; no other text parses to `n`; `parse_f64` of either print of a double
//! that is not NaN is that double, bit for bit.

mod float;
mod grisu;
mod hexadecimal;
mod int;

pub use float::{
    parse_f64, parse_f64_saturating, write_f64_17g, write_f64_digits, write_f64_shortest,
};
pub use int::{len_i64, parse_i64, write_i64};
