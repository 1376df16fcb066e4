//! Luau under the scripting API of Redis: `redis.call` and its kin, `cjson`, `cmsgpack`, `struct`
//! and `bit`, in a sandbox with a bound on memory and a switch that ends what does not end.
//!
//! An [`Interpreter`] compiles and runs scripts, and loads libraries of functions. It knows no key,
//! no session and no clock: what a script wants of the world it asks of a [`Host`], and commands
//! and their replies pass as [`Value`]s. What is Lua about it (error positions, `pcall`, the tables
//! that scripts see) is in `prelude.luau`; what needs bytes is in Rust beside it.

mod bits;
mod cjson;
mod cmsgpack;
mod convert;
mod flags;
mod host;
mod interpreter;
mod killswitch;
mod library;
mod natives;
mod number;
mod outcome;
mod pack;
mod random;
#[cfg(test)]
mod testing;
mod value;

pub use flags::{BadFlag, ScriptFlags};
pub use host::{Host, LogLevel, Repl};
pub use interpreter::{Interpreter, Limits, Script, Setup};
pub use killswitch::Killswitch;
pub use library::{Function, LoadFailure};
pub use outcome::{Failure, Place};
pub use value::Value;
