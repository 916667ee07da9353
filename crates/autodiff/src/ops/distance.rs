//! Distances between points.

use chainrule_tensor::{Comparison, Tensor};

use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

impl Var {
    /// The distance ‖a − b‖ₚ of every point a of this variable from every point b of `other`, points being rows. p is from 0, the number of
    /// different coordinates, over 1 and 2 to infinity, the largest difference. Where points are the same, the gradient is 0.
    ///
    /// Shapes: `[…, m, k]` and `[…, n, k]` → `[…, m, n]`, over batches that broadcast.
    ///
    /// # Panics
    /// When p is negative, there are fewer than two axes, or lengths or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (a, b) = (Var::leaf(tensor![[0., 0.]]), Var::constant(tensor![[3., 4.], [0., 0.]]));
    /// assert_eq!(a.cdist(&b, 2.0).value().to_vec::<f32>(), [5., 0.]);
    /// assert_eq!(a.cdist(&b, 1.0).value().to_vec::<f32>(), [7., 0.]);
    /// ```
    #[track_caller]
    pub fn cdist(&self, other: &Var, p: f64) -> Var {
        assert!(p >= 0.0, "cdist: there is no distance with p = {p}");
        assert!(
            self.rank() >= 2 && other.rank() >= 2 && self.size(-1) == other.size(-1),
            "cdist: needs points of the same length as rows, got {} and {}",
            self.to_shape(),
            other.to_shape()
        );
        (self.unsqueeze(-2) - other.unsqueeze(-3)).length_along_last(p, false)
    }

    /// The distance of points along the last axis, each from its partner: ‖a − b + 10⁻⁶‖₂. The small number keeps slopes finite.
    ///
    /// Shapes: `[…, k]` and `[…, k]` → `[…]`.
    ///
    /// # Panics
    /// When there are no axes, or shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (a, b) = (Var::leaf(tensor![[0., 0.]]), Var::constant(tensor![[3., 4.]]));
    /// assert!((a.pairwise_distance(&b).item() - 5.0).abs() < 1e-5);
    /// ```
    #[track_caller]
    pub fn pairwise_distance(&self, other: &Var) -> Var {
        self.pairwise_distance_with(other, 2.0, 1e-6, false)
    }

    /// As [`pairwise_distance`](Var::pairwise_distance): ‖a − b + eps‖ₚ. With `keep` the last axis stays, with length 1.
    ///
    /// # Panics
    /// As `pairwise_distance`.
    #[track_caller]
    pub fn pairwise_distance_with(&self, other: &Var, p: f64, eps: f64, keep: bool) -> Var {
        (self - other + eps).length_along_last(p, keep)
    }

    /// ‖x‖ₚ along the last axis.
    #[track_caller]
    fn length_along_last(&self, p: f64, keep: bool) -> Var {
        if p == 2.0 {
            return self.norm(&[-1], keep);
        }
        if p == 1.0 {
            return self.abs().sum_axes(&[-1], keep);
        }
        if self.size(-1) == 0 {
            return self.sum_axes(&[-1], keep);
        }
        if p == f64::INFINITY {
            return self.abs().amax(&[-1], keep);
        }
        let number = |x: f64| Var::constant(Tensor::scalar(x, self.dtype()));
        let nonzero = self.value().compare_scalar(Comparison::Ne, 0.0);
        if p == 0.0 {
            return Var::choose(&nonzero, &number(1.0), &(self * 0.0)).sum_axes(&[-1], keep);
        }
        let powers = Var::choose(&nonzero, &Var::choose(&nonzero, self, &number(1.0)).abs().pow(p), &number(0.0));
        let sum = powers.sum_axes(&[-1], keep);
        let positive = sum.value().compare_scalar(Comparison::Ne, 0.0);
        Var::choose(&positive, &Var::choose(&positive, &sum, &number(1.0)).pow(1.0 / p), &number(0.0))
    }
}

/// The distances that differ in kind.
const KINDS: [f64; 6] = [2.0, 1.0, f64::INFINITY, 0.0, 3.0, 1.5];

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "cdist", "cdist", "‖a - b‖ₚ of all pairs", "of its parts; 0 at 0", |d| {
        let [m, n, k] = [d.size(), d.size(), d.size()];
        let batch = d.pick(&[vec![], vec![2], vec![1]]);
        let p = d.pick(&KINDS);
        let (x, y) = ([&batch[..], &[m, k]].concat(), [n, k]);
        let inputs = [d.distinct(&x), d.distinct(&y) * 0.7 + 5.1]; // no two coordinates are the same
        Sample::new(inputs, format!("x[0].cdist(&x[1], {p:?})"), move |x| x[0].cdist(&x[1], p))
    }),
    Declaration::new(
        Family::Composite,
        "pairwise_distance",
        "nn.functional.pairwise_distance",
        "‖a - b + 10⁻⁶‖₂",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let inputs = [d.reals(&shape), d.reals(&shape)];
            Sample::new(inputs, "x[0].pairwise_distance(&x[1])", |x| x[0].pairwise_distance(&x[1]))
        },
    ),
    Declaration::new(
        Family::Composite,
        "pairwise_distance_with",
        "nn.functional.pairwise_distance",
        "‖a - b + eps‖ₚ",
        "of its parts",
        |d| {
            let (shape, p, keep) = (d.positive_shape(), d.pick(&KINDS), d.flag());
            let inputs = [d.distinct(&shape), d.distinct(&shape) * 0.7 + 5.1];
            let source = format!("x[0].pairwise_distance_with(&x[1], {p:?}, 1e-6, {keep})");
            Sample::new(inputs, source, move |x| x[0].pairwise_distance_with(&x[1], p, 1e-6, keep))
        },
    ),
];
