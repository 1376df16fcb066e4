//! The dense form: 6 bits a register, lowest bits first, 12,288 bytes in all.

use super::REGISTERS;

const BITS: usize = 6;
const MASK: u16 = (1 << BITS) - 1;
pub(super) const DENSE_LEN: usize = REGISTERS * BITS / 8;

/// The two bytes that hold a register (the second may not exist), and its lowest bit in them.
fn window(bytes: &[u8], register: usize) -> (usize, u32, u16) {
    let bit = register * BITS;
    let at = bit / 8;
    let low = bytes.get(at).copied().unwrap_or(0);
    let high = bytes.get(at + 1).copied().unwrap_or(0);
    (at, (bit % 8) as u32, u16::from_le_bytes([low, high]))
}

pub(super) fn get(bytes: &[u8], register: usize) -> u8 {
    let (_, shift, window) = window(bytes, register);
    (window >> shift & MASK) as u8
}

pub(super) fn set(bytes: &mut [u8], register: usize, count: u8) {
    let (at, shift, window) = window(bytes, register);
    let window = window & !(MASK << shift) | u16::from(count) << shift;
    for (into, byte) in bytes.iter_mut().skip(at).zip(window.to_le_bytes()) {
        *into = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_do_not_touch_each_other() {
        let mut bytes = vec![0; DENSE_LEN];
        for register in 0..REGISTERS {
            set(&mut bytes, register, (register % 64) as u8);
        }
        set(&mut bytes, 100, 7);
        assert!((0..REGISTERS).all(|at| at == 100 || get(&bytes, at) == (at % 64) as u8));
        assert_eq!(get(&bytes, 100), 7);
    }
}
