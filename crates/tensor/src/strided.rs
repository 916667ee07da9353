//! Views with strides of their own: diagonals, and any walk over the elements.

use crate::layout::Walk;
use crate::shape::{Shape, normalise_axis};
use crate::tensor::Tensor;

impl Tensor {
    /// The elements at which position on axis `b` less position on axis `a` is `offset`, as a new last axis. Nothing is copied.
    ///
    /// Shape: `[…, n, …, m, …]` → `[…, k]` with the length k of the diagonal, 0 where it lies outside.
    ///
    /// # Panics
    /// When an axis does not exist or both are the same.
    ///
    /// ```
    /// let x = chainrule_tensor::tensor![[1., 2.], [3., 4.]];
    /// assert_eq!(x.diagonal(0, 0, 1).to_vec::<f32>(), [1., 4.]);
    /// assert_eq!(x.diagonal(-1, 0, 1).to_vec::<f32>(), [3.]);
    /// ```
    #[track_caller]
    pub fn diagonal(&self, offset: isize, a: isize, b: isize) -> Tensor {
        let rank = self.rank();
        let (a, b) = (normalise_axis("diagonal", a, rank), normalise_axis("diagonal", b, rank));
        assert!(a != b, "diagonal: axis {a} with itself (shape {})", self.layout.shape);
        let mut walk = self.layout.walk();
        let (from_a, from_b) = (offset.min(0).unsigned_abs(), offset.max(0).unsigned_abs());
        let left = |axis: usize, from: usize| walk.shape[axis].saturating_sub(from);
        let len = left(a, from_a).min(left(b, from_b));
        let stride = walk.strides[a] + walk.strides[b];
        if len > 0 {
            let skip = from_a as isize * walk.strides[a] + from_b as isize * walk.strides[b];
            walk.offset = (walk.offset as isize + skip) as usize;
        }
        for axis in [a.max(b), a.min(b)] {
            walk.shape.remove(axis);
            walk.strides.remove(axis);
        }
        walk.shape.push(len);
        walk.strides.push(stride);
        self.with_layout(walk)
    }

    /// The elements, in row-major order, walked from position `offset` in steps of one's own: element `i, j, …` of the result is
    /// number `offset + i·strides[0] + j·strides[1] + …`. Copies only a tensor that is not dense.
    ///
    /// # Panics
    /// When there is not one stride per axis, or the walk leaves the elements.
    ///
    /// ```
    /// let x = chainrule_tensor::tensor![1., 2., 3., 4.];
    /// assert_eq!(x.as_strided([2, 2], &[1, 2], 0).to_vec::<f32>(), [1., 3., 2., 4.]);
    /// ```
    #[track_caller]
    pub fn as_strided(&self, shape: impl Into<Shape>, strides: &[isize], offset: usize) -> Tensor {
        let shape = shape.into();
        assert!(
            strides.len() == shape.len(),
            "as_strided: {} strides for the {} axes of {shape}",
            strides.len(),
            shape.len()
        );
        let dense = self.contiguous();
        if shape.count() == 0 {
            return dense.with_layout(Walk { shape, strides: strides.into(), offset: dense.layout.offset });
        }
        let ends = shape.iter().zip(strides).try_fold((offset, offset), |(low, high), (&n, &stride)| {
            let reach = stride.checked_mul(n as isize - 1)?;
            Some((low.checked_add_signed(reach.min(0))?, high.checked_add_signed(reach.max(0))?))
        });
        assert!(
            ends.is_some_and(|(_, high)| high < self.len()),
            "as_strided: {shape} in steps of {strides:?} from {offset} on leaves the {} elements of {}",
            self.len(),
            self.layout.shape
        );
        dense.with_layout(Walk { shape, strides: strides.into(), offset: dense.layout.offset + offset })
    }
}
