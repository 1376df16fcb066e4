use crate::flags::{self, Category};
use crate::{Context, EventClass, Flags, Group, KeySpec, Outcome, missing};

/// Does the work of one command.
pub type Handler = fn(&mut Context<'_, '_>) -> Outcome;

/// What is known about a command without running it.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Lower-case name; `container|subcommand` for a subcommand.
    pub name: &'static str,
    /// Number of arguments with the name; negative: at least that many.
    pub arity: i32,
    /// What it may do.
    pub flags: Flags,
    /// Where its keys are.
    pub keys: KeySpec,
    /// Whether it may touch keys that are not among its arguments, as `SORT` with `BY` does: then
    /// every shard is locked for it.
    pub undeclared_keys: bool,
    /// Its family.
    pub group: Group,
    /// ACL categories that do not follow from family and flags.
    pub also_in: &'static [Category],
    /// The Redis version that brought it.
    pub since: &'static str,
    /// One sentence on what it does.
    pub summary: &'static str,
    /// Order of its running time.
    pub complexity: &'static str,
    /// The arguments, in the notation of the Redis manual: `key value [NX | XX] [EX seconds]`.
    pub syntax: &'static str,
}

impl Spec {
    /// A command of that name and arity; everything else is to be said by the methods below.
    pub const fn new(name: &'static str, arity: i32, group: Group, flags: Flags) -> Spec {
        Spec {
            name,
            arity,
            flags,
            keys: KeySpec::None,
            undeclared_keys: false,
            group,
            also_in: &[],
            since: "1.0.0",
            summary: "",
            complexity: "O(1)",
            syntax: "",
        }
    }

    /// Says where the keys are.
    pub const fn keys(mut self, keys: KeySpec) -> Spec {
        self.keys = keys;
        self
    }

    /// Says that it may touch keys that are not among its arguments.
    pub const fn undeclared_keys(mut self) -> Spec {
        self.undeclared_keys = true;
        self
    }

    /// Says to which ACL categories it belongs besides those that follow from family and flags.
    pub const fn also_in(mut self, categories: &'static [Category]) -> Spec {
        self.also_in = categories;
        self
    }

    /// Says when it came, what it costs, what its arguments are and what it does.
    pub const fn doc(
        mut self,
        since: &'static str,
        complexity: &'static str,
        syntax: &'static str,
        summary: &'static str,
    ) -> Spec {
        self.since = since;
        self.complexity = complexity;
        self.syntax = syntax;
        self.summary = summary;
        self
    }

    /// Whether a request of `argc` arguments, name included, can be right.
    pub fn accepts(&self, argc: usize) -> bool {
        let wanted = self.arity.unsigned_abs() as usize;
        if self.arity < 0 {
            argc >= wanted
        } else {
            argc == wanted
        }
    }

    /// The ACL categories it belongs to.
    pub fn categories(&self) -> impl Iterator<Item = Category> {
        let also_in = self.also_in.iter().copied();
        flags::categories(self.group, self.flags).chain(also_in)
    }
}

/// A row of the table: what a command is, and what does it.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// What is known about it.
    pub spec: Spec,
    /// What does it; called through [`Command::run`].
    handler: Handler,
}

impl Command {
    /// The row for `spec`, done by `handler`.
    pub const fn new(spec: Spec, handler: Handler) -> Command {
        Command { spec, handler }
    }

    /// Carries the command out, and tells of keys that it missed and of keys that came to be.
    #[inline]
    pub fn run(&self, ctx: &mut Context<'_, '_>) -> Outcome {
        let told = EventClass::KEY_MISS | EventClass::NEW;
        if ctx.settings.notify.intersects(told) {
            return missing::run(&self.spec, self.handler, ctx);
        }
        (self.handler)(ctx)
    }
}
