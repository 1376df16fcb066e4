//! What front-ends add to `INFO`.

use crate::Engine;
use parking_lot::Mutex;
use std::fmt;

/// A line: the name of a field, and its value.
pub type InfoLine = (&'static str, String);

type Lines = Box<dyn Fn(&str) -> Vec<InfoLine> + Send>;

/// Asks the front-end.
#[derive(Default)]
pub(crate) struct Telling(Mutex<Option<Lines>>);

impl fmt::Debug for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telling").finish_non_exhaustive()
    }
}

impl Engine {
    /// Has `front_end` asked for lines of its own whenever a section of `INFO` is told, by the
    /// section's name: `Server`, `CPU`. They come behind the engine's.
    pub fn on_info(&self, front_end: impl Fn(&str) -> Vec<InfoLine> + Send + 'static) {
        *self.inner().telling.0.lock() = Some(Box::new(front_end));
    }

    pub(crate) fn told_by_front_end(&self, section: &str) -> Vec<InfoLine> {
        let front_end = self.inner().telling.0.lock();
        front_end
            .as_ref()
            .map_or(Vec::new(), |lines| lines(section))
    }

    /// Counts a connection that a front-end turned away (`rejected_connections`).
    pub fn note_refused_connection(&self) {
        self.stats().refused_connections.add(1);
    }

    /// Lets `INFO` tell rates of the last seconds (`instantaneous_ops_per_sec`): to be called ten
    /// times a second or more often, from any thread. Without it they are told as zero.
    pub fn sample_rates(&self) {
        self.stats().rates.sample(self.inner());
    }
}

#[cfg(test)]
mod tests {
    use crate::{Builder, Engine, ManualClock, Reply};
    use units::UnixMillis;

    fn info(engine: &Engine, sections: &[&str]) -> String {
        let argv = [&["INFO"], sections].concat();
        match engine.session().execute(&argv) {
            Reply::Bulk(text) => String::from_utf8(text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_front_end_adds_lines_to_sections() {
        let engine = Engine::open_in_memory();
        engine.on_info(|section| match section {
            "CPU" => vec![("used_cpu_user", "1.5".to_owned())],
            _ => Vec::new(),
        });
        assert_eq!(info(&engine, &["cpu"]), "# CPU\r\nused_cpu_user:1.5\r\n");
        assert!(info(&engine, &[]).contains("\r\n# CPU\r\nused_cpu_user:1.5\r\n\r\n"));
    }

    #[test]
    fn commands_are_told_of_only_if_asked_for() {
        let engine = Engine::open_in_memory();
        engine.session().execute(&["SET", "k", "v"]);
        engine.session().execute(&["HGET", "k", "f"]);
        engine.session().execute(&["GET"]);
        assert!(!info(&engine, &[]).contains("cmdstat_"));
        let all = info(&engine, &["all"]);
        assert!(all.contains("cmdstat_set:calls=1,"), "{all}");
        assert!(all.contains(",rejected_calls=1,failed_calls=0"), "{all}");
        assert!(all.contains("latency_percentiles_usec_hget:p50="), "{all}");
        let errors = info(&engine, &["errorstats"]);
        assert_eq!(
            errors,
            "# Errorstats\r\nerrorstat_ERR:count=1\r\nerrorstat_WRONGTYPE:count=1\r\n"
        );
        engine.session().execute(&["CONFIG", "RESETSTAT"]);
        assert_eq!(info(&engine, &["errorstats"]), "# Errorstats\r\n");
    }

    #[test]
    fn reads_that_found_keys_and_rates_are_told() {
        let clock = ManualClock::new(UnixMillis(1_000_000));
        let engine = Builder::in_memory().clock(clock.clone()).open().unwrap();
        let mut session = engine.session();
        session.execute(&["SET", "k", "v"]);
        engine.sample_rates();
        for argv in [
            &["GET", "k"][..],
            &["GET", "no"],
            &["MGET", "k", "no"],
            &["EXISTS", "k"],
        ] {
            session.execute(argv);
        }
        session.note_traffic(10, 20);
        clock.advance(1000);
        let stats = info(&engine, &["stats"]);
        for line in [
            "keyspace_hits:3",
            "keyspace_misses:2",
            "instantaneous_ops_per_sec:4",
            "total_net_input_bytes:10",
            "total_net_output_bytes:20",
            "instantaneous_output_kbps:0.02",
        ] {
            assert!(
                stats.contains(&format!("\r\n{line}\r\n")),
                "{line}: {stats}"
            );
        }
    }
}
