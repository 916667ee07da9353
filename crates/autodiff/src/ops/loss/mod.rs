//! Losses: how wrong a prediction is, as one number to be made small.
//!
//! - [`distance`]: functions of the difference between prediction and target.
//! - [`classes`]: cross entropies and margins between classes, of which one is right.
//! - [`binary`]: yes or no, once or for each of several labels.
//! - [`distribution`]: likelihoods and divergences of distributions.
//! - [`pairs`]: samples compared with each other.
//! - [`ctc`]: sequences whose alignment is unknown.
//!
//! Each loss has a short form with the usual settings, and one whose name ends in `_with` that takes all of them.

pub mod binary;
pub mod classes;
pub mod ctc;
pub mod distance;
pub mod distribution;
pub mod margin;
pub mod pairs;

pub use binary::{BinaryCrossEntropy, Focal};
pub use classes::{CrossEntropy, Nll};
pub use ctc::Ctc;
pub use distribution::{GaussianNll, KlDiv, PoissonNll};
pub use margin::MultiMargin;
pub use pairs::Triplet;

use chainrule_tensor::{DType, Tensor, broadcast_shapes};

use crate::declare::Draw;
use crate::var::Var;

/// What becomes of the losses of single samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduce {
    /// Their mean (where samples have weights, the weighted mean).
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// Their sum, divided by the length of the first axis.
    BatchMean,
    /// Each stays.
    None,
}

impl Reduce {
    #[track_caller]
    fn of(self, losses: &Var) -> Var {
        match self {
            Reduce::Mean => losses.mean(),
            Reduce::Sum => losses.sum(),
            Reduce::BatchMean => losses.sum() / losses.shape().first().map_or(1.0, |&n| n as f64),
            Reduce::None => losses.clone(),
        }
    }

    fn drawn(d: &mut Draw) -> Reduce {
        d.pick(&[Reduce::Mean, Reduce::Sum, Reduce::None, Reduce::BatchMean])
    }
}

/// Panics where prediction and target differ in shape. (They do not broadcast: that hides mistakes.)
#[track_caller]
fn expect_same(op: &str, prediction: &Var, target: &Var) {
    assert!(
        prediction.shape() == target.shape(),
        "{op}: prediction {} and target {} differ in shape; reshape one",
        prediction.to_shape(),
        target.to_shape()
    );
}

/// Panics where an argument does not broadcast to the prediction's shape.
#[track_caller]
fn expect_beside(op: &str, prediction: &Var, what: &str, other: &[usize]) {
    let fits = broadcast_shapes(prediction.shape(), other).is_some_and(|both| both[..] == *prediction.shape());
    assert!(fits, "{op}: the {what} {other:?} does not broadcast to the prediction's shape {}", prediction.to_shape());
}

/// Panics where class numbers are not `i64`.
#[track_caller]
fn expect_i64(op: &str, labels: &Tensor) {
    assert!(
        labels.dtype() == DType::I64,
        "{op}: labels must be i64 class numbers, got {}; convert them with .cast(DType::I64)",
        labels.dtype()
    );
}

/// This variable where positive, else 0, with slope 1 at 0.
#[track_caller]
fn positive_part(x: Var) -> Var {
    x.clamp_min(0.0)
}
