#![doc = include_str!("../README.md")]

pub use chainrule_autodiff as autodiff;
pub use chainrule_data as data;
pub use chainrule_nn as nn;
pub use chainrule_tensor as tensor;

pub use chainrule_autodiff::{
    Gradients, ListOp, MatrixNorm, Op, Reach, Report, Saves, Tape, Var, checkpoint, grad, hessian, hvp, jacobian, jvp,
    ops, try_grad, value_and_grad, vjp,
};
pub use chainrule_tensor::{Comparison, DType, Interpolation, Resize, Rng, Shape, Taps, Tensor, Window, s, tensor};

/// What most programs use, in one line: `use chainrule::prelude::*;`.
///
/// ```
/// use chainrule::prelude::*;
/// let x = Var::leaf(tensor![1., 2., 3.]);
/// assert_eq!(x.square().sum().backward()[&x].to_vec::<f32>(), [2., 4., 6.]);
/// ```
pub mod prelude {
    pub use crate::nn::*;
    pub use crate::{
        Comparison, DType, Gradients, Interpolation, Op, Resize, Rng, Saves, Tensor, Var, Window, grad, s, tensor,
    };
}

/// The code of the guides runs as tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/writing-an-op.md")]
struct WritingAnOp;

#[cfg(doctest)]
#[doc = include_str!("../docs/checking.md")]
struct Checking;
