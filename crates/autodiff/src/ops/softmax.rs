//! Exponentials that are normalised along axes, computed so that nothing overflows.

use chainrule_tensor::rows::Next;
use chainrule_tensor::{Comparison, DType, Real, Rng, Rows, Tensor, rows};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// eˣ / Σ eˣ along an axis.
struct Softmax {
    axis: isize,
}
impl Op<1> for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }
    fn saves(&self) -> Saves {
        Saves::Output
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        rows::apply("softmax", [x], self.axis, &Normalised)
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], y: &Var) -> Var {
        if g.is_tracked() || y.is_tracked() {
            return y * (g - (g * y).sum_axes(&[self.axis], true));
        }
        Var::constant(rows::apply("softmax", [y.value(), g.value()], self.axis, &NormalisedPull))
    }
}

/// x − ln Σ eˣ along an axis.
struct LogSoftmax {
    axis: isize,
}
impl Op<1> for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }
    fn saves(&self) -> Saves {
        Saves::Output
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        rows::apply("log_softmax", [x], self.axis, &LogNormalised)
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], y: &Var) -> Var {
        if g.is_tracked() || y.is_tracked() {
            return g - y.exp() * g.sum_axes(&[self.axis], true);
        }
        Var::constant(rows::apply("log_softmax", [y.value(), g.value()], self.axis, &LogNormalisedPull))
    }
}

/// Writes e^(x − top) and returns top, the largest element, and the sum. 0 in place of infinities.
#[inline(always)]
fn exponentials<T: Real>(x: &[T], out: &mut [T], next: Next<T, 1>) -> (T, T) {
    next.ask(0, 3);
    let top = rows::largest(x);
    let top = if top.to_f64().is_infinite() { T::ZERO } else { top };
    next.ask(1, 3);
    out.iter_mut().zip(x).for_each(|(o, &x)| *o = (x - top).exp());
    next.ask(2, 3);
    (top, rows::sum([&*out], |[e]| e))
}

struct Normalised;
impl Rows<1> for Normalised {
    #[inline(always)]
    fn row<T: Real>(&self, [x]: [&[T]; 1], out: &mut [T], next: Next<T, 1>) {
        let scale = T::ONE / exponentials(x, out, next).1;
        out.iter_mut().for_each(|e| *e = *e * scale);
    }
}

struct NormalisedPull;
impl Rows<2> for NormalisedPull {
    #[inline(always)]
    fn row<T: Real>(&self, [y, g]: [&[T]; 2], out: &mut [T], next: Next<T, 2>) {
        next.ask(0, 2);
        let mean = rows::sum([y, g], |[y, g]| y * g);
        next.ask(1, 2);
        out.iter_mut().zip(y).zip(g).for_each(|((o, &y), &g)| *o = y * (g - mean));
    }
}

struct LogNormalised;
impl Rows<1> for LogNormalised {
    #[inline(always)]
    fn row<T: Real>(&self, [x]: [&[T]; 1], out: &mut [T], next: Next<T, 1>) {
        let (top, sum) = exponentials(x, out, next);
        let log_sum = sum.log();
        out.iter_mut().zip(x).for_each(|(o, &x)| *o = (x - top) - log_sum);
    }
}

struct LogNormalisedPull;
impl Rows<2> for LogNormalisedPull {
    #[inline(always)]
    fn row<T: Real>(&self, [y, g]: [&[T]; 2], out: &mut [T], next: Next<T, 2>) {
        next.ask(0, 2);
        let sum = rows::sum([g], |[g]| g);
        next.ask(1, 2);
        out.iter_mut().zip(y).zip(g).for_each(|((o, &y), &g)| *o = g - y.exp() * sum);
    }
}

impl Var {
    /// ln Σ eˣ along the axes (all when none is named), with the largest element taken out first. With `keep` they stay, with length 1. Of nothing, or of
    /// −∞ alone, it is −∞, with gradient 0.
    ///
    /// # Panics
    /// When an axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![1000., 1000.]);
    /// assert!((x.logsumexp(&[0], false).item() - (1000.0 + 2f64.ln())).abs() < 1e-3);
    /// ```
    #[track_caller]
    pub fn logsumexp(&self, axes: &[isize], keep: bool) -> Var {
        let top = self.top(axes);
        let sum = (self - &top).exp().sum_axes(axes, true);
        let some = sum.value().compare_scalar(Comparison::Ne, 0.0);
        let sum = sum.choose_of(&some, 1.0, Var::log, f64::NEG_INFINITY) + top;
        if keep { sum } else { sum.reshape(self.value().sum(axes, false).shape()) }
    }

    /// eˣ / Σ eˣ along an axis: positive numbers that add up to 1.
    ///
    /// # Panics
    /// When the axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let y = Var::constant(tensor![0., 0., 1e4]).softmax(0);
    /// assert_eq!(y.value().to_vec::<f32>(), [0., 0., 1.]);
    /// ```
    #[track_caller]
    pub fn softmax(&self, axis: isize) -> Var {
        Softmax { axis }.apply([self])
    }

    /// The logarithm of [`softmax`](Var::softmax), x − ln Σ eˣ, exact where the softmax itself would round to 0.
    ///
    /// # Panics
    /// When the axis does not exist.
    #[track_caller]
    pub fn log_softmax(&self, axis: isize) -> Var {
        LogSoftmax { axis }.apply([self])
    }

    /// [`softmax`](Var::softmax) of the numbers converted to another type first, so that few digits do not overflow.
    ///
    /// # Panics
    /// When the axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, DType};
    /// assert_eq!(Var::constant(tensor![0., 0.]).softmax_with(0, DType::F64).dtype(), DType::F64);
    /// ```
    #[track_caller]
    pub fn softmax_with(&self, axis: isize, dtype: DType) -> Var {
        self.cast(dtype).softmax(axis)
    }

    /// [`log_softmax`](Var::log_softmax) of the numbers converted to another type first.
    ///
    /// # Panics
    /// When the axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, DType};
    /// assert_eq!(Var::constant(tensor![0., 0.]).log_softmax_with(0, DType::F64).dtype(), DType::F64);
    /// ```
    #[track_caller]
    pub fn log_softmax_with(&self, axis: isize, dtype: DType) -> Var {
        self.cast(dtype).log_softmax(axis)
    }

    /// [`softmax`](Var::softmax) of −x: most weight for the smallest.
    ///
    /// # Panics
    /// When the axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![0., 1e4]).softmin(0).value().to_vec::<f32>(), [1., 0.]);
    /// ```
    #[track_caller]
    pub fn softmin(&self, axis: isize) -> Var {
        (-self).softmax(axis)
    }

    /// A random choice along an axis that a gradient can flow through: softmax((x + γ)/`tau`), γ with Gumbel's distribution. With `hard`
    /// the value is 1 at the largest and 0 elsewhere, and the gradient that of the soft choice.
    ///
    /// Source: Jang et al., Categorical reparameterization with Gumbel-softmax, 2017.
    ///
    /// # Panics
    /// When `tau` is not positive, or the axis does not exist or has no elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Rng};
    /// let y = Var::leaf(tensor![1., 2., 3.]).gumbel_softmax(1.0, true, 0, &mut Rng::seed(1));
    /// assert!((y.sum().item() - 1.0).abs() < 1e-6 && y.value().to_vec::<f32>().contains(&0.0));
    /// ```
    #[track_caller]
    pub fn gumbel_softmax(&self, tau: f64, hard: bool, axis: isize, rng: &mut Rng) -> Var {
        assert!(tau > 0.0, "gumbel_softmax: the temperature {tau} is not positive");
        let uniform = Var::constant(Tensor::uniform(rng, self.shape(), 0.0, 1.0, self.dtype()));
        let noise = -(-uniform.log()).log();
        let soft = ((self + noise) / tau).softmax(axis);
        if !hard {
            return soft;
        }
        let chosen = soft.value().argmax(axis, true);
        let places = Tensor::arange(0.0, self.size(axis) as f64, 1.0, DType::I64);
        let mut along = vec![1; self.rank()];
        along[chainrule_tensor::normalise_axis("gumbel_softmax", axis, self.rank())] = self.size(axis);
        let one_hot = places.reshape(along).compare(Comparison::Eq, &chosen).cast(self.dtype());
        // Hard in value, soft in gradient: what is added counts as a number.
        &soft + Var::constant(one_hot - soft.value())
    }

    /// The point of the simplex nearest to x along an axis: like [`softmax`](Var::softmax), but with exact zeros.
    ///
    /// max(x − τ, 0), τ such that they add up to 1. Source: Martins and Astudillo, From softmax to sparsemax, 2016.
    ///
    /// # Panics
    /// When the axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![0., 0.5, -3.]).sparsemax(0).value().to_vec::<f32>(), [0.25, 0.75, 0.]);
    /// ```
    #[track_caller]
    pub fn sparsemax(&self, axis: isize) -> Var {
        let support = Var::constant(support(self.value(), axis));
        let count = support.sum_axes(&[axis], true);
        let threshold = ((self * &support).sum_axes(&[axis], true) - 1.0) / count;
        (self - threshold) * support
    }

    /// The largest elements as numbers: what is subtracted cancels out, so that no gradient is due to it. 0 in place of infinities.
    #[track_caller]
    fn top(&self, axes: &[isize]) -> Var {
        if self.value().is_empty() {
            return Var::constant(self.value().sum(axes, true)); // no largest elements, and zeros do as well
        }
        let largest = self.value().max(axes, true);
        let finite = (&largest * 0.0).compare_scalar(Comparison::Eq, 0.0);
        Var::constant(finite.choose(&largest, &Tensor::zeros([], largest.dtype())))
    }
}

/// 1 where [`sparsemax`](Var::sparsemax) is positive, else 0.
///
/// Starting with all, what does not exceed the threshold of those left is left out, until all do (Michelot, 1986).
#[track_caller]
fn support(x: &Tensor, axis: isize) -> Tensor {
    let mut support = x.ones_like();
    loop {
        let count = support.sum(&[axis], true);
        let threshold = &(&(x * &support).sum(&[axis], true) - 1.0) / &count;
        let above = x.compare(Comparison::Gt, &threshold).cast(x.dtype());
        let next = &above * &support;
        if next.equal(&support) {
            return support;
        }
        support = next;
    }
}

fn along(d: &mut Draw, name: &str, call: fn(&Var, isize) -> Var) -> Sample {
    let shape = d.positive_shape();
    let axis = d.axis(shape.len());
    Sample::new([d.reals(&shape)], format!("x[0].{name}({axis})"), move |x| call(&x[0], axis))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "logsumexp", "logsumexp", "ln Σ eˣ", "of its parts: g · softmax(x)", |d| {
        let shape = d.positive_shape();
        let (axes, keep) = (d.axes(shape.len()), d.flag());
        let source = format!("x[0].logsumexp(&{axes:?}, {keep})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].logsumexp(&axes, keep))
    }),
    Declaration::new(Family::Composite, "softmax", "softmax", "eˣ / Σ eˣ", "y · (g - Σ g·y)", |d| {
        along(d, "softmax", |x, axis| x.softmax(axis))
    }),
    Declaration::new(Family::Composite, "log_softmax", "log_softmax", "x - ln Σ eˣ", "g - eʸ · Σ g", |d| {
        along(d, "log_softmax", |x, axis| x.log_softmax(axis))
    }),
    Declaration::new(Family::Composite, "softmin", "nn.functional.softmin", "softmax(-x)", "of its parts", |d| {
        along(d, "softmin", |x, axis| x.softmin(axis))
    }),
    Declaration::new(Family::Composite, "softmax_with", "softmax", "softmax(x.cast(dtype))", "of its parts", |d| {
        along(d, "softmax_with", |x, axis| x.softmax_with(axis, x.dtype()))
    }),
    Declaration::new(
        Family::Composite,
        "log_softmax_with",
        "log_softmax",
        "log_softmax(x.cast(dtype))",
        "of its parts",
        |d| along(d, "log_softmax_with", |x, axis| x.log_softmax_with(axis, x.dtype())),
    ),
    Declaration::new(
        Family::Composite,
        "gumbel_softmax",
        "nn.functional.gumbel_softmax",
        "softmax((x + γ) / tau), γ random",
        "of its parts",
        |d| along(d, "gumbel_softmax", |x, axis| x.gumbel_softmax(0.7, false, axis, &mut Rng::seed(1))),
    ),
    Declaration::new(
        Family::Composite,
        "sparsemax",
        "",
        "max(x - τ, 0), adding up to 1",
        "of its parts: g - mean of g where y > 0, else 0",
        |d| {
            let shape = d.positive_shape();
            let axis = d.axis(shape.len());
            Sample::new([d.distinct(&shape)], format!("x[0].sparsemax({axis})"), move |x| x[0].sparsemax(axis))
        },
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of_parts(x: &Var, axis: isize) -> [Var; 2] {
        let shifted = x - x.top(&[axis]);
        let sum = shifted.exp().sum_axes(&[axis], true);
        [shifted.exp() / &sum, shifted - sum.log()]
    }

    #[test]
    fn rows_agree_with_their_parts_to_the_second_order() {
        let rng = &mut Rng::seed(3);
        for (shape, axis) in
            [(&[3, 5][..], 1), (&[3, 5, 2], 1), (&[2, 2000], -1), (&[7], 0), (&[0, 3], 1), (&[3, 0], 1)]
        {
            for dtype in [DType::F32, DType::F64] {
                let x = Var::leaf(Tensor::randn(rng, shape, dtype) * 3.0);
                let weight = Tensor::randn(rng, shape, dtype);
                let tolerance = 40.0 * dtype.epsilon();
                let results = |y: Var| {
                    let loss = (&y * Var::constant(&weight)).sum();
                    let first = crate::grad(&loss, &[&x]).remove(0);
                    let second = crate::grad(&first.square().sum(), &[&x]).remove(0);
                    [y.value().clone(), loss.backward()[&x].clone(), first.value().clone(), second.value().clone()]
                };
                for (row, parts) in [x.softmax(axis), x.log_softmax(axis)].into_iter().zip(of_parts(&x, axis)) {
                    for (row, parts) in results(row).iter().zip(&results(parts)) {
                        assert!(row.allclose(parts, tolerance, tolerance), "{row} {parts}");
                    }
                }
            }
        }
    }
}
