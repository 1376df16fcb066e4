use crate::Error;
use packed::number;
use std::ops::RangeInclusive;

/// A cursor over the arguments of one command, name first.
///
/// Reading past the end is a syntax error, so a handler takes what its grammar asks for and lets
/// `?` refuse the rest.
#[derive(Debug, Clone)]
pub struct Args<'a> {
    argv: &'a [&'a [u8]],
    next: usize,
}

impl<'a> Args<'a> {
    /// A cursor that stands behind the command's name.
    pub fn new(argv: &'a [&'a [u8]]) -> Args<'a> {
        Args { argv, next: 1 }
    }

    /// Every argument, the name included, wherever the cursor stands.
    pub fn argv(&self) -> &'a [&'a [u8]] {
        self.argv
    }

    /// How many arguments are left.
    pub fn left(&self) -> usize {
        self.argv.len().saturating_sub(self.next)
    }

    /// Whether every argument was taken.
    pub fn is_done(&self) -> bool {
        self.left() == 0
    }

    /// Refuses arguments that nobody took.
    pub fn done(&self) -> Result<(), Error> {
        if self.is_done() {
            Ok(())
        } else {
            Err(Error::Syntax)
        }
    }

    /// The next argument without taking it.
    pub fn peek(&self) -> Option<&'a [u8]> {
        self.argv.get(self.next).copied()
    }

    /// Takes the next argument as bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let arg = self.peek().ok_or(Error::Syntax)?;
        self.next += 1;
        Ok(arg)
    }

    /// Takes the next argument as a signed 64-bit integer in canonical decimal.
    pub fn int(&mut self) -> Result<i64, Error> {
        number::parse_i64(self.bytes()?).ok_or(Error::NotInteger)
    }

    /// Takes the next argument as a count or size that must not be negative; `what` names it in
    /// the refusal, as in `value is out of range, must be positive`.
    pub fn count(&mut self) -> Result<usize, Error> {
        usize::try_from(self.int()?)
            .map_err(|_| Error::err("value is out of range, must be positive"))
    }

    /// Takes the next argument as an integer within `range`; anything else is refused with `ERR`
    /// and `refusal`.
    pub fn int_in(&mut self, range: RangeInclusive<i64>, refusal: &str) -> Result<i64, Error> {
        let number = number::parse_i64(self.bytes()?);
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| Error::err(refusal))
    }

    /// Takes the next argument as a number of elements, 0 or more.
    pub fn positive(&mut self) -> Result<usize, Error> {
        let number = self.int_in(0..=i64::MAX, "value is out of range, must be positive")?;
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    }

    /// Takes the next argument as an integer from `min` to `max`; the refusal of another integer
    /// names both.
    pub fn int_between(&mut self, min: i64, max: i64) -> Result<i64, Error> {
        let number = self.int()?;
        if (min..=max).contains(&number) {
            Ok(number)
        } else {
            Err(Error::err(format_args!(
                "value is out of range, value must between {min} and {max}"
            )))
        }
    }

    /// Takes the next argument as a float. Infinities are numbers, NaN is not.
    pub fn float(&mut self) -> Result<f64, Error> {
        let number = number::parse_f64(self.bytes()?).ok_or(Error::NotFloat)?;
        if number.is_nan() {
            Err(Error::NotFloat)
        } else {
            Ok(number)
        }
    }

    /// Takes the next argument if it is `keyword`, in any case.
    pub fn keyword(&mut self, keyword: &str) -> bool {
        let found = self
            .peek()
            .is_some_and(|arg| arg.eq_ignore_ascii_case(keyword.as_bytes()));
        self.next += usize::from(found);
        found
    }

    /// Takes the next `count` arguments; fewer than that are a syntax error.
    pub fn take(&mut self, count: usize) -> Result<&'a [&'a [u8]], Error> {
        if count > self.left() {
            return Err(Error::Syntax);
        }
        let taken = &self.argv[self.next..self.next + count];
        self.next += count;
        Ok(taken)
    }

    /// Takes everything that is left.
    pub fn rest(&mut self) -> &'a [&'a [u8]] {
        let taken = &self.argv[self.next.min(self.argv.len())..];
        self.next = self.argv.len();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_in_order_and_refuses_what_is_missing() {
        let argv: [&[u8]; 4] = [b"set", b"k", b"12", b"nX"];
        let mut args = Args::new(&argv);
        assert_eq!(args.bytes(), Ok(&b"k"[..]));
        assert!(!args.keyword("XX"));
        assert_eq!(args.int(), Ok(12));
        assert_eq!(args.done(), Err(Error::Syntax));
        assert!(args.keyword("NX"));
        assert_eq!(args.bytes(), Err(Error::Syntax));
        assert_eq!(args.take(1), Err(Error::Syntax));
        assert_eq!(args.done(), Ok(()));
    }

    #[test]
    fn numbers_are_canonical() {
        let argv: [&[u8]; 4] = [b"x", b"+1", b"nan", b"-1"];
        let mut args = Args::new(&argv);
        assert_eq!(args.int(), Err(Error::NotInteger));
        assert_eq!(args.float(), Err(Error::NotFloat));
        assert!(args.count().is_err());
    }
}
