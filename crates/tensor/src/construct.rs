//! Constructors: from numbers in hand, and from rules.

use crate::dtype::{DType, Element, each_dtype};
use crate::error::ShapeError;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Numbers that can be written into a tensor: an element, or an array or vector of such.
///
/// Implemented for every [`Element`] and for arrays, vectors and slices of anything that implements it, to any depth.
pub trait Nested {
    /// The element at the bottom.
    type Elem: Element;
    /// The lengths from here down.
    ///
    /// # Errors
    /// When rows differ in length.
    fn dims(&self) -> Result<Shape, ShapeError>;
    /// Appends the elements in row-major order.
    fn collect_into(&self, out: &mut Vec<Self::Elem>);
}

impl<T: Element> Nested for T {
    type Elem = T;
    fn dims(&self) -> Result<Shape, ShapeError> {
        Ok(Shape::default())
    }
    fn collect_into(&self, out: &mut Vec<T>) {
        out.push(*self);
    }
}

impl<N: Nested> Nested for [N] {
    type Elem = N::Elem;
    fn dims(&self) -> Result<Shape, ShapeError> {
        let mut inner = Shape::default();
        for (row, item) in self.iter().enumerate() {
            let dims = item.dims()?;
            if row == 0 {
                inner = dims;
            } else if dims != inner {
                return Err(ShapeError::Ragged { row, given: dims.count(), wanted: inner.count() });
            }
        }
        inner.insert(0, self.len());
        Ok(inner)
    }
    fn collect_into(&self, out: &mut Vec<N::Elem>) {
        self.iter().for_each(|item| item.collect_into(out));
    }
}

impl<N: Nested, const K: usize> Nested for [N; K] {
    type Elem = N::Elem;
    fn dims(&self) -> Result<Shape, ShapeError> {
        self[..].dims()
    }
    fn collect_into(&self, out: &mut Vec<N::Elem>) {
        self[..].collect_into(out);
    }
}

impl<N: Nested> Nested for Vec<N> {
    type Elem = N::Elem;
    fn dims(&self) -> Result<Shape, ShapeError> {
        self[..].dims()
    }
    fn collect_into(&self, out: &mut Vec<N::Elem>) {
        self[..].collect_into(out);
    }
}

/// A Rust literal's type, and the tensor type that [`tensor!`](crate::tensor!) gives it: floats become `f32`, the type of models.
pub trait Literal: Element {
    /// The element type of the tensor.
    const AS: DType;
}
impl Literal for f64 {
    const AS: DType = DType::F32;
}
impl Literal for f32 {
    const AS: DType = DType::F32;
}
impl Literal for i64 {
    const AS: DType = DType::I64;
}
impl Literal for bool {
    const AS: DType = DType::Bool;
}

/// A tensor from nested literals: floats make `f32`, integers `i64`, truth values `bool`. Another type is named in front.
///
/// ```
/// use chainrule_tensor::{tensor, DType};
/// assert_eq!(tensor![[1., 2.], [3., 4.]].shape(), [2, 2]);
/// assert_eq!(tensor![1, 2, 3].dtype(), DType::I64);
/// assert_eq!(tensor![F64; 0.1, 0.2].dtype(), DType::F64);
/// assert_eq!(tensor![2.5].shape(), [1]);
/// ```
#[macro_export]
macro_rules! tensor {
    ($dtype:ident; $($x:expr),* $(,)?) => {
        $crate::Tensor::from([$($x),*]).cast($crate::DType::$dtype)
    };
    ([$($x:tt),* $(,)?]) => { $crate::Tensor::literal(&[[$($x),*]]) };
    ($($x:expr),* $(,)?) => { $crate::Tensor::literal(&[$($x),*]) };
}

impl Tensor {
    /// A tensor of `shape` from its elements in row-major order.
    ///
    /// # Panics
    /// When their number differs from what the shape holds; [`Tensor::try_from_vec`] returns an error instead.
    ///
    /// ```
    /// use chainrule_tensor::Tensor;
    /// assert_eq!(Tensor::from_vec(vec![1.0, 2.0, 3.0], [3, 1]).shape(), [3, 1]);
    /// ```
    #[track_caller]
    pub fn from_vec<T: Element>(elements: Vec<T>, shape: impl Into<Shape>) -> Tensor {
        Self::from_slice(&elements, shape)
    }

    /// As [`Tensor::from_vec`], for data from outside.
    ///
    /// # Errors
    /// When the number of elements differs from what the shape holds.
    pub fn try_from_vec<T: Element>(elements: Vec<T>, shape: impl Into<Shape>) -> Result<Tensor, ShapeError> {
        Self::try_from_slice(&elements, shape)
    }

    /// A tensor of `shape` with a copy of `elements`, which are in row-major order.
    ///
    /// # Panics
    /// When their number differs from what the shape holds.
    #[track_caller]
    pub fn from_slice<T: Element>(elements: &[T], shape: impl Into<Shape>) -> Tensor {
        match Self::try_from_slice(elements, shape) {
            Ok(tensor) => tensor,
            Err(error) => panic!("from_slice: {error}"),
        }
    }

    /// As [`Tensor::from_slice`], for data from outside.
    ///
    /// # Errors
    /// When the number of elements differs from what the shape holds.
    pub fn try_from_slice<T: Element>(elements: &[T], shape: impl Into<Shape>) -> Result<Tensor, ShapeError> {
        let shape = shape.into();
        let Some(wanted) = shape.checked_count() else {
            return Err(ShapeError::TooLarge { shape, dtype: T::DTYPE });
        };
        if wanted != elements.len() {
            return Err(ShapeError::Count { shape, wanted, given: elements.len() });
        }
        Ok(Tensor::build::<T>(shape, |out| out.copy_from_slice(elements)))
    }

    /// A tensor from nested arrays or vectors.
    ///
    /// # Errors
    /// When rows differ in length.
    ///
    /// ```
    /// use chainrule_tensor::Tensor;
    /// assert_eq!(Tensor::try_from_nested(&vec![vec![1.0f32, 2.0], vec![3.0, 4.0]]).unwrap().shape(), [2, 2]);
    /// assert!(Tensor::try_from_nested(&vec![vec![1.0f32, 2.0], vec![3.0]]).is_err());
    /// ```
    pub fn try_from_nested<N: Nested + ?Sized>(numbers: &N) -> Result<Tensor, ShapeError> {
        let shape = numbers.dims()?;
        let mut elements = Vec::new();
        numbers.collect_into(&mut elements);
        Tensor::try_from_vec(elements, shape)
    }

    #[doc(hidden)]
    #[track_caller]
    pub fn literal<N: Nested + ?Sized>(numbers: &N) -> Tensor
    where
        N::Elem: Literal,
    {
        match Self::try_from_nested(numbers) {
            Ok(tensor) => tensor.cast(N::Elem::AS),
            Err(error) => panic!("tensor!: {error}"),
        }
    }

    /// A tensor without axes that holds one number.
    ///
    /// ```
    /// use chainrule_tensor::{DType, Tensor};
    /// assert_eq!(Tensor::scalar(2.5, DType::F64).item(), 2.5);
    /// ```
    pub fn scalar(x: f64, dtype: DType) -> Tensor {
        each_dtype!(dtype, T => Tensor::build::<T>([], |out| out[0] = T::from_f64(x)))
    }

    /// Every element the same number. One number is stored, whatever the shape.
    ///
    /// # Panics
    /// When the shape has more elements than an address space.
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, x: f64, dtype: DType) -> Tensor {
        let shape = shape.into();
        let bytes = shape.checked_count().and_then(|n| n.checked_mul(dtype.size()));
        assert!(bytes.is_some_and(|b| isize::try_from(b).is_ok()), "full: {}", ShapeError::TooLarge { shape, dtype });
        let one = Tensor::scalar(x, dtype);
        one.with_layout(one.layout.expanded(&shape))
    }

    /// Zeros.
    ///
    /// # Panics
    /// When the shape has more elements than an address space.
    ///
    /// ```
    /// use chainrule_tensor::{DType, Tensor};
    /// assert_eq!(Tensor::zeros([2, 2], DType::I64).to_vec::<i64>(), [0; 4]);
    /// ```
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>, dtype: DType) -> Tensor {
        Self::full(shape, 0.0, dtype)
    }

    /// Ones.
    ///
    /// # Panics
    /// When the shape has more elements than an address space.
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>, dtype: DType) -> Tensor {
        Self::full(shape, 1.0, dtype)
    }

    /// Zeros of this tensor's shape and type.
    pub fn zeros_like(&self) -> Tensor {
        Self::full(self.to_shape(), 0.0, self.dtype())
    }

    /// Ones of this tensor's shape and type.
    pub fn ones_like(&self) -> Tensor {
        Self::full(self.to_shape(), 1.0, self.dtype())
    }

    /// `start, start + step, …` below `end` (above it for a negative step).
    ///
    /// # Panics
    /// When `step` is 0 or NaN, or there would be more numbers than memory.
    ///
    /// ```
    /// use chainrule_tensor::{DType, Tensor};
    /// assert_eq!(Tensor::arange(0.0, 2.0, 0.5, DType::F64).to_vec::<f64>(), [0.0, 0.5, 1.0, 1.5]);
    /// ```
    #[track_caller]
    pub fn arange(start: f64, end: f64, step: f64, dtype: DType) -> Tensor {
        let count = ((end - start) / step).ceil();
        assert!(
            step != 0.0 && count.is_finite() && count < isize::MAX as f64,
            "arange: from {start} to {end} in steps of {step} never ends"
        );
        let n = count.max(0.0) as usize;
        each_dtype!(dtype, T => Tensor::build::<T>([n], |out| {
            for (i, o) in out.iter_mut().enumerate() {
                *o = T::from_f64(start + i as f64 * step);
            }
        }))
    }

    /// `n` numbers evenly spaced from `start` to `end`, both included.
    ///
    /// ```
    /// use chainrule_tensor::{DType, Tensor};
    /// assert_eq!(Tensor::linspace(0.0, 1.0, 3, DType::F64).to_vec::<f64>(), [0.0, 0.5, 1.0]);
    /// ```
    #[track_caller]
    pub fn linspace(start: f64, end: f64, n: usize, dtype: DType) -> Tensor {
        let step = (end - start) / n.saturating_sub(1).max(1) as f64;
        each_dtype!(dtype, T => Tensor::build::<T>([n], |out| {
            for (i, o) in out.iter_mut().enumerate() {
                *o = T::from_f64(if i > 0 && i + 1 == n { end } else { start + i as f64 * step });
            }
        }))
    }
}

impl<N: Nested, const K: usize> From<[N; K]> for Tensor {
    /// Keeps the element type: `f64` arrays make `f64` tensors.
    #[track_caller]
    fn from(numbers: [N; K]) -> Self {
        match Self::try_from_nested(&numbers) {
            Ok(tensor) => tensor,
            Err(error) => panic!("{error}"),
        }
    }
}

impl<T: Element> From<T> for Tensor {
    /// A tensor without axes.
    fn from(x: T) -> Self {
        Tensor::build::<T>([], |out| out[0] = x)
    }
}

impl<T: Element> From<Vec<T>> for Tensor {
    fn from(elements: Vec<T>) -> Self {
        let n = elements.len();
        Tensor::build::<T>([n], |out| out.copy_from_slice(&elements))
    }
}

impl From<&Tensor> for Tensor {
    fn from(tensor: &Tensor) -> Self {
        tensor.clone()
    }
}
