use bitflags::bitflags;

bitflags! {
    /// What a command may do and where it may run, by Redis's names (`COMMAND INFO`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// May change data.
        const WRITE = 1;
        /// Only reads data.
        const READONLY = 1 << 1;
        /// May use more memory; refused above `maxmemory`.
        const DENYOOM = 1 << 2;
        /// For administrators.
        const ADMIN = 1 << 3;
        /// Works on channels.
        const PUBSUB = 1 << 4;
        /// Refused inside scripts.
        const NOSCRIPT = 1 << 5;
        /// May wait.
        const BLOCKING = 1 << 6;
        /// Runs while data is being loaded.
        const LOADING = 1 << 7;
        /// Runs on a replica whose link is down.
        const STALE = 1 << 8;
        /// Not shown to monitors.
        const SKIP_MONITOR = 1 << 9;
        /// Not logged as slow.
        const SKIP_SLOWLOG = 1 << 10;
        /// Constant or logarithmic time.
        const FAST = 1 << 11;
        /// Runs before authentication.
        const NO_AUTH = 1 << 12;
        /// Reads, yet may have an effect to repeat.
        const MAY_REPLICATE = 1 << 13;
        /// Refused inside transactions.
        const NO_MULTI = 1 << 14;
        /// Runs while a script holds the server.
        const ALLOW_BUSY = 1 << 15;
        /// Its keys can't be told from positions alone.
        const MOVABLEKEYS = 1 << 16;
        /// Refused while data is loaded in the background.
        const NO_ASYNC_LOADING = 1 << 17;
        /// May come without any key, though it can have some.
        const NO_MANDATORY_KEYS = 1 << 18;
        /// Refused to strangers unless the configuration allows it.
        const PROTECTED = 1 << 19;
        /// Works on keys of a slot that is on its way, in a cluster.
        const ASKING = 1 << 20;
    }
}

impl Flags {
    /// The names of the flags that are set, in the order of `COMMAND INFO`.
    pub fn names(self) -> impl Iterator<Item = String> {
        // Not told to clients.
        let told = self.difference(Flags::MAY_REPLICATE | Flags::PROTECTED);
        told.iter_names().map(|(name, _)| name.to_ascii_lowercase())
    }
}

/// The family of a command, as `COMMAND DOCS` groups them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are the names of the families")]
pub enum Group {
    Generic,
    String,
    List,
    Set,
    Hash,
    SortedSet,
    Stream,
    Bitmap,
    HyperLogLog,
    Geo,
    PubSub,
    Scripting,
    Connection,
    Server,
    Transactions,
    Cluster,
}

impl Group {
    /// The name in `COMMAND DOCS`.
    pub fn name(self) -> &'static str {
        match self {
            Group::Cluster => "cluster",
            Group::Generic => "generic",
            Group::String => "string",
            Group::List => "list",
            Group::Set => "set",
            Group::Hash => "hash",
            Group::SortedSet => "sorted-set",
            Group::Stream => "stream",
            Group::Bitmap => "bitmap",
            Group::HyperLogLog => "hyperloglog",
            Group::Geo => "geo",
            Group::PubSub => "pubsub",
            Group::Scripting => "scripting",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Transactions => "transactions",
        }
    }

    /// The ACL category of its commands, if there is one that does not follow from their flags.
    pub(crate) fn category(self) -> Option<Category> {
        match self {
            Group::Generic => Some("keyspace"),
            Group::Server | Group::PubSub | Group::Cluster => None,
            Group::SortedSet => Some("sortedset"),
            Group::Transactions => Some("transaction"),
            other => Some(other.name()),
        }
    }
}

/// The name of an ACL category, without the `@`.
pub type Category = &'static str;

/// Every ACL category, in the order of `ACL CAT`.
pub const CATEGORIES: [Category; 21] = [
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];

/// The ACL categories that follow from a command's flags.
pub(crate) fn categories(group: Group, flags: Flags) -> impl Iterator<Item = Category> {
    let speed = if flags.contains(Flags::FAST) {
        "fast"
    } else {
        "slow"
    };
    let by_flag = [
        (Flags::WRITE, "write"),
        (Flags::READONLY, "read"),
        (Flags::ADMIN, "admin"),
        (Flags::ADMIN, "dangerous"),
        (Flags::BLOCKING, "blocking"),
        (Flags::PUBSUB, "pubsub"),
    ];
    // What a script reads can't be told.
    let applies = move |(flag, name): &(Flags, Category)| {
        flags.contains(*flag) && !(group == Group::Scripting && *name == "read")
    };
    let by_flag = by_flag.into_iter().filter(applies).map(|(_, name)| name);
    by_flag.chain([speed])
}
