use crate::flags::{self, Category};
use crate::key_access::{KeyAccess, KeyRef, KeyRefs};
use crate::{Channels, Context, EventClass, Flags, Group, KeySpec, Outcome, missing};

/// Does the work of one command.
pub type Handler = fn(&mut Context<'_, '_>) -> Outcome;

/// Tells from the arguments of a request, name first, what it does with its keys.
pub type AccessByArgs = fn(&[&[u8]]) -> KeyAccess;

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
    /// What it does with each of its keys, in order of appearance; with those that follow, the same
    /// as with the last. Where nothing is said it follows from the flags.
    pub access: &'static [KeyAccess],
    /// What it does with its keys, where that depends on the other arguments.
    pub access_by_args: Option<AccessByArgs>,
    /// Which of its arguments are channels.
    pub channels: Channels,
    /// Its family.
    pub group: Group,
    /// Whether the family's name is among its ACL categories.
    pub in_category_of_group: bool,
    /// ACL categories that do not follow from family and flags.
    pub also_in: &'static [Category],
    /// What clients that route requests or compare replies need to know (`COMMAND INFO`).
    pub tips: &'static [&'static str],
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
            access: &[],
            access_by_args: None,
            channels: Channels::None,
            group,
            in_category_of_group: true,
            also_in: &[],
            tips: &[],
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

    /// Says what it does with each of its keys; with the last and those behind it the same.
    pub const fn access(mut self, access: &'static [KeyAccess]) -> Spec {
        self.access = access;
        self
    }

    /// Says how to tell from a request what it does with its keys.
    pub const fn access_by_args(mut self, access: AccessByArgs) -> Spec {
        self.access_by_args = Some(access);
        self
    }

    /// Says which of its arguments are channels.
    pub const fn channels(mut self, channels: Channels) -> Spec {
        self.channels = channels;
        self
    }

    /// Says what clients need to know that route requests or compare replies.
    pub const fn tips(mut self, tips: &'static [&'static str]) -> Spec {
        self.tips = tips;
        self
    }

    /// Says that the ACL category named like its family does not hold it.
    pub const fn not_in_category_of_group(mut self) -> Spec {
        self.in_category_of_group = false;
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
        let of_group = self.group.category().filter(|_| self.in_category_of_group);
        let also_in = self.also_in.iter().copied();
        flags::categories(self.group, self.flags)
            .chain(of_group)
            .chain(also_in)
    }

    /// What it does with the key that comes `number`th among its keys, counted from 0, whatever the
    /// other arguments.
    pub fn access_of(&self, number: usize) -> KeyAccess {
        let said = self.access.get(number).or(self.access.last());
        let by_flags = || match () {
            () if self.flags.contains(Flags::WRITE) => KeyAccess::CHANGE,
            () if self.flags.contains(Flags::READONLY) => KeyAccess::READ,
            () => KeyAccess::LOOK,
        };
        said.copied().unwrap_or_else(by_flags)
    }

    /// The keys of a request and what is done with each, or `None` if the arguments make no sense.
    pub fn key_refs(&self, argv: &[&[u8]]) -> Option<KeyRefs> {
        let by_args = self.access_by_args.map(|access| access(argv));
        let positions = self.keys.positions(argv)?;
        let refs = positions.iter().enumerate().map(|(number, &at)| KeyRef {
            at,
            access: by_args.unwrap_or_else(|| self.access_of(number)),
        });
        Some(refs.collect())
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
