//! Odd functions that approach ±1, in single precision: y = 2·u·v/(u² + v²), where u/v = x·P(x²)/Q(x²) is the tangent of half the angle whose sine is y.
//!
//! Errors of u and v vanish where y is near ±1, since y is flat there, so that P and Q have few terms. Their coefficients make the greatest relative error of
//! y small; a factor common to both, near which P(0) is 1, was chosen such that they round well.

use super::polynomial;

/// y for `x`, constant beyond ±`end`, with P − 1 and Q, highest powers first.
#[inline(always)]
fn saturating(x: f32, end: f32, p: &[f32], (q, q0): (&[f32], f32)) -> f32 {
    let a = x.abs();
    let a = if a > end { end } else { a };
    let z = a * a;
    let u = a.mul_add(polynomial(z, p), a);
    let v = z.mul_add(polynomial(z, q), q0);
    let y = (u + u) * v / u.mul_add(u, v * v);
    (if y > 1.0 { 1.0 } else { y }).copysign(x)
}

/// Hyperbolic tangent, to 3.3 ulp.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    const P: [f32; 3] = [1.063_665_3e-4, 0.027_704_95, -0.069_582_59];
    const Q: [f32; 3] = [2.289_632_4e-6, 2.245_793_8e-3, 0.210_479_41];
    saturating(x, 9.02, &P, (&Q, 1.860_834_8))
}

/// The error function, to 4 ulp.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    const P: [f32; 4] = [2.293_49e-3, 0.029_136_045, 0.268_427_97, 0.018_327_761];
    const Q: [f32; 4] = [1.785_931_5e-4, 0.010_919_786, 0.087_465_115, 0.502_894_76];
    saturating(x, 3.93, &P, (&Q, 1.804_938_9))
}
