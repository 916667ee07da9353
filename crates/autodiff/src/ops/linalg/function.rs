//! Functions of square matrices, and products of reflections.

use chainrule_tensor::{Shape, Tensor};

use super::parts::{batch, eye_like, regular, square};
use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

/// Numerator coefficients of the Padé approximant of degree 13; the denominator has the same with alternating signs.
const PADE: [f64; 14] = [
    64764752532480000.0,
    32382376266240000.0,
    7771770303897600.0,
    1187353796428800.0,
    129060195264000.0,
    10559470521600.0,
    670442572800.0,
    33522128640.0,
    1323241920.0,
    40840800.0,
    960960.0,
    16380.0,
    182.0,
    1.0,
];
/// The norm up to which it is exact to rounding in `f64`.
const REACH: f64 = 5.371920351148152;

impl Var {
    /// Each matrix multiplied by itself n times; the identity for 0, powers of the inverse for negative n.
    ///
    /// Shapes: `[…, n, n]` → `[…, n, n]`.
    ///
    /// # Panics
    /// When the matrices are not square, or singular and n is negative.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let a = Var::leaf(tensor![[1., 1.], [0., 1.]]);
    /// assert_eq!(a.matrix_power(5).value().to_vec::<f32>(), [1., 5., 0., 1.]);
    /// ```
    #[track_caller]
    pub fn matrix_power(&self, n: i64) -> Var {
        square("matrix_power", self);
        if n < 0 {
            return self.inv().positive_power(n.unsigned_abs());
        }
        self.positive_power(n as u64)
    }

    #[track_caller]
    fn positive_power(&self, mut n: u64) -> Var {
        let mut product: Option<Var> = None;
        let mut square = self.clone();
        while n > 0 {
            if n % 2 == 1 {
                product = Some(product.map_or(square.clone(), |product| product.matmul(&square)));
            }
            n /= 2;
            if n > 0 {
                square = square.matmul(&square);
            }
        }
        product.unwrap_or_else(|| eye_like(self).broadcast_to(self.shape()))
    }

    /// The exponential Σ Aⁱ / i! of each matrix.
    ///
    /// Shapes: `[…, n, n]` → `[…, n, n]`.
    ///
    /// Source: Higham, The scaling and squaring method for the matrix exponential revisited, 2005.
    ///
    /// # Panics
    /// When the matrices are not square.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let y = Var::leaf(tensor![F64; [0., 2.], [0., 0.]]).matrix_exp();
    /// assert!(y.value().allclose(&tensor![F64; [1., 2.], [0., 1.]], 0.0, 1e-15));
    /// ```
    #[track_caller]
    pub fn matrix_exp(&self) -> Var {
        square("matrix_exp", self);
        if self.value().is_empty() {
            return self.clone();
        }
        let norm = Var::constant(self.value()).abs().sum_axes(&[-2], false).value().max(&[], false).item();
        let squarings = if norm.is_finite() { (norm / REACH).log2().ceil().max(0.0) as usize } else { 0 };
        let a = self * (-(squarings as f64)).exp2();
        let a2 = a.matmul(&a);
        let a4 = a2.matmul(&a2);
        let a6 = a4.matmul(&a2);
        let one = eye_like(self);
        let sum =
            |first: usize| &a6 * PADE[first + 6] + &a4 * PADE[first + 4] + &a2 * PADE[first + 2] + &one * PADE[first];
        let high = |first: usize| &a6 * PADE[first + 12] + &a4 * PADE[first + 10] + &a2 * PADE[first + 8];
        let odd = a.matmul(&(a6.matmul(&high(1)) + sum(1)));
        let even = a6.matmul(&high(0)) + sum(0);
        let mut y = (&even - &odd).solve(&(&even + &odd));
        for _ in 0..squarings {
            y = y.matmul(&y);
        }
        y
    }

    /// The first columns of the product of reflections I − τᵢ·vᵢ·vᵢᵀ, whose vectors v are the columns of this variable: 0 above the
    /// diagonal and 1 on it, neither of which is read. What LAPACK calls `orgqr`.
    ///
    /// Shapes: `[…, m, n]` and `[…, k]`, k ≤ n ≤ m → `[…, m, n]`.
    ///
    /// # Panics
    /// When shapes or types do not fit.
    #[track_caller]
    pub fn householder_product(&self, tau: &Var) -> Var {
        let fits = self.rank() >= 2
            && self.size(-1) <= self.size(-2)
            && tau.rank() + 1 == self.rank()
            && tau.size(-1) <= self.size(-1)
            && tau.shape()[..tau.rank() - 1] == self.shape()[..self.rank() - 2];
        assert!(fits, "householder_product: {} reflections of {}", tau.to_shape(), self.to_shape());
        let [m, n] = [self.size(-2), self.size(-1)];
        let eye = Tensor::eye(m, self.dtype()).narrow(-1, 0, n);
        let shape: Shape = self.to_shape();
        let mut q = Var::constant(eye.broadcast_to(shape));
        for i in (0..tau.size(-1)).rev() {
            // [0 … 0 1 below]
            let below = self.narrow(-1, i, 1).narrow(-2, i + 1, m - i - 1);
            let mut top = vec![0.0; i + 1];
            top[i] = 1.0;
            let top = Tensor::from_vec(top, [i + 1, 1]).cast(self.dtype());
            let batch = &self.shape()[..self.rank() - 2];
            let top = Var::constant(top.broadcast_to([batch, &[i + 1, 1]].concat()));
            let v = Var::cat(&[&top, &below], -2);
            q = &q - (tau.narrow(-1, i, 1).unsqueeze(-1) * &v).matmul(&v.t().matmul(&q));
        }
        q
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "matrix_power", "linalg.matrix_power", "Aⁿ", "of its parts", |d| {
        let (batch, n, power) = (batch(d), d.size(), d.pick(&[2, 1, 0, 3, 5, -1, -2, -3]));
        let source = format!("x[0].matrix_power({power})");
        Sample::new([regular(d, &batch, n)], source, move |x| x[0].matrix_power(power))
    }),
    Declaration::new(Family::Composite, "matrix_exp", "linalg.matrix_exp", "Σ Aⁱ / i!", "of its parts", |d| {
        let (batch, n, size) = (batch(d), d.size(), d.pick(&[1.0, 0.1, 4.0]));
        let shape = [&batch[..], &[n, n]].concat();
        Sample::new([d.tensor(&shape, -size, size)], "x[0].matrix_exp()", |x| x[0].matrix_exp())
    }),
    Declaration::new(
        Family::Composite,
        "householder_product",
        "linalg.householder_product",
        "Π (I - τ·v·vᵀ)",
        "of its parts",
        |d| {
            let (batch, n) = (batch(d), d.size());
            let (m, k) = (n + d.below(3), d.below(n + 1));
            let (v, tau) = ([&batch[..], &[m, n]].concat(), [&batch[..], &[k]].concat());
            let inputs = [d.tensor(&v, -1.0, 1.0), d.tensor(&tau, 0.1, 1.9)];
            let source = "x[0].householder_product(&x[1])";
            Sample::new(inputs, source, |x| x[0].householder_product(&x[1]))
        },
    ),
];
