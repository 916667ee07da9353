//! Pooling undone: maxima put back where they came from.

use chainrule_tensor::Tensor;

use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

impl Var {
    /// Zeros of spatial lengths `output`, with each element at the position that `indices` names in the flattened plane: what
    /// [`max_pool_with_indices`](Var::max_pool_with_indices) took, put back. Of several elements at one position the last one counts.
    ///
    /// Shape: `[…, spatial…]` and indices of the same shape → `[…, output…]`.
    ///
    /// # Panics
    /// When the shapes differ, the indices are not `i64`, or a position does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Window};
    /// let x = Var::constant(tensor![[[1., 5., 2., 3.]]]);
    /// let (y, indices) = x.max_pool_with_indices(&[2], &Window::side_by_side(&[2]));
    /// assert_eq!(y.max_unpool(&indices, &[4]).value().to_vec::<f32>(), [0., 5., 0., 3.]);
    /// ```
    #[doc(alias("max_unpool1d", "max_unpool2d", "max_unpool3d"))]
    #[track_caller]
    pub fn max_unpool(&self, indices: &Tensor, output: &[usize]) -> Var {
        assert!(
            self.shape() == indices.shape() && self.rank() > output.len(),
            "max_unpool: an input of shape {} to an output {output:?} needs indices of the same shape and leading axes, got {}",
            self.to_shape(),
            indices.to_shape()
        );
        let outer = &self.shape()[..self.rank() - output.len()];
        let lines = |n: usize| [outer, &[n]].concat();
        let count = self.shape()[outer.len()..].iter().product();
        let sources = indices.reshape(lines(count)).last_mentions(output.iter().product()); // count stands for none
        let zero = Var::constant(Tensor::zeros(lines(1), self.dtype()));
        Var::cat(&[&self.reshape(lines(count)), &zero], -1).gather(-1, &sources).reshape([outer, output].concat())
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[Declaration::new(
    Family::Composite,
    "max_unpool",
    "nn.functional.max_unpool2d",
    "zeros, with x at the indices",
    "g at the indices",
    |d| {
        let rank = d.range(1, 3);
        let mut spatial = |low: usize| -> Vec<usize> { (0..rank).map(|_| low + d.below(3)).collect() };
        let (input, output) = (spatial(0), spatial(1));
        let shape = [vec![d.size().min(2)], input].concat();
        let indices = d.indices(&shape, output.iter().product());
        let list = indices.to_vec::<i64>();
        let source = format!("x[0].max_unpool(&Tensor::from_vec(vec!{list:?}, {shape:?}), &{output:?})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].max_unpool(&indices, &output))
    },
)];
