//! Standardisation: subtract the mean, divide by the standard deviation, both learnt from the training part.

use chainrule_tensor::{DType, Tensor, normalise_axes};

const ELEMENTS_AT_A_TIME: usize = 1 << 20;

/// z = (x − μ) / σ, with μ and σ measured once, on the training part, and used for every part.
///
/// [`fit`](Standardizer::fit) measures over chosen axes: `&[0]` gives every feature its own μ and σ (as scikit-learn's
/// `StandardScaler` does), `&[0, 2, 3]` every channel of images, `&[]` all numbers one pair. σ is the population's
/// standard deviation (division by n). A feature that never varies has σ = 1, so it becomes 0.
///
/// ```
/// use chainrule_data::{Standardizer, digits};
///
/// let parts = digits().scaled().split_stratified(0.2, 0);
/// let standard = Standardizer::fit(parts.train.x(), &[]);
/// let parts = parts.map(|part| part.map(|x| standard.transform(x)));
/// let mean = parts.train.x().to_vec::<f32>().iter().sum::<f32>() / parts.train.x().len() as f32;
/// assert!(mean.abs() < 1e-4);
/// ```
#[derive(Clone, Debug)]
pub struct Standardizer {
    mean: Tensor,
    scale: Tensor,
}

impl Standardizer {
    /// Measures mean and standard deviation of `x` over `axes`; an empty list means all.
    ///
    /// # Panics
    /// When an axis is not one of `x`, when axis 0 (the examples) is not among them, when `x` is empty, or when it
    /// holds no floating-point numbers.
    #[track_caller]
    pub fn fit(x: &Tensor, axes: &[isize]) -> Standardizer {
        assert!(!x.is_empty(), "Standardizer::fit: {:?} has no numbers to measure", x.shape());
        assert!(
            !matches!(x.dtype(), DType::I64 | DType::Bool),
            "Standardizer::fit: {} has no fractions; cast it to a floating-point type",
            x.dtype()
        );
        let axes = normalise_axes("Standardizer::fit", axes, x.rank());
        assert!(axes.contains(&0), "Standardizer::fit: axes {axes:?} must hold axis 0, the examples");
        let mean = mean_over(x, &axes, |x| x);
        let variance = mean_over(x, &axes, |x| {
            let centred = &x - &mean;
            &centred * &centred
        });
        let numbers = variance.to_vec::<f64>().into_iter().zip(mean.to_vec::<f64>());
        // A constant's deviation is rounding, in proportion to its size.
        let sigma = |(variance, mean): (f64, f64)| match variance.sqrt() {
            sigma if sigma <= 10.0 * f64::EPSILON * mean.abs() => 1.0,
            sigma => sigma,
        };
        let scale = Tensor::from_vec(numbers.map(sigma).collect::<Vec<f64>>(), mean.shape());
        Standardizer { mean: mean.cast(x.dtype()), scale: scale.cast(x.dtype()) }
    }

    /// A standardizer with known mean and standard deviation, such as those saved beside a model.
    ///
    /// # Panics
    /// When the shapes or types differ.
    #[track_caller]
    pub fn from_parts(mean: Tensor, scale: Tensor) -> Standardizer {
        assert!(
            mean.shape() == scale.shape() && mean.dtype() == scale.dtype(),
            "Standardizer::from_parts: mean {:?} of {}, scale {:?} of {}; they must be alike",
            mean.shape(),
            mean.dtype(),
            scale.shape(),
            scale.dtype()
        );
        Standardizer { mean, scale }
    }

    /// (x − μ) / σ.
    ///
    /// # Panics
    /// When the shape of `x` does not broadcast with that of μ, or its type differs.
    #[track_caller]
    pub fn transform(&self, x: &Tensor) -> Tensor {
        &(x - &self.mean) / &self.scale
    }

    /// z σ + μ, which undoes [`transform`](Standardizer::transform).
    ///
    /// # Panics
    /// When the shape of `z` does not broadcast with that of μ, or its type differs.
    #[track_caller]
    pub fn inverse(&self, z: &Tensor) -> Tensor {
        &(z * &self.scale) + &self.mean
    }

    /// μ, with length 1 along the axes it was measured over.
    pub fn mean(&self) -> &Tensor {
        &self.mean
    }

    /// σ, with length 1 along the axes it was measured over.
    pub fn scale(&self) -> &Tensor {
        &self.scale
    }
}

/// The mean of `f(x)` over `axes` in `f64`, with those axes kept. A few examples at a time are widened, since all of
/// them at once would take several times the memory of the data.
fn mean_over(x: &Tensor, axes: &[usize], f: impl Fn(Tensor) -> Tensor) -> Tensor {
    let n = x.shape()[0];
    let rows = (ELEMENTS_AT_A_TIME / (x.len() / n)).clamp(1, n);
    let signed: Vec<isize> = axes.iter().map(|&axis| axis as isize).collect();
    let part = |start: usize| {
        let some = x.narrow(0, start, rows.min(n - start)).cast(DType::F64);
        f(some).sum(&signed, true)
    };
    let total = (rows..n).step_by(rows).fold(part(0), |total, start| &total + &part(start));
    let count: usize = axes.iter().map(|&axis| x.shape()[axis]).product();
    &total / count as f64
}
