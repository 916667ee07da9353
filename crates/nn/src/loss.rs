//! Losses as functions. They are methods of [`Var`], too, and documented there.

use chainrule_autodiff::Var;
use chainrule_tensor::Tensor;

pub use chainrule_autodiff::ops::loss::{CrossEntropy, Reduce};

/// The mean square of the differences; see [`Var::mse_loss`].
///
/// # Panics
/// When shapes or types differ.
#[track_caller]
pub fn mse_loss(prediction: &Var, target: &Var) -> Var {
    prediction.mse_loss(target)
}

/// The mean of −ln softmax(logits)\[label\]; see [`Var::cross_entropy`], and [`Var::cross_entropy_with`] for options.
///
/// # Panics
/// When shapes do not fit, labels are not `i64`, or one is not a class.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::cross_entropy;
/// use chainrule_tensor::tensor;
/// let logits = Var::leaf(tensor![[0., 0.], [0., 0.]]);
/// assert!((cross_entropy(&logits, &tensor![0, 1]).item() - 2f64.ln()).abs() < 1e-6);
/// ```
#[track_caller]
pub fn cross_entropy(logits: &Var, labels: &Tensor) -> Var {
    logits.cross_entropy(labels)
}
