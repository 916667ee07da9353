//! Lengths of vectors in different measures.

use chainrule_tensor::{Comparison, Tensor};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::ops::reduce::along;
use crate::var::Var;

impl Var {
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
    pub(super) fn length(&self) -> Var {
        let zero = self.value().compare_scalar(Comparison::Eq, 0.0);
        let one = Var::constant(Tensor::scalar(1.0, self.dtype()));
        let length = Var::choose(&zero, &one, self).sqrt();
        Var::choose(&zero, Var::constant(self.value()), &length)
    }

    /// The norm of order p along the axes (all when none is named): (Σ|x|ᵖ)^(1/p) for any p but 0; the largest |x| for ∞, the smallest for −∞,
    /// and how many are not 0 for p = 0.
    ///
    /// The gradient is 0 at every x = 0 and at a norm of 0. For ±∞, equal ones share it evenly.
    ///
    /// # Panics
    /// When an axis does not exist, the elements are not real numbers, or ±∞ is asked of nothing.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![3., -4., 0.]);
    /// let norms = [0.0, 1.0, 2.0, f64::INFINITY].map(|p| x.vector_norm(p, &[], false).item());
    /// assert_eq!(norms, [2.0, 7.0, 5.0, 4.0]);
    /// ```
    #[track_caller]
    pub fn vector_norm(&self, p: f64, axes: &[isize], keep: bool) -> Var {
        match p {
            0.0 => {
                let zero = self.value().compare_scalar(Comparison::Eq, 0.0);
                Var::choose(&zero, self.sign(), 1.0).sum_axes(axes, keep)
            }
            1.0 => self.abs().sum_axes(axes, keep),
            2.0 => self.norm(axes, keep),
            f64::INFINITY => self.abs().amax(axes, keep),
            f64::NEG_INFINITY => self.abs().amin(axes, keep),
            p => {
                let power = |x: &Var, p: f64, at_zero: f64| {
                    x.choose_of(&x.value().compare_scalar(Comparison::Ne, 0.0), 1.0, |x| x.powf(p), at_zero)
                };
                let at_zero = if p > 0.0 { 0.0 } else { f64::INFINITY };
                let sum = power(&self.abs(), p, at_zero).sum_axes(axes, keep);
                let finite = sum.value().compare_scalar(Comparison::Ne, f64::INFINITY);
                match p > 0.0 {
                    true => power(&sum, 1.0 / p, 0.0),
                    false => sum.choose_of(&finite, 1.0, |sum| power(sum, 1.0 / p, f64::INFINITY), 0.0),
                }
            }
        }
    }

    /// The norm of order p of the difference: [`vector_norm`](Var::vector_norm) of all of it.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (a, b) = (Var::constant(tensor![1., 2.]), Var::constant(tensor![4., 6.]));
    /// assert_eq!(a.dist(&b, 2.0).item(), 5.0);
    /// ```
    #[track_caller]
    pub fn dist(&self, b: &Var, p: f64) -> Var {
        (self - b).vector_norm(p, &[], false)
    }

    /// Each slice of an axis scaled so that its norm of order p is at most `max_norm`; a smaller one stays as it is.
    ///
    /// # Panics
    /// When the axis does not exist or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![[3., 4.], [0.5, 0.]]);
    /// assert!(x.renorm(2.0, 0, 1.0).value().allclose(&tensor![[0.6, 0.8], [0.5, 0.]], 1e-6, 0.0));
    /// ```
    #[track_caller]
    pub fn renorm(&self, p: f64, axis: isize, max_norm: f64) -> Var {
        let kept = chainrule_tensor::normalise_axis("renorm", axis, self.rank());
        let others: Vec<isize> = (0..self.rank()).filter(|&i| i != kept).map(|i| i as isize).collect();
        let norm = match others.is_empty() {
            true => self.abs(),
            false => self.vector_norm(p, &others, true),
        };
        let long = norm.value().compare_scalar(Comparison::Gt, max_norm);
        self * norm.choose_of(&long, 1.0, |norm| max_norm / (norm + 1e-7), 1.0)
    }
}

fn between(draw: &mut Draw, shape: &[usize]) -> Tensor {
    let x = draw.tensor(shape, 0.2, 3.0);
    let sign = draw.indices(shape, 2).cast(x.dtype());
    &x - &x * &sign * 2.0
}

/// Orders of norms, the simplest first.
const ORDERS: [f64; 8] = [2.0, 1.0, 3.0, 0.5, 1.5, -1.0, -2.5, 0.0];

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "norm", "linalg.vector_norm", "√Σ x²", "of its parts; 0 at 0", |d| {
        along(d, "norm", |d, shape| d.tensor(shape, 0.2, 3.0), |x, axes, keep| x.norm(axes, keep))
    }),
    Declaration::new(
        Family::Composite,
        "vector_norm",
        "linalg.vector_norm",
        "(Σ|x|ᵖ)^(1/p)",
        "of its parts; 0 at 0",
        |d| {
            let shape = d.positive_shape();
            let (axes, keep) = (d.axes(shape.len()), d.flag());
            let extreme = d.pick(&[None, None, None, Some(f64::INFINITY), Some(f64::NEG_INFINITY)]);
            let p = d.pick(&ORDERS);
            let (p, x) = match extreme {
                Some(p) => (p, d.distinct(&shape) + 3.5),
                None => (p, between(d, &shape)),
            };
            let source = format!("x[0].vector_norm({p:?}, &{axes:?}, {keep})");
            Sample::new([x], source, move |x| x[0].vector_norm(p, &axes, keep))
        },
    ),
    Declaration::new(Family::Composite, "dist", "dist", "the norm of a - b", "of its parts; 0 at 0", |d| {
        let [a, b] = d.broadcasting_shapes();
        let p = d.pick(&ORDERS[..5]);
        let inputs = [d.tensor(&a, 0.2, 3.0), d.tensor(&b, -3.0, -0.2)];
        Sample::new(inputs, format!("x[0].dist(&x[1], {p:?})"), move |x| x[0].dist(&x[1], p))
    }),
    Declaration::new(Family::Composite, "renorm", "renorm", "x · min(1, max_norm / norm)", "of its parts", |d| {
        let shape = d.positive_shape();
        let (p, axis, most) = (d.pick(&ORDERS[..5]), d.axis(shape.len()), d.pick(&[0.15, 1e3]));
        let source = format!("x[0].renorm({p:?}, {axis}, {most:?})");
        Sample::new([between(d, &shape)], source, move |x| x[0].renorm(p, axis, most))
    }),
];
