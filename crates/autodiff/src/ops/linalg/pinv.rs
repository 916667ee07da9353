//! Pseudo-inverses, and what solves equations that have no solution, or many.
//!
//! Source of the rule: Golub and Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate,
//! 1973.

use chainrule_tensor::{Comparison, DType, Tensor};

use super::parts::{any, batch, graded, made_graded, matrix, square};
use crate::declare::{Declaration, Family, Sample};
use crate::op::Op;
use crate::var::Var;

struct PseudoInverse {
    rtol: f64,
    hermitian: bool,
}

impl Op<1> for PseudoInverse {
    fn name(&self) -> &'static str {
        "pinv"
    }
    fn forward(&self, [a]: [&Tensor; 1]) -> Tensor {
        let (left, s, right) = if self.hermitian {
            let (w, v) = a.eigh();
            (v.clone(), w, v.t())
        } else {
            let svd = a.svd(false);
            (svd.vh.t(), svd.s, svd.u.t())
        };
        let size = Var::constant(&s).abs();
        let cutoff = largest(size.value()) * self.rtol;
        let counts = size.value().compare(Comparison::Gt, &cutoff);
        let inverse = counts.choose(&(1.0 / s), &Tensor::scalar(0.0, a.dtype()));
        (left * inverse.unsqueeze(-2)).matmul(&right)
    }
    fn backward(&self, _: usize, g: &Var, [a]: [&Var; 1], p: &Var) -> Var {
        let (gt, pt) = (g.t(), p.t());
        let inner = pt.matmul(&g.matmul(&pt));
        let rows = gt.matmul(&p.matmul(&pt)); // gᵀ·P·Pᵀ
        let columns = pt.matmul(p).matmul(&gt); // Pᵀ·P·gᵀ
        (&rows - a.matmul(&p.matmul(&rows))) + (&columns - columns.matmul(p).matmul(a)) - inner
    }
}

/// The largest of each last axis, 0 of none.
fn largest(s: &Tensor) -> Tensor {
    match s.size(-1) {
        0 => Tensor::zeros([&s.shape()[..s.rank() - 1], &[1]].concat(), s.dtype()),
        _ => s.max(&[-1], true),
    }
}

/// The share of the largest singular value below which others count as 0: the larger side times the distance from 1 to the next number.
fn tolerance(a: &Var) -> f64 {
    a.size(-1).max(a.size(-2)) as f64 * a.dtype().epsilon()
}

impl Var {
    /// The pseudo-inverse (Moore and Penrose) of each matrix: with A = U·diag(s)·Vᵀ, V·diag(1/s)·Uᵀ, where singular values that rounding cannot tell
    /// from 0 stay 0. The gradient is that among matrices of the same rank.
    ///
    /// Shapes: `[…, m, n]` → `[…, n, m]`.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let y = Var::leaf(tensor![[3.], [4.]]).pinv();
    /// assert!(y.value().allclose(&tensor![[0.12, 0.16]], 1e-6, 0.0));
    /// ```
    #[track_caller]
    pub fn pinv(&self) -> Var {
        self.pinv_with(None, false)
    }

    /// As [`pinv`](Var::pinv). Singular values up to `rtol` times the largest count as 0; without one, up to what rounding makes of 0. A
    /// `hermitian` matrix is taken for symmetric, and only its lower triangle is decomposed.
    ///
    /// # Panics
    /// When there are fewer than two axes, or hermitian matrices are not square.
    #[track_caller]
    pub fn pinv_with(&self, rtol: Option<f64>, hermitian: bool) -> Var {
        matrix("pinv", self);
        if hermitian {
            square("pinv", self);
        }
        PseudoInverse { rtol: rtol.unwrap_or_else(|| tolerance(self)), hermitian }.apply([self])
    }

    /// The X that makes ‖A·X − B‖² least, this variable being A; of several, the smallest. And that least value, for each column of B, where A has
    /// more rows than columns and full rank; else nothing, `[0]`. Singular values up to `rcond` times the largest count as 0; without one, up to what
    /// rounding makes of 0.
    ///
    /// Shapes: `[…, m, n]` and `[…, m, k]` → `[…, n, k]` and `[…, k]`. B may be a vector, as in [`solve`](Var::solve).
    ///
    /// # Panics
    /// When shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let a = Var::leaf(tensor![F64; [1.], [1.]]);
    /// let (x, residuals) = a.lstsq(&Var::constant(tensor![F64; [1.], [3.]]), None);
    /// assert!((x.item() - 2.0).abs() < 1e-14 && (residuals.item() - 2.0).abs() < 1e-14); // (1 − 2)² + (3 − 2)²
    /// ```
    #[track_caller]
    pub fn lstsq(&self, b: &Var, rcond: Option<f64>) -> (Var, Var) {
        let [m, n] = matrix("lstsq", self);
        if b.rank() == 1 || b.shape() == &self.shape()[..self.rank() - 1] {
            let (x, residuals) = self.lstsq(&b.unsqueeze(-1), rcond);
            let of_vector = residuals.size(-1) == 1;
            return (x.squeeze(&[-1]), if of_vector { residuals.squeeze(&[-1]) } else { residuals });
        }
        assert!(
            b.size(-2) == m,
            "lstsq: {m} equations, but {} rows on the right: {} and {}",
            b.size(-2),
            self.to_shape(),
            b.to_shape()
        );
        let x = self.pinv_with(rcond, false).matmul(b);
        let full = || self.matrix_rank(rcond).to_vec::<i64>().iter().all(|&rank| rank == n as i64);
        let residuals = match m > n && full() {
            true => (self.matmul(&x) - b).square().sum_axes(&[-2], false),
            false => Var::constant(Tensor::zeros([0], self.dtype())),
        };
        (x, residuals)
    }

    /// How many singular values are above `rtol` times the largest; without one, above what rounding makes of 0.
    ///
    /// Shapes: `[…, m, n]` → `[…]`, `i64`.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::leaf(tensor![[1., 2.], [2., 4.]]).matrix_rank(None).item(), 1.0);
    /// ```
    #[track_caller]
    pub fn matrix_rank(&self, rtol: Option<f64>) -> Tensor {
        matrix("matrix_rank", self);
        let s = self.value().svd(false).s;
        let cutoff = largest(&s) * rtol.unwrap_or_else(|| tolerance(self));
        s.compare(Comparison::Gt, &cutoff).cast(DType::I64).sum(&[-1], false)
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "pinv", "linalg.pinv", "A⁺", "-A⁺ᵀ·g·A⁺ᵀ + …", |d| {
        let (batch, m, n) = (batch(d), d.size(), d.size());
        Sample::new([any(d, &batch, m, n)], "made_graded(x[0]).pinv()", |x| made_graded(&x[0]).pinv())
    }),
    Declaration::new(Family::Composite, "pinv_with", "linalg.pinv", "A⁺", "-A⁺ᵀ·g·A⁺ᵀ + …", |d| {
        let (batch, n, rtol) = (batch(d), d.size(), d.pick(&[None, Some(1e-9)]));
        let source = format!("{{ let a = made_graded(x[0]); (&a + a.t()).pinv_with({rtol:?}, true) }}");
        Sample::new([any(d, &batch, n, n)], source, move |x| {
            let a = made_graded(&x[0]);
            (&a + a.t()).pinv_with(rtol, true)
        })
    }),
    Declaration::new(Family::Composite, "lstsq", "linalg.lstsq", "A⁺·B", "of its parts", |d| {
        let (batch, m, n) = (batch(d), d.size(), d.size());
        let b = d.pick(&[vec![m], vec![m, 2], [&batch[..], &[m, 3]].concat()]);
        let inputs = [any(d, &batch, m, n), d.reals(&b)];
        Sample::new(inputs, "{ let (x, r) = made_graded(x[0]).lstsq(&x[1], None); x + Σ r }", |x| {
            let (x, r) = made_graded(&x[0]).lstsq(&x[1], None);
            x + r.sum()
        })
    }),
    Declaration::discrete("matrix_rank", "linalg.matrix_rank", "how many singular values are not 0", |d| {
        let (batch, m, n) = (batch(d), d.size(), d.size());
        Sample::new([graded(d, &batch, m, n)], "Var::constant(x[0].matrix_rank(None))", |x| {
            Var::constant(x[0].matrix_rank(None))
        })
    }),
];
