//! Dropout: noise that keeps units from relying on each other.

use chainrule_tensor::{DType, Rng, Tensor};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// Noise that is made again from its key, instead of being kept.
#[derive(Clone)]
struct Dropout {
    p: f64,
    key: u64,
}
impl Op<1> for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.drop_out(self.p, self.key)
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
        self.clone().apply([g])
    }
}

impl Var {
    /// Each element 0 with probability `p`, else divided by 1 − p, so that the mean stays.
    ///
    /// Source: Srivastava et al., Dropout, 2014.
    ///
    /// # Panics
    /// When `p` is no probability.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Rng, Tensor};
    /// let x = Var::constant(Tensor::ones([1000], DType::F32));
    /// let y = x.dropout(0.5, &mut Rng::seed(1));
    /// assert!(y.value().to_vec::<f32>().iter().all(|&v| v == 0.0 || v == 2.0));
    /// ```
    #[track_caller]
    pub fn dropout(&self, p: f64, rng: &mut Rng) -> Var {
        expect_probability("dropout", p);
        Dropout { p, key: rng.next_u64() }.apply([self])
    }

    /// Whole channels 0 with probability `p`, else divided by 1 − p: PyTorch's `dropout1d`, `dropout2d` and `dropout3d` of a batch.
    ///
    /// Shape: `[n, c, …]` → the same.
    ///
    /// Source: Tompson et al., Efficient object localization using convolutional networks, 2015.
    ///
    /// # Panics
    /// When `p` is no probability or there are fewer than two axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Rng, Tensor};
    /// let x = Var::constant(Tensor::ones([1, 2, 9], DType::F32));
    /// let y = x.feature_dropout(0.5, &mut Rng::seed(1)).sum_axes(&[2], false);
    /// assert!(y.value().to_vec::<f32>().iter().all(|&sum| sum == 0.0 || sum == 18.0));
    /// ```
    #[track_caller]
    pub fn feature_dropout(&self, p: f64, rng: &mut Rng) -> Var {
        self.dropped(kept("feature_dropout", p, &self.channels("feature_dropout"), self.dtype(), rng), p)
    }

    /// Dropout for self-normalising networks: each element as the [`selu`](Var::selu) of −∞ with probability `p`; then all scaled
    /// and shifted so that mean 0 and variance 1 stay.
    ///
    /// Source: Klambauer, Unterthiner, Mayr and Hochreiter, Self-Normalizing Neural Networks, 2017.
    ///
    /// # Panics
    /// When `p` is no probability.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Rng, Tensor};
    /// let mut rng = Rng::seed(1);
    /// let x = Var::constant(Tensor::randn(&mut rng, [10_000], DType::F32));
    /// let y = x.alpha_dropout(0.3, &mut rng);
    /// assert!(y.mean().item().abs() < 0.05 && (y.square().mean().item() - 1.0).abs() < 0.05);
    /// ```
    #[track_caller]
    pub fn alpha_dropout(&self, p: f64, rng: &mut Rng) -> Var {
        self.alpha_dropped(kept("alpha_dropout", p, self.shape(), self.dtype(), rng), p)
    }

    /// [`alpha_dropout`](Var::alpha_dropout) of whole channels.
    ///
    /// Shape: `[n, c, …]` → the same.
    ///
    /// # Panics
    /// When `p` is no probability or there are fewer than two axes.
    #[track_caller]
    pub fn feature_alpha_dropout(&self, p: f64, rng: &mut Rng) -> Var {
        let op = "feature_alpha_dropout";
        self.alpha_dropped(kept(op, p, &self.channels(op), self.dtype(), rng), p)
    }

    /// Each element times a number from the normal distribution with mean 1 and variance p/(1 − p), as dropout has.
    ///
    /// Source: Srivastava et al., Dropout, 2014, section 10.
    ///
    /// # Panics
    /// When `p` is not from 0 to below 1.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Rng, Tensor};
    /// let x = Var::constant(Tensor::ones([10_000], DType::F64));
    /// let y = x.gaussian_dropout(0.5, &mut Rng::seed(1));
    /// assert!((y.mean().item() - 1.0).abs() < 0.05 && ((&y - 1.0).square().mean().item() - 1.0).abs() < 0.05);
    /// ```
    #[track_caller]
    pub fn gaussian_dropout(&self, p: f64, rng: &mut Rng) -> Var {
        assert!((0.0..1.0).contains(&p), "gaussian_dropout: {p} is no probability below 1");
        let noise = Tensor::randn(rng, self.shape(), self.dtype());
        self * Var::constant(noise * (p / (1.0 - p)).sqrt() + 1.0)
    }

    /// Whole samples 0 with probability `p`, else divided by 1 − p: what is done to the branch of a residual network, also known as stochastic depth.
    ///
    /// Shape: `[n, …]` → the same.
    ///
    /// Source: Huang, Sun, Liu, Sedra and Weinberger, Deep networks with stochastic depth, 2016.
    ///
    /// # Panics
    /// When `p` is no probability or there are no axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Rng, Tensor};
    /// let x = Var::constant(Tensor::ones([5, 3], DType::F32));
    /// let y = x.drop_path(0.5, &mut Rng::seed(1)).sum_axes(&[1], false);
    /// assert!(y.value().to_vec::<f32>().iter().all(|&sum| sum == 0.0 || sum == 6.0));
    /// ```
    #[track_caller]
    pub fn drop_path(&self, p: f64, rng: &mut Rng) -> Var {
        assert!(self.rank() >= 1, "drop_path: a single number has no axis of samples");
        let mut shape = vec![1; self.rank()];
        shape[0] = self.size(0);
        self.dropped(kept("drop_path", p, &shape, self.dtype(), rng), p)
    }

    /// One place for each channel.
    #[track_caller]
    fn channels(&self, op: &str) -> Vec<usize> {
        assert!(self.rank() >= 2, "{op}: input {} needs two axes or more: [n, c, …]", self.to_shape());
        self.shape().iter().enumerate().map(|(axis, &n)| if axis < 2 { n } else { 1 }).collect()
    }

    #[track_caller]
    fn dropped(&self, kept: Tensor, p: f64) -> Var {
        self * Var::constant(if p < 1.0 { kept / (1.0 - p) } else { kept })
    }

    #[track_caller]
    fn alpha_dropped(&self, kept: Tensor, p: f64) -> Var {
        /// selu(−∞) = −scale · alpha
        const LOWEST: f64 = -1.758_099_340_847_376_6;
        if p == 1.0 {
            return self * Var::constant(kept);
        }
        let scale = 1.0 / ((LOWEST * LOWEST * p + 1.0) * (1.0 - p)).sqrt();
        let rest = (1.0 - &kept) * (LOWEST * scale) - LOWEST * scale * p;
        self * Var::constant(kept * scale) + Var::constant(rest)
    }
}

/// 1 where an element is kept, else 0.
#[track_caller]
fn kept(op: &str, p: f64, shape: &[usize], dtype: DType, rng: &mut Rng) -> Tensor {
    expect_probability(op, p);
    Tensor::bernoulli(rng, shape, 1.0 - p, dtype)
}

#[track_caller]
fn expect_probability(op: &str, p: f64) {
    assert!((0.0..=1.0).contains(&p), "{op}: {p} is no probability (0 to 1)");
}

/// A sample with a fixed seed, so that the noise is always the same.
fn noisy(d: &mut Draw, least: usize, name: &'static str, call: fn(&Var, f64, &mut Rng) -> Var) -> Sample {
    let mut shape = d.shape();
    while shape.len() < least {
        shape.push(d.size());
    }
    let (p, seed) = (d.pick(&[0.4, 0.1, 0.8]), d.below(100) as u64);
    let source = format!("x[0].{name}({p:?}, &mut Rng::seed({seed}))");
    Sample::new([d.reals(&shape)], source, move |x| call(&x[0], p, &mut Rng::seed(seed)))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("dropout", "nn.functional.dropout", "x · mask / (1 - p)", "g · mask / (1 - p)", |d| {
        noisy(d, 0, "dropout", Var::dropout)
    }),
    Declaration::linear(
        "feature_dropout",
        "feature_dropout",
        "x · mask / (1 - p), by channels",
        "g · mask / (1 - p)",
        |d| noisy(d, 2, "feature_dropout", Var::feature_dropout),
    ),
    Declaration::new(
        Family::Composite,
        "alpha_dropout",
        "nn.functional.alpha_dropout",
        "a·(x · mask + α'·(1 - mask)) + b",
        "g · a · mask",
        |d| noisy(d, 0, "alpha_dropout", Var::alpha_dropout),
    ),
    Declaration::new(
        Family::Composite,
        "feature_alpha_dropout",
        "nn.functional.feature_alpha_dropout",
        "a·(x · mask + α'·(1 - mask)) + b, by channels",
        "g · a · mask",
        |d| noisy(d, 2, "feature_alpha_dropout", Var::feature_alpha_dropout),
    ),
    Declaration::linear("gaussian_dropout", "", "x · noise", "g · noise", |d| {
        noisy(d, 0, "gaussian_dropout", Var::gaussian_dropout)
    }),
    Declaration::linear(
        "drop_path",
        "torchvision.ops.stochastic_depth",
        "x · mask / (1 - p), by samples",
        "g · mask / (1 - p)",
        |d| noisy(d, 1, "drop_path", Var::drop_path),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_meets_the_same_noise() {
        let x = Var::leaf(Tensor::randn(&mut Rng::seed(1), [50, 70], DType::F64));
        let noise = Var::constant(Tensor::ones([50, 70], DType::F64)).dropout(0.3, &mut Rng::seed(2));
        let y = x.dropout(0.3, &mut Rng::seed(2));
        assert!(y.value().equal((&x * &noise).value()));
        assert!(y.square().sum().backward()[&x].equal((2.0 * &y * &noise).value()));
    }
}
