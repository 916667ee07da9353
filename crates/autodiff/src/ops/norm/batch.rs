//! Normalisation of channels, over the batch or over places.

use chainrule_tensor::Tensor;

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

impl Var {
    /// Batch normalisation with the batch's own statistics: [`standardise`](Var::standardise) over all axes but the second, then · weight + bias per
    /// channel.
    ///
    /// Shapes: `[n, c, …]`, weight and bias `[c]` → `[n, c, …]`. An input without elements comes back as it is.
    ///
    /// Source: Ioffe and Szegedy, Batch Normalization, 2015.
    ///
    /// # Panics
    /// When there are fewer than two axes, or weight or bias do not have one number per channel.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![F64; [1.], [3.]]);
    /// assert_eq!(x.batch_norm(None, None, 0.0).value().to_vec::<f64>(), [-1., 1.]);
    /// ```
    #[track_caller]
    pub fn batch_norm(&self, weight: Option<&Var>, bias: Option<&Var>, eps: f64) -> Var {
        self.normalise_channels(weight, bias, eps).0
    }

    /// [`batch_norm`](Var::batch_norm), and what the running mean and the running variance are afterwards:
    /// `(1 − momentum)·running + momentum·batch`, the variance there being the unbiased one.
    ///
    /// # Panics
    /// As `batch_norm`; and when a channel has one number only, which has no variance.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![[1.], [3.]]);
    /// let (_, [mean, variance]) = x.batch_norm_training([&tensor![0.], &tensor![1.]], 0.5, None, None, 1e-5);
    /// assert_eq!((mean.item(), variance.item()), (1.0, 1.5));
    /// ```
    #[track_caller]
    pub fn batch_norm_training(
        &self,
        running: [&Tensor; 2],
        momentum: f64,
        weight: Option<&Var>,
        bias: Option<&Var>,
        eps: f64,
    ) -> (Var, [Tensor; 2]) {
        let (y, batch) = self.normalise_channels(weight, bias, eps);
        (y, self.followed("batch_norm", 0, running, momentum, batch))
    }

    /// Batch normalisation with given statistics, as models are used after training: (x − mean) / √(variance + eps) · weight + bias per
    /// channel.
    ///
    /// # Panics
    /// When there are fewer than two axes, or one of the four does not have one number per channel.
    #[track_caller]
    pub fn batch_norm_with(
        &self,
        [mean, variance]: [&Var; 2],
        weight: Option<&Var>,
        bias: Option<&Var>,
        eps: f64,
    ) -> Var {
        self.with_statistics("batch_norm", [mean, variance], weight, bias, eps)
    }

    /// Instance normalisation: [`standardise`](Var::standardise) over all axes but the first two, so that each channel of each sample stands for
    /// itself, then · weight + bias per channel.
    ///
    /// Shapes: `[n, c, …]`, weight and bias `[c]` → `[n, c, …]`. An input without elements comes back as it is.
    ///
    /// Source: Ulyanov, Vedaldi and Lempitsky, Instance Normalization, 2016.
    ///
    /// # Panics
    /// When there are fewer than two axes, or weight or bias do not have one number per channel.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![F64; [[1., 3.], [10., 30.]]]);
    /// assert_eq!(x.instance_norm(None, None, 0.0).value().to_vec::<f64>(), [-1., 1., -1., 1.]);
    /// ```
    #[track_caller]
    pub fn instance_norm(&self, weight: Option<&Var>, bias: Option<&Var>, eps: f64) -> Var {
        if self.len() == 0 && self.rank() < 2 {
            return self.clone();
        }
        let [weight, bias] = self.beside_channels("instance_norm", [weight, bias]);
        let axes = self.axes_of_channels(2);
        assert!(!axes.is_empty(), "instance_norm: input {} has no axis to normalise over", self.to_shape());
        self.standardise(&axes, eps).affine(weight.as_ref(), bias.as_ref())
    }

    /// [`instance_norm`](Var::instance_norm), and what the running mean and the running variance are afterwards: as for
    /// [`batch_norm_training`](Var::batch_norm_training), with the mean of the samples' statistics.
    ///
    /// # Panics
    /// As `instance_norm`; and when a channel of a sample has one number only, which has no variance.
    #[track_caller]
    pub fn instance_norm_training(
        &self,
        running: [&Tensor; 2],
        momentum: f64,
        weight: Option<&Var>,
        bias: Option<&Var>,
        eps: f64,
    ) -> (Var, [Tensor; 2]) {
        let y = self.instance_norm(weight, bias, eps);
        (y, self.followed("instance_norm", 2, running, momentum, self.statistics_of_instances()))
    }

    /// Instance normalisation with given statistics, as models are used after training; see [`batch_norm_with`](Var::batch_norm_with).
    ///
    /// # Panics
    /// When there are fewer than two axes, or one of the four does not have one number per channel.
    #[track_caller]
    pub fn instance_norm_with(
        &self,
        [mean, variance]: [&Var; 2],
        weight: Option<&Var>,
        bias: Option<&Var>,
        eps: f64,
    ) -> Var {
        self.with_statistics("instance_norm", [mean, variance], weight, bias, eps)
    }

    /// All axes from `first` on but that of the channels.
    pub(super) fn axes_of_channels(&self, first: isize) -> Vec<isize> {
        (first..self.rank() as isize).filter(|&axis| axis != 1).collect()
    }

    /// Mean and variance of each sample's channels, averaged over the samples.
    #[track_caller]
    fn statistics_of_instances(&self) -> [Tensor; 2] {
        let x = Var::constant(self.value());
        let per_channel = |numbers: Var| numbers.mean_axes(&x.axes_of_channels(0), false).value().clone();
        let [_, variance] = x.centred(&x.axes_of_channels(2));
        [per_channel(x.clone()), per_channel(variance)]
    }

    /// Running statistics after a batch that had these.
    #[track_caller]
    fn followed(
        &self,
        op: &str,
        first: isize,
        running: [&Tensor; 2],
        momentum: f64,
        [mean, variance]: [Tensor; 2],
    ) -> [Tensor; 2] {
        if self.len() == 0 {
            return running.map(Clone::clone);
        }
        let count: usize = self.axes_of_channels(first).iter().map(|&axis| self.size(axis)).product();
        assert!(count > 1, "{op}: a channel of {} has one number, which has no variance", self.to_shape());
        let mut after = running.map(Clone::clone);
        for (running, batch) in after.iter_mut().zip([mean, variance * (count as f64 / (count - 1) as f64)]) {
            assert!(
                running.shape() == batch.shape(),
                "{op}: input {} has {} channels, but running statistics have shape {}",
                self.to_shape(),
                self.size(1),
                running.to_shape()
            );
            *running = &*running * (1.0 - momentum) + batch * momentum;
        }
        after
    }

    #[track_caller]
    fn with_statistics(
        &self,
        op: &str,
        [mean, variance]: [&Var; 2],
        weight: Option<&Var>,
        bias: Option<&Var>,
        eps: f64,
    ) -> Var {
        if self.len() == 0 && self.rank() < 2 {
            return self.clone();
        }
        let [weight, bias] = self.beside_channels(op, [weight, bias]);
        let scale = (self.per_channel(op, variance) + eps).rsqrt();
        let scale = match weight {
            Some(weight) => scale * weight,
            None => scale,
        };
        ((self - self.per_channel(op, mean)) * scale).affine(None, bias.as_ref())
    }
}

/// An input with two numbers or more per channel, and weight and bias.
fn trained(d: &mut Draw, instance: bool) -> [Tensor; 3] {
    let c = d.positive_size();
    let n = if instance { d.positive_size() } else { d.range(2, 4) };
    let shape = match d.range(0, 2) {
        0 if !instance => vec![n, c],
        1 => vec![n, c, d.range(8, 9)], // long enough for the one pass
        _ => vec![n, c, d.range(2, 3)],
    };
    [d.distinct(&shape), d.reals(&[c]), d.reals(&[c])]
}

/// An input, statistics, and weight and bias.
fn inference(d: &mut Draw) -> [Tensor; 5] {
    let c = d.positive_size();
    let n = d.size();
    [d.reals(&[n, c]), d.reals(&[c]), d.tensor(&[c], 0.3, 2.0), d.reals(&[c]), d.reals(&[c])]
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "batch_norm",
        "nn.functional.batch_norm",
        "y · w + b, y = (x - mean) · s, s = 1/√(var + eps)",
        "x: (g - mean g - y · mean(g · y)) · s · w; w: Σ g · y; b: Σ g",
        |d| {
            Sample::new(trained(d, false), "x[0].batch_norm(Some(&x[1]), Some(&x[2]), 0.1)", |x| {
                x[0].batch_norm(Some(&x[1]), Some(&x[2]), 0.1)
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "batch_norm_with",
        "nn.functional.batch_norm",
        "(x - m) / √(v + eps) · w + b",
        "of its parts",
        |d| {
            Sample::new(inference(d), "x[0].batch_norm_with([&x[1], &x[2]], Some(&x[3]), Some(&x[4]), 0.1)", |x| {
                x[0].batch_norm_with([&x[1], &x[2]], Some(&x[3]), Some(&x[4]), 0.1)
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "instance_norm",
        "nn.functional.instance_norm",
        "(x - mean) / √(var + eps) · w + b",
        "of its parts",
        |d| {
            Sample::new(trained(d, true), "x[0].instance_norm(Some(&x[1]), Some(&x[2]), 0.1)", |x| {
                x[0].instance_norm(Some(&x[1]), Some(&x[2]), 0.1)
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "instance_norm_with",
        "nn.functional.instance_norm",
        "(x - m) / √(v + eps) · w + b",
        "of its parts",
        |d| {
            Sample::new(inference(d), "x[0].instance_norm_with([&x[1], &x[2]], Some(&x[3]), Some(&x[4]), 0.1)", |x| {
                x[0].instance_norm_with([&x[1], &x[2]], Some(&x[3]), Some(&x[4]), 0.1)
            })
        },
    ),
];
