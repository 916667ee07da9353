//! Windows laid out as columns, and columns added back.

use crate::conv::{Window, geometry};
use crate::dtype::{DType, each_real};
use crate::kernel::convolution::{Geometry, columns, columns_adjoint};
use crate::tensor::Tensor;

/// The geometry of the windows of one channel after the other.
#[track_caller]
fn windows(op: &str, input: &[usize], kernel: &[usize], window: &Window, dtype: DType) -> Geometry {
    assert!(
        input.len() == window.rank() + 2 && kernel.len() == window.rank(),
        "{op}: over {} spatial axes needs an input [n, c, …] of {} axes, got {input:?} and a kernel {kernel:?}",
        window.rank(),
        window.rank() + 2
    );
    let weight = [&[1, input[1]], kernel].concat();
    geometry(op, input, &Tensor::zeros(weight, dtype), &window.clone().groups(1))
}

impl Tensor {
    /// The elements under each window, as columns: channel by channel, zeros for padding.
    ///
    /// Shape: `[n, c, spatial…]` → `[n, c·kernel, windows]`.
    ///
    /// # Panics
    /// When ranks do not fit or the kernel is larger than the padded input.
    ///
    /// ```
    /// use chainrule_tensor::{Window, tensor};
    /// let x = tensor![[[1., 2., 3.]]];
    /// assert_eq!(x.im2col(&[2], &Window::new(1)).to_vec::<f32>(), [1., 2., 2., 3.]);
    /// ```
    #[track_caller]
    pub fn im2col(&self, kernel: &[usize], window: &Window) -> Tensor {
        let geometry = windows("im2col", self.shape(), kernel, window, self.dtype());
        each_real!("im2col", self, T => {
            let x = self.contiguous();
            let x = x.as_slice::<T>().expect("contiguous() is dense");
            Tensor::build::<T>(geometry.columns_shape(), |out| columns(&geometry, x, out))
        }, half => self.cast(DType::F32).im2col(kernel, window).cast(self.dtype()))
    }

    /// Columns added back to where they came from, in an input of spatial lengths `output`: the adjoint of [`im2col`](Tensor::im2col).
    ///
    /// Shape: `[n, c·kernel, windows]` → `[n, c, output…]`.
    ///
    /// # Panics
    /// When this shape is not that of the columns of such an input.
    #[track_caller]
    pub fn col2im(&self, output: &[usize], kernel: &[usize], window: &Window) -> Tensor {
        let size: usize = kernel.iter().product();
        assert!(
            self.rank() == 3 && size > 0 && self.shape()[1].is_multiple_of(size),
            "col2im: needs an input [n, c·{size}, windows], got {}",
            self.to_shape()
        );
        let shape = [&[self.shape()[0], self.shape()[1] / size], output].concat();
        let geometry = windows("col2im", &shape, kernel, window, self.dtype());
        assert!(
            self.shape() == &geometry.columns_shape()[..],
            "col2im: an output {output:?} has columns of shape {}, got {}",
            geometry.columns_shape(),
            self.to_shape()
        );
        each_real!("col2im", self, T => {
            let g = self.contiguous();
            let g = g.as_slice::<T>().expect("contiguous() is dense");
            Tensor::build::<T>(shape, |out| columns_adjoint(&geometry, g, out))
        }, half => self.cast(DType::F32).col2im(output, kernel, window).cast(self.dtype()))
    }
}
