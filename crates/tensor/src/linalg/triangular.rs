//! Triangular systems.

use super::dense::{View, solve_triangle};
use super::{batch_of, batched, sizes, square};
use crate::tensor::Tensor;

impl Tensor {
    /// The X with A·X = B for triangular A, of which only the upper or the lower triangle is read, and with `unit` not the diagonal, which
    /// then counts as ones. A zero on the diagonal gives infinities or NaN.
    ///
    /// Shapes: `[…, n, n]` and `[…, n, k]` → `[…, n, k]`.
    ///
    /// # Panics
    /// When A is not square, lengths or types differ, the batches do not broadcast or the elements are not real.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let x = tensor![[2., 9.], [1., 4.]].solve_triangular(&tensor![[2.], [9.]], false, false);
    /// assert_eq!(x.to_vec::<f32>(), [1., 2.]);
    /// ```
    #[track_caller]
    pub fn solve_triangular(&self, b: &Tensor, upper: bool, unit: bool) -> Tensor {
        let op = "solve_triangular";
        let n = square(op, self);
        let [rows, k] = sizes(op, b);
        assert!(
            rows == n,
            "{op}: {n} equations, but {rows} rows on the right: {} and {}",
            self.to_shape(),
            b.to_shape()
        );
        let solved = batched([self, b], &batch_of(op, self, b), [n, k], |[a, b], x| {
            x.copy_from_slice(b);
            solve_triangle(View::new(a, n, 0, 0), n, x, upper, unit);
            Ok(())
        });
        solved.expect("no triangle is refused").cast(self.dtype())
    }
}
