//! What kind of number an element is.

use crate::compare::Comparison;
use crate::dtype::DType;
use crate::tensor::Tensor;

impl Tensor {
    /// Where an element is a NaN.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![1., f64::NAN].isnan().to_vec::<bool>(), [false, true]);
    /// ```
    pub fn isnan(&self) -> Tensor {
        self.compare(Comparison::Ne, self)
    }

    /// Where an element is +∞ or −∞.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![1., -f64::INFINITY, f64::NAN].isinf().to_vec::<bool>(), [false, true, false]);
    /// ```
    pub fn isinf(&self) -> Tensor {
        self.isposinf().logical_or(&self.isneginf())
    }

    /// Where an element is +∞.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![-f64::INFINITY, f64::INFINITY].isposinf().to_vec::<bool>(), [false, true]);
    /// ```
    pub fn isposinf(&self) -> Tensor {
        self.is_infinity(f64::INFINITY)
    }

    /// Where an element is −∞.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![-f64::INFINITY, f64::INFINITY].isneginf().to_vec::<bool>(), [true, false]);
    /// ```
    pub fn isneginf(&self) -> Tensor {
        self.is_infinity(f64::NEG_INFINITY)
    }

    fn is_infinity(&self, infinity: f64) -> Tensor {
        match self.dtype().is_float() {
            true => self.compare_scalar(Comparison::Eq, infinity),
            false => Tensor::zeros(self.shape(), DType::Bool),
        }
    }

    /// Where an element is neither infinite nor a NaN.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![1., f64::INFINITY, f64::NAN].isfinite().to_vec::<bool>(), [true, false, false]);
    /// ```
    pub fn isfinite(&self) -> Tensor {
        match self.dtype().is_float() {
            true => (self * 0.0).compare_scalar(Comparison::Eq, 0.0),
            false => Tensor::ones(self.shape(), DType::Bool),
        }
    }

    /// Where an element carries a minus sign, −0 included.
    ///
    /// # Panics
    /// When the elements are truth values.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![-0.0, 0.0, -2.0].signbit().to_vec::<bool>(), [true, false, true]);
    /// ```
    #[track_caller]
    pub fn signbit(&self) -> Tensor {
        match self.dtype() {
            DType::I64 => self.compare_scalar(Comparison::Lt, 0.0),
            _ => self.map_each("signbit", &|x| f64::from(u8::from(x.is_sign_negative()))).cast(DType::Bool),
        }
    }
}
