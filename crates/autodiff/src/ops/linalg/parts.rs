//! Triangles and diagonals, and what the rules of factorisations share.

use chainrule_tensor::{DType, LinalgError, Tensor};

use crate::declare::Draw;
use crate::var::Var;

/// What was computed from a tensor, to be found again when the same tensor comes back.
#[derive(Clone)]
pub(super) struct Known<T> {
    of: Tensor,
    value: T,
}

impl<T: Clone> Known<T> {
    pub(super) fn new(of: &Tensor, value: T) -> Known<T> {
        Known { of: of.clone(), value }
    }

    /// The value for `x`: the known one if `x` is the tensor it belongs to. Holding that tensor keeps its numbers from changing in place.
    #[track_caller]
    pub(super) fn at(&self, x: &Tensor, compute: fn(&Tensor) -> T) -> T {
        let same = self.of.shares_memory(x) && self.of.layout() == x.layout() && self.of.dtype() == x.dtype();
        if same { self.value.clone() } else { compute(x) }
    }
}

/// The value, or a panic on the caller's line that says what is wrong with the matrix.
#[track_caller]
pub(super) fn accept<T>(result: Result<T, LinalgError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

/// The upper triangle mirrored to the lower one.
#[track_caller]
pub(super) fn mirrored(x: &Var) -> Var {
    x.triu(0) + x.triu(1).t()
}

#[track_caller]
pub(super) fn symmetric_part(x: &Var) -> Var {
    (x + x.t()) / 2.0
}

/// `1 / (d[j] − d[i])` beside the diagonal and 0 on it; infinite where two are equal.
#[track_caller]
pub(super) fn inverse_gaps(gaps: &Var) -> Var {
    let diagonal = Tensor::eye(gaps.size(-1), DType::Bool);
    let number = |x: f64| Var::constant(Tensor::scalar(x, gaps.dtype()));
    Var::choose(&diagonal, number(0.0), &(1.0 / Var::choose(&diagonal, number(1.0), gaps)))
}

/// The identity of the last axis, as a constant.
pub(super) fn eye_like(x: &Var) -> Var {
    Var::constant(Tensor::eye(x.size(-1), x.dtype()))
}

/// The rows and columns of matrices, which must be square where it matters.
#[track_caller]
pub(super) fn matrix(op: &str, x: &Var) -> [usize; 2] {
    assert!(x.rank() >= 2, "{op}: needs a matrix, or a batch of them in the last two axes; got shape {}", x.to_shape());
    [x.size(-2), x.size(-1)]
}

#[track_caller]
pub(super) fn square(op: &str, x: &Var) -> usize {
    let [m, n] = matrix(op, x);
    assert!(m == n, "{op}: needs square matrices, got shape {}", x.to_shape());
    n
}

/// A batch for samples: none, small ones, an empty one.
pub(super) fn batch(d: &mut Draw) -> Vec<usize> {
    d.pick(&[vec![], vec![2], vec![2, 1], vec![0]])
}

/// Square matrices with a strong diagonal, which are regular.
pub(super) fn regular(d: &mut Draw, batch: &[usize], n: usize) -> Tensor {
    let shape = [batch, &[n, n]].concat();
    d.tensor(&shape, -1.0, 1.0) + Tensor::eye(n, DType::F64) * (n as f64 + 0.5)
}

/// Matrices of full rank whose singular values differ: a diagonal of different numbers, and a little beside it.
pub(super) fn graded(d: &mut Draw, batch: &[usize], m: usize, n: usize) -> Tensor {
    let shape = [batch, &[m, n]].concat();
    d.tensor(&shape, -0.4, 0.4) + steps(m, n)
}

/// A diagonal of different numbers.
fn steps(m: usize, n: usize) -> Tensor {
    let mut diagonal = vec![0.0; m * n];
    (0..m.min(n)).for_each(|i| diagonal[i * n + i] = 1.5 + 1.25 * i as f64);
    Tensor::from_vec(diagonal, [m, n])
}

/// Matrices of numbers from −1 to 1.
pub(super) fn any(d: &mut Draw, batch: &[usize], m: usize, n: usize) -> Tensor {
    d.tensor(&[batch, &[m, n]].concat(), -1.0, 1.0)
}

/// As [`graded`], made from any numbers: for functions whose derivatives are large near matrices without full rank.
pub(super) fn made_graded(x: &Var) -> Var {
    x.tanh() * 0.4 + Var::constant(steps(x.size(-2), x.size(-1)).cast(x.dtype()))
}
