//! Pooling windows.

use crate::conv::Window;
use crate::dtype::{DType, each_number};
use crate::kernel::pooling::argmax_windows;
use crate::shape::Shape;
use crate::tensor::Tensor;

impl Tensor {
    /// For each window of size `kernel` over the last axes, the position of its largest element in the flattened spatial plane, the first of
    /// equal ones, as `i64`. A NaN counts as largest; padding is never chosen.
    ///
    /// Shape: `[…, spatial…]` → `[…, output…]` (see [`Window::output`]).
    ///
    /// # Panics
    /// When the window has another rank, does not fit, its padding exceeds half its size, or some windows would hold padding alone.
    ///
    /// ```
    /// use chainrule_tensor::{tensor, Window};
    /// let x = tensor![[[1., 5., 2., 3.]]];
    /// assert_eq!(x.argmax_windows(&[2], &Window::new(1).stride(&[2])).to_vec::<i64>(), [1, 3]);
    /// ```
    #[track_caller]
    pub fn argmax_windows(&self, kernel: &[usize], window: &Window) -> Tensor {
        let shape = self.pooled_shape("max_pool", kernel, window);
        let rank = window.rank();
        let (input, output) = (&self.shape()[self.rank() - rank..], Shape::from(&shape[shape.len() - rank..]));
        each_number!("max_pool", self, T => {
            let x = self.contiguous();
            let x = x.as_slice::<T>().expect("contiguous() is dense");
            Tensor::build::<i64>(shape, |out| argmax_windows(x, input, kernel, &output, window, out))
        }, half => self.cast(DType::F32).argmax_windows(kernel, window))
    }

    /// The shape after pooling windows of size `kernel` over the last axes.
    ///
    /// # Panics
    /// When the window has another rank, does not fit, its padding exceeds half its size, or some windows would hold padding alone.
    #[track_caller]
    pub fn pooled_shape(&self, op: &str, kernel: &[usize], window: &Window) -> Shape {
        let rank = window.rank();
        assert!(
            kernel.len() == rank && self.rank() > rank,
            "{op}: a window {kernel:?} over {rank} spatial axes needs an input [channels, …] of {} axes or more, got {}",
            rank + 1,
            self.to_shape()
        );
        let (outer, input) = self.shape().split_at(self.rank() - rank);
        for (axis, &k) in kernel.iter().enumerate() {
            assert!(
                window.padding[axis] <= k / 2,
                "{op}: padding {} exceeds half the window of {k}, so that some windows would hold padding alone",
                window.padding[axis]
            );
        }
        let Some(output) = window.output(input, kernel) else {
            panic!(
                "{op}: window {kernel:?} is empty or larger than the input {input:?} with padding {:?}",
                window.padding
            )
        };
        for (axis, &n) in input.iter().enumerate() {
            let inside = |o: usize, k: usize| {
                let at = o * window.stride[axis] + k * window.dilation[axis];
                (window.padding[axis]..window.padding[axis] + n).contains(&at)
            };
            let empty = (0..output[axis]).find(|&o| !(0..kernel[axis]).any(|k| inside(o, k)));
            if let Some(o) = empty {
                panic!(
                    "{op}: window {o} along spatial axis {axis} holds padding alone (input {input:?}, window {kernel:?}, \
                     padding {:?}, dilation {:?})",
                    window.padding, window.dilation
                );
            }
        }
        outer.iter().copied().chain(output).collect()
    }
}
