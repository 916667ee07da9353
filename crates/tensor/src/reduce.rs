//! Reductions along axes.

use crate::dtype::{DType, Number, each_number};
use crate::kernel::reduction::{Fold, Form, apart, arg, find, fold, fold_formula};
use crate::shape::normalise_axes;
use crate::tensor::Tensor;

/// What a reduction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The sum; 0 of nothing.
    Sum,
    /// The product; 1 of nothing.
    Prod,
    /// The largest; a NaN wins.
    Max,
    /// The smallest; a NaN wins.
    Min,
}

pub(crate) struct Sum;
impl Fold for Sum {
    #[inline(always)]
    fn start<T: Number>() -> T {
        T::ZERO
    }
    #[inline(always)]
    fn join<T: Number>(a: T, b: T) -> T {
        a.plus(b)
    }
}

pub(crate) struct Prod;
impl Fold for Prod {
    const WIDE: bool = false;
    #[inline(always)]
    fn start<T: Number>() -> T {
        T::ONE
    }
    #[inline(always)]
    fn join<T: Number>(a: T, b: T) -> T {
        a.times(b)
    }
}

struct Max;
impl Fold for Max {
    #[inline(always)]
    fn start<T: Number>() -> T {
        T::LOWEST
    }
    #[inline(always)]
    fn join<T: Number>(a: T, b: T) -> T {
        if a > b || a.is_nan() { a } else { b }
    }
}

struct Min;
impl Fold for Min {
    #[inline(always)]
    fn start<T: Number>() -> T {
        T::HIGHEST
    }
    #[inline(always)]
    fn join<T: Number>(a: T, b: T) -> T {
        if a < b || a.is_nan() { a } else { b }
    }
}

impl Tensor {
    /// Combines all elements along the axes (all axes when none is named). With `keep` they stay, with length 1.
    ///
    /// # Panics
    /// When an axis does not exist, the elements are `bool`, or the largest or smallest of nothing is asked for.
    ///
    /// ```
    /// use chainrule_tensor::{tensor, Reduction};
    /// let x = tensor![[1., 5.], [3., 2.]];
    /// assert_eq!(x.reduce(Reduction::Max, &[1], true).to_vec::<f32>(), [5., 3.]);
    /// ```
    #[track_caller]
    pub fn reduce(&self, reduction: Reduction, axes: &[isize], keep: bool) -> Tensor {
        match reduction {
            Reduction::Sum => self.folded::<Sum>("sum", axes, keep),
            Reduction::Prod => self.folded::<Prod>("prod", axes, keep),
            Reduction::Max => self.non_empty("max", axes).folded::<Max>("max", axes, keep),
            Reduction::Min => self.non_empty("min", axes).folded::<Min>("min", axes, keep),
        }
    }

    /// The sum along the axes (all when none is named).
    ///
    /// # Panics
    /// When an axis does not exist or the elements are `bool`.
    #[track_caller]
    pub fn sum(&self, axes: &[isize], keep: bool) -> Tensor {
        self.reduce(Reduction::Sum, axes, keep)
    }

    /// The mean along the axes (all when none is named); NaN of nothing.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are not real.
    #[track_caller]
    pub fn mean(&self, axes: &[isize], keep: bool) -> Tensor {
        if self.dtype().is_half() {
            return self.cast(DType::F32).mean(axes, keep).cast(self.dtype());
        }
        let sum = self.sum(axes, keep);
        let count = normalise_axes("mean", axes, self.rank()).iter().map(|&i| self.shape()[i]).product::<usize>();
        sum / count as f64
    }

    /// The largest element along the axes (all when none is named); a NaN wins.
    ///
    /// # Panics
    /// When an axis does not exist or there are no elements.
    #[track_caller]
    pub fn max(&self, axes: &[isize], keep: bool) -> Tensor {
        self.reduce(Reduction::Max, axes, keep)
    }

    /// The smallest element along the axes (all when none is named); a NaN wins.
    ///
    /// # Panics
    /// When an axis does not exist or there are no elements.
    #[track_caller]
    pub fn min(&self, axes: &[isize], keep: bool) -> Tensor {
        self.reduce(Reduction::Min, axes, keep)
    }

    /// The position of the largest element along an axis, the first of equal ones, as `i64`; with `None` among all elements in
    /// row-major order. A NaN counts as largest.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// assert_eq!(tensor![[1., 9.], [4., 4.]].argmax(1, false).to_vec::<i64>(), [1, 0]);
    /// ```
    #[track_caller]
    pub fn argmax(&self, axis: impl Into<Option<isize>>, keep: bool) -> Tensor {
        self.arg_reduce("argmax", axis.into(), keep, true)
    }

    /// The position of the smallest element along an axis, the first of equal ones, as `i64`; with `None` among all elements in
    /// row-major order. A NaN counts as smallest.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    #[track_caller]
    pub fn argmin(&self, axis: impl Into<Option<isize>>, keep: bool) -> Tensor {
        self.arg_reduce("argmin", axis.into(), keep, false)
    }

    /// Whether any element along the axes (all when none is named) holds: is not 0.
    ///
    /// # Panics
    /// When an axis does not exist.
    ///
    /// ```
    /// let x = chainrule_tensor::tensor![[[0., 1.], [0., 0.]], [[0., 1.], [1., 0.]]];
    /// assert_eq!(x.any(&[0, 2], false).to_vec::<bool>(), [true, true]);
    /// assert_eq!(x.all(&[0, 1], false).to_vec::<bool>(), [false, false]);
    /// assert_eq!(x.select(0, 0).any(&[1], true).to_vec::<bool>(), [true, false]);
    /// ```
    #[track_caller]
    pub fn any(&self, axes: &[isize], keep: bool) -> Tensor {
        let axes = normalise_axes("any", axes, self.rank());
        if let Some([outer, inner]) = apart(&axes) {
            return self.any(&inner, true).any(&outer, true).reshape(self.layout.shape.reduced(&axes, keep));
        }
        let (x, form) = Form::of(&self.cast(DType::Bool), &axes);
        let x = x.as_slice::<bool>().expect("a reduction's form is dense");
        Tensor::build::<bool>(self.layout.shape.reduced(&axes, keep), |out| find(x, form, true, out))
    }

    /// Whether all elements along the axes (all when none is named) hold: are not 0.
    ///
    /// # Panics
    /// When an axis does not exist.
    ///
    /// ```
    /// let x = chainrule_tensor::tensor![[[1., 1.], [1., 0.]], [[2., 1.], [1., 1.]]];
    /// assert_eq!(x.all(&[0, 2], false).to_vec::<bool>(), [true, false]);
    /// ```
    #[track_caller]
    pub fn all(&self, axes: &[isize], keep: bool) -> Tensor {
        let axes = normalise_axes("all", axes, self.rank());
        if let Some([outer, inner]) = apart(&axes) {
            return self.all(&inner, true).all(&outer, true).reshape(self.layout.shape.reduced(&axes, keep));
        }
        let (x, form) = Form::of(&self.cast(DType::Bool), &axes);
        let x = x.as_slice::<bool>().expect("a reduction's form is dense");
        Tensor::build::<bool>(self.layout.shape.reduced(&axes, keep), |out| {
            find(x, form, false, out);
            out.iter_mut().for_each(|o| *o = !*o);
        })
    }

    /// How many elements along the axes (all when none is named) are not 0, as `i64`.
    ///
    /// # Panics
    /// When an axis does not exist.
    ///
    /// ```
    /// assert_eq!(chainrule_tensor::tensor![0., 2., f64::NAN].count_nonzero(&[]).item(), 2.0);
    /// ```
    #[track_caller]
    pub fn count_nonzero(&self, axes: &[isize]) -> Tensor {
        self.cast(DType::Bool).cast(DType::I64).folded::<Sum>("count_nonzero", axes, false)
    }

    /// Sums what broadcasting had repeated: the adjoint of [`broadcast_to`](Tensor::broadcast_to).
    ///
    /// # Panics
    /// When `shape` does not broadcast to this tensor's shape.
    ///
    /// ```
    /// let g = chainrule_tensor::tensor![[1., 2.], [3., 4.]];
    /// assert_eq!(g.sum_to([2]).to_vec::<f32>(), [4., 6.]);
    /// assert_eq!(g.sum_to([2, 1]).to_vec::<f32>(), [3., 7.]);
    /// ```
    #[track_caller]
    pub fn sum_to(&self, shape: impl Into<crate::Shape>) -> Tensor {
        let shape = shape.into();
        if self.shape() == &shape[..] {
            return self.clone();
        }
        assert!(
            crate::broadcast_shapes(&shape, self.shape()).as_ref() == Some(&self.layout.shape),
            "sum_to: {shape} does not broadcast to {}",
            self.layout.shape
        );
        let skip = self.rank() - shape.len();
        let repeated = |&i: &usize| i < skip || shape[i - skip] == 1 && self.shape()[i] != 1;
        let axes: Vec<isize> = (0..self.rank()).filter(repeated).map(|i| i as isize).collect();
        self.sum(&axes, true).reshape(shape)
    }

    #[track_caller]
    fn folded<F: Fold>(&self, op: &str, axes: &[isize], keep: bool) -> Tensor {
        let axes = normalise_axes(op, axes, self.rank());
        let shape = self.layout.shape.reduced(&axes, keep);
        if let Some([outer, inner]) = apart(&axes).filter(|_| !self.dtype().is_half()) {
            return self.folded::<F>(op, &inner, true).folded::<F>(op, &outer, true).reshape(shape);
        }
        each_number!(op, self, T => {
            if axes.len() == self.rank()
                && let Some(formula) = self.formula::<T>()
            {
                let all = fold_formula::<F, T>(formula, self.len());
                return Tensor::build::<T>(shape, |out| out.fill(all));
            }
            let (x, form) = Form::of(self, &axes);
            let x = x.as_slice::<T>().expect("a reduction's form is dense");
            Tensor::build::<T>(shape, |out| fold::<F, T>(x, form, out))
        }, half => {
            let named: Vec<isize> = axes.iter().map(|&i| i as isize).collect();
            self.cast(DType::F32).folded::<F>(op, &named, keep).cast(self.dtype())
        })
    }

    #[track_caller]
    fn arg_reduce(&self, op: &str, axis: Option<isize>, keep: bool, largest: bool) -> Tensor {
        let axes = axis.map_or(normalise_axes(op, &[], self.rank()), |axis| normalise_axes(op, &[axis], self.rank()));
        if let Some(&axis) = axes.iter().find(|&&axis| self.shape()[axis] == 0) {
            panic!("{op}: axis {axis} of shape {} has no elements", self.layout.shape);
        }
        let shape = self.layout.shape.reduced(&axes, keep);
        each_number!(op, self, T => {
            let (x, form) = Form::of(self, &axes);
            let x = x.as_slice::<T>().expect("a reduction's form is dense");
            let better = |a: T, b: T| if largest { a > b } else { a < b };
            Tensor::build::<i64>(shape, |out| arg(x, form, better, out))
        }, half => self.cast(DType::F32).arg_reduce(op, axis, keep, largest))
    }

    #[track_caller]
    fn non_empty(&self, op: &str, axes: &[isize]) -> &Tensor {
        let axes = normalise_axes(op, axes, self.rank());
        let empty = axes.iter().any(|&i| self.shape()[i] == 0);
        assert!(!empty, "{op}: no elements to choose from along {axes:?} of shape {}", self.layout.shape);
        self
    }
}
