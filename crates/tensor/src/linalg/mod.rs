//! Linear algebra: factorisations of the last two axes, for every matrix of a batch.
//!
//! Computed in `f64` whatever the type of the elements: the code exists once, and an `f32` result is exact to rounding.

mod cholesky;
mod dense;
mod eigen;
mod error;
mod lu;
mod qr;
mod svd;
mod triangular;

pub use error::LinalgError;
pub use lu::Lu;
pub use svd::Svd;

use std::sync::{Mutex, PoisonError};

use crate::dtype::DType;
use crate::kernel::parallel::{SMALL, chunks_mut};
use crate::shape::{Shape, broadcast_shapes};
use crate::tensor::Tensor;

/// The rows and columns of each matrix.
///
/// # Panics
/// When there are fewer than two axes or the elements are not real.
#[track_caller]
fn sizes(op: &str, x: &Tensor) -> [usize; 2] {
    let rank = x.rank();
    assert!(rank >= 2, "{op}: needs a matrix, or a batch of them in the last two axes; got shape {}", x.to_shape());
    assert!(
        x.dtype().is_float(),
        "{op}: needs real numbers, got {} of shape {}; convert it with .cast(DType::F32)",
        x.dtype(),
        x.to_shape()
    );
    [x.shape()[rank - 2], x.shape()[rank - 1]]
}

/// The order of each matrix, which must be square.
#[track_caller]
fn square(op: &str, x: &Tensor) -> usize {
    let [m, n] = sizes(op, x);
    assert!(m == n, "{op}: needs square matrices, got shape {}", x.to_shape());
    n
}

/// The batch that two operands form by broadcasting.
#[track_caller]
fn batch_of(op: &str, a: &Tensor, b: &Tensor) -> Shape {
    assert!(
        a.dtype() == b.dtype(),
        "{op}: element types differ: {} {} and {} {}; convert one with .cast(DType::{:?})",
        a.dtype(),
        a.to_shape(),
        b.dtype(),
        b.to_shape(),
        a.dtype()
    );
    match broadcast_shapes(&a.shape()[..a.rank() - 2], &b.shape()[..b.rank() - 2]) {
        Some(batch) => batch,
        None => panic!("{op}: batch dimensions do not broadcast: {} and {}", a.to_shape(), b.to_shape()),
    }
}

/// What was wrong with the first bad matrix of a batch: its number, and what the factorisation said.
type Trouble = (usize, usize);

/// One matrix of `each` rows and columns, in `f64`, for every member of the batch, from the matrices of the operands there. `f` may refuse
/// a matrix with a number; the first refusal is the answer.
#[track_caller]
fn batched<const N: usize>(
    operands: [&Tensor; N],
    batch: &[usize],
    each: [usize; 2],
    f: impl Fn([&[f64]; N], &mut [f64]) -> Result<(), usize> + Send + Sync,
) -> Result<Tensor, Trouble> {
    let dense = operands.map(|x| {
        let matrix = &x.shape()[x.rank() - 2..];
        let whole: Shape = batch.iter().chain(matrix).copied().collect();
        x.cast(DType::F64).broadcast_to(whole).contiguous()
    });
    let sizes = operands.map(|x| x.shape()[x.rank() - 2..].iter().product::<usize>());
    let matrices = std::array::from_fn::<&[f64], N, _>(|k| dense[k].as_slice().expect("contiguous() is dense"));
    let size = each[0] * each[1];
    let work = sizes.iter().sum::<usize>() * each[0].max(each[1]);
    let together = (SMALL / work.max(1)).max(1);
    let first: Mutex<Option<Trouble>> = Mutex::new(None);
    let shape: Shape = batch.iter().chain(&each).copied().collect();
    let result = Tensor::build::<f64>(shape, |out| {
        chunks_mut(out, together * size, |chunk, out| {
            for (i, out) in out.chunks_mut(size).enumerate() {
                let i = chunk * together + i;
                if let Err(what) = f(std::array::from_fn(|k| &matrices[k][i * sizes[k]..][..sizes[k]]), out) {
                    let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                    if first.is_none_or(|(earlier, _)| i < earlier) {
                        *first = Some((i, what));
                    }
                }
            }
        });
    });
    match first.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(trouble) => Err(trouble),
        None => Ok(result),
    }
}

/// As [`batched`], for one operand that is never refused, and a result of its own type.
#[track_caller]
fn each_matrix(x: &Tensor, each: [usize; 2], f: impl Fn(&[f64], &mut [f64]) + Send + Sync) -> Tensor {
    let batch = &x.shape()[..x.rank() - 2];
    let result = batched([x], batch, each, |[x], out| {
        f(x, out);
        Ok(())
    });
    result.expect("f refuses nothing").cast(x.dtype())
}
