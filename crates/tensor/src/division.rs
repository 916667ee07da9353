//! Division with rounding and its remainders, common divisors, the larger of two: what integers have as well.

use crate::dtype::{DType, Number};
use crate::kernel::map::ZipNumber;
use crate::tensor::Tensor;

#[derive(Clone)]
struct Larger;
impl ZipNumber for Larger {
    #[inline(always)]
    fn at<T: Number>(&self, a: T, b: T) -> T {
        if a > b || a.is_nan() { a } else { b }
    }
}

#[derive(Clone)]
struct Smaller;
impl ZipNumber for Smaller {
    #[inline(always)]
    fn at<T: Number>(&self, a: T, b: T) -> T {
        if a < b || a.is_nan() { a } else { b }
    }
}

/// The quotient's floor, from the exact remainder, so that rounding of the quotient cannot lift it over an integer.
fn floor_quotient(a: f64, b: f64) -> f64 {
    if b == 0.0 {
        return a / b;
    }
    let rest = a % b;
    let exact = (a - rest) / b - if rest != 0.0 && (b < 0.0) != (rest < 0.0) { 1.0 } else { 0.0 };
    if exact == 0.0 { 0f64.copysign(a / b) } else { exact.round() }
}

fn floor_remainder(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest != 0.0 && (b < 0.0) != (rest < 0.0) { rest + b } else { rest }
}

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a as i64
}

fn next_after(a: f64, b: f64) -> f64 {
    match a.partial_cmp(&b) {
        None => f64::NAN,
        Some(std::cmp::Ordering::Equal) => b,
        Some(std::cmp::Ordering::Less) => a.next_up(),
        Some(std::cmp::Ordering::Greater) => a.next_down(),
    }
}

fn next_after_single(a: f64, b: f64) -> f64 {
    let (a, b) = (a as f32, b as f32);
    f64::from(match a.partial_cmp(&b) {
        None => f32::NAN,
        Some(std::cmp::Ordering::Equal) => b,
        Some(std::cmp::Ordering::Less) => a.next_up(),
        Some(std::cmp::Ordering::Greater) => a.next_down(),
    })
}

impl Tensor {
    /// The larger of two numbers, broadcast by NumPy's rule; a NaN wins.
    ///
    /// # Panics
    /// When the types differ, are `bool`, or the shapes do not broadcast.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![1, 5].maximum(&tensor![3]).to_vec::<i64>(), [3, 5]);
    /// ```
    #[track_caller]
    pub fn maximum(&self, b: &Tensor) -> Tensor {
        self.zip_number("maximum", b, &Larger)
    }

    /// The smaller of two numbers, broadcast by NumPy's rule; a NaN wins.
    ///
    /// # Panics
    /// When the types differ, are `bool`, or the shapes do not broadcast.
    #[track_caller]
    pub fn minimum(&self, b: &Tensor) -> Tensor {
        self.zip_number("minimum", b, &Smaller)
    }

    /// The quotient rounded down, broadcast by NumPy's rule.
    ///
    /// # Panics
    /// When the types differ, are `bool`, the shapes do not broadcast, or an integer is divided by 0.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![7, -7].floor_divide(&tensor![2]).to_vec::<i64>(), [3, -4]);
    /// ```
    #[track_caller]
    pub fn floor_divide(&self, b: &Tensor) -> Tensor {
        self.divided("floor_divide", b, floor_quotient, |a, b| {
            let quotient = a.wrapping_div(b);
            if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient }
        })
    }

    /// The quotient rounded towards 0, broadcast by NumPy's rule.
    ///
    /// # Panics
    /// When the types differ, are `bool`, the shapes do not broadcast, or an integer is divided by 0.
    #[track_caller]
    pub fn trunc_divide(&self, b: &Tensor) -> Tensor {
        self.divided("trunc_divide", b, |a, b| (a / b).trunc(), i64::wrapping_div)
    }

    /// What [`floor_divide`](Tensor::floor_divide) leaves over: has the sign of `b`.
    ///
    /// # Panics
    /// When the types differ, are `bool`, the shapes do not broadcast, or an integer is divided by 0.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![7, -7].remainder(&tensor![4]).to_vec::<i64>(), [3, 1]);
    /// assert_eq!(tensor![7, -7].fmod(&tensor![4]).to_vec::<i64>(), [3, -3]);
    /// ```
    #[track_caller]
    pub fn remainder(&self, b: &Tensor) -> Tensor {
        self.divided("remainder", b, floor_remainder, |a, b| {
            let rest = a.wrapping_rem(b);
            if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
        })
    }

    /// What [`trunc_divide`](Tensor::trunc_divide) leaves over: has the sign of this tensor.
    ///
    /// # Panics
    /// When the types differ, are `bool`, the shapes do not broadcast, or an integer is divided by 0.
    #[track_caller]
    pub fn fmod(&self, b: &Tensor) -> Tensor {
        self.divided("fmod", b, |a, b| a % b, i64::wrapping_rem)
    }

    /// The greatest common divisor of two integers, broadcast by NumPy's rule; never negative, and 0 of 0 and 0.
    ///
    /// # Panics
    /// When the elements are not `i64` or the shapes do not broadcast.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![12, 0].gcd(&tensor![-18, 5]).to_vec::<i64>(), [6, 5]);
    /// ```
    #[track_caller]
    pub fn gcd(&self, b: &Tensor) -> Tensor {
        self.zip_integer("gcd", b, gcd)
    }

    /// The least common multiple of two integers, broadcast by NumPy's rule; never negative, and 0 where one is 0.
    ///
    /// # Panics
    /// When the elements are not `i64` or the shapes do not broadcast.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![4, 0].lcm(&tensor![6, 5]).to_vec::<i64>(), [12, 0]);
    /// ```
    #[track_caller]
    pub fn lcm(&self, b: &Tensor) -> Tensor {
        self.zip_integer("lcm", b, |a, b| match gcd(a, b) {
            0 => 0,
            divisor => (a / divisor).wrapping_mul(b).wrapping_abs(),
        })
    }

    /// The next number of the same type in the direction of `b`, broadcast by NumPy's rule.
    ///
    /// # Panics
    /// When the types differ, are not `f32` or `f64`, or the shapes do not broadcast.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![F64; 1.].nextafter(&tensor![F64; 2.]).item(), 1.0 + f64::EPSILON);
    /// ```
    #[track_caller]
    pub fn nextafter(&self, b: &Tensor) -> Tensor {
        assert!(!self.dtype().is_half(), "nextafter: {} is computed in f32; convert it with .cast", self.dtype());
        let single = self.dtype() == DType::F32;
        self.zip_each("nextafter", b, if single { &next_after_single } else { &next_after })
    }

    #[track_caller]
    fn divided(&self, op: &str, b: &Tensor, real: fn(f64, f64) -> f64, integer: fn(i64, i64) -> i64) -> Tensor {
        if self.dtype().is_float() {
            return self.zip_each(op, b, &real);
        }
        let by_zero = b.dtype() == DType::I64 && b.to_vec::<i64>().contains(&0);
        assert!(!by_zero, "{op}: integers are divided by 0; real numbers would give an infinity: .cast(DType::F32)");
        self.zip_integer(op, b, integer)
    }
}
