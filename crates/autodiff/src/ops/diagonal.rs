//! Diagonals and triangles.

use chainrule_tensor::{Tensor, normalise_axis};

use super::part::{Part, PutBack, Take};
use crate::declare::{Declaration, Sample};
use crate::op::Op;
use crate::var::Var;

impl Var {
    /// The elements at which position on axis `b` less position on axis `a` is `offset`, as a new last axis. A view.
    ///
    /// Shape: `[…, n, …, m, …]` → `[…, k]` with the length k of the diagonal, 0 where it lies outside.
    ///
    /// # Panics
    /// When an axis does not exist or both are the same.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2.], [3., 4.]]);
    /// assert_eq!(x.diagonal(0, 0, 1).sum().backward()[&x].to_vec::<f32>(), [1., 0., 0., 1.]);
    /// ```
    #[track_caller]
    pub fn diagonal(&self, offset: isize, a: isize, b: isize) -> Var {
        Take(Part::Diagonal { offset, a, b }).apply([self])
    }

    /// The last axis on the diagonal `offset` of two new axes, which come to stand at `a` and `b`; zeros elsewhere.
    ///
    /// Shape: `[…, k]` → `[…, n, …, n, …]` with n = k + |offset|.
    ///
    /// # Panics
    /// When there are no axes, or `a` and `b` are not two of the result's.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2.]).diag_embed(0, -2, -1);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 0., 0., 2.]);
    /// ```
    #[track_caller]
    pub fn diag_embed(&self, offset: isize, a: isize, b: isize) -> Var {
        let rank = self.rank() + 1;
        let (first, second) = (normalise_axis("diag_embed", a, rank), normalise_axis("diag_embed", b, rank));
        assert!(first != second, "diag_embed: axis {first} with itself");
        let n = self.size(-1) + offset.unsigned_abs();
        let mut whole = self.shape()[..rank - 2].to_vec();
        for axis in [first.min(second), first.max(second)] {
            whole.insert(axis, n);
        }
        PutBack { part: Part::Diagonal { offset, a, b }, whole: whole.into() }.apply([self])
    }

    /// The diagonal of a matrix; of a row, the matrix with that diagonal.
    ///
    /// # Panics
    /// When there are not one or two axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::leaf(tensor![[1., 2.], [3., 4.]]).diag(1).value().to_vec::<f32>(), [2.]);
    /// ```
    #[track_caller]
    pub fn diag(&self, offset: isize) -> Var {
        match self.rank() {
            1 => self.diag_embed(offset, 0, 1),
            2 => self.diagonal(offset, 0, 1),
            _ => panic!("diag: shape {} is no matrix and no row; use diagonal or diag_embed", self.to_shape()),
        }
    }

    /// The sum of a matrix's diagonal.
    ///
    /// # Panics
    /// When there are not two axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::leaf(tensor![[1., 2.], [3., 4.]]).trace().item(), 5.0);
    /// ```
    #[track_caller]
    pub fn trace(&self) -> Var {
        assert!(self.rank() == 2, "trace: shape {} is no matrix", self.to_shape());
        self.diagonal(0, 0, 1).sum()
    }

    /// The lower triangle of each matrix of a batch, where column − row ≤ `diagonal`; zeros elsewhere, whatever stands there.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2.], [3., 4.]]).tril(0);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 0., 3., 4.]);
    /// ```
    #[track_caller]
    pub fn tril(&self, diagonal: isize) -> Var {
        self.masked_fill(&self.lower("tril", diagonal).logical_not(), 0.0)
    }

    /// The upper triangle of each matrix of a batch, where column − row ≥ `diagonal`; zeros elsewhere, whatever stands there.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2.], [3., 4.]]).triu(1);
    /// assert_eq!(x.value().to_vec::<f32>(), [0., 2., 0., 0.]);
    /// ```
    #[track_caller]
    pub fn triu(&self, diagonal: isize) -> Var {
        self.masked_fill(&self.lower("triu", diagonal.saturating_sub(1)), 0.0)
    }

    #[track_caller]
    fn lower(&self, op: &str, diagonal: isize) -> Tensor {
        assert!(self.rank() >= 2, "{op}: shape {} has no matrices", self.to_shape());
        Tensor::lower_triangle(self.size(-2), self.size(-1), diagonal)
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("diagonal", "diagonal", "a diagonal of two axes", "zeros, with g on the diagonal", |d| {
        let shape: Vec<usize> = (0..d.range(2, 4)).map(|_| d.size()).collect();
        let axes = d.order(shape.len());
        let (a, b) = (axes[0] as isize, axes[1] as isize - shape.len() as isize);
        let offset = d.pick(&[0, 1, -1, 2, -2, 9]);
        let source = format!("x[0].diagonal({offset}, {a}, {b})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].diagonal(offset, a, b))
    }),
    Declaration::linear("diag_embed", "diag_embed", "an axis on a diagonal of two", "the diagonal of g", |d| {
        let shape: Vec<usize> = (0..d.range(1, 3)).map(|_| d.size()).collect();
        let axes = d.order(shape.len() + 1);
        let (a, b) = (axes[0] as isize, axes[1] as isize - shape.len() as isize - 1);
        let offset = d.pick(&[0, 1, -1, 2]);
        let source = format!("x[0].diag_embed({offset}, {a}, {b})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].diag_embed(offset, a, b))
    }),
    Declaration::linear("diag", "diag", "a matrix to its diagonal, or back", "back", |d| {
        let shape = [d.size(), d.size()][d.below(2)..].to_vec();
        let offset = d.pick(&[0, 1, -1]);
        Sample::new([d.reals(&shape)], format!("x[0].diag({offset})"), move |x| x[0].diag(offset))
    }),
    Declaration::linear("trace", "trace", "Σᵢ xᵢᵢ", "g on the diagonal", |d| {
        let shape = [d.size(), d.size()];
        Sample::new([d.reals(&shape)], "x[0].trace()", |x| x[0].trace())
    }),
    Declaration::linear("tril", "tril", "the lower triangle", "the lower triangle of g", |d| {
        let shape: Vec<usize> = (0..d.range(2, 4)).map(|_| d.size()).collect();
        let k = d.pick(&[0, 1, -1, 3]);
        Sample::new([d.reals(&shape)], format!("x[0].tril({k})"), move |x| x[0].tril(k))
    }),
    Declaration::linear("triu", "triu", "the upper triangle", "the upper triangle of g", |d| {
        let shape: Vec<usize> = (0..d.range(2, 4)).map(|_| d.size()).collect();
        let k = d.pick(&[0, 1, -1, 3]);
        Sample::new([d.reals(&shape)], format!("x[0].triu({k})"), move |x| x[0].triu(k))
    }),
];
