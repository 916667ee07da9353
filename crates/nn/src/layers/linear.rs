//! The fully connected layer.

use std::fmt;

use chainrule_autodiff::Var;
use chainrule_tensor::Rng;

use crate::Module;
use crate::init::affine_layer;
use crate::layer::{Layer, expect_type};

/// The affine map `y = x·wᵀ + b`.
///
/// Shapes: `[…, inputs]` → `[…, outputs]`; parameters `weight` `[outputs, inputs]` and `bias` `[outputs]`, both uniform on ±1/√inputs at first.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Layer, Linear};
/// use chainrule_tensor::{DType, Rng, Tensor};
/// let layer = Linear::new(784, 10, &mut Rng::seed(0));
/// assert_eq!(layer.forward(&Var::constant(Tensor::zeros([64, 784], DType::F32))).shape(), [64, 10]);
/// ```
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct Linear {
    /// `[outputs, inputs]`
    pub weight: Var,
    /// `[outputs]`
    pub bias: Option<Var>,
}

impl Linear {
    /// A layer with random weights and bias.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, rng: &mut Rng) -> Linear {
        let (weight, bias) = affine_layer([outputs, inputs], rng);
        Linear { weight: Var::leaf(weight).named("weight"), bias: Some(Var::leaf(bias).named("bias")) }
    }

    /// Leaves the bias out.
    pub fn without_bias(mut self) -> Linear {
        self.bias = None;
        self
    }
}

impl fmt::Display for Linear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Linear({} → {})", self.weight.size(1), self.weight.size(0))
    }
}

impl Layer for Linear {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        let inputs = self.weight.size(1);
        if x.shape().last() != Some(&inputs) {
            let hint = match x.shape() {
                [_, rest @ ..] if rest.len() > 1 && rest.iter().product::<usize>() == inputs => {
                    "; .flatten(1, -1) it first"
                }
                _ => "",
            };
            panic!("{self}: needs an input of shape […, {inputs}], got {}{hint}", x.to_shape());
        }
        expect_type(self, x, &self.weight);
        x.linear(&self.weight, self.bias.as_ref())
    }
}
