//! Scans: running sums, products and what else depends on the element before. A tensor without axes is a line of one element.

use crate::dtype::{DType, each_number, each_real};
use crate::kernel::reduction::{Fold, Form};
use crate::kernel::scan::{fold_on, log_sum, recur};
use crate::reduce::{Prod, Sum};
use crate::shape::normalise_axes;
use crate::tensor::Tensor;

impl Tensor {
    /// Running sums along an axis.
    ///
    /// # Panics
    /// When the axis does not exist or the elements are `bool`.
    ///
    /// ```
    /// assert_eq!(chainrule_tensor::tensor![1., 2., 3.].cumsum(0).to_vec::<f32>(), [1., 3., 6.]);
    /// ```
    #[track_caller]
    pub fn cumsum(&self, axis: isize) -> Tensor {
        self.folded_on::<Sum>("cumsum", axis)
    }

    /// Running products along an axis.
    ///
    /// # Panics
    /// When the axis does not exist or the elements are `bool`.
    ///
    /// ```
    /// assert_eq!(chainrule_tensor::tensor![1., 2., 3.].cumprod(0).to_vec::<f32>(), [1., 2., 6.]);
    /// ```
    #[track_caller]
    pub fn cumprod(&self, axis: isize) -> Tensor {
        self.folded_on::<Prod>("cumprod", axis)
    }

    /// ln Σ eˣ of each element and all before it along an axis, without overflow.
    ///
    /// # Panics
    /// When the axis does not exist or the elements are not real.
    ///
    /// ```
    /// let x = chainrule_tensor::tensor![F64; 1000., 1000.];
    /// assert_eq!(x.logcumsumexp(0).to_vec::<f64>(), [1000., 1000. + 2f64.ln()]);
    /// ```
    #[track_caller]
    pub fn logcumsumexp(&self, axis: isize) -> Tensor {
        let axes = normalise_axes("logcumsumexp", &[axis], self.rank());
        each_real!("logcumsumexp", self, T => {
            let (x, form) = Form::of(self, &axes);
            let x = x.as_slice::<T>().expect("a reduction's form is dense");
            Tensor::build::<T>(self.to_shape(), |out| log_sum::<T>(x, form, out))
        }, half => self.cast(DType::F32).logcumsumexp(axis).cast(self.dtype()))
    }

    /// The linear recurrence y₀ = b₀, yᵢ = aᵢ·yᵢ₋₁ + bᵢ along an axis, with this tensor as a.
    ///
    /// # Panics
    /// When the axis does not exist, shapes or types differ, or the elements are not real.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![9., 2., 3.].recurrence(&tensor![1., 0., 1.], 0).to_vec::<f32>(), [1., 2., 7.]);
    /// ```
    #[track_caller]
    pub fn recurrence(&self, b: &Tensor, axis: isize) -> Tensor {
        assert!(
            self.shape() == b.shape() && self.dtype() == b.dtype(),
            "recurrence: factors and terms differ: {} {} and {} {}",
            self.dtype(),
            self.to_shape(),
            b.dtype(),
            b.to_shape()
        );
        let axes = normalise_axes("recurrence", &[axis], self.rank());
        each_real!("recurrence", self, T => {
            let ((a, form), (b, _)) = (Form::of(self, &axes), Form::of(b, &axes));
            let [a, b] = [&a, &b].map(|x| x.as_slice::<T>().expect("a reduction's form is dense"));
            Tensor::build::<T>(self.to_shape(), |out| recur::<T>(a, b, form, out))
        }, half => {
            self.cast(DType::F32).recurrence(&b.cast(DType::F32), axis).cast(self.dtype())
        })
    }

    #[track_caller]
    fn folded_on<F: Fold>(&self, op: &str, axis: isize) -> Tensor {
        let axes = normalise_axes(op, &[axis], self.rank());
        each_number!(op, self, T => {
            let (x, form) = Form::of(self, &axes);
            let x = x.as_slice::<T>().expect("a reduction's form is dense");
            Tensor::build::<T>(self.to_shape(), |out| fold_on::<F, T>(x, form, out))
        }, half => self.cast(DType::F32).folded_on::<F>(op, axis).cast(self.dtype()))
    }
}
