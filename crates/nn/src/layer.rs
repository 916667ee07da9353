//! What all layers have in common.

use std::fmt::Display;

use chainrule_autodiff::Var;

use crate::module::Module;

/// A module that makes one variable out of one variable.
///
/// Layers of different types in a row are a tuple, `(Linear, Relu, Linear)`, or a [`Sequential`](crate::Sequential) where their number or types
/// are known only at run time. Layers of one type are a `Vec` or an array.
///
/// This crate's layers are `#[track_caller]`: tapes and messages show the line that called `forward`. A layer of your own, which
/// is a formula of several steps, is better left without: then its steps are shown each with its own line.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Layer, Linear, Module, Relu};
/// use chainrule_tensor::{DType, Rng, Tensor};
///
/// /// x + f(x)
/// #[derive(Clone, Module)]
/// # #[module(crate = chainrule_nn)]
/// struct Residual<L>(L);
///
/// impl<L: Layer> Layer for Residual<L> {
///     fn forward(&self, x: &Var) -> Var {
///         x + self.0.forward(x)
///     }
/// }
///
/// let mut rng = Rng::seed(0);
/// let model = (Residual((Linear::new(4, 4, &mut rng), Relu)), Linear::new(4, 2, &mut rng));
/// let y = model.forward(&Var::constant(Tensor::ones([3, 4], DType::F32)));
/// assert_eq!(y.shape(), [3, 2]);
/// assert_eq!(model.parameters()[0].0, "0.0.0.weight");
/// ```
pub trait Layer: Module {
    /// The layer's output for an input.
    ///
    /// # Panics
    /// When the input's shape or type does not fit.
    fn forward(&self, x: &Var) -> Var;
}

impl<L: Layer + ?Sized> Layer for Box<L> {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        (**self).forward(x)
    }
}

/// One after the other.
impl<L: Layer> Layer for [L] {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        let mut x = x.clone();
        for layer in self {
            x = layer.forward(&x);
        }
        x
    }
}

/// One after the other.
impl<L: Layer> Layer for Vec<L> {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        self[..].forward(x)
    }
}

/// One after the other.
impl<L: Layer, const N: usize> Layer for [L; N] {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        self[..].forward(x)
    }
}

macro_rules! tuples {
    ($($first:ident $(, $layer:ident $number:tt)*;)*) => {$(
        /// One after the other.
        impl<$first: Layer $(, $layer: Layer)*> Layer for ($first, $($layer,)*) {
            #[track_caller]
            fn forward(&self, x: &Var) -> Var {
                let x = self.0.forward(x);
                $(let x = self.$number.forward(&x);)*
                x
            }
        }
    )*};
}
tuples! {
    A;
    A, B 1;
    A, B 1, C 2;
    A, B 1, C 2, D 3;
    A, B 1, C 2, D 3, E 4;
    A, B 1, C 2, D 3, E 4, F 5;
    A, B 1, C 2, D 3, E 4, F 5, G 6;
    A, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}

/// Panics where the input has another type than the layer's parameters.
#[track_caller]
pub(crate) fn expect_type(layer: &dyn Display, x: &Var, parameter: &Var) {
    let (given, own) = (x.dtype(), parameter.dtype());
    assert!(
        given == own,
        "{layer}: its parameters are {own}, the input is {given}; convert the input with .cast(DType::{own:?}) or the model \
         with .to_dtype(DType::{given:?})"
    );
}
