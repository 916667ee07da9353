//! Formulas over real numbers, written once for `f32` and `f64`.
//!
//! A [`Lane`] is one real number of a vectorised loop. Its operators and functions have the names that `Var` uses, so
//! that the same tokens are a scalar formula inside a kernel and a differentiable formula on a tape.

use std::marker::PhantomData;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::elementary;
use crate::dtype::Number;

/// One real number inside an elementwise kernel.
///
/// ```
/// use chainrule_tensor::{Lane, when};
/// let x = Lane(0.5f64);
/// assert_eq!((1.0 - x * x).0, 0.75);
/// assert_eq!(when(x.above(0.0), 1.0, x).0, 1.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct Lane<T>(pub T);

impl<T: Real> From<f64> for Lane<T> {
    #[inline(always)]
    fn from(x: f64) -> Self {
        Lane(T::from_f64(x))
    }
}

/// Whether a condition on a [`Lane`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holds<T>(pub bool, PhantomData<T>);

/// `a` where `condition` holds, else `b`; compiles to a select, not to a branch.
#[inline(always)]
pub fn when<T: Real>(condition: Holds<T>, a: impl Into<Lane<T>>, b: impl Into<Lane<T>>) -> Lane<T> {
    let (a, b) = (a.into(), b.into());
    if condition.0 { a } else { b }
}

macro_rules! operators {
    ($($op:ident $method:ident),*) => {$(
        impl<T: Real> $op for Lane<T> {
            type Output = Lane<T>;
            #[inline(always)]
            fn $method(self, b: Lane<T>) -> Lane<T> { Lane($op::$method(self.0, b.0)) }
        }
        impl<T: Real> $op<f64> for Lane<T> {
            type Output = Lane<T>;
            #[inline(always)]
            fn $method(self, b: f64) -> Lane<T> { Lane($op::$method(self.0, T::from_f64(b))) }
        }
        impl<T: Real> $op<Lane<T>> for f64 {
            type Output = Lane<T>;
            #[inline(always)]
            fn $method(self, b: Lane<T>) -> Lane<T> { Lane($op::$method(T::from_f64(self), b.0)) }
        }
    )*};
}
operators!(Add add, Sub sub, Mul mul, Div div);

impl<T: Real> Neg for Lane<T> {
    type Output = Lane<T>;
    #[inline(always)]
    fn neg(self) -> Lane<T> {
        Lane(-self.0)
    }
}

impl<T: Real> Lane<T> {
    /// Whether `self > b`.
    #[inline(always)]
    pub fn above(self, b: impl Into<Lane<T>>) -> Holds<T> {
        Holds(self.0 > b.into().0, PhantomData)
    }

    /// Whether `self ≤ b`.
    #[inline(always)]
    pub fn at_most(self, b: impl Into<Lane<T>>) -> Holds<T> {
        Holds(self.0 <= b.into().0, PhantomData)
    }

    /// Whether `self < b`.
    #[inline(always)]
    pub fn below(self, b: impl Into<Lane<T>>) -> Holds<T> {
        Holds(self.0 < b.into().0, PhantomData)
    }

    /// Whether `self == b`.
    #[inline(always)]
    pub fn equals(self, b: impl Into<Lane<T>>) -> Holds<T> {
        Holds(self.0 == b.into().0, PhantomData)
    }

    /// Whether `low ≤ self ≤ high`.
    #[inline(always)]
    pub fn within(self, low: impl Into<Lane<T>>, high: impl Into<Lane<T>>) -> Holds<T> {
        Holds(self.0 >= low.into().0 && self.0 <= high.into().0, PhantomData)
    }
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident($x:ident $(, $b:ident)?) = $single:expr, $double:expr;)*) => {
        /// A type in which real functions are computed: `f32` or `f64`.
        pub trait Real:
            Number
            + Neg<Output = Self>
            + Add<Output = Self>
            + Sub<Output = Self>
            + Mul<Output = Self>
            + Div<Output = Self>
        {
            $($(#[$doc])* fn $name(self $(, $b: Self)?) -> Self;)*
        }
        impl Real for f32 {
            $(#[inline(always)] fn $name(self $(, $b: Self)?) -> Self { let $x = self; $single })*
        }
        impl Real for f64 {
            $(#[inline(always)] fn $name(self $(, $b: Self)?) -> Self { let $x = self; $double })*
        }
        impl<T: Real> Lane<T> {
            $($(#[$doc])* #[inline(always)]
            pub fn $name(self $(, $b: impl Into<Lane<T>>)?) -> Self { Lane(self.0.$name($($b.into().0)?)) })*
        }
    };
}

functions! {
    /// √x
    sqrt(x) = f32::sqrt(x), f64::sqrt(x);
    /// |x|
    abs(x) = f32::abs(x), f64::abs(x);
    /// −1, 0 or 1; 0 at ±0 and NaN
    sign(x) = f32::from(x > 0.0) - f32::from(x < 0.0), f64::from(x > 0.0) - f64::from(x < 0.0);
    /// The largest integer ≤ x
    floor(x) = f32::floor(x), f64::floor(x);
    /// The smallest integer ≥ x
    ceil(x) = f32::ceil(x), f64::ceil(x);
    /// The nearest integer, halves to even
    round(x) = f32::round_ties_even(x), f64::round_ties_even(x);
    /// x without its fraction
    trunc(x) = f32::trunc(x), f64::trunc(x);
    /// eˣ
    exp(x) = elementary::exp(x), elementary::exp(x);
    /// 2ˣ
    exp2(x) = elementary::exp2(x), elementary::exp2(x);
    /// eˣ − 1, exact near 0
    expm1(x) = elementary::exp_m1(x), elementary::exp_m1(x);
    /// Natural logarithm
    log(x) = elementary::ln(x), elementary::ln(x);
    /// Logarithm to base 2
    log2(x) = f32::log2(x), f64::log2(x);
    /// Logarithm to base 10
    log10(x) = f32::log10(x), f64::log10(x);
    /// ln(1 + x), exact near 0
    log1p(x) = elementary::ln_1p(x), elementary::ln_1p(x);
    /// Sine
    sin(x) = f32::sin(x), f64::sin(x);
    /// Cosine
    cos(x) = f32::cos(x), f64::cos(x);
    /// Tangent
    tan(x) = f32::tan(x), f64::tan(x);
    /// Arcus sine
    asin(x) = f32::asin(x), f64::asin(x);
    /// Arcus cosine
    acos(x) = f32::acos(x), f64::acos(x);
    /// Arcus tangent
    atan(x) = f32::atan(x), f64::atan(x);
    /// Hyperbolic sine
    sinh(x) = f32::sinh(x), f64::sinh(x);
    /// Hyperbolic cosine
    cosh(x) = f32::cosh(x), f64::cosh(x);
    /// Hyperbolic tangent
    tanh(x) = elementary::tanh_single(x), elementary::tanh(x);
    /// Inverse hyperbolic sine
    asinh(x) = libm::asinhf(x), libm::asinh(x);
    /// Inverse hyperbolic cosine
    acosh(x) = libm::acoshf(x), libm::acosh(x);
    /// Inverse hyperbolic tangent
    atanh(x) = libm::atanhf(x), libm::atanh(x);
    /// The error function (2/√π) ∫₀ˣ e^(−t²) dt
    erf(x) = elementary::erf(x), libm::erf(x);
    /// 1 − erf x, exact for large x
    erfc(x) = libm::erfcf(x), libm::erfc(x);
    /// The larger; NaN if either is
    maximum(x, b) = if x > b || x.is_nan() { x } else { b }, if x > b || x.is_nan() { x } else { b };
    /// The smaller; NaN if either is
    minimum(x, b) = if x < b || x.is_nan() { x } else { b }, if x < b || x.is_nan() { x } else { b };
    /// xᵇ
    pow(x, b) = f32::powf(x, b), f64::powf(x, b);
    /// The angle of the point (b, x)
    atan2(x, b) = f32::atan2(x, b), f64::atan2(x, b);
    /// √(x² + b²) without overflow
    hypot(x, b) = f32::hypot(x, b), f64::hypot(x, b);
    /// The remainder of the quotient rounded towards zero; has the sign of x
    fmod(x, b) = x % b, x % b;
}

impl<T: Real> Lane<T> {
    /// x²
    #[inline(always)]
    pub fn square(self) -> Self {
        self * self
    }

    /// 1 / x
    #[inline(always)]
    pub fn reciprocal(self) -> Self {
        1.0 / self
    }

    /// 1 / √x
    #[inline(always)]
    pub fn rsqrt(self) -> Self {
        1.0 / self.sqrt()
    }

    /// 1 / (1 + e⁻ˣ), computed from e^−|x| so that nothing overflows
    #[inline(always)]
    pub fn sigmoid(self) -> Self {
        let e = (-self.abs()).exp();
        when(self.below(0.0), e, 1.0) / (1.0 + e)
    }

    /// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|), which never overflows
    #[inline(always)]
    pub fn softplus(self) -> Self {
        self.maximum(0.0) + (-self.abs()).exp().log1p()
    }
}
