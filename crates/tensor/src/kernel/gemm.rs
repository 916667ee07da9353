//! Matrix products, whole or in one band per thread: by our own kernel where the CPU has AVX2 or AVX-512, else by `matrixmultiply`.
//!
//! Each element is a sum over `k` in an order that the product's shape alone decides, wherever the bands begin: results do not depend on the number of
//! threads.

#[cfg(target_arch = "x86_64")]
mod dots;
#[cfg(target_arch = "x86_64")]
pub(super) mod packing;
#[cfg(target_arch = "x86_64")]
mod panels;
#[cfg(target_arch = "x86_64")]
pub(super) mod tiles;

use super::parallel::{Shared, bands, each};
use crate::dtype::{DType, Element, Number};

/// Multiplications that a band should at least contain, to be worth handing to a thread.
const WORK: usize = 1 << 19;

/// Rows, or columns, for each thread, from which on a part of them is kept back for whichever is done first.
const LONG: usize = 512;

/// Products with fewer rows than this, of operands whose terms lie side by side, are sums over vectors of terms.
const FEW: usize = 4;

/// A matrix somewhere in a slice: position of the first element, and the strides of rows and columns.
pub(crate) struct Strided<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) offset: usize,
    pub(crate) rows: isize,
    pub(crate) columns: isize,
}

impl<T> Clone for Strided<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Strided<'_, T> {}

impl<'a, T> Strided<'a, T> {
    /// The matrix whose rows of this width lie one after the other from the slice's start.
    pub(super) fn dense(data: &'a [T], width: usize) -> Self {
        Strided { data, offset: 0, rows: width as isize, columns: 1 }
    }

    pub(super) fn transposed(self) -> Self {
        Strided { rows: self.columns, columns: self.rows, ..self }
    }

    /// The part that begins at row `i` and column `j`.
    pub(super) fn from(self, i: usize, j: usize) -> Self {
        let offset = self.offset as isize + i as isize * self.rows + j as isize * self.columns;
        Strided { offset: offset as usize, ..self }
    }

    fn pointer(&self) -> *const T {
        self.data.as_ptr().wrapping_add(self.offset)
    }

    /// # Panics
    /// When an element of the `m × n` matrix lies outside the slice.
    fn check(&self, m: usize, n: usize) {
        let reach = |n: usize, stride: isize| (n as isize - 1) * stride;
        let ends = [(0, 0), (1, 0), (0, 1), (1, 1)]
            .map(|(i, j)| self.offset as isize + i * reach(m, self.rows) + j * reach(n, self.columns));
        assert!(ends.iter().all(|&p| p >= 0 && (p as usize) < self.data.len()), "a matrix leaves its buffer");
    }
}

/// `c ← a·b + beta·c` for row-major dense `c` (`m × n`), `a` (`m × k`) and `b` (`k × n`).
pub(crate) fn gemm<T: Number>(
    (m, k, n): (usize, usize, usize),
    a: Strided<'_, T>,
    b: Strided<'_, T>,
    beta: T,
    c: &mut [T],
) {
    assert_eq!(c.len(), m * n);
    gemm_within((m, k, n), a, b, beta, (c, n));
}

/// As [`gemm`], for a `c` that is part of a wider matrix: its rows are `width` apart, and the first begins with the slice.
///
/// # Panics
/// When `c` leaves the slice, or rows overlap.
pub(crate) fn gemm_within<T: Number>(
    (m, k, n): (usize, usize, usize),
    a: Strided<'_, T>,
    b: Strided<'_, T>,
    beta: T,
    (c, width): (&mut [T], usize),
) {
    if m == 0 || n == 0 {
        return;
    }
    assert!(width >= n && c.len() >= (m - 1) * width + n, "a result leaves its buffer");
    if k == 0 {
        let scaled = |c: &mut T| *c = if beta == T::ZERO { T::ZERO } else { beta.times(*c) };
        return c.chunks_mut(width).take(m).for_each(|row| row[..n].iter_mut().for_each(scaled));
    }
    a.check(m, k);
    b.check(k, n);
    let worthwhile = ((m * n).saturating_mul(k) / WORK).max(1);
    let few = is_few(m, &a, &b);
    let bands = if worthwhile > 1 { bands().min(worthwhile) } else { 1 };
    // The longer side is cut: each band reads all of the other.
    let across = n >= 32 * bands && n >= m;
    let (length, grain) = if across { (n, 32) } else { (m, 12) };
    let share = length.div_ceil(bands);
    // Some of a long side comes last, in short bands: threads are not equally fast.
    let short = if share >= LONG { (share / 4).next_multiple_of(grain) } else { 0 };
    let long = (share - short).next_multiple_of(grain);
    let start = |band: usize| (band.min(bands) * long + band.saturating_sub(bands) * short).min(length);
    let c = Shared(c.as_mut_ptr());
    each(if short > 0 { 2 * bands } else { bands }, &|band| {
        let (from, count) = (start(band), start(band + 1) - start(band));
        let ((i, j), size) = if across { ((0, from), (m, k, count)) } else { ((from, 0), (count, k, n)) };
        if count > 0 {
            // SAFETY: both operands were checked. Bands are different parts of `c`, which is borrowed until all are done.
            unsafe { part(few, size, a.from(i, 0), b.from(0, j), beta, (c.at(i * width + j), width)) }
        }
    });
}

/// Whether a product of `m` rows is best made of sums over vectors of terms.
fn is_few<T>(m: usize, a: &Strided<'_, T>, b: &Strided<'_, T>) -> bool {
    m < FEW && a.columns == 1 && b.rows == 1 && b.columns != 1
}

/// A part of a product, which if it is of `few` rows our own kernel makes in another way.
///
/// # Safety
/// Both operands have all their elements in their slices, and `c`, whose rows are `width` apart, is ours alone.
unsafe fn part<T: Number>(
    few: bool,
    (m, k, n): (usize, usize, usize),
    a: Strided<'_, T>,
    b: Strided<'_, T>,
    beta: T,
    (c, width): (*mut T, usize),
) {
    macro_rules! library {
        ($function:ident, $ty:ty) => {
            // SAFETY: `T` is `$ty`, as the match on its `DTYPE` found, so the casts change nothing. All else is the caller's.
            unsafe {
                matrixmultiply::$function(
                    m,
                    k,
                    n,
                    1.0,
                    a.pointer().cast::<$ty>(),
                    a.rows,
                    a.columns,
                    b.pointer().cast::<$ty>(),
                    b.rows,
                    b.columns,
                    beta.to_f64() as $ty,
                    c.cast::<$ty>(),
                    width as isize,
                    1,
                )
            }
        };
    }
    #[cfg(target_arch = "x86_64")]
    if matches!(T::DTYPE, DType::F32 | DType::F64) {
        super::vector::widest!(
            size_of::<T>(),
            V => {
                type E = <V as super::vector::Vector>::Element;
                let matrix = |x: &Strided<'_, T>| tiles::Matrix {
                    at: x.pointer().cast::<E>(),
                    rows: x.rows,
                    columns: x.columns,
                };
                let (a, b, c) = (matrix(&a), matrix(&b), (c.cast::<E>(), width));
                // SAFETY: as for the library; the CPU has these vectors.
                return unsafe { panels::gemm::<V>((m, k, n), a, b, <E as Element>::from_f64(beta.to_f64()), c, few) };
            },
            without => {}
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = few;
    match T::DTYPE {
        DType::F32 => library!(sgemm, f32),
        DType::F64 => library!(dgemm, f64),
        // SAFETY: the caller's.
        _ => (0..m).for_each(|i| unsafe {
            plain((1, k, n), a.from(i, 0), b, beta, std::slice::from_raw_parts_mut(c.add(i * width), n));
        }),
    }
}

/// The definition, for integers and as the oracle of the fast ones.
pub(crate) fn plain<T: Number>(
    (m, k, n): (usize, usize, usize),
    a: Strided<'_, T>,
    b: Strided<'_, T>,
    beta: T,
    c: &mut [T],
) {
    let at = |x: &Strided<'_, T>, i: usize, j: usize| {
        x.data[(x.offset as isize + i as isize * x.rows + j as isize * x.columns) as usize]
    };
    for i in 0..m {
        for j in 0..n {
            let dot = (0..k).fold(T::ZERO, |sum, p| sum.plus(at(&a, i, p).times(at(&b, p, j))));
            let c = &mut c[i * n + j];
            *c = if beta == T::ZERO { dot } else { dot.plus(beta.times(*c)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize) -> Vec<f64> {
        (0..count).map(|i| ((i * 37) % 11) as f64 - 5.0).collect()
    }

    /// Matrices of the same numbers, as rows, as columns, and as neither.
    fn layouts<T: Number>(m: usize, n: usize) -> [(Vec<T>, isize, isize); 3] {
        let (rows, columns) = (m as isize, n as isize);
        [(columns, 1, 1), (1, rows, 1), (3 * columns, 3, 3)].map(|(down, across, spread)| {
            let mut data = vec![T::ZERO; m * n * spread as usize + 1];
            for (at, x) in numbers(m * n).into_iter().enumerate() {
                data[(at / n.max(1)) * down as usize + (at % n.max(1)) * across as usize] = T::from_f64(x);
            }
            (data, down, across)
        })
    }

    fn agrees<T: Number>() {
        let sizes = [
            (1, 1, 1),
            (3, 5, 2),
            (2, 300, 9),
            (17, 9, 33),
            (40, 64, 24),
            (2, 0, 3),
            (450, 20, 40),
            (30, 600, 70),
            (70, 128, 40),
            (2100, 9, 40),
            (40, 9, 2100),
        ];
        for (m, k, n) in sizes {
            for (x, rows, columns) in &layouts::<T>(m, k) {
                for (y, down, across) in &layouts::<T>(k, n) {
                    let a = Strided { data: x, offset: 0, rows: *rows, columns: *columns };
                    let b = Strided { data: y, offset: 0, rows: *down, columns: *across };
                    for beta in [0.0, 1.0, 2.0] {
                        let start: Vec<T> = numbers(m * n).into_iter().map(T::from_f64).collect();
                        let (mut fast, mut slow) = (start.clone(), start);
                        gemm((m, k, n), a, b, T::from_f64(beta), &mut fast);
                        plain((m, k, n), a, b, T::from_f64(beta), &mut slow);
                        assert!(fast == slow, "{m}×{k}×{n}, strides {rows} {columns} and {down} {across}, beta {beta}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_definition_in_every_layout() {
        agrees::<f32>();
        agrees::<f64>();
        agrees::<i64>();
    }

    #[test]
    fn a_part_of_a_wider_matrix() {
        for (m, k, n) in [(5, 7, 3), (16, 40, 70), (2, 0, 4)] {
            let (x, y, width) = (numbers(m * k + 1), numbers(k * n + 1), n + 5);
            let (a, b) = (Strided::dense(&x, k), Strided::dense(&y, n));
            let mut c = numbers(m * width);
            let mut inside: Vec<f64> = c.chunks(width).flat_map(|row| row[2..2 + n].to_vec()).collect();
            plain((m, k, n), a, b, 2.0, &mut inside);
            let mut wanted = c.clone();
            wanted.chunks_mut(width).zip(inside.chunks(n)).for_each(|(row, part)| row[2..2 + n].copy_from_slice(part));
            gemm_within((m, k, n), a, b, 2.0, (&mut c[2..], width));
            assert!(c == wanted, "{m}×{k}×{n}");
        }
    }

    #[test]
    fn bands_change_no_bit() {
        let (m, k, n) = (131, 700, 90);
        let numbers = |count: usize| (0..count).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<_>>();
        let (x, y) = (numbers(m * k), numbers(k * n));
        let a = Strided { data: &x, offset: 0, rows: k as isize, columns: 1 };
        for (rows, columns) in [(n as isize, 1), (1, k as isize)] {
            let b = Strided { data: &y, offset: 0, rows, columns };
            let product = |down: usize, across: usize| {
                let mut c = vec![0.0; m * n];
                let few = is_few(m, &a, &b);
                for (i, j) in (0..m).step_by(down).flat_map(|i| (0..n).step_by(across).map(move |j| (i, j))) {
                    let size = (down.min(m - i), k, across.min(n - j));
                    // SAFETY: all parts lie in their matrices.
                    unsafe { part(few, size, a.from(i, 0), b.from(0, j), 0.0, (c[i * n + j..].as_mut_ptr(), n)) };
                }
                c
            };
            let whole = product(m, n);
            for (down, across) in [(12, n), (36, n), (m, 32), (24, 64)] {
                assert!(product(down, across) == whole, "bands of {down} × {across}");
            }
        }
    }
}
