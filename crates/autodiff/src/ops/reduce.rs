//! Many numbers to one: sums, means, products, and how many there are of a kind.

use chainrule_tensor::{Comparison, DType, Reduction, Shape, Tensor, normalise_axes};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::ops::compare::numbers;
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

/// The product of each line along the last axis. The rule multiplies all others, and so never divides by a 0.
struct Product;
impl Op<1> for Product {
    fn name(&self) -> &'static str {
        "prod"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.reduce(Reduction::Prod, &[-1], false)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        let before = |x: &Var| x.delayed(-1, 1.0).cumprod(-1);
        g.unsqueeze(-1) * (before(x) * before(&x.flip(&[-1])).flip(&[-1]))
    }
}

/// The shape of `x` with the reduced axes kept at length 1.
#[track_caller]
pub(super) fn kept(op: &str, x: &Var, axes: &[isize]) -> Shape {
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

    /// The product of all elements; 1 of none. The gradient is exact where elements are 0.
    ///
    /// # Panics
    /// When the elements are `bool`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![2., 0., 5.]);
    /// assert_eq!(x.prod().backward()[&x].to_vec::<f32>(), [0., 10., 0.]);
    /// ```
    #[track_caller]
    pub fn prod(&self) -> Var {
        self.prod_axes(&[], false)
    }

    /// The product along the axes (all when none is named). With `keep` they stay, with length 1.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are `bool`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![[1., 2.], [3., 4.]]);
    /// assert_eq!(x.prod_axes(&[0], false).value().to_vec::<f32>(), [3., 8.]);
    /// ```
    #[track_caller]
    pub fn prod_axes(&self, axes: &[isize], keep: bool) -> Var {
        let y = Product.apply([&self.merged("prod", axes)]);
        if keep { y.reshape(kept("prod", self, axes)) } else { y }
    }

    /// The sum along the axes (all when none is named) of what is not NaN. With `keep` they stay, with length 1.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are not real.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., f64::NAN, 3.]);
    /// let y = x.nansum(&[], false);
    /// assert_eq!((y.item(), y.backward()[&x].to_vec::<f32>()), (4.0, vec![1., 0., 1.]));
    /// ```
    #[track_caller]
    pub fn nansum(&self, axes: &[isize], keep: bool) -> Var {
        let number = self.value().compare(Comparison::Eq, self.value());
        Var::choose(&number, self, 0.0).sum_axes(axes, keep)
    }

    /// The mean along the axes (all when none is named) of what is not NaN; NaN of nothing. With `keep` they stay, with length 1.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are not real.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![1., f64::NAN, 3.]).nanmean(&[], false).item(), 2.0);
    /// ```
    #[track_caller]
    pub fn nanmean(&self, axes: &[isize], keep: bool) -> Var {
        let count = self.value().compare(Comparison::Eq, self.value()).cast(DType::I64).sum(axes, keep);
        self.nansum(axes, keep) / Var::constant(count.cast(self.dtype()))
    }

    /// How many elements along the axes (all when none is named) are not 0, as `i64`.
    ///
    /// # Panics
    /// When an axis does not exist.
    #[track_caller]
    pub fn count_nonzero(&self, axes: &[isize]) -> Tensor {
        self.value().count_nonzero(axes)
    }

    /// Whether any element along the axes (all when none is named) is not 0.
    ///
    /// # Panics
    /// When an axis does not exist.
    #[track_caller]
    pub fn any(&self, axes: &[isize], keep: bool) -> Tensor {
        self.value().any(axes, keep)
    }

    /// Whether no element along the axes (all when none is named) is 0.
    ///
    /// # Panics
    /// When an axis does not exist.
    #[track_caller]
    pub fn all(&self, axes: &[isize], keep: bool) -> Tensor {
        self.value().all(axes, keep)
    }

    /// This variable with the axes (all when none is named) made into one, the last.
    ///
    /// Shape: the other axes, then the product of the lengths.
    #[track_caller]
    pub(crate) fn merged(&self, op: &str, axes: &[isize]) -> Var {
        let axes = normalise_axes(op, axes, self.rank());
        let others: Vec<usize> = (0..self.rank()).filter(|i| !axes.contains(i)).collect();
        let shape: Vec<usize> = others.iter().map(|&i| self.shape()[i]).collect();
        let line: usize = axes.iter().map(|&i| self.shape()[i]).product();
        let order: Vec<isize> = others.iter().chain(&axes).map(|&i| i as isize).collect();
        let x = if order.is_sorted() { self.clone() } else { self.permute(&order) };
        x.reshape([&shape[..], &[line]].concat())
    }

    #[track_caller]
    pub(super) fn count(&self, op: &str, axes: &[isize]) -> f64 {
        normalise_axes(op, axes, self.rank()).iter().map(|&i| self.shape()[i]).product::<usize>() as f64
    }
}

pub(super) fn along(
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
pub(crate) const DECLARED: &[Declaration] = &[
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
    Declaration::new(Family::Composite, "prod", "prod", "Π x", "g · Π of the others", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].prod()", |x| x[0].prod())
    }),
    Declaration::new(Family::Composite, "prod_axes", "prod", "Π x along axes", "g · Π of the others", |d| {
        along(d, "prod_axes", Draw::reals, |x, axes, keep| x.prod_axes(axes, keep))
    }),
    Declaration::linear("nansum", "nansum", "Σ x without NaN", "g repeated; 0 at a NaN", |d| {
        along(d, "nansum", Draw::reals, |x, axes, keep| x.nansum(axes, keep))
    }),
    Declaration::linear("nanmean", "nanmean", "Σ x / n without NaN", "g / n repeated; 0 at a NaN", |d| {
        along(d, "nanmean", Draw::reals, |x, axes, keep| x.nanmean(axes, keep))
    }),
    Declaration::discrete("count_nonzero", "count_nonzero", "how many are not 0", |d| {
        along(d, "count_nonzero", Draw::reals, |x, axes, _| Var::constant(x.count_nonzero(axes)))
    }),
    Declaration::discrete("any", "any", "whether any is not 0", |d| {
        along(d, "any", Draw::reals, |x, axes, keep| numbers(x.any(axes, keep), x))
    }),
    Declaration::discrete("all", "all", "whether none is 0", |d| {
        along(d, "all", Draw::reals, |x, axes, keep| numbers(x.all(axes, keep), x))
    }),
];
