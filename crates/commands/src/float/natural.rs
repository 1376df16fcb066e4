//! Natural numbers of any size: just what it takes to read and print floats exactly.

use std::cmp::Ordering;

/// Digits in base 2^32, lowest first, no zeros at the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Natural(Vec<u32>);

/// Bits of a quotient that suffice to round it to 64: those, a guard bit and some to spare.
const QUOTIENT_BITS: u32 = 68;

impl Natural {
    pub(super) fn from_u64(number: u64) -> Natural {
        Natural(vec![number as u32, (number >> 32) as u32]).trimmed()
    }

    /// The number that ASCII digits spell.
    pub(super) fn from_digits(digits: &[u8]) -> Natural {
        let mut number = Natural(Vec::new());
        for chunk in digits.chunks(9) {
            let value = chunk
                .iter()
                .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
            number.mul_add(10_u32.pow(chunk.len() as u32), value);
        }
        number
    }

    /// The number that digits of 0 to 15 spell.
    pub(super) fn from_hexadecimal(digits: &[u32]) -> Natural {
        let chunks = digits.rchunks(8);
        let value = |chunk: &[u32]| chunk.iter().fold(0, |value, digit| value << 4 | digit);
        Natural(chunks.map(value).collect()).trimmed()
    }

    pub(super) fn power_of_ten(power: u32) -> Natural {
        let mut number = Natural(vec![1]);
        for _ in 0..power / 9 {
            number.mul_add(1_000_000_000, 0);
        }
        number.mul_add(10_u32.pow(power % 9), 0);
        number
    }

    fn mul_add(&mut self, factor: u32, addend: u32) {
        let mut carry = u64::from(addend);
        for digit in &mut self.0 {
            let product = u64::from(*digit) * u64::from(factor) + carry;
            *digit = product as u32;
            carry = product >> 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    pub(super) fn times(&self, other: &Natural) -> Natural {
        let mut product = vec![0_u32; self.0.len() + other.0.len()];
        for (i, &a) in self.0.iter().enumerate() {
            let mut carry = 0_u64;
            for (digit, &b) in product[i..].iter_mut().zip(&other.0) {
                let sum = u64::from(a) * u64::from(b) + u64::from(*digit) + carry;
                *digit = sum as u32;
                carry = sum >> 32;
            }
            product[i + other.0.len()] = carry as u32;
        }
        Natural(product).trimmed()
    }

    fn bits(&self) -> u32 {
        match self.0.last() {
            Some(top) => 32 * self.0.len() as u32 - top.leading_zeros(),
            None => 0,
        }
    }

    pub(super) fn shifted_left(mut self, bits: u32) -> Natural {
        let mut carry = 0;
        if !bits.is_multiple_of(32) {
            for digit in &mut self.0 {
                let wide = u64::from(*digit) << (bits % 32) | carry;
                *digit = wide as u32;
                carry = wide >> 32;
            }
        }
        self.0.push(carry as u32);
        self.0
            .splice(0..0, std::iter::repeat_n(0, (bits / 32) as usize));
        self.trimmed()
    }

    /// The highest bits and the power of two that goes with them; the lowest bit is set if
    /// anything was left out.
    pub(super) fn leading_bits(&self) -> (u128, i32) {
        let skipped = self.0.len().saturating_sub(4);
        let (below, top) = self.0.split_at(skipped);
        let wide = top
            .iter()
            .rev()
            .fold(0_u128, |wide, &digit| wide << 32 | u128::from(digit));
        // The top digit may be short, but 97 bits are enough in any case.
        let sticky = below.iter().any(|&digit| digit != 0);
        (wide | u128::from(sticky), 32 * skipped as i32)
    }

    /// The highest bits of `self / divisor` and the power of two that goes with them; the lowest
    /// bit is set if the division leaves a remainder. Neither number may be zero.
    pub(super) fn quotient_bits(self, divisor: &Natural) -> (u128, i32) {
        // Scaled to the same length, the quotient begins within its first two bits.
        let up = divisor.bits().saturating_sub(self.bits());
        let down = self.bits().saturating_sub(divisor.bits());
        let mut rest = self.shifted_left(up);
        let divisor = divisor.clone().shifted_left(down);
        let mut quotient = 0_u128;
        for _ in 0..QUOTIENT_BITS {
            quotient <<= 1;
            if rest.cmp(&divisor) != Ordering::Less {
                rest.subtract(&divisor);
                quotient |= 1;
            }
            rest = rest.shifted_left(1);
        }
        let sticky = u128::from(!rest.0.is_empty());
        (
            quotient | sticky,
            down as i32 - up as i32 - (QUOTIENT_BITS as i32 - 1),
        )
    }

    fn cmp(&self, other: &Natural) -> Ordering {
        let by_len = self.0.len().cmp(&other.0.len());
        by_len.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    /// Takes away a number that is not larger.
    fn subtract(&mut self, other: &Natural) {
        let mut borrow = 0_i64;
        for (i, digit) in self.0.iter_mut().enumerate() {
            let taken = other.0.get(i).copied().unwrap_or(0);
            let difference = i64::from(*digit) - i64::from(taken) + borrow;
            *digit = difference as u32;
            borrow = difference >> 32;
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    pub(super) fn to_decimal(&self) -> String {
        let mut rest = self.clone();
        let mut groups = Vec::new();
        while !rest.0.is_empty() {
            groups.push(rest.divide_by_billion());
        }
        let Some(top) = groups.pop() else {
            return "0".into();
        };
        let lower = groups.iter().rev().map(|group| format!("{group:09}"));
        std::iter::once(top.to_string()).chain(lower).collect()
    }

    /// Divides in place; the remainder.
    fn divide_by_billion(&mut self) -> u32 {
        let mut rest = 0_u64;
        for digit in self.0.iter_mut().rev() {
            let wide = rest << 32 | u64::from(*digit);
            *digit = (wide / 1_000_000_000) as u32;
            rest = wide % 1_000_000_000;
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        rest as u32
    }

    fn trimmed(mut self) -> Natural {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_agrees_with_machine_integers() {
        let number = Natural::from_digits(b"123456789012345678901234567890");
        assert_eq!(number.to_decimal(), "123456789012345678901234567890");
        let product = Natural::from_u64(u64::MAX).times(&Natural::from_u64(10));
        assert_eq!(
            product.to_decimal(),
            (u128::from(u64::MAX) * 10).to_string()
        );
        let shifted = Natural::from_u64(5).shifted_left(97);
        assert_eq!(shifted.to_decimal(), (5_u128 << 97).to_string());
        assert_eq!(
            Natural::power_of_ten(25).to_decimal(),
            10_u128.pow(25).to_string()
        );
    }

    #[test]
    fn quotients_carry_a_sticky_bit() {
        let (wide, exponent) = Natural::from_u64(1).quotient_bits(&Natural::from_u64(4));
        assert_eq!(wide as f64 * f64::from(exponent).exp2(), 0.25);
        let (wide, _) = Natural::from_u64(1).quotient_bits(&Natural::from_u64(3));
        assert_eq!(wide & 1, 1);
    }
}
