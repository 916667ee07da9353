//! Matrix products of tensors: the last two axes are matrices, all before them a batch that broadcasts.

use crate::dtype::{DType, Number, each_number};
use crate::kernel::gemm::{Strided, gemm};
use crate::kernel::parallel::{SMALL, chunks_mut};
use crate::layout::Layout;
use crate::shape::{Shape, broadcast_shapes};
use crate::tensor::Tensor;

impl Tensor {
    /// The matrix product of the last two axes, for each member of the batch that all other axes form by broadcasting.
    ///
    /// Shapes: `[…, m, k]` and `[…, k, n]` → `[…, m, n]`.
    ///
    /// # Panics
    /// When there are fewer than two axes, the inner lengths or the types differ, or the batches do not broadcast.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let x = tensor![[1., 2.], [3., 4.]];
    /// assert_eq!(x.matmul(&tensor![[1.], [10.]]).to_vec::<f32>(), [21., 43.]);
    /// ```
    #[track_caller]
    pub fn matmul(&self, b: &Tensor) -> Tensor {
        let shape = product_shape(self, b);
        let rank = shape.len();
        let (m, n, k) = (shape[rank - 2], shape[rank - 1], self.size(-1));
        let batch = Shape::from(&shape[..rank - 2]);
        let matrices = |x: &Tensor| {
            let full: Shape = batch.iter().chain(&x.shape()[x.rank() - 2..]).copied().collect();
            x.layout.expanded(&full)
        };
        let (a, c) = (matrices(self), matrices(b));
        each_number!("matmul", self, T => {
            let (x, y) = (self.storage.slice::<T>(), b.storage.slice::<T>());
            Tensor::build::<T>(shape, |out| {
                if out.is_empty() {
                    return;
                }
                let together = (SMALL / (m * n * k.max(1))).max(1);
                let product = |i: usize, out: &mut [T]| {
                    gemm((m, k, n), matrix(x, &a, i), matrix(y, &c, i), T::ZERO, out);
                };
                if batch.count() == 1 {
                    return product(0, out);
                }
                chunks_mut(out, together * m * n, |chunk, out| {
                    for (i, out) in out.chunks_mut(m * n).enumerate() {
                        product(chunk * together + i, out);
                    }
                });
            })
        }, half => self.cast(DType::F32).matmul(&b.cast(DType::F32)).cast(self.dtype()))
    }
}

/// The `i`-th matrix of a batch.
pub(crate) fn matrix<'a, T>(data: &'a [T], layout: &Layout, mut i: usize) -> Strided<'a, T> {
    let (rank, strides) = (layout.shape.len(), layout.strides());
    let mut offset = layout.offset as isize;
    for axis in (0..rank - 2).rev() {
        offset += (i % layout.shape[axis]) as isize * strides[axis];
        i /= layout.shape[axis];
    }
    Strided { data, offset: offset as usize, rows: strides[rank - 2], columns: strides[rank - 1] }
}

#[track_caller]
fn product_shape(a: &Tensor, b: &Tensor) -> Shape {
    let (x, y) = (a.to_shape(), b.to_shape());
    if x.len() < 2 || y.len() < 2 {
        panic!("matmul: both operands need two axes: {x} × {y}; give a vector one with .unsqueeze(0) or .unsqueeze(1)");
    }
    let (k, l) = (x[x.len() - 1], y[y.len() - 2]);
    if k != l {
        let remedy = if k == y[y.len() - 1] {
            "; did you mean b.t()?"
        } else if x[x.len() - 2] == l {
            "; did you mean a.t()?"
        } else {
            ""
        };
        panic!("matmul: inner dimensions differ: {x} × {y} ({k} ≠ {l}){remedy}");
    }
    assert!(
        a.dtype() == b.dtype(),
        "matmul: element types differ: {} {x} × {} {y}; convert one with .cast(DType::{:?})",
        a.dtype(),
        b.dtype(),
        a.dtype()
    );
    let Some(mut shape) = broadcast_shapes(&x[..x.len() - 2], &y[..y.len() - 2]) else {
        panic!("matmul: batch dimensions do not broadcast: {x} × {y}");
    };
    shape.push(x[x.len() - 2]);
    shape.push(y[y.len() - 1]);
    shape
}
