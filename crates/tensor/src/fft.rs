//! Discrete Fourier transforms along an axis, unscaled.
//!
//! A complex number is a pair along a last axis of length 2: real part, imaginary part. Other axes are counted without that one.

use crate::dtype::{DType, each_real};
use crate::kernel::fourier::{complex, real, real_inverse};
use crate::shape::normalise_axis;
use crate::tensor::Tensor;

/// Two axes exchanged, the first of which becomes the last before the pairs.
fn exchanged(x: &Tensor, axis: usize, last: usize) -> Tensor {
    x.transpose(axis as isize, last as isize)
}

impl Tensor {
    /// `y[…, j, …] = Σ x[…, k, …] · e^(∓2πi·jk/n)` along an axis of complex numbers, the sign being + for the inverse.
    ///
    /// Shape: `[…, n, …, 2]` → the same.
    ///
    /// # Panics
    /// When the last axis does not hold pairs, the axis does not exist or is empty, or the elements are not real numbers.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let x = tensor![[1., 0.], [0., 1.]];
    /// assert_eq!(x.dft(0, false).to_vec::<f32>(), [1., 1., 1., -1.]);
    /// ```
    #[track_caller]
    pub fn dft(&self, axis: isize, inverse: bool) -> Tensor {
        let axis = self.complex_axis("dft", axis);
        let last = self.rank() - 2;
        let n = self.shape()[axis];
        each_real!("dft", self, T => {
            let x = exchanged(self, axis, last).contiguous();
            let data = x.as_slice::<T>().expect("contiguous() is dense");
            let y = Tensor::build::<T>(x.to_shape(), |out| complex(data, n, inverse, out));
            exchanged(&y, axis, last)
        }, half => self.cast(DType::F32).dft(axis as isize, inverse).cast(self.dtype()))
    }

    /// The first half of [`dft`](Tensor::dft) of real numbers: `n/2 + 1` complex ones, of which the others are the conjugates.
    ///
    /// Shape: `[…, n, …]` → `[…, n/2 + 1, …, 2]`.
    ///
    /// # Panics
    /// When the axis does not exist or is empty, or the elements are not real numbers.
    #[track_caller]
    pub fn real_dft(&self, axis: isize) -> Tensor {
        let axis = normalise_axis("real_dft", axis, self.rank());
        let (last, n) = (self.rank() - 1, self.shape()[axis]);
        assert!(n > 0, "real_dft: axis {axis} of shape {} is empty", self.to_shape());
        each_real!("real_dft", self, T => {
            let x = exchanged(self, axis, last).contiguous();
            let data = x.as_slice::<T>().expect("contiguous() is dense");
            let mut shape = x.to_shape();
            shape[last] = n / 2 + 1;
            shape.push(2);
            exchanged(&Tensor::build::<T>(shape, |out| real(data, n, out)), axis, last)
        }, half => self.cast(DType::F32).real_dft(axis as isize).cast(self.dtype()))
    }

    /// The inverse [`dft`](Tensor::dft) of `n/2 + 1` complex numbers completed by their conjugates: `n` real ones. Imaginary parts that have no
    /// conjugate to cancel them do not count.
    ///
    /// Shape: `[…, n/2 + 1, …, 2]` → `[…, n, …]`.
    ///
    /// # Panics
    /// When the last axis does not hold pairs, the axis does not exist or is not of that length, or the elements are not real numbers.
    #[track_caller]
    pub fn real_dft_inverse(&self, axis: isize, n: usize) -> Tensor {
        let axis = self.complex_axis("real_dft_inverse", axis);
        let last = self.rank() - 2;
        assert!(
            n > 0 && self.shape()[axis] == n / 2 + 1,
            "real_dft_inverse: {n} real numbers come from {} complex ones, but axis {axis} of shape {} has another length",
            n / 2 + 1,
            self.to_shape()
        );
        each_real!("real_dft_inverse", self, T => {
            let x = exchanged(self, axis, last).contiguous();
            let data = x.as_slice::<T>().expect("contiguous() is dense");
            let mut shape = x.to_shape().reduced(&[last + 1], false);
            shape[last] = n;
            exchanged(&Tensor::build::<T>(shape, |out| real_inverse(data, n, out)), axis, last)
        }, half => self.cast(DType::F32).real_dft_inverse(axis as isize, n).cast(self.dtype()))
    }

    #[track_caller]
    fn complex_axis(&self, op: &str, axis: isize) -> usize {
        assert!(
            self.rank() >= 2 && self.size(-1) == 2,
            "{op}: complex numbers are pairs along a last axis of length 2, which shape {} does not have",
            self.to_shape()
        );
        let axis = normalise_axis(op, axis, self.rank() - 1);
        assert!(self.shape()[axis] > 0, "{op}: axis {axis} of shape {} is empty", self.to_shape());
        axis
    }
}
