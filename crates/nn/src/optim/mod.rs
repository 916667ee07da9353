//! Optimisers: how a gradient becomes a step.

mod adam;
mod memory;
mod sgd;

use std::path::Path;

use chainrule_autodiff::Gradients;
use chainrule_tensor::io::Tensors;

use crate::Module;
use crate::state::{self, StateError};

pub use adam::{Adam, AdamW};
pub use sgd::Sgd;

/// Changes a model's parameters by their gradients, and remembers by path what it needs for the next time.
///
/// Frozen parameters are passed over. A trainable one without a gradient is an error, since it would never learn, unless the
/// optimiser was told to [allow it](Adam::allow_missing). Two parts of a model that learn at different rates are two optimisers, each
/// given its part.
///
/// A step changes numbers in place, unless someone else (a copy of the model) still holds them. It makes new leaves of the parameters: gradients
/// are good for one step.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Layer, Linear, Optimizer, Sgd};
/// use chainrule_tensor::{DType, Rng, Tensor};
/// let mut rng = Rng::seed(0);
/// let mut model = Linear::new(3, 1, &mut rng);
/// let x = Var::constant(Tensor::randn(&mut rng, [20, 3], DType::F32));
/// let target = Var::constant(x.value().sum(&[1], true)); // weights 1, bias 0
/// let mut descent = Sgd::new(0.3);
/// for _ in 0..100 {
///     let gradients = model.forward(&x).mse_loss(&target).backward();
///     descent.step(&mut model, &gradients);
/// }
/// assert!(model.weight.value().allclose(&Tensor::ones([1, 3], DType::F32), 1e-3, 1e-3));
/// ```
pub trait Optimizer {
    /// One step for every parameter that is not frozen.
    ///
    /// # Panics
    /// When a trainable parameter has no gradient (and that is not allowed), when there is no parameter to change at all, or when a
    /// parameter has another shape or type than in the step before. Nothing was changed then.
    fn step(&mut self, model: &mut dyn Module, gradients: &Gradients);

    /// How far a step goes.
    fn learning_rate(&self) -> f64;

    /// Another learning rate from the next step on: for schedules.
    ///
    /// # Panics
    /// When it is negative or not finite.
    fn set_learning_rate(&mut self, learning_rate: f64);

    /// What is remembered: for each parameter that has made a step its number of steps, `path.step`, and the optimiser's own tensors.
    fn state(&self) -> Tensors;

    /// Remembers what another optimiser of the same kind did, for going on with the training of `model`.
    ///
    /// # Errors
    /// When entries have no counterpart in the model, are incomplete, or differ in shape or type. Nothing was changed then.
    fn load_state(&mut self, state: &Tensors, model: &dyn Module) -> Result<(), StateError>;

    /// Writes [`state`](Optimizer::state) to a safetensors file, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    #[track_caller]
    fn save(&self, path: impl AsRef<Path>) -> Result<(), StateError>
    where
        Self: Sized,
    {
        state::save(path.as_ref(), &self.state())
    }

    /// [`load_state`](Optimizer::load_state) from a safetensors file.
    ///
    /// # Errors
    /// When the file cannot be read, and as `load_state`.
    fn load(&mut self, path: impl AsRef<Path>, model: &dyn Module) -> Result<(), StateError>
    where
        Self: Sized,
    {
        let path = path.as_ref();
        self.load_state(&state::read(path)?, model).map_err(|error| error.of_file(path))
    }
}

#[track_caller]
fn expect_rate(name: &str, x: f64) -> f64 {
    assert!(x >= 0.0 && x.is_finite(), "{name}: {x} is not a number of 0 or more");
    x
}

#[track_caller]
fn expect_fraction(name: &str, x: f64) -> f64 {
    assert!((0.0..1.0).contains(&x), "{name}: {x} is not in 0 to 1 (1 excluded)");
    x
}
