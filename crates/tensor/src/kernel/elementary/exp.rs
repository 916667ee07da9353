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

/// eʳ − 1 and n.
#[inline(always)]
fn reduced<T: Float>(x: T) -> (T, T::Bits) {
    let (n, power) = (x * T::number(std::f64::consts::LOG2_E)).whole();
    let (high, low) = (x - n * T::LN_2[0], n * T::LN_2[1]);
    (high - (low - series(high, low)), power)
}

/// y·2ⁿ in two steps, since 2ⁿ may be too large or too small: there and back by 2⁶⁴ or 2⁻⁶⁴, by the sign of x.
#[inline(always)]
fn scaled<T: Float>(y: T, n: T::Bits, negative: bool) -> T {
    const LARGE: f64 = (1u128 << 64) as f64;
    let (large, small) = (T::number(LARGE), T::number(1.0 / LARGE));
    let (rest, step) = if negative { (large, small) } else { (small, large) };
    y * rest.times_power(n) * step
}

/// eˣ, to 1 ulp.
#[inline(always)]
pub(crate) fn exp<T: Float>(x: T) -> T {
    let [zero, infinite] = T::EXP_RANGE;
    let (e, n) = reduced(clamp(x, zero, infinite));
    scaled(T::number(1.0) + e, n, x < T::number(0.0))
}

/// 2ˣ, to 1.1 ulp. x = n + r/ln 2.
#[inline(always)]
pub(crate) fn exp2<T: Float>(x: T) -> T {
    let [zero, infinite] = T::EXP_RANGE;
    let x = clamp(x, zero * T::number(1.45), infinite * T::number(1.45)); // 1/ln 2 is 1.443
    let (n, power) = x.whole();
    let r = (x - n) * T::number(std::f64::consts::LN_2);
    scaled(T::number(1.0) + (r + series(r, T::number(0.0))), power, x < T::number(0.0))
}

/// eˣ − 1, to 2 ulp: twice 2ⁿ⁻¹·(eʳ − 1) + (2ⁿ⁻¹ − ½), as 2ⁿ may be too large.
#[inline(always)]
pub(crate) fn exp_m1<T: Float>(x: T) -> T {
    let (e, n) = reduced(clamp(x, T::number(-40.0), T::EXP_RANGE[1]));
    let half = T::number(0.5).times_power(n);
    let y = (e * half + (half - T::number(0.5))) * T::number(2.0);
    if x == T::number(0.0) { x } else { y }
}

/// Hyperbolic tangent, to 3 ulp: (1 − e)/(1 + e) with e = e^(−2·|x|), written in e − 1 to be exact near 0.
#[inline(always)]
pub(crate) fn tanh<T: Float>(x: T) -> T {
    let e = exp_m1(x.abs() * T::number(-2.0));
    (-e / (e + T::number(2.0))).copysign(x)
}
