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
