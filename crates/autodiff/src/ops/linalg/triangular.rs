//! Triangular systems.
//!
//! Source of the rule: Giles, An extended collection of matrix derivative results, 2008.

use chainrule_tensor::Tensor;

use super::parts::{batch, matrix, regular, square};
use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::Op;
use crate::var::Var;

/// X with A·X = B, of one triangle of A.
struct SolveTriangular {
    upper: bool,
    unit: bool,
}

impl Op<2> for SolveTriangular {
    fn name(&self) -> &'static str {
        "solve_triangular"
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        a.solve_triangular(b, self.upper, self.unit)
    }
    fn backward(&self, wrt: usize, g: &Var, [a, _]: [&Var; 2], x: &Var) -> Var {
        let of_b = SolveTriangular { upper: !self.upper, unit: self.unit }.apply([&a.t(), g]);
        let strict = isize::from(self.unit);
        match (wrt, self.upper) {
            (0, true) => (-of_b.matmul(&x.t())).triu(strict),
            (0, false) => (-of_b.matmul(&x.t())).tril(-strict),
            _ => of_b,
        }
    }
}

impl Var {
    /// The X with A·X = B, this variable being A, of which only the upper or the lower triangle is read. A gradient arrives in that triangle alone.
    /// A zero on the diagonal gives infinities or NaN.
    ///
    /// Shapes: `[…, n, n]` and `[…, n, k]` → `[…, n, k]`.
    ///
    /// # Panics
    /// When A is not square, or shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let a = Var::leaf(tensor![[2., 9.], [1., 4.]]);
    /// let x = a.solve_triangular(&Var::constant(tensor![[2.], [9.]]), false);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 2.]);
    /// ```
    #[doc(alias("triangular_solve"))]
    #[track_caller]
    pub fn solve_triangular(&self, b: &Var, upper: bool) -> Var {
        self.solve_triangular_with(b, upper, true, false)
    }

    /// As [`solve_triangular`](Var::solve_triangular); unless `left`, the X with X·A = B; and with `unitriangular`, the diagonal is not read and
    /// counts as ones.
    ///
    /// # Panics
    /// As `solve_triangular`.
    #[track_caller]
    pub fn solve_triangular_with(&self, b: &Var, upper: bool, left: bool, unitriangular: bool) -> Var {
        let n = square("solve_triangular", self);
        let [rows, columns] = matrix("solve_triangular", b);
        assert!(
            n == if left { rows } else { columns },
            "solve_triangular: {n} equations, but {rows} × {columns} on the right: {} and {}",
            self.to_shape(),
            b.to_shape()
        );
        match left {
            true => SolveTriangular { upper, unit: unitriangular }.apply([self, b]),
            false => SolveTriangular { upper: !upper, unit: unitriangular }.apply([&self.t(), &b.t()]).t(),
        }
    }
}

fn system(d: &mut Draw) -> ([Tensor; 2], bool, bool) {
    let (batch, n, k, left) = (batch(d), d.size(), d.size(), !d.flag());
    let b = if left { [n, k] } else { [k, n] };
    let wide = if d.flag() { [&batch[..], &b].concat() } else { b.to_vec() };
    ([regular(d, &batch, n), d.reals(&wide)], left, d.flag())
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "solve_triangular",
        "linalg.solve_triangular",
        "A⁻¹·B",
        "-triangle(A⁻ᵀ·g·Xᵀ), A⁻ᵀ·g",
        |d| {
            let (batch, n, k, upper) = (batch(d), d.size(), d.size(), d.flag());
            let inputs = [regular(d, &batch, n), d.reals(&[n, k])];
            let source = format!("x[0].solve_triangular(&x[1], {upper})");
            Sample::new(inputs, source, move |x| x[0].solve_triangular(&x[1], upper))
        },
    ),
    Declaration::new(
        Family::Composite,
        "solve_triangular_with",
        "linalg.solve_triangular",
        "A⁻¹·B or B·A⁻¹",
        "-triangle(A⁻ᵀ·g·Xᵀ), A⁻ᵀ·g",
        |d| {
            let (inputs, left, unit) = system(d);
            let upper = d.flag();
            let source = format!("x[0].solve_triangular_with(&x[1], {upper}, {left}, {unit})");
            Sample::new(inputs, source, move |x| x[0].solve_triangular_with(&x[1], upper, left, unit))
        },
    ),
];
