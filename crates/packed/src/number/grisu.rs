//! The digits of a double, as the servers since Redis 7.2 find them.
//!
//! They use Grisu2 (Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers", 2010),
//! whose digits always read back as the same double, but in one case of a thousand are not the shortest that do. A
//! score's text goes into the digest, so the same digits are needed, not better ones.
//!
//! ```text
//!   double = significand x 2^exponent
//!   scaled by a power of ten so that its exponent is in -60..=-32; then the bits above that exponent are the integral
//!   part, and digits are cut off until what is left lies between the neighbours' midpoints
//!
//!   Example: 5e-324               digits 5                   power -324
//!            2014751.9334011101   digits 20147519334011101   power -10    (201475193340111 x 10^-8 would do)
//! ```
//!
//! Invariants: 1 to 17 digits, the first and the last not zero but for rare endings that the servers leave as well;
//! `digits x 10^power` reads back as the double.

/// Bits of the stored significand.
const STORED_BITS: u32 = 52;
const HIDDEN_BIT: u64 = 1 << STORED_BITS;
const EXPONENT_BIAS: i32 = 1023 + STORED_BITS as i32;
/// Where the exponent of a scaled double may lie.
const SCALED_MIN: i32 = -60;
const SCALED_MAX: i32 = -32;

/// Decimal digits of a double.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) digits: [u8; Decimal::DIGITS_MAX],
    pub(super) len: usize,
    /// Power of ten of the last digit.
    pub(super) power: i32,
}

impl Decimal {
    pub(super) const DIGITS_MAX: usize = 17;

    pub(super) const fn new(power: i32) -> Self {
        Self {
            digits: [0; Self::DIGITS_MAX],
            len: 0,
            power,
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }

    /// Appends a digit, leading zeros left out.
    fn push(&mut self, digit: u64) {
        if (digit != 0 || self.len != 0)
            && let Some(place) = self.digits.get_mut(self.len)
        {
            *place = b'0' + digit as u8;
            self.len += 1;
        }
    }

    /// Lowers the last digit for as long as that comes closer to the double: `rest` is how far the digits lie below
    /// the upper bound and `target` how far the double does, `unit` is one of the last digit, `width` the interval.
    fn round(&mut self, width: u64, mut rest: u64, unit: u64, target: u64) {
        let Some(last) = self
            .len
            .checked_sub(1)
            .and_then(|last| self.digits.get_mut(last))
        else {
            return;
        };
        while rest < target
            && width - rest >= unit
            && (rest.wrapping_add(unit) < target
                || target - rest > rest.wrapping_add(unit).wrapping_sub(target))
        {
            *last -= 1;
            rest = rest.wrapping_add(unit);
        }
    }
}

/// `fraction x 2^exponent`.
#[derive(Clone, Copy, Debug)]
struct Scaled {
    fraction: u64,
    exponent: i32,
}

impl Scaled {
    /// The top bit of the fraction set.
    fn normalized(self) -> Self {
        let shift = self.fraction.leading_zeros();
        Self {
            fraction: self.fraction << shift,
            exponent: self.exponent - shift as i32,
        }
    }

    /// The upper 64 bits of the product, rounded.
    fn times(self, other: Self) -> Self {
        let product = u128::from(self.fraction) * u128::from(other.fraction) + (1 << 63);
        Self {
            fraction: (product >> 64) as u64,
            exponent: self.exponent + other.exponent + 64,
        }
    }
}

/// The digits of `value`, which is finite and greater than 0.
pub(super) fn digits_of(value: f64) -> Decimal {
    let exact = exact(value);
    let (lower, upper) = midpoints(exact);
    let (scale, scale_power) = power_for(upper.exponent);
    let (middle, lower, upper) = (
        exact.normalized().times(scale),
        lower.times(scale),
        upper.times(scale),
    );
    // Both ends one step inward, so that rounding in the products cannot leave the interval.
    let upper = Scaled {
        fraction: upper.fraction - 1,
        ..upper
    };
    let (width, target) = (
        upper.fraction - (lower.fraction + 1),
        upper.fraction - middle.fraction,
    );
    generate(upper, width, target, -scale_power)
}

fn exact(value: f64) -> Scaled {
    let (stored, biased) = (
        value.to_bits() & (HIDDEN_BIT - 1),
        (value.to_bits() >> STORED_BITS) as i32 & 0x7ff,
    );
    match biased {
        0 => Scaled {
            fraction: stored,
            exponent: 1 - EXPONENT_BIAS,
        },
        _ => Scaled {
            fraction: stored | HIDDEN_BIT,
            exponent: biased - EXPONENT_BIAS,
        },
    }
}

/// The points halfway to the next doubles below and above, with one exponent, the upper one normalized.
fn midpoints(Scaled { fraction, exponent }: Scaled) -> (Scaled, Scaled) {
    let upper = Scaled {
        fraction: (fraction << 1) + 1,
        exponent: exponent - 1,
    }
    .normalized();
    // Below a power of two doubles lie twice as close.
    let shift = if fraction == HIDDEN_BIT { 2 } else { 1 };
    let lower = ((fraction << shift) - 1) << (exponent - shift - upper.exponent);
    (
        Scaled {
            fraction: lower,
            exponent: upper.exponent,
        },
        upper,
    )
}

/// A power of ten that brings `exponent` into the range, and which power it is.
fn power_for(exponent: i32) -> (Scaled, i32) {
    let estimate = f64::from(-(exponent + POWERS.len() as i32)) * std::f64::consts::LOG10_2;
    let mut index = ((estimate - f64::from(POWER_FIRST)) / f64::from(POWER_STEP)) as usize;
    loop {
        let (scale, power) = power_at(index);
        match exponent + scale.exponent + 64 {
            ..SCALED_MIN => index += 1,
            SCALED_MIN..=SCALED_MAX => return (scale, power),
            _ => index -= 1,
        }
    }
}

fn power_at(index: usize) -> (Scaled, i32) {
    let power = POWER_FIRST + index as i32 * POWER_STEP;
    // log2(10) in 19 binary places: exact enough for the floor at every power in the table.
    let exponent = ((power * 1_741_647) >> 19) - 63;
    (
        Scaled {
            fraction: POWERS[index],
            exponent,
        },
        power,
    )
}

/// Cuts digits off `upper` until the rest is below `width`.
fn generate(upper: Scaled, width: u64, target: u64, power: i32) -> Decimal {
    let point = upper.exponent.unsigned_abs();
    let mut integral = upper.fraction >> point;
    let mut fraction = upper.fraction & ((1 << point) - 1);
    let mut decimal = Decimal::new(power);
    for kappa in (0..10u32).rev() {
        let unit = 10u64.pow(kappa);
        decimal.push(integral / unit);
        integral %= unit;
        let rest = (integral << point) + fraction;
        if rest <= width {
            decimal.power += kappa as i32;
            decimal.round(width, rest, unit << point, target);
            return decimal;
        }
    }
    let (mut width, mut scale) = (width, 1u64);
    loop {
        fraction *= 10;
        width = width.wrapping_mul(10);
        scale = scale.wrapping_mul(10);
        decimal.power -= 1;
        decimal.push(fraction >> point);
        fraction &= (1 << point) - 1;
        if fraction < width {
            decimal.round(width, fraction, 1 << point, target.wrapping_mul(scale));
            return decimal;
        }
    }
}

const POWER_FIRST: i32 = -348;
const POWER_STEP: i32 = 8;

/// 10^-348, 10^-340 .. 10^340: the top 64 bits of each, rounded.
#[rustfmt::skip]
static POWERS: [u64; 87] = [
    0xfa8f_d5a0_081c_0288, 0xbaae_e17f_a23e_bf76, 0x8b16_fb20_3055_ac76, 0xcf42_894a_5dce_35ea,
    0x9a6b_b0aa_5565_3b2d, 0xe61a_cf03_3d1a_45df, 0xab70_fe17_c79a_c6ca, 0xff77_b1fc_bebc_dc4f,
    0xbe56_91ef_416b_d60c, 0x8dd0_1fad_907f_fc3c, 0xd351_5c28_3155_9a83, 0x9d71_ac8f_ada6_c9b5,
    0xea9c_2277_23ee_8bcb, 0xaecc_4991_4078_536d, 0x823c_1279_5db6_ce57, 0xc210_9436_4dfb_5637,
    0x9096_ea6f_3848_984f, 0xd774_85cb_2582_3ac7, 0xa086_cfcd_97bf_97f4, 0xef34_0a98_172a_ace5,
    0xb238_67fb_2a35_b28e, 0x84c8_d4df_d2c6_3f3b, 0xc5dd_4427_1ad3_cdba, 0x936b_9fce_bb25_c996,
    0xdbac_6c24_7d62_a584, 0xa3ab_6658_0d5f_daf6, 0xf3e2_f893_dec3_f126, 0xb5b5_ada8_aaff_80b8,
    0x8762_5f05_6c7c_4a8b, 0xc9bc_ff60_34c1_3053, 0x964e_858c_91ba_2655, 0xdff9_7724_7029_7ebd,
    0xa6df_bd9f_b8e5_b88f, 0xf8a9_5fcf_8874_7d94, 0xb944_7093_8fa8_9bcf, 0x8a08_f0f8_bf0f_156b,
    0xcdb0_2555_6531_31b6, 0x993f_e2c6_d07b_7fac, 0xe45c_10c4_2a2b_3b06, 0xaa24_2499_6973_92d3,
    0xfd87_b5f2_8300_ca0e, 0xbce5_0864_9211_1aeb, 0x8cbc_cc09_6f50_88cc, 0xd1b7_1758_e219_652c,
    0x9c40_0000_0000_0000, 0xe8d4_a510_0000_0000, 0xad78_ebc5_ac62_0000, 0x813f_3978_f894_0984,
    0xc097_ce7b_c907_15b3, 0x8f7e_32ce_7bea_5c70, 0xd5d2_38a4_abe9_8068, 0x9f4f_2726_179a_2245,
    0xed63_a231_d4c4_fb27, 0xb0de_6538_8cc8_ada8, 0x83c7_088e_1aab_65db, 0xc45d_1df9_4271_1d9a,
    0x924d_692c_a61b_e758, 0xda01_ee64_1a70_8dea, 0xa26d_a399_9aef_774a, 0xf209_787b_b47d_6b85,
    0xb454_e4a1_79dd_1877, 0x865b_8692_5b9b_c5c2, 0xc835_53c5_c896_5d3d, 0x952a_b45c_fa97_a0b3,
    0xde46_9fbd_99a0_5fe3, 0xa59b_c234_db39_8c25, 0xf6c6_9a72_a398_9f5c, 0xb7dc_bf53_54e9_bece,
    0x88fc_f317_f222_41e2, 0xcc20_ce9b_d35c_78a5, 0x9816_5af3_7b21_53df, 0xe2a0_b5dc_971f_303a,
    0xa8d9_d153_5ce3_b396, 0xfb9b_7cd9_a4a7_443c, 0xbb76_4c4c_a7a4_4410, 0x8bab_8eef_b640_9c1a,
    0xd01f_ef10_a657_842c, 0x9b10_a4e5_e991_3129, 0xe710_9bfb_a19c_0c9d, 0xac28_20d9_623b_f429,
    0x8044_4b5e_7aa7_cf85, 0xbf21_e440_03ac_dd2d, 0x8e67_9c2f_5e44_ff8f, 0xd433_179d_9c8c_b841,
    0x9e19_db92_b4e3_1ba9, 0xeb96_bf6e_badf_77d9, 0xaf87_023b_9bf0_ee6b,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_above() {
        let decimal = digits_of(5e-324);
        assert_eq!((decimal.as_bytes(), decimal.power), (&b"5"[..], -324));
        let decimal = digits_of(f64::from_bits(0x413e_be1f_eef3_600a));
        assert_eq!(
            (decimal.as_bytes(), decimal.power),
            (&b"20147519334011101"[..], -10)
        );
    }

    #[test]
    fn powers_are_the_exact_ones_rounded() {
        // Powers that 64 bits hold exactly, and neighbours by multiplication: 10^8 apart within rounding.
        for index in 0..POWERS.len() {
            let (scale, power) = power_at(index);
            assert!(scale.fraction >> 63 == 1, "10^{power}");
            if (0..=19).contains(&power) {
                assert_eq!(
                    scale.fraction,
                    10u64.pow(power as u32) << 10u64.pow(power as u32).leading_zeros()
                );
            }
        }
        let eight = Scaled {
            fraction: 100_000_000,
            exponent: 0,
        }
        .normalized();
        for index in 1..POWERS.len() {
            let (next, power) = power_at(index);
            let product = power_at(index - 1).0.times(eight).normalized();
            assert_eq!(product.exponent, next.exponent, "10^{power}");
            assert!(product.fraction.abs_diff(next.fraction) <= 2, "10^{power}");
        }
    }

    fn text(decimal: &Decimal) -> String {
        format!(
            "{}e{}",
            String::from_utf8_lossy(decimal.as_bytes()),
            decimal.power
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn digits_read_back_and_none_is_beyond_the_seventeenth(bits in 1u64..0x7ff0_0000_0000_0000) {
            let value = f64::from_bits(bits);
            let decimal = digits_of(value);
            prop_assert_eq!(text(&decimal).parse::<f64>(), Ok(value));
            let shortest = zmij::Buffer::new().format_finite(value).to_owned();
            let mantissa = shortest.split('e').next().unwrap_or_default().trim_end_matches(".0");
            let shortest_digits = mantissa.replace('.', "").trim_matches('0').len();
            prop_assert!(decimal.len >= shortest_digits && decimal.len <= 17, "{} {}", text(&decimal), shortest);
        }
    }

    #[test]
    fn edges_read_back() {
        for exponent in 1..=2046u64 {
            for bits in [(exponent << 52) - 1, exponent << 52, (exponent << 52) + 1] {
                let value = f64::from_bits(bits);
                assert_eq!(text(&digits_of(value)).parse(), Ok(value));
            }
        }
        for shift in 0..52 {
            let value = f64::from_bits(1 << shift);
            assert_eq!(text(&digits_of(value)).parse(), Ok(value));
        }
    }
}
