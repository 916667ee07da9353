//! Errors in units in the last place, against more digits.

use super::*;

/// The distance of y from the exact value, in units in the last place of the latter.
fn ulps(y: f64, exact: f64, epsilon: f64, smallest: f64) -> f64 {
    let unit = (exact.abs().log2().floor().exp2() * epsilon).max(smallest);
    if y == exact || (y.is_nan() && exact.is_nan()) { 0.0 } else { ((y - exact) / unit).abs() }
}

/// Every 251st of all `f32`, against `f64`.
fn single(name: &str, f: fn(f32) -> f32, exact: fn(f64) -> f64, limit: f64) {
    let specials = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MIN_POSITIVE, 1e-45, -1e-45, 1.0, -1.0];
    let ends = [88.722_83, 88.722_84, -87.336_55, -103.9, -104.1, 127.999_99, 128.0, -125.5, -149.5, -150.5];
    let (mut worst, mut at) = (0.0, 0.0);
    for x in (0..=u32::MAX).step_by(251).map(f32::from_bits).chain(specials).chain(ends) {
        let (y, exact) = (f(x), exact(f64::from(x)));
        let rounded = exact as f32;
        let error = match rounded.is_infinite() || y.is_infinite() {
            true if y == rounded || exact.abs() > 3.402_823_4e38 => 0.0,
            _ => ulps(f64::from(y), exact, f64::from(f32::EPSILON), 2f64.powi(-149)),
        };
        assert!(x != 0.0 || rounded != 0.0 || y.to_bits() == rounded.to_bits(), "{name}({x:e}) = {y:e}");
        assert!(y.is_nan() == exact.is_nan(), "{name}({x:e}) = {y:e}");
        if error > worst {
            (worst, at) = (error, x);
        }
    }
    assert!(worst <= limit, "{name}({at:e}): {worst} ulp");
}

#[test]
fn single_precision_keeps_its_digits() {
    single("exp", exp, f64::exp, 1.0);
    single("exp2", exp2, f64::exp2, 1.1);
    single("expm1", exp_m1, f64::exp_m1, 2.0);
    single("tanh", tanh_single, f64::tanh, 3.3);
    single("log", ln, f64::ln, 1.0);
    single("log1p", ln_1p, f64::ln_1p, 1.0);
    single("erf", erf, libm::erf, 4.0);
}

/// Against libm, whose own error is below 1 ulp.
fn double(name: &str, f: fn(f64) -> f64, other: fn(f64) -> f64, limit: f64) {
    let specials =
        [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MIN_POSITIVE, 5e-324, -5e-324, 1.0, -1.0];
    let spread = (0..=2_000_000u64).map(|i| f64::from_bits(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let usual = (0..=2_000_000).map(|i| f64::from(i - 1_000_000) * 4.003e-5);
    let (mut worst, mut at) = (0.0, 0.0);
    for x in spread.chain(usual).chain(specials) {
        let (y, other) = (f(x), other(x));
        let error =
            if y == other || (y.is_nan() && other.is_nan()) { 0.0 } else { ulps(y, other, f64::EPSILON, 5e-324) };
        assert!(x != 0.0 || y.to_bits() == other.to_bits(), "{name}({x:e}) = {y:e}");
        if error > worst || error.is_nan() {
            (worst, at) = (error, x);
        }
    }
    assert!(worst <= limit, "{name}({at:e}): {worst} ulp");
}

#[test]
fn double_precision_keeps_its_digits() {
    double("exp", exp, libm::exp, 1.0);
    double("exp2", exp2, libm::exp2, 1.0);
    double("expm1", exp_m1, libm::expm1, 2.0);
    double("tanh", tanh, libm::tanh, 3.0);
    double("log", ln, libm::log, 1.0);
    double("log1p", ln_1p, libm::log1p, 1.0);
}
