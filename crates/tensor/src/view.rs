//! Views: other ways to walk the same buffer. Nothing here copies, except `reshape` and `contiguous` where they must.

use std::ops::{Range, RangeFrom, RangeFull, RangeTo};

use crate::kernel::copy::copy_strided;
use crate::layout::Layout;
use crate::shape::{Shape, broadcast_shapes, normalise_axis};
use crate::tensor::Tensor;

/// What to keep of one axis: a range with a step. A negative step walks backwards from the range's last element.
///
/// ```
/// use chainrule_tensor::{s, tensor};
/// let x = tensor![0., 1., 2., 3., 4., 5.];
/// assert_eq!(x.slice(&[s(1..).step(2)]).to_vec::<f32>(), [1., 3., 5.]);
/// assert_eq!(x.slice(&[s(..4).step(-1)]).to_vec::<f32>(), [3., 2., 1., 0.]);
/// assert_eq!(x.slice(&[s(-2..)]).to_vec::<f32>(), [4., 5.]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    pub(crate) start: Option<isize>,
    pub(crate) end: Option<isize>,
    pub(crate) step: isize,
}

/// A [`Slice`] from a range; negative bounds count from the end, as in NumPy.
pub fn s(range: impl Into<Slice>) -> Slice {
    range.into()
}

impl Slice {
    /// Every `step`-th element; negative to walk backwards.
    ///
    /// # Panics
    /// When `step` is 0.
    #[track_caller]
    pub fn step(self, step: isize) -> Slice {
        assert!(step != 0, "slice: a step of 0 never ends");
        Slice { step, ..self }
    }

    /// First position and number of elements on an axis of length `n`; bounds beyond the axis are clamped, as in NumPy.
    pub fn resolve(self, n: usize) -> (usize, usize) {
        let clamp = |bound: isize| {
            let from_front = if bound < 0 { bound.saturating_add(n as isize) } else { bound };
            from_front.clamp(0, n as isize) as usize
        };
        let (start, end) = (clamp(self.start.unwrap_or(0)), clamp(self.end.unwrap_or(n as isize)));
        let count = end.saturating_sub(start).div_ceil(self.step.unsigned_abs());
        (if self.step < 0 && count > 0 { end - 1 } else { start }, count)
    }
}

impl From<Range<isize>> for Slice {
    fn from(r: Range<isize>) -> Self {
        Slice { start: Some(r.start), end: Some(r.end), step: 1 }
    }
}
impl From<RangeFrom<isize>> for Slice {
    fn from(r: RangeFrom<isize>) -> Self {
        Slice { start: Some(r.start), end: None, step: 1 }
    }
}
impl From<RangeTo<isize>> for Slice {
    fn from(r: RangeTo<isize>) -> Self {
        Slice { start: None, end: Some(r.end), step: 1 }
    }
}
impl From<RangeFull> for Slice {
    fn from(_: RangeFull) -> Self {
        Slice { start: None, end: None, step: 1 }
    }
}

impl Tensor {
    /// This tensor dense in memory: itself if it is, else a copy.
    #[track_caller]
    pub fn contiguous(&self) -> Tensor {
        if self.is_contiguous() { self.clone() } else { copy_strided(self) }
    }

    /// A dense copy in a buffer of its own.
    #[track_caller]
    pub fn deep_copy(&self) -> Tensor {
        copy_strided(self)
    }

    /// The same elements, in row-major order, in another shape. Copies only where strides cannot express it.
    ///
    /// # Panics
    /// When the number of elements differs.
    ///
    /// ```
    /// let x = chainrule_tensor::tensor![1., 2., 3., 4., 5., 6.];
    /// assert_eq!(x.reshape([2, 3]).shape(), [2, 3]);
    /// ```
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        assert!(
            shape.checked_count() == Some(self.len()),
            "reshape: {} has {} elements, {shape} has {}",
            self.layout.shape,
            self.len(),
            shape.checked_count().map_or("more than an address space".into(), |n| n.to_string())
        );
        match self.layout.reshaped(&shape) {
            Some(layout) => self.with_layout(layout),
            None => self.contiguous().with_layout(Layout::dense(shape)),
        }
    }

    /// The axes in another order: axis `i` of the result is axis `axes[i]` of this tensor.
    ///
    /// # Panics
    /// When `axes` is not a permutation of all axes.
    ///
    /// ```
    /// let x = chainrule_tensor::tensor![[[1., 2., 3.]]];
    /// assert_eq!(x.permute(&[2, 0, 1]).shape(), [3, 1, 1]);
    /// ```
    #[track_caller]
    pub fn permute(&self, axes: &[isize]) -> Tensor {
        let rank = self.rank();
        assert!(
            axes.len() == rank,
            "permute: {axes:?} names {} axes, shape {} has {rank}",
            axes.len(),
            self.layout.shape
        );
        let mut seen = vec![false; rank];
        let mut walk = self.layout.walk();
        let own = self.layout.strides();
        for (i, &axis) in axes.iter().enumerate() {
            let axis = normalise_axis("permute", axis, rank);
            assert!(!std::mem::replace(&mut seen[axis], true), "permute: axis {axis} is named twice in {axes:?}");
            walk.shape[i] = self.layout.shape[axis];
            walk.strides[i] = own[axis];
        }
        self.with_layout(walk)
    }

    /// Two axes exchanged.
    ///
    /// # Panics
    /// When one does not exist.
    #[track_caller]
    pub fn transpose(&self, a: isize, b: isize) -> Tensor {
        let (a, b) = (normalise_axis("transpose", a, self.rank()), normalise_axis("transpose", b, self.rank()));
        let mut walk = self.layout.walk();
        walk.shape.swap(a, b);
        walk.strides.swap(a, b);
        self.with_layout(walk)
    }

    /// The last two axes exchanged: the matrix transpose, of each matrix of a batch.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn t(&self) -> Tensor {
        assert!(self.rank() >= 2, "t: shape {} has fewer than two axes", self.layout.shape);
        self.transpose(-2, -1)
    }

    /// A part of each of the first axes; axes not named are kept whole.
    ///
    /// # Panics
    /// When there are more slices than axes.
    ///
    /// ```
    /// use chainrule_tensor::{s, tensor};
    /// let x = tensor![[1., 2., 3.], [4., 5., 6.]];
    /// assert_eq!(x.slice(&[s(..), s(..).step(-2)]).to_vec::<f32>(), [3., 1., 6., 4.]);
    /// ```
    #[track_caller]
    pub fn slice(&self, parts: &[Slice]) -> Tensor {
        assert!(
            parts.len() <= self.rank(),
            "slice: {} ranges for {} axes (shape {})",
            parts.len(),
            self.rank(),
            self.layout.shape
        );
        let mut walk = self.layout.walk();
        for (axis, part) in parts.iter().enumerate() {
            let (start, count) = part.resolve(self.shape()[axis]);
            if count > 0 {
                walk.offset = (walk.offset as isize + start as isize * walk.strides[axis]) as usize;
            }
            walk.shape[axis] = count;
            walk.strides[axis] *= part.step;
        }
        self.with_layout(walk)
    }

    /// `len` elements of one axis, from `start` on.
    ///
    /// # Panics
    /// When they do not all exist.
    #[track_caller]
    pub fn narrow(&self, axis: isize, start: usize, len: usize) -> Tensor {
        let axis = normalise_axis("narrow", axis, self.rank());
        let n = self.shape()[axis];
        assert!(
            start.checked_add(len).is_some_and(|end| end <= n),
            "narrow: {len} elements from {start} on leave axis {axis} of length {n} (shape {})",
            self.layout.shape
        );
        let mut walk = self.layout.walk();
        if len > 0 {
            walk.offset = (walk.offset as isize + start as isize * walk.strides[axis]) as usize;
        }
        walk.shape[axis] = len;
        self.with_layout(walk)
    }

    /// One position of an axis, which disappears. A negative index counts from the end.
    ///
    /// # Panics
    /// When the axis or the position does not exist.
    #[track_caller]
    pub fn select(&self, axis: isize, index: isize) -> Tensor {
        let axis = normalise_axis("select", axis, self.rank());
        let n = self.shape()[axis];
        let i = if index < 0 { index + n as isize } else { index };
        assert!(
            i >= 0 && i < n as isize,
            "select: index {index} is out of range for axis {axis} of length {n} (shape {})",
            self.layout.shape
        );
        let mut walk = self.layout.walk();
        walk.offset = (walk.offset as isize + i * walk.strides[axis]) as usize;
        walk.shape.remove(axis);
        walk.strides.remove(axis);
        self.with_layout(walk)
    }

    /// The named axes walked backwards.
    ///
    /// # Panics
    /// When one does not exist.
    #[track_caller]
    pub fn flip(&self, axes: &[isize]) -> Tensor {
        let mut walk = self.layout.walk();
        for &axis in axes {
            let axis = normalise_axis("flip", axis, self.rank());
            let n = walk.shape[axis];
            if n > 0 {
                walk.offset = (walk.offset as isize + (n as isize - 1) * walk.strides[axis]) as usize;
            }
            walk.strides[axis] = -walk.strides[axis];
        }
        self.with_layout(walk)
    }

    /// This tensor repeated, without copying, to fill `shape` by NumPy's broadcasting rule.
    ///
    /// # Panics
    /// When it does not fit.
    ///
    /// ```
    /// let x = chainrule_tensor::tensor![[1.], [2.]];
    /// assert_eq!(x.broadcast_to([2, 3]).to_vec::<f32>(), [1., 1., 1., 2., 2., 2.]);
    /// ```
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        assert!(
            broadcast_shapes(self.shape(), &shape).as_ref() == Some(&shape),
            "broadcast_to: {} does not broadcast to {shape}: each axis, counted from the last, must be equal or 1",
            self.layout.shape
        );
        self.with_layout(self.layout.expanded(&shape))
    }

    /// A new axis of length 1 before axis `axis` (up to and including the rank).
    ///
    /// # Panics
    /// When `axis` is out of range.
    #[track_caller]
    pub fn unsqueeze(&self, axis: isize) -> Tensor {
        let axis = normalise_axis("unsqueeze", axis, self.rank() + 1);
        let mut walk = self.layout.walk();
        walk.shape.insert(axis, 1);
        walk.strides.insert(axis, 0);
        self.with_layout(walk)
    }

    /// The tensor without those of the named axes that have length 1; without any of length 1 when none is named.
    ///
    /// # Panics
    /// When a named axis does not exist.
    #[track_caller]
    pub fn squeeze(&self, axes: &[isize]) -> Tensor {
        let rank = self.rank();
        let short = |axis: &usize| self.shape()[*axis] == 1;
        let mut named: Vec<usize> = (0..rank).filter(|axis| axes.is_empty() && short(axis)).collect();
        for &axis in axes {
            named.extend(Some(normalise_axis("squeeze", axis, rank)).filter(short));
        }
        let keep = |i: &usize| !named.contains(i);
        let mut walk = self.layout.walk();
        walk.strides = (0..rank).filter(keep).map(|i| walk.strides[i]).collect();
        walk.shape = walk.shape.reduced(&named, false);
        self.with_layout(walk)
    }

    /// Overlapping windows of `size` elements along an axis, `step` apart, as a new last axis. Nothing is copied.
    ///
    /// Shape: `[…, n, …]` → `[…, (n − size)/step + 1, …, size]`.
    ///
    /// # Panics
    /// When the axis does not exist, `step` is 0 or `size` exceeds the axis.
    ///
    /// ```
    /// let x = chainrule_tensor::tensor![1., 2., 3., 4.];
    /// assert_eq!(x.unfold(0, 2, 1).to_vec::<f32>(), [1., 2., 2., 3., 3., 4.]);
    /// ```
    #[track_caller]
    pub fn unfold(&self, axis: isize, size: usize, step: usize) -> Tensor {
        let axis = normalise_axis("unfold", axis, self.rank());
        let n = self.shape()[axis];
        assert!(step > 0, "unfold: a step of 0 never ends");
        assert!(size <= n, "unfold: windows of {size} do not fit axis {axis} of length {n}");
        let mut walk = self.layout.walk();
        let stride = walk.strides[axis];
        walk.shape[axis] = (n - size) / step + 1;
        walk.strides[axis] = stride * step as isize;
        walk.shape.push(size);
        walk.strides.push(stride);
        self.with_layout(walk)
    }
}
