//! Tips of `COMMAND INFO`, as several commands give them.

/// What clients are told of a command.
pub type Tips = &'static [&'static str];

/// The reply depends on more than the data.
pub const VARIES: Tips = &["nondeterministic_output"];
/// The order of the reply does.
pub const UNORDERED: Tips = &["nondeterministic_output_order"];
/// To be sent to each shard for its keys; replies are put together.
pub const SPLIT: Tips = &["request_policy:multi_shard"];
/// The same; replies are added.
pub const SPLIT_AND_SUM: Tips = &["request_policy:multi_shard", "response_policy:agg_sum"];
/// The same; the least of the replies counts.
pub const SPLIT_AND_MIN: Tips = &["request_policy:multi_shard", "response_policy:agg_min"];
/// The same; all have to succeed.
pub const SPLIT_ALL: Tips = &[
    "request_policy:multi_shard",
    "response_policy:all_succeeded",
];
/// To be sent to all shards; all have to succeed.
pub const EVERY_SHARD: Tips = &["request_policy:all_shards", "response_policy:all_succeeded"];
/// To be sent to all shards; replies are added.
pub const EVERY_SHARD_SUM: Tips = &["request_policy:all_shards", "response_policy:agg_sum"];
/// To be sent to all shards; the least of the replies counts.
pub const EVERY_SHARD_MIN: Tips = &["request_policy:all_shards", "response_policy:agg_min"];
/// To be sent to all shards; all have to say yes.
pub const EVERY_SHARD_AND: Tips = &[
    "request_policy:all_shards",
    "response_policy:agg_logical_and",
];
/// To be sent to all shards; one has to succeed.
pub const ONE_SHARD: Tips = &["request_policy:all_shards", "response_policy:one_succeeded"];
/// To be sent to all shards; what comes of their replies is for clients to know.
pub const EVERY_SHARD_SPECIAL: Tips = &[
    "nondeterministic_output",
    "request_policy:all_shards",
    "response_policy:special",
];
/// To be sent to all shards, each of which replies in an order of its own.
pub const EVERY_SHARD_UNORDERED: Tips =
    &["request_policy:all_shards", "nondeterministic_output_order"];
/// To be sent to all shards, one of whose replies is chosen.
pub const ANY_SHARD: Tips = &["request_policy:all_shards", "nondeterministic_output"];
/// To be sent to all nodes; all have to succeed.
pub const EVERY_NODE: Tips = &["request_policy:all_nodes", "response_policy:all_succeeded"];
/// The same, and what comes differs.
pub const EVERY_NODE_VARIES: Tips = &["request_policy:all_nodes", "nondeterministic_output"];
/// The same, and what comes of their replies is for clients to know.
pub const EVERY_NODE_SPECIAL: Tips = &[
    "nondeterministic_output",
    "request_policy:all_nodes",
    "response_policy:special",
];
/// To be sent to all nodes; replies are added.
pub const EVERY_NODE_SUM: Tips = &[
    "request_policy:all_nodes",
    "response_policy:agg_sum",
    "nondeterministic_output",
];
/// A walk: shards are visited one after the other.
pub const WALK: Tips = &["nondeterministic_output", "request_policy:special"];
