//! The parts of a binary floating-point number.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// `f32` or `f64`, as a sign, an exponent and a fraction.
pub(crate) trait Float:
    Copy
    + PartialOrd
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + 'static
{
    /// ln 2 in two parts. The first has so few digits that its product with any exponent is exact.
    const LN_2: [Self; 2];
    /// The bits of a number.
    type Bits: Copy;
    /// Beyond these, eˣ is infinite or 0.
    const EXP_RANGE: [Self; 2];
    /// Polynomial for (eʳ − 1 − r) / r² on ±½·ln 2.
    const EXP: &'static [Self];
    /// Polynomial in s² for (2·artanh s − 2·s) / s³ on 0 ≤ s ≤ (√2 − 1)/(√2 + 1).
    const LOG: &'static [Self];
    /// The smallest number of full precision.
    const SMALLEST_NORMAL: Self;
    /// The number of bits of a fraction: 1 is followed by this power of ½.
    const DIGITS: f64;

    /// The nearest value.
    fn number(x: f64) -> Self;
    /// The whole number nearest to a small x, and what `times_power` takes for it.
    fn whole(self) -> (Self, Self::Bits);
    /// x·2ⁿ, where x and the result are normal.
    fn times_power(self, n: Self::Bits) -> Self;
    /// `(k, m)` with x = m·2ᵏ and √½ ≤ m < √2, for a positive normal x.
    fn split(self) -> (Self, Self);
    /// self·by + plus, rounded once.
    fn mul_add(self, by: Self, plus: Self) -> Self;
    fn abs(self) -> Self;
    fn copysign(self, sign: Self) -> Self;
}

macro_rules! float {
    ($ty:ident as $bits:ty, digits $digits:literal, ln_2 $ln2:expr, range $range:expr, exp $exp:expr, log $log:expr) => {
        impl Float for $ty {
            const LN_2: [$ty; 2] = $ln2;
            type Bits = $bits;
            const EXP_RANGE: [$ty; 2] = $range;
            const EXP: &'static [$ty] = &$exp;
            const LOG: &'static [$ty] = &$log;
            const SMALLEST_NORMAL: $ty = $ty::MIN_POSITIVE;
            const DIGITS: f64 = $digits as f64;

            #[inline(always)]
            fn number(x: f64) -> $ty {
                x as $ty
            }

            #[inline(always)]
            fn whole(self) -> ($ty, $bits) {
                // Where neighbours are 1 apart, adding rounds to a whole number, and the lowest bits hold it.
                const SHIFT: $ty = (3 as $bits << ($digits - 1)) as $ty;
                let shifted = self + SHIFT;
                (shifted - SHIFT, shifted.to_bits() << $digits)
            }

            #[inline(always)]
            fn times_power(self, n: $bits) -> $ty {
                $ty::from_bits(self.to_bits().wrapping_add(n))
            }

            #[inline(always)]
            fn split(self) -> ($ty, $ty) {
                const LOWEST: $bits = std::$ty::consts::FRAC_1_SQRT_2.to_bits();
                const ONE: $bits = (1 as $ty).to_bits();
                // 2^digits, whose lowest bits are free to hold a whole number.
                const SHIFT: $ty = (1 as $bits << $digits) as $ty;
                let moved = self.to_bits().wrapping_add(ONE - LOWEST);
                let exponent = moved >> $digits;
                let k = $ty::from_bits(exponent | SHIFT.to_bits()) - (SHIFT + ($ty::MAX_EXP - 1) as $ty);
                let m = $ty::from_bits((moved & ((1 << $digits) - 1)) + LOWEST);
                (k, m)
            }

            #[inline(always)]
            fn mul_add(self, by: $ty, plus: $ty) -> $ty {
                $ty::mul_add(self, by, plus)
            }

            #[inline(always)]
            fn abs(self) -> $ty {
                $ty::abs(self)
            }

            #[inline(always)]
            fn copysign(self, sign: $ty) -> $ty {
                $ty::copysign(self, sign)
            }
        }
    };
}

float! {
    f32 as u32, digits 23,
    ln_2 [0.693_145_75, 1.428_606_8e-6],
    range [-104.0, 89.0],
    exp [1.395_048_6e-3, 8.368_89e-3, 0.041_666_206, 0.166_665_18, 0.5],
    log [0.233_317_2, 0.285_507_74, 0.400_001_23, 0.666_666_7]
}

float! {
    f64 as u64, digits 52,
    ln_2 [0.693_147_180_559_663, 2.823_529_056_303_157_7e-13],
    range [-746.0, 710.0],
    exp [
        2.091_468_696_808_687_6e-9, 2.510_521_700_472_074_5e-8, 2.755_727_364_311_03e-7, 2.755_725_540_020_642_2e-6,
        2.480_158_732_534_757_4e-5, 1.984_126_987_482_062_7e-4, 1.388_888_888_888_374_8e-3, 8.333_333_333_326_136e-3,
        0.041_666_666_666_666_67, 0.166_666_666_666_666_7, 0.5
    ],
    log [
        0.130_881_665_185_919_1, 0.132_686_257_658_570_5, 0.153_862_452_087_256_05, 0.181_817_955_388_507_8,
        0.222_222_223_926_622_7, 0.285_714_285_707_994_3, 0.400_000_000_000_008_85, 0.666_666_666_666_666_6
    ]
}
