//! Linear maps along one axis in which every new position sees only a few old ones.

use crate::dtype::{DType, each_real};
use crate::kernel::resampling::resample;
use crate::shape::normalise_axis;
use crate::tensor::Tensor;

/// A sparse matrix along an axis: for each new position, the old positions that count and their weights.
///
/// ```
/// use chainrule_tensor::{Taps, tensor};
/// let halves = Taps::new(4, [[(0, 0.5), (1, 0.5)], [(2, 0.5), (3, 0.5)]]);
/// assert_eq!(tensor![1., 3., 5., 9.].resample(0, &halves).to_vec::<f32>(), [2., 7.]);
/// assert_eq!(tensor![2., 4.].resample(0, &halves.transposed()).to_vec::<f32>(), [1., 1., 2., 2.]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Taps {
    inputs: usize,
    ends: Vec<usize>,
    taps: Vec<(usize, f64)>,
}

impl Taps {
    /// The map from an axis of `inputs` positions that has one row of (position, weight) for each new position.
    ///
    /// # Panics
    /// When a position does not exist.
    #[track_caller]
    pub fn new<R: IntoIterator<Item = (usize, f64)>>(inputs: usize, rows: impl IntoIterator<Item = R>) -> Taps {
        let (mut ends, mut taps) = (Vec::new(), Vec::new());
        for row in rows {
            taps.extend(row);
            ends.push(taps.len());
        }
        if let Some((position, _)) = taps.iter().find(|(position, _)| *position >= inputs) {
            panic!("Taps: position {position} is out of range for an axis of length {inputs}");
        }
        Taps { inputs, ends, taps }
    }

    /// The length of the axis it maps from.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The length of the axis it maps to.
    pub fn outputs(&self) -> usize {
        self.ends.len()
    }

    /// The positions and weights of one new position.
    ///
    /// # Panics
    /// When there is no such position.
    #[track_caller]
    pub fn row(&self, output: usize) -> &[(usize, f64)] {
        let start = if output == 0 { 0 } else { self.ends[output - 1] };
        &self.taps[start..self.ends[output]]
    }

    /// The adjoint: the transposed matrix.
    pub fn transposed(&self) -> Taps {
        let mut rows = vec![Vec::new(); self.inputs];
        for output in 0..self.outputs() {
            for &(position, weight) in self.row(output) {
                rows[position].push((output, weight));
            }
        }
        Taps::new(self.outputs(), rows)
    }
}

impl Tensor {
    /// Weighted sums along an axis: `y[…, o, …] = Σ weight · x[…, position, …]` over the taps of `o`.
    ///
    /// Shape: `[…, inputs, …]` → `[…, outputs, …]`.
    ///
    /// # Panics
    /// When the axis does not exist or has another length, or the elements are not real numbers.
    #[track_caller]
    pub fn resample(&self, axis: isize, taps: &Taps) -> Tensor {
        let at = normalise_axis("resample", axis, self.rank());
        let mut shape = self.to_shape();
        assert!(
            shape[at] == taps.inputs(),
            "resample: axis {axis} of shape {shape} has length {}, the taps expect {}",
            shape[at],
            taps.inputs()
        );
        shape[at] = taps.outputs();
        let inner = shape[at + 1..].iter().product();
        each_real!("resample", self, T => {
            let x = self.contiguous();
            let x = x.as_slice::<T>().expect("contiguous() is dense");
            Tensor::build::<T>(shape, |out| resample(x, taps, inner, out))
        }, half => self.cast(DType::F32).resample(axis, taps).cast(self.dtype()))
    }
}
