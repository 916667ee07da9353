//! Batch normalisation.

use std::fmt;

use chainrule_autodiff::Var;
use chainrule_tensor::{DType, Tensor};

use crate::Module;
use crate::layer::{Layer, expect_type};
use crate::part::{Buffer, Mode};

/// Each channel with mean 0 and variance 1 over the batch, times a learned weight plus a learned bias:
/// `y = (x − mean) / √(variance + eps) · weight + bias`.
///
/// Shape: `[n, channels, …]` → the same. In training, mean and variance are the batch's own, and running statistics follow them:
/// `running ← (1 − momentum)·running + momentum·batch`, the variance there being the unbiased one. In inference the running statistics
/// take their place. Which it is, the field `mode` says; see [`Module::set_mode`] and [`Module::frozen`].
///
/// Source: Ioffe and Szegedy, Batch Normalization, 2015.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{BatchNorm, Layer, Module};
/// use chainrule_tensor::tensor;
/// let norm = BatchNorm::new(1);
/// let y = norm.forward(&Var::constant(tensor![[1.], [3.]]));
/// assert!(y.value().allclose(&tensor![[-1.], [1.]], 1e-4, 0.0));
/// assert_eq!(norm.running_mean.get().item() as f32, 0.2); // 0.9·0 + 0.1·2
/// assert_eq!(norm.frozen().forward(&Var::constant(tensor![[0.2]])).item(), 0.0);
/// ```
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct BatchNorm {
    /// `[channels]`, ones at first.
    pub weight: Option<Var>,
    /// `[channels]`, zeros at first.
    pub bias: Option<Var>,
    /// `[channels]`, zeros at first.
    pub running_mean: Buffer,
    /// `[channels]`, ones at first.
    pub running_var: Buffer,
    /// How much of a batch's statistics goes into the running ones.
    pub momentum: f64,
    /// Keeps the root away from zero.
    pub eps: f64,
    /// Whether the batch's statistics are used or the running ones.
    pub mode: Mode,
}

impl BatchNorm {
    /// A layer for so many channels, with momentum 0.1 and eps 1e-5.
    #[track_caller]
    pub fn new(channels: usize) -> BatchNorm {
        let (zeros, ones) = (Tensor::zeros([channels], DType::F32), Tensor::ones([channels], DType::F32));
        BatchNorm {
            weight: Some(Var::leaf(&ones).named("weight")),
            bias: Some(Var::leaf(&zeros).named("bias")),
            running_mean: Buffer::new(zeros),
            running_var: Buffer::new(ones),
            momentum: 0.1,
            eps: 1e-5,
            mode: Mode::Training,
        }
    }

    /// Another momentum.
    ///
    /// # Panics
    /// When it is not between 0 and 1.
    #[track_caller]
    pub fn momentum(mut self, momentum: f64) -> BatchNorm {
        assert!((0.0..=1.0).contains(&momentum), "momentum: {momentum} is not between 0 and 1");
        self.momentum = momentum;
        self
    }

    /// Another eps.
    ///
    /// # Panics
    /// When it is negative or NaN.
    #[track_caller]
    pub fn eps(mut self, eps: f64) -> BatchNorm {
        assert!(eps >= 0.0, "eps: {eps} is not 0 or more");
        self.eps = eps;
        self
    }

    /// Leaves weight and bias out.
    pub fn without_affine(mut self) -> BatchNorm {
        (self.weight, self.bias) = (None, None);
        self
    }

    fn channels(&self) -> usize {
        self.running_mean.get().len()
    }

    /// Normalises by the batch's own statistics; the running ones follow them.
    #[track_caller]
    fn train(&self, x: &Var) -> Var {
        let count = x.len() / self.channels().max(1);
        assert!(
            count > 1,
            "{self}: a batch of shape {} has {count} numbers per channel, which have no variance; training needs two or more",
            x.to_shape()
        );
        let [mean, variance] = [&self.running_mean, &self.running_var].map(Buffer::get);
        let (y, after) = x.batch_norm_training(
            [&mean, &variance],
            self.momentum,
            self.weight.as_ref(),
            self.bias.as_ref(),
            self.eps,
        );
        let [mean, variance] = after;
        self.running_mean.set(mean);
        self.running_var.set(variance);
        y
    }
}

impl fmt::Display for BatchNorm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BatchNorm({})", self.channels())
    }
}

impl Layer for BatchNorm {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        let channels = self.channels();
        assert!(
            x.rank() >= 2 && x.shape()[1] == channels,
            "{self}: needs an input of shape [n, {channels}, …], got {}",
            x.to_shape()
        );
        let running = |buffer: &Buffer| Var::constant(buffer.get());
        expect_type(self, x, &running(&self.running_mean));
        if self.mode == Mode::Training {
            return self.train(x);
        }
        let [mean, variance] = [running(&self.running_mean), running(&self.running_var)];
        x.batch_norm_with([&mean, &variance], self.weight.as_ref(), self.bias.as_ref(), self.eps)
    }
}
