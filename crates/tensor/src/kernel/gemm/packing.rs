//! Copies of operands, to where tiles read them best.

use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

use super::tiles::{DEPTH, Matrix};
use crate::kernel::vector::Vector;

/// Copies `n` columns of `b` to a dense panel of two vectors' width, what is beyond them being unspecified. Those that come next are
/// asked for from memory.
#[inline(always)]
pub(in crate::kernel) unsafe fn pack<V: Vector>(
    (k, n): (usize, usize),
    b: Matrix<V::Element>,
    next: Matrix<V::Element>,
    panel: *mut V::Element,
) {
    let width = 2 * V::LANES;
    // SAFETY: the caller's: `b` has k rows and n columns, the panel room for k·width numbers, and no more is read.
    unsafe {
        if b.columns != 1 && b.rows != 1 {
            for (p, j) in (0..k).flat_map(|p| (0..n).map(move |j| (p, j))) {
                panel.add(p * width + j).copy_from_nonoverlapping(b.element(p, j), 1);
            }
            return;
        }
        if b.columns == 1 {
            let second = n.saturating_sub(V::LANES);
            for p in 0..k {
                let (from, to) = (b.element(p, 0), panel.add(p * width));
                _mm_prefetch::<_MM_HINT_T1>(next.element(p, 0).cast());
                if n == width {
                    V::load(from).store(to);
                    V::load(from.add(V::LANES)).store(to.add(V::LANES));
                } else {
                    V::load_first(n, from).store(to);
                    V::load_first(second, from.wrapping_add(V::LANES)).store(to.add(V::LANES));
                }
            }
            return;
        }
        for j in (0..width).step_by(V::LANES) {
            let here = n.saturating_sub(j).min(V::LANES);
            for p in (0..k).step_by(V::LANES) {
                let depth = (k - p).min(V::LANES);
                let mut square = [V::zero(); 16];
                for (i, row) in square[..here].iter_mut().enumerate() {
                    let from = b.element(p, j + i);
                    *row = if depth == V::LANES { V::load(from) } else { V::load_first(depth, from) };
                    _mm_prefetch::<_MM_HINT_T1>(next.element(p, j + i).cast());
                }
                V::transpose(&mut square);
                for (i, row) in square[..depth].iter().enumerate() {
                    row.store(panel.add((p + i) * width + j));
                }
            }
        }
    }
}

/// How many columns ahead memory is asked for: they lie too far apart for the processor to foresee them.
const AHEAD: usize = 4;

/// Copies dense rows of `a` to where they do not collide.
#[inline(always)]
pub(super) unsafe fn gather_rows<V: Vector>(
    (rows, k): (usize, usize),
    a: Matrix<V::Element>,
    to: *mut V::Element,
) -> Matrix<V::Element> {
    let apart = DEPTH + 16;
    for i in 0..rows {
        // SAFETY: the caller's: `a` has this many rows and columns, and there is room for rows·(DEPTH + 16) numbers.
        unsafe { to.add(i * apart).copy_from_nonoverlapping(a.element(i, 0), k) };
    }
    Matrix { at: to, rows: apart as isize, columns: 1 }
}

/// Copies rows of `a` as the columns of tiles, of nearly equal heights. A column of `a` is read for all tiles at once, since the next may lie in another page of
/// memory; tiles are a line more than their size apart, so that they do not fall into the same sets of the cache.
#[inline(always)]
pub(super) unsafe fn gather_columns<V: Vector>(
    (m, k): (usize, usize),
    a: Matrix<V::Element>,
    tiles: &mut [Matrix<V::Element>],
    to: *mut V::Element,
) {
    // The first tiles have a row more than the others.
    let (low, higher) = (m / tiles.len(), m % tiles.len());
    let apart = (low + 1) * k + 16;
    for (tile, part) in tiles.iter_mut().enumerate() {
        let rows = low + usize::from(tile < higher);
        *part = Matrix { at: to.wrapping_add(tile * apart), rows: 1, columns: rows as isize };
    }
    for p in 0..k {
        if a.rows == 1 {
            for i in (0..m).step_by(64 / size_of::<V::Element>()) {
                // SAFETY: a hint, whatever the address.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(a.element(i, p + AHEAD).cast()) };
            }
        }
        let mut start = 0;
        for (rows, tiles) in [(low + 1, 0..higher), (low, higher..tiles.len())] {
            for tile in tiles {
                // SAFETY: the caller's: `a` has this many rows and columns, and there is room for so many numbers a tile.
                unsafe {
                    let column = to.add(tile * apart + p * rows);
                    if a.rows != 1 {
                        (0..rows).for_each(|i| column.add(i).copy_from_nonoverlapping(a.element(start + i, p), 1));
                    } else {
                        // What is written beyond the column gives way to the next one.
                        for i in (0..rows).step_by(V::LANES) {
                            let (from, left) = (a.element(start + i, p), m - start - i);
                            if left >= V::LANES { V::load(from) } else { V::load_first(left, from) }
                                .store(column.add(i));
                        }
                    }
                }
                start += rows;
            }
        }
    }
}
