//! Bessel functions of integer order.

use std::f64::consts::PI;

/// Jₙ(x)
pub fn bessel_j(n: i32, x: f64) -> f64 {
    libm::jn(n, x)
}

/// Yₙ(x), for x > 0. −∞ at 0, NaN below.
pub fn bessel_y(n: i32, x: f64) -> f64 {
    libm::yn(n, x)
}

/// Where the power series of Iₙ ends and the asymptotic one begins.
const LARGE: f64 = 25.0;

/// Iₙ(x)
pub fn modified_bessel_i(n: i32, x: f64) -> f64 {
    let (n, z) = (n.abs(), x.abs());
    if z < LARGE {
        return odd(n, x) * power_series(n, z);
    }
    let root = (0.5 * z).exp(); // its square overflows before the product does
    if root.is_finite() { odd(n, x) * scaled_asymptotic(n, z) * root * root } else { odd(n, x) * root }
}

/// e^−|x| Iₙ(x), which does not overflow.
pub fn modified_bessel_i_scaled(n: i32, x: f64) -> f64 {
    let (n, z) = (n.abs(), x.abs());
    if z < LARGE { odd(n, x) * power_series(n, z) * (-z).exp() } else { odd(n, x) * scaled_asymptotic(n, z) }
}

/// Iₙ(−x) = (−1)ⁿ Iₙ(x)
fn odd(n: i32, x: f64) -> f64 {
    if n % 2 == 1 && x < 0.0 { -1.0 } else { 1.0 }
}

/// Σ (x/2)^(n+2k) / (k! (n+k)!), all of whose terms are positive (DLMF 10.25.2).
fn power_series(n: i32, x: f64) -> f64 {
    let half = 0.5 * x;
    let mut term = (1..=n).fold(1.0, |term, k| term * half / f64::from(k));
    let mut sum = term;
    let mut k = 0.0;
    while term > sum * (0.1 * f64::EPSILON) {
        k += 1.0;
        term *= half * half / (k * (k + f64::from(n)));
        sum += term;
    }
    if x.is_nan() { x } else { sum }
}

/// Hankel's expansion of e⁻ˣ Iₙ(x), as far as its terms become smaller (DLMF 10.40.1).
fn scaled_asymptotic(n: i32, x: f64) -> f64 {
    let order = 4.0 * f64::from(n) * f64::from(n);
    let (mut term, mut sum) = (1.0f64, 1.0);
    for k in 1..40 {
        let odd = f64::from(2 * k - 1);
        let next = -term * (order - odd * odd) / (8.0 * f64::from(k) * x);
        if odd * odd > order && next.abs() > term.abs() {
            break;
        }
        term = next;
        sum += term;
    }
    sum / (2.0 * PI * x).sqrt()
}

/// Kₙ(x), for x > 0. +∞ at 0, NaN below.
///
/// e⁻ˣ ∫₀^∞ e^(−x (cosh t − 1)) cosh nt dt (DLMF 10.32.9) by the trapezoidal rule, whose error vanishes faster than any power of the step
/// (Trefethen and Weideman, The exponentially convergent trapezoidal rule, 2014); near 0 the first terms of the series.
pub fn modified_bessel_k(n: i32, x: f64) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    let n = n.abs();
    match x {
        _ if x < 0.0 || x.is_nan() => return f64::NAN,
        _ if x == 0.0 => return f64::INFINITY,
        _ if x > 800.0 => return 0.0,
        _ if x < 1e-8 && n == 0 => return -(0.5 * x).ln() - EULER,
        _ if x < 1e-8 => return (1..n).fold(1.0 / x, |y, k| y * f64::from(2 * k) / x),
        _ => {}
    }
    let step = (0.6 / x.sqrt()).min(0.2);
    let (mut sum, mut t) = (0.5, 0.0);
    loop {
        t += step;
        let half = (0.5 * t).sinh();
        let term = (-2.0 * x * half * half).exp() * (f64::from(n) * t).cosh();
        sum += term;
        // Terms grow before they vanish when n > x.
        if term <= sum * (0.01 * f64::EPSILON) && x * t.sinh() > f64::from(n) {
            return (-x).exp() * sum * step;
        }
    }
}
