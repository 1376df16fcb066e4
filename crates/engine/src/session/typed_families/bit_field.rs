//! Strings as arrays of small integers.

use super::Argv;
use crate::session::Session;
use commands::Error;

/// An integer of so many bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitWidth {
    /// 1 to 64 bits, of two's complement.
    Signed(u8),
    /// 1 to 63 bits.
    Unsigned(u8),
}

impl BitWidth {
    fn text(self) -> String {
        match self {
            BitWidth::Signed(bits) => format!("i{bits}"),
            BitWidth::Unsigned(bits) => format!("u{bits}"),
        }
    }
}

/// What becomes of a number that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitOverflow {
    /// Its high bits go.
    Wrap,
    /// The nearest that fits is taken.
    Saturate,
    /// Nothing is written.
    Fail,
}

impl BitOverflow {
    fn token(self) -> &'static str {
        match self {
            BitOverflow::Wrap => "WRAP",
            BitOverflow::Saturate => "SAT",
            BitOverflow::Fail => "FAIL",
        }
    }
}

/// Steps of a [`Session::bitfield`], done in their order. Offsets count bits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BitField {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Get(BitWidth, u64),
    Set(BitWidth, u64, i64),
    IncrBy(BitWidth, u64, i64),
    Overflow(BitOverflow),
}

impl BitField {
    /// Reads an integer (`GET`).
    pub fn get(self, width: BitWidth, offset: u64) -> BitField {
        self.step(Step::Get(width, offset))
    }

    /// Writes an integer, and tells what it was (`SET`).
    pub fn set(self, width: BitWidth, offset: u64, value: i64) -> BitField {
        self.step(Step::Set(width, offset, value))
    }

    /// Adds to an integer, and tells the sum (`INCRBY`).
    pub fn incr_by(self, width: BitWidth, offset: u64, by: i64) -> BitField {
        self.step(Step::IncrBy(width, offset, by))
    }

    /// From here on, numbers that do not fit are treated so; [`BitOverflow::Wrap`] before that
    /// (`OVERFLOW`).
    pub fn overflow(self, overflow: BitOverflow) -> BitField {
        self.step(Step::Overflow(overflow))
    }

    fn step(mut self, step: Step) -> BitField {
        self.steps.push(step);
        self
    }
}

impl Step {
    fn add_to<'a>(&self, argv: Argv<'a>) -> Argv<'a> {
        let (token, width, offset, value) = match *self {
            Step::Get(width, offset) => ("GET", width, offset, None),
            Step::Set(width, offset, value) => ("SET", width, offset, Some(value)),
            Step::IncrBy(width, offset, by) => ("INCRBY", width, offset, Some(by)),
            Step::Overflow(overflow) => return argv.token("OVERFLOW").token(overflow.token()),
        };
        let argv = argv.token(token).number(width.text()).number(offset);
        argv.numbers(value.as_slice())
    }
}

impl Session {
    /// Reads and writes integers within the string at `key`. What each step but
    /// [`BitField::overflow`] tells comes back, `None` where a number did not fit. Like `BITFIELD`.
    ///
    /// ```
    /// use duramen::{BitField, BitOverflow, BitWidth, Engine};
    /// let mut session = Engine::open_in_memory().session();
    /// let byte = BitWidth::Unsigned(8);
    /// let steps = BitField::default().set(byte, 0, 250).overflow(BitOverflow::Saturate);
    /// let told = session.bitfield("counters", &steps.incr_by(byte, 0, 10).get(byte, 8))?;
    /// assert_eq!(told, [Some(0), Some(255), Some(0)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bitfield(
        &mut self,
        key: impl AsRef<[u8]>,
        steps: &BitField,
    ) -> Result<Vec<Option<i64>>, Error> {
        let argv = Argv::new("BITFIELD").word(&key);
        let all = steps.steps.iter();
        self.ask(&all.fold(argv, |argv, step| step.add_to(argv)))
    }
}
