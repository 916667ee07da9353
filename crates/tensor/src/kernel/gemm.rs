//! Matrix products by `matrixmultiply`, whole or in one band of rows per thread.
//!
//! Each element is a sum over `k` in an order that `k` alone decides, wherever the bands begin: results do not depend on the number of threads. More
//! bands than threads would be waste, since each packs all of `b` anew.

use super::parallel::{bands, chunks_mut};
use crate::dtype::{DType, Number};

/// Multiplications that a band should at least contain, to be worth handing to a thread.
const WORK: usize = 1 << 19;

/// A matrix somewhere in a slice: position of the first element, and the strides of rows and columns.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) offset: usize,
    pub(crate) rows: isize,
    pub(crate) columns: isize,
}

impl<T> Strided<'_, T> {
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
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        return c.iter_mut().for_each(|c| *c = if beta == T::ZERO { T::ZERO } else { beta.times(*c) });
    }
    a.check(m, k);
    b.check(k, n);
    let worthwhile = (m * n).saturating_mul(k) / WORK;
    let rows = m.div_ceil(if worthwhile > 1 { bands().min(worthwhile) } else { 1 }).next_multiple_of(16);
    chunks_mut(c, rows * n, |i, c| {
        let a = Strided { offset: (a.offset as isize + (i * rows) as isize * a.rows) as usize, ..a };
        tile((c.len() / n, k, n), a, b, beta, c);
    });
}

fn tile<T: Number>((m, k, n): (usize, usize, usize), a: Strided<'_, T>, b: Strided<'_, T>, beta: T, c: &mut [T]) {
    macro_rules! library {
        ($function:ident, $ty:ty) => {
            // SAFETY: `T` is `$ty`, as the match on its `DTYPE` found, so the casts change nothing. `gemm` has checked that all
            // elements of both operands lie in their slices, and `c` is dense with `m · n` elements.
            unsafe {
                matrixmultiply::$function(
                    m,
                    k,
                    n,
                    1.0,
                    a.data.as_ptr().cast::<$ty>().add(a.offset),
                    a.rows,
                    a.columns,
                    b.data.as_ptr().cast::<$ty>().add(b.offset),
                    b.rows,
                    b.columns,
                    beta.to_f64() as $ty,
                    c.as_mut_ptr().cast::<$ty>(),
                    n as isize,
                    1,
                )
            }
        };
    }
    match T::DTYPE {
        DType::F32 => library!(sgemm, f32),
        DType::F64 => library!(dgemm, f64),
        _ => plain((m, k, n), a, b, beta, c),
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

    #[test]
    fn the_library_agrees_with_the_definition_in_every_layout() {
        for (m, k, n) in [(1, 1, 1), (3, 5, 2), (17, 9, 33), (40, 64, 24), (2, 0, 3)] {
            let numbers = |count: usize| (0..count).map(|i| ((i * 37) % 11) as f64 - 5.0).collect::<Vec<_>>();
            let (x, y) = (numbers(m * k), numbers(k * n));
            for (transposed_a, transposed_b) in [(false, false), (true, false), (false, true), (true, true)] {
                let matrix = |data, rows: usize, columns: usize, transposed| match transposed {
                    false => Strided { data, offset: 0, rows: columns as isize, columns: 1 },
                    true => Strided { data, offset: 0, rows: 1, columns: rows as isize },
                };
                let (a, b) = (matrix(&x, m, k, transposed_a), matrix(&y, k, n, transposed_b));
                let (mut fast, mut slow) = (numbers(m * n), numbers(m * n));
                gemm((m, k, n), a, b, 2.0, &mut fast);
                plain((m, k, n), a, b, 2.0, &mut slow);
                assert_eq!(fast, slow, "{m}×{k}×{n}");
            }
        }
    }

    #[test]
    fn bands_change_no_bit() {
        let (m, k, n) = (131, 700, 90);
        let numbers = |count: usize| (0..count).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<_>>();
        let (x, y) = (numbers(m * k), numbers(k * n));
        let a = Strided { data: &x, offset: 0, rows: k as isize, columns: 1 };
        let b = Strided { data: &y, offset: 0, rows: n as isize, columns: 1 };
        let mut whole = vec![0.0; m * n];
        tile((m, k, n), a, b, 0.0, &mut whole);
        for rows in [16, 32, 80] {
            let mut banded = vec![0.0; m * n];
            for (i, c) in banded.chunks_mut(rows * n).enumerate() {
                tile((c.len() / n, k, n), Strided { offset: i * rows * k, ..a }, b, 0.0, c);
            }
            assert!(banded == whole, "bands of {rows} rows");
        }
    }
}
