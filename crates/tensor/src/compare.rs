//! Comparisons: element by element, and of whole tensors.

use crate::dtype::{DType, Element, each_dtype};
use crate::kernel::map::Test;
use crate::kernel::selection::select;
use crate::tensor::Tensor;

/// A relation between two numbers. Every one but `Ne` is false where a NaN takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `a == b`
    Eq,
    /// `a != b`
    Ne,
    /// `a < b`
    Lt,
    /// `a <= b`
    Le,
    /// `a > b`
    Gt,
    /// `a >= b`
    Ge,
}

macro_rules! relation {
    ($name:ident, $op:tt) => {
        struct $name;
        impl Test for $name {
            #[inline(always)]
            fn holds<T: Element>(&self, a: T, b: T) -> bool {
                a $op b
            }
        }
    };
}
relation!(Eq, ==);
relation!(Ne, !=);
relation!(Lt, <);
relation!(Le, <=);
relation!(Gt, >);
relation!(Ge, >=);

fn close(a: f64, b: f64, rtol: f64, atol: f64) -> bool {
    a == b || (a - b).abs() <= atol + rtol * b.abs() && a.is_finite() && b.is_finite()
}

struct Close {
    rtol: f64,
    atol: f64,
    equal_nan: bool,
}
impl Test for Close {
    #[inline(always)]
    fn holds<T: Element>(&self, a: T, b: T) -> bool {
        let (a, b) = (a.to_f64(), b.to_f64());
        close(a, b, self.rtol, self.atol) || self.equal_nan && a.is_nan() && b.is_nan()
    }
}

impl Tensor {
    /// Where the relation holds between the elements of two tensors, broadcast by NumPy's rule: a `bool` tensor.
    ///
    /// # Panics
    /// When the types differ or the shapes do not broadcast.
    ///
    /// ```
    /// use chainrule_tensor::{tensor, Comparison};
    /// assert_eq!(tensor![1., 2.].compare(Comparison::Lt, &tensor![2.]).to_vec::<bool>(), [true, false]);
    /// ```
    #[track_caller]
    pub fn compare(&self, relation: Comparison, b: &Tensor) -> Tensor {
        match relation {
            Comparison::Eq => self.test("eq", b, &Eq),
            Comparison::Ne => self.test("ne", b, &Ne),
            Comparison::Lt => self.test("lt", b, &Lt),
            Comparison::Le => self.test("le", b, &Le),
            Comparison::Gt => self.test("gt", b, &Gt),
            Comparison::Ge => self.test("ge", b, &Ge),
        }
    }

    /// [`compare`](Tensor::compare) with one number.
    #[track_caller]
    pub fn compare_scalar(&self, relation: Comparison, b: f64) -> Tensor {
        self.compare(relation, &Tensor::scalar(b, self.dtype()))
    }

    /// Elements of `a` where this `bool` tensor holds, else of `b`, all broadcast to one shape. Nothing of the element not
    /// chosen leaks, not even a NaN.
    ///
    /// # Panics
    /// When this is not `bool`, the types of `a` and `b` differ or the shapes do not broadcast.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let x = tensor![true, false].choose(&tensor![1., 2.], &tensor![f64::NAN, 4.]);
    /// assert_eq!(x.to_vec::<f32>(), [1., 4.]);
    /// ```
    #[track_caller]
    pub fn choose(&self, a: &Tensor, b: &Tensor) -> Tensor {
        select(self, a, b)
    }

    /// Whether both have the same shape, type and elements (a NaN equals nothing).
    pub fn equal(&self, other: &Tensor) -> bool {
        self.shape() == other.shape()
            && self.dtype() == other.dtype()
            && each_dtype!(self.dtype(), T => self.to_vec::<T>() == other.to_vec::<T>())
    }

    /// Whether both have the same shape, type and bits: NaNs equal themselves, and −0 differs from 0.
    pub fn same_bits(&self, other: &Tensor) -> bool {
        let bits = |t: &Tensor| -> Vec<u64> {
            match t.dtype() {
                DType::F32 => t.to_vec::<f32>().into_iter().map(|x| u64::from(x.to_bits())).collect(),
                DType::I64 => t.to_vec::<i64>().into_iter().map(|x| x as u64).collect(),
                dtype => each_dtype!(dtype, T => t.to_vec::<T>().into_iter().map(|x| x.to_f64().to_bits()).collect()),
            }
        };
        self.shape() == other.shape() && self.dtype() == other.dtype() && bits(self) == bits(other)
    }

    /// Whether the shapes are equal and |a − b| ≤ atol + rtol·|b| for every pair of elements; infinities equal only themselves, a NaN
    /// nothing.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert!(tensor![1.0, 2.0].allclose(&tensor![1.0, 2.000001], 1e-5, 0.0));
    /// ```
    pub fn allclose(&self, other: &Tensor, rtol: f64, atol: f64) -> bool {
        self.shape() == other.shape()
            && self.to_f64_vec().into_iter().zip(other.to_f64_vec()).all(|(a, b)| close(a, b, rtol, atol))
    }

    /// Where |a − b| ≤ atol + rtol·|b|, broadcast by NumPy's rule: a `bool` tensor. Infinities are close only to themselves; a NaN to
    /// nothing, or with `equal_nan` to another.
    ///
    /// # Panics
    /// When the types differ or the shapes do not broadcast.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let close = tensor![1.0, 2.0, f64::NAN].isclose(&tensor![1.01, 2.01, f64::NAN], 0.0, 0.02, false);
    /// assert_eq!(close.to_vec::<bool>(), [true, true, false]);
    /// ```
    #[track_caller]
    pub fn isclose(&self, other: &Tensor, rtol: f64, atol: f64, equal_nan: bool) -> Tensor {
        self.test("isclose", other, &Close { rtol, atol, equal_nan })
    }

    /// The elements as doubles in row-major order, whatever their type.
    pub fn to_f64_vec(&self) -> Vec<f64> {
        self.cast(DType::F64).to_vec()
    }

    /// Whether no element is a NaN or an infinity.
    pub fn all_finite(&self) -> bool {
        !self.dtype().is_float() || self.to_f64_vec().into_iter().all(f64::is_finite)
    }
}
