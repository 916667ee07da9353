//! Functions of one number: a page from a calculus book.
//!
//! A row reads: name(x; parameters) = formula; slope in terms of the input x or the output y; the interval on which it is checked; points whose
//! derivative is a convention; the name in PyTorch. The tokens become the kernels for `f32` and `f64`, the fused first-order gradient
//! `g · slope` in one pass, and the rule for higher orders. What the slope names is what the tape saves.

use crate::ops::formula::rows;

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

    /// Softplus ln(1 + eˣ).
    softplus(x) = x.softplus();
        slope(in x) = x.sigmoid(); on -3.0..3.0; torch "nn.functional.softplus";

    /// Rectifier max(x, 0). Slope at 0: 0.
    relu(x) = x.maximum(0.0);
        slope(out y) = when(y.above(0.0), 1.0, 0.0); on -3.0..3.0; at 0.0 => 0.0; torch "nn.functional.relu";

    /// Leaky rectifier: x where positive, else `negative_slope`·x. Slope at 0: `negative_slope`.
    leaky_relu(x; negative_slope = 0.01) = when(x.above(0.0), x, negative_slope * x);
        slope(in x) = when(x.above(0.0), 1.0, negative_slope); on -3.0..3.0; at 0.0 => 0.01;
        torch "nn.functional.leaky_relu";

    /// Exponential linear unit: x where positive, else `alpha`·(eˣ − 1).
    elu(x; alpha = 1.0) = when(x.above(0.0), x, alpha * x.minimum(0.0).expm1());
        slope(in x) = when(x.above(0.0), 1.0, alpha * x.minimum(0.0).exp()); on -3.0..3.0;
        torch "nn.functional.elu";

    /// Sigmoid linear unit x·σ(x).
    silu(x) = x * x.sigmoid();
        slope(in x) = x.sigmoid() * (1.0 + x * (1.0 - x.sigmoid())); on -3.0..3.0; torch "nn.functional.silu";

    /// Gaussian error linear unit x·Φ(x), Φ the normal distribution function.
    gelu(x) = 0.5 * x * (1.0 + (x * std::f64::consts::FRAC_1_SQRT_2).erf());
        slope(in x) = 0.5 * (1.0 + (x * std::f64::consts::FRAC_1_SQRT_2).erf())
            + x * (-0.5 * (x * x)).exp() * (0.5 * std::f64::consts::FRAC_1_SQRT_2 * std::f64::consts::FRAC_2_SQRT_PI);
        on -3.0..3.0; torch "nn.functional.gelu";

    /// The number `low` below it, `high` above it, else x. Slope 1 on the closed interval, else 0.
    clamp(x; low = -1.0, high = 2.0) = x.maximum(low).minimum(high);
        slope(in x) = when(x.within(low, high), 1.0, 0.0); on -3.0..3.0; at -1.0 => 1.0; at 2.0 => 1.0; torch "clamp";

    /// xᵖ for a number p. For negative x, p must be an integer. Slope at 0 with p = 0: 0.
    powf(x; p = 2.5) = x.pow(p);
        slope(in x) = if p == 0.0 { x * 0.0 } else { p * x.pow(p - 1.0) }; on 0.1..3.0; torch "pow";

    /// −1, 0 or 1 by the sign. Slope 0.
    sign(x) = x.sign();
        slope(number) = 0.0; on 0.1..3.0; at 0.0 => 0.0; torch "sign";

    /// The largest integer ≤ x. Slope 0.
    floor(x) = x.floor();
        slope(number) = 0.0; on 0.1..0.9; at 1.0 => 0.0; torch "floor";

    /// The smallest integer ≥ x. Slope 0.
    ceil(x) = x.ceil();
        slope(number) = 0.0; on 0.1..0.9; at 1.0 => 0.0; torch "ceil";

    /// The nearest integer, halves to even. Slope 0.
    round(x) = x.round();
        slope(number) = 0.0; on 0.6..1.4; at 1.5 => 0.0; torch "round";

    /// x without its fraction. Slope 0.
    trunc(x) = x.trunc();
        slope(number) = 0.0; on 0.1..0.9; at 1.0 => 0.0; torch "trunc";
}
