//! Logic: of truth values, where any number but 0 counts as true, and of the bits of integers.

use crate::compare::Comparison;
use crate::dtype::DType;
use crate::tensor::Tensor;

impl Tensor {
    /// Where both are true, broadcast by NumPy's rule: a `bool` tensor.
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![0, 2].logical_and(&tensor![1., 1.]).to_vec::<bool>(), [false, true]);
    /// ```
    #[track_caller]
    pub fn logical_and(&self, b: &Tensor) -> Tensor {
        self.truth().choose(&b.truth(), &Tensor::scalar(0.0, DType::Bool))
    }

    /// Where at least one is true, broadcast by NumPy's rule.
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn logical_or(&self, b: &Tensor) -> Tensor {
        self.truth().choose(&Tensor::scalar(1.0, DType::Bool), &b.truth())
    }

    /// Where exactly one is true, broadcast by NumPy's rule.
    ///
    /// # Panics
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn logical_xor(&self, b: &Tensor) -> Tensor {
        self.truth().compare(Comparison::Ne, &b.truth())
    }

    /// Where this is false: is 0.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![0., 3.].logical_not().to_vec::<bool>(), [true, false]);
    /// ```
    #[track_caller]
    pub fn logical_not(&self) -> Tensor {
        self.truth().compare_scalar(Comparison::Eq, 0.0)
    }

    /// The bits that both have, of integers or truth values, broadcast by NumPy's rule.
    ///
    /// # Panics
    /// When the types differ, are real or the shapes do not broadcast.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![6, 5].bitwise_and(&tensor![3]).to_vec::<i64>(), [2, 1]);
    /// ```
    #[track_caller]
    pub fn bitwise_and(&self, b: &Tensor) -> Tensor {
        self.bitwise("bitwise_and", b, |a, b| a & b)
    }

    /// The bits that at least one has, of integers or truth values, broadcast by NumPy's rule.
    ///
    /// # Panics
    /// When the types differ, are real or the shapes do not broadcast.
    #[track_caller]
    pub fn bitwise_or(&self, b: &Tensor) -> Tensor {
        self.bitwise("bitwise_or", b, |a, b| a | b)
    }

    /// The bits that exactly one has, of integers or truth values, broadcast by NumPy's rule.
    ///
    /// # Panics
    /// When the types differ, are real or the shapes do not broadcast.
    #[track_caller]
    pub fn bitwise_xor(&self, b: &Tensor) -> Tensor {
        self.bitwise("bitwise_xor", b, |a, b| a ^ b)
    }

    /// All bits turned over, of integers or truth values.
    ///
    /// # Panics
    /// When the elements are real.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![0, 5].bitwise_not().to_vec::<i64>(), [-1, -6]);
    /// ```
    #[track_caller]
    pub fn bitwise_not(&self) -> Tensor {
        let ones = if self.dtype() == DType::Bool { 1.0 } else { -1.0 };
        self.bitwise("bitwise_not", &Tensor::scalar(ones, self.dtype()), |a, b| a ^ b)
    }

    fn truth(&self) -> Tensor {
        self.cast(DType::Bool)
    }

    #[track_caller]
    fn bitwise(&self, op: &str, b: &Tensor, f: fn(i64, i64) -> i64) -> Tensor {
        match (self.dtype(), b.dtype()) {
            (DType::Bool, DType::Bool) => {
                self.cast(DType::I64).zip_integer(op, &b.cast(DType::I64), f).cast(DType::Bool)
            }
            _ => self.zip_integer(op, b, f),
        }
    }
}
