//! Elementwise loops: a function of one, two or three numbers, applied to tensors.
//!
//! Each function is compiled once per element type and CPU level, for dense slices. Which slices it sees is decided by
//! `blocks`, once for all functions.

use super::blocks::{BLOCK, Reader};
use super::buffer::Buffer;
use super::deferred::{Formula, Function, LARGE, OnBlocks, Operand};
use super::dispatch::{Loop, array, vectorised};
use super::lane::{Lane, Real};
use super::parallel::{SMALL, chunks_mut};
use crate::dtype::{DType, Element, Number, each_dtype, each_number, each_real};
use crate::layout::Layout;
use crate::shape::{Shape, broadcast_shapes, same};
use crate::tensor::Tensor;

/// A real function of one number.
///
/// ```
/// use chainrule_tensor::{tensor, Lane, Map, Real};
/// #[derive(Clone)]
/// struct Logistic { r: f64 }
/// impl Map for Logistic {
///     fn at<T: Real>(&self, x: Lane<T>) -> Lane<T> { self.r * x * (1.0 - x) }
/// }
/// assert_eq!(tensor![0.5].map("logistic", &Logistic { r: 4.0 }).item(), 1.0);
/// ```
pub trait Map: Clone + Send + Sync + 'static {
    /// The value at `x`. Mark the implementation `#[inline(always)]`, so that the loop around it is vectorised.
    fn at<T: Real>(&self, x: Lane<T>) -> Lane<T>;
}

/// A real function of two numbers.
pub trait Zip: Clone + Send + Sync + 'static {
    /// The value at `(a, b)`. Mark the implementation `#[inline(always)]`.
    fn at<T: Real>(&self, a: Lane<T>, b: Lane<T>) -> Lane<T>;
}

/// A real function of three numbers.
pub trait Zip3: Clone + Send + Sync + 'static {
    /// The value at `(a, b, c)`. Mark the implementation `#[inline(always)]`.
    fn at<T: Real>(&self, a: Lane<T>, b: Lane<T>, c: Lane<T>) -> Lane<T>;
}

/// Arithmetic on two numbers that integers have too.
pub trait ZipNumber: Clone + Send + Sync + 'static {
    /// The value at `(a, b)`. Mark the implementation `#[inline(always)]`.
    fn at<T: Number>(&self, a: T, b: T) -> T;
}

/// A comparison of two numbers.
pub(crate) trait Test: Send + Sync {
    /// Whether it holds for `(a, b)`.
    fn holds<T: Element>(&self, a: T, b: T) -> bool;
}

/// What element `i` of the output is made of.
trait Pointwise<T, O, const N: usize>: Sync {
    fn at(&self, x: [&[T]; N], i: usize) -> O;
}

/// Makes functions of `N` numbers the functions of blocks that stand behind a pointer.
macro_rules! functions_of_blocks {
    ($($name:ident: $function:ident of $number:ident, $n:literal, |$f:ident, $x:ident, $i:ident| $at:expr;)*) => {$(
        #[derive(Clone)]
        struct $name<F>(F);

        impl<F: $function, T: $number> Pointwise<T, T, $n> for $name<F> {
            #[inline(always)]
            fn at(&self, $x: [&[T]; $n], $i: usize) -> T {
                let $f = &self.0;
                $at
            }
        }

        impl<F: $function, T: $number> OnBlocks<T, T> for $name<F> {
            fn run(&self, x: &[&[T]], out: &mut [T]) {
                vectorised(Apply { f: self, x: *x.first_chunk().expect("as many as the function has"), out });
            }
        }

        impl<F: $function, T: $number> Function<T> for $name<F> {
            fn boxed(&self) -> Box<dyn Function<T>> {
                Box::new(self.clone())
            }
        }
    )*};
}
functions_of_blocks! {
    Mapped: Map of Real, 1, |f, x, i| f.at(Lane(x[0][i])).0;
    Zipped: Zip of Real, 2, |f, x, i| f.at(Lane(x[0][i]), Lane(x[1][i])).0;
    Zipped3: Zip3 of Real, 3, |f, x, i| f.at(Lane(x[0][i]), Lane(x[1][i]), Lane(x[2][i])).0;
    Counted: ZipNumber of Number, 2, |f, x, i| f.at(x[0][i], x[1][i]);
}

/// A function of real numbers.
trait OfReals: Function<f32> + Function<f64> {}
impl<F: Function<f32> + Function<f64>> OfReals for F {}

/// A function of numbers that integers have, too.
trait OfNumbers: OfReals + Function<i64> {}
impl<F: OfReals + Function<i64>> OfNumbers for F {}

struct Tested<'a, F>(&'a F);
impl<F: Test, T: Element> Pointwise<T, bool, 2> for Tested<'_, F> {
    #[inline(always)]
    fn at(&self, [a, b]: [&[T]; 2], i: usize) -> bool {
        self.0.holds(a[i], b[i])
    }
}

struct Apply<'a, F, T, O, const N: usize> {
    f: &'a F,
    x: [&'a [T]; N],
    out: &'a mut [O],
}

impl<F: Pointwise<T, O, N>, T: Element, O: Element, const N: usize> Loop for Apply<'_, F, T, O, N> {
    const WIDE: bool = T::WIDE;
    type Out = ();
    #[inline(always)]
    fn run(mut self) {
        let n = self.out.len();
        for x in &mut self.x {
            *x = &x[..n];
        }
        for (i, out) in self.out.iter_mut().enumerate() {
            *out = self.f.at(self.x, i);
        }
    }
}

/// Applies `f` to the inputs, seen in `shape`. Large results wait until somebody reads them.
#[inline]
#[track_caller]
fn elementwise<T: Element, const N: usize>(inputs: [&Tensor; N], shape: Shape, f: &dyn Function<T>) -> Tensor {
    if shape.count() >= LARGE
        && let Some(operands) = operands(inputs, &shape)
    {
        let formula = Formula::new(f.boxed(), operands);
        return Tensor { storage: T::wrap(Buffer::later(shape.count(), formula)), layout: Layout::dense(shape) };
    }
    on_blocks(inputs, shape, f)
}

/// Applies a function of real numbers: compiled once for all of them. Halves are computed in `f32`.
#[track_caller]
fn real<const N: usize>(op: &str, inputs: [&Tensor; N], shape: Shape, f: &dyn OfReals) -> Tensor {
    let dtype = inputs[0].dtype();
    each_real!(op, inputs[0], T => elementwise::<T, N>(inputs, shape, f), half => {
        let wide = inputs.map(|x| x.cast(DType::F32));
        elementwise::<f32, N>(wide.each_ref(), shape, f).cast(dtype)
    })
}

/// The inputs, seen in `shape`, as operands of a formula; `None` if one is a ghost.
fn operands<T: Element, const N: usize>(inputs: [&Tensor; N], shape: &Shape) -> Option<Vec<Operand<T>>> {
    let operand = |x: &Tensor| {
        let (buffer, layout) = (T::buffer(&x.storage)?.clone(), x.layout.expanded(shape));
        Some(match &layout.coalesced()[..] {
            _ if layout.is_dense() => Operand::Elements(buffer, layout.offset),
            [] | [(_, 0)] => Operand::Number(buffer.as_slice()[layout.offset]),
            axes => Operand::Walk(buffer, axes.into(), layout.offset),
        })
    };
    inputs.into_iter().map(operand).collect()
}

/// A closure of `N` blocks. Behind this trait it is compiled once; behind `Fn`, once more for `FnOnce`.
struct Closure<F, const N: usize>(F);

impl<T, O, F: Fn([&[T]; N], &mut [O]) + Sync, const N: usize> OnBlocks<T, O> for Closure<F, N> {
    fn run(&self, x: &[&[T]], out: &mut [O]) {
        self.0(*x.first_chunk().expect("as many as the closure has"), out)
    }
}

/// Calls `f` with dense blocks of the inputs, seen in `shape`, and the block of the output that they make.
#[inline]
#[track_caller]
fn blockwise<T: Element, O: Element, const N: usize>(
    inputs: [&Tensor; N],
    shape: Shape,
    f: impl Fn([&[T]; N], &mut [O]) + Sync,
) -> Tensor {
    on_blocks(inputs, shape, &Closure(f))
}

/// Compiled once for all functions of a type: `f` is called through a pointer, once a block.
#[track_caller]
fn on_blocks<T: Element, O: Element, const N: usize>(
    inputs: [&Tensor; N],
    shape: Shape,
    f: &dyn OnBlocks<T, O>,
) -> Tensor {
    let count = shape.count();
    if (1..=SMALL).contains(&count) && inputs.iter().all(|x| x.is_contiguous() && same(x.shape(), &shape)) {
        let x: [&[T]; N] = array(|i| &inputs[i].storage.slice::<T>()[inputs[i].layout.offset..][..count]);
        return Tensor::inlined::<O>(shape, |out| f.run(&x, out));
    }
    let readers = inputs.map(|x| Reader::<T>::new(x, &x.layout.expanded(&shape)));
    Tensor::build::<O>(shape, |out| {
        let step = if readers.iter().all(Reader::is_dense) { SMALL } else { BLOCK };
        chunks_mut(out, SMALL, |i, chunk| {
            let mut scratch: [Vec<T>; N] = std::array::from_fn(|_| Vec::new());
            for (j, out) in chunk.chunks_mut(step).enumerate() {
                let mut scratch = scratch.iter_mut();
                let x = readers.each_ref().map(|reader| {
                    let scratch = scratch.next().expect("one scratch per input");
                    reader.block(i * SMALL + j * step, out.len(), scratch)
                });
                f.run(&x, out);
            }
        });
    })
}

/// The common shape of tensors that an elementwise op combines.
///
/// # Panics
/// When types differ or shapes do not broadcast.
#[track_caller]
pub(super) fn common_shape(op: &str, a: &Tensor, b: &Tensor) -> Shape {
    if a.dtype() != b.dtype() {
        panic!(
            "{op}: element types differ: {} {} and {} {}; convert one with .cast(DType::{:?})",
            a.dtype(),
            a.layout.shape,
            b.dtype(),
            b.layout.shape,
            a.dtype()
        );
    }
    if same(a.shape(), b.shape()) {
        return a.to_shape();
    }
    match broadcast_shapes(a.shape(), b.shape()) {
        Some(shape) => shape,
        None => refuse_shapes(op, a, b),
    }
}

#[cold]
#[track_caller]
fn refuse_shapes(op: &str, a: &Tensor, b: &Tensor) -> ! {
    let remedy = if a.rank() == 2 && b.rank() == 2 && broadcast_shapes(a.shape(), b.t().shape()).is_some() {
        "; did you mean b.t()?"
    } else if b.rank() == 1 && a.shape().first() == b.shape().first() && a.rank() == 2 {
        "; did you mean b.unsqueeze(1)?"
    } else {
        ""
    };
    panic!(
        "{op}: shapes do not broadcast: {} and {} (each axis, counted from the last, must be equal or 1){remedy}",
        a.layout.shape, b.layout.shape
    )
}

impl Tensor {
    /// A real function applied to every element; `op` names it in errors. Halves are computed in `f32`.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    #[track_caller]
    pub fn map(&self, op: &str, f: &impl Map) -> Tensor {
        self.mapped(op, &Mapped(f.clone()))
    }

    /// A function of one number that branches or loops, computed in `f64` for every element: what is not worth compiling for vectors.
    /// `op` names it in errors.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    ///
    /// ```
    /// use chainrule_tensor::{special, tensor};
    /// assert_eq!(tensor![1., 4.].map_each("lgamma", &special::lgamma).to_vec::<f32>()[0], 0.0);
    /// ```
    #[track_caller]
    pub fn map_each(&self, op: &str, f: &(dyn Fn(f64) -> f64 + Sync)) -> Tensor {
        each_real!(op, self, T => blockwise::<T, T, 1>([self], self.to_shape(), |[x], out| {
            out.iter_mut().zip(x).for_each(|(out, &x)| *out = T::from_f64(f(x.to_f64())));
        }), half => self.cast(DType::F32).map_each(op, f).cast(self.dtype()))
    }

    /// As [`map_each`](Tensor::map_each), of pairs of elements, broadcast by NumPy's rule.
    ///
    /// # Panics
    /// When the types differ, are not real or the shapes do not broadcast.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![3.].zip_each("hypot", &tensor![4.], &f64::hypot).item(), 5.0);
    /// ```
    #[track_caller]
    pub fn zip_each(&self, op: &str, b: &Tensor, f: &(dyn Fn(f64, f64) -> f64 + Sync)) -> Tensor {
        let shape = common_shape(op, self, b);
        each_real!(op, self, T => blockwise::<T, T, 2>([self, b], shape, |[a, b], out| {
            for (out, (&a, &b)) in out.iter_mut().zip(a.iter().zip(b)) {
                *out = T::from_f64(f(a.to_f64(), b.to_f64()));
            }
        }), half => self.cast(DType::F32).zip_each(op, &b.cast(DType::F32), f).cast(self.dtype()))
    }

    /// A real function of pairs of elements, broadcast by NumPy's rule; `op` names it in errors.
    ///
    /// # Panics
    /// When the types differ, are not real or the shapes do not broadcast.
    #[track_caller]
    pub fn zip(&self, op: &str, b: &Tensor, f: &impl Zip) -> Tensor {
        self.zipped(op, b, &Zipped(f.clone()))
    }

    /// A real function of triples of elements, broadcast by NumPy's rule; `op` names it in errors.
    ///
    /// # Panics
    /// When the types differ, are not real or the shapes do not broadcast.
    #[track_caller]
    pub fn zip3(&self, op: &str, b: &Tensor, c: &Tensor, f: &impl Zip3) -> Tensor {
        self.zipped3(op, b, c, &Zipped3(f.clone()))
    }

    /// Arithmetic on pairs of elements, broadcast by NumPy's rule, for integers too; `op` names it in errors.
    ///
    /// # Panics
    /// When the types differ, are `bool`, or the shapes do not broadcast.
    #[track_caller]
    pub fn zip_number(&self, op: &str, b: &Tensor, f: &impl ZipNumber) -> Tensor {
        self.counted(op, b, &Counted(f.clone()))
    }

    #[track_caller]
    fn mapped(&self, op: &str, f: &dyn OfReals) -> Tensor {
        real(op, [self], self.to_shape(), f)
    }

    #[track_caller]
    fn zipped(&self, op: &str, b: &Tensor, f: &dyn OfReals) -> Tensor {
        real(op, [self, b], common_shape(op, self, b), f)
    }

    #[track_caller]
    fn zipped3(&self, op: &str, b: &Tensor, c: &Tensor, f: &dyn OfReals) -> Tensor {
        let outer = self.with_layout(self.layout.expanded(&common_shape(op, self, b)));
        real(op, [self, b, c], common_shape(op, &outer, c), f)
    }

    #[track_caller]
    fn counted(&self, op: &str, b: &Tensor, f: &dyn OfNumbers) -> Tensor {
        let shape = common_shape(op, self, b);
        each_number!(op, self, T => elementwise::<T, 2>([self, b], shape, f), half => real(op, [self, b], shape, f))
    }

    /// As [`zip_each`](Tensor::zip_each), of integers.
    #[track_caller]
    pub(crate) fn zip_integer(&self, op: &str, b: &Tensor, f: fn(i64, i64) -> i64) -> Tensor {
        let shape = common_shape(op, self, b);
        assert!(
            self.dtype() == DType::I64,
            "{op}: needs integers, got {} of shape {}; convert it with .cast(DType::I64)",
            self.dtype(),
            self.layout.shape
        );
        blockwise::<i64, i64, 2>([self, b], shape, |[a, b], out| {
            for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
                *o = f(a, b);
            }
        })
    }

    /// A comparison of pairs of elements of one type, broadcast by NumPy's rule.
    #[track_caller]
    pub(crate) fn test(&self, op: &str, b: &Tensor, f: &impl Test) -> Tensor {
        let shape = common_shape(op, self, b);
        each_dtype!(self.dtype(), T => blockwise::<T, bool, 2>([self, b], shape, |x, out| {
            vectorised(Apply { f: &Tested(f), x, out })
        }))
    }
}
