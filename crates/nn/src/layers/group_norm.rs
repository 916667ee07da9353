//! Normalisation of groups of channels, of single channels, and by the root mean square.

use std::fmt;

use chainrule_autodiff::Var;
use chainrule_tensor::{DType, Shape, Tensor};

use crate::Module;
use crate::layer::{Layer, expect_type};
use crate::part::{Buffer, Mode};

/// Each group of channels of each sample with mean 0 and variance 1, times a learned weight plus a learned bias per channel; see
/// [`Var::group_norm`].
///
/// Shape: `[n, channels, …]` → the same.
///
/// Source: Wu and He, Group Normalization, 2018.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{GroupNorm, Layer};
/// use chainrule_tensor::tensor;
/// let y = GroupNorm::new(2, 4).forward(&Var::constant(tensor![[1., 3., 10., 30.]]));
/// assert!(y.value().allclose(&tensor![[-1., 1., -1., 1.]], 1e-4, 0.0));
/// ```
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct GroupNorm {
    /// `[channels]`, ones at first.
    pub weight: Option<Var>,
    /// `[channels]`, zeros at first.
    pub bias: Option<Var>,
    /// How many groups there are.
    pub groups: usize,
    /// Keeps the root away from zero.
    pub eps: f64,
}

impl GroupNorm {
    /// A layer with eps 1e-5.
    ///
    /// # Panics
    /// When the channels do not divide evenly into groups.
    #[track_caller]
    pub fn new(groups: usize, channels: usize) -> GroupNorm {
        assert!(
            groups > 0 && channels.is_multiple_of(groups),
            "GroupNorm: {channels} channels do not divide evenly into {groups} groups"
        );
        let [weight, bias] = per_channel(channels);
        GroupNorm { weight: Some(weight), bias: Some(bias), groups, eps: 1e-5 }
    }

    /// Another eps.
    pub fn eps(mut self, eps: f64) -> GroupNorm {
        self.eps = eps;
        self
    }

    /// Leaves weight and bias out.
    pub fn without_affine(mut self) -> GroupNorm {
        (self.weight, self.bias) = (None, None);
        self
    }
}

impl fmt::Display for GroupNorm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupNorm({} groups)", self.groups)
    }
}

impl Layer for GroupNorm {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        if let Some(weight) = &self.weight {
            expect_type(self, x, weight);
        }
        x.group_norm(self.groups, self.weight.as_ref(), self.bias.as_ref(), self.eps)
    }
}

/// Each channel of each sample with mean 0 and variance 1; see [`Var::instance_norm`]. As in PyTorch, it learns nothing and keeps no statistics
/// unless asked to.
///
/// Shape: `[n, channels, …]` → the same.
///
/// Source: Ulyanov, Vedaldi and Lempitsky, Instance Normalization, 2016.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{InstanceNorm, Layer};
/// use chainrule_tensor::tensor;
/// let y = InstanceNorm::new(1).affine().forward(&Var::constant(tensor![[[1., 3.]], [[10., 30.]]]));
/// assert!(y.value().allclose(&tensor![[[-1., 1.]], [[-1., 1.]]], 1e-4, 0.0));
/// ```
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct InstanceNorm {
    /// `[channels]`, ones at first.
    pub weight: Option<Var>,
    /// `[channels]`, zeros at first.
    pub bias: Option<Var>,
    /// `[channels]`, zeros at first.
    pub running_mean: Option<Buffer>,
    /// `[channels]`, ones at first.
    pub running_var: Option<Buffer>,
    /// How many channels there are.
    pub channels: usize,
    /// How much of a batch's statistics goes into the running ones.
    pub momentum: f64,
    /// Keeps the root away from zero.
    pub eps: f64,
    /// Whether running statistics, if any, are followed or used.
    pub mode: Mode,
}

impl InstanceNorm {
    /// A layer for so many channels, with eps 1e-5.
    pub fn new(channels: usize) -> InstanceNorm {
        InstanceNorm {
            weight: None,
            bias: None,
            running_mean: None,
            running_var: None,
            channels,
            momentum: 0.1,
            eps: 1e-5,
            mode: Mode::Training,
        }
    }

    /// Another eps.
    pub fn eps(mut self, eps: f64) -> InstanceNorm {
        self.eps = eps;
        self
    }

    /// With a learned weight and bias per channel.
    #[track_caller]
    pub fn affine(mut self) -> InstanceNorm {
        let [weight, bias] = per_channel(self.channels);
        (self.weight, self.bias) = (Some(weight), Some(bias));
        self
    }

    /// With running statistics, which take the place of the input's own in inference.
    #[track_caller]
    pub fn tracking(mut self) -> InstanceNorm {
        self.running_mean = Some(Buffer::new(Tensor::zeros([self.channels], DType::F32)));
        self.running_var = Some(Buffer::new(Tensor::ones([self.channels], DType::F32)));
        self
    }
}

impl fmt::Display for InstanceNorm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstanceNorm({})", self.channels)
    }
}

impl Layer for InstanceNorm {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        assert!(
            x.rank() >= 3 && x.size(1) == self.channels,
            "{self}: needs an input of shape [n, {}, …], got {}",
            self.channels,
            x.to_shape()
        );
        let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
        if let Some(weight) = weight {
            expect_type(self, x, weight);
        }
        let Some((mean, variance)) = self.running_mean.as_ref().zip(self.running_var.as_ref()) else {
            return x.instance_norm(weight, bias, self.eps);
        };
        let running = [mean.get(), variance.get()];
        expect_type(self, x, &Var::constant(&running[0]));
        if self.mode == Mode::Inference {
            let [mean, variance] = running.map(Var::constant);
            return x.instance_norm_with([&mean, &variance], weight, bias, self.eps);
        }
        let [old_mean, old_variance] = &running;
        let (y, [new_mean, new_variance]) =
            x.instance_norm_training([old_mean, old_variance], self.momentum, weight, bias, self.eps);
        mean.set(new_mean);
        variance.set(new_variance);
        y
    }
}

/// Each sample divided by the root of its mean square over its last axes, times a learned weight; see [`Var::rms_norm`].
///
/// Shape: `[…, shape…]` → the same.
///
/// Source: Zhang and Sennrich, Root Mean Square Layer Normalization, 2019.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Layer, RmsNorm};
/// use chainrule_tensor::tensor;
/// let y = RmsNorm::new(2).forward(&Var::constant(tensor![1., 7.]));
/// assert!(y.value().allclose(&tensor![0.2, 1.4], 1e-5, 0.0));
/// ```
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct RmsNorm {
    /// The shape of the weight, ones at first.
    pub weight: Option<Var>,
    /// The lengths of the axes that are normalised.
    pub shape: Shape,
    /// Keeps the root away from zero; by default the distance from 1 to the next number of the input's type.
    pub eps: Option<f64>,
}

impl RmsNorm {
    /// A layer that normalises over the last axes, which have these lengths.
    ///
    /// # Panics
    /// When there are no axes.
    #[track_caller]
    pub fn new(shape: impl Into<Shape>) -> RmsNorm {
        let shape = shape.into();
        assert!(!shape.is_empty(), "RmsNorm: needs one axis or more to normalise over");
        let weight = Var::leaf(Tensor::ones(&shape, DType::F32)).named("weight");
        RmsNorm { weight: Some(weight), shape, eps: None }
    }

    /// Another eps.
    pub fn eps(mut self, eps: f64) -> RmsNorm {
        self.eps = Some(eps);
        self
    }

    /// Leaves the weight out.
    pub fn without_affine(mut self) -> RmsNorm {
        self.weight = None;
        self
    }
}

impl fmt::Display for RmsNorm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RmsNorm({})", self.shape)
    }
}

impl Layer for RmsNorm {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        if let Some(weight) = &self.weight {
            expect_type(self, x, weight);
        }
        let smallest = if x.dtype() == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
        x.rms_norm(&self.shape, self.weight.as_ref(), self.eps.unwrap_or(smallest))
    }
}

/// Weights of one and biases of zero.
#[track_caller]
fn per_channel(channels: usize) -> [Var; 2] {
    let weight = Var::leaf(Tensor::ones([channels], DType::F32)).named("weight");
    [weight, Var::leaf(Tensor::zeros([channels], DType::F32)).named("bias")]
}
