//! eˣ and what follows from it: x = n·ln 2 + r, hence eˣ = 2ⁿ·eʳ with |r| ≤ ½·ln 2.

use super::float::Float;
use super::polynomial;

/// `r` in two parts, whose difference it is, and (eʳ − 1 − r).
#[inline(always)]
fn series<T: Float>(high: T, low: T) -> T {
    let r = high - low;
    r * r * polynomial(r, T::EXP)
}

/// x within the bounds; NaN stays.
#[inline(always)]
fn clamp<T: Float>(x: T, low: T, high: T) -> T {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// x = n·ln 2 + high − low; with the powers of [`Float::whole`].
#[inline(always)]
fn reduced<T: Float>(x: T) -> (T, T, [T; 3]) {
    let (n, powers) = (x * T::number(std::f64::consts::LOG2_E)).whole();
    (x - n * T::LN_2[0], n * T::LN_2[1], powers)
}

/// eˣ, to 1 ulp.
#[inline(always)]
pub(crate) fn exp<T: Float>(x: T) -> T {
    let (high, low, [a, b, _]) = reduced(clamp(x, T::EXP_RANGE[0], T::EXP_RANGE[1]));
    (T::number(1.0) + (high - (low - series(high, low)))) * a * b
}

/// 2ˣ, to 1 ulp. x = n + r/ln 2.
#[inline(always)]
pub(crate) fn exp2<T: Float>(x: T) -> T {
    let [low, high] = T::EXP_RANGE.map(|end| end * T::number(1.5)); // 1/ln 2 is 1.44
    let x = clamp(x, low, high);
    let (n, [a, b, _]) = x.whole();
    let r = (x - n) * T::number(std::f64::consts::LN_2);
    (T::number(1.0) + (r + series(r, T::number(0.0)))) * a * b
}

/// eˣ − 1, to 2 ulp: 2ⁿ·(eʳ − 1) + (2ⁿ − 1) with the factor 2ᵇ taken out.
#[inline(always)]
pub(crate) fn exp_m1<T: Float>(x: T) -> T {
    let (high, low, [a, b, b_inverse]) = reduced(clamp(x, T::number(-40.0), T::EXP_RANGE[1]));
    let e = high - (low - series(high, low));
    let y = (e * a + (a - b_inverse)) * b;
    if x == T::number(0.0) { x } else { y }
}

/// Hyperbolic tangent, to 3 ulp: (1 − e)/(1 + e) with e = e^(−2·|x|), written in e − 1 to be exact near 0.
#[inline(always)]
pub(crate) fn tanh<T: Float>(x: T) -> T {
    let e = exp_m1(x.abs() * T::number(-2.0));
    (-e / (e + T::number(2.0))).copysign(x)
}
