//! Logarithms: x = m·2ᵏ, hence ln x = k·ln 2 + ln m. With s = f/(2 + f), ln(1 + f) = 2·artanh s = f − s·(f − (2·artanh s)/s + 2), and f is exact.

use super::float::Float;
use super::polynomial;

/// k·ln 2 + ln(1 + f) + c for a small c, smallest terms first.
#[inline(always)]
fn joined<T: Float>(k: T, f: T, c: T) -> T {
    let s = f / (f + T::number(2.0));
    let z = s * s;
    let half_square = T::number(0.5) * f * f;
    let rest = s * (half_square + z * polynomial(z, T::LOG)) + (k * T::LN_2[1] + c);
    k * T::LN_2[0] - ((half_square - rest) - f)
}

/// The logarithm's values where x is no positive number.
#[inline(always)]
fn at_ends<T: Float>(x: T, y: T) -> T {
    let zero = T::number(0.0);
    let y = if x > zero { y } else { T::number(f64::NAN) };
    let y = if x == zero { T::number(f64::NEG_INFINITY) } else { y };
    if x == T::number(f64::INFINITY) { x } else { y }
}

/// Natural logarithm, to 1 ulp.
#[inline(always)]
pub(crate) fn ln<T: Float>(x: T) -> T {
    // A subnormal number is first made a normal one.
    let small = x < T::SMALLEST_NORMAL;
    let (lift, drop) = (T::number((T::DIGITS + 2.0).exp2()), T::number(T::DIGITS + 2.0));
    let (k, m) = (if small { x * lift } else { x }).split();
    let k = if small { k - drop } else { k };
    at_ends(x, joined(k, m - T::number(1.0), T::number(0.0)))
}

/// ln(1 + x), to 1 ulp: what is lost by rounding 1 + x to u is brought back as c = (1 + x − u)/u.
#[inline(always)]
pub(crate) fn ln_1p<T: Float>(x: T) -> T {
    let (zero, one) = (T::number(0.0), T::number(1.0));
    let u = one + x;
    let lost = if u > T::number(2.0) { one - (u - x) } else { x - (u - one) };
    let (k, m) = u.split();
    let (f, c) = if k == zero { (x, zero) } else { (m - one, lost / u) };
    let y = at_ends(u, joined(k, f, c));
    if x == zero { x } else { y }
}
