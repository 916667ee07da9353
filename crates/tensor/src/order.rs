//! Order: where the elements of a line would stand if it were sorted. A NaN counts as larger than any number.
//!
//! Each function returns positions, as `i64`; [`gather`](Tensor::gather) takes the elements from there. A tensor without axes is a line
//! of one element.

use crate::kernel::line;
use crate::shape::normalise_axis;
use crate::tensor::Tensor;

impl Tensor {
    /// The positions along an axis in the order that sorts it. Equal elements keep their order.
    ///
    /// # Panics
    /// When the axis does not exist.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let x = tensor![2., f64::NAN, 1., 2.];
    /// assert_eq!(x.argsort(0, false).to_vec::<i64>(), [2, 0, 3, 1]);
    /// assert_eq!(x.argsort(0, true).to_vec::<i64>(), [1, 0, 3, 2]);
    /// ```
    #[track_caller]
    pub fn argsort(&self, axis: isize, descending: bool) -> Tensor {
        self.ranked("argsort", axis, self.line_length("argsort", axis), descending)
    }

    /// The positions of the `k` largest (or smallest) elements along an axis, in order; the first of equal ones comes first.
    ///
    /// # Panics
    /// When the axis does not exist or is shorter than `k`.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![1., 9., 4.].argtopk(2, 0, true).to_vec::<i64>(), [1, 2]);
    /// ```
    #[track_caller]
    pub fn argtopk(&self, k: usize, axis: isize, largest: bool) -> Tensor {
        let n = self.line_length("topk", axis);
        assert!(k <= n, "topk: {k} elements of an axis of length {n} (axis {axis} of shape {})", self.layout.shape);
        self.ranked("topk", axis, k, largest)
    }

    /// The position of the `k`-th smallest element along an axis, counted from 1. The axis stays, with length 1.
    ///
    /// # Panics
    /// When the axis does not exist, or `k` is not in `1 ..= n`.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![5., 7., 6.].argkth(2, 0).to_vec::<i64>(), [2]);
    /// ```
    #[track_caller]
    pub fn argkth(&self, k: usize, axis: isize) -> Tensor {
        let n = self.line_length("kthvalue", axis);
        assert!(
            (1..=n).contains(&k),
            "kthvalue: k is {k}, which an axis of length {n} does not have (axis {axis} of shape {}, k counted from 1)",
            self.layout.shape
        );
        self.picked("kthvalue", axis, &|line| line::kth(line, k - 1))
    }

    /// The position of the median along an axis, the lower of two. The axis stays, with length 1. A NaN counts as the median, unless it
    /// is ignored.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let x = tensor![5., f64::NAN, 6., 1., 4.];
    /// assert_eq!(x.argmedian(0, false).item(), 1.0);
    /// assert_eq!(x.argmedian(0, true).item(), 4.0);
    /// ```
    #[track_caller]
    pub fn argmedian(&self, axis: isize, ignore_nan: bool) -> Tensor {
        let by = match (self.dtype().is_float(), ignore_nan) {
            (false, _) => line::median,
            (true, false) => line::median_or_nan,
            (true, true) => line::nanmedian,
        };
        self.picked("median", axis, &by)
    }

    /// The position of the most frequent element along an axis: the smallest of equally frequent ones, where it occurs last. The axis
    /// stays, with length 1.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![3, 1, 3, 1, 2].argmode(0).item(), 3.0);
    /// ```
    #[track_caller]
    pub fn argmode(&self, axis: isize) -> Tensor {
        self.picked("mode", axis, &line::mode)
    }

    /// For every place along an axis, the position of the largest element up to it, the last of equal ones.
    ///
    /// # Panics
    /// When the axis does not exist.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![1., 3., 2., 3.].argcummax(0).to_vec::<i64>(), [0, 1, 1, 3]);
    /// ```
    #[track_caller]
    pub fn argcummax(&self, axis: isize) -> Tensor {
        line::along("cummax", self, axis, self.line_length("cummax", axis), &line::running_largest)
    }

    /// For every place along an axis, the position of the smallest element up to it, the last of equal ones. A NaN stays the smallest.
    ///
    /// # Panics
    /// When the axis does not exist.
    #[track_caller]
    pub fn argcummin(&self, axis: isize) -> Tensor {
        let by = if self.dtype().is_float() { line::running_smallest_or_nan } else { line::running_smallest };
        line::along("cummin", self, axis, self.line_length("cummin", axis), &by)
    }

    /// The distinct elements in ascending order; for every element which of them it is; and how often each occurs. A NaN equals nothing.
    ///
    /// Shapes: any → `[distinct]`, any, `[distinct]`.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let (values, inverse, counts) = tensor![3, 1, 3].unique();
    /// assert_eq!(values.to_vec::<i64>(), [1, 3]);
    /// assert_eq!((inverse.to_vec::<i64>(), counts.to_vec::<i64>()), (vec![1, 0, 1], vec![1, 2]));
    /// ```
    pub fn unique(&self) -> (Tensor, Tensor, Tensor) {
        let (first, counts, which) = line::distinct(self);
        let n = first.len();
        let values = self.reshape([self.len()]).index_select(0, &Tensor::from_vec(first, [n]));
        (values, Tensor::from_vec(which, self.to_shape()), Tensor::from_vec(counts, [n]))
    }

    /// The length of the lines along an axis.
    #[track_caller]
    fn line_length(&self, op: &str, axis: isize) -> usize {
        let axis = normalise_axis(op, axis, self.rank().max(1));
        self.shape().get(axis).copied().unwrap_or(1)
    }

    #[track_caller]
    fn ranked(&self, op: &str, axis: isize, len: usize, descending: bool) -> Tensor {
        line::along(op, self, axis, len, if descending { &line::largest } else { &line::smallest })
    }

    #[track_caller]
    fn picked(&self, op: &str, axis: isize, by: &(dyn Fn(line::Line) -> i64 + Sync)) -> Tensor {
        let n = self.line_length(op, axis);
        assert!(n > 0, "{op}: axis {axis} of shape {} has no elements", self.layout.shape);
        line::along(op, self, axis, 1, &|line, out| out[0] = by(line))
    }
}
