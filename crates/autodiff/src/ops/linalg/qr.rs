//! QR.
//!
//! Source of the rule: Seeger, Hetzel, Dai, Meissner and Lawrence, Auto-differentiating linear algebra, 2017.

use chainrule_tensor::Tensor;

use super::parts::{any, batch, made_graded, matrix, mirrored};
use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// Q, and R below it, of a matrix with no more columns than rows.
struct Qr;
impl Op<1> for Qr {
    fn name(&self) -> &'static str {
        "qr"
    }
    fn saves(&self) -> Saves {
        Saves::Output
    }
    fn forward(&self, [a]: [&Tensor; 1]) -> Tensor {
        let (q, r) = a.qr(false);
        Tensor::cat(&[&q, &r], -2)
    }
    /// (g_Q + Q·sym(g_R·Rᵀ − Qᵀ·g_Q))·R⁻ᵀ, sym mirroring the upper triangle
    fn backward(&self, _: usize, g: &Var, [a]: [&Var; 1], y: &Var) -> Var {
        let [m, n] = [a.size(-2), a.size(-1)];
        let parts = |x: &Var| (x.narrow(-2, 0, m), x.narrow(-2, m, n));
        let ((q, r), (of_q, of_r)) = (parts(y), parts(g));
        let inner = of_r.matmul(&r.t()) - q.t().matmul(&of_q);
        let whole = of_q + q.matmul(&mirrored(&inner));
        r.solve_triangular(&whole.t(), true).t()
    }
}

impl Var {
    /// Q with orthonormal columns and upper triangular R such that A = Q·R. Derivatives exist where the first columns, as many as Q has, are
    /// independent.
    ///
    /// Shapes, with k the smaller of m and n: `[…, m, n]` → `[…, m, k]` and `[…, k, n]`.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let a = Var::leaf(tensor![[3., 1.], [4., 7.]]);
    /// let (q, r) = a.qr();
    /// assert!(q.matmul(&r).value().allclose(a.value(), 1e-5, 0.0));
    /// ```
    #[track_caller]
    pub fn qr(&self) -> (Var, Var) {
        let [m, n] = matrix("qr", self);
        if m < n {
            let (q, r) = self.narrow(-1, 0, m).qr();
            let rest = q.t().matmul(&self.narrow(-1, m, n - m));
            return (q, Var::cat(&[&r, &rest], -1));
        }
        let both = Qr.apply([self]);
        (both.narrow(-2, 0, m), both.narrow(-2, m, n))
    }

    /// As [`qr`](Var::qr), with square Q. Its columns beyond those of `qr` are any that complete the basis; they are constants, and no
    /// gradient flows through them.
    ///
    /// Shapes: `[…, m, n]` → `[…, m, m]` and `[…, m, n]`.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn qr_complete(&self) -> (Var, Var) {
        let (q, r) = self.qr();
        let [m, n] = matrix("qr", self);
        if m <= n {
            return (q, r);
        }
        let rest = Var::constant(self.value().qr(true).0.narrow(-1, n, m - n));
        let zeros = Tensor::zeros([&self.shape()[..self.rank() - 2], &[m - n, n]].concat(), self.dtype());
        (Var::cat(&[&q, &rest], -1), Var::cat(&[&r, &Var::constant(zeros)], -2))
    }
}

/// Q and R with signs that make the diagonal of R positive, which leaves nothing to chance.
fn positive(q: &Var, r: &Var) -> [Var; 2] {
    let signs = r.narrow(-1, 0, r.size(-2)).diagonal(0, -2, -1);
    let signs = Var::constant(signs.sign().value()).diag_embed(0, -2, -1);
    [q.matmul(&signs), signs.matmul(r)]
}

fn sample(d: &mut Draw) -> Sample {
    let (batch, m, n) = (batch(d), d.size(), d.size());
    let source = "{ let [q, r] = positive(made_graded(x[0]).qr()); q.sin().matmul(&r) }";
    Sample::new([any(d, &batch, m, n)], source, |x| {
        let (q, r) = made_graded(&x[0]).qr();
        let [q, r] = positive(&q, &r);
        q.sin().matmul(&r)
    })
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[Declaration::new(
    Family::Composite,
    "qr",
    "linalg.qr",
    "Q and R with Q·R = A",
    "(g_Q + Q·sym(g_R·Rᵀ - Qᵀ·g_Q))·R⁻ᵀ",
    sample,
)];
