//! Transposed copies.
//!
//! Tiles of one cache line by as many rows read whole lines and write whole ones, so that nothing has to stay in cache in between: rows that lie a power
//! of two apart would push each other out. Where the CPU has vectors, a tile is transposed in registers.

use super::dispatch::array;
use super::parallel::chunks_mut;
use crate::layout::Axis;

/// Side of the portable tiles: 16 numbers of four bytes are one cache line.
pub(super) const TILE: usize = 16;
/// Rows of the result that are written together: whole lines of as many columns of the source's pages.
const BAND: usize = 64;
/// A result of so many bytes goes to memory past the caches, which it would fill without staying in them.
const STREAMED: usize = 8 << 20;

/// The matrix to be written, in a slice whose rows start `pitch` apart.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) pitch: usize,
}

/// Copies matrices whose columns are dense.
pub(super) fn transpose_batch<T: Copy + Send + Sync>(
    data: &[T],
    batch: &[Axis],
    offset: usize,
    (rows, columns, stride): (usize, usize, isize),
    out: &mut [T],
) {
    let streamed = size_of_val(out) >= STREAMED;
    for (b, matrix) in out.chunks_mut(rows * columns).enumerate() {
        let from = super::blocks::position(batch, offset, b);
        chunks_mut(matrix, BAND * columns, |i, band| {
            let size = Size { rows: band.len() / columns, columns, pitch: columns };
            transpose(data, from + (i * BAND) as isize, stride, band, size, streamed);
        });
    }
}

/// Copies to `out` a matrix whose columns are dense in `data`: the first is at `source`, and the others follow `stride` apart.
pub(super) fn transpose<T: Copy>(data: &[T], source: isize, stride: isize, out: &mut [T], size: Size, streamed: bool) {
    #[cfg(target_arch = "x86_64")]
    let done = registers::transpose(data, source, stride, out, size, streamed);
    #[cfg(not(target_arch = "x86_64"))]
    let done = {
        let _ = streamed;
        (0, 0)
    };
    let Size { rows, columns, pitch } = size;
    for row in (0..rows).step_by(TILE) {
        for column in (0..columns).step_by(TILE) {
            let (height, width) = (TILE.min(rows - row), TILE.min(columns - column));
            if row + height > done.0 || column + width > done.1 {
                let from = source + row as isize + column as isize * stride;
                transpose_tile(data, from, stride, &mut out[row * pitch + column..], pitch, (height, width));
            }
        }
    }
}

/// Copies `height` rows of `width` elements to `out`, rows of which start `pitch` apart, from columns that start `stride` apart.
fn transpose_tile<T: Copy>(
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
    let columns: [&[T; TILE]; TILE] = array(|j| column(j).first_chunk().expect("a tile's height"));
    for (i, row) in out.chunks_mut(pitch).take(TILE).enumerate() {
        let row = row.first_chunk_mut::<TILE>().expect("a tile's width");
        for (j, value) in row.iter_mut().enumerate() {
            *value = columns[j][i];
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod registers {
    use std::arch::x86_64::_mm_sfence;

    use super::{Size, TILE};
    use crate::kernel::vector::{Vector, widest};

    /// Copies what whole tiles make up, and says how many rows and columns that is.
    pub(super) fn transpose<T: Copy>(
        data: &[T],
        source: isize,
        stride: isize,
        out: &mut [T],
        Size { rows, columns, pitch }: Size,
        streamed: bool,
    ) -> (usize, usize) {
        let (rows, columns) = (rows / TILE * TILE, columns / TILE * TILE);
        if rows == 0 || columns == 0 || !matches!(size_of::<T>(), 4 | 8) {
            return (0, 0);
        }
        let last = source + (columns - 1) as isize * stride;
        let (low, high) = (source.min(last), source.max(last) as usize + rows);
        assert!(low >= 0 && high <= data.len() && (rows - 1) * pitch + columns <= out.len());
        let lines = |place: usize| place.is_multiple_of(64);
        let streamed = streamed && lines(out.as_ptr().addr()) && lines(pitch * size_of::<T>());
        let (from, to) = (data.as_ptr().wrapping_offset(source), out.as_mut_ptr());
        widest!(
            size_of::<T>(),
            V => {
                // SAFETY: the CPU has these vectors; all columns lie in `data` and all rows in `out`; lines of a streamed `out` are aligned. The bits
                // of any type may move as those of a float of its size, which nothing computes with.
                unsafe { tiles::<V>(from.cast(), stride, to.cast(), (rows, columns, pitch), streamed) }
            },
            without => return (0, 0)
        );
        (rows, columns)
    }

    /// # Safety
    /// For a CPU with these vectors. From `from`, `columns` columns of `rows` numbers start `stride` apart; at `to` there is room for `rows` rows of
    /// `columns` numbers, `pitch` apart. Both counts are multiples of [`TILE`]. If streamed, `to` and all rows are aligned to 64 bytes.
    unsafe fn tiles<V: Vector>(
        from: *const V::Element,
        stride: isize,
        to: *mut V::Element,
        (rows, columns, pitch): (usize, usize, usize),
        streamed: bool,
    ) {
        // The vectors of a line are written one after the other.
        let line = 64 / size_of::<V::Element>();
        let squares =
            (0..columns).step_by(line).flat_map(|line| (0..rows).step_by(V::LANES).map(move |row| (row, line)));
        // SAFETY: row and column are below the counts by a whole tile at least; the CPU is as the caller says.
        unsafe {
            V::enabled(
                #[inline(always)]
                || {
                    for (row, first) in squares {
                        for column in (first..first + line).step_by(V::LANES) {
                            let mut square = [V::zero(); 16];
                            for (j, line) in square[..V::LANES].iter_mut().enumerate() {
                                *line = V::load(from.wrapping_offset((column + j) as isize * stride).add(row));
                            }
                            V::transpose(&mut square);
                            for (i, line) in square[..V::LANES].iter().enumerate() {
                                let to = to.add((row + i) * pitch + column);
                                if streamed { line.stream(to) } else { line.store(to) }
                            }
                        }
                    }
                    if streamed {
                        _mm_sfence();
                    }
                },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{DType, Tensor};

    #[test]
    fn transposed_copies_have_the_elements_of_the_original() {
        // The last one is streamed.
        for (rows, columns) in [(16, 16), (17, 40), (100, 33), (64, 128), (2048, 1040)] {
            let n = (rows * columns) as f64;
            for dtype in [DType::F32, DType::F64, DType::I64, DType::F16] {
                let x = (Tensor::arange(0.0, n, 1.0, DType::F64) - 7.0).cast(dtype).reshape([rows, columns]);
                let wanted = x.to_f64_vec();
                for x in [x.clone(), x.flip(&[0]).contiguous().flip(&[0])] {
                    let y = x.t().contiguous().to_f64_vec();
                    let same = |(i, &y): (usize, &f64)| y == wanted[i % rows * columns + i / rows];
                    assert!(y.iter().enumerate().all(same), "{rows} {columns} {dtype}");
                }
            }
        }
    }
}
