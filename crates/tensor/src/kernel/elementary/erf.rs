//! The error function.

use super::{exp, polynomial};

/// For erf(x)/x − 1 in x², on 0 to 1.
const NEAR: [f32; 8] = [
    -9.667_045e-6,
    1.126_595_9e-4,
    -8.484_080_3e-4,
    5.221_031_6e-3,
    -0.026_865_43,
    0.112_837_82,
    -0.376_126_38,
    0.128_379_17,
];

/// For −ln(1 − erf x) in x − 1, on 1 to 4.
const FAR: [f32; 9] = [
    -1.637_151_4e-6,
    3.296_083e-5,
    -3.202_395_8e-4,
    2.054_300_9e-3,
    -0.010_077_808,
    0.041_575_74,
    0.843_104_7,
    2.638_967_8,
    1.849_605_6,
];

/// The error function, to 1.5 ulp.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let a = x.abs();
    let near = a + a * polynomial(a * a, &NEAR);
    let t = if a > 4.0 { 4.0 } else { a } - 1.0;
    let far = 1.0 - exp(-polynomial(t, &FAR));
    (if a < 1.0 { near } else { far }).copysign(x)
}
