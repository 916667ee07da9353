//! Determinants.
//!
//! Source of the rules: Giles, An extended collection of matrix derivative results, 2008; for singular matrices, the cofactors from a singular value
//! decomposition: Stewart, On the adjugate matrix, 1998.

use chainrule_tensor::{Comparison, Lu, Tensor};

use super::parts::{Known, batch, eye_like, regular, square};
use super::solve::Solve;
use crate::declare::{Declaration, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

struct Det {
    lu: Known<Lu>,
}

impl Op<1> for Det {
    fn name(&self) -> &'static str {
        "det"
    }
    fn forward(&self, [a]: [&Tensor; 1]) -> Tensor {
        self.lu.at(a, Tensor::lu_factor).det()
    }
    fn backward(&self, _: usize, g: &Var, [a]: [&Var; 1], y: &Var) -> Var {
        match self.lu.at(a.value(), Tensor::lu_factor).regular("det") {
            Ok(()) => per_matrix(&(g * y)) * transposed_inverse(&self.lu, a),
            Err(_) => per_matrix(g) * cofactors(a),
        }
    }
}

/// log |det A|
struct LogDet {
    lu: Known<Lu>,
}

impl Op<1> for LogDet {
    fn name(&self) -> &'static str {
        "slogdet"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [a]: [&Tensor; 1]) -> Tensor {
        self.lu.at(a, Tensor::lu_factor).slogdet().1
    }
    fn backward(&self, _: usize, g: &Var, [a]: [&Var; 1], _: &Var) -> Var {
        per_matrix(g) * transposed_inverse(&self.lu, a)
    }
}

/// A number for each matrix, to multiply all its elements: `[…]` → `[…, 1, 1]`.
fn per_matrix(x: &Var) -> Var {
    x.reshape([x.shape(), &[1, 1]].concat())
}

fn transposed_inverse(lu: &Known<Lu>, a: &Var) -> Var {
    Solve { lu: lu.clone(), transposed: true }.apply([a, &eye_like(a)])
}

/// The derivative of the determinant, of singular matrices, too.
///
/// With A = U·diag(s)·Vᵀ and U and V held fast, B = Uᵀ·A·V is diagonal, and near there its cofactors are products of the diagonal, but for
/// one factor on it and two beside it. That is exact, and so is its derivative, whichever singular values are equal or 0.
fn cofactors(a: &Var) -> Var {
    let svd = a.value().svd(false);
    let (n, zero) = (a.size(-1), Tensor::scalar(0.0, a.dtype()));
    let (u, vh) = (Var::constant(&svd.u), Var::constant(&svd.vh));
    let b = u.t().matmul(a).matmul(&vh.t());
    let (on, position) = (b.diagonal(0, -2, -1), Tensor::arange(0.0, n as f64, 1.0, a.dtype()));
    let one = Tensor::scalar(1.0, a.dtype());
    let mut but_one = Var::constant(svd.s.ones_like()); // [.., i]: all but i
    let mut but_two = b.value().ones_like(); // [.., i, j]: all but i and j
    for k in 0..n {
        let is_k = position.compare_scalar(Comparison::Eq, k as f64);
        but_one = but_one * Var::choose(&is_k, Var::constant(&one), on.narrow(-1, k, 1));
        let either = is_k.logical_or(&is_k.unsqueeze(-1));
        but_two = but_two * either.choose(&one, &svd.s.narrow(-1, k, 1).unsqueeze(-1));
    }
    let beside = Tensor::eye(n, a.dtype()).compare_scalar(Comparison::Eq, 0.0).choose(&but_two, &zero);
    let cofactors = but_one.diag_embed(0, -2, -1) - b.t() * Var::constant(beside);
    let sign = svd.u.lu_factor().slogdet().0 * svd.vh.lu_factor().slogdet().0;
    per_matrix(&Var::constant(sign)) * u.matmul(&cofactors).matmul(&vh)
}

impl Var {
    /// The determinant of each matrix. Singular matrices have first and second derivatives, too; higher ones are exact for regular matrices alone.
    ///
    /// Shapes: `[…, n, n]` → `[…]`.
    ///
    /// # Panics
    /// When the matrices are not square.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let a = Var::leaf(tensor![F64; [1., 2.], [3., 4.]]);
    /// let det = a.det();
    /// assert!((det.item() + 2.0).abs() < 1e-14);
    /// assert!(det.backward()[&a].allclose(&tensor![F64; [4., -3.], [-2., 1.]], 1e-14, 0.0)); // the cofactors
    /// ```
    #[track_caller]
    pub fn det(&self) -> Var {
        square("det", self);
        Det { lu: Known::new(self.value(), self.value().lu_factor()) }.apply([self])
    }

    /// The sign of each determinant, which is a constant, and the logarithm of its absolute value, which does not overflow. Singular matrices have
    /// sign 0, logarithm −∞, and no finite gradient.
    ///
    /// Shapes: `[…, n, n]` → `[…]` and `[…]`.
    ///
    /// # Panics
    /// When the matrices are not square.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (sign, log) = Var::leaf(tensor![[0., 2.], [3., 0.]]).slogdet();
    /// assert!(sign.item() == -1.0 && (log.item() - 6f64.ln()).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn slogdet(&self) -> (Tensor, Var) {
        square("slogdet", self);
        let lu = self.value().lu_factor();
        let sign = lu.slogdet().0;
        (sign, LogDet { lu: Known::new(self.value(), lu) }.apply([self]))
    }

    /// The logarithm of each determinant; NaN where it is negative, −∞ where it is 0.
    ///
    /// Shapes: `[…, n, n]` → `[…]`.
    ///
    /// # Panics
    /// When the matrices are not square.
    #[track_caller]
    pub fn logdet(&self) -> Var {
        let (sign, log) = self.slogdet();
        let number = |x: f64| Tensor::scalar(x, log.dtype());
        &log + Var::constant(sign.compare_scalar(Comparison::Lt, 0.0).choose(&number(f64::NAN), &number(0.0)))
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "det", "linalg.det", "det A", "g·det A·A⁻ᵀ", |d| {
        let (batch, n) = (batch(d), d.size());
        let shape = [&batch[..], &[n, n]].concat();
        Sample::new([d.reals(&shape)], "x[0].det()", |x| x[0].det())
    }),
    Declaration::new(Family::Composite, "slogdet", "linalg.slogdet", "log |det A|", "g·A⁻ᵀ", |d| {
        let (batch, n) = (batch(d), d.size());
        Sample::new([regular(d, &batch, n)], "x[0].slogdet().1", |x| x[0].slogdet().1)
    }),
    Declaration::new(Family::Composite, "logdet", "logdet", "log det A", "g·A⁻ᵀ", |d| {
        let (batch, n) = (batch(d), d.size());
        Sample::new([regular(d, &batch, n)], "x[0].logdet()", |x| x[0].logdet())
    }),
];
