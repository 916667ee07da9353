//! Reductions of pieces of an axis that differ in length.

use chainrule_tensor::Tensor;

use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

/// What becomes of the elements of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Their sum; 0 of none.
    Sum,
    /// Their mean; NaN of none.
    Mean,
    /// The largest; −∞ of none.
    Max,
    /// The smallest; +∞ of none.
    Min,
    /// Their product; 1 of none.
    Prod,
}

impl Var {
    /// An axis cut into segments of these lengths, each reduced to one element.
    ///
    /// Shapes: `[…, Σ lengths, …]` → `[…, segments, …]`.
    ///
    /// # Panics
    /// When the axis does not exist, the lengths do not add up to it, or there are none.
    ///
    /// ```
    /// # use chainrule_autodiff::{Var, ops::segment::Segment};
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![1., 2., 3., 4.]);
    /// assert_eq!(x.segment_reduce(Segment::Sum, &[1, 0, 3], 0).value().to_vec::<f32>(), [1., 0., 9.]);
    /// ```
    #[track_caller]
    pub fn segment_reduce(&self, what: Segment, lengths: &[usize], axis: isize) -> Var {
        let (n, total) = (self.size(axis), lengths.iter().sum::<usize>());
        assert!(
            n == total && !lengths.is_empty(),
            "segment_reduce: {} segments of {total} elements in all for an axis of {n} (axis {axis} of shape {})",
            lengths.len(),
            self.to_shape()
        );
        let mut start = 0;
        let mut parts = Vec::with_capacity(lengths.len());
        for &len in lengths {
            let part = self.narrow(axis, start, len);
            let none = |x: f64| Var::constant(Tensor::full(part.value().sum(&[axis], true).shape(), x, self.dtype()));
            parts.push(match what {
                Segment::Sum => part.sum_axes(&[axis], true),
                Segment::Mean => part.mean_axes(&[axis], true),
                Segment::Max if len == 0 => none(f64::NEG_INFINITY),
                Segment::Min if len == 0 => none(f64::INFINITY),
                Segment::Max => part.amax(&[axis], true),
                Segment::Min => part.amin(&[axis], true),
                Segment::Prod => part.prod_axes(&[axis], true),
            });
            start += len;
        }
        Var::cat(&parts.iter().collect::<Vec<_>>(), axis)
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[Declaration::new(
    Family::Composite,
    "segment_reduce",
    "segment_reduce",
    "segments reduced",
    "of its parts",
    |d| {
        let mut shape = d.positive_shape();
        let axis = d.below(shape.len());
        let what = d.pick(&[Segment::Sum, Segment::Max, Segment::Min, Segment::Prod, Segment::Mean]);
        let least = usize::from(matches!(what, Segment::Mean | Segment::Max | Segment::Min));
        let lengths: Vec<usize> = (0..d.range(1, 3)).map(|_| d.range(least, 3)).collect();
        shape[axis] = lengths.iter().sum();
        let source = format!("x[0].segment_reduce(Segment::{what:?}, &{lengths:?}, {axis})");
        Sample::new([d.distinct(&shape)], source, move |x| x[0].segment_reduce(what, &lengths, axis as isize))
    },
)];
