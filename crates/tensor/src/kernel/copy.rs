//! Copies: strided to dense, joins, and conversions between element types.

use super::blocks::{Reader, gather};
use super::parallel::{SMALL, chunks_mut};
use super::transposition::{TILE, transpose_batch};
use crate::dtype::{DType, Element, each_dtype};
use crate::tensor::Tensor;

/// A dense row-major copy.
#[track_caller]
pub(crate) fn copy_strided(x: &Tensor) -> Tensor {
    each_dtype!(x.dtype(), T => copy_typed::<T>(x))
}

#[track_caller]
fn copy_typed<T: Element>(x: &Tensor) -> Tensor {
    let data = x.storage.slice::<T>();
    Tensor::build::<T>(x.to_shape(), |out| {
        if out.is_empty() {
            return;
        }
        if x.is_contiguous() {
            return out.copy_from_slice(&data[x.layout.offset..][..out.len()]);
        }
        let axes = x.layout.coalesced();
        if let [batch @ .., (rows, 1), (columns, stride)] = &axes[..]
            && let (rows, columns, stride) = (*rows, *columns, *stride)
            && stride != 1
            && rows >= TILE
            && columns >= TILE
        {
            return transpose_batch(data, batch, x.layout.offset, (rows, columns, stride), out);
        }
        chunks_mut(out, SMALL, |i, chunk| gather(data, &axes, x.layout.offset, i * SMALL, chunk));
    })
}

/// Converts the elements.
#[track_caller]
pub(crate) fn convert(x: &Tensor, dtype: DType) -> Tensor {
    each_dtype!(x.dtype(), A => each_dtype!(dtype, B => convert_typed::<A, B>(x)))
}

#[track_caller]
fn convert_typed<A: Element, B: Element>(x: &Tensor) -> Tensor {
    let reader = Reader::<A>::new(x, &x.layout);
    Tensor::build::<B>(x.to_shape(), |out| {
        chunks_mut(out, SMALL, |i, chunk| {
            let mut scratch = Vec::new();
            let block = reader.block(i * SMALL, chunk.len(), &mut scratch);
            for (o, &v) in chunk.iter_mut().zip(block) {
                *o = B::from_f64(v.to_f64());
            }
        });
    })
}

/// Writes `x` into rows of `out`: `x` is seen as `[outer, width]`, `out` as `[outer, total]`, and lands at column `at`.
#[track_caller]
pub(crate) fn write_columns<T: Element>(x: &Tensor, width: usize, out: &mut [T], total: usize, at: usize) {
    if width == 0 || out.is_empty() {
        return;
    }
    let dense = x.contiguous();
    let source = dense.as_slice::<T>().expect("contiguous() is dense");
    for (row, from) in out.chunks_mut(total).zip(source.chunks(width)) {
        row[at..at + width].copy_from_slice(from);
    }
}
