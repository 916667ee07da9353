//! From images to rows.

use chainrule_autodiff::Var;

use crate::Module;
use crate::layer::Layer;

/// All axes but the first made one: `[n, c, h, w]` → `[n, c·h·w]`.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Flatten, Layer};
/// use chainrule_tensor::{DType, Tensor};
/// let x = Var::constant(Tensor::zeros([8, 1, 28, 28], DType::F32));
/// assert_eq!(Flatten.forward(&x).shape(), [8, 784]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Module)]
#[module(crate = crate)]
pub struct Flatten;

impl Layer for Flatten {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        assert!(x.rank() >= 2, "Flatten: needs an input of shape [n, …], got {}", x.to_shape());
        x.flatten(1, -1)
    }
}
