use super::{Card, Marks, SESSION_BYTES, State};
use crate::Engine;
use crate::tracking::{Mode, Tracker};
use commands::{Compat, Protocol};
use std::fmt::Write as _;

/// A client as a line of `CLIENT LIST`.
pub(crate) fn line(engine: &Engine, card: &Card) -> String {
    let state = card.state();
    let now = engine.now();
    let seconds = |since: units::UnixMillis| now.since(since).max(0) / 1000;
    let tracker = engine.tracking().tracker(card.id);
    let mut line = String::new();
    card.about(|about| {
        let text = String::from_utf8_lossy;
        let _ = write!(
            line,
            "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} ",
            card.id,
            about.peer.address,
            about.peer.local_address,
            about.peer.descriptor,
            text(&about.name),
            seconds(card.since),
            seconds(state.active_at),
            flags(&state, about.peer.is_unix, tracker.as_ref()),
        );
        write_state(&mut line, &state, card.waiting_bytes());
        let _ = write!(
            line,
            "user={} redir={} resp={}",
            text(&about.user),
            Tracker::redirection(tracker.as_ref()),
            version(state.protocol),
        );
        if engine.inner().compat() != Compat::Redis70 {
            let (name, version) = (text(&about.lib_name), text(&about.lib_ver));
            let _ = write!(line, " lib-name={name} lib-ver={version}");
        }
    });
    line.push('\n');
    line
}

fn write_state(line: &mut String, state: &State, waiting: usize) {
    let [channels, patterns, sharded] = state.subscribed;
    let buffers = state.buffers;
    let (queued, queued_bytes) = match state.queued {
        Some((commands, bytes)) => (commands as i64, bytes),
        None => (-1, 0),
    };
    let total = SESSION_BYTES
        + buffers.input
        + buffers.input_free
        + buffers.output
        + queued_bytes
        + state.argument_bytes
        + waiting;
    let _ = write!(
        line,
        "db={} sub={channels} psub={patterns} ssub={sharded} multi={queued} qbuf={} qbuf-free={} \
         argv-mem={} multi-mem={queued_bytes} rbs={} rbp={} obl=0 oll=0 omem={waiting} tot-mem={total} \
         events=r cmd={} ",
        state.db,
        buffers.input,
        buffers.input_free,
        state.argument_bytes,
        buffers.output,
        buffers.output,
        state.command,
    );
}

/// A letter for each thing that is out of the ordinary, in Redis's order.
fn flags(state: &State, is_unix: bool, tracker: Option<&Tracker>) -> String {
    let marked = |mark| state.marks.contains(mark);
    let tracks = |what: fn(&Tracker) -> bool| tracker.is_some_and(what);
    let letters = [
        (marked(Marks::MONITOR), 'O'),
        (marked(Marks::REPLICA), 'S'),
        (state.subscribed != [0; 3], 'P'),
        (state.queued.is_some(), 'x'),
        (marked(Marks::BLOCKED), 'b'),
        (tracker.is_some(), 't'),
        (tracks(|tracker| tracker.broken), 'R'),
        (tracks(|tracker| tracker.mode == Mode::Broadcast), 'B'),
        (marked(Marks::DIRTY), 'd'),
        (marked(Marks::LEAVING), 'c'),
        (is_unix, 'U'),
        (marked(Marks::NO_EVICT), 'e'),
        (marked(Marks::NO_TOUCH), 'T'),
    ];
    let set: String = letters
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, l)| *l)
        .collect();
    match set.is_empty() {
        true => "N".to_owned(),
        false => set,
    }
}

fn version(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    }
}
