//! Conversions between element types.

use crate::dtype::DType;
use crate::kernel::copy::convert;
use crate::tensor::Tensor;

impl Tensor {
    /// The same numbers in another type: rounded to nearest; to integers truncated towards zero and saturated; to `bool`
    /// "is not zero".
    ///
    /// ```
    /// use chainrule_tensor::{tensor, DType};
    /// assert_eq!(tensor![1.7, -1.7].cast(DType::I64).to_vec::<i64>(), [1, -1]);
    /// assert_eq!(tensor![0., 2.].cast(DType::Bool).to_vec::<bool>(), [false, true]);
    /// ```
    #[track_caller]
    pub fn cast(&self, dtype: DType) -> Tensor {
        if self.dtype() == dtype { self.clone() } else { convert(self, dtype) }
    }
}
