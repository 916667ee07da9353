//! Layer normalisation.

use std::fmt;

use chainrule_autodiff::Var;
use chainrule_tensor::{DType, Shape, Tensor};

use crate::Module;
use crate::layer::{Layer, expect_type};

/// Each sample with mean 0 and variance 1 over its last axes, times a learned weight plus a learned bias:
/// `y = (x − mean) / √(variance + eps) · weight + bias`.
///
/// Shape: `[…, shape…]` → the same; parameters `weight` and `bias` `[shape…]`.
///
/// Source: Ba, Kiros and Hinton, Layer Normalization, 2016.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Layer, LayerNorm};
/// use chainrule_tensor::tensor;
/// let y = LayerNorm::new(2).forward(&Var::constant(tensor![[1., 3.], [10., 30.]]));
/// assert!(y.value().allclose(&tensor![[-1., 1.], [-1., 1.]], 1e-4, 0.0));
/// ```
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct LayerNorm {
    /// The shape of weight and bias, ones at first.
    pub weight: Option<Var>,
    /// Zeros at first.
    pub bias: Option<Var>,
    /// The lengths of the axes that are normalised.
    pub shape: Shape,
    /// Keeps the root away from zero.
    pub eps: f64,
}

impl LayerNorm {
    /// A layer that normalises over the last axes, which have these lengths; eps is 1e-5.
    ///
    /// # Panics
    /// When there are no axes.
    #[track_caller]
    pub fn new(shape: impl Into<Shape>) -> LayerNorm {
        let shape = shape.into();
        assert!(!shape.is_empty(), "LayerNorm: needs one axis or more to normalise over");
        LayerNorm {
            weight: Some(Var::leaf(Tensor::ones(&shape, DType::F32)).named("weight")),
            bias: Some(Var::leaf(Tensor::zeros(&shape, DType::F32)).named("bias")),
            shape,
            eps: 1e-5,
        }
    }

    /// Another eps.
    ///
    /// # Panics
    /// When it is negative or NaN.
    #[track_caller]
    pub fn eps(mut self, eps: f64) -> LayerNorm {
        assert!(eps >= 0.0, "eps: {eps} is not 0 or more");
        self.eps = eps;
        self
    }

    /// Leaves the bias out.
    pub fn without_bias(mut self) -> LayerNorm {
        self.bias = None;
        self
    }

    /// Leaves weight and bias out.
    pub fn without_affine(mut self) -> LayerNorm {
        (self.weight, self.bias) = (None, None);
        self
    }
}

impl fmt::Display for LayerNorm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LayerNorm({})", self.shape)
    }
}

impl Layer for LayerNorm {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        assert!(
            x.shape().ends_with(&self.shape),
            "{self}: needs an input whose last axes are {}, got {}",
            self.shape,
            x.to_shape()
        );
        if let Some(weight) = &self.weight {
            expect_type(self, x, weight);
        }
        x.layer_norm(&self.shape, self.weight.as_ref(), self.bias.as_ref(), self.eps)
    }
}
