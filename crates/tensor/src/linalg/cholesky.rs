//! Cholesky: a symmetric positive definite matrix is L·Lᵀ.

use super::dense::{BLOCK, View, add_scaled, dot, product, solve_triangle};
use super::{LinalgError, batched, square};
use crate::tensor::Tensor;

impl Tensor {
    /// The lower triangular L with A = L·Lᵀ and a positive diagonal. Only the lower triangle of A is read.
    ///
    /// Shapes: `[…, n, n]` → `[…, n, n]`.
    ///
    /// # Errors
    /// When a matrix is not positive definite.
    ///
    /// # Panics
    /// When the matrices are not square or the elements not real.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let l = tensor![[4., 2.], [2., 10.]].try_cholesky().unwrap();
    /// assert_eq!(l.to_vec::<f32>(), [2., 0., 1., 3.]);
    /// ```
    #[track_caller]
    pub fn try_cholesky(&self) -> Result<Tensor, LinalgError> {
        let n = square("cholesky", self);
        let batch = &self.shape()[..self.rank() - 2];
        let factor = batched([self], batch, [n, n], |[a], l| {
            l.copy_from_slice(a);
            factorise(l, n)?;
            (0..n).for_each(|i| l[i * n + i + 1..(i + 1) * n].fill(0.0));
            Ok(())
        });
        match factor {
            Ok(l) => Ok(l.cast(self.dtype())),
            Err((matrix, minor)) => Err(LinalgError::NotPositiveDefinite { op: "cholesky", matrix, order: minor + 1 }),
        }
    }
}

/// L in the lower triangle of `a`; else the first index with a pivot that is not positive.
fn factorise(a: &mut [f64], n: usize) -> Result<(), usize> {
    if n <= BLOCK {
        return directly(a, n);
    }
    // [A₁ ·; A₂ A₃] = [L₁ ·; L₂ L₃]·[L₁ᵀ L₂ᵀ; · L₃ᵀ]
    let h = n / 2;
    let mut first = copied(View::new(a, n, 0, 0), h, h);
    factorise(&mut first, h)?;
    let mut second = copied(View::new(a, n, h, 0).t(), h, n - h); // L₂ᵀ = L₁⁻¹A₂ᵀ
    solve_triangle(View::new(&first, h, 0, 0), h, &mut second, false, false);
    let mut third = copied(View::new(a, n, h, h), n - h, n - h);
    let second = View::new(&second, n - h, 0, 0);
    add_scaled(&mut third, -1.0, &product(second.t(), second, [n - h, h, n - h]));
    factorise(&mut third, n - h).map_err(|minor| h + minor)?;
    for (i, row) in a.chunks_mut(n).enumerate() {
        match i.checked_sub(h) {
            None => row[..h].copy_from_slice(&first[i * h..][..h]),
            Some(i) => {
                (0..h).for_each(|j| row[j] = second.at(j, i));
                row[h..].copy_from_slice(&third[i * (n - h)..][..n - h]);
            }
        }
    }
    Ok(())
}

fn directly(a: &mut [f64], n: usize) -> Result<(), usize> {
    for i in 0..n {
        for j in 0..=i {
            let left = a[i * n + j] - dot(&a[i * n..][..j], &a[j * n..][..j]);
            if i == j && left <= 0.0 {
                return Err(i);
            }
            a[i * n + j] = if i == j { left.sqrt() } else { left / a[j * n + j] };
        }
    }
    Ok(())
}

fn copied(view: View, m: usize, n: usize) -> Vec<f64> {
    (0..m * n).map(|at| view.at(at / n, at % n)).collect()
}
