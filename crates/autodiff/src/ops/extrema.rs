//! The largest, the smallest, the one in the middle.

use chainrule_tensor::{Comparison, Reduction, Tensor};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::Op;
use crate::ops::reduce::{along, kept};
use crate::var::Var;

/// Which element is chosen.
#[derive(Clone, Copy)]
enum Choice {
    Largest,
    Smallest,
    Median { ignore_nan: bool },
}

/// One element of many; equal ones share the gradient evenly.
struct Chosen {
    choice: Choice,
    axes: Vec<isize>,
    keep: bool,
}
impl Op<1> for Chosen {
    fn name(&self) -> &'static str {
        match self.choice {
            Choice::Largest => "amax",
            Choice::Smallest => "amin",
            Choice::Median { ignore_nan: false } => "median",
            Choice::Median { ignore_nan: true } => "nanmedian",
        }
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        match self.choice {
            Choice::Largest => x.reduce(Reduction::Max, &self.axes, self.keep),
            Choice::Smallest => x.reduce(Reduction::Min, &self.axes, self.keep),
            Choice::Median { ignore_nan } => {
                let line = x.reshape([x.len()]);
                line.gather(0, &line.argmedian(0, ignore_nan)).reshape([])
            }
        }
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], y: &Var) -> Var {
        let kept = kept(self.name(), x, &self.axes);
        let (x, y) = (x.value(), y.value().reshape(&kept));
        let mut chosen = x.compare(Comparison::Eq, &y);
        let nan = y.compare(Comparison::Ne, &y);
        if nan.any(&[], false).item() != 0.0 {
            chosen = chosen.logical_or(&nan.logical_and(&x.compare(Comparison::Ne, x)));
        }
        let chosen = chosen.cast(x.dtype());
        let share = &chosen / &chosen.sum(&self.axes, true);
        g.reshape(kept) * Var::constant(share)
    }
}

impl Var {
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
        Chosen { choice: Choice::Largest, axes: axes.to_vec(), keep }.apply([self])
    }

    /// The smallest element along the axes (all when none is named); a NaN wins. Equal ones share the gradient evenly.
    ///
    /// # Panics
    /// When an axis does not exist or there are no elements.
    #[track_caller]
    pub fn amin(&self, axes: &[isize], keep: bool) -> Var {
        Chosen { choice: Choice::Smallest, axes: axes.to_vec(), keep }.apply([self])
    }

    /// The smallest and the largest element along the axes (all when none is named): [`amin`](Var::amin) and [`amax`](Var::amax).
    ///
    /// # Panics
    /// When an axis does not exist or there are no elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (low, high) = Var::constant(tensor![2., 7., 5.]).aminmax(&[], false);
    /// assert_eq!((low.item(), high.item()), (2.0, 7.0));
    /// ```
    #[track_caller]
    pub fn aminmax(&self, axes: &[isize], keep: bool) -> (Var, Var) {
        (self.amin(axes, keep), self.amax(axes, keep))
    }

    /// The largest of all elements: [`amax`](Var::amax) over all axes.
    ///
    /// # Panics
    /// When there are no elements.
    #[track_caller]
    pub fn max(&self) -> Var {
        self.amax(&[], false)
    }

    /// The smallest of all elements: [`amin`](Var::amin) over all axes.
    ///
    /// # Panics
    /// When there are no elements.
    #[track_caller]
    pub fn min(&self) -> Var {
        self.amin(&[], false)
    }

    /// The largest element along an axis and its position, the first of equal ones, which alone gets the gradient; a NaN wins. With
    /// `keep` the axis stays, with length 1.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 7., 7.]);
    /// let (value, position) = x.max_dim(0, false);
    /// assert_eq!((value.item(), position.item()), (7.0, 1.0));
    /// assert_eq!(value.backward()[&x].to_vec::<f32>(), [0., 1., 0.]);
    /// ```
    #[track_caller]
    pub fn max_dim(&self, axis: isize, keep: bool) -> (Var, Tensor) {
        self.taken(axis, self.value().argmax(axis, true), keep)
    }

    /// The smallest element along an axis and its position, the first of equal ones, which alone gets the gradient; a NaN wins. With
    /// `keep` the axis stays, with length 1.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    #[track_caller]
    pub fn min_dim(&self, axis: isize, keep: bool) -> (Var, Tensor) {
        self.taken(axis, self.value().argmin(axis, true), keep)
    }

    /// The position of the largest element along an axis, the first of equal ones, as `i64`; with `None` among all elements in row-major
    /// order. A NaN counts as largest.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![[1., 9.], [4., 4.]]);
    /// assert_eq!(x.argmax(1, false).to_vec::<i64>(), [1, 0]);
    /// assert_eq!(x.argmax(None, false).item(), 1.0);
    /// ```
    #[track_caller]
    pub fn argmax(&self, axis: impl Into<Option<isize>>, keep: bool) -> Tensor {
        self.value().argmax(axis, keep)
    }

    /// The position of the smallest element along an axis, the first of equal ones, as `i64`; with `None` among all elements in row-major
    /// order. A NaN counts as smallest.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    #[track_caller]
    pub fn argmin(&self, axis: impl Into<Option<isize>>, keep: bool) -> Tensor {
        self.value().argmin(axis, keep)
    }

    /// The median of all elements, the lower of two; NaN if one is. Equal ones share the gradient evenly.
    ///
    /// # Panics
    /// When there are no elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![2., 9., 1., 2.]);
    /// let y = x.median();
    /// assert_eq!((y.item(), y.backward()[&x].to_vec::<f32>()), (2.0, vec![0.5, 0., 0., 0.5]));
    /// ```
    #[track_caller]
    pub fn median(&self) -> Var {
        Chosen { choice: Choice::Median { ignore_nan: false }, axes: vec![], keep: false }.apply([self])
    }

    /// The median of all elements that are not NaN, the lower of two. Equal ones share the gradient evenly.
    ///
    /// # Panics
    /// When there are no elements.
    #[track_caller]
    pub fn nanmedian(&self) -> Var {
        Chosen { choice: Choice::Median { ignore_nan: true }, axes: vec![], keep: false }.apply([self])
    }
}

fn distinct(draw: &mut Draw, source: &str, call: fn(&Var) -> Var) -> Sample {
    let shape = draw.positive_shape();
    Sample::new([draw.distinct(&shape)], source, move |x| call(&x[0]))
}

/// A function along one axis of distinct numbers; the last argument says whether the axis is kept.
pub(super) fn on_line(draw: &mut Draw, name: &str, call: fn(&Var, isize, bool) -> Var) -> Sample {
    let shape = draw.positive_shape();
    let (axis, keep) = (draw.axis(shape.len()), draw.flag());
    Sample::new([draw.distinct(&shape)], format!("x[0].{name}({axis}, {keep})"), move |x| call(&x[0], axis, keep))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("amax", "amax", "the largest", "g to the largest, evenly", |d| {
        along(d, "amax", Draw::distinct, |x, axes, keep| x.amax(axes, keep))
    }),
    Declaration::linear("amin", "amin", "the smallest", "g to the smallest, evenly", |d| {
        along(d, "amin", Draw::distinct, |x, axes, keep| x.amin(axes, keep))
    }),
    Declaration::linear("aminmax", "aminmax", "the smallest, the largest", "g to each, evenly", |d| {
        along(d, "aminmax", Draw::distinct, |x, axes, keep| {
            let (low, high) = x.aminmax(axes, keep);
            high - low
        })
    }),
    Declaration::linear("max", "max", "the largest", "g to the largest, evenly", |d| {
        distinct(d, "x[0].max()", Var::max)
    }),
    Declaration::linear("min", "min", "the smallest", "g to the smallest, evenly", |d| {
        distinct(d, "x[0].min()", Var::min)
    }),
    Declaration::linear("max_dim", "max", "the largest and its position", "g to that position", |d| {
        on_line(d, "max_dim", |x, axis, keep| x.max_dim(axis, keep).0)
    }),
    Declaration::linear("min_dim", "min", "the smallest and its position", "g to that position", |d| {
        on_line(d, "min_dim", |x, axis, keep| x.min_dim(axis, keep).0)
    }),
    Declaration::discrete("argmax", "argmax", "the position of the largest", |d| {
        on_line(d, "argmax", |x, axis, keep| Var::constant(x.argmax(axis, keep)))
    }),
    Declaration::discrete("argmin", "argmin", "the position of the smallest", |d| {
        on_line(d, "argmin", |x, axis, keep| Var::constant(x.argmin(axis, keep)))
    }),
    Declaration::linear("median", "median", "the lower median", "g to the median, evenly", |d| {
        distinct(d, "x[0].median()", Var::median).regular()
    }),
    Declaration::new(
        Family::Linear,
        "nanmedian",
        "nanmedian",
        "the lower median of numbers",
        "g to the median, evenly",
        |d| distinct(d, "x[0].nanmedian()", Var::nanmedian).regular(),
    ),
];
