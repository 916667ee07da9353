//! Activation functions of one number: what makes a network more than one matrix product.
//!
//! Rows as in [`elementwise`](super::elementwise). Where a function is flat, its row says with `pull` that nothing passes, whatever arrives.

use crate::declare::{Declaration, Family};
use crate::ops::formula::rows;
use crate::var::Var;

/// λ and α of [`Var::selu`] (Klambauer et al., Self-normalizing neural networks, 2017, equation 14).
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
/// √(2/π) and the cubic's coefficient of [`Var::gelu_tanh`].
const GELU_SCALE: f64 = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;
const GELU_CUBIC: f64 = 0.044715;

rows! {
    /// Rectifier max(x, 0). Slope at 0: 0.
    relu(x) = x.maximum(0.0);
        pull(g, out y) = when(y.at_most(0.0), 0.0, g); on -3.0..3.0; at 0.0 => 0.0; torch "nn.functional.relu";

    /// Rectifier that saturates, min(max(x, 0), 6). Slope at 0 and 6: 0.
    relu6(x) = x.maximum(0.0).minimum(6.0);
        pull(g, in x) = when(x.at_most(0.0), 0.0, when(x.below(6.0), g, 0.0)); on -3.0..9.0;
        at 0.0 => 0.0; at 6.0 => 0.0; torch "nn.functional.relu6";

    /// Leaky rectifier: x where positive, else `negative_slope`·x. Slope at 0: `negative_slope`.
    leaky_relu(x; negative_slope in [0.01, 0.2, -0.5]) = when(x.above(0.0), x, negative_slope * x);
        slope(in x) = when(x.above(0.0), 1.0, negative_slope); on -3.0..3.0; at 0.0 => 0.01;
        torch "nn.functional.leaky_relu";

    /// Exponential linear unit: x where positive, else `alpha`·(eˣ − 1). Slope at 0: `alpha`.
    elu(x; alpha in [1.0, 0.5, 2.0]) = when(x.at_most(0.0), alpha * x.minimum(0.0).expm1(), x);
        slope(in x) = when(x.at_most(0.0), alpha * x.minimum(0.0).exp(), 1.0); on -3.0..3.0; at 0.0 => 1.0;
        torch "nn.functional.elu";

    /// Exponential linear unit without a corner: x where positive, else `alpha`·(e^(x/`alpha`) − 1).
    ///
    /// Source: Barron, Continuously differentiable exponential linear units, 2017.
    celu(x; alpha in [1.0, 0.5, 2.0]) = when(x.at_most(0.0), alpha * (x.minimum(0.0) / alpha).expm1(), x);
        slope(in x) = when(x.at_most(0.0), (x.minimum(0.0) / alpha).exp(), 1.0); on -3.0..3.0; at 0.0 => 1.0;
        torch "nn.functional.celu";

    /// Self-normalising unit: λx where positive, else λα·(eˣ − 1), λ ≈ 1.0507 and α ≈ 1.6733. Slope at 0: λα.
    ///
    /// Source: Klambauer et al., Self-normalizing neural networks, 2017.
    selu(x) = SELU_SCALE * when(x.at_most(0.0), SELU_ALPHA * x.minimum(0.0).expm1(), x);
        slope(in x) = SELU_SCALE * when(x.at_most(0.0), SELU_ALPHA * x.minimum(0.0).exp(), 1.0); on -3.0..3.0;
        at 0.0 => SELU_SCALE * SELU_ALPHA; torch "nn.functional.selu";

    /// Softplus ln(1 + eˣ).
    softplus(x) = x.softplus();
        slope(in x) = x.sigmoid(); on -3.0..3.0; torch "nn.functional.softplus";

    /// Softplus ln(1 + e^(`beta`·x)) / `beta`, and x itself where `beta`·x exceeds `threshold`, as in PyTorch.
    softplus_with(x; beta in [1.0, 0.5, 3.0], threshold in [20.0, 1.03])
        = when((beta * x).above(threshold), x, (beta * x).softplus() / beta);
        slope(in x) = when((beta * x).above(threshold), 1.0, (beta * x).sigmoid()); on -3.0..3.0;
        torch "nn.functional.softplus";

    /// ½·(x + √(x² + 4)): softplus without exponentials.
    ///
    /// Source: Barron, Squareplus: a softplus-like algebraic rectifier, 2021.
    squareplus(x) = 0.5 * (x + (x * x + 4.0).sqrt());
        slope(in x) = 0.5 * (1.0 + x * (x * x + 4.0).rsqrt()); on -3.0..3.0; torch "-";

    /// ln σ(x), σ the logistic function, exact for very negative x.
    log_sigmoid(x) = x.minimum(0.0) - (-x.abs()).exp().log1p();
        slope(in x) = (-x).sigmoid(); on -3.0..3.0; torch "nn.functional.logsigmoid";

    /// Sigmoid linear unit x·σ(x), also known as swish.
    ///
    /// Source: Elfwing et al., Sigmoid-weighted linear units, 2018.
    silu(x) = x * x.sigmoid();
        slope(in x) = x.sigmoid() * (1.0 + x * (1.0 - x.sigmoid())); on -3.0..3.0; torch "nn.functional.silu";

    /// x · tanh(ln(1 + eˣ)).
    ///
    /// Source: Misra, Mish: a self regularized non-monotonic activation function, 2019.
    mish(x) = x * x.softplus().tanh();
        slope(in x) = { let t = x.softplus().tanh(); x * x.sigmoid() * (1.0 - t.square()) + t }; on -3.0..3.0;
        torch "nn.functional.mish";

    /// Gaussian error linear unit x·Φ(x), Φ the normal distribution function.
    ///
    /// Source: Hendrycks and Gimpel, Gaussian error linear units, 2016.
    gelu(x) = 0.5 * x * (1.0 + (x * std::f64::consts::FRAC_1_SQRT_2).erf());
        slope(in x) = 0.5 * (1.0 + (x * std::f64::consts::FRAC_1_SQRT_2).erf())
            + x * (-0.5 * (x * x)).exp() * (0.5 * std::f64::consts::FRAC_1_SQRT_2 * std::f64::consts::FRAC_2_SQRT_PI);
        on -3.0..3.0; torch "nn.functional.gelu";

    /// [`gelu`](crate::Var::gelu) approximated by ½x·(1 + tanh(√(2/π)·(x + 0.044715x³))).
    gelu_tanh(x) = 0.5 * x * (1.0 + (GELU_SCALE * (x + GELU_CUBIC * (x * x * x))).tanh());
        slope(in x) = {
            let t = (GELU_SCALE * (x + GELU_CUBIC * (x * x * x))).tanh();
            0.5 * x * (1.0 - t.square()) * (GELU_SCALE * (1.0 + 3.0 * GELU_CUBIC * (x * x))) + 0.5 * (1.0 + t)
        };
        on -3.0..3.0; torch "nn.functional.gelu";

    /// `min_val` below it, `max_val` above it, else x. Slope 1 strictly between, else 0.
    hardtanh(x; min_val in [-1.0, -0.5], max_val in [1.0, 2.0]) = x.maximum(min_val).minimum(max_val);
        pull(g, in x) = when(x.at_most(min_val), 0.0, when(x.below(max_val), g, 0.0)); on -3.0..3.0;
        at -1.0 => 0.0; at 1.0 => 0.0; torch "nn.functional.hardtanh";

    /// A logistic function of straight lines, min(max(x + 3, 0), 6) / 6. Slope at ±3: 0.
    hardsigmoid(x) = (x + 3.0).maximum(0.0).minimum(6.0) / 6.0;
        pull(g, in x) = when(x.at_most(-3.0), 0.0, when(x.below(3.0), g / 6.0, 0.0)); on -4.0..4.0;
        at -3.0 => 0.0; at 3.0 => 0.0; torch "nn.functional.hardsigmoid";

    /// x · min(max(x + 3, 0), 6) / 6. Slope at −3: 0; at 3: 1.
    ///
    /// Source: Howard et al., Searching for MobileNetV3, 2019.
    hardswish(x) = x * (x + 3.0).maximum(0.0).minimum(6.0) / 6.0;
        pull(g, in x) = when(x.at_most(-3.0), 0.0, when(x.below(3.0), g * (x / 3.0 + 0.5), g)); on -4.0..4.0;
        at -3.0 => 0.0; at 3.0 => 1.0; torch "nn.functional.hardswish";

    /// 0 between −`lambd` and `lambd`, beyond that x moved towards 0 by `lambd`. Slope at ±`lambd`: 0.
    softshrink(x; lambd in [0.5, 1.02]) = when(x.above(lambd), x - lambd, when(x.below(-lambd), x + lambd, x * 0.0));
        pull(g, in x) = when(x.above(lambd), g, when(x.below(-lambd), g, 0.0)); on -3.0..3.0;
        at -0.5 => 0.0; at 0.5 => 0.0; torch "nn.functional.softshrink";

    /// 0 between −`lambd` and `lambd`, else x. Slope at ±`lambd`: 0.
    hardshrink(x; lambd in [0.5, 1.02]) = when(x.within(-lambd, lambd), 0.0, x);
        pull(g, in x) = when(x.above(lambd), g, when(x.below(-lambd), g, 0.0)); on -3.0..3.0;
        at -0.5 => 0.0; at 0.5 => 0.0; torch "nn.functional.hardshrink";

    /// x where it exceeds `threshold`, else `value`. Slope at the threshold: 0.
    threshold(x; threshold in [0.5, -0.3], value in [0.0, 2.0]) = when(x.at_most(threshold), value, x);
        pull(g, in x) = when(x.at_most(threshold), 0.0, g); on -3.0..3.0; at 0.5 => 0.0;
        torch "nn.functional.threshold";
}

impl Var {
    /// x / (1 + |x|). Slope at 0: 1.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![-1., 3.]).softsign().value().to_vec::<f32>(), [-0.5, 0.75]);
    /// ```
    #[track_caller]
    pub fn softsign(&self) -> Var {
        self / (self.abs() + 1.0)
    }

    /// x − tanh x.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![0.]).tanhshrink().item(), 0.0);
    /// ```
    #[track_caller]
    pub fn tanhshrink(&self) -> Var {
        self - self.tanh()
    }
}

/// What the composites say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "softsign",
        "nn.functional.softsign",
        "x / (1 + |x|)",
        "of its parts: g / (1 + |x|)²",
        |d| d.function("softsign", -3.0, 3.0, Var::softsign),
    ),
    Declaration::new(
        Family::Composite,
        "tanhshrink",
        "nn.functional.tanhshrink",
        "x - tanh x",
        "of its parts: g · tanh² x",
        |d| d.function("tanhshrink", -3.0, 3.0, Var::tanhshrink),
    ),
];
