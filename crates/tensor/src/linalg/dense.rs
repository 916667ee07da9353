//! Row-major matrices of doubles: what the factorisations are made of.

use crate::kernel::gemm::{Strided, gemm};

/// A part of a matrix, seen in place.
#[derive(Clone, Copy)]
pub(super) struct View<'a>(Strided<'a, f64>);

impl<'a> View<'a> {
    /// The matrix whose rows lie `stride` apart, from row `i` and column `j` on.
    pub(super) fn new(data: &'a [f64], stride: usize, i: usize, j: usize) -> View<'a> {
        View(Strided { data, offset: i * stride + j, rows: stride as isize, columns: 1 })
    }

    pub(super) fn t(self) -> View<'a> {
        View(Strided { rows: self.0.columns, columns: self.0.rows, ..self.0 })
    }

    pub(super) fn at(self, i: usize, j: usize) -> f64 {
        self.0.data[(self.0.offset as isize + i as isize * self.0.rows + j as isize * self.0.columns) as usize]
    }

    /// The part from row `i` and column `j` on.
    fn from(self, i: usize, j: usize) -> View<'a> {
        let offset = self.0.offset as isize + i as isize * self.0.rows + j as isize * self.0.columns;
        View(Strided { offset: offset as usize, ..self.0 })
    }
}

/// The product of an `m × k` and a `k × n` matrix.
pub(super) fn product(a: View, b: View, [m, k, n]: [usize; 3]) -> Vec<f64> {
    let mut c = vec![0.0; m * n];
    gemm((m, k, n), a.0, b.0, 0.0, &mut c);
    c
}

/// `y ← y + s·x`
pub(super) fn add_scaled(y: &mut [f64], s: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, &x)| *y += s * x);
}

/// Two different rows of a matrix, for writing.
pub(super) fn two_rows(a: &mut [f64], n: usize, i: usize, j: usize) -> (&mut [f64], &mut [f64]) {
    let (low, high) = (i.min(j), i.max(j));
    let (head, tail) = a.split_at_mut(high * n);
    let (low, high) = (&mut head[low * n..][..n], &mut tail[..n]);
    if i < j { (low, high) } else { (high, low) }
}

/// A power of two by which to divide numbers so that their squares neither overflow nor vanish.
pub(super) fn scale(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0f64, |max, x| max.max(x.abs()));
    if largest > 0.0 { largest.log2().floor().exp2() } else { 1.0 }
}

/// `B ← T⁻¹B` for triangular `T` (`n × n`), of which only one triangle is read, and none of the diagonal when `unit`.
///
/// Halves of `T` are solved one after the other, so that most of the work is a matrix product.
pub(super) fn solve_triangle(t: View, n: usize, b: &mut [f64], upper: bool, unit: bool) {
    let columns = b.len() / n.max(1);
    if n <= BLOCK {
        let order: &mut dyn Iterator<Item = usize> = if upper { &mut (0..n).rev() } else { &mut (0..n) };
        for i in order {
            for j in if upper { i + 1..n } else { 0..i } {
                let (bi, bj) = two_rows(b, columns, i, j);
                add_scaled(bi, -t.at(i, j), bj);
            }
            if !unit {
                b[i * columns..][..columns].iter_mut().for_each(|b| *b /= t.at(i, i));
            }
        }
        return;
    }
    let h = n / 2;
    let (top, bottom) = b.split_at_mut(h * columns);
    if upper {
        solve_triangle(t.from(h, h), n - h, bottom, upper, unit);
        let known = product(t.from(0, h), View::new(bottom, columns, 0, 0), [h, n - h, columns]);
        add_scaled(top, -1.0, &known);
        solve_triangle(t, h, top, upper, unit);
    } else {
        solve_triangle(t, h, top, upper, unit);
        let known = product(t.from(h, 0), View::new(top, columns, 0, 0), [n - h, h, columns]);
        add_scaled(bottom, -1.0, &known);
        solve_triangle(t.from(h, h), n - h, bottom, upper, unit);
    }
}

/// Matrices up to this size are factorised directly, larger ones in blocks.
pub(super) const BLOCK: usize = 32;

/// The sum of products, in eight interleaved partial sums.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (x, x_rest) = x.as_chunks::<8>();
    let (y, y_rest) = y.as_chunks::<8>();
    for (x, y) in x.iter().zip(y) {
        (0..8).for_each(|k| sums[k] += x[k] * y[k]);
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}

/// Two rows, turned in their plane by the angle with this cosine and sine.
pub(super) fn rotate(x: &mut [f64], y: &mut [f64], cos: f64, sin: f64) {
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (cos * *x - sin * *y, sin * *x + cos * *y);
    }
}

pub(super) fn transposed(a: &[f64], m: usize, n: usize) -> Vec<f64> {
    (0..n * m).map(|at| a[at % m * n + at / m]).collect()
}

pub(super) fn identity(n: usize) -> Vec<f64> {
    let mut eye = vec![0.0; n * n];
    eye.iter_mut().step_by(n + 1).for_each(|x| *x = 1.0);
    eye
}
