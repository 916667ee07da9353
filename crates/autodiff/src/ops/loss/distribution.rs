//! Likelihoods and divergences of distributions.

use std::f64::consts::PI;

use chainrule_tensor::{Comparison, Shape, broadcast_shapes};

use super::{Reduce, expect_same};
use crate::declare::{Declaration, Family, Sample};
use crate::ops::formula::when;
use crate::var::Var;

/// Options of [`Var::kl_div_with`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KlDiv {
    /// Mean, sum or each; [`Reduce::BatchMean`] is the divergence per sample.
    pub reduce: Reduce,
    /// Whether the target holds logarithms, too.
    pub log_target: bool,
}

/// Options of [`Var::poisson_nll_loss_with`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoissonNll {
    /// Mean, sum or each.
    pub reduce: Reduce,
    /// Whether the prediction is the logarithm of the rate.
    pub log_input: bool,
    /// Whether Stirling's estimate of ln t! is added, for targets above 1.
    pub full: bool,
    /// Keeps the logarithm of a rate away from 0.
    pub eps: f64,
}

impl Default for PoissonNll {
    fn default() -> PoissonNll {
        PoissonNll { reduce: Reduce::Mean, log_input: true, full: false, eps: 1e-8 }
    }
}

/// Options of [`Var::gaussian_nll_loss_with`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianNll {
    /// Mean, sum or each.
    pub reduce: Reduce,
    /// Whether the constant ½·ln 2π is added.
    pub full: bool,
    /// The least variance that counts.
    pub eps: f64,
}

impl Default for GaussianNll {
    fn default() -> GaussianNll {
        GaussianNll { reduce: Reduce::Mean, full: false, eps: 1e-6 }
    }
}

impl Var {
    /// The mean of t·(ln t − x), where x holds logarithms of probabilities and t probabilities: how far x is from the distribution t. With
    /// [`Reduce::BatchMean`] that is the Kullback-Leibler divergence; the mean over all numbers is it divided by the number of classes.
    ///
    /// Source: Kullback and Leibler, On information and sufficiency, 1951.
    ///
    /// # Panics
    /// When shapes or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let p = Var::constant(tensor![[0.25, 0.75]]);
    /// assert!(p.log().kl_div(&p).item().abs() < 1e-7);
    /// ```
    #[track_caller]
    pub fn kl_div(&self, target: &Var) -> Var {
        self.kl_div_with(target, &KlDiv::default())
    }

    /// [`kl_div`](Var::kl_div) with targets as logarithms, and sum or single losses.
    ///
    /// # Panics
    /// When shapes or types differ.
    #[track_caller]
    pub fn kl_div_with(&self, target: &Var, options: &KlDiv) -> Var {
        expect_same("kl_div", self, target);
        options.reduce.of(&match options.log_target {
            true => target.exp() * (target - self),
            false => {
                let log_t = when(target.equals(0.0), 1.0, target).log(); // 0·ln 0 = 0
                target * log_t - target * self
            }
        })
    }

    /// The mean of e^x − t·x: the negative logarithm of the likelihood of the counts t under a Poisson distribution with rate e^x, but for a term that
    /// depends on t alone.
    ///
    /// # Panics
    /// When shapes or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![F64; 0.0]);
    /// let gradients = x.poisson_nll_loss(&Var::constant(tensor![F64; 3.0])).backward();
    /// assert_eq!(gradients[&x].item(), -2.0); // rate - count
    /// ```
    #[track_caller]
    pub fn poisson_nll_loss(&self, target: &Var) -> Var {
        self.poisson_nll_loss_with(target, &PoissonNll::default())
    }

    /// [`poisson_nll_loss`](Var::poisson_nll_loss) for rates, x − t·ln(x + eps), or with Stirling's term, and sum or single losses.
    ///
    /// # Panics
    /// When shapes or types differ.
    #[track_caller]
    pub fn poisson_nll_loss_with(&self, target: &Var, options: &PoissonNll) -> Var {
        expect_same("poisson_nll_loss", self, target);
        let mut losses = match options.log_input {
            true => self.exp() - target * self,
            false => self - target * (self + options.eps).log(),
        };
        if options.full {
            let t = when(target.above(1.0), target, 1.0);
            let stirling = &t * t.log() - &t + (&t * (2.0 * PI)).log() * 0.5;
            losses = losses + when(target.above(1.0), stirling, 0.0);
        }
        options.reduce.of(&losses)
    }

    /// The mean of ½·(ln v + (x − t)²/v): the negative logarithm of the likelihood of t under a normal distribution with mean x and variance v, but for a
    /// constant. A variance below 1e-6 counts as that, with the gradient there.
    ///
    /// Shapes: target broadcasts with the prediction; the variance does, too, or is one number per line of the last axis.
    ///
    /// Source: Nix and Weigend, Estimating the mean and variance of the target probability distribution, 1994.
    ///
    /// # Panics
    /// When shapes do not fit or a variance is negative.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (x, v) = (Var::leaf(tensor![1.]), Var::leaf(tensor![4.]));
    /// let loss = x.gaussian_nll_loss(&Var::constant(tensor![3.]), &v);
    /// assert!((loss.item() - 0.5 * (4f64.ln() + 1.0)).abs() < 1e-6);
    /// assert_eq!(loss.backward()[&v].item(), 0.0); // 4 is the best guess
    /// ```
    #[track_caller]
    pub fn gaussian_nll_loss(&self, target: &Var, variance: &Var) -> Var {
        self.gaussian_nll_loss_with(target, variance, &GaussianNll::default())
    }

    /// [`gaussian_nll_loss`](Var::gaussian_nll_loss) with the constant, another least variance, and sum or single losses.
    ///
    /// # Panics
    /// As `gaussian_nll_loss`.
    #[track_caller]
    pub fn gaussian_nll_loss_with(&self, target: &Var, variance: &Var, options: &GaussianNll) -> Var {
        let op = "gaussian_nll_loss";
        let negative = variance.value().compare_scalar(Comparison::Lt, 0.0).any(&[], false);
        assert!(negative.item() == 0.0, "{op}: a variance is negative; predict its logarithm, or take .softplus()");
        let both = broadcast_shapes(self.shape(), target.shape());
        assert!(
            both.is_some(),
            "{op}: prediction {} and target {} do not broadcast",
            self.to_shape(),
            target.to_shape()
        );
        let lines = self.shape().split_last().map(|(_, lines)| lines);
        let variance = match lines == Some(variance.shape()) && variance.shape() != self.shape() {
            true => variance.unsqueeze(-1),
            false => variance.clone(),
        };
        let fits: Option<Shape> = broadcast_shapes(self.shape(), variance.shape());
        assert!(
            fits.is_some(),
            "{op}: a prediction {} does not go with variances {}",
            self.to_shape(),
            variance.to_shape()
        );
        let variance = variance.lifted(options.eps);
        let mut losses = (variance.log() + (self - target).square() / &variance) * 0.5;
        if options.full {
            losses = losses + 0.5 * (2.0 * PI).ln();
        }
        options.reduce.of(&losses)
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "kl_div",
        "nn.functional.kl_div",
        "mean of t·(ln t - x)",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let inputs = [d.reals(&shape), d.tensor(&shape, 0.1, 0.9)];
            Sample::new(inputs, "x[0].kl_div(&x[1])", |x| x[0].kl_div(&x[1]))
        },
    ),
    Declaration::new(
        Family::Composite,
        "kl_div_with",
        "nn.functional.kl_div",
        "the same, or of e^t·(t - x), reduced",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let options = KlDiv { reduce: Reduce::drawn(d), log_target: d.flag() };
            let inputs = [d.reals(&shape), d.tensor(&shape, 0.1, 0.9)];
            let source = format!("x[0].kl_div_with(&x[1], &{options:?})");
            Sample::new(inputs, source, move |x| x[0].kl_div_with(&x[1], &options))
        },
    ),
    Declaration::new(
        Family::Composite,
        "poisson_nll_loss",
        "nn.functional.poisson_nll_loss",
        "mean of e^x - t·x",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let inputs = [d.reals(&shape), d.tensor(&shape, 0.1, 3.0)];
            Sample::new(inputs, "x[0].poisson_nll_loss(&x[1])", |x| x[0].poisson_nll_loss(&x[1]))
        },
    ),
    Declaration::new(
        Family::Composite,
        "poisson_nll_loss_with",
        "nn.functional.poisson_nll_loss",
        "the same, or x - t·ln(x + eps), reduced",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let (log_input, full) = (d.flag(), d.flag());
            let options = PoissonNll { reduce: Reduce::drawn(d), log_input, full, eps: d.pick(&[1e-8, 0.1]) };
            let low = d.pick(&[1.1, 0.1]);
            let inputs = [d.tensor(&shape, 0.2, 2.0), d.tensor(&shape, low, low + 0.8)];
            let source = format!("x[0].poisson_nll_loss_with(&x[1], &{options:?})");
            Sample::new(inputs, source, move |x| x[0].poisson_nll_loss_with(&x[1], &options))
        },
    ),
    Declaration::new(
        Family::Composite,
        "gaussian_nll_loss",
        "nn.functional.gaussian_nll_loss",
        "mean of ½·(ln v + (x - t)²/v)",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let inputs = [d.reals(&shape), d.reals(&shape), d.tensor(&shape, 0.3, 2.0)];
            Sample::new(inputs, "x[0].gaussian_nll_loss(&x[1], &x[2])", |x| x[0].gaussian_nll_loss(&x[1], &x[2]))
        },
    ),
    Declaration::new(
        Family::Composite,
        "gaussian_nll_loss_with",
        "nn.functional.gaussian_nll_loss",
        "the same, with a constant, reduced",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let options = GaussianNll { reduce: Reduce::drawn(d), full: d.flag(), eps: d.pick(&[1e-6, 0.2]) };
            let lines = if d.flag() { shape[..shape.len() - 1].to_vec() } else { shape.clone() };
            let inputs = [d.reals(&shape), d.reals(&shape), d.tensor(&lines, 0.3, 2.0)];
            let source = format!("x[0].gaussian_nll_loss_with(&x[1], &x[2], &{options:?})");
            Sample::new(inputs, source, move |x| x[0].gaussian_nll_loss_with(&x[1], &x[2], &options))
        },
    ),
];
