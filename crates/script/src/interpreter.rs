use crate::convert::{answer, from_lua};
use crate::killswitch::KILLED;
use crate::natives::{self, compiler, message, sha1};
use crate::outcome::{Failure, Place};
use crate::{BadFlag, Host, Killswitch, ScriptFlags, Value};
use mlua::chunk::ChunkMode;
use mlua::{Function, IntoLuaMulti, Lua, LuaOptions, MultiValue, StdLib, Table};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What an interpreter may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes that scripts, their caches and values may take together.
    pub memory_bytes_max: usize,
}

/// What kind of interpreter it is.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// What scripts are told as `redis.REDIS_VERSION`.
    pub version: &'static str,
    /// Whether it keeps libraries of functions, rather than scripts of `EVAL`.
    pub has_functions: bool,
    /// What it may use.
    pub limits: Limits,
}

/// A Luau machine in a sandbox, and what was compiled in it. One script runs at a time.
pub struct Interpreter {
    pub(crate) lua: Lua,
    pub(crate) world: Table,
    run: Function,
    pub(crate) load_library: Function,
    show_world: Function,
    pub(crate) killswitch: Arc<Killswitch>,
    scripts: HashMap<[u8; 20], Script>,
    limits: Limits,
    /// In use when garbage is looked for after a script, in bytes.
    tidy_above: AtomicUsize,
}

/// A compiled script.
#[derive(Debug, Clone)]
pub struct Script {
    /// What it says of itself.
    pub flags: ScriptFlags,
    pub(crate) function: Function,
    /// Forty hexadecimal digits.
    pub sha: String,
}

/// Garbage is looked for when a script leaves this part of the memory in use.
const TIDY_FROM: usize = 8;

/// Everything that may be loaded without harm; what scripts may see of it is the prelude's affair.
fn libraries() -> StdLib {
    StdLib::COROUTINE | StdLib::TABLE | StdLib::OS | StdLib::STRING | StdLib::MATH | StdLib::DEBUG
}

impl Interpreter {
    /// A new machine with nothing in it. It fails only for want of memory.
    pub fn new(setup: &Setup, killswitch: Arc<Killswitch>) -> Result<Interpreter, Failure> {
        Interpreter::build(setup, killswitch).map_err(|error| Failure::err(message(&error)))
    }

    fn build(setup: &Setup, killswitch: Arc<Killswitch>) -> mlua::Result<Interpreter> {
        let lua = Lua::new_with(libraries(), LuaOptions::default())?;
        let natives = natives::table(&lua, setup)?;
        let prelude = lua.load(include_str!("prelude.luau")).set_name("=redis");
        let (world, run, load_library, show_world) = prelude.call((natives.clone(),))?;
        natives.set("compile", compiler(&lua, Table::clone(&world))?)?;
        lua.set_memory_limit(setup.limits.memory_bytes_max)?;
        let switch = killswitch.clone();
        lua.set_interrupt(move |_| match switch.verdict() {
            None => Ok(mlua::VmState::Continue),
            Some(why) => Err(mlua::Error::runtime(why)),
        });
        let scripts = HashMap::new();
        Ok(Interpreter {
            lua,
            world,
            run,
            load_library,
            show_world,
            killswitch,
            scripts,
            limits: setup.limits,
            tidy_above: AtomicUsize::new(setup.limits.memory_bytes_max / TIDY_FROM),
        })
    }

    /// Compiles a script, or finds it again; in Redis's words if it can't be.
    pub fn load(&mut self, code: &[u8]) -> Result<Script, Failure> {
        let digest = sha1(code);
        if let Some(script) = self.scripts.get(&digest) {
            return Ok(script.clone());
        }
        let (flags, body) =
            ScriptFlags::of_script(code).map_err(|BadFlag(text)| Failure::err(text))?;
        let function = self.compile(body, "=user_script").map_err(|text| {
            Failure::err(format_args!(
                "Error compiling script (new function): {text}"
            ))
        })?;
        let sha = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let script = Script {
            flags,
            function,
            sha,
        };
        self.scripts.insert(digest, script.clone());
        Ok(script)
    }

    /// The script of that name, if it was loaded: forty hexadecimal digits, in any case.
    pub fn find(&self, sha: &[u8]) -> Option<&Script> {
        self.scripts.get(&digest(sha)?)
    }

    /// How many scripts there are.
    pub fn script_count(&self) -> usize {
        self.scripts.len()
    }

    /// Bytes in use.
    pub fn used_bytes(&self) -> usize {
        self.lua.used_memory()
    }

    pub(crate) fn compile(&self, code: &[u8], name: &str) -> Result<Function, String> {
        let chunk = self.lua.load(code).set_name(name).set_mode(ChunkMode::Text);
        let chunk = chunk.set_environment(self.world.clone());
        chunk.into_function().map_err(|error| message(&error))
    }

    /// Runs a script of `EVAL` with `KEYS` and `ARGV`.
    pub fn run(
        &self,
        script: &Script,
        keys: &[&[u8]],
        args: &[&[u8]],
        host: &mut dyn Host,
    ) -> Result<Value, Failure> {
        let given = || {
            let (keys, args) = (self.strings(keys)?, self.strings(args)?);
            self.change_world(|world| {
                world.raw_set("KEYS", keys)?;
                world.raw_set("ARGV", args)
            })
        };
        given().map_err(|error| self.broken(&error))?;
        self.invoke(&script.function, (), host)
    }

    /// Changes the globals of scripts, which they themselves can't.
    fn change_world(&self, change: impl FnOnce(&Table) -> mlua::Result<()>) -> mlua::Result<()> {
        self.world.set_readonly(false);
        let changed = change(&self.world);
        self.world.set_readonly(true);
        changed
    }

    /// Shows scripts the globals that there are while a library loads, or all others.
    pub(crate) fn show_world(&self, loading: bool) -> mlua::Result<()> {
        self.change_world(|_| self.show_world.call(loading))
    }

    /// Strings as the table that scripts get.
    pub(crate) fn strings(&self, strings: &[&[u8]]) -> mlua::Result<Table> {
        let table = self.lua.create_table_with_capacity(strings.len(), 0)?;
        for (at, string) in strings.iter().enumerate() {
            table.raw_set(at + 1, self.lua.create_string(string)?)?;
        }
        Ok(table)
    }

    /// Calls a function of a script with `host` as its way out.
    pub(crate) fn invoke(
        &self,
        function: &Function,
        args: impl IntoLuaMulti,
        host: &mut dyn Host,
    ) -> Result<Value, Failure> {
        let ended = self.lua.scope(|scope| {
            let out = |lua: &Lua, args: MultiValue| answer(lua, host, args);
            let out = scope.create_function_mut(out)?;
            let args = args.into_lua_multi(&self.lua)?;
            self.run.call::<(bool, mlua::Value)>((function, out, args))
        });
        let ended = match ended {
            Ok((true, value)) => Ok(from_lua(&value, 0)),
            Ok((false, raised)) => Err(self.failure(&raised)),
            Err(error) => Err(self.broken(&error)),
        };
        self.tidy();
        ended
    }

    /// Gives back what a script left behind, if it is much: the next one would run out of memory
    /// before the collector, which works in step with allocations, came to it.
    pub(crate) fn tidy(&self) {
        if self.used_bytes() < self.tidy_above.load(Relaxed) {
            return;
        }
        // Without memory there is nothing to be done about an error.
        let _ = self.lua.gc_collect();
        let least = self.limits.memory_bytes_max / TIDY_FROM;
        let above = least.max(2 * self.used_bytes());
        self.tidy_above.store(above, Relaxed);
    }

    /// What was raised inside of a script.
    pub(crate) fn failure(&self, raised: &mlua::Value) -> Failure {
        let Some(table) = raised.as_table() else {
            return Failure::err(raised.to_string().unwrap_or_default());
        };
        let text = |name| {
            table
                .raw_get::<Option<mlua::LuaString>>(name)
                .ok()
                .flatten()
        };
        let source = text("source").map(|source| source.to_string_lossy());
        let line = table.raw_get::<Option<i64>>("line").ok().flatten();
        Failure {
            line: match text("err") {
                Some(line) => line.as_bytes().to_vec(),
                None => b"ERR unknown error".to_vec(),
            },
            place: source
                .zip(line)
                .map(|(source, line)| Place { source, line }),
        }
    }

    /// What went wrong outside of what a script can catch.
    pub(crate) fn broken(&self, error: &mlua::Error) -> Failure {
        if self.killswitch.is_killed() {
            return Failure::err(KILLED);
        }
        Failure::err(message(error))
    }
}

impl fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interpreter")
            .field("scripts", &self.scripts.len())
            .finish_non_exhaustive()
    }
}

/// Twenty bytes from forty hexadecimal digits.
fn digest(sha: &[u8]) -> Option<[u8; 20]> {
    if sha.len() != 40 {
        return None;
    }
    let mut digest = [0; 20];
    for (byte, digits) in digest.iter_mut().zip(sha.chunks_exact(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        // A sign would pass for a digit.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(digest)
}
