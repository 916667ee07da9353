//! The gamma function's logarithm and its derivatives.

use std::f64::consts::PI;

/// ln |Γ(x)|. +∞ at 0, −1, −2, …
pub fn lgamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// ψ(x) = d ln Γ(x) / dx. NaN at −1, −2, …; −∞ at 0 and +∞ at −0.
///
/// Recurrence up to x ≥ 10, then the asymptotic series (DLMF 5.5.2, 5.11.2); reflection for x < 0 (DLMF 5.5.4).
pub fn digamma(x: f64) -> f64 {
    if x == 0.0 {
        return f64::INFINITY.copysign(-x);
    }
    if x < 0.0 {
        let fraction = x - x.trunc();
        return if x == x.trunc() { f64::NAN } else { digamma(1.0 - x) - PI / (PI * fraction).tan() };
    }
    let (mut z, mut shift) = (x, 0.0);
    while z < 10.0 {
        shift += 1.0 / z;
        z += 1.0;
    }
    /// B₂ₖ / 2k
    const SERIES: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32760.0,
        1.0 / 12.0,
        -3617.0 / 8160.0,
    ];
    let w = 1.0 / (z * z);
    let series = SERIES.iter().rev().fold(0.0, |sum, c| (sum + c) * w);
    z.ln() - 0.5 / z - series - shift
}

/// ψ⁽ⁿ⁾(x), the n-th derivative of [`digamma`].
///
/// (−1)ⁿ⁺¹ n! ζ(n + 1, x) for x > 0 (DLMF 25.11.12), by reflection for x < 0 (DLMF 5.15.6). At the poles 0, −1, −2, … it has the sign of
/// its limit from above.
pub fn polygamma(n: u32, x: f64) -> f64 {
    let sign = if n.is_multiple_of(2) { -1.0 } else { 1.0 };
    match n {
        0 => digamma(x),
        _ if x.is_nan() => f64::NAN,
        _ if x > 0.0 => sign * libm::tgamma(f64::from(n) + 1.0) * zeta(f64::from(n) + 1.0, x),
        _ if x == x.trunc() && x.is_finite() => sign * f64::INFINITY,
        _ => -sign * polygamma(n, 1.0 - x) - PI.powi(n as i32 + 1) * cotangent_derivative(n, x),
    }
}

/// The n-th derivative of cot u at u = πx: a polynomial in the cotangent, since its derivative is −(1 + cot²).
fn cotangent_derivative(n: u32, x: f64) -> f64 {
    let cot = 1.0 / (PI * (x - x.round())).tan();
    let mut polynomial = vec![0.0, 1.0];
    for _ in 0..n {
        let mut next = vec![0.0; polynomial.len() + 1];
        for (k, c) in polynomial.iter().enumerate().skip(1) {
            next[k - 1] -= k as f64 * c;
            next[k + 1] -= k as f64 * c;
        }
        polynomial = next;
    }
    polynomial.iter().rev().fold(0.0, |sum, c| sum * cot + c)
}

/// Hurwitz' ζ(s, q) = Σ (q + k)⁻ˢ over k ≥ 0, for s > 1. ∞ at s = 1 and at q = 0, −1, −2, …
///
/// The Euler–Maclaurin formula (DLMF 25.11.5). Negative q needs an integer s.
pub fn zeta(s: f64, q: f64) -> f64 {
    /// B₂ⱼ / (2j)!
    const SERIES: [f64; 12] = [
        1.0 / 12.0,
        -1.0 / 720.0,
        1.0 / 30240.0,
        -1.0 / 1209600.0,
        1.0 / 47900160.0,
        -691.0 / 1307674368000.0,
        1.0 / 74724249600.0,
        -3617.0 / 10670622842880000.0,
        43867.0 / 5109094217170944000.0,
        -174611.0 / 802857662698291200000.0,
        77683.0 / 14101100039391805440000.0,
        -236364091.0 / 1693824136731743669452800000.0,
    ];
    if s == 1.0 {
        return f64::INFINITY;
    }
    if s < 1.0 || s.is_nan() || q.is_nan() {
        return f64::NAN;
    }
    if q == f64::INFINITY {
        return 0.0;
    }
    if q <= 0.0 {
        return match () {
            _ if q == q.floor() => f64::INFINITY,
            _ if s != s.floor() || s > 170.0 => f64::NAN,
            _ => {
                let sign = if s % 2.0 == 0.0 { 1.0 } else { -1.0 };
                sign * polygamma(s as u32 - 1, q) / libm::tgamma(s)
            }
        };
    }
    let (mut z, mut sum) = (q, 0.0);
    while z < 10.0 + s {
        let term = z.powf(-s);
        sum += term;
        if term <= sum * (0.1 * f64::EPSILON / (1.0 + z)) {
            return sum;
        }
        z += 1.0;
    }
    let power = z.powf(-s);
    let mut factor = s * power / z; // s (s+1) … (s+2j−2) / z^(s+2j−1)
    let mut tail = 0.0;
    for (j, c) in SERIES.iter().enumerate() {
        tail += c * factor;
        let k = s + 2.0 * j as f64;
        factor *= (k + 1.0) * (k + 2.0) / (z * z);
    }
    sum + z * power / (s - 1.0) + 0.5 * power + tail
}
