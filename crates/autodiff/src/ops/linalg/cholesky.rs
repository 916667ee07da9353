//! Cholesky factors, and what is solved with them.
//!
//! Source of the rule: Murray, Differentiation of the Cholesky decomposition, 2016.

use chainrule_tensor::{LinalgError, Tensor};

use super::parts::{accept, batch, eye_like, regular, square};
use crate::declare::{Declaration, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// The lower triangular L with A = L·Lᵀ.
struct Cholesky;
impl Op<1> for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }
    fn saves(&self) -> Saves {
        Saves::Output
    }
    fn forward(&self, [a]: [&Tensor; 1]) -> Tensor {
        accept(a.try_cholesky())
    }
    /// ½·L⁻ᵀ·S·L⁻¹, S being LᵀG's lower triangle mirrored.
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], l: &Var) -> Var {
        let half = l.t().matmul(g).tril(0);
        let mirrored = &half + half.t() - half.diagonal(0, -2, -1).diag_embed(0, -2, -1);
        let up = l.t();
        let left = up.solve_triangular(&mirrored, true); // L⁻ᵀ·S
        up.solve_triangular(&left.t(), true).t() / 2.0
    }
}

impl Var {
    /// The lower triangular L with A = L·Lᵀ and a positive diagonal, this variable being the symmetric positive definite A. Only its
    /// lower triangle is read; the gradient is symmetric, as A is.
    ///
    /// Shapes: `[…, n, n]` → `[…, n, n]`. The upper factor is `a.t().cholesky().t()`.
    ///
    /// # Panics
    /// When a matrix is not positive definite or not square.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let l = Var::leaf(tensor![[4., 2.], [2., 10.]]).cholesky();
    /// assert_eq!(l.value().to_vec::<f32>(), [2., 0., 1., 3.]);
    /// ```
    #[track_caller]
    pub fn cholesky(&self) -> Var {
        Cholesky.apply([self])
    }

    /// As [`cholesky`](Var::cholesky), for matrices from outside.
    ///
    /// # Errors
    /// When a matrix is not positive definite.
    ///
    /// # Panics
    /// When the matrices are not square.
    #[track_caller]
    pub fn try_cholesky(&self) -> Result<Var, LinalgError> {
        self.value().try_cholesky()?;
        Ok(self.cholesky())
    }

    /// The X with A·X = B, this variable being B, and A = L·Lᵀ given by `factor` = L, or A = Uᵀ·U by `factor` = U when `upper`.
    ///
    /// Shapes: `[…, n, k]` and `[…, n, n]` → `[…, n, k]`.
    ///
    /// # Panics
    /// When the factor is not square, or shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let l = Var::leaf(tensor![[2., 0.], [1., 3.]]);
    /// let x = Var::constant(tensor![[6.], [12.]]).cholesky_solve(&l, false);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 1.]);
    /// ```
    #[track_caller]
    pub fn cholesky_solve(&self, factor: &Var, upper: bool) -> Var {
        square("cholesky_solve", factor);
        let (l, u) = if upper { (factor.t(), factor.clone()) } else { (factor.clone(), factor.t()) };
        u.solve_triangular(&l.solve_triangular(self, false), true)
    }

    /// The inverse of A = L·Lᵀ, this variable being L, or of A = Uᵀ·U, this variable being U, when `upper`.
    ///
    /// Shapes: `[…, n, n]` → `[…, n, n]`.
    ///
    /// # Panics
    /// When the factor is not square.
    #[track_caller]
    pub fn cholesky_inverse(&self, upper: bool) -> Var {
        square("cholesky_inverse", self);
        eye_like(self).cholesky_solve(self, upper)
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "cholesky",
        "linalg.cholesky",
        "L with A = L·Lᵀ",
        "½·L⁻ᵀ·sym(Lᵀ·g)·L⁻¹",
        |d| {
            let (batch, n) = (batch(d), d.size());
            Sample::new([regular(d, &batch, n)], "(&x[0] + x[0].t()).cholesky()", |x| (&x[0] + x[0].t()).cholesky())
        },
    ),
    Declaration::new(Family::Composite, "cholesky_solve", "cholesky_solve", "(L·Lᵀ)⁻¹·B", "of its parts", |d| {
        let (batch, n, k, upper) = (batch(d), d.size(), d.size(), d.flag());
        let inputs = [d.reals(&[n, k]), regular(d, &batch, n)];
        let source = format!("x[0].cholesky_solve(&x[1], {upper})");
        Sample::new(inputs, source, move |x| x[0].cholesky_solve(&x[1], upper))
    }),
    Declaration::new(
        Family::Composite,
        "cholesky_inverse",
        "cholesky_inverse",
        "(L·Lᵀ)⁻¹",
        "of its parts",
        |d| {
            let (batch, n, upper) = (batch(d), d.size(), d.flag());
            let source = format!("x[0].cholesky_inverse({upper})");
            Sample::new([regular(d, &batch, n)], source, move |x| x[0].cholesky_inverse(upper))
        },
    ),
];
