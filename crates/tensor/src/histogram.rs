//! Counting: how often each integer occurs, and how many numbers fall into each of some intervals.

use crate::dtype::DType;
use crate::tensor::Tensor;

impl Tensor {
    /// How often each of 0, 1, 2, … occurs, up to the largest, but at least `minimum` counts.
    ///
    /// Shapes: any → `[max(largest + 1, minimum)]`.
    ///
    /// # Panics
    /// When the elements are not `i64`, or one is negative.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![1, 3, 1].bincount(0).to_vec::<i64>(), [0, 2, 0, 1]);
    /// ```
    #[track_caller]
    pub fn bincount(&self, minimum: usize) -> Tensor {
        self.bincount_weighted(&Tensor::ones(self.shape(), DType::I64), minimum)
    }

    /// As [`bincount`](Tensor::bincount), where every element counts as its weight.
    ///
    /// # Panics
    /// When the elements are not `i64`, one is negative, or the weights have another shape.
    #[track_caller]
    pub fn bincount_weighted(&self, weights: &Tensor, minimum: usize) -> Tensor {
        assert!(
            self.dtype() == DType::I64,
            "bincount: counts integers, got {} of shape {}; convert it with .cast(DType::I64)",
            self.dtype(),
            self.layout.shape
        );
        assert!(
            weights.shape() == self.shape(),
            "bincount: numbers of shape {} and weights of shape {}",
            self.layout.shape,
            weights.layout.shape
        );
        let at = self.to_vec::<i64>();
        if let Some(negative) = at.iter().find(|&&i| i < 0) {
            panic!("bincount: {negative} is negative");
        }
        let bins = at.iter().map(|&i| i as usize + 1).fold(minimum, usize::max);
        let n = self.len();
        Tensor::zeros([bins], weights.dtype()).index_add(0, &self.reshape([n]), &weights.reshape([n]))
    }

    /// How many numbers fall into each of `bins` intervals of equal length between `low` and `high`, in this tensor's type. The last one
    /// contains `high`. Where `low` equals `high`, the smallest and largest number take their place.
    ///
    /// Shapes: any → `[bins]`.
    ///
    /// # Panics
    /// When the elements are not real, `bins` is 0, or the limits are not finite or in the wrong order.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![0., 1., 1.5, 2., 9.].histc(2, 0., 2.).to_vec::<f32>(), [1., 3.]);
    /// ```
    #[track_caller]
    pub fn histc(&self, bins: usize, low: f64, high: f64) -> Tensor {
        assert!(self.dtype().is_float(), "histc: needs real numbers, got {}; convert it with .cast", self.dtype());
        assert!(bins > 0, "histc: there must be at least one bin");
        let x = self.to_f64_vec();
        let (mut low, mut high) = (low, high);
        if low == high && !x.is_empty() {
            (low, high) = (self.min(&[], false).item(), self.max(&[], false).item());
        }
        if low == high {
            (low, high) = (low - 1.0, high + 1.0);
        }
        assert!(low.is_finite() && high.is_finite() && low < high, "histc: no intervals between {low} and {high}");
        let mut counts = vec![0.0; bins];
        for x in x.into_iter().filter(|x| (low..=high).contains(x)) {
            let bin = ((x - low) / (high - low) * bins as f64) as usize;
            counts[bin.min(bins - 1)] += 1.0;
        }
        Tensor::from_vec(counts, [bins]).cast(self.dtype())
    }
}
