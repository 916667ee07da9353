//! The regularised incomplete gamma functions.

use std::f64::consts::PI;

use super::gamma::zeta;

/// P(a, x) = γ(a, x) / Γ(a), for a ≥ 0 and x ≥ 0.
///
/// The power series below x = a + 1 (DLMF 8.7.1), else 1 − Q.
pub fn igamma(a: f64, x: f64) -> f64 {
    match edge(a, x) {
        Some(p) => p,
        None if a > HUGE => uniform(a, x, -1.0),
        None if x < a + 1.0 => lower_series(a, x),
        None => 1.0 - upper_fraction(a, x),
    }
}

/// Q(a, x) = Γ(a, x) / Γ(a) = 1 − P(a, x), exact where it is small.
///
/// The continued fraction from x = a + 1 on (DLMF 8.9.2); for small a and x the series of Γ(a, x) in powers of x (DLMF 8.7.3).
pub fn igammac(a: f64, x: f64) -> f64 {
    match edge(a, x) {
        Some(p) => 1.0 - p,
        None if a > HUGE => uniform(a, x, 1.0),
        None if x >= a + 1.0 => upper_fraction(a, x),
        None if a < 1.0 && x < 1.1 => upper_series(a, x),
        None => 1.0 - lower_series(a, x),
    }
}

/// From here on the series would have too many terms.
const HUGE: f64 = 1e8;

/// Q for side 1, P for side −1, by the first terms of Temme's uniform expansion (DLMF 8.12.3, 8.12.4, 8.12.7).
fn uniform(a: f64, x: f64, side: f64) -> f64 {
    let u = (x - a) / a;
    let half_square = -log_minus_one(x / a, u); // η² / 2
    let eta = (2.0 * half_square).sqrt().copysign(u);
    let first = if u.abs() < 1e-3 { eta / 12.0 - 1.0 / 3.0 } else { 1.0 / u - 1.0 / eta };
    let correction = (-a * half_square).exp() * first / (2.0 * PI * a).sqrt();
    0.5 * libm::erfc(side * eta * (0.5 * a).sqrt()) + side * correction
}

/// P(a, x) on the boundary of its domain, and NaN outside.
fn edge(a: f64, x: f64) -> Option<f64> {
    match () {
        _ if !(a >= 0.0 && x >= 0.0) || a == 0.0 && x == 0.0 || a.is_infinite() && x.is_infinite() => Some(f64::NAN),
        _ if a == 0.0 || x.is_infinite() => Some(1.0),
        _ if x == 0.0 || a.is_infinite() => Some(0.0),
        _ => None,
    }
}

fn lower_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, a);
    while term > sum * (0.1 * f64::EPSILON) {
        n += 1.0;
        term *= x / n;
        sum += term;
    }
    sum * density(a, x)
}

/// By Lentz' method.
fn upper_fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / TINY, 1.0 / b);
    let mut fraction = d;
    for k in 1..1_000_000 {
        let numerator = -f64::from(k) * (f64::from(k) - a);
        b += 2.0;
        let not_zero = |x: f64| if x.abs() < TINY { TINY } else { x };
        d = 1.0 / not_zero(b + numerator * d);
        c = not_zero(b + numerator / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    a * density(a, x) * fraction
}

fn upper_series(a: f64, x: f64) -> f64 {
    let (mut factor, mut sum, mut n) = (1.0, 0.0, 0.0);
    while n < 40.0 {
        n += 1.0;
        factor *= -x / n;
        sum += factor / (a + n);
    }
    let exponent = a * x.ln() - lgamma_after_one(a);
    -exponent.exp_m1() - a * exponent.exp() * sum
}

/// xᵃ e⁻ˣ / Γ(a + 1). Large a by Stirling's formula (DLMF 5.11.1) around the peak at x = a, where the factors would cancel.
fn density(a: f64, x: f64) -> f64 {
    if a < 10.0 {
        return (a * x.ln() - x - libm::lgamma(a + 1.0)).exp();
    }
    /// B₂ₖ / (2k (2k − 1))
    const STIRLING: [f64; 6] = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360360.0];
    let correction = STIRLING.iter().rev().fold(0.0, |sum, c| sum / (a * a) + c) / a;
    (a * log_minus_one(x / a, (x - a) / a) - correction).exp() / (2.0 * PI * a).sqrt()
}

/// ln r − u, where r = 1 + u.
fn log_minus_one(r: f64, u: f64) -> f64 {
    if u.abs() > 0.25 {
        return r.ln() - u;
    }
    // ln(1 + u) = 2 artanh(v) = 2v + 2v³/3 + 2v⁵/5 + … with v = u / (2 + u), and 2v − u = −u v
    let v = u / (2.0 + u);
    let tail = (0..12).rev().fold(0.0, |sum, k| sum * v * v + 2.0 / f64::from(2 * k + 3));
    v * (v * v * tail - u)
}

/// ln Γ(1 + a) for 0 ≤ a < 1, exact near 0 (DLMF 5.7.3).
fn lgamma_after_one(a: f64) -> f64 {
    if a > 0.01 {
        return libm::lgamma(1.0 + a);
    }
    const EULER: f64 = 0.577_215_664_901_532_9;
    let series = (2..9).rev().fold(0.0, |sum, k| (sum + zeta(f64::from(k), 1.0) / f64::from(k)) * -a);
    -(series + EULER) * a
}
