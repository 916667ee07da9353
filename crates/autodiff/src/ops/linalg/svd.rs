//! Singular values and vectors.
//!
//! Source of the rules: Townsend, Differentiating the singular value decomposition, 2016; Wan and Zhang, Automatic differentiation for complex
//! valued SVD, 2019.

use chainrule_tensor::{Svd, Tensor};

use super::parts::{Known, any, batch, graded, inverse_gaps, made_graded, matrix};
use crate::declare::{Declaration, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

fn reduced(a: &Tensor) -> Svd {
    a.svd(false)
}

/// s of A = U·diag(s)·Vᵀ. Apart from U and V, so that its gradient exists where singular values are equal.
struct SingularValues(Known<Svd>);
impl Op<1> for SingularValues {
    fn name(&self) -> &'static str {
        "svdvals"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [a]: [&Tensor; 1]) -> Tensor {
        self.0.at(a, reduced).s
    }
    /// U·diag(g)·Vᵀ
    fn backward(&self, _: usize, g: &Var, [a]: [&Var; 1], _: &Var) -> Var {
        let (u, v) = vectors(&self.0, a);
        (u * g.unsqueeze(-2)).matmul(&v.t())
    }
}

/// U, and V below it, of A = U·diag(s)·Vᵀ.
struct SingularVectors(Known<Svd>);
impl Op<1> for SingularVectors {
    fn name(&self) -> &'static str {
        "svd"
    }
    fn forward(&self, [a]: [&Tensor; 1]) -> Tensor {
        let svd = self.0.at(a, reduced);
        Tensor::cat(&[&svd.u, &svd.vh.t()], -2)
    }
    fn backward(&self, _: usize, g: &Var, [a]: [&Var; 1], y: &Var) -> Var {
        let [m, n] = [a.size(-2), a.size(-1)];
        let k = m.min(n);
        let s = SingularValues(self.0.clone()).apply([a]);
        let (row, column) = (s.unsqueeze(-2), s.unsqueeze(-1));
        let gaps = inverse_gaps(&((&row - &column) * (&row + &column)));
        let ((u, v), (of_u, of_v)) = (halves(y, m, n), halves(g, m, n));
        let skew = |x: Var| (&x - x.t()) * &gaps;
        let (turn_u, turn_v) = (u.t().matmul(&of_u), v.t().matmul(&of_v));
        let inner = skew(turn_u.clone()) * &row + skew(turn_v.clone()) * &column;
        let mut of_a = u.matmul(&inner).matmul(&v.t());
        if m > k {
            of_a = of_a + ((of_u - u.matmul(&turn_u)) / &row).matmul(&v.t());
        }
        if n > k {
            of_a = of_a + u.matmul(&((of_v - v.matmul(&turn_v)) / &row).t());
        }
        of_a
    }
}

fn halves(x: &Var, m: usize, n: usize) -> (Var, Var) {
    (x.narrow(-2, 0, m), x.narrow(-2, m, n))
}

/// U and V.
fn vectors(known: &Known<Svd>, a: &Var) -> (Var, Var) {
    halves(&SingularVectors(known.clone()).apply([a]), a.size(-2), a.size(-1))
}

impl Var {
    /// U, s and Vᵀ with A = U·diag(s)·Vᵀ: U and V with orthonormal columns, s descending. With `full_matrices` U and V are square; the columns
    /// beyond k are any that complete the bases, and constants through which no gradient flows.
    ///
    /// Singular vectors are determined up to a sign that the two of a pair share, and only what does not depend on it has a derivative. Where
    /// singular values are equal, or 0 in a matrix that is not square, the gradient through U and V is infinite or NaN; that through s exists.
    ///
    /// Shapes, with k the smaller of m and n: `[…, m, n]` → `[…, m, k]`, `[…, k]` and `[…, k, n]`; full: `[…, m, m]`, `[…, k]` and `[…, n, n]`.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (u, s, vh) = Var::leaf(tensor![[3., 0.], [0., -5.]]).svd(false);
    /// assert_eq!(s.value().to_vec::<f32>(), [5., 3.]);
    /// assert_eq!((u * s).matmul(&vh).value().to_vec::<f32>(), [3., 0., 0., -5.]);
    /// ```
    #[track_caller]
    pub fn svd(&self, full_matrices: bool) -> (Var, Var, Var) {
        let [m, n] = matrix("svd", self);
        let k = m.min(n);
        let whole = self.value().svd(full_matrices);
        let Svd { u, s, vh } = &whole;
        let known = Svd { u: u.narrow(-1, 0, k), s: s.clone(), vh: vh.narrow(-2, 0, k) };
        let known = Known::new(self.value(), known);
        let (u, v) = vectors(&known, self);
        let s = SingularValues(known).apply([self]);
        let further = |own: Var, whole: &Tensor| match whole.size(-1) - k {
            0 => own,
            more => Var::cat(&[&own, &Var::constant(whole.narrow(-1, k, more))], -1),
        };
        (further(u, &whole.u), s, further(v, &whole.vh.t()).t())
    }

    /// The singular values, descending. Their gradient exists where they are equal, too.
    ///
    /// Shapes, with k the smaller of m and n: `[…, m, n]` → `[…, k]`.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn svdvals(&self) -> Var {
        matrix("svdvals", self);
        SingularValues(Known::new(self.value(), reduced(self.value()))).apply([self])
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "svd",
        "linalg.svd",
        "U, s and V with U·diag(s)·Vᵀ = A",
        "U·(…)·Vᵀ",
        |d| {
            let (batch, m, n, full) = (batch(d), d.size(), d.size(), d.flag());
            let source = format!("{{ let (u, s, vh) = made_graded(x[0]).svd({full}); u² · (1 + s) … }}");
            Sample::new([any(d, &batch, m, n)], source, move |x| {
                let (u, s, vh) = made_graded(&x[0]).svd(full);
                let k = s.size(-1);
                let (u, vh) = (u.narrow(-1, 0, k), vh.narrow(-2, 0, k));
                // What does not depend on signs: functions of the matrix, and squares.
                (&u * s.cos().unsqueeze(-2)).matmul(&vh) + u.square().matmul(&vh.square())
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "svdvals",
        "linalg.svdvals",
        "s with U·diag(s)·Vᵀ = A",
        "U·diag(g)·Vᵀ",
        |d| {
            let (batch, m, n) = (batch(d), d.size(), d.size());
            Sample::new([graded(d, &batch, m, n)], "x[0].svdvals()", |x| x[0].svdvals())
        },
    ),
];
