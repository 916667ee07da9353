//! LU factors.
//!
//! Source of the rule: de Hoog, Anderssen and Lukas, Differentiation of matrix functionals using triangular factorization, 2011.

use chainrule_tensor::{Lu, Tensor};

use super::parts::{Known, batch, eye_like, matrix, regular, square};
use crate::declare::{Declaration, Family, Sample};
use crate::op::Op;
use crate::var::Var;

/// L below the diagonal and U from it on.
struct Factor {
    lu: Known<Lu>,
}

impl Op<1> for Factor {
    fn name(&self) -> &'static str {
        "lu_factor"
    }
    fn forward(&self, [a]: [&Tensor; 1]) -> Tensor {
        self.lu.at(a, Tensor::lu_factor).packed()
    }
    fn backward(&self, _: usize, g: &Var, [a]: [&Var; 1], y: &Var) -> Var {
        let [m, n] = [a.size(-2), a.size(-1)];
        let k = m.min(n);
        let part = |x: &Var, row: usize, column: usize| {
            let rows = if row == 0 { k } else { m - k };
            x.narrow(-2, row, rows).narrow(-1, column, if column == 0 { k } else { n - k })
        };
        let (y1, g1) = (part(y, 0, 0), part(g, 0, 0));
        let l1 = y1.tril(-1) + eye_like(&y1);
        let of_u1 = g1.triu(0);
        let (wide, tall) = (n > k, m > k);
        let mut below = l1.t().matmul(&g1.tril(-1)) - of_u1.matmul(&y1.triu(0).t());
        if wide {
            below = below - part(g, 0, k).matmul(&part(y, 0, k).t());
        }
        below = below.tril(-1);
        let up = y1.t();
        let by_l = |x: &Var| up.solve_triangular_with(x, true, true, true); // L₁⁻ᵀ·x
        let by_u = |x: &Var| up.solve_triangular_with(x, false, false, false); // x·U₁⁻ᵀ
        let turned = match tall {
            true => by_u(&(below - part(y, k, 0).t().matmul(&part(g, k, 0)).triu(0))),
            false => without_last_pivot(&below, &up),
        };
        let mut of_a = by_l(&(of_u1 + turned));
        if wide {
            of_a = Var::cat(&[&of_a, &by_l(&part(g, 0, k))], -1);
        }
        if tall {
            of_a = Var::cat(&[&of_a, &by_u(&part(g, k, 0))], -2);
        }
        let order = self.lu.at(a.value(), Tensor::lu_factor).order();
        in_order(&of_a, &inverse(&order))
    }
}

/// x·U⁻ᵀ for x with zeros in its last column, which the last pivot, 0 in a singular matrix, then has no part in.
#[track_caller]
fn without_last_pivot(x: &Var, u_transposed: &Var) -> Var {
    let k = x.size(-1);
    if k == 0 {
        return x.clone();
    }
    let leading = u_transposed.narrow(-1, 0, k - 1).narrow(-2, 0, k - 1);
    let solved = leading.solve_triangular_with(&x.narrow(-1, 0, k - 1), false, false, false);
    Var::cat(&[&solved, &x.narrow(-1, k - 1, 1)], -1)
}

/// The rows of each matrix in the order that `order` gives.
#[track_caller]
fn in_order(x: &Var, order: &Tensor) -> Var {
    let batch: Vec<usize> = x.shape()[..x.rank() - 2].to_vec();
    let rows = order.broadcast_to([&batch[..], &[x.size(-2)]].concat()).unsqueeze(-1);
    x.gather(-2, &rows.broadcast_to(x.shape()).contiguous())
}

/// The order that puts things back.
fn inverse(order: &Tensor) -> Tensor {
    order.argsort(-1, false)
}

impl Var {
    /// P, L and U with A = P·L·U, this variable being A: P a permutation, L lower triangular with ones on the diagonal and U upper triangular. No
    /// gradient flows through P.
    ///
    /// Shapes, with k the smaller of m and n: `[…, m, n]` → `[…, m, m]`, `[…, m, k]` and `[…, k, n]`.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (p, l, u) = Var::leaf(tensor![[0., 2.], [4., 8.]]).lu();
    /// assert_eq!(p.matmul(l.matmul(&u).value()).to_vec::<f32>(), [0., 2., 4., 8.]);
    /// ```
    #[track_caller]
    pub fn lu(&self) -> (Tensor, Var, Var) {
        let (packed, order) = self.lu_factor();
        let [m, n] = matrix("lu", self);
        let k = m.min(n);
        let ones = Var::constant(Tensor::eye(m.max(n), self.dtype())).narrow(0, 0, m).narrow(1, 0, k);
        let l = packed.narrow(-1, 0, k).tril(-1) + ones;
        let p = inverse(&order).one_hot(m, self.dtype());
        (p, l, packed.narrow(-2, 0, k).triu(0))
    }

    /// L below the diagonal and U from it on in one matrix, and the order of rows (`i64`): row `i` of L·U is row `order[i]` of this variable.
    ///
    /// Shapes: `[…, m, n]` → `[…, m, n]` and `[…, m]`.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn lu_factor(&self) -> (Var, Tensor) {
        matrix("lu", self);
        let lu = self.value().lu_factor();
        let order = lu.order();
        (Factor { lu: Known::new(self.value(), lu) }.apply([self]), order)
    }

    /// The X with A·X = B, this variable being B, from what [`lu_factor`](Var::lu_factor) gave for A.
    ///
    /// Shapes: `[…, n, k]`, `[…, n, n]` and `[…, n]` → `[…, n, k]`.
    ///
    /// # Panics
    /// When the factors are not square, or shapes or types do not fit.
    #[track_caller]
    pub fn lu_solve(&self, factors: &Var, order: &Tensor) -> Var {
        square("lu_solve", factors);
        let [n, k] = matrix("lu_solve", self);
        let batch = &factors.shape()[..factors.rank() - 2];
        let b = match chainrule_tensor::broadcast_shapes(batch, &self.shape()[..self.rank() - 2]) {
            Some(batch) => self.broadcast_to([&batch[..], &[n, k]].concat()),
            None => panic!("lu_solve: batches do not broadcast: {} and {}", self.to_shape(), factors.to_shape()),
        };
        let y = factors.solve_triangular_with(&in_order(&b, order), false, true, true);
        factors.solve_triangular(&y, true)
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "lu_factor",
        "linalg.lu_factor",
        "L and U with P·L·U = A",
        "P·L⁻ᵀ·(…)·U⁻ᵀ",
        |d| {
            let (batch, n, more, tall) = (batch(d), d.positive_size(), d.below(3), d.flag());
            let a = regular(d, &batch, n + more);
            let a = a.narrow(if tall { -1 } else { -2 }, 0, n).flip(&[-2]);
            Sample::new([a.deep_copy()], "x[0].lu_factor().0", |x| x[0].lu_factor().0).regular()
        },
    ),
    Declaration::new(
        Family::Composite,
        "lu",
        "linalg.lu",
        "P, L and U with P·L·U = A",
        "P·L⁻ᵀ·(…)·U⁻ᵀ",
        |d| {
            let (batch, n) = (batch(d), d.size());
            let source = "{ let (_, l, u) = x[0].lu(); l.sin() + u }";
            Sample::new([regular(d, &batch, n)], source, |x| {
                let (_, l, u) = x[0].lu();
                l.sin() + u
            })
            .regular()
        },
    ),
    Declaration::new(Family::Composite, "lu_solve", "linalg.lu_solve", "A⁻¹·B", "of its parts", |d| {
        let (batch, n, k) = (batch(d), d.size(), d.size());
        let inputs = [d.reals(&[n, k]), regular(d, &batch, n)];
        let source = "{ let (lu, order) = x[1].lu_factor(); x[0].lu_solve(&lu, &order) }";
        Sample::new(inputs, source, |x| {
            let (lu, order) = x[1].lu_factor();
            x[0].lu_solve(&lu, &order)
        })
    }),
];
