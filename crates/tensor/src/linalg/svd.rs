//! Singular values by one-sided Jacobi rotations, which find even the smallest to high relative accuracy.

use super::dense::{View, dot, identity, product, rotate, scale, transposed, two_rows};
use super::qr::basis;
use super::{each_matrix, sizes};
use crate::tensor::Tensor;

/// A = U·diag(s)·Vᵀ.
#[derive(Clone)]
pub struct Svd {
    /// U, with orthonormal columns.
    pub u: Tensor,
    /// The singular values, descending.
    pub s: Tensor,
    /// Vᵀ, with orthonormal rows.
    pub vh: Tensor,
}

impl Tensor {
    /// The singular value decomposition. With `full`, U and V are square: their further columns complete the bases. A matrix with numbers that
    /// are not finite gives NaN.
    ///
    /// Shapes, with k the smaller of m and n: `[…, m, n]` → `[…, m, k]`, `[…, k]` and `[…, k, n]`; full: `[…, m, m]`, `[…, k]` and `[…, n, n]`.
    ///
    /// Source: Drmač and Veselić, New fast and accurate Jacobi SVD algorithm, 2008.
    ///
    /// # Panics
    /// When there are fewer than two axes or the elements are not real.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let a = tensor![[3., 0.], [0., -5.]];
    /// assert_eq!(a.svd(false).s.to_vec::<f32>(), [5., 3.]);
    /// ```
    #[track_caller]
    pub fn svd(&self, full: bool) -> Svd {
        let [m, n] = sizes("svd", self);
        let k = m.min(n);
        let [left, right] = if full { [m, n] } else { [k, k] };
        let packed = each_matrix(self, [1, m * left + k + right * n], |a, out| {
            if a.iter().any(|a| !a.is_finite()) {
                return out.fill(f64::NAN);
            }
            let (u, rest) = out.split_at_mut(m * left);
            let (s, vh) = rest.split_at_mut(k);
            if m >= n {
                tall(a, m, n, u, left, s, vh);
            } else {
                let (mut v, mut ut) = (vec![0.0; n * right], vec![0.0; m * left]);
                tall(&transposed(a, m, n), n, m, &mut v, right, s, &mut ut);
                u.copy_from_slice(&transposed(&ut, left, m));
                vh.copy_from_slice(&transposed(&v, n, right));
            }
        });
        let s = self.unpack(&packed, m * left, [1, k]);
        Svd {
            u: self.unpack(&packed, 0, [m, left]),
            s: s.select(-2, 0),
            vh: self.unpack(&packed, m * left + k, [right, n]),
        }
    }
}

/// U (`m × columns`), s and Vᵀ (`n × n`) of a matrix with no more columns than rows.
///
/// A = Q·R first. Rotations J make the rows of J·R orthogonal: these are s·Vᵀ, and U is Q·Jᵀ.
fn tall(a: &[f64], m: usize, n: usize, u: &mut [f64], columns: usize, s: &mut [f64], vh: &mut [f64]) {
    let unit = scale(a);
    let q = basis(a, m, n); // [m, m]
    let scaled: Vec<f64> = a.iter().map(|a| a / unit).collect();
    let mut rows = product(View::new(&q, m, 0, 0).t(), View::new(&scaled, n, 0, 0), [n, m, n]);
    let mut turns = identity(n);
    orthogonalise(&mut rows, &mut turns, n);
    let lengths: Vec<f64> = rows.chunks(n.max(1)).map(|row| dot(row, row).sqrt()).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| lengths[j].total_cmp(&lengths[i]));

    let mut sorted = vec![0.0; n * n];
    let mut rank = 0;
    for (i, &from) in order.iter().enumerate() {
        s[i] = lengths[from] * unit;
        sorted[i * n..][..n].copy_from_slice(&turns[from * n..][..n]);
        if lengths[from] > VANISHED {
            rank = i + 1;
            vh[i * n..][..n].iter_mut().zip(&rows[from * n..]).for_each(|(v, x)| *v = x / lengths[from]);
        }
    }
    if rank < n {
        // Where s is 0, any orthonormal vectors do that complete the others.
        let whole = basis(&transposed(&vh[..rank * n], rank, n), n, rank);
        vh[rank * n..].copy_from_slice(&transposed(&whole, n, n)[rank * n..]);
    }
    let turned = product(View::new(&q, m, 0, 0), View::new(&sorted, n, 0, 0).t(), [m, n, n]);
    for (i, row) in u.chunks_mut(columns.max(1)).enumerate() {
        row[..n].copy_from_slice(&turned[i * n..][..n]);
        row[n..].copy_from_slice(&q[i * m + n..][..columns - n]);
    }
}

/// Rows shorter than this, of a matrix whose largest element is about 1, have no direction.
const VANISHED: f64 = 1e-140;
/// Passes over all pairs of rows after which they are as orthogonal as they get; six to ten are usual.
const SWEEPS: usize = 60;

/// Turns pairs of rows of length `n` in their plane until all are orthogonal; the rows of `turns` go along.
fn orthogonalise(rows: &mut [f64], turns: &mut [f64], n: usize) {
    let tolerance = f64::EPSILON * (n as f64).sqrt();
    for _ in 0..SWEEPS {
        // Squares of lengths are kept up to date within a sweep, and fresh at its start: the last one, which turns nothing, sees exact ones.
        let mut squares: Vec<f64> = rows.chunks(n.max(1)).map(|row| dot(row, row)).collect();
        let mut done = true;
        for i in 0..n {
            for j in i + 1..n {
                let (xx, yy) = (squares[i], squares[j]);
                let (x, y) = two_rows(rows, n, i, j);
                let xy = dot(x, y);
                if xy.abs() <= tolerance * xx.sqrt() * yy.sqrt() || xx.min(yy) < VANISHED * VANISHED {
                    continue;
                }
                done = false;
                let cot = (yy - xx) / (2.0 * xy);
                let tan = 1.0f64.copysign(cot) / (cot.abs() + cot.hypot(1.0));
                let cos = 1.0 / tan.hypot(1.0);
                rotate(x, y, cos, cos * tan);
                let (x, y) = two_rows(turns, n, i, j);
                rotate(x, y, cos, cos * tan);
                squares[i] = (xx - tan * xy).max(0.0);
                squares[j] = (yy + tan * xy).max(0.0);
            }
        }
        if done {
            return;
        }
    }
}
