//! Norms and condition numbers of matrices.

use chainrule_tensor::normalise_axis;

use super::parts::{any, batch, graded, made_graded, square};
use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

/// How large a matrix is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatrixNorm {
    /// Frobenius: the root of the sum of all squares.
    #[default]
    Fro,
    /// Nuclear: the sum of the singular values.
    Nuc,
    /// The largest sum of absolute values of a row.
    Inf,
    /// The smallest sum of absolute values of a row.
    NegInf,
    /// The largest sum of absolute values of a column.
    One,
    /// The smallest sum of absolute values of a column.
    NegOne,
    /// Spectral: the largest singular value.
    Two,
    /// The smallest singular value.
    NegTwo,
}

impl Var {
    /// The norm of the matrices that the two `axes` form, rows first. With `keep` they stay, with length 1.
    ///
    /// Where a norm has a kink, the gradient is 0 for the Frobenius norm of 0, and shared evenly among equal rows or columns. That of equal singular values
    /// is also shared.
    ///
    /// # Panics
    /// When an axis does not exist, both are the same, or the largest or smallest of nothing is asked for.
    ///
    /// ```
    /// # use chainrule_autodiff::{MatrixNorm, Var};
    /// # use chainrule_tensor::tensor;
    /// let a = Var::leaf(tensor![[3., 0.], [0., -4.]]);
    /// assert_eq!(a.matrix_norm(MatrixNorm::Fro, [-2, -1], false).item(), 5.0);
    /// assert_eq!(a.matrix_norm(MatrixNorm::Nuc, [-2, -1], false).item(), 7.0);
    /// ```
    #[track_caller]
    pub fn matrix_norm(&self, norm: MatrixNorm, axes: [isize; 2], keep: bool) -> Var {
        let rank = self.rank();
        let [row, column] = axes.map(|axis| normalise_axis("matrix_norm", axis, rank));
        assert!(row != column, "matrix_norm: both axes of {axes:?} are axis {row} of {}", self.to_shape());
        let order: Vec<isize> =
            (0..rank).filter(|&i| i != row && i != column).chain([row, column]).map(|i| i as isize).collect();
        let sorted = order.iter().enumerate().all(|(i, &axis)| i as isize == axis);
        let a = if sorted { self.clone() } else { self.permute(&order) };
        let found = match norm {
            MatrixNorm::Fro => a.norm(&[-2, -1], false),
            MatrixNorm::Nuc => a.svdvals().sum_axes(&[-1], false),
            MatrixNorm::Inf => a.abs().sum_axes(&[-1], false).amax(&[-1], false),
            MatrixNorm::NegInf => a.abs().sum_axes(&[-1], false).amin(&[-1], false),
            MatrixNorm::One => a.abs().sum_axes(&[-2], false).amax(&[-1], false),
            MatrixNorm::NegOne => a.abs().sum_axes(&[-2], false).amin(&[-1], false),
            MatrixNorm::Two => a.svdvals().amax(&[-1], false),
            MatrixNorm::NegTwo => a.svdvals().amin(&[-1], false),
        };
        match keep {
            true => found.reshape(self.to_shape().reduced(&[row, column], true)),
            false => found,
        }
    }

    /// The condition number: by how much solving equations may magnify relative errors. The ratio of the largest to the smallest singular value for
    /// [`MatrixNorm::Two`], its inverse for `NegTwo`, else ‖A‖·‖A⁻¹‖.
    ///
    /// Shapes: `[…, m, n]` → `[…]`; square for others than the two.
    ///
    /// # Panics
    /// When matrices are empty or, for other norms, not square or singular.
    ///
    /// ```
    /// # use chainrule_autodiff::{MatrixNorm, Var};
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::leaf(tensor![[8., 0.], [0., -2.]]).cond(MatrixNorm::Two).item(), 4.0);
    /// ```
    #[track_caller]
    pub fn cond(&self, norm: MatrixNorm) -> Var {
        match norm {
            MatrixNorm::Two | MatrixNorm::NegTwo => {
                let s = self.svdvals();
                assert!(s.size(-1) > 0, "cond: an empty matrix has no condition number; shape {}", self.to_shape());
                let (first, last) = (s.select(-1, 0), s.select(-1, -1));
                if norm == MatrixNorm::Two { first / last } else { last / first }
            }
            _ => {
                square("cond", self);
                self.matrix_norm(norm, [-2, -1], false) * self.inv().matrix_norm(norm, [-2, -1], false)
            }
        }
    }
}

const NORMS: [MatrixNorm; 8] = [
    MatrixNorm::Fro,
    MatrixNorm::Nuc,
    MatrixNorm::Inf,
    MatrixNorm::NegInf,
    MatrixNorm::One,
    MatrixNorm::NegOne,
    MatrixNorm::Two,
    MatrixNorm::NegTwo,
];

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "matrix_norm", "linalg.matrix_norm", "‖A‖", "of its parts", |d| {
        let (batch, m, n, keep) = (batch(d), d.positive_size(), d.positive_size(), d.flag());
        let (norm, axes) = (d.pick(&NORMS), d.pick(&[[-2, -1], [0, 1], [-1, -2]]));
        let a = graded(d, &batch, m, n);
        let axes = if batch.is_empty() { axes } else { [-2, -1] };
        let source = format!("x[0].matrix_norm(MatrixNorm::{norm:?}, {axes:?}, {keep})");
        Sample::new([a], source, move |x| x[0].matrix_norm(norm, axes, keep))
    }),
    Declaration::new(Family::Composite, "cond", "linalg.cond", "‖A‖·‖A⁻¹‖", "of its parts", |d| {
        let (batch, n, norm) = (batch(d), d.range(2, 4), d.pick(&NORMS)); // of 1 × 1, it is 1
        let source = format!("made_graded(x[0]).cond(MatrixNorm::{norm:?})");
        Sample::new([any(d, &batch, n, n)], source, move |x| made_graded(&x[0]).cond(norm))
    }),
];
