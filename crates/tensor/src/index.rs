//! Picking and placing elements by integer positions, joins, and the adjoint of views.

use smallvec::SmallVec;

use crate::dtype::{DType, Element, Number, each_dtype, each_number};
use crate::kernel::copy::write_columns;
use crate::layout::Layout;
use crate::shape::{Shape, normalise_axis};
use crate::tensor::Tensor;

/// The lengths before, at and after an axis.
fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}

#[track_caller]
fn position(op: &str, index: i64, n: usize) -> usize {
    let from_front = if index < 0 { index + n as i64 } else { index };
    assert!(
        from_front >= 0 && from_front < n as i64,
        "{op}: index {index} is out of range for an axis of length {n} (allowed: -{n} to {})",
        n as i64 - 1
    );
    from_front as usize
}

/// The positions that `index` names on an axis of length `n`, counted from the front.
#[track_caller]
pub(crate) fn positions(op: &str, index: &Tensor, n: usize) -> Vec<usize> {
    let named = indices(op, index);
    let mut out = Vec::with_capacity(named.len());
    for i in named {
        out.push(position(op, i, n));
    }
    out
}

#[track_caller]
pub(crate) fn indices(op: &str, index: &Tensor) -> Vec<i64> {
    assert!(
        index.dtype() == DType::I64,
        "{op}: indices must be i64, got {} of shape {}; convert them with .cast(DType::I64)",
        index.dtype(),
        index.to_shape()
    );
    index.to_vec::<i64>()
}

impl Tensor {
    /// The slices of an axis at the positions in `index`, a tensor of any shape that replaces the axis.
    ///
    /// Shapes: `[a, n, b]` and `[i, j]` → `[a, i, j, b]`.
    ///
    /// # Panics
    /// When the axis or a position does not exist, or `index` is not `i64`.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let x = tensor![[1., 2.], [3., 4.], [5., 6.]];
    /// assert_eq!(x.index_select(0, &tensor![2, 0, 2]).to_vec::<f32>(), [5., 6., 1., 2., 5., 6.]);
    /// ```
    #[track_caller]
    pub fn index_select(&self, axis: isize, index: &Tensor) -> Tensor {
        let axis = normalise_axis("index_select", axis, self.rank());
        let (outer, n, inner) = around(self.shape(), axis);
        let picks = positions("index_select", index, n);
        let shape: Shape =
            self.shape()[..axis].iter().chain(index.shape()).chain(&self.shape()[axis + 1..]).copied().collect();
        let x = self.contiguous();
        each_dtype!(self.dtype(), T => {
            let x = x.as_slice::<T>().expect("contiguous() is dense");
            Tensor::build::<T>(shape, |out| {
                if out.is_empty() {
                    return;
                }
                let mut rows = out.chunks_mut(inner);
                for o in 0..outer {
                    for (&i, row) in picks.iter().zip(&mut rows) {
                        row.copy_from_slice(&x[(o * n + i) * inner..][..inner]);
                    }
                }
            })
        })
    }

    /// This tensor plus the slices of `source` added at the positions in `index`: the adjoint of
    /// [`index_select`](Tensor::index_select). Positions named twice receive both, in order.
    ///
    /// # Panics
    /// When a position does not exist, or shapes or types do not fit.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let x = tensor![0., 0.].index_add(0, &tensor![1, 1], &tensor![2., 3.]);
    /// assert_eq!(x.to_vec::<f32>(), [0., 5.]);
    /// ```
    #[track_caller]
    pub fn index_add(&self, axis: isize, index: &Tensor, source: &Tensor) -> Tensor {
        let axis = normalise_axis("index_add", axis, self.rank());
        let (outer, n, inner) = around(self.shape(), axis);
        let places = positions("index_add", index, n);
        let wanted: Shape =
            self.shape()[..axis].iter().chain(index.shape()).chain(&self.shape()[axis + 1..]).copied().collect();
        self.same_kind("index_add", source, &wanted);
        each_number!("index_add", self, T => {
            let source = source.contiguous();
            let source = source.as_slice::<T>().expect("contiguous() is dense");
            let mut sum = self.deep_copy();
            let out = sum.make_mut::<T>();
            for o in 0..outer {
                for (j, &i) in places.iter().enumerate() {
                    add(&mut out[(o * n + i) * inner..][..inner], &source[(o * places.len() + j) * inner..][..inner]);
                }
            }
            sum
        }, half => self.cast(DType::F32).index_add(axis as isize, index, &source.cast(DType::F32)).cast(self.dtype()))
    }

    /// One element of each line along an axis: `out[i][j] = x[index[i][j]][j]` for axis 0 of two.
    ///
    /// `index` has the rank of this tensor and its lengths on the other axes, at most.
    ///
    /// # Panics
    /// When ranks differ, an index is out of range or `index` is larger on another axis.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let x = tensor![[1., 2.], [3., 4.]];
    /// assert_eq!(x.gather(1, &tensor![[1], [0]]).to_vec::<f32>(), [2., 3.]);
    /// ```
    #[track_caller]
    pub fn gather(&self, axis: isize, index: &Tensor) -> Tensor {
        let (x, form) = self.lines("gather", axis, index);
        each_dtype!(self.dtype(), T => {
            let x = x.as_slice::<T>().expect("contiguous() is dense");
            Tensor::build::<T>(index.to_shape(), |out| form.each(|i, at| out[i] = x[at]))
        })
    }

    /// This tensor plus the elements of `source` added where [`gather`](Tensor::gather) with the same `index` would read. Positions
    /// named twice receive both, in order.
    ///
    /// # Panics
    /// As `gather`; and when the shapes of `index` and `source` or the types differ.
    #[track_caller]
    pub fn scatter_add(&self, axis: isize, index: &Tensor, source: &Tensor) -> Tensor {
        let (_, form) = self.lines("scatter_add", axis, index);
        self.same_kind("scatter_add", source, &index.to_shape());
        each_number!("scatter_add", self, T => {
            let source = source.contiguous();
            let source = source.as_slice::<T>().expect("contiguous() is dense");
            let mut sum = self.deep_copy();
            let out = sum.make_mut::<T>();
            form.each(|i, at| out[at] = out[at].plus(source[i]));
            sum
        }, half => self.cast(DType::F32).scatter_add(axis, index, &source.cast(DType::F32)).cast(self.dtype()))
    }

    #[track_caller]
    fn lines(&self, op: &str, axis: isize, index: &Tensor) -> (Tensor, Lines) {
        let axis = normalise_axis(op, axis, self.rank());
        assert!(
            index.rank() == self.rank(),
            "{op}: the index has {} axes, the tensor {} (shapes {} and {})",
            index.rank(),
            self.rank(),
            index.to_shape(),
            self.to_shape()
        );
        for (i, (&a, &b)) in index.shape().iter().zip(self.shape()).enumerate() {
            assert!(
                i == axis || a <= b,
                "{op}: the index is longer than the tensor on axis {i} ({a} > {b}; shapes {} and {})",
                index.to_shape(),
                self.to_shape()
            );
        }
        let n = self.shape()[axis];
        let picks = positions(op, index, n);
        let strides = Layout::dense(self.to_shape()).strides();
        (self.contiguous(), Lines { picks, axis, shape: index.to_shape(), strides })
    }

    #[track_caller]
    fn same_kind(&self, op: &str, source: &Tensor, shape: &Shape) {
        assert!(
            source.shape() == &shape[..],
            "{op}: the source has shape {}, the indices ask for {shape}",
            source.to_shape()
        );
        assert!(
            source.dtype() == self.dtype(),
            "{op}: element types differ: {} and {}; convert one with .cast",
            self.dtype(),
            source.dtype()
        );
    }

    /// For lines of positions below `n`: where each position is mentioned last, or the length of the line where it is not.
    ///
    /// Shape: `[…, count]` → `[…, n]`.
    ///
    /// # Panics
    /// When there are no axes, this is not `i64`, or a position does not exist.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![2, 0, 2].last_mentions(4).to_vec::<i64>(), [1, 3, 2, 3]);
    /// ```
    #[track_caller]
    pub fn last_mentions(&self, n: usize) -> Tensor {
        let mut shape = self.to_shape();
        let Some(length) = shape.last_mut() else { panic!("last_mentions: a tensor without axes has no line") };
        let count = std::mem::replace(length, n);
        let places = positions("last_mentions", self, n);
        Tensor::build::<i64>(shape, |out| {
            out.fill(count as i64);
            for (line, out) in out.chunks_mut(n.max(1)).enumerate() {
                places[line * count..][..count].iter().enumerate().for_each(|(i, &at)| out[at] = i as i64);
            }
        })
    }

    /// Rows of `classes` zeros with a one at each label, as a new last axis.
    ///
    /// # Panics
    /// When this is not `i64` or a label is not in `0 .. classes`.
    ///
    /// ```
    /// use chainrule_tensor::{tensor, DType};
    /// assert_eq!(tensor![1, 0].one_hot(3, DType::F32).to_vec::<f32>(), [0., 1., 0., 1., 0., 0.]);
    /// ```
    #[track_caller]
    pub fn one_hot(&self, classes: usize, dtype: DType) -> Tensor {
        let labels = indices("one_hot", self);
        for (i, &label) in labels.iter().enumerate() {
            assert!(
                label >= 0 && label < classes as i64,
                "one_hot: label {label} at position {i} is not one of the classes 0 to {}",
                classes as i64 - 1
            );
        }
        let mut shape = self.to_shape();
        shape.push(classes);
        each_dtype!(dtype, T => Tensor::build::<T>(shape, |out| {
            out.fill(T::from_f64(0.0));
            for (i, &label) in labels.iter().enumerate() {
                out[i * classes + label as usize] = T::from_f64(1.0);
            }
        }))
    }

    /// Tensors joined along an existing axis, on which alone they may differ in length.
    ///
    /// # Panics
    /// When there are none, or other axes or types differ.
    ///
    /// ```
    /// use chainrule_tensor::{tensor, Tensor};
    /// let x = Tensor::cat(&[&tensor![[1.], [2.]], &tensor![[3., 4.], [5., 6.]]], 1);
    /// assert_eq!(x.to_vec::<f32>(), [1., 3., 4., 2., 5., 6.]);
    /// ```
    #[track_caller]
    pub fn cat(parts: &[&Tensor], axis: isize) -> Tensor {
        let Some(first) = parts.first() else { panic!("cat: no tensors to join") };
        let axis = normalise_axis("cat", axis, first.rank());
        let mut shape = first.to_shape();
        shape[axis] = 0;
        for (i, part) in parts.iter().enumerate() {
            let fits = part.rank() == first.rank()
                && (0..first.rank()).all(|a| a == axis || part.shape()[a] == first.shape()[a]);
            assert!(
                fits,
                "cat: tensor {i} of shape {} does not fit {} along axis {axis}: all other axes must be equal",
                part.to_shape(),
                first.to_shape()
            );
            assert!(
                part.dtype() == first.dtype(),
                "cat: tensor {i} holds {}, tensor 0 holds {}; convert one with .cast",
                part.dtype(),
                first.dtype()
            );
            shape[axis] += part.shape()[axis];
        }
        let (_, total, inner) = around(&shape, axis);
        each_dtype!(first.dtype(), T => Tensor::build::<T>(shape, |out| {
            let mut at = 0;
            for part in parts {
                let width = part.shape()[axis] * inner;
                write_columns::<T>(part, width, out, total * inner, at);
                at += width;
            }
        }))
    }

    /// Tensors of one shape joined along a new axis.
    ///
    /// # Panics
    /// When there are none, or shapes or types differ.
    #[track_caller]
    pub fn stack(parts: &[&Tensor], axis: isize) -> Tensor {
        let parts: Vec<Tensor> = parts.iter().map(|part| part.unsqueeze(axis)).collect();
        Self::cat(&parts.iter().collect::<Vec<_>>(), axis)
    }

    /// Zeros of `shape`, to which this tensor's elements were added at the places where a tensor of that shape, seen through
    /// `view`, has them: the adjoint of any view. Places that the view shows twice receive both.
    ///
    /// # Panics
    /// When the view's shape is not this tensor's, or it leaves `shape`.
    ///
    /// ```
    /// use chainrule_tensor::{tensor, DType, Tensor};
    /// let base = Tensor::zeros([4], DType::F32).contiguous();
    /// let windows = base.unfold(0, 2, 1); // [3, 2]
    /// let back = Tensor::ones([3, 2], DType::F32).unview([4], windows.layout());
    /// assert_eq!(back.to_vec::<f32>(), [1., 2., 2., 1.]);
    /// ```
    #[track_caller]
    pub fn unview(&self, shape: impl Into<Shape>, view: &Layout) -> Tensor {
        let shape = shape.into();
        assert!(
            view.shape() == self.shape(),
            "unview: a view of shape {} and values of shape {}",
            view.shape,
            self.to_shape()
        );
        each_number!("unview", self, T => Tensor::build::<T>(shape, |out| {
            out.fill(T::ZERO);
            let values = self.contiguous();
            let values = values.as_slice::<T>().expect("contiguous() is dense");
            let axes = view.coalesced();
            let (run, stride) = axes.last().copied().unwrap_or((1, 1));
            let outer = &axes[..axes.len().saturating_sub(1)];
            for (row, values) in values.chunks(run.max(1)).enumerate() {
                let start = crate::kernel::blocks::position(outer, view.offset, row);
                match stride {
                    1 => add(&mut out[start as usize..][..run], values),
                    _ => values.iter().enumerate().for_each(|(i, &v)| {
                        let o = &mut out[(start + i as isize * stride) as usize];
                        *o = o.plus(v);
                    }),
                }
            }
        }), half => self.cast(DType::F32).unview(shape, view).cast(self.dtype()))
    }
}

fn add<T: Number>(to: &mut [T], from: &[T]) {
    to.iter_mut().zip(from).for_each(|(a, &b)| *a = a.plus(b));
}

/// Where `gather` reads: a position along one axis for every element of the index.
struct Lines {
    picks: Vec<usize>,
    axis: usize,
    shape: Shape,
    strides: SmallVec<[isize; 4]>,
}

impl Lines {
    /// Calls `f(i, at)` for the `i`-th element of the index, which reads position `at` of the dense tensor.
    fn each(&self, mut f: impl FnMut(usize, usize)) {
        let mut strides = self.strides.clone();
        let step = std::mem::replace(&mut strides[self.axis], 0);
        let axes: Vec<(usize, isize)> = self.shape.iter().copied().zip(strides).collect();
        for (i, &pick) in self.picks.iter().enumerate() {
            let base = crate::kernel::blocks::position(&axes, 0, i);
            f(i, (base + pick as isize * step) as usize);
        }
    }
}
