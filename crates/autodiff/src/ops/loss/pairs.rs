//! Samples compared with each other.

use chainrule_tensor::{Tensor, broadcast_shapes};

use super::margin::signs;
use super::{Reduce, positive_part};
use crate::declare::{Declaration, Family, Sample};
use crate::ops::formula::when;
use crate::var::Var;

/// Options of [`Var::triplet_margin_loss_with`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Triplet {
    /// Mean, sum or each.
    pub reduce: Reduce,
    /// By how much the negative is to be further away than the positive.
    pub margin: f64,
    /// The power of the distance; 2 is Euclid's.
    pub p: f64,
    /// What is added to differences.
    pub eps: f64,
    /// Whether the positive counts as anchor, too, where it is nearer to the negative.
    pub swap: bool,
}

impl Default for Triplet {
    fn default() -> Triplet {
        Triplet { reduce: Reduce::Mean, margin: 1.0, p: 2.0, eps: 1e-6, swap: false }
    }
}

impl Var {
    /// The mean of max(0, −t·(x − y)): x is to be larger where t is 1, y where t is −1. Slope at the corner: that of the positive side.
    ///
    /// # Panics
    /// When shapes do not broadcast or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (x, y) = (Var::leaf(tensor![1., 1.]), Var::leaf(tensor![3., 3.]));
    /// assert_eq!(x.margin_ranking_loss(&y, &Var::constant(tensor![1., -1.])).item(), 1.0);
    /// ```
    #[track_caller]
    pub fn margin_ranking_loss(&self, other: &Var, target: &Var) -> Var {
        self.margin_ranking_loss_with(other, target, 0.0, Reduce::Mean)
    }

    /// [`margin_ranking_loss`](Var::margin_ranking_loss) with a margin, max(0, `margin` − t·(x − y)), and sum or single losses.
    ///
    /// # Panics
    /// When shapes do not broadcast or types differ.
    #[track_caller]
    pub fn margin_ranking_loss_with(&self, other: &Var, target: &Var, margin: f64, reduce: Reduce) -> Var {
        let both = broadcast_shapes(self.shape(), other.shape());
        assert!(
            both.is_some_and(|both| broadcast_shapes(&both, target.shape()).is_some()),
            "margin_ranking_loss: scores {} and {} and the target {} do not broadcast",
            self.to_shape(),
            other.to_shape(),
            target.to_shape()
        );
        reduce.of(&positive_part(-target * (self - other) + margin))
    }

    /// The mean of 1 − cos where the target is 1 and of max(0, cos) where it is −1, cos being that of the angle between x and y.
    ///
    /// Shapes: x and y `[n, d]` or `[d]`, target `[n]` or `[]` → `[]`.
    ///
    /// # Panics
    /// When shapes do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (x, y) = (Var::leaf(tensor![[1., 0.]]), Var::leaf(tensor![[0., 2.]]));
    /// assert_eq!(x.cosine_embedding_loss(&y, &tensor![1.]).item(), 1.0);
    /// ```
    #[track_caller]
    pub fn cosine_embedding_loss(&self, other: &Var, target: &Tensor) -> Var {
        self.cosine_embedding_loss_with(other, target, 0.0, Reduce::Mean)
    }

    /// [`cosine_embedding_loss`](Var::cosine_embedding_loss) with a margin, max(0, cos − `margin`), and sum or single losses.
    ///
    /// # Panics
    /// When shapes do not fit.
    #[track_caller]
    pub fn cosine_embedding_loss_with(&self, other: &Var, target: &Tensor, margin: f64, reduce: Reduce) -> Var {
        assert!(
            self.shape() == other.shape() && self.rank() >= 1 && target.shape() == &self.shape()[..self.rank() - 1],
            "cosine_embedding_loss: vectors {} and {} and a target {} are not [n, d], [n, d] and [n], nor [d], [d] and []",
            self.to_shape(),
            other.to_shape(),
            target.to_shape()
        );
        const EPS: f64 = 1e-12;
        let along = |x: &Var, y: &Var| (x * y).sum_axes(&[-1], false);
        let cos = along(self, other) / ((along(self, self) + EPS) * (along(other, other) + EPS)).sqrt();
        let target = Var::constant(target.cast(self.dtype()));
        let together = when(target.equals(1.0), 1.0 - &cos, 0.0);
        reduce.of(&(together + when(target.equals(-1.0), positive_part(cos - margin), 0.0)))
    }

    /// The mean of max(0, 1 + |x − positive| − |x − negative|): this variable, the anchor, is to be nearer to the positive by 1.
    ///
    /// Shapes: all `[…, d]` → `[]`.
    ///
    /// Source: Balntas, Riba, Ponsa and Mikolajczyk, Learning local feature descriptors with triplets, 2016.
    ///
    /// # Panics
    /// When shapes do not broadcast or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let [x, near, far] = [tensor![[0., 0.]], tensor![[0., 0.5]], tensor![[0., 1.]]].map(Var::leaf);
    /// assert!((x.triplet_margin_loss(&near, &far).item() - 0.5).abs() < 1e-5);
    /// ```
    #[track_caller]
    pub fn triplet_margin_loss(&self, positive: &Var, negative: &Var) -> Var {
        self.triplet_margin_loss_with(positive, negative, &Triplet::default())
    }

    /// [`triplet_margin_loss`](Var::triplet_margin_loss) with another margin or distance, and sum or single losses.
    ///
    /// # Panics
    /// As `triplet_margin_loss`.
    #[track_caller]
    pub fn triplet_margin_loss_with(&self, positive: &Var, negative: &Var, options: &Triplet) -> Var {
        let Triplet { reduce, margin, p, eps, swap } = *options;
        let near = self.pairwise_distance(positive, p, eps, false);
        let mut far = self.pairwise_distance(negative, p, eps, false);
        if swap {
            far = far.minimum(positive.pairwise_distance(negative, p, eps, false));
        }
        reduce.of(&positive_part(near - far + margin))
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "margin_ranking_loss",
        "nn.functional.margin_ranking_loss",
        "mean of max(0, -t·(x - y))",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let inputs = [d.tensor(&shape, -3.0, 3.0), d.tensor(&shape, -2.953, 3.047), signs(d, &shape)];
            let source = "x[0].margin_ranking_loss(&x[1], &x[2])";
            Sample::new(inputs, source, |x| x[0].margin_ranking_loss(&x[1], &x[2]))
        },
    ),
    Declaration::new(
        Family::Composite,
        "margin_ranking_loss_with",
        "nn.functional.margin_ranking_loss",
        "the same, with a margin, reduced",
        "of its parts",
        |d| {
            let (shape, reduce) = (d.positive_shape(), Reduce::drawn(d));
            let inputs = [d.tensor(&shape, -3.0, 3.0), d.tensor(&shape, -2.953, 3.047), signs(d, &shape)];
            let source = format!("x[0].margin_ranking_loss_with(&x[1], &x[2], 0.47, Reduce::{reduce:?})");
            Sample::new(inputs, source, move |x| x[0].margin_ranking_loss_with(&x[1], &x[2], 0.47, reduce))
        },
    ),
    Declaration::new(
        Family::Composite,
        "cosine_embedding_loss",
        "nn.functional.cosine_embedding_loss",
        "mean of 1 - cos, or of max(0, cos)",
        "of its parts",
        |d| {
            let (n, width) = (d.positive_size(), d.range(2, 4));
            let target = signs(d, &[n]);
            let source = format!("x[0].cosine_embedding_loss(&x[1], &tensor!{:?})", target.to_vec::<f64>());
            // All cosines are above 0.
            let inputs = [d.tensor(&[n, width], 0.3, 2.0), d.tensor(&[n, width], 0.3, 2.0)];
            Sample::new(inputs, source, move |x| x[0].cosine_embedding_loss(&x[1], &target))
        },
    ),
    Declaration::new(
        Family::Composite,
        "cosine_embedding_loss_with",
        "nn.functional.cosine_embedding_loss",
        "the same, with a margin, reduced",
        "of its parts",
        |d| {
            let batch = if d.flag() { vec![] } else { vec![d.positive_size()] };
            let (target, reduce) = (signs(d, &batch), Reduce::drawn(d));
            let shape = [&batch[..], &[d.range(2, 4)]].concat();
            let source = format!(
                "x[0].cosine_embedding_loss_with(&x[1], &tensor!{:?}, -0.1, Reduce::{reduce:?})",
                target.to_vec::<f64>()
            );
            let inputs = [d.tensor(&shape, 0.3, 2.0), d.tensor(&shape, 0.3, 2.0)];
            Sample::new(inputs, source, move |x| x[0].cosine_embedding_loss_with(&x[1], &target, -0.1, reduce))
        },
    ),
    Declaration::new(
        Family::Composite,
        "triplet_margin_loss",
        "nn.functional.triplet_margin_loss",
        "mean of max(0, 1 + |x - p| - |x - n|)",
        "of its parts",
        |d| {
            let shape = [d.positive_size(), d.range(1, 3)];
            // All losses count, and the two gradients of the anchor have the same sign.
            let inputs = [d.tensor(&shape, 0.0, 0.3), d.tensor(&shape, 2.0, 3.0), d.tensor(&shape, -0.9, -0.6)];
            Sample::new(inputs, "x[0].triplet_margin_loss(&x[1], &x[2])", |x| x[0].triplet_margin_loss(&x[1], &x[2]))
        },
    ),
    Declaration::new(
        Family::Composite,
        "triplet_margin_loss_with",
        "nn.functional.triplet_margin_loss",
        "the same, with other distances, reduced",
        "of its parts",
        |d| {
            let shape = if d.flag() { vec![d.range(2, 3)] } else { vec![d.positive_size(), d.range(2, 3)] };
            let (p, eps, swap) = (d.pick(&[2.0, 1.0, 3.0]), d.pick(&[1e-6, 0.01]), d.flag());
            let options = Triplet { reduce: Reduce::drawn(d), margin: d.pick(&[1.0, 0.2]), p, eps, swap };
            let inputs = [d.tensor(&shape, 0.0, 0.3), d.tensor(&shape, 2.0, 3.0), d.tensor(&shape, 0.6, 0.9)];
            let source = format!("x[0].triplet_margin_loss_with(&x[1], &x[2], &{options:?})");
            Sample::new(inputs, source, move |x| x[0].triplet_margin_loss_with(&x[1], &x[2], &options))
        },
    ),
];
