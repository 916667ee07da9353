//! Copies of operands, to where tiles read them best.

use super::tiles::{DEPTH, Matrix};
use crate::kernel::vector::Vector;

/// Copies `n` columns of `b` to a dense panel of two vectors' width, what is beyond them being unspecified.
#[inline(always)]
pub(in crate::kernel) unsafe fn pack<V: Vector>((k, n): (usize, usize), b: Matrix<V::Element>, panel: *mut V::Element) {
    let width = 2 * V::LANES;
    // SAFETY: the caller's: `b` has k rows and n columns, the panel room for k·width numbers, and no more is read.
    unsafe {
        if b.columns != 1 && b.rows != 1 {
            for (p, j) in (0..k).flat_map(|p| (0..n).map(move |j| (p, j))) {
                panel.add(p * width + j).copy_from_nonoverlapping(b.element(p, j), 1);
            }
            return;
        }
        for j in (0..width).step_by(V::LANES) {
            let here = n.saturating_sub(j).min(V::LANES);
            if b.columns == 1 {
                for p in 0..k {
                    let (from, to) = (b.element(p, j), panel.add(p * width + j));
                    if here == V::LANES { V::load(from).store(to) } else { V::load_first(here, from).store(to) }
                }
                continue;
            }
            for p in (0..k).step_by(V::LANES) {
                let depth = (k - p).min(V::LANES);
                let mut square = [V::zero(); 16];
                for (i, row) in square[..here].iter_mut().enumerate() {
                    *row = V::load_first(depth, b.element(p, j + i));
                }
                V::transpose(&mut square);
                for (i, row) in square[..depth].iter().enumerate() {
                    row.store(panel.add((p + i) * width + j));
                }
            }
        }
    }
}

/// Copies rows of `a` to where they do not collide: as rows if its rows are dense, else as the columns of a tile.
#[inline(always)]
pub(super) unsafe fn gather<V: Vector>(
    (rows, k): (usize, usize),
    a: Matrix<V::Element>,
    to: *mut V::Element,
) -> Matrix<V::Element> {
    // SAFETY: the caller's: `a` has this many rows and columns, and there is room for rows·(DEPTH + 16) numbers.
    unsafe {
        if a.columns == 1 {
            let apart = DEPTH + 16;
            for i in 0..rows {
                to.add(i * apart).copy_from_nonoverlapping(a.element(i, 0), k);
            }
            return Matrix { at: to, rows: apart as isize, columns: 1 };
        }
        for p in 0..k {
            let column = to.add(p * rows);
            if a.rows != 1 {
                (0..rows).for_each(|i| column.add(i).copy_from_nonoverlapping(a.element(i, p), 1));
                continue;
            }
            // What is written beyond the column gives way to the next one.
            for i in (0..rows).step_by(V::LANES) {
                V::load_first(rows - i, a.element(i, p)).store(column.add(i));
            }
        }
        Matrix { at: to, rows: 1, columns: rows as isize }
    }
}
