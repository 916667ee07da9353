//! Initialisers: the numbers with which learning starts.
//!
//! All draw `f32`; `.cast` the result, or the model with [`to_dtype`](crate::Module::to_dtype). Shapes are those of weights: `[outputs, inputs, …]`, where
//! further axes are a kernel's.
//!
//! ```
//! use chainrule_nn::init::{self, Fan, Gain};
//! use chainrule_nn::Linear;
//! use chainrule_tensor::Rng;
//!
//! let mut rng = Rng::seed(0);
//! let mut layer = Linear::new(256, 64, &mut rng);
//! layer.weight.update(|w| *w = init::kaiming_normal(w.shape(), Fan::In, Gain::Relu, &mut rng));
//! ```

use chainrule_tensor::{DType, Rng, Shape, Tensor};

/// By how much a weight's standard deviation is raised to make up for what an activation takes away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gain {
    /// None, or a softmax: 1.
    Linear,
    /// Logistic function: 1.
    Sigmoid,
    /// Hyperbolic tangent: 5/3.
    Tanh,
    /// Rectifier: √2.
    Relu,
    /// Leaky rectifier with this slope for negative numbers: √(2 / (1 + slope²)).
    LeakyRelu(f64),
    /// A gain of one's own.
    Other(f64),
}

impl Gain {
    /// The factor.
    pub fn factor(self) -> f64 {
        match self {
            Gain::Linear | Gain::Sigmoid => 1.0,
            Gain::Tanh => 5.0 / 3.0,
            Gain::Relu => 2f64.sqrt(),
            Gain::LeakyRelu(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
            Gain::Other(factor) => factor,
        }
    }
}

/// Whose variance is kept the same from layer to layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fan {
    /// That of the signal going forward: counts a unit's inputs.
    #[default]
    In,
    /// That of the gradient going back: counts how many units an input reaches.
    Out,
}

/// How many inputs a unit has, and how many units an input reaches, for a weight `[outputs, inputs, kernel…]`.
///
/// # Panics
/// When there are fewer than two axes.
///
/// ```
/// assert_eq!(chainrule_nn::init::fans([64, 3, 5, 5]), (75, 1600));
/// ```
#[track_caller]
pub fn fans(shape: impl Into<Shape>) -> (usize, usize) {
    let shape = shape.into();
    assert!(shape.len() >= 2, "fans: shape {shape} needs two axes or more: [outputs, inputs, …]");
    let kernel: usize = shape[2..].iter().product();
    (shape[1] * kernel, shape[0] * kernel)
}

/// Zeros.
#[track_caller]
pub fn zeros(shape: impl Into<Shape>) -> Tensor {
    constant(shape, 0.0)
}

/// Ones.
#[track_caller]
pub fn ones(shape: impl Into<Shape>) -> Tensor {
    constant(shape, 1.0)
}

/// The same number everywhere.
#[track_caller]
pub fn constant(shape: impl Into<Shape>, x: f64) -> Tensor {
    Tensor::full(shape, x, DType::F32)
}

/// Evenly distributed on [low, high).
#[track_caller]
pub fn uniform(shape: impl Into<Shape>, low: f64, high: f64, rng: &mut Rng) -> Tensor {
    Tensor::uniform(rng, shape, low, high, DType::F32)
}

/// From the normal distribution.
#[track_caller]
pub fn normal(shape: impl Into<Shape>, mean: f64, deviation: f64, rng: &mut Rng) -> Tensor {
    Tensor::randn(rng, shape, DType::F32).affine(deviation, mean)
}

/// Uniform on ±gain·√(6 / (fan in + fan out)): keeps the variance about the same in both directions.
///
/// Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010.
///
/// # Panics
/// When the shape has fewer than two axes.
///
/// ```
/// use chainrule_nn::init::{self, Gain};
/// let w = init::xavier_uniform([200, 100], Gain::Linear, &mut chainrule_tensor::Rng::seed(0));
/// let bound = (6f64 / 300.0).sqrt();
/// assert!(w.max(&[], false).item() <= bound && w.max(&[], false).item() > 0.99 * bound);
/// ```
#[track_caller]
pub fn xavier_uniform(shape: impl Into<Shape>, gain: Gain, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    let bound = 3f64.sqrt() * xavier_deviation(&shape, gain);
    uniform(shape, -bound, bound, rng)
}

/// Normal with standard deviation gain·√(2 / (fan in + fan out)); see [`xavier_uniform`].
///
/// # Panics
/// When the shape has fewer than two axes.
#[track_caller]
pub fn xavier_normal(shape: impl Into<Shape>, gain: Gain, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    let deviation = xavier_deviation(&shape, gain);
    normal(shape, 0.0, deviation, rng)
}

/// Uniform on ±gain·√(3 / fan): made for rectifiers, and known by the name of He, too.
///
/// Source: He, Zhang, Ren and Sun, Delving deep into rectifiers, 2015.
///
/// # Panics
/// When the shape has fewer than two axes.
#[track_caller]
pub fn kaiming_uniform(shape: impl Into<Shape>, fan: Fan, gain: Gain, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    let bound = 3f64.sqrt() * kaiming_deviation(&shape, fan, gain);
    uniform(shape, -bound, bound, rng)
}

/// Normal with standard deviation gain / √fan; see [`kaiming_uniform`].
///
/// # Panics
/// When the shape has fewer than two axes.
#[track_caller]
pub fn kaiming_normal(shape: impl Into<Shape>, fan: Fan, gain: Gain, rng: &mut Rng) -> Tensor {
    let shape = shape.into();
    let deviation = kaiming_deviation(&shape, fan, gain);
    normal(shape, 0.0, deviation, rng)
}

#[track_caller]
fn xavier_deviation(shape: &Shape, gain: Gain) -> f64 {
    let (inputs, outputs) = fans(shape);
    gain.factor() * (2.0 / (inputs + outputs).max(1) as f64).sqrt()
}

#[track_caller]
fn kaiming_deviation(shape: &Shape, fan: Fan, gain: Gain) -> f64 {
    let (inputs, outputs) = fans(shape);
    let count = match fan {
        Fan::In => inputs,
        Fan::Out => outputs,
    };
    gain.factor() / (count.max(1) as f64).sqrt()
}

/// What linear and convolution layers start with, as in PyTorch: weight and bias uniform on ±1/√(fan in).
#[track_caller]
pub(crate) fn affine_layer(weight: impl Into<Shape>, rng: &mut Rng) -> (Tensor, Tensor) {
    let shape = weight.into();
    let bound = 1.0 / (fans(&shape).0.max(1) as f64).sqrt();
    let (outputs, gain) = (shape[0], Gain::LeakyRelu(5f64.sqrt())); // √(2 / 6)·√3 = 1
    (kaiming_uniform(shape, Fan::In, gain, rng), uniform([outputs], -bound, bound, rng))
}
