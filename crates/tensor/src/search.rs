//! Searching: where elements are not zero, whether they occur, where they would stand in an order.

use crate::dtype::DType;
use crate::kernel::line::{NAN, keys};
use crate::tensor::Tensor;

impl Tensor {
    /// The positions of the elements that are not zero (of a mask: that hold), in row-major order, one per row.
    ///
    /// Shape: `[k, rank]`, `i64`.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let at = tensor![[0., 7.], [8., 0.]].nonzero();
    /// assert_eq!((at.shape(), at.to_vec::<i64>()), (&[2, 2][..], vec![0, 1, 1, 0]));
    /// ```
    #[track_caller]
    pub fn nonzero(&self) -> Tensor {
        let flat = self.nonzero_flat();
        let shape = self.shape();
        Tensor::build::<i64>([flat.len(), shape.len()], |out| {
            for (row, &at) in out.chunks_mut(shape.len().max(1)).zip(&flat) {
                let mut at = at as usize;
                for (o, &n) in row.iter_mut().zip(shape).rev() {
                    *o = (at % n) as i64;
                    at /= n;
                }
            }
        })
    }

    /// The same as [`nonzero`](Tensor::nonzero), under NumPy's name.
    #[track_caller]
    pub fn argwhere(&self) -> Tensor {
        self.nonzero()
    }

    /// [`nonzero`](Tensor::nonzero) as one tensor per axis: what indexing with this mask uses.
    #[track_caller]
    pub fn nonzero_axes(&self) -> Vec<Tensor> {
        let all = self.nonzero();
        (0..self.rank()).map(|axis| all.select(1, axis as isize)).collect()
    }

    /// The numbers, in row-major order, of the elements that are not zero.
    #[track_caller]
    pub(crate) fn nonzero_flat(&self) -> Vec<i64> {
        let holds = self.cast(DType::Bool).to_vec::<bool>();
        (0..).zip(holds).filter(|&(_, holds)| holds).map(|(at, _)| at).collect()
    }

    /// Where an element is among `elements`. A NaN is among nothing.
    ///
    /// # Panics
    /// When the types differ.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![1, 2, 3].isin(&tensor![3, 1]).to_vec::<bool>(), [true, false, true]);
    /// ```
    #[track_caller]
    pub fn isin(&self, elements: &Tensor) -> Tensor {
        self.same_type("isin", elements);
        let nan = |key: i64| self.dtype().is_float() && key == NAN;
        let mut among = keys(elements).to_vec::<i64>();
        among.sort_unstable();
        let values = keys(self).to_vec::<i64>();
        Tensor::build::<bool>(self.to_shape(), |out| {
            for (o, x) in out.iter_mut().zip(&values) {
                *o = !nan(*x) && among.binary_search(x).is_ok();
            }
        })
    }

    /// Where each of `values` would stand in this ascending row: the number of elements below it or, with `right`, not above it. A NaN
    /// stands last.
    ///
    /// Shapes: this `[n]` and values `[…]`, or this `[…, n]` and values `[…, k]` row by row. The result has the shape of `values`, `i64`.
    ///
    /// # Panics
    /// When the types differ, or axes but the last do.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let x = tensor![1., 3., 5.];
    /// assert_eq!(x.searchsorted(&tensor![3., 4.], false).to_vec::<i64>(), [1, 2]);
    /// assert_eq!(x.searchsorted(&tensor![3., 4.], true).to_vec::<i64>(), [2, 2]);
    /// ```
    #[track_caller]
    pub fn searchsorted(&self, values: &Tensor, right: bool) -> Tensor {
        self.same_type("searchsorted", values);
        let rows = |x: &Tensor| x.shape().split_last().map(|(_, rows)| rows.to_vec());
        assert!(
            self.rank() == 1 || self.rank() > 1 && rows(self) == rows(values),
            "searchsorted: rows of {} for values of {}: all axes but the last must be equal",
            self.to_shape(),
            values.to_shape()
        );
        let n = self.size(-1);
        let wide = if self.rank() == 1 { values.len() } else { values.size(-1) };
        let nan = |key: i64| self.dtype().is_float() && key == NAN;
        let (sorted, flat) = (keys(self).to_vec::<i64>(), keys(values).to_vec::<i64>());
        Tensor::build::<i64>(values.to_shape(), |out| {
            for (i, (o, &x)) in out.iter_mut().zip(&flat).enumerate() {
                let before = |&e: &i64| e < x || e == x && right || nan(e) || nan(x);
                *o = sorted[i / wide * n..][..n].partition_point(before) as i64;
            }
        })
    }

    /// The number of the interval between ascending `boundaries` in which each element lies: [`searchsorted`](Tensor::searchsorted) seen
    /// from the values.
    ///
    /// # Panics
    /// When the types differ or `boundaries` has not one axis.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![0., 2., 9.].bucketize(&tensor![1., 5.], false).to_vec::<i64>(), [0, 1, 2]);
    /// ```
    #[track_caller]
    pub fn bucketize(&self, boundaries: &Tensor, right: bool) -> Tensor {
        assert!(boundaries.rank() == 1, "bucketize: boundaries of shape {}, not a row", boundaries.to_shape());
        boundaries.searchsorted(self, right)
    }

    #[track_caller]
    fn same_type(&self, op: &str, other: &Tensor) {
        assert!(
            self.dtype() == other.dtype(),
            "{op}: element types differ: {} and {}; convert one with .cast",
            self.dtype(),
            other.dtype()
        );
    }
}
