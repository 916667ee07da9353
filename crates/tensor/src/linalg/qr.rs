//! QR by Householder reflections: H = I − τ·v·vᵀ turns a vector onto an axis.

use super::dense::{add_scaled, scale};
use super::{each_matrix, sizes};
use crate::shape::Shape;
use crate::tensor::Tensor;

impl Tensor {
    /// Q with orthonormal columns and upper triangular R such that A = Q·R. With `complete`, Q is square, and R has rows of zeros below.
    ///
    /// Shapes, with k the smaller of m and n: `[…, m, n]` → `[…, m, k]` and `[…, k, n]`; complete: `[…, m, m]` and `[…, m, n]`.
    ///
    /// # Panics
    /// When there are fewer than two axes or the elements are not real.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let a = tensor![[3., 1.], [4., 7.]];
    /// let (q, r) = a.qr(false);
    /// assert!(q.matmul(&r).allclose(&a, 1e-5, 0.0) && r.at::<f32>(&[1, 0]) == 0.0);
    /// ```
    #[track_caller]
    pub fn qr(&self, complete: bool) -> (Tensor, Tensor) {
        let [m, n] = sizes("qr", self);
        let columns = if complete { m } else { m.min(n) };
        let packed = each_matrix(self, [1, m * columns + columns * n], |a, out| {
            let (q, r) = out.split_at_mut(m * columns);
            let Reflectors { a, taus } = &Reflectors::of(a, m, n);
            apply(a, taus, m, n, q, columns);
            for (i, r) in r.chunks_mut(n.max(1)).enumerate() {
                r.fill(0.0);
                if i < n {
                    r[i..].copy_from_slice(&a[i * n + i..(i + 1) * n]);
                }
            }
        });
        (self.unpack(&packed, 0, [m, columns]), self.unpack(&packed, m * columns, [columns, n]))
    }

    /// The matrices that start at position `start` of each row of `packed`.
    #[track_caller]
    pub(super) fn unpack(&self, packed: &Tensor, start: usize, [m, n]: [usize; 2]) -> Tensor {
        let shape: Shape = self.shape()[..self.rank() - 2].iter().chain(&[m, n]).copied().collect();
        packed.narrow(-1, start, m * n).reshape(shape)
    }
}

/// R on and above the diagonal; below it, column by column, the vectors v without their first element, which is 1.
struct Reflectors {
    a: Vec<f64>,
    taus: Vec<f64>,
}

impl Reflectors {
    fn of(a: &[f64], m: usize, n: usize) -> Reflectors {
        let unit = scale(a);
        let mut a: Vec<f64> = a.iter().map(|a| a / unit).collect();
        let mut taus = vec![0.0; m.min(n)];
        for (k, tau) in taus.iter_mut().enumerate() {
            let mut x: Vec<f64> = (k..m).map(|i| a[i * n + k]).collect();
            let axis;
            (axis, *tau) = reflector(&mut x);
            reflect(&x, *tau, &mut a, n, k, k + 1);
            a[k * n + k] = axis;
            x.iter().enumerate().skip(1).for_each(|(i, &v)| a[(k + i) * n + k] = v);
        }
        (0..m.min(n)).for_each(|i| a[i * n + i..(i + 1) * n].iter_mut().for_each(|r| *r *= unit));
        Reflectors { a, taus }
    }
}

/// Orthonormal columns of the product of all reflections of an `m × n` matrix.
fn apply(a: &[f64], taus: &[f64], m: usize, n: usize, q: &mut [f64], columns: usize) {
    q.fill(0.0);
    (0..m.min(columns)).for_each(|i| q[i * columns + i] = 1.0);
    for (k, &tau) in taus.iter().enumerate().rev() {
        let v: Vec<f64> = (k..m).map(|i| if i == k { 1.0 } else { a[i * n + k] }).collect();
        reflect(&v, tau, q, columns, k, k);
    }
}

/// A square matrix with orthonormal columns, of which the first span those of `a` (`m × n`).
pub(super) fn basis(a: &[f64], m: usize, n: usize) -> Vec<f64> {
    let Reflectors { a, taus } = Reflectors::of(a, m, n);
    let mut q = vec![0.0; m * m];
    apply(&a, &taus, m, n, &mut q, m);
    q
}

/// Makes `x` the vector v of the reflection that turns it onto the first axis; returns where it goes there, and τ.
pub(super) fn reflector(x: &mut [f64]) -> (f64, f64) {
    let first = x[0];
    let below: f64 = x[1..].iter().map(|x| x * x).sum();
    x[0] = 1.0;
    if below == 0.0 {
        return (first, 0.0);
    }
    let axis = -(first * first + below).sqrt().copysign(first);
    x[1..].iter_mut().for_each(|x| *x /= first - axis);
    (axis, (axis - first) / axis)
}

/// The rows from `i` on of an array of rows of `n`, reflected, in the columns from `j` on.
pub(super) fn reflect(v: &[f64], tau: f64, a: &mut [f64], n: usize, i: usize, j: usize) {
    if tau == 0.0 || j >= n {
        return;
    }
    let rows = &mut a[i * n..];
    let mut along = vec![0.0; n - j]; // vᵀ·A
    rows.chunks(n).zip(v).for_each(|(row, &v)| add_scaled(&mut along, v, &row[j..]));
    rows.chunks_mut(n).zip(v).for_each(|(row, &v)| add_scaled(&mut row[j..], -tau * v, &along));
}
