//! Eigenvalues and eigenvectors of symmetric matrices: to tridiagonal form by reflections, then to diagonal form by rotations.

use super::dense::{add_scaled, dot, identity, rotate, scale, transposed, two_rows};
use super::qr::{reflect, reflector};
use super::{each_matrix, square};
use crate::tensor::Tensor;

impl Tensor {
    /// The eigenvalues w of symmetric matrices, ascending, and V with orthonormal eigenvectors as columns: A = V·diag(w)·Vᵀ. Only the lower
    /// triangle of A is read. A matrix with numbers that are not finite gives NaN.
    ///
    /// Shapes: `[…, n, n]` → `[…, n]` and `[…, n, n]`.
    ///
    /// Source: Golub and Van Loan, Matrix Computations, §8.3 (tridiagonal form, then implicit QL steps).
    ///
    /// # Panics
    /// When the matrices are not square or the elements not real.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let (w, _) = tensor![[2., 1.], [1., 2.]].eigh();
    /// assert!(w.allclose(&tensor![1., 3.], 1e-6, 0.0));
    /// ```
    #[track_caller]
    pub fn eigh(&self) -> (Tensor, Tensor) {
        let n = square("eigh", self);
        let packed = each_matrix(self, [n + 1, n], |a, out| {
            if (0..n).any(|i| a[i * n..=i * n + i].iter().any(|a| !a.is_finite())) {
                return out.fill(f64::NAN);
            }
            let mut a: Vec<f64> = (0..n * n).map(|at| a[(at / n).max(at % n) * n + (at / n).min(at % n)]).collect();
            let unit = scale(&a);
            a.iter_mut().for_each(|a| *a /= unit);
            let Tridiagonal { mut diagonal, mut beside, basis } = Tridiagonal::of(a, n);
            let mut vectors = transposed(&basis, n, n); // as rows
            diagonalise(&mut diagonal, &mut beside, &mut vectors);
            let mut order: Vec<usize> = (0..n).collect();
            order.sort_by(|&i, &j| diagonal[i].total_cmp(&diagonal[j]));
            let (values, columns) = out.split_at_mut(n);
            for (j, &from) in order.iter().enumerate() {
                values[j] = diagonal[from] * unit;
                (0..n).for_each(|i| columns[i * n + j] = vectors[from * n + i]);
            }
        });
        (packed.select(-2, 0), packed.narrow(-2, 1, n))
    }
}

/// A symmetric matrix is Q·T·Qᵀ, T having numbers on the diagonal and beside it alone.
struct Tridiagonal {
    diagonal: Vec<f64>,
    beside: Vec<f64>,
    basis: Vec<f64>,
}

impl Tridiagonal {
    fn of(mut a: Vec<f64>, n: usize) -> Tridiagonal {
        let (mut beside, mut reflectors) = (vec![0.0; n], Vec::new());
        for k in 0..n.saturating_sub(1) {
            let mut v: Vec<f64> = (k + 1..n).map(|i| a[i * n + k]).collect();
            let tau;
            (beside[k], tau) = reflector(&mut v);
            // (I − τvvᵀ)·A·(I − τvvᵀ) = A − vwᵀ − wvᵀ
            let rest = &mut a[(k + 1) * n..];
            let mut w = vec![0.0; n - k - 1];
            rest.chunks(n).zip(&v).for_each(|(row, &v)| add_scaled(&mut w, tau * v, &row[k + 1..]));
            let half = tau / 2.0 * dot(&w, &v);
            add_scaled(&mut w, -half, &v);
            for (i, row) in rest.chunks_mut(n).enumerate() {
                add_scaled(&mut row[k + 1..], -v[i], &w);
                add_scaled(&mut row[k + 1..], -w[i], &v);
            }
            reflectors.push((v, tau));
        }
        let mut basis = identity(n);
        for (k, (v, tau)) in reflectors.iter().enumerate().rev() {
            reflect(v, *tau, &mut basis, n, k + 1, k + 1);
        }
        Tridiagonal { diagonal: (0..n).map(|i| a[i * n + i]).collect(), beside, basis }
    }
}

/// Implicit QL steps until nothing is left beside the diagonal; `rows` are turned along.
fn diagonalise(d: &mut [f64], e: &mut [f64], rows: &mut [f64]) {
    let n = d.len();
    for l in 0..n {
        for _ in 0..STEPS {
            let negligible = |m: usize| e[m].abs() <= f64::EPSILON * (d[m].abs() + d[m + 1].abs());
            let m = (l..n - 1).find(|&m| negligible(m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            step(d, e, rows, l, m);
        }
    }
}

/// Steps for one eigenvalue after which it is as good as it gets; two are usual.
const STEPS: usize = 60;

/// One step on the rows from `l` to `m`, shifted by the eigenvalue of the first two that is nearer to the first.
fn step(d: &mut [f64], e: &mut [f64], rows: &mut [f64], l: usize, m: usize) {
    let n = d.len();
    let slope = (d[l + 1] - d[l]) / (2.0 * e[l]);
    let mut g = d[m] - d[l] + e[l] / (slope + slope.hypot(1.0).copysign(slope));
    let (mut sin, mut cos, mut shift) = (1.0, 1.0, 0.0);
    for i in (l..m).rev() {
        let (f, b) = (sin * e[i], cos * e[i]);
        let r = f.hypot(g);
        e[i + 1] = r;
        if r == 0.0 {
            d[i + 1] -= shift;
            e[m] = 0.0;
            return;
        }
        (sin, cos) = (f / r, g / r);
        g = d[i + 1] - shift;
        let turned = (d[i] - g) * sin + 2.0 * cos * b;
        shift = sin * turned;
        d[i + 1] = g + shift;
        g = cos * turned - b;
        let (x, y) = two_rows(rows, n, i, i + 1);
        rotate(x, y, cos, sin);
    }
    d[l] -= shift;
    e[l] = g;
    e[m] = 0.0;
}
