//! Eigenvalues and eigenvectors of symmetric matrices.
//!
//! Source of the rules: Giles, An extended collection of matrix derivative results, 2008.

use chainrule_tensor::Tensor;

use super::parts::{Known, any, batch, graded, inverse_gaps, made_graded, square, symmetric_part};
use crate::declare::{Declaration, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

type Decomposed = Known<(Tensor, Tensor)>;

/// w of A = V·diag(w)·Vᵀ. Apart from V, so that its gradient exists where eigenvalues are equal.
struct EigenValues(Decomposed);
impl Op<1> for EigenValues {
    fn name(&self) -> &'static str {
        "eigvalsh"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [a]: [&Tensor; 1]) -> Tensor {
        self.0.at(a, Tensor::eigh).0
    }
    /// V·diag(g)·Vᵀ
    fn backward(&self, _: usize, g: &Var, [a]: [&Var; 1], _: &Var) -> Var {
        let v = EigenVectors(self.0.clone()).apply([a]);
        (&v * g.unsqueeze(-2)).matmul(&v.t())
    }
}

/// V of A = V·diag(w)·Vᵀ.
struct EigenVectors(Decomposed);
impl Op<1> for EigenVectors {
    fn name(&self) -> &'static str {
        "eigh"
    }
    fn forward(&self, [a]: [&Tensor; 1]) -> Tensor {
        self.0.at(a, Tensor::eigh).1
    }
    /// V·(VᵀG / gaps)·Vᵀ, made symmetric
    fn backward(&self, _: usize, g: &Var, [a]: [&Var; 1], v: &Var) -> Var {
        let w = EigenValues(self.0.clone()).apply([a]);
        let inner = v.t().matmul(g) * inverse_gaps(&(w.unsqueeze(-2) - w.unsqueeze(-1)));
        symmetric_part(&v.matmul(&inner).matmul(&v.t()))
    }
}

impl Var {
    /// The eigenvalues w, ascending, and orthonormal eigenvectors, the columns of V, of symmetric matrices: A = V·diag(w)·Vᵀ. Only the
    /// lower triangle is read, as with PyTorch's `UPLO="L"`; for the upper one, call it on `a.t()`. The gradient is symmetric, as A is.
    ///
    /// Eigenvectors are determined up to their sign, and only what does not depend on it has a derivative; where eigenvalues are
    /// equal, the gradient through V is infinite or NaN.
    ///
    /// Shapes: `[…, n, n]` → `[…, n]` and `[…, n, n]`.
    ///
    /// # Panics
    /// When the matrices are not square.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (w, _) = Var::leaf(tensor![[2., 1.], [1., 2.]]).eigh();
    /// assert!(w.value().allclose(&tensor![1., 3.], 1e-6, 0.0));
    /// ```
    #[track_caller]
    pub fn eigh(&self) -> (Var, Var) {
        square("eigh", self);
        let known = Known::new(self.value(), self.value().eigh());
        (EigenValues(known.clone()).apply([self]), EigenVectors(known).apply([self]))
    }

    /// The eigenvalues of symmetric matrices, ascending. Only the lower triangle is read; the gradient is symmetric. It exists where
    /// eigenvalues are equal, too.
    ///
    /// Shapes: `[…, n, n]` → `[…, n]`.
    ///
    /// # Panics
    /// When the matrices are not square.
    #[track_caller]
    pub fn eigvalsh(&self) -> Var {
        self.eigh().0
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "eigh",
        "linalg.eigh",
        "w and V with V·diag(w)·Vᵀ = A",
        "V·(diag(g_w) + Vᵀ·g_V / gaps)·Vᵀ",
        |d| {
            let (batch, n) = (batch(d), d.size());
            let source = "{ let a = made_graded(x[0]); let (w, v) = (&a + a.t()).eigh(); v · diag(sin(w)) · vᵀ + |v| }";
            Sample::new([any(d, &batch, n, n)], source, |x| {
                let a = made_graded(&x[0]);
                let (w, v) = (&a + a.t()).eigh();
                v.matmul(&w.sin().diag_embed(0, -2, -1)).matmul(&v.t()) + v.square()
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "eigvalsh",
        "linalg.eigvalsh",
        "w with V·diag(w)·Vᵀ = A",
        "V·diag(g)·Vᵀ",
        |d| {
            let (batch, n) = (batch(d), d.size());
            let source = "(&x[0] + x[0].t()).eigvalsh()";
            Sample::new([graded(d, &batch, n, n)], source, |x| (&x[0] + x[0].t()).eigvalsh())
        },
    ),
];
