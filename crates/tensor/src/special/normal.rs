//! The error function's inverse and the tails of the normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, LN_2, PI, SQRT_2};

/// e^(x²) erfc x, which neither overflows nor vanishes for large x.
///
/// From erfc, and beyond x = 26, where that vanishes, by the asymptotic series (DLMF 7.12.1).
pub fn erfcx(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 * exp_square(x) - erfcx(-x);
    }
    if x < 26.0 {
        return exp_square(x) * libm::erfc(x);
    }
    let w = 0.5 / (x * x);
    let series = (1..8).rev().fold(1.0, |sum, k| 1.0 - f64::from(2 * k - 1) * w * sum);
    0.5 * FRAC_2_SQRT_PI * series / x
}

/// e^(x²), with the rounding error of x² put back.
fn exp_square(x: f64) -> f64 {
    let square = x * x;
    let error = x.mul_add(x, -square);
    let e = square.exp();
    if e.is_finite() && error.is_finite() { e + e * error } else { e }
}

/// The x with erf x = y. ±∞ at ±1, NaN outside.
///
/// Halley's method from the power series at 0 (A&S 7.1.5 reversed); beyond ½ through erfc.
pub fn erfinv(y: f64) -> f64 {
    if y.abs() > 0.5 {
        return erfc_inverse(1.0 - y.abs()).copysign(y);
    }
    let u = y / FRAC_2_SQRT_PI;
    let w = u * u;
    let mut x = u * (1.0 + w * (1.0 / 3.0 + w * (7.0 / 30.0 + w * (127.0 / 630.0))));
    for _ in 0..2 {
        let step = (libm::erf(x) - y) / (FRAC_2_SQRT_PI * (-x * x).exp());
        x -= step / (1.0 + x * step);
    }
    x
}

/// The z ≥ 0 with erfc z = q, for 0 ≤ q ≤ 1; NaN below.
///
/// Newton's method on ln erfc, from the rational approximation A&S 26.2.23.
fn erfc_inverse(q: f64) -> f64 {
    if q == 0.0 {
        return f64::INFINITY;
    }
    let log = q.ln();
    let t = (-2.0 * (log - LN_2)).sqrt();
    let rational = (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    let mut z = (t - rational) * FRAC_1_SQRT_2;
    for _ in 0..4 {
        let e = erfcx(z);
        z += (e.ln() - z * z - log) * e / FRAC_2_SQRT_PI;
    }
    z
}

/// The x with Φ(x) = p, Φ the normal distribution function. ∓∞ at 0 and 1, NaN outside.
pub fn ndtri(p: f64) -> f64 {
    match p {
        _ if (0.25..=0.75).contains(&p) => SQRT_2 * erfinv(2.0 * p - 1.0),
        _ if p < 0.5 => -SQRT_2 * erfc_inverse(2.0 * p),
        _ => SQRT_2 * erfc_inverse(2.0 * (1.0 - p)),
    }
}

/// ln Φ(x), exact in both tails.
pub fn log_ndtr(x: f64) -> f64 {
    let z = x * FRAC_1_SQRT_2;
    if x < -1.0 { (0.5 * erfcx(-z)).ln() - 0.5 * x * x } else { (-0.5 * libm::erfc(z)).ln_1p() }
}

/// φ(x) / Φ(x), the slope of [`log_ndtr`], φ the normal density.
pub fn normal_hazard(x: f64) -> f64 {
    (2.0 / PI).sqrt() / erfcx(-x * FRAC_1_SQRT_2)
}
