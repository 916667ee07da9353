//! Functions of one number: a page from a calculus book.
//!
//! A row reads: name(x; parameter in [numbers to check, simplest first]) = formula; slope in terms of the input x or the output y; the interval on
//! which it is checked; points whose derivative is a convention; the name in PyTorch. The tokens become the kernels for `f32` and `f64`, the fused first-order gradient
//! `g · slope` in one pass, and the rule for higher orders. What the slope names is what the tape saves.

use chainrule_tensor::DType;

use crate::declare::{Declaration, Family};
use crate::ops::formula::{Side, rows, when};
use crate::var::Var;

rows! {
    /// Absolute value |x|. Slope at 0: 0.
    abs(x) = x.abs();
        slope(in x) = x.sign(); on -3.0..3.0; at 0.0 => 0.0; torch "abs";

    /// Square x².
    square(x) = x * x;
        slope(in x) = 2.0 * x; on -3.0..3.0; torch "square";

    /// Square root √x. Slope at 0: +∞.
    sqrt(x) = x.sqrt();
        slope(out y) = 0.5 / y; on 0.1..5.0; at 0.0 => f64::INFINITY; torch "sqrt";

    /// Reciprocal square root 1/√x.
    rsqrt(x) = x.rsqrt();
        slope(out y) = -0.5 * (y * y * y); on 0.1..5.0; torch "rsqrt";

    /// Reciprocal 1/x.
    reciprocal(x) = 1.0 / x;
        slope(out y) = -(y * y); on 0.2..5.0; torch "reciprocal";

    /// Exponential eˣ.
    exp(x) = x.exp();
        slope(out y) = y * 1.0; on -3.0..3.0; torch "exp";

    /// Power of two 2ˣ.
    exp2(x) = x.exp2();
        slope(out y) = y * std::f64::consts::LN_2; on -3.0..3.0; torch "exp2";

    /// eˣ − 1, exact near 0.
    expm1(x) = x.expm1();
        slope(out y) = y + 1.0; on -3.0..3.0; torch "expm1";

    /// Natural logarithm ln x.
    log(x) = x.log();
        slope(in x) = 1.0 / x; on 0.1..5.0; torch "log";

    /// Logarithm to base 2.
    log2(x) = x.log2();
        slope(in x) = std::f64::consts::LOG2_E / x; on 0.1..5.0; torch "log2";

    /// Logarithm to base 10.
    log10(x) = x.log10();
        slope(in x) = std::f64::consts::LOG10_E / x; on 0.1..5.0; torch "log10";

    /// ln(1 + x), exact near 0.
    log1p(x) = x.log1p();
        slope(in x) = 1.0 / (1.0 + x); on -0.9..5.0; torch "log1p";

    /// Sine.
    sin(x) = x.sin();
        slope(in x) = x.cos(); on -3.0..3.0; torch "sin";

    /// Cosine.
    cos(x) = x.cos();
        slope(in x) = -x.sin(); on -3.0..3.0; torch "cos";

    /// Tangent.
    tan(x) = x.tan();
        slope(out y) = 1.0 + y * y; on -1.4..1.4; torch "tan";

    /// Arcus sine.
    asin(x) = x.asin();
        slope(in x) = (1.0 - x * x).rsqrt(); on -0.95..0.95; torch "asin";

    /// Arcus cosine.
    acos(x) = x.acos();
        slope(in x) = -(1.0 - x * x).rsqrt(); on -0.95..0.95; torch "acos";

    /// Arcus tangent.
    atan(x) = x.atan();
        slope(in x) = 1.0 / (1.0 + x * x); on -3.0..3.0; torch "atan";

    /// Hyperbolic sine.
    sinh(x) = x.sinh();
        slope(in x) = x.cosh(); on -3.0..3.0; torch "sinh";

    /// Hyperbolic cosine.
    cosh(x) = x.cosh();
        slope(in x) = x.sinh(); on -3.0..3.0; torch "cosh";

    /// Hyperbolic tangent.
    tanh(x) = x.tanh();
        slope(out y) = 1.0 - y * y; on -3.0..3.0; torch "tanh";

    /// Inverse hyperbolic sine.
    asinh(x) = x.asinh();
        slope(in x) = (x * x + 1.0).rsqrt(); on -3.0..3.0; torch "asinh";

    /// Inverse hyperbolic cosine.
    acosh(x) = x.acosh();
        slope(in x) = (x * x - 1.0).rsqrt(); on 1.1..5.0; torch "acosh";

    /// Inverse hyperbolic tangent.
    atanh(x) = x.atanh();
        slope(in x) = 1.0 / (1.0 - x * x); on -0.95..0.95; torch "atanh";

    /// Error function (2/√π) ∫₀ˣ e^(−t²) dt.
    erf(x) = x.erf();
        slope(in x) = std::f64::consts::FRAC_2_SQRT_PI * (-(x * x)).exp(); on -3.0..3.0; torch "erf";

    /// 1 − erf x, exact for large x.
    erfc(x) = x.erfc();
        slope(in x) = -std::f64::consts::FRAC_2_SQRT_PI * (-(x * x)).exp(); on -3.0..3.0; torch "erfc";

    /// Logistic function 1/(1 + e⁻ˣ).
    sigmoid(x) = x.sigmoid();
        slope(out y) = y * (1.0 - y); on -3.0..3.0; torch "sigmoid";

    /// The logarithm of the odds, ln(x / (1 − x)): the inverse of [`sigmoid`](crate::Var::sigmoid). Exact near ½.
    logit(x) = when(x.within(0.25, 0.75), ((2.0 * x - 1.0) / (1.0 - x)).log1p(), (x / (1.0 - x)).log());
        slope(in x) = when(x.within(0.0, 1.0), 1.0 / (x * (1.0 - x)), f64::NAN); on 0.05..0.95;
        at 0.0 => f64::INFINITY; torch "logit";

    /// xᵖ for a number p. For negative x, p must be an integer. Slope with p = 0: 0.
    powf(x; p in [2.5, 3.0, 2.0, 1.0, 0.0, -1.0, -0.5]) = x.pow(p);
        pull(g, in x) = if p == 0.0 { g * 0.0 } else { g * (p * x.pow(p - 1.0)) }; on 0.1..3.0; torch "pow";
}

impl Var {
    /// Degrees as radians, x · π/180.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![F64; 180.0]).deg2rad().item(), std::f64::consts::PI);
    /// ```
    #[track_caller]
    pub fn deg2rad(&self) -> Var {
        self * (std::f64::consts::PI / 180.0)
    }

    /// Radians as degrees, x · 180/π.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![F64; std::f64::consts::PI]).rad2deg().item(), 180.0);
    /// ```
    #[track_caller]
    pub fn rad2deg(&self) -> Var {
        self * (180.0 / std::f64::consts::PI)
    }

    /// The same variable, as `+x` would say.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// assert_eq!(Var::constant(2.0).positive().item(), 2.0);
    /// ```
    pub fn positive(&self) -> Var {
        self.clone()
    }

    /// [`logit`](Var::logit) of x kept between `eps` and 1 − `eps`. Slope 0 outside.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// let x = Var::leaf(1.5);
    /// let y = x.logit_with(0.5);
    /// assert_eq!((y.item(), y.backward()[&x].item()), (0.0, 0.0));
    /// ```
    #[track_caller]
    pub fn logit_with(&self, eps: f64) -> Var {
        when(self.below(eps), eps, self.clamp_max(1.0 - eps)).logit()
    }

    /// The power x^exponent in double precision, whatever the types. The exponent is a number or a variable.
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, DType};
    /// let y = Var::constant(tensor![3.]).float_power(2.0);
    /// assert_eq!((y.item(), y.dtype()), (9.0, DType::F64));
    /// ```
    #[track_caller]
    pub fn float_power(&self, exponent: impl Into<Side>) -> Var {
        let x = self.cast(DType::F64);
        match exponent.into() {
            Side::Number(p) => x.powf(p),
            Side::Var(p) => x.pow(p.cast(DType::F64)),
        }
    }
}

/// What the composites say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("deg2rad", "deg2rad", "x · π/180", "g · π/180", |d| {
        d.function("deg2rad", -90.0, 90.0, Var::deg2rad)
    }),
    Declaration::linear("rad2deg", "rad2deg", "x · 180/π", "g · 180/π", |d| {
        d.function("rad2deg", -3.0, 3.0, Var::rad2deg)
    }),
    Declaration::linear("positive", "positive", "x", "g", |d| d.function("positive", -3.0, 3.0, Var::positive)),
    Declaration::new(
        Family::Composite,
        "logit_with",
        "logit",
        "ln(z / (1 - z)), z = x between eps and 1 - eps",
        "of its parts: g / (x(1 - x)) between, else 0",
        |d| d.function("logit_with", 0.05, 0.95, |x| x.logit_with(0.2)),
    ),
    Declaration::new(Family::Composite, "float_power", "float_power", "x^p in f64", "of its parts", |d| {
        d.function("float_power", 0.1, 3.0, |x| x.float_power(2.5))
    }),
];
