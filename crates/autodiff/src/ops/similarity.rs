//! Lengths of vectors and how far apart, or alike, two of them are.

use chainrule_tensor::broadcast_shapes;

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::ops::formula::when;
use crate::var::Var;

impl Var {
    /// The vectors along an axis divided by their p-norm (Σ|x|ᵖ)^(1/p), which counts as `eps` at least.
    ///
    /// # Panics
    /// When the axis does not exist or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let y = Var::constant(tensor![[3., 4.], [0., 0.]]).normalize(2.0, 1, 1e-12);
    /// assert!(y.value().allclose(&tensor![[0.6, 0.8], [0., 0.]], 1e-6, 0.0));
    /// ```
    #[track_caller]
    pub fn normalize(&self, p: f64, axis: isize, eps: f64) -> Var {
        self / self.vector_norm(p, &[axis], true).clamp_min(eps)
    }

    /// The cosine of the angle between the vectors along an axis, x·y / (|x|·|y|). Lengths count as `eps` at least, with the gradient that they would
    /// have had.
    ///
    /// Shapes broadcast; the axis, counted in the broadcast shape, disappears.
    ///
    /// # Panics
    /// When shapes do not broadcast or the axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (x, y) = (Var::constant(tensor![1., 1.]), Var::constant(tensor![2., 0.]));
    /// assert!((x.cosine_similarity(&y, 0, 1e-8).item() - 0.5f64.sqrt()).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn cosine_similarity(&self, other: &Var, axis: isize, eps: f64) -> Var {
        let Some(both) = broadcast_shapes(self.shape(), other.shape()) else {
            panic!("cosine_similarity: {} and {} do not broadcast", self.to_shape(), other.to_shape())
        };
        let (x, y) = (self.broadcast_to(&both), other.broadcast_to(&both));
        let unit = |x: &Var| x / x.norm(&[axis], true).lifted(eps);
        (unit(&x) * unit(&y)).sum_axes(&[axis], false)
    }

    /// The p-norm of the differences x − y + `eps` along the last axis. With `keep` the axis stays, with length 1.
    ///
    /// # Panics
    /// When shapes do not broadcast or there are no axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (x, y) = (Var::constant(tensor![[3., 0.]]), Var::constant(tensor![[0., 4.]]));
    /// assert_eq!(x.pairwise_distance(&y, 2.0, 0.0, false).value().to_vec::<f32>(), [5.]);
    /// ```
    #[track_caller]
    pub fn pairwise_distance(&self, other: &Var, p: f64, eps: f64, keep: bool) -> Var {
        assert!(
            broadcast_shapes(self.shape(), other.shape()).is_some_and(|both| !both.is_empty()),
            "pairwise_distance: {} and {} are not vectors […, d] that broadcast",
            self.to_shape(),
            other.to_shape()
        );
        (self - other + eps).vector_norm(p, &[-1], keep)
    }

    /// This variable with smaller numbers replaced by `low`, and the gradient passed on as if they were not.
    #[track_caller]
    pub(crate) fn lifted(&self, low: f64) -> Var {
        let (below, value) = (self.below(low), Var::constant(self.value()));
        when(below, self - value + low, self)
    }
}

/// Vectors whose elements are not near 0.
fn vectors(d: &mut Draw, shape: &[usize]) -> chainrule_tensor::Tensor {
    d.tensor(shape, 0.3, 2.0)
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "normalize", "nn.functional.normalize", "x / ‖x‖", "of its parts", |d| {
        // A line of one number is 1 or -1, whatever the number.
        let shape: Vec<usize> = (0..d.range(1, 3)).map(|_| d.range(2, 4)).collect();
        let (p, axis) = (d.pick(&[2.0, 1.0, 3.0, 0.5]), d.axis(shape.len()));
        let source = format!("x[0].normalize({p:?}, {axis}, 0.1)");
        Sample::new([vectors(d, &shape)], source, move |x| x[0].normalize(p, axis, 0.1))
    }),
    Declaration::new(
        Family::Composite,
        "cosine_similarity",
        "nn.functional.cosine_similarity",
        "x·y / (‖x‖·‖y‖)",
        "of its parts",
        |d| {
            let (n, width) = (d.positive_size(), d.range(2, 4));
            let inputs = [vectors(d, &[n, width]), vectors(d, &[width])];
            let axis = d.pick(&[-1, 1]);
            Sample::new(inputs, format!("x[0].cosine_similarity(&x[1], {axis}, 0.1)"), move |x| {
                x[0].cosine_similarity(&x[1], axis, 0.1)
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "pairwise_distance",
        "nn.functional.pairwise_distance",
        "‖x - y + eps‖",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let (p, keep) = (d.pick(&[2.0, 1.0, 3.0, 0.5, f64::INFINITY]), d.flag());
            let far = d.distinct(&shape);
            let inputs = [far + 6.5, d.tensor(&shape, 0.0, 0.01)];
            let source = format!("x[0].pairwise_distance(&x[1], {p:?}, 1e-6, {keep})").replace("inf", "f64::INFINITY");
            Sample::new(inputs, source, move |x| x[0].pairwise_distance(&x[1], p, 1e-6, keep))
        },
    ),
];
