//! Along an axis, each element made of the one before it: running sums, products, extrema; differences and areas.

use chainrule_tensor::{Comparison, Tensor, normalise_axis};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

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
        x.backwards(self.axis, g, |g| g.cumsum(self.axis))
    }
}

/// y₀ = b₀, yᵢ = aᵢ·yᵢ₋₁ + bᵢ ↔ the same from the other end.
struct Recurrence {
    axis: isize,
}
impl Op<2> for Recurrence {
    fn name(&self) -> &'static str {
        "recurrence"
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        a.recurrence(b, self.axis)
    }
    fn backward(&self, wrt: usize, g: &Var, [a, _]: [&Var; 2], y: &Var) -> Var {
        let of_b = a.backwards(self.axis, g, |g| {
            let factors = a.flip(&[self.axis]).delayed(self.axis, 0.0);
            Recurrence { axis: self.axis }.apply([&factors, g])
        });
        match wrt {
            0 => of_b * y.delayed(self.axis, 0.0),
            _ => of_b,
        }
    }
}

/// Running products. The rule is a recurrence from the other end, and never divides.
struct CumProd {
    axis: isize,
}
impl Op<1> for CumProd {
    fn name(&self) -> &'static str {
        "cumprod"
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.cumprod(self.axis)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], y: &Var) -> Var {
        // sᵢ = gᵢ + xᵢ₊₁·sᵢ₊₁ is the sum over later products, each without what it shares with yᵢ.
        let later = x.backwards(self.axis, g, |g| {
            let factors = x.flip(&[self.axis]).delayed(self.axis, 0.0);
            Recurrence { axis: self.axis }.apply([&factors, g])
        });
        later * y.delayed(self.axis, 1.0)
    }
}

/// ln Σ eˣ of each element and all before it. The rule is a recurrence from the other end, whose factors are at most 1.
struct LogCumSumExp {
    axis: isize,
}
impl Op<1> for LogCumSumExp {
    fn name(&self) -> &'static str {
        "logcumsumexp"
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.logcumsumexp(self.axis)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], y: &Var) -> Var {
        // sᵢ = gᵢ + exp(yᵢ − yᵢ₊₁)·sᵢ₊₁, and the gradient is sᵢ·exp(xᵢ − yᵢ).
        let later = x.backwards(self.axis, g, |g| {
            let y = y.flip(&[self.axis]);
            let n = y.size(self.axis);
            let ratio = match n {
                0 => y,
                _ => share(&y.narrow(self.axis, 1, n - 1), &y.narrow(self.axis, 0, n - 1)).led(self.axis, 0.0),
            };
            Recurrence { axis: self.axis }.apply([&ratio, g])
        });
        later * share(x, y)
    }
}

/// exp(part − whole); 0 where the whole is e^−∞ = 0.
fn share(part: &Var, whole: &Var) -> Var {
    let nothing = whole.value().compare_scalar(Comparison::Eq, f64::NEG_INFINITY);
    (part - Var::choose(&nothing, 0.0, whole)).exp()
}

impl Var {
    /// A function of `g` applied from the other end of an axis of this variable.
    #[track_caller]
    fn backwards(&self, axis: isize, g: &Var, f: impl FnOnce(&Var) -> Var) -> Var {
        match self.rank() {
            0 => g.clone(),
            _ => f(&g.flip(&[axis])).flip(&[axis]),
        }
    }

    /// With one more number in front of each line along an axis.
    #[track_caller]
    fn led(&self, axis: isize, first: f64) -> Var {
        let mut shape = self.to_shape().to_vec();
        shape[normalise_axis("led", axis, self.rank())] = 1;
        Var::cat(&[&Var::constant(Tensor::full(shape, first, self.dtype())), self], axis)
    }

    /// With each line along an axis moved on by one place, the first of which gets a number.
    #[track_caller]
    pub(crate) fn delayed(&self, axis: isize, first: f64) -> Var {
        match (self.rank(), self.len()) {
            (0, _) => Var::constant(Tensor::scalar(first, self.dtype())),
            (_, 0) => self.clone(),
            _ => self.narrow(axis, 0, self.size(axis) - 1).led(axis, first),
        }
    }

    /// Running sums along an axis.
    ///
    /// # Panics
    /// When the axis does not exist or the elements are `bool`.
    #[track_caller]
    pub fn cumsum(&self, axis: isize) -> Var {
        CumSum { axis }.apply([self])
    }

    /// Running products along an axis. The gradient is exact where elements are 0.
    ///
    /// # Panics
    /// When the axis does not exist or the elements are `bool`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![2., 0., 5.]);
    /// let y = x.cumprod(0);
    /// assert_eq!(y.value().to_vec::<f32>(), [2., 0., 0.]);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [1., 12., 0.]);
    /// ```
    #[track_caller]
    pub fn cumprod(&self, axis: isize) -> Var {
        CumProd { axis }.apply([self])
    }

    /// ln Σ eˣ of each element and all before it along an axis, without overflow. What adds nothing, e^−∞, gets gradient 0.
    ///
    /// # Panics
    /// When the axis does not exist or the elements are not real.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let y = Var::constant(tensor![F64; 1000., 1000.]).logcumsumexp(0);
    /// assert_eq!(y.value().to_vec::<f64>(), [1000., 1000. + 2f64.ln()]);
    /// ```
    #[track_caller]
    pub fn logcumsumexp(&self, axis: isize) -> Var {
        LogCumSumExp { axis }.apply([self])
    }

    /// The linear recurrence y₀ = b₀, yᵢ = aᵢ·yᵢ₋₁ + bᵢ along an axis, with this variable as a: an exponential moving average, a decaying
    /// memory, a first-order filter.
    ///
    /// # Panics
    /// When the axis does not exist, shapes or types differ, or the elements are not real.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let decay = Var::constant(tensor![0.5, 0.5, 0.5]);
    /// let y = decay.recurrence(&Var::constant(tensor![1., 0., 1.]), 0);
    /// assert_eq!(y.value().to_vec::<f32>(), [1., 0.5, 1.25]);
    /// ```
    #[track_caller]
    pub fn recurrence(&self, b: &Var, axis: isize) -> Var {
        Recurrence { axis }.apply([self, b])
    }

    /// The largest element so far along an axis and its position, the last of equal ones, which alone gets the gradient. A NaN stays the
    /// largest.
    ///
    /// # Panics
    /// When the axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (y, at) = Var::constant(tensor![1., 3., 2.]).cummax(0);
    /// assert_eq!((y.value().to_vec::<f32>(), at.to_vec::<i64>()), (vec![1., 3., 3.], vec![0, 1, 1]));
    /// ```
    #[track_caller]
    pub fn cummax(&self, axis: isize) -> (Var, Tensor) {
        self.taken(axis, self.value().argcummax(axis), true)
    }

    /// The smallest element so far along an axis and its position, the last of equal ones, which alone gets the gradient. A NaN stays the
    /// smallest.
    ///
    /// # Panics
    /// When the axis does not exist.
    #[track_caller]
    pub fn cummin(&self, axis: isize) -> (Var, Tensor) {
        self.taken(axis, self.value().argcummin(axis), true)
    }

    /// The `n`-th differences of neighbours along an axis, which gets shorter by `n`. To lengthen it first, use [`cat`](Var::cat).
    ///
    /// # Panics
    /// When the axis does not exist or the elements are `bool`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![1., 4., 9.]).diff(1, 0).value().to_vec::<f32>(), [3., 5.]);
    /// ```
    #[track_caller]
    pub fn diff(&self, n: usize, axis: isize) -> Var {
        (0..n).fold(self.clone(), |x, _| {
            let left = x.size(axis).saturating_sub(1);
            let first = x.size(axis) - left;
            x.narrow(axis, first, left) - x.narrow(axis, 0, left)
        })
    }

    /// The area under this function of equally distant places, `dx` apart along an axis, by the trapezoidal rule.
    ///
    /// # Panics
    /// When the axis does not exist or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![1., 2., 3.]).trapezoid(0.5, 0).item(), 2.0);
    /// ```
    #[track_caller]
    pub fn trapezoid(&self, dx: f64, axis: isize) -> Var {
        (self.middles(axis) * dx).sum_axes(&[axis], false)
    }

    /// The area under this function of the places `x` along an axis, by the trapezoidal rule. `x` broadcasts, or has one place for each
    /// element of the axis.
    ///
    /// # Panics
    /// When the axis does not exist, shapes do not fit or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (x, y) = (Var::constant(tensor![0., 1., 3.]), Var::constant(tensor![1., 2., 3.]));
    /// assert_eq!(y.trapezoid_at(&x, 0).item(), 6.5);
    /// ```
    #[track_caller]
    pub fn trapezoid_at(&self, x: &Var, axis: isize) -> Var {
        (self.middles(axis) * self.widths(x, axis)).sum_axes(&[axis], false)
    }

    /// The areas that [`trapezoid`](Var::trapezoid) adds up, so far: the axis gets shorter by 1.
    ///
    /// # Panics
    /// When the axis does not exist or the elements are not real numbers.
    #[track_caller]
    pub fn cumulative_trapezoid(&self, dx: f64, axis: isize) -> Var {
        (self.middles(axis) * dx).cumsum(axis)
    }

    /// The areas that [`trapezoid_at`](Var::trapezoid_at) adds up, so far: the axis gets shorter by 1.
    ///
    /// # Panics
    /// As `trapezoid_at`.
    #[track_caller]
    pub fn cumulative_trapezoid_at(&self, x: &Var, axis: isize) -> Var {
        (self.middles(axis) * self.widths(x, axis)).cumsum(axis)
    }

    /// The middles of neighbours along an axis.
    #[track_caller]
    fn middles(&self, axis: isize) -> Var {
        let left = self.size(axis).saturating_sub(1);
        let first = self.size(axis) - left;
        (self.narrow(axis, first, left) + self.narrow(axis, 0, left)) / 2.0
    }

    /// The distances between places, for each pair of neighbours along an axis of this variable.
    #[track_caller]
    fn widths(&self, x: &Var, axis: isize) -> Var {
        let axis = normalise_axis("trapezoid", axis, self.rank());
        let from_end = axis as isize - self.rank() as isize;
        match x.rank() {
            1 => {
                let mut shape = vec![1; self.rank() - axis];
                shape[0] = x.len().saturating_sub(1);
                x.diff(1, 0).reshape(shape)
            }
            _ => x.diff(1, from_end),
        }
    }
}

/// A function along one axis.
fn along(
    draw: &mut Draw,
    numbers: fn(&mut Draw, &[usize]) -> Tensor,
    name: &str,
    call: fn(&Var, isize) -> Var,
) -> Sample {
    let shape = draw.positive_shape();
    let axis = draw.axis(shape.len());
    Sample::new([numbers(draw, &shape)], format!("x[0].{name}({axis})"), move |x| call(&x[0], axis))
}

/// A function of places and of values there, along one axis.
fn under(draw: &mut Draw, name: &str, call: fn(&Var, &Var, isize) -> Var) -> Sample {
    let shape = draw.positive_shape();
    let axis = draw.axis(shape.len());
    let places = match draw.flag() {
        false => shape.clone(),
        true => vec![shape[normalise_axis(name, axis, shape.len())]],
    };
    let source = format!("x[0].{name}(&x[1], {axis})");
    Sample::new([draw.reals(&shape), draw.reals(&places)], source, move |x| call(&x[0], &x[1], axis))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("cumsum", "cumsum", "y[i] = Σ x[..=i]", "running sums from the end", |d| {
        along(d, Draw::reals, "cumsum", Var::cumsum)
    }),
    Declaration::new(Family::Composite, "cumprod", "cumprod", "y[i] = Π x[..=i]", "a recurrence from the end", |d| {
        along(d, Draw::reals, "cumprod", Var::cumprod)
    }),
    Declaration::new(
        Family::Composite,
        "logcumsumexp",
        "logcumsumexp",
        "y[i] = ln Σ eˣ of x[..=i]",
        "a recurrence from the end",
        |d| along(d, Draw::reals, "logcumsumexp", Var::logcumsumexp),
    ),
    Declaration::new(Family::Product, "recurrence", "", "y[i] = a[i]·y[i-1] + b[i]", "the same from the end", |d| {
        let shape = d.positive_shape();
        let axis = d.axis(shape.len());
        let source = format!("x[0].recurrence(&x[1], {axis})");
        Sample::new([d.reals(&shape), d.reals(&shape)], source, move |x| x[0].recurrence(&x[1], axis))
    }),
    Declaration::linear("cummax", "cummax", "the largest so far", "g to where it stands", |d| {
        along(d, Draw::distinct, "cummax", |x, axis| x.cummax(axis).0)
    }),
    Declaration::linear("cummin", "cummin", "the smallest so far", "g to where it stands", |d| {
        along(d, Draw::distinct, "cummin", |x, axis| x.cummin(axis).0)
    }),
    Declaration::linear("diff", "diff", "x[1..] - x[..n-1], again", "of its parts", |d| {
        let shape = d.positive_shape();
        let (n, axis) = (d.below(3), d.axis(shape.len()));
        Sample::new([d.reals(&shape)], format!("x[0].diff({n}, {axis})"), move |x| x[0].diff(n, axis))
    }),
    Declaration::linear("trapezoid", "trapezoid", "Σ dx·(y[i] + y[i-1])/2", "of its parts", |d| {
        along(d, Draw::reals, "trapezoid(0.5, ..)", |x, axis| x.trapezoid(0.5, axis))
    }),
    Declaration::new(Family::Product, "trapezoid_at", "trapezoid", "Σ Δx·(y[i] + y[i-1])/2", "of its parts", |d| {
        under(d, "trapezoid_at", Var::trapezoid_at)
    }),
    Declaration::linear("cumulative_trapezoid", "cumulative_trapezoid", "areas so far", "of its parts", |d| {
        along(d, Draw::reals, "cumulative_trapezoid(0.5, ..)", |x, axis| x.cumulative_trapezoid(0.5, axis))
    }),
    Declaration::new(
        Family::Product,
        "cumulative_trapezoid_at",
        "cumulative_trapezoid",
        "areas so far",
        "of its parts",
        |d| under(d, "cumulative_trapezoid_at", Var::cumulative_trapezoid_at),
    ),
];
