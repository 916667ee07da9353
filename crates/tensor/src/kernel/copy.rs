//! Copies: strided to dense, joins, and conversions between element types.

use super::blocks::{Reader, gather};
use super::parallel::{SMALL, chunks_mut};
use crate::dtype::{DType, Element, each_dtype};
use crate::layout::Axis;
use crate::tensor::Tensor;

/// Side of the tiles in which a transposed matrix is copied: 16 numbers of four bytes are one cache line.
const TILE: usize = 16;
/// Side of the squares of tiles.
const SQUARE: usize = 64;

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

/// Copies matrices whose columns are dense.
///
/// Tiles of 16 × 16 read whole cache lines and write whole ones, so that nothing has to stay in cache in between: rows that lie a power of two apart
/// would push each other out. Tiles follow each other within squares, whose pages the processor can keep in mind all at once.
fn transpose_batch<T: Element>(
    data: &[T],
    batch: &[Axis],
    offset: usize,
    (rows, columns, stride): (usize, usize, isize),
    out: &mut [T],
) {
    for (b, matrix) in out.chunks_mut(rows * columns).enumerate() {
        let from = super::blocks::position(batch, offset, b);
        chunks_mut(matrix, SQUARE * columns, |i, band| {
            let height = band.len() / columns;
            for square in (0..columns).step_by(SQUARE) {
                for row in (0..height).step_by(TILE) {
                    for column in (square..columns.min(square + SQUARE)).step_by(TILE) {
                        let source = from + (i * SQUARE + row) as isize + column as isize * stride;
                        let size = (TILE.min(height - row), TILE.min(columns - column));
                        transpose_tile(data, source, stride, &mut band[row * columns + column..], columns, size);
                    }
                }
            }
        });
    }
}

/// Copies `height` rows of `width` elements to `out`, rows of which start `pitch` apart, from columns that start `stride` apart.
fn transpose_tile<T: Element>(
    data: &[T],
    source: isize,
    stride: isize,
    out: &mut [T],
    pitch: usize,
    (height, width): (usize, usize),
) {
    let column = |j: usize| &data[(source + j as isize * stride) as usize..][..height];
    if (height, width) != (TILE, TILE) {
        for j in 0..width {
            for (i, &value) in column(j).iter().enumerate() {
                out[i * pitch + j] = value;
            }
        }
        return;
    }
    let columns: [&[T; TILE]; TILE] = std::array::from_fn(|j| column(j).first_chunk().expect("a tile's height"));
    for (i, row) in out.chunks_mut(pitch).take(TILE).enumerate() {
        let row = row.first_chunk_mut::<TILE>().expect("a tile's width");
        for (value, column) in row.iter_mut().zip(columns) {
            *value = column[i];
        }
    }
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
