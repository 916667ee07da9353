//! `+ − × ÷` on tensors, for numbers of every type.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::dtype::{DType, Number};
use crate::kernel::lane::{Lane, Real};
use crate::kernel::map::{Map, Zip, ZipNumber};
use crate::kernel::update::{self, Update};
use crate::tensor::Tensor;

macro_rules! number_op {
    ($op:ident $method:ident) => {
        #[derive(Clone)]
        struct $op;
        impl ZipNumber for $op {
            #[inline(always)]
            fn at<T: Number>(&self, a: T, b: T) -> T {
                a.$method(b)
            }
        }
    };
}
number_op!(Plus plus);
number_op!(Minus minus);
number_op!(Times times);

impl Update<1> for Plus {
    #[inline(always)]
    fn at<T: Real>(&self, [a]: [T; 1], b: T) -> [T; 1] {
        [a + b]
    }
}

#[derive(Clone)]
struct Over;
impl Zip for Over {
    #[inline(always)]
    fn at<T: Real>(&self, a: Lane<T>, b: Lane<T>) -> Lane<T> {
        a / b
    }
}

/// `a·x + b` with numbers a, b: what arithmetic with a scalar comes to, in one pass.
#[derive(Clone)]
struct Affine {
    scale: f64,
    shift: f64,
}
impl Map for Affine {
    #[inline(always)]
    fn at<T: Real>(&self, x: Lane<T>) -> Lane<T> {
        x * self.scale + self.shift
    }
}

#[derive(Clone)]
struct Shift(f64);
impl Map for Shift {
    #[inline(always)]
    fn at<T: Real>(&self, x: Lane<T>) -> Lane<T> {
        x + self.0
    }
}

#[derive(Clone)]
struct Scale(f64);
impl Map for Scale {
    #[inline(always)]
    fn at<T: Real>(&self, x: Lane<T>) -> Lane<T> {
        x * self.0
    }
}

#[derive(Clone)]
struct Divide(f64);
impl Map for Divide {
    #[inline(always)]
    fn at<T: Real>(&self, x: Lane<T>) -> Lane<T> {
        x / self.0
    }
}

#[derive(Clone)]
struct DividedBy(f64);
impl Map for DividedBy {
    #[inline(always)]
    fn at<T: Real>(&self, x: Lane<T>) -> Lane<T> {
        self.0 / x
    }
}

impl Tensor {
    /// Adds `other` to this tensor, in place where nobody else shares its buffer.
    ///
    /// # Panics
    /// When shapes or types differ.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let mut sum = tensor![1., 2.];
    /// sum.accumulate(&tensor![10., 20.]);
    /// assert_eq!(sum.to_vec::<f32>(), [11., 22.]);
    /// ```
    #[track_caller]
    pub fn accumulate(&mut self, other: &Tensor) {
        assert!(
            self.shape() == other.shape() && self.dtype() == other.dtype(),
            "accumulate: {} {} and {} {}",
            self.dtype(),
            self.to_shape(),
            other.dtype(),
            other.to_shape()
        );
        match self.dtype() {
            DType::F32 | DType::F64 if self.is_sole() => update::apply("accumulate", [self], other, &Plus),
            _ => *self = &*self + other,
        }
    }

    /// This tensor times a number plus a number.
    ///
    /// # Panics
    /// When the elements are not real.
    #[track_caller]
    pub fn affine(&self, scale: f64, shift: f64) -> Tensor {
        self.map("affine", &Affine { scale, shift })
    }

    /// Arithmetic between integers and a scalar that must be one itself.
    #[track_caller]
    fn integer_scalar(&self, op: &str, x: f64) -> Option<Tensor> {
        if self.dtype().is_float() {
            return None;
        }
        assert!(
            self.dtype() == DType::I64 && x.fract() == 0.0,
            "{op}: the scalar {x} adopts the tensor's type, {}, which cannot hold it; convert the tensor with .cast(DType::F32)",
            self.dtype()
        );
        Some(Tensor::scalar(x, self.dtype()))
    }

    #[track_caller]
    fn plus(&self, b: &Tensor) -> Tensor {
        self.zip_number("add", b, &Plus)
    }

    #[track_caller]
    fn minus(&self, b: &Tensor) -> Tensor {
        self.zip_number("sub", b, &Minus)
    }

    #[track_caller]
    fn times(&self, b: &Tensor) -> Tensor {
        self.zip_number("mul", b, &Times)
    }

    #[track_caller]
    fn over(&self, b: &Tensor) -> Tensor {
        self.zip("div", b, &Over)
    }

    #[track_caller]
    fn plus_scalar(&self, b: f64) -> Tensor {
        match self.integer_scalar("add", b) {
            Some(b) => self.plus(&b),
            None => self.map("add", &Shift(b)),
        }
    }

    #[track_caller]
    fn minus_scalar(&self, b: f64) -> Tensor {
        self.plus_scalar(-b)
    }

    #[track_caller]
    fn times_scalar(&self, b: f64) -> Tensor {
        match self.integer_scalar("mul", b) {
            Some(b) => self.times(&b),
            None => self.map("mul", &Scale(b)),
        }
    }

    #[track_caller]
    fn over_scalar(&self, b: f64) -> Tensor {
        self.map("div", &Divide(b))
    }

    #[track_caller]
    fn scalar_minus(&self, a: f64) -> Tensor {
        match self.integer_scalar("sub", a) {
            Some(a) => a.minus(self),
            None => self.map("sub", &Affine { scale: -1.0, shift: a }),
        }
    }

    #[track_caller]
    fn scalar_over(&self, a: f64) -> Tensor {
        self.map("div", &DividedBy(a))
    }
}

macro_rules! operators {
    ($($op:ident $method:ident $tensor:ident $scalar:ident $reversed:expr;)*) => {$(
        impl $op<&Tensor> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, b: &Tensor) -> Tensor { self.$tensor(b) }
        }
        impl $op<Tensor> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, b: Tensor) -> Tensor { self.$tensor(&b) }
        }
        impl $op<&Tensor> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, b: &Tensor) -> Tensor { self.$tensor(b) }
        }
        impl $op<Tensor> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, b: Tensor) -> Tensor { self.$tensor(&b) }
        }
        impl $op<f64> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, b: f64) -> Tensor { self.$scalar(b) }
        }
        impl $op<f64> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, b: f64) -> Tensor { self.$scalar(b) }
        }
        impl $op<&Tensor> for f64 {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, b: &Tensor) -> Tensor { $reversed(b, self) }
        }
        impl $op<Tensor> for f64 {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, b: Tensor) -> Tensor { $reversed(&b, self) }
        }
    )*};
}
operators! {
    Add add plus plus_scalar Tensor::plus_scalar;
    Sub sub minus minus_scalar Tensor::scalar_minus;
    Mul mul times times_scalar Tensor::times_scalar;
    Div div over over_scalar Tensor::scalar_over;
}

impl Neg for &Tensor {
    type Output = Tensor;
    #[track_caller]
    fn neg(self) -> Tensor {
        self * -1.0
    }
}

impl Neg for Tensor {
    type Output = Tensor;
    #[track_caller]
    fn neg(self) -> Tensor {
        &self * -1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::{Element, each_dtype};

    #[test]
    fn integers_wrap_and_keep_their_type() {
        let x = Tensor::from([i64::MAX, 2]);
        assert_eq!((&x + 1.0).to_vec::<i64>(), [i64::MIN, 3]);
        assert_eq!((1.0 - &x).to_vec::<i64>(), [i64::MIN + 2, -1]);
    }

    #[test]
    fn every_type_adds_in_its_own() {
        for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16, DType::I64] {
            let x = Tensor::arange(0.0, 4.0, 1.0, dtype);
            let y = &x + &x;
            assert_eq!(y.dtype(), dtype);
            each_dtype!(dtype, T => assert_eq!(y.to_vec::<T>(), [0., 2., 4., 6.].map(T::from_f64)));
        }
    }
}
