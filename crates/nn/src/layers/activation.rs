//! Activations as layers, for tuples and [`Sequential`](crate::Sequential).

use chainrule_autodiff::Var;

use crate::Module;
use crate::layer::Layer;

macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident => $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Module)]
        #[module(crate = crate)]
        pub struct $name;

        impl Layer for $name {
            #[track_caller]
            fn forward(&self, x: &Var) -> Var {
                x.$method()
            }
        }
    )*};
}

activations! {
    /// Rectifier max(x, 0); see [`Var::relu`].
    ///
    /// ```
    /// use chainrule_autodiff::Var;
    /// use chainrule_nn::{Layer, Relu};
    /// use chainrule_tensor::tensor;
    /// assert_eq!(Relu.forward(&Var::constant(tensor![-1., 2.])).value().to_vec::<f32>(), [0., 2.]);
    /// ```
    Relu => relu;
    /// Hyperbolic tangent; see [`Var::tanh`].
    Tanh => tanh;
    /// Logistic function 1/(1 + e⁻ˣ); see [`Var::sigmoid`].
    Sigmoid => sigmoid;
    /// Gaussian error linear unit x·Φ(x); see [`Var::gelu`].
    Gelu => gelu;
    /// Sigmoid linear unit x·σ(x), also known as swish; see [`Var::silu`].
    Silu => silu;
    /// ln(1 + eˣ); see [`Var::softplus`].
    Softplus => softplus;
    /// max(x, 0), at most 6; see [`Var::relu6`].
    Relu6 => relu6;
    /// Scaled exponential linear unit, for self-normalising networks; see [`Var::selu`].
    Selu => selu;
    /// x·tanh(ln(1 + eˣ)); see [`Var::mish`].
    Mish => mish;
    /// ln σ(x), σ the logistic function; see [`Var::log_sigmoid`].
    LogSigmoid => log_sigmoid;
    /// The logistic function in straight lines; see [`Var::hardsigmoid`].
    HardSigmoid => hardsigmoid;
    /// x times the logistic function in straight lines; see [`Var::hardswish`].
    HardSwish => hardswish;
    /// x / (1 + |x|); see [`Var::softsign`].
    Softsign => softsign;
    /// x − tanh x; see [`Var::tanhshrink`].
    TanhShrink => tanhshrink;
}

/// x where positive, else `negative_slope`·x; see [`Var::leaky_relu`].
#[derive(Clone, Copy, Debug, PartialEq, Module)]
#[module(crate = crate)]
pub struct LeakyRelu {
    /// The slope for negative numbers; 0.01 by default.
    pub negative_slope: f64,
}

impl Default for LeakyRelu {
    fn default() -> Self {
        LeakyRelu { negative_slope: 0.01 }
    }
}

impl Layer for LeakyRelu {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        x.leaky_relu(self.negative_slope)
    }
}

/// x where positive, else `alpha`·(eˣ − 1); see [`Var::elu`].
#[derive(Clone, Copy, Debug, PartialEq, Module)]
#[module(crate = crate)]
pub struct Elu {
    /// How far down it goes; 1 by default.
    pub alpha: f64,
}

impl Default for Elu {
    fn default() -> Self {
        Elu { alpha: 1.0 }
    }
}

impl Layer for Elu {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        x.elu(self.alpha)
    }
}

/// x where positive, else `alpha`·(e^(x/`alpha`) − 1); see [`Var::celu`].
#[derive(Clone, Copy, Debug, PartialEq, Module)]
#[module(crate = crate)]
pub struct Celu {
    /// How far down it goes; 1 by default.
    pub alpha: f64,
}

impl Default for Celu {
    fn default() -> Self {
        Celu { alpha: 1.0 }
    }
}

impl Layer for Celu {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        x.celu(self.alpha)
    }
}

/// x between two limits; see [`Var::hardtanh`].
#[derive(Clone, Copy, Debug, PartialEq, Module)]
#[module(crate = crate)]
pub struct HardTanh {
    /// The lower limit; −1 by default.
    pub min: f64,
    /// The upper limit; 1 by default.
    pub max: f64,
}

impl Default for HardTanh {
    fn default() -> Self {
        HardTanh { min: -1.0, max: 1.0 }
    }
}

impl Layer for HardTanh {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        x.hardtanh(self.min, self.max)
    }
}

/// x where positive, else x times a learned slope; see [`Var::prelu`].
///
/// Source: He, Zhang, Ren and Sun, Delving deep into rectifiers, 2015.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Layer, Prelu};
/// use chainrule_tensor::tensor;
/// assert_eq!(Prelu::new(1).forward(&Var::constant(tensor![-4., 2.])).value().to_vec::<f32>(), [-1., 2.]);
/// ```
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct Prelu {
    /// One slope per channel, or one for all; 0.25 at first.
    pub weight: Var,
}

impl Prelu {
    /// A layer with a slope for each of so many channels, or one for all.
    #[track_caller]
    pub fn new(channels: usize) -> Prelu {
        Prelu { weight: Var::leaf(crate::init::constant([channels], 0.25)).named("weight") }
    }
}

impl Layer for Prelu {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        x.prelu(&self.weight)
    }
}

/// One half of an axis times the logistic function of the other; see [`Var::glu`].
#[derive(Clone, Copy, Debug, PartialEq, Module)]
#[module(crate = crate)]
pub struct Glu {
    /// The axis, counted from the end where negative.
    pub axis: isize,
}

impl Layer for Glu {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        x.glu(self.axis)
    }
}

/// e⁻ˣ / Σ e⁻ˣ along an axis; see [`Var::softmin`].
#[derive(Clone, Copy, Debug, PartialEq, Module)]
#[module(crate = crate)]
pub struct Softmin {
    /// The axis, counted from the end where negative.
    pub axis: isize,
}

impl Layer for Softmin {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        x.softmin(self.axis)
    }
}

/// eˣ / Σ eˣ along an axis; see [`Var::softmax`]. Not before a cross entropy, which takes the logits.
#[derive(Clone, Copy, Debug, PartialEq, Module)]
#[module(crate = crate)]
pub struct Softmax {
    /// The axis, counted from the end where negative.
    pub axis: isize,
}

impl Layer for Softmax {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        x.softmax(self.axis)
    }
}

/// The logarithm of [`Softmax`]; see [`Var::log_softmax`].
#[derive(Clone, Copy, Debug, PartialEq, Module)]
#[module(crate = crate)]
pub struct LogSoftmax {
    /// The axis, counted from the end where negative.
    pub axis: isize,
}

impl Layer for LogSoftmax {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        x.log_softmax(self.axis)
    }
}
