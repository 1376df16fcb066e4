//! What became of commands.

use super::line;
use crate::calls::Told;
use crate::registry;
use crate::session::Session;

pub(super) fn calls(session: &Session, text: &mut String) {
    for (name, told) in told(session) {
        let Told {
            calls,
            micros,
            rejected,
            failed,
            ..
        } = told;
        let each = micros as f64 / calls.max(1) as f64;
        let value = format!(
            "calls={calls},usec={micros},usec_per_call={each:.2},\
             rejected_calls={rejected},failed_calls={failed}"
        );
        line(text, &format!("cmdstat_{name}"), value);
    }
}

pub(super) fn errors(session: &Session, text: &mut String) {
    for (kind, count) in session.engine.inner().calls.errors().by_kind() {
        // Scripts choose words of their own, and this is a line of a table.
        let kind: String = kind
            .chars()
            .map(|c| if c == ':' { '_' } else { c })
            .collect();
        line(
            text,
            &format!("errorstat_{kind}"),
            format_args!("count={count}"),
        );
    }
}

pub(super) fn latencies(session: &Session, text: &mut String) {
    let wanted = session.engine.inner().config.read();
    let wanted = wanted.latency_tracking_info_percentiles.clone();
    for (name, told) in told(session) {
        if told.latencies.total() == 0 {
            continue;
        }
        let one = |percent: &f64| {
            let micros = told.latencies.percentile(*percent) as f64 / 1000.0;
            format!("p{percent}={micros:.3}")
        };
        let all: Vec<String> = wanted.0.iter().map(one).collect();
        line(
            text,
            &format!("latency_percentiles_usec_{name}"),
            all.join(","),
        );
    }
}

/// Commands that were called or refused, by name.
fn told(session: &Session) -> impl Iterator<Item = (&'static str, Told)> {
    let all = registry::numbered();
    let all = all.map(|(id, name)| (name, session.engine.inner().calls.of(id)));
    all.filter(|(_, told)| told.calls + told.rejected + told.failed > 0)
}
