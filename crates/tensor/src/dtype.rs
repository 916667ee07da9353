//! Element types: [`DType`] at run time, [`Element`], [`Number`] and [`Real`] at compile time.

use std::fmt;
use std::ops::{Add, Mul, Sub};

use half::{bf16, f16};

use crate::kernel::buffer::Buffer;
use crate::kernel::storage::Storage;

/// The type of a tensor's elements, known at run time.
///
/// ```
/// use chainrule_tensor::DType;
/// assert_eq!(DType::F16.size(), 2);
/// assert!(DType::BF16.is_float() && !DType::I64.is_float());
/// assert_eq!(DType::F32.to_string(), "f32");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// IEEE 754 single precision, the default of models.
    F32,
    /// IEEE 754 double precision, in which gradients are checked.
    F64,
    /// IEEE 754 half precision; storage only, computed in `f32`.
    F16,
    /// The upper half of an `f32`; storage only, computed in `f32`.
    BF16,
    /// Signed 64-bit integers: labels, indices, counts.
    I64,
    /// Truth values: masks.
    Bool,
}

impl DType {
    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            DType::F64 | DType::I64 => 8,
            DType::F32 => 4,
            DType::F16 | DType::BF16 => 2,
            DType::Bool => 1,
        }
    }

    /// Whether derivatives can flow through elements of this type.
    pub fn is_float(self) -> bool {
        !matches!(self, DType::I64 | DType::Bool)
    }

    /// Whether kernels compute this type in `f32`.
    pub fn is_half(self) -> bool {
        matches!(self, DType::F16 | DType::BF16)
    }

    /// The distance from 1 to the next larger number (machine epsilon); 0 for integers and truth values.
    pub fn epsilon(self) -> f64 {
        match self {
            DType::F64 => f64::EPSILON,
            DType::F32 => f64::from(f32::EPSILON),
            DType::F16 => f16::EPSILON.to_f64(),
            DType::BF16 => bf16::EPSILON.to_f64(),
            DType::I64 | DType::Bool => 0.0,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::I64 => "i64",
            DType::Bool => "bool",
        })
    }
}

/// A Rust type that a tensor can hold: `f32`, `f64`, `f16`, `bf16`, `i64` or `bool`.
pub trait Element: Copy + Default + PartialEq + PartialOrd + Send + Sync + fmt::Debug + fmt::Display + 'static {
    /// The run-time name of this type.
    const DTYPE: DType;
    /// Whether kernels compute with it, and much: loops over `f32` and `f64` are compiled for wide vectors, too.
    #[doc(hidden)]
    const WIDE: bool = matches!(Self::DTYPE, DType::F32 | DType::F64);
    /// The value as a double, for printing and comparison (`i64` beyond 2⁵³ rounds).
    fn to_f64(self) -> f64;
    /// The nearest value of this type; integers truncate and saturate, and truth is "not zero".
    fn from_f64(x: f64) -> Self;
    #[doc(hidden)]
    fn buffer(storage: &Storage) -> Option<&Buffer<Self>>;
    #[doc(hidden)]
    fn buffer_mut(storage: &mut Storage) -> Option<&mut Buffer<Self>>;
    #[doc(hidden)]
    fn wrap(buffer: Buffer<Self>) -> Storage;
}

macro_rules! element {
    ($($ty:ident $dtype:ident |$x:ident| $to:expr, $from:expr;)*) => {$(
        impl Element for $ty {
            const DTYPE: DType = DType::$dtype;
            #[inline(always)]
            fn to_f64(self) -> f64 { let $x = self; $to }
            #[inline(always)]
            fn from_f64($x: f64) -> Self { $from }
            #[inline]
            fn buffer(storage: &Storage) -> Option<&Buffer<Self>> {
                if let Storage::$dtype(b) = storage { Some(b) } else { None }
            }
            fn buffer_mut(storage: &mut Storage) -> Option<&mut Buffer<Self>> {
                if let Storage::$dtype(b) = storage { Some(b) } else { None }
            }
            #[inline]
            fn wrap(buffer: Buffer<Self>) -> Storage { Storage::$dtype(buffer) }
        }
    )*};
}

element! {
    f32  F32  |x| f64::from(x), x as f32;
    f64  F64  |x| x, x;
    f16  F16  |x| x.to_f64(), f16::from_f64(x);
    bf16 BF16 |x| x.to_f64(), bf16::from_f64(x);
    i64  I64  |x| x as f64, x as i64;
    bool Bool |x| f64::from(u8::from(x)), x != 0.0;
}

/// An element type with arithmetic of its own: `f32`, `f64` or `i64` (which wraps on overflow).
pub trait Number: Element {
    /// The neutral element of addition.
    const ZERO: Self;
    /// The neutral element of multiplication.
    const ONE: Self;
    /// The smallest value: −∞ or `i64::MIN`.
    const LOWEST: Self;
    /// The largest value: +∞ or `i64::MAX`.
    const HIGHEST: Self;
    /// `self + b`
    fn plus(self, b: Self) -> Self;
    /// `self − b`
    fn minus(self, b: Self) -> Self;
    /// `self · b`
    fn times(self, b: Self) -> Self;
    /// Whether this is a NaN.
    fn is_nan(self) -> bool;
}

macro_rules! number {
    ($ty:ty, $low:expr, $high:expr, $plus:expr, $minus:expr, $times:expr, $nan:expr) => {
        impl Number for $ty {
            const ZERO: Self = 0 as $ty;
            const ONE: Self = 1 as $ty;
            const LOWEST: Self = $low;
            const HIGHEST: Self = $high;
            #[inline(always)]
            fn plus(self, b: Self) -> Self {
                $plus(self, b)
            }
            #[inline(always)]
            fn minus(self, b: Self) -> Self {
                $minus(self, b)
            }
            #[inline(always)]
            fn times(self, b: Self) -> Self {
                $times(self, b)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                $nan(self)
            }
        }
    };
}

number!(f32, f32::NEG_INFINITY, f32::INFINITY, f32::add, f32::sub, f32::mul, f32::is_nan);
number!(f64, f64::NEG_INFINITY, f64::INFINITY, f64::add, f64::sub, f64::mul, f64::is_nan);
number!(i64, i64::MIN, i64::MAX, i64::wrapping_add, i64::wrapping_sub, i64::wrapping_mul, |_| false);

/// Runs `$body` with `$T` the Rust type of `$dtype`.
macro_rules! each_dtype {
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::dtype::each_dtype!(@ $dtype, $T => $body, F32 f32, F64 f64, F16 half::f16, BF16 half::bf16, I64 i64, Bool bool)
    };
    (@ $dtype:expr, $T:ident => $body:expr, $($name:ident $ty:ty),*) => {
        match $dtype {
            $($crate::dtype::DType::$name => {
                type $T = $ty;
                $body
            })*
        }
    };
}
pub(crate) use each_dtype;

/// Runs `$body` with `$T` the Rust type of the tensor `$x`, which must be `f32`, `f64` or `i64`. Halves go through `f32` in
/// `$half`; truth values panic.
macro_rules! each_number {
    ($op:expr, $x:expr, $T:ident => $body:expr, half => $half:expr) => {
        match $x.dtype() {
            $crate::dtype::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::dtype::DType::F64 => {
                type $T = f64;
                $body
            }
            $crate::dtype::DType::I64 => {
                type $T = i64;
                $body
            }
            $crate::dtype::DType::F16 | $crate::dtype::DType::BF16 => $half,
            $crate::dtype::DType::Bool => panic!(
                "{}: needs numbers, got bool of shape {}; convert it with .cast(DType::F32)",
                $op, $x.layout.shape
            ),
        }
    };
}
pub(crate) use each_number;

/// As `each_number`, for `f32` and `f64` alone.
macro_rules! each_real {
    ($op:expr, $x:expr, $T:ident => $body:expr, half => $half:expr) => {
        match $x.dtype() {
            $crate::dtype::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::dtype::DType::F64 => {
                type $T = f64;
                $body
            }
            $crate::dtype::DType::F16 | $crate::dtype::DType::BF16 => $half,
            other => panic!(
                "{}: needs real numbers, got {other} of shape {}; convert it with .cast(DType::F32)",
                $op, $x.layout.shape
            ),
        }
    };
}
pub(crate) use each_real;
