//! Systems of equations, and inverses.
//!
//! Source of the rules: Giles, An extended collection of matrix derivative results for forward and reverse mode algorithmic differentiation, 2008.

use chainrule_tensor::{LinalgError, Lu, Tensor};

use super::parts::{Known, accept, batch, matrix, regular, square};
use crate::declare::{Declaration, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// X with A·X = B, or with Aᵀ·X = B. Singular matrices give infinities or NaN.
pub(super) struct Solve {
    pub(super) lu: Known<Lu>,
    pub(super) transposed: bool,
}

impl Op<2> for Solve {
    fn name(&self) -> &'static str {
        "solve"
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        self.lu.at(a, Tensor::lu_factor).solve(b, self.transposed)
    }
    fn backward(&self, wrt: usize, g: &Var, [a, _]: [&Var; 2], x: &Var) -> Var {
        let of_b = Solve { lu: self.lu.clone(), transposed: !self.transposed }.apply([a, g]);
        match (wrt, self.transposed) {
            (0, false) => -of_b.matmul(&x.t()),
            (0, true) => -x.matmul(&of_b.t()),
            _ => of_b,
        }
    }
}

struct Inverse;
impl Op<1> for Inverse {
    fn name(&self) -> &'static str {
        "inv"
    }
    fn saves(&self) -> Saves {
        Saves::Output
    }
    fn forward(&self, [a]: [&Tensor; 1]) -> Tensor {
        a.lu_factor().inverse()
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], y: &Var) -> Var {
        -y.t().matmul(&g.matmul(&y.t()))
    }
}

impl Var {
    /// The inverse of each matrix.
    ///
    /// Shapes: `[…, n, n]` → `[…, n, n]`. Solving is quicker and more exact than multiplying by an inverse.
    ///
    /// # Panics
    /// When a matrix is singular or not square.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let y = Var::leaf(tensor![[2., 0.], [0., 4.]]).inv();
    /// assert_eq!(y.value().to_vec::<f32>(), [0.5, 0., 0., 0.25]);
    /// ```
    #[track_caller]
    pub fn inv(&self) -> Var {
        accept(self.try_inv())
    }

    /// As [`inv`](Var::inv), for matrices from outside.
    ///
    /// # Errors
    /// When a matrix is singular.
    ///
    /// # Panics
    /// When the matrices are not square.
    #[track_caller]
    pub fn try_inv(&self) -> Result<Var, LinalgError> {
        square("inv", self);
        self.value().lu_factor().regular("inv")?;
        Ok(Inverse.apply([self]))
    }

    /// The x with A·x = b, this variable being A. As in PyTorch, b counts as vectors when it has one axis, or the shape of A without the last
    /// axis; else as matrices.
    ///
    /// Shapes: `[…, n, n]` and `[…, n, k]` → `[…, n, k]`, over batches that broadcast; or `[…, n, n]` and `[…, n]` → `[…, n]`.
    ///
    /// # Panics
    /// When a matrix is singular or not square, or shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let a = Var::leaf(tensor![[2., 0.], [0., 4.]]);
    /// assert_eq!(a.solve(&Var::constant(tensor![2., 2.])).value().to_vec::<f32>(), [1., 0.5]);
    /// ```
    #[track_caller]
    pub fn solve(&self, b: &Var) -> Var {
        accept(self.try_solve(b))
    }

    /// As [`solve`](Var::solve), for matrices from outside.
    ///
    /// # Errors
    /// When a matrix is singular.
    ///
    /// # Panics
    /// When the matrices are not square, or shapes or types do not fit.
    #[track_caller]
    pub fn try_solve(&self, b: &Var) -> Result<Var, LinalgError> {
        square("solve", self);
        if b.rank() == 1 || b.shape() == &self.shape()[..self.rank() - 1] {
            return Ok(self.try_solve(&b.unsqueeze(-1))?.squeeze(&[-1]));
        }
        matrix("solve", b);
        let lu = self.value().lu_factor();
        lu.regular("solve")?;
        Ok(Solve { lu: Known::new(self.value(), lu), transposed: false }.apply([self, b]))
    }

    /// The X with X·A = B, this variable being A.
    ///
    /// Shapes: `[…, n, n]` and `[…, k, n]` → `[…, k, n]`.
    ///
    /// # Panics
    /// When a matrix is singular or not square, or shapes or types do not fit.
    #[track_caller]
    pub fn solve_right(&self, b: &Var) -> Var {
        square("solve", self);
        matrix("solve", b);
        let (a, b) = (self.t(), b.t());
        let lu = a.value().lu_factor();
        accept(lu.regular("solve"));
        Solve { lu: Known::new(a.value(), lu), transposed: false }.apply([&a, &b]).t()
    }

    /// The x with `tensordot(A, x, x.rank()) = b`, this variable being A: the equations are its first axes, as many as b has.
    ///
    /// Shapes: `[b…, x…]` and `[b…]` → `[x…]`, the lengths of both having the same product.
    ///
    /// # Panics
    /// When shapes or types do not fit, or the equations are singular.
    #[track_caller]
    pub fn tensorsolve(&self, b: &Var) -> Var {
        let unknowns = self.shape().get(b.rank()..).unwrap_or(&[]).to_vec();
        let (n, k) = (b.len(), unknowns.iter().product::<usize>());
        assert!(
            self.shape().starts_with(b.shape()) && n == k,
            "tensorsolve: {} is no square system for a right side of shape {}",
            self.to_shape(),
            b.to_shape()
        );
        self.reshape([n, k]).solve(&b.reshape([n])).reshape(unknowns)
    }

    /// The inverse of the map `x ↦ tensordot(A, x, x.rank())`, this variable being A, whose results have the first `axes` axes.
    ///
    /// Shapes: `[b…, x…]` → `[x…, b…]`.
    ///
    /// # Panics
    /// When the lengths of both groups have different products, or the map is singular.
    #[track_caller]
    pub fn tensorinv(&self, axes: usize) -> Var {
        assert!(axes <= self.rank(), "tensorinv: {axes} axes of shape {}", self.to_shape());
        let (results, unknowns) = self.shape().split_at(axes);
        let (n, k) = (results.iter().product::<usize>(), unknowns.iter().product::<usize>());
        assert!(n == k, "tensorinv: {results:?} and {unknowns:?} of {} hold {n} and {k} numbers", self.to_shape());
        self.reshape([n, k]).inv().reshape([unknowns, results].concat())
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "inv", "linalg.inv", "A⁻¹", "-A⁻ᵀ·g·A⁻ᵀ", |d| {
        let (batch, n) = (batch(d), d.size());
        Sample::new([regular(d, &batch, n)], "x[0].inv()", |x| x[0].inv())
    }),
    Declaration::new(Family::Composite, "solve", "linalg.solve", "A⁻¹·B", "-A⁻ᵀ·g·Xᵀ, A⁻ᵀ·g", |d| {
        let (batch, n) = (batch(d), d.size());
        let a = regular(d, &batch, n);
        let b = match d.below(4) {
            0 => vec![n],
            1 => [&batch[..], &[n]].concat(),
            2 => [&batch[..], &[n, 2]].concat(),
            _ => vec![n, 3],
        };
        Sample::new([a, d.reals(&b)], "x[0].solve(&x[1])", |x| x[0].solve(&x[1]))
    }),
    Declaration::new(Family::Composite, "solve_right", "linalg.solve", "B·A⁻¹", "of its parts", |d| {
        let (batch, n, k) = (batch(d), d.size(), d.size());
        let inputs = [regular(d, &batch, n), d.reals(&[k, n])];
        Sample::new(inputs, "x[0].solve_right(&x[1])", |x| x[0].solve_right(&x[1]))
    }),
    Declaration::new(Family::Composite, "tensorsolve", "linalg.tensorsolve", "A⁻¹·b", "of its parts", |d| {
        let (m, n) = (d.positive_size().min(2), d.positive_size().min(3));
        let inputs = [regular(d, &[], m * n).reshape([m, n, n, m]), d.reals(&[m, n])];
        Sample::new(inputs, "x[0].tensorsolve(&x[1])", |x| x[0].tensorsolve(&x[1]))
    }),
    Declaration::new(Family::Composite, "tensorinv", "linalg.tensorinv", "A⁻¹", "of its parts", |d| {
        let (m, n) = (d.positive_size().min(2), d.positive_size().min(3));
        let inputs = [regular(d, &[], m * n).reshape([m, n, n * m])];
        Sample::new(inputs, "x[0].tensorinv(2)", |x| x[0].tensorinv(2))
    }),
];
