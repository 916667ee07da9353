//! Yes or no, once or for each of several labels.

use chainrule_tensor::Tensor;

use super::{Reduce, expect_beside, expect_same};
use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::Op;
use crate::var::Var;

/// Options of [`Var::binary_cross_entropy_with`] and [`Var::binary_cross_entropy_with_logits_with`].
///
/// ```
/// use chainrule_autodiff::ops::loss::BinaryCrossEntropy;
/// use chainrule_tensor::tensor;
/// let options = BinaryCrossEntropy { pos_weight: Some(tensor![3.0]), ..Default::default() };
/// assert!(options.weight.is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct BinaryCrossEntropy {
    /// Mean, sum or each.
    pub reduce: Reduce,
    /// How much each prediction counts; broadcast.
    pub weight: Option<Tensor>,
    /// How much more a yes counts than a no; broadcast. For logits alone.
    pub pos_weight: Option<Tensor>,
}

/// Options of [`Var::focal_loss_with`].
#[derive(Clone, Debug)]
pub struct Focal {
    /// Mean, sum or each.
    pub reduce: Reduce,
    /// How much a yes counts; a no counts 1 − alpha. `None`: both count 1.
    pub alpha: Option<f64>,
    /// How much easy samples are discounted.
    pub gamma: f64,
}

impl Default for Focal {
    fn default() -> Focal {
        Focal { reduce: Reduce::Mean, alpha: Some(0.25), gamma: 2.0 }
    }
}

/// The least that a logarithm counts for.
const LEAST_LOG: f64 = -100.0;

/// −t·ln x − (1 − t)·ln(1 − x), logarithms at least −100. The slope is bounded near 0 and 1, as in PyTorch.
struct Binary;
impl Op<2> for Binary {
    fn name(&self) -> &'static str {
        "binary_cross_entropy"
    }
    fn forward(&self, [x, t]: [&Tensor; 2]) -> Tensor {
        let (x, t) = (Var::constant(x), Var::constant(t));
        let [yes, no] = logs(&x);
        ((&t - 1.0) * no - t * yes).value().clone()
    }
    fn backward(&self, wrt: usize, g: &Var, [x, t]: [&Var; 2], _: &Var) -> Var {
        match wrt {
            0 => g * (x - t) / ((1.0 - x) * x).maximum(1e-12),
            _ => {
                let [yes, no] = logs(x);
                g * (no - yes)
            }
        }
    }
}

/// ln x and ln(1 − x), at least −100.
fn logs(x: &Var) -> [Var; 2] {
    [x.log().maximum(LEAST_LOG), (-x).log1p().maximum(LEAST_LOG)]
}

impl Var {
    /// The mean of −t·ln x − (1 − t)·ln(1 − x), for probabilities x and targets t between 0 and 1. Logarithms count as −100 at least, so that nothing is
    /// infinite. From logits, [`binary_cross_entropy_with_logits`](Var::binary_cross_entropy_with_logits) is more exact.
    ///
    /// # Panics
    /// When shapes or types differ, or a prediction is no probability.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let p = Var::leaf(tensor![0.5, 0.0]);
    /// let loss = p.binary_cross_entropy(&Var::constant(tensor![1., 1.]));
    /// assert!((loss.item() - (2f64.ln() + 100.0) / 2.0).abs() < 1e-5);
    /// ```
    #[track_caller]
    pub fn binary_cross_entropy(&self, target: &Var) -> Var {
        self.binary_cross_entropy_with(target, &BinaryCrossEntropy::default())
    }

    /// [`binary_cross_entropy`](Var::binary_cross_entropy) with weights, and sum or single losses.
    ///
    /// # Panics
    /// As `binary_cross_entropy`; and when the weights do not broadcast, or there are some for the yes, which are for logits.
    #[track_caller]
    pub fn binary_cross_entropy_with(&self, target: &Var, options: &BinaryCrossEntropy) -> Var {
        let op = "binary_cross_entropy";
        expect_same(op, self, target);
        assert!(options.pos_weight.is_none(), "{op}: pos_weight is for logits; use binary_cross_entropy_with_logits");
        if let Some(p) = self.value().to_f64_vec().iter().find(|p| !(0.0..=1.0).contains(*p) && !p.is_nan()) {
            panic!("{op}: {p} is no probability (0 to 1); for logits use binary_cross_entropy_with_logits");
        }
        options.reduced(op, Binary.apply([self, target]))
    }

    /// The mean of −t·ln σ(x) − (1 − t)·ln σ(−x), for logits x and targets t between 0 and 1, exact for logits of any size.
    ///
    /// # Panics
    /// When shapes or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![-1000., 0.]);
    /// let loss = x.binary_cross_entropy_with_logits(&Var::constant(tensor![1., 0.]));
    /// assert!((loss.item() - (1000.0 + 2f64.ln()) / 2.0).abs() < 1e-3);
    /// ```
    #[track_caller]
    pub fn binary_cross_entropy_with_logits(&self, target: &Var) -> Var {
        self.binary_cross_entropy_with_logits_with(target, &BinaryCrossEntropy::default())
    }

    /// [`binary_cross_entropy_with_logits`](Var::binary_cross_entropy_with_logits) with weights, and sum or single losses.
    ///
    /// # Panics
    /// As `binary_cross_entropy_with_logits`; and when the weights do not broadcast.
    #[track_caller]
    pub fn binary_cross_entropy_with_logits_with(&self, target: &Var, options: &BinaryCrossEntropy) -> Var {
        let op = "binary_cross_entropy_with_logits";
        expect_same(op, self, target);
        let surprise = (-self).softplus(); // -ln σ(x)
        let surprise = match &options.pos_weight {
            Some(weight) => {
                expect_beside(op, self, "pos_weight", weight.shape());
                surprise * (target * Var::constant(weight.cast(self.dtype()) - 1.0) + 1.0)
            }
            None => surprise,
        };
        options.reduced(op, (1.0 - target) * self + surprise)
    }

    /// The mean of α·(1 − p)^γ · −ln p, where p is the probability that σ(x) gives to the target: a cross entropy that leaves easy samples
    /// aside. α is 0.25 for a yes and 0.75 for a no, γ is 2.
    ///
    /// Source: Lin, Goyal, Girshick, He and Dollár, Focal loss for dense object detection, 2017.
    ///
    /// # Panics
    /// When shapes or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let loss = |x| Var::constant(tensor![x]).focal_loss(&Var::constant(tensor![1.])).item();
    /// assert!(loss(3.) < 1e-3 * loss(0.));
    /// ```
    #[track_caller]
    pub fn focal_loss(&self, target: &Var) -> Var {
        self.focal_loss_with(target, &Focal::default())
    }

    /// [`focal_loss`](Var::focal_loss) with other α and γ, and sum or single losses.
    ///
    /// # Panics
    /// When shapes or types differ.
    #[track_caller]
    pub fn focal_loss_with(&self, target: &Var, options: &Focal) -> Var {
        expect_same("focal_loss", self, target);
        let (yes, no) = (self.sigmoid(), (-self).sigmoid());
        let missed = &yes * (1.0 - target) + no * target; // 1 - p
        let surprise = (1.0 - target) * self + (-self).softplus();
        let mut losses = surprise * missed.powf(options.gamma);
        if let Some(alpha) = options.alpha {
            losses = losses * (target * (2.0 * alpha - 1.0) + (1.0 - alpha));
        }
        options.reduce.of(&losses)
    }

    /// The mean over samples of 1 − (2·Σ x·t + `smooth`) / (Σ x + Σ t + `smooth`): how little the areas of probabilities x and targets t overlap.
    ///
    /// Shapes: both `[n, …]` → `[]`.
    ///
    /// Source: Milletari, Navab and Ahmadi, V-Net, 2016.
    ///
    /// # Panics
    /// When shapes or types differ, or there are no axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 0.], [1., 0.]]);
    /// assert_eq!(x.dice_loss(&Var::constant(tensor![[1., 0.], [0., 1.]]), 0.0).item(), 0.5);
    /// ```
    #[track_caller]
    pub fn dice_loss(&self, target: &Var, smooth: f64) -> Var {
        expect_same("dice_loss", self, target);
        assert!(self.rank() >= 1, "dice_loss: the prediction is a single number; it needs an axis of samples: [n, …]");
        let area = |x: &Var| x.reshape([x.size(0), x.len() / x.size(0).max(1)]).sum_axes(&[1], false);
        let overlap = area(&(self * target)) * 2.0 + smooth;
        (1.0 - overlap / (area(self) + area(target) + smooth)).mean()
    }

    /// The mean of ln(1 + e^(−t·x)), for scores x and targets t of −1 and 1.
    ///
    /// # Panics
    /// When shapes or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![0.]);
    /// assert!((x.soft_margin_loss(&Var::constant(tensor![1.])).item() - 2f64.ln()).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn soft_margin_loss(&self, target: &Var) -> Var {
        self.soft_margin_loss_with(target, Reduce::Mean)
    }

    /// [`soft_margin_loss`](Var::soft_margin_loss) with sum or single losses.
    ///
    /// # Panics
    /// When shapes or types differ.
    #[track_caller]
    pub fn soft_margin_loss_with(&self, target: &Var, reduce: Reduce) -> Var {
        expect_same("soft_margin_loss", self, target);
        reduce.of(&(-(self * target)).softplus())
    }

    /// For several labels that may each be right: the binary cross entropy of logits, averaged over the labels and the samples.
    ///
    /// Shapes: logits and targets `[…, labels]` → `[]`.
    ///
    /// # Panics
    /// When shapes or types differ, or there are no axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[0., 0.]]);
    /// assert!((x.multilabel_soft_margin_loss(&Var::constant(tensor![[1., 0.]])).item() - 2f64.ln()).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn multilabel_soft_margin_loss(&self, target: &Var) -> Var {
        self.multilabel_soft_margin_loss_with(target, &BinaryCrossEntropy::default())
    }

    /// [`multilabel_soft_margin_loss`](Var::multilabel_soft_margin_loss) with weights, and sum or single losses.
    ///
    /// # Panics
    /// As `multilabel_soft_margin_loss`; and when the weights do not broadcast.
    #[track_caller]
    pub fn multilabel_soft_margin_loss_with(&self, target: &Var, options: &BinaryCrossEntropy) -> Var {
        assert!(self.rank() >= 1, "multilabel_soft_margin_loss: the prediction needs an axis of labels: […, labels]");
        let each = BinaryCrossEntropy { reduce: Reduce::None, ..options.clone() };
        options.reduce.of(&self.binary_cross_entropy_with_logits_with(target, &each).mean_axes(&[-1], false))
    }
}

impl BinaryCrossEntropy {
    #[track_caller]
    fn reduced(&self, op: &str, losses: Var) -> Var {
        let weighted = match &self.weight {
            Some(weight) => {
                expect_beside(op, &losses, "weight", weight.shape());
                &losses * Var::constant(weight.cast(losses.dtype()))
            }
            None => losses,
        };
        self.reduce.of(&weighted)
    }

    fn drawn(d: &mut Draw, shape: &[usize], pos_weight: bool) -> BinaryCrossEntropy {
        let part = |d: &mut Draw| {
            let part = shape[d.below(shape.len() + 1)..].to_vec();
            d.flag().then(|| d.tensor(&part, 0.5, 2.0))
        };
        let weight = part(d);
        BinaryCrossEntropy { reduce: Reduce::drawn(d), weight, pos_weight: pos_weight.then(|| part(d)).flatten() }
    }
}

fn operands(d: &mut Draw, shape: &[usize], of_x: [f64; 2]) -> [Tensor; 2] {
    [d.tensor(shape, of_x[0], of_x[1]), d.tensor(shape, 0.1, 0.9)]
}

const PROBABILITIES: [f64; 2] = [0.1, 0.9];
const LOGITS: [f64; 2] = [-3.0, 3.0];

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "binary_cross_entropy",
        "nn.functional.binary_cross_entropy",
        "mean of -t·ln x - (1 - t)·ln(1 - x)",
        "g · (x - t) / (x·(1 - x)), g · (ln(1 - x) - ln x)",
        |d| {
            let shape = d.positive_shape();
            Sample::new(operands(d, &shape, PROBABILITIES), "x[0].binary_cross_entropy(&x[1])", |x| {
                x[0].binary_cross_entropy(&x[1])
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "binary_cross_entropy_with",
        "nn.functional.binary_cross_entropy",
        "the same, weighted, reduced",
        "the same",
        |d| {
            let shape = d.positive_shape();
            let options = BinaryCrossEntropy::drawn(d, &shape, false);
            let source = format!("x[0].binary_cross_entropy_with(&x[1], &{options:?})");
            Sample::new(operands(d, &shape, PROBABILITIES), source, move |x| {
                x[0].binary_cross_entropy_with(&x[1], &options)
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "binary_cross_entropy_with_logits",
        "nn.functional.binary_cross_entropy_with_logits",
        "mean of -t·ln σ(x) - (1 - t)·ln σ(-x)",
        "of its parts: σ(x) - t, -x",
        |d| {
            let shape = d.positive_shape();
            Sample::new(operands(d, &shape, LOGITS), "x[0].binary_cross_entropy_with_logits(&x[1])", |x| {
                x[0].binary_cross_entropy_with_logits(&x[1])
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "binary_cross_entropy_with_logits_with",
        "nn.functional.binary_cross_entropy_with_logits",
        "the same, weighted, reduced",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let options = BinaryCrossEntropy::drawn(d, &shape, true);
            let source = format!("x[0].binary_cross_entropy_with_logits_with(&x[1], &{options:?})");
            Sample::new(operands(d, &shape, LOGITS), source, move |x| {
                x[0].binary_cross_entropy_with_logits_with(&x[1], &options)
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "focal_loss",
        "torchvision.ops.sigmoid_focal_loss",
        "mean of α·(1 - p)^γ · -ln p",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            Sample::new(operands(d, &shape, LOGITS), "x[0].focal_loss(&x[1])", |x| x[0].focal_loss(&x[1]))
        },
    ),
    Declaration::new(
        Family::Composite,
        "focal_loss_with",
        "torchvision.ops.sigmoid_focal_loss",
        "the same, with other α and γ, reduced",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let options =
                Focal { reduce: Reduce::drawn(d), alpha: d.pick(&[None, Some(0.7)]), gamma: d.pick(&[1.0, 0.0, 2.5]) };
            let source = format!("x[0].focal_loss_with(&x[1], &{options:?})");
            Sample::new(operands(d, &shape, LOGITS), source, move |x| x[0].focal_loss_with(&x[1], &options))
        },
    ),
    Declaration::new(
        Family::Composite,
        "dice_loss",
        "",
        "mean of 1 - 2·Σ x·t / (Σ x + Σ t)",
        "of its parts",
        |d| {
            let (shape, smooth) = (d.positive_shape(), d.pick(&[1.0, 0.0]));
            let source = format!("x[0].dice_loss(&x[1], {smooth:?})");
            Sample::new(operands(d, &shape, PROBABILITIES), source, move |x| x[0].dice_loss(&x[1], smooth))
        },
    ),
    Declaration::new(
        Family::Composite,
        "soft_margin_loss",
        "nn.functional.soft_margin_loss",
        "mean of ln(1 + e^(-t·x))",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            Sample::new(operands(d, &shape, LOGITS), "x[0].soft_margin_loss(&x[1])", |x| x[0].soft_margin_loss(&x[1]))
        },
    ),
    Declaration::new(
        Family::Composite,
        "soft_margin_loss_with",
        "nn.functional.soft_margin_loss",
        "the same, reduced",
        "of its parts",
        |d| {
            let (shape, reduce) = (d.positive_shape(), Reduce::drawn(d));
            let source = format!("x[0].soft_margin_loss_with(&x[1], Reduce::{reduce:?})");
            Sample::new(operands(d, &shape, LOGITS), source, move |x| x[0].soft_margin_loss_with(&x[1], reduce))
        },
    ),
    Declaration::new(
        Family::Composite,
        "multilabel_soft_margin_loss",
        "nn.functional.multilabel_soft_margin_loss",
        "mean of -t·ln σ(x) - (1 - t)·ln σ(-x)",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            Sample::new(operands(d, &shape, LOGITS), "x[0].multilabel_soft_margin_loss(&x[1])", |x| {
                x[0].multilabel_soft_margin_loss(&x[1])
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "multilabel_soft_margin_loss_with",
        "nn.functional.multilabel_soft_margin_loss",
        "the same, weighted, reduced",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let options = BinaryCrossEntropy::drawn(d, &shape, false);
            let source = format!("x[0].multilabel_soft_margin_loss_with(&x[1], &{options:?})");
            Sample::new(operands(d, &shape, LOGITS), source, move |x| {
                x[0].multilabel_soft_margin_loss_with(&x[1], &options)
            })
        },
    ),
];
