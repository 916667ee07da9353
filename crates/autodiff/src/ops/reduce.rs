//! Many numbers to one: sums and what is made of them, and extrema.

use chainrule_tensor::{Comparison, Reduction, Shape, Tensor, normalise_axes};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// A sum ↔ repetition.
struct SumAxes {
    axes: Vec<isize>,
    keep: bool,
}
impl Op<1> for SumAxes {
    fn name(&self) -> &'static str {
        "sum"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.sum(&self.axes, self.keep)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        g.reshape(kept("sum", x, &self.axes)).broadcast_to(x.shape())
    }
}

/// The sum over what broadcasting would repeat ↔ that repetition.
struct SumTo {
    shape: Shape,
}
impl Op<1> for SumTo {
    fn name(&self) -> &'static str {
        "sum_to"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.sum_to(&self.shape)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        g.broadcast_to(x.shape())
    }
}

/// Running sums ↔ running sums from the other end.
struct CumSum {
    axis: isize,
}
impl Op<1> for CumSum {
    fn name(&self) -> &'static str {
        "cumsum"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.cumsum(self.axis)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        match x.rank() {
            0 => g.clone(),
            _ => g.flip(&[self.axis]).cumsum(self.axis).flip(&[self.axis]),
        }
    }
}

/// The largest or smallest; equal ones share the gradient evenly.
struct Extremum {
    reduction: Reduction,
    axes: Vec<isize>,
    keep: bool,
}
impl Op<1> for Extremum {
    fn name(&self) -> &'static str {
        if self.reduction == Reduction::Max { "amax" } else { "amin" }
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.reduce(self.reduction, &self.axes, self.keep)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], y: &Var) -> Var {
        let kept = kept("amax", x, &self.axes);
        let chosen = x.value().compare(Comparison::Eq, &y.value().reshape(&kept)).cast(x.dtype());
        let share = &chosen / &chosen.sum(&self.axes, true);
        g.reshape(kept) * Var::constant(share)
    }
}

/// The shape of `x` with the reduced axes kept at length 1.
#[track_caller]
fn kept(op: &str, x: &Var, axes: &[isize]) -> Shape {
    x.to_shape().reduced(&normalise_axes(op, axes, x.rank()), true)
}

impl Var {
    /// The sum of all elements.
    ///
    /// # Panics
    /// When the elements are `bool`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![1., 2., 3.]).sum().item(), 6.0);
    /// ```
    #[track_caller]
    pub fn sum(&self) -> Var {
        self.sum_axes(&[], false)
    }

    /// The sum along the axes (all when none is named). With `keep` they stay, with length 1.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are `bool`.
    #[track_caller]
    pub fn sum_axes(&self, axes: &[isize], keep: bool) -> Var {
        SumAxes { axes: axes.to_vec(), keep }.apply([self])
    }

    /// Sums what broadcasting had repeated: the adjoint of [`broadcast_to`](Var::broadcast_to).
    ///
    /// # Panics
    /// When `shape` does not broadcast to this variable's shape.
    #[track_caller]
    pub fn sum_to(&self, shape: impl Into<Shape>) -> Var {
        let shape = shape.into();
        if shape[..] == *self.shape() { self.clone() } else { SumTo { shape }.apply([self]) }
    }

    /// The mean of all elements; NaN of none.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    #[track_caller]
    pub fn mean(&self) -> Var {
        self.mean_axes(&[], false)
    }

    /// The mean along the axes (all when none is named). With `keep` they stay, with length 1.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![[1., 3.], [5., 7.]]);
    /// assert_eq!(x.mean_axes(&[1], false).value().to_vec::<f32>(), [2., 6.]);
    /// ```
    #[track_caller]
    pub fn mean_axes(&self, axes: &[isize], keep: bool) -> Var {
        self.sum_axes(axes, keep) / self.count("mean", axes)
    }

    /// The variance along the axes (all when none is named): the mean square of the distance from the mean, with the sum divided by
    /// n − `correction`. 1 gives the unbiased estimate of a population's variance, 0 that of the data itself.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![1., 3.]).var_axes(&[], 1.0, false).item(), 2.0);
    /// ```
    #[track_caller]
    pub fn var_axes(&self, axes: &[isize], correction: f64, keep: bool) -> Var {
        let distance = self - self.mean_axes(axes, true);
        distance.square().sum_axes(axes, keep) / (self.count("var", axes) - correction).max(0.0)
    }

    /// The standard deviation along the axes (all when none is named): the root of [`var_axes`](Var::var_axes). The gradient where all
    /// elements are equal is 0.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![5., 5., 5.]);
    /// assert_eq!(x.std_axes(&[], 1.0, false).backward()[&x].to_vec::<f32>(), [0., 0., 0.]);
    /// ```
    #[track_caller]
    pub fn std_axes(&self, axes: &[isize], correction: f64, keep: bool) -> Var {
        self.var_axes(axes, correction, keep).length()
    }

    /// The largest element along the axes (all when none is named); a NaN wins. Equal ones share the gradient evenly.
    ///
    /// # Panics
    /// When an axis does not exist or there are no elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 7., 7.]);
    /// assert_eq!(x.amax(&[], false).backward()[&x].to_vec::<f32>(), [0., 0.5, 0.5]);
    /// ```
    #[track_caller]
    pub fn amax(&self, axes: &[isize], keep: bool) -> Var {
        Extremum { reduction: Reduction::Max, axes: axes.to_vec(), keep }.apply([self])
    }

    /// The smallest element along the axes (all when none is named); a NaN wins. Equal ones share the gradient evenly.
    ///
    /// # Panics
    /// When an axis does not exist or there are no elements.
    #[track_caller]
    pub fn amin(&self, axes: &[isize], keep: bool) -> Var {
        Extremum { reduction: Reduction::Min, axes: axes.to_vec(), keep }.apply([self])
    }

    /// Running sums along an axis.
    ///
    /// # Panics
    /// When the axis does not exist or the elements are `bool`.
    #[track_caller]
    pub fn cumsum(&self, axis: isize) -> Var {
        CumSum { axis }.apply([self])
    }

    /// The Euclidean length √Σx² along the axes (all when none is named). The gradient at the zero vector is 0.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![3., 4.]).norm(&[], false).item(), 5.0);
    /// ```
    #[track_caller]
    pub fn norm(&self, axes: &[isize], keep: bool) -> Var {
        self.square().sum_axes(axes, keep).length()
    }

    /// The root of a sum of squares. Where that is 0, so is the gradient, as it is the middle of all slopes there.
    #[track_caller]
    fn length(&self) -> Var {
        let zero = self.value().compare_scalar(Comparison::Eq, 0.0);
        let one = Var::constant(Tensor::scalar(1.0, self.dtype()));
        let length = Var::choose(&zero, &one, self).sqrt();
        Var::choose(&zero, &Var::constant(self.value()), &length)
    }

    #[track_caller]
    fn count(&self, op: &str, axes: &[isize]) -> f64 {
        normalise_axes(op, axes, self.rank()).iter().map(|&i| self.shape()[i]).product::<usize>() as f64
    }
}

fn along(
    draw: &mut Draw,
    name: &str,
    numbers: fn(&mut Draw, &[usize]) -> Tensor,
    call: fn(&Var, &[isize], bool) -> Var,
) -> Sample {
    let shape = draw.positive_shape();
    let (axes, keep) = (draw.axes(shape.len()), draw.flag());
    let source = format!("x[0].{name}(&{axes:?}, {keep})");
    Sample::new([numbers(draw, &shape)], source, move |x| call(&x[0], &axes, keep))
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[
    Declaration::linear("sum", "sum", "Σ x", "g repeated", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].sum()", |x| x[0].sum())
    }),
    Declaration::linear("sum_axes", "sum", "Σ x along axes", "g repeated", |d| {
        let shape = d.shape();
        let (axes, keep) = (d.axes(shape.len()), d.flag());
        Sample::new([d.reals(&shape)], format!("x[0].sum_axes(&{axes:?}, {keep})"), move |x| x[0].sum_axes(&axes, keep))
    }),
    Declaration::linear("sum_to", "sum_to_size", "Σ over what was repeated", "g repeated", |d| {
        let full = d.positive_shape();
        let from = d.below(full.len() + 1);
        let part: Vec<usize> = full[from..].iter().map(|&n| if d.flag() { 1 } else { n }).collect();
        Sample::new([d.reals(&full)], format!("x[0].sum_to({part:?})"), move |x| x[0].sum_to(&part))
    }),
    Declaration::linear("mean", "mean", "Σ x / n", "g / n repeated", |d| {
        let shape = d.positive_shape();
        Sample::new([d.reals(&shape)], "x[0].mean()", |x| x[0].mean())
    }),
    Declaration::linear("mean_axes", "mean", "Σ x / n along axes", "g / n repeated", |d| {
        along(d, "mean_axes", Draw::reals, |x, axes, keep| x.mean_axes(axes, keep))
    }),
    Declaration::new(Family::Composite, "var_axes", "var", "Σ (x - mean)² / (n - correction)", "of its parts", |d| {
        along(d, "var_axes", Draw::reals, |x, axes, keep| x.var_axes(axes, 0.0, keep))
    }),
    Declaration::new(Family::Composite, "std_axes", "std", "√var", "of its parts; 0 at 0", |d| {
        let (shape, correction) = ([d.range(2, 3), d.range(2, 4)], d.pick(&[0.0, 1.0]));
        let axes = d.pick(&[vec![], vec![0], vec![1]]);
        let source = format!("x[0].std_axes(&{axes:?}, {correction:?}, false)");
        Sample::new([d.distinct(&shape)], source, move |x| x[0].std_axes(&axes, correction, false))
    }),
    Declaration::linear("amax", "amax", "the largest", "g to the largest, evenly", |d| {
        along(d, "amax", Draw::distinct, |x, axes, keep| x.amax(axes, keep))
    }),
    Declaration::linear("amin", "amin", "the smallest", "g to the smallest, evenly", |d| {
        along(d, "amin", Draw::distinct, |x, axes, keep| x.amin(axes, keep))
    }),
    Declaration::linear("cumsum", "cumsum", "y[i] = Σ x[..=i]", "running sums from the end", |d| {
        let shape = d.positive_shape();
        let axis = d.axis(shape.len());
        Sample::new([d.reals(&shape)], format!("x[0].cumsum({axis})"), move |x| x[0].cumsum(axis))
    }),
    Declaration::new(Family::Composite, "norm", "linalg.vector_norm", "√Σ x²", "of its parts; 0 at 0", |d| {
        along(d, "norm", |d, shape| d.tensor(shape, 0.2, 3.0), |x, axes, keep| x.norm(axes, keep))
    }),
];
