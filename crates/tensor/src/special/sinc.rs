//! The cardinal sine.

use std::f64::consts::PI;

/// The n-th derivative of sin(πx) / πx, which has no singular point at 0.
///
/// Differentiating x · sinc x = sin(πx) / π gives x s⁽ⁿ⁾ = πⁿ⁻¹ sin(πx + nπ/2) − n s⁽ⁿ⁻¹⁾, used where |πx| exceeds n; the power series
/// below.
pub fn sinc_derivative(n: u32, x: f64) -> f64 {
    let u = PI * x;
    if u.abs() < f64::from(n).max(0.5) {
        return PI.powi(n as i32) * power_series(n, u);
    }
    // Derivatives by u; each π of the chain rule follows at the end.
    let (sin, cos) = u.sin_cos();
    let waves = [sin, cos, -sin, -cos];
    let s = (1..=n).fold(sin / u, |s, k| (waves[k as usize % 4] - f64::from(k) * s) / u);
    PI.powi(n as i32) * s
}

/// Σ (−1)ᵏ u^(2k−n) / ((2k + 1) (2k − n)!) over 2k ≥ n
fn power_series(n: u32, u: f64) -> f64 {
    let first = n.div_ceil(2);
    let mut power = if n.is_multiple_of(2) { 1.0 } else { u }; // (−1)ᵏ u^(2k−n) / (2k − n)!
    if first % 2 == 1 {
        power = -power;
    }
    let mut sum = 0.0;
    for k in first..first + 12 + n {
        sum += power / f64::from(2 * k + 1);
        let m = f64::from(2 * k - n);
        power *= -u * u / ((m + 1.0) * (m + 2.0));
    }
    sum
}
