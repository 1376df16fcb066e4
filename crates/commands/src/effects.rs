use crate::Event;
use units::DbIndex;

/// What other copies of the data must repeat for one command.
///
/// A handler says nothing if the command as it was sent will do (the caller repeats it if the
/// keyspace counted a change). Where the result depends on time, chance or waiting, it
/// [replaces](Effects::push) the command by ones that do not.
///
/// Besides that, the events that clients are told of.
#[derive(Debug, Default)]
pub struct Effects {
    replaced: bool,
    bytes: Vec<u8>,
    arg_ends: Vec<usize>,
    command_ends: Vec<usize>,
    events: Vec<Event>,
}

impl Effects {
    /// Adds `argv` to what is repeated in place of the command as it was sent.
    pub fn push(&mut self, argv: &[&[u8]]) {
        self.replaced = true;
        for arg in argv {
            self.bytes.extend_from_slice(arg);
            self.arg_ends.push(self.bytes.len());
        }
        self.command_ends.push(self.arg_ends.len());
    }

    /// Nothing of the command as it was sent is repeated; what was and will be pushed is.
    pub fn suppress(&mut self) {
        self.replaced = true;
    }

    /// Whether the command as it was sent stands for itself.
    pub fn as_sent(&self) -> bool {
        !self.replaced
    }

    /// How many commands were pushed.
    pub fn len(&self) -> usize {
        self.command_ends.len()
    }

    /// Whether no command was pushed.
    pub fn is_empty(&self) -> bool {
        self.command_ends.is_empty()
    }

    /// The pushed commands in order, each as its arguments.
    pub fn iter(&self) -> impl Iterator<Item = impl Iterator<Item = &[u8]> + Clone> {
        let mut first_arg = 0;
        self.command_ends.iter().map(move |&end| {
            let args = first_arg..end;
            first_arg = end;
            args.map(|i| self.arg(i))
        })
    }

    /// Adds what happened to a key, behind what happened before.
    pub fn tell(&mut self, db: DbIndex, name: &'static str, key: &[u8]) {
        self.events.push(Event {
            db,
            name,
            key: key.to_vec(),
        });
    }

    /// Adds that a key came to be, in front of what else happened to it since it was missed, unless
    /// that was added before.
    pub fn tell_new(&mut self, db: DbIndex, key: &[u8]) {
        let about_it = |event: &Event| event.db == db && event.key == key;
        let mut of_it = self.events.iter().filter(|event| about_it(event));
        if of_it.any(|event| event.name == "new") {
            return;
        }
        let happened = |event: &Event| about_it(event) && event.name != "keymiss";
        let first = self.events.iter().position(happened);
        let event = Event {
            db,
            name: "new",
            key: key.to_vec(),
        };
        self.events
            .insert(first.unwrap_or(self.events.len()), event);
    }

    /// What happened to keys, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Forgets everything, keeping the memory for the next command.
    pub fn clear(&mut self) {
        self.replaced = false;
        self.bytes.clear();
        self.arg_ends.clear();
        self.command_ends.clear();
        self.events.clear();
    }

    fn arg(&self, i: usize) -> &[u8] {
        let start = if i == 0 { 0 } else { self.arg_ends[i - 1] };
        &self.bytes[start..self.arg_ends[i]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_back_as_they_were_pushed() {
        let mut effects = Effects::default();
        assert!(effects.as_sent());
        effects.push(&[b"DEL", b"k"]);
        effects.push(&[b"SET", b"", b"v"]);
        let back: Vec<Vec<&[u8]>> = effects.iter().map(|argv| argv.collect()).collect();
        assert_eq!(
            back,
            [vec![&b"DEL"[..], b"k"], vec![&b"SET"[..], b"", b"v"]]
        );
        effects.clear();
        assert!(effects.as_sent() && effects.is_empty());
    }
}
