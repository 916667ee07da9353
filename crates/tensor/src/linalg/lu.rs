//! LU: elimination with row exchanges, and what it solves.

use super::dense::{BLOCK, View, add_scaled, product, solve_triangle, two_rows};
use super::{LinalgError, batch_of, batched, sizes, square};
use crate::dtype::DType;
use crate::tensor::Tensor;

/// The factors of the matrices A of a batch: rows of A in another order are L·U, with ones on the diagonal of L.
///
/// ```
/// use chainrule_tensor::tensor;
/// let lu = tensor![[0., 2.], [4., 8.]].lu_factor();
/// assert_eq!(lu.packed().to_vec::<f32>(), [4., 8., 0., 2.]);
/// assert_eq!(lu.order().to_vec::<i64>(), [1, 0]);
/// ```
#[derive(Clone)]
pub struct Lu {
    /// L below the diagonal and U from it on; in `f64`.
    factors: Tensor,
    /// Row `i` of the product is row `order[i]` of A; in `f64`.
    order: Tensor,
    dtype: DType,
}

impl Tensor {
    /// The factors that elimination with row exchanges (partial pivoting) gives.
    ///
    /// Shapes: `[…, m, n]` → `[…, m, n]` and `[…, m]`.
    ///
    /// # Panics
    /// When there are fewer than two axes or the elements are not real.
    #[track_caller]
    pub fn lu_factor(&self) -> Lu {
        let [m, n] = sizes("lu", self);
        let batch = &self.shape()[..self.rank() - 2];
        let packed = batched([self], batch, [m, n + 1], |[a], out| {
            let (mut lu, mut order) = (a.to_vec(), (0..m).collect::<Vec<_>>());
            eliminate(&mut lu, m, n, &mut order);
            for (i, out) in out.chunks_mut(n + 1).enumerate() {
                out[..n].copy_from_slice(&lu[i * n..][..n]);
                out[n] = order[i] as f64;
            }
            Ok(())
        });
        let packed = packed.expect("elimination refuses nothing");
        Lu { factors: packed.narrow(-1, 0, n), order: packed.select(-1, n as isize), dtype: self.dtype() }
    }

    /// The X with A·X = B.
    ///
    /// Shapes: `[…, n, n]` and `[…, n, k]` → `[…, n, k]`.
    ///
    /// # Errors
    /// When a matrix is singular: elimination leaves a pivot of exactly 0.
    ///
    /// # Panics
    /// When A is not square, lengths or types differ, the batches do not broadcast or the elements are not real.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let x = tensor![[2., 1.], [1., 1.]].try_solve(&tensor![[3.], [2.]]).unwrap();
    /// assert_eq!(x.to_vec::<f32>(), [1., 1.]);
    /// ```
    #[track_caller]
    pub fn try_solve(&self, b: &Tensor) -> Result<Tensor, LinalgError> {
        square("solve", self);
        let lu = self.lu_factor();
        lu.regular("solve")?;
        Ok(lu.solve(b, false))
    }

    /// The inverse.
    ///
    /// Shapes: `[…, n, n]` → `[…, n, n]`.
    ///
    /// # Errors
    /// When a matrix is singular: elimination leaves a pivot of exactly 0.
    ///
    /// # Panics
    /// When the matrices are not square or the elements not real.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![[2., 0.], [0., 4.]].try_inv().unwrap().to_vec::<f32>(), [0.5, 0., 0., 0.25]);
    /// ```
    #[track_caller]
    pub fn try_inv(&self) -> Result<Tensor, LinalgError> {
        square("inv", self);
        let lu = self.lu_factor();
        lu.regular("inv")?;
        Ok(lu.inverse())
    }
}

impl Lu {
    /// L below the diagonal and U from it on.
    pub fn packed(&self) -> Tensor {
        self.factors.cast(self.dtype)
    }

    /// The rows of A in the order in which L·U has them, as `i64`.
    pub fn order(&self) -> Tensor {
        self.order.cast(DType::I64)
    }

    /// The same factors for matrices whose elements have this type.
    pub fn with_dtype(&self, dtype: DType) -> Lu {
        Lu { dtype, ..self.clone() }
    }

    /// Determinants of square matrices.
    ///
    /// Shape: `[…]`.
    #[track_caller]
    pub fn det(&self) -> Tensor {
        self.of_pivots(|pivots, sign| pivots.iter().product::<f64>() * sign)
    }

    /// The signs of determinants (0 where they are 0), and the logarithms of their absolute values.
    #[track_caller]
    pub fn slogdet(&self) -> (Tensor, Tensor) {
        let sign = |x: f64| if x == 0.0 || x.is_nan() { x } else { x.signum() };
        (
            self.of_pivots(|pivots, exchanges| pivots.iter().map(|&x| sign(x)).product::<f64>() * exchanges),
            self.of_pivots(|pivots, _| pivots.iter().map(|x| x.abs().ln()).sum()),
        )
    }

    /// Whether every matrix has an inverse.
    ///
    /// # Errors
    /// When one has a pivot of exactly 0.
    pub fn regular(&self, op: &'static str) -> Result<(), LinalgError> {
        let n = self.factors.size(-1);
        let pivots = self.pivots().to_vec::<f64>();
        match pivots.iter().position(|&pivot| pivot == 0.0) {
            Some(at) => Err(LinalgError::Singular { op, matrix: at / n, pivot: at % n }),
            None => Ok(()),
        }
    }

    /// The X with A·X = B, or with Aᵀ·X = B when `transposed`. A pivot of 0 gives infinities or NaN.
    ///
    /// Shapes: `[…, n, k]` → `[…, n, k]`.
    ///
    /// # Panics
    /// When A is not square, lengths or types differ or the batches do not broadcast.
    #[track_caller]
    pub fn solve(&self, b: &Tensor, transposed: bool) -> Tensor {
        let n = square("solve", &self.factors);
        let [rows, k] = sizes("solve", b);
        assert!(
            rows == n,
            "solve: {n} equations, but {rows} rows on the right: {} and {}",
            self.factors.to_shape(),
            b.to_shape()
        );
        let a = self.factors.cast(self.dtype);
        let batch = batch_of("solve", &a.ghost(), &b.ghost());
        let order = self.order.unsqueeze(-1);
        let solved = batched([&self.factors, &order, b], &batch, [n, k], |[lu, order, b], x| {
            let lu = View::new(lu, n, 0, 0);
            let row = |i: usize| order[i] as usize * k..(order[i] as usize + 1) * k;
            if transposed {
                let mut y = b.to_vec();
                solve_triangle(lu.t(), n, &mut y, false, false);
                solve_triangle(lu.t(), n, &mut y, true, true);
                (0..n).for_each(|i| x[row(i)].copy_from_slice(&y[i * k..][..k]));
            } else {
                (0..n).for_each(|i| x[i * k..][..k].copy_from_slice(&b[row(i)]));
                solve_triangle(lu, n, x, false, true);
                solve_triangle(lu, n, x, true, false);
            }
            Ok(())
        });
        solved.expect("solving refuses nothing").cast(self.dtype)
    }

    /// The inverses of square matrices. A pivot of 0 gives infinities or NaN.
    #[track_caller]
    pub fn inverse(&self) -> Tensor {
        self.solve(&Tensor::eye(self.factors.size(-1), self.dtype), false)
    }

    /// The diagonal of U.
    fn pivots(&self) -> Tensor {
        let n = self.factors.size(-1);
        let batch = &self.factors.shape()[..self.factors.rank() - 2];
        let diagonal = batched([&self.factors], batch, [1, n], |[lu], out| {
            out.iter_mut().enumerate().for_each(|(i, o)| *o = lu[i * n + i]);
            Ok(())
        });
        diagonal.expect("a diagonal refuses nothing")
    }

    /// A number for each matrix, from its pivots and the sign of its row exchanges.
    #[track_caller]
    fn of_pivots(&self, f: impl Fn(&[f64], f64) -> f64 + Send + Sync) -> Tensor {
        square("det", &self.factors);
        let batch = &self.factors.shape()[..self.factors.rank() - 2];
        let (pivots, order) = (self.pivots(), self.order.unsqueeze(-1));
        let numbers = batched([&pivots, &order], batch, [1, 1], |[pivots, order], out| {
            out[0] = f(pivots, sign(order));
            Ok(())
        });
        numbers.expect("a determinant refuses nothing").reshape(batch).cast(self.dtype)
    }
}

/// The sign of a permutation: −1 for each cycle of even length.
fn sign(order: &[f64]) -> f64 {
    let mut seen = vec![false; order.len()];
    let mut sign = 1.0;
    for start in 0..order.len() {
        let mut at = start;
        while !std::mem::replace(&mut seen[at], true) {
            let next = order[at] as usize;
            if next != start {
                sign = -sign;
            }
            at = next;
        }
    }
    sign
}

/// L and U in place of `a`, by blocks of columns, so that most of the work is a matrix product.
fn eliminate(a: &mut [f64], m: usize, n: usize, order: &mut [usize]) {
    let steps = m.min(n);
    for start in (0..steps).step_by(BLOCK) {
        let end = (start + BLOCK).min(steps);
        for j in start..end {
            let size = |i: usize| a[i * n + j].abs();
            let largest = (j..m).reduce(|best, i| if size(i) > size(best) { i } else { best }).expect("j is below m");
            if largest != j {
                let (x, y) = two_rows(a, n, j, largest);
                x.swap_with_slice(y);
                order.swap(j, largest);
            }
            let pivot = a[j * n + j];
            if pivot == 0.0 {
                continue; // The whole column is 0: there is nothing to eliminate.
            }
            for i in j + 1..m {
                let (row, top) = two_rows(a, n, i, j);
                row[j] /= pivot;
                let factor = row[j];
                add_scaled(&mut row[j + 1..end], -factor, &top[j + 1..end]);
            }
        }
        for i in start..end {
            for j in start..i {
                let (row, top) = two_rows(a, n, i, j);
                let factor = row[j];
                add_scaled(&mut row[end..], -factor, &top[end..]);
            }
        }
        if end < m && end < n {
            let update =
                product(View::new(a, n, end, start), View::new(a, n, start, end), [m - end, end - start, n - end]);
            for (row, update) in a[end * n..].chunks_mut(n).zip(update.chunks(n - end)) {
                add_scaled(&mut row[end..], -1.0, update);
            }
        }
    }
}
