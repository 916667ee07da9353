//! Exponentials that are normalised along axes, computed so that nothing overflows.

use chainrule_tensor::{Comparison, Tensor};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

impl Var {
    /// ln Σ eˣ along the axes (all when none is named), with the largest element taken out first. With `keep` they stay, with length 1.
    ///
    /// # Panics
    /// When an axis does not exist or has no elements.
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
        let sum = (self - &top).exp().sum_axes(axes, true).log() + top;
        if keep { sum } else { sum.reshape(self.value().sum(axes, false).shape()) }
    }

    /// eˣ / Σ eˣ along an axis: positive numbers that add up to 1.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let y = Var::constant(tensor![0., 0., 1e4]).softmax(0);
    /// assert_eq!(y.value().to_vec::<f32>(), [0., 0., 1.]);
    /// ```
    #[track_caller]
    pub fn softmax(&self, axis: isize) -> Var {
        let e = (self - self.top(&[axis])).exp();
        let sum = e.sum_axes(&[axis], true);
        e / sum
    }

    /// The logarithm of [`softmax`](Var::softmax), x − ln Σ eˣ, exact where the softmax itself would round to 0.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    #[track_caller]
    pub fn log_softmax(&self, axis: isize) -> Var {
        let shifted = self - self.top(&[axis]);
        let log_sum = shifted.exp().sum_axes(&[axis], true).log();
        shifted - log_sum
    }

    /// The largest elements as numbers: what is subtracted cancels out, so that no gradient is due to it. 0 in place of infinities.
    #[track_caller]
    fn top(&self, axes: &[isize]) -> Var {
        let largest = self.value().max(axes, true);
        let finite = (&largest * 0.0).compare_scalar(Comparison::Eq, 0.0);
        Var::constant(finite.choose(&largest, &Tensor::zeros([], largest.dtype())))
    }
}

fn along(d: &mut Draw, name: &str, call: fn(&Var, isize) -> Var) -> Sample {
    let shape = d.positive_shape();
    let axis = d.axis(shape.len());
    Sample::new([d.reals(&shape)], format!("x[0].{name}({axis})"), move |x| call(&x[0], axis))
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "logsumexp", "logsumexp", "ln Σ eˣ", "of its parts: g · softmax(x)", |d| {
        let shape = d.positive_shape();
        let (axes, keep) = (d.axes(shape.len()), d.flag());
        let source = format!("x[0].logsumexp(&{axes:?}, {keep})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].logsumexp(&axes, keep))
    }),
    Declaration::new(
        Family::Composite,
        "softmax",
        "softmax",
        "eˣ / Σ eˣ",
        "of its parts: y · (g - Σ g·y)",
        |d| along(d, "softmax", |x, axis| x.softmax(axis)),
    ),
    Declaration::new(
        Family::Composite,
        "log_softmax",
        "log_softmax",
        "x - ln Σ eˣ",
        "of its parts: g - softmax(x) · Σ g",
        |d| along(d, "log_softmax", |x, axis| x.log_softmax(axis)),
    ),
];
