//! SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and their opposites; PUBLISH, SPUBLISH, PUBSUB.

use crate::pubsub::{Kind, Published};
use crate::registry::SessionCommand;
use crate::session::Session;
use commands::{Args, Channels, Error, Flags, Group, Outcome, ReplySink, Spec};

const ANY_TIME: Flags = Flags::LOADING.union(Flags::STALE);
const ASK: Flags = ANY_TIME.union(Flags::PUBSUB);
const LISTEN: Flags = ASK.union(Flags::NOSCRIPT);
const PUBLISH: Flags = ASK.union(Flags::FAST).union(Flags::MAY_REPLICATE);

const fn spec(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::PubSub, flags)
}

pub(super) const COMMANDS: &[SessionCommand] = &[
    SessionCommand::new(
        spec("subscribe", -2, LISTEN)
            .channels(Channels::Subscribe)
            .doc(
                "2.0.0",
                "O(N) for N channels",
                "channel [channel ...]",
                "Listens to channels.",
            ),
        |session, args, reply| listen(Kind::Channel, session, args, reply),
    ),
    SessionCommand::new(
        spec("unsubscribe", -1, LISTEN).doc(
            "2.0.0",
            "O(N) for N channels",
            "[channel [channel ...]]",
            "Stops listening to channels, all of them if none is named.",
        ),
        |session, args, reply| stop_listening(Kind::Channel, session, args, reply),
    ),
    SessionCommand::new(
        spec("psubscribe", -2, LISTEN)
            .channels(Channels::PatternSubscribe)
            .doc(
                "2.0.0",
                "O(N) for N patterns",
                "pattern [pattern ...]",
                "Listens to the channels that fit patterns.",
            ),
        |session, args, reply| listen(Kind::Pattern, session, args, reply),
    ),
    SessionCommand::new(
        spec("punsubscribe", -1, LISTEN).doc(
            "2.0.0",
            "O(N) for N patterns",
            "[pattern [pattern ...]]",
            "Stops listening to patterns, all of them if none is named.",
        ),
        |session, args, reply| stop_listening(Kind::Pattern, session, args, reply),
    ),
    SessionCommand::new(
        spec("ssubscribe", -2, LISTEN)
            .channels(Channels::ShardSubscribe)
            .doc(
                "7.0.0",
                "O(N) for N channels",
                "shardchannel [shardchannel ...]",
                "Listens to channels of shards.",
            ),
        |session, args, reply| listen(Kind::Sharded, session, args, reply),
    ),
    SessionCommand::new(
        spec("sunsubscribe", -1, LISTEN)
            .channels(Channels::ShardUnsubscribe)
            .doc(
                "7.0.0",
                "O(N) for N channels",
                "[shardchannel [shardchannel ...]]",
                "Stops listening to channels of shards, all of them if none is named.",
            ),
        |session, args, reply| stop_listening(Kind::Sharded, session, args, reply),
    ),
    SessionCommand::new(
        spec("publish", 3, PUBLISH).channels(Channels::Publish).doc(
            "2.0.0",
            "O(N + M) for N listeners and M patterns",
            "channel message",
            "Sends a message to all who listen.",
        ),
        publish,
    ),
    SessionCommand::new(
        spec("spublish", 3, PUBLISH)
            .channels(Channels::ShardPublish)
            .doc(
                "7.0.0",
                "O(N) for N listeners",
                "shardchannel message",
                "Sends a message to all who listen to a channel of a shard.",
            ),
        spublish,
    ),
    SessionCommand::new(
        spec("pubsub|channels", -2, ASK).doc(
            "2.8.0",
            "O(N) for N channels",
            "[pattern]",
            "Names the channels that somebody listens to.",
        ),
        |session, args, reply| names(Kind::Channel, session, args, reply),
    ),
    SessionCommand::new(
        spec("pubsub|numsub", -2, ASK).doc(
            "2.8.0",
            "O(N) for N channels",
            "[channel [channel ...]]",
            "Counts those who listen to each channel.",
        ),
        |session, args, reply| counts(Kind::Channel, session, args, reply),
    ),
    SessionCommand::new(
        spec("pubsub|numpat", 2, ASK).doc(
            "2.8.0",
            "O(1)",
            "",
            "Counts the patterns that somebody listens to.",
        ),
        numpat,
    ),
    SessionCommand::new(
        spec("pubsub|shardchannels", -2, ASK).doc(
            "7.0.0",
            "O(N) for N channels",
            "[pattern]",
            "Names the channels of shards that somebody listens to.",
        ),
        |session, args, reply| names(Kind::Sharded, session, args, reply),
    ),
    SessionCommand::new(
        spec("pubsub|shardnumsub", -2, ASK).doc(
            "7.0.0",
            "O(N) for N channels",
            "[shardchannel [shardchannel ...]]",
            "Counts those who listen to each channel of a shard.",
        ),
        |session, args, reply| counts(Kind::Sharded, session, args, reply),
    ),
    SessionCommand::new(
        spec("pubsub|help", 2, ANY_TIME).doc("6.2.0", "O(1)", "", "Says what the subcommands do."),
        help,
    ),
];

impl Kind {
    /// The commands that start and end a subscription, as they are confirmed.
    fn verbs(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Kind::Channel => (b"subscribe", b"unsubscribe"),
            Kind::Pattern => (b"psubscribe", b"punsubscribe"),
            Kind::Sharded => (b"ssubscribe", b"sunsubscribe"),
        }
    }
}

/// Subscriptions as confirmations count them: channels and patterns together.
fn count(session: &Session, kind: Kind) -> usize {
    match kind {
        Kind::Sharded => session.subscriptions(Kind::Sharded),
        Kind::Channel | Kind::Pattern => {
            session.subscriptions(Kind::Channel) + session.subscriptions(Kind::Pattern)
        }
    }
}

fn confirm(verb: &[u8], name: Option<&[u8]>, count: usize, reply: &mut dyn ReplySink) {
    reply.push(3);
    reply.bulk(verb);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.integer(count as i64);
}

fn listen(
    kind: Kind,
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let (verb, _) = kind.verbs();
    for name in args.rest() {
        session.subscribe(kind, name);
        confirm(verb, Some(name), count(session, kind), reply);
    }
    Ok(())
}

fn stop_listening(
    kind: Kind,
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let (_, verb) = kind.verbs();
    let all = session.subscribed(kind);
    let named: Vec<&[u8]> = match args.rest() {
        [] => all.iter().map(|name| &name[..]).collect(),
        named => named.to_vec(),
    };
    for name in &named {
        session.unsubscribe(kind, name, reply);
        confirm(verb, Some(name), count(session, kind), reply);
    }
    if named.is_empty() {
        confirm(verb, None, count(session, kind), reply);
    }
    Ok(())
}

fn publish(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let message = Published::new(args.bytes()?, args.bytes()?);
    reply.integer(session.publish(message) as i64);
    Ok(())
}

fn spublish(session: &mut Session, args: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let message = Published::sharded(args.bytes()?, args.bytes()?);
    reply.integer(session.publish(message) as i64);
    Ok(())
}

fn names(
    kind: Kind,
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    if args.left() > 1 {
        let word = String::from_utf8_lossy(args.argv()[1]);
        return Err(Error::err(format_args!(
            "unknown subcommand or wrong number of arguments for '{word}'. Try PUBSUB HELP."
        )));
    }
    let pattern = args.peek();
    let names = session.engine.hub().names(kind, pattern);
    reply.array(names.len());
    names.iter().for_each(|name| reply.bulk(name));
    Ok(())
}

fn counts(
    kind: Kind,
    session: &mut Session,
    args: &mut Args<'_>,
    reply: &mut dyn ReplySink,
) -> Outcome {
    let names = args.rest();
    reply.array(names.len() * 2);
    for name in names {
        reply.bulk(name);
        reply.integer(session.engine.hub().listeners(kind, name) as i64);
    }
    Ok(())
}

fn numpat(session: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    reply.integer(session.engine.hub().count(Kind::Pattern) as i64);
    Ok(())
}

fn help(_: &mut Session, _: &mut Args<'_>, reply: &mut dyn ReplySink) -> Outcome {
    let lines = [
        "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CHANNELS [<pattern>]",
        "    Return the currently active channels matching a <pattern> (default: '*').",
        "NUMPAT",
        "    Return number of subscriptions to patterns.",
        "NUMSUB [<channel> ...]",
        "    Return the number of subscribers for the specified channels, excluding",
        "    pattern subscriptions(default: no channels).",
        "SHARDCHANNELS [<pattern>]",
        "    Return the currently active shard level channels matching a <pattern> (default: '*').",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    Return the number of subscribers for the specified shard level channel(s)",
        "HELP",
        "    Prints this help.",
    ];
    super::help(reply, &lines)
}
