//! Cross entropies: one of several classes is right.

use chainrule_tensor::{Comparison, DType, Shape, Tensor};

use super::{Reduce, expect_i64};
use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

/// Options of [`Var::cross_entropy_with`].
///
/// ```
/// use chainrule_autodiff::ops::loss::CrossEntropy;
/// let options = CrossEntropy { label_smoothing: 0.1, ..Default::default() };
/// assert_eq!(options.ignore_index, None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct CrossEntropy {
    /// Mean, sum or each.
    pub reduce: Reduce,
    /// How much each class counts, `[classes]`.
    pub weight: Option<Tensor>,
    /// A label whose samples do not count.
    pub ignore_index: Option<i64>,
    /// The part of the target that is spread evenly over all classes.
    pub label_smoothing: f64,
}

/// Options of [`Var::nll_loss_with`].
#[derive(Clone, Debug, Default)]
pub struct Nll {
    /// Mean, sum or each.
    pub reduce: Reduce,
    /// How much each class counts, `[classes]`.
    pub weight: Option<Tensor>,
    /// A label whose samples do not count.
    pub ignore_index: Option<i64>,
}

/// The labels of a batch, looked up.
struct Labels {
    /// The axis of the classes.
    axis: isize,
    /// The labels, 0 in place of ignored ones.
    index: Tensor,
    /// 1 where a label counts, else 0.
    counted: Tensor,
    /// One number for each class.
    weight: Tensor,
    /// The weight of each sample's class, 0 where it does not count.
    per_sample: Tensor,
}

impl Var {
    /// The mean of −ln softmax(x)\[label\] over all samples: how surprised the prediction is by the labels.
    ///
    /// Shapes: logits `[n, classes]`, `[n, classes, …]` or `[classes]`, labels `[n]`, `[n, …]` or `[]` of `i64` → `[]`.
    ///
    /// # Panics
    /// When shapes do not fit, labels are not `i64`, or one is not a class.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let logits = Var::leaf(tensor![[0., 0., 0., 0.]]);
    /// assert!((logits.cross_entropy(&tensor![2]).item() - 4f64.ln()).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn cross_entropy(&self, labels: &Tensor) -> Var {
        self.cross_entropy_with(labels, &CrossEntropy::default())
    }

    /// [`cross_entropy`](Var::cross_entropy) with class weights, an ignored label, label smoothing, and sum or single losses. The mean is that of the
    /// samples weighted by their classes; where none counts, it is NaN, with gradient 0.
    ///
    /// # Panics
    /// As `cross_entropy`; and when the weights are not one per class, or the smoothing is not in 0 to 1.
    #[track_caller]
    pub fn cross_entropy_with(&self, labels: &Tensor, options: &CrossEntropy) -> Var {
        let CrossEntropy { reduce, ref weight, ignore_index, label_smoothing } = *options;
        let smoothing = expect_smoothing(label_smoothing);
        let labels = Labels::new("cross_entropy", self, labels, weight.as_ref(), ignore_index);
        let log_p = self.log_softmax(labels.axis); // [n, classes, …]
        let mut losses = labels.surprise(&log_p) * (1.0 - smoothing);
        if smoothing > 0.0 {
            let weight = beside(&labels.weight, self.rank());
            let spread = (&log_p * weight).sum_axes(&[labels.axis], false); // [n, …]
            losses = losses - spread * Var::constant(&labels.counted) * (smoothing / labels.weight.len() as f64);
        }
        labels.reduced(losses, reduce)
    }

    /// The mean of −x\[label\] over all samples, where x holds logarithms of probabilities: [`cross_entropy`](Var::cross_entropy) after
    /// [`log_softmax`](Var::log_softmax).
    ///
    /// Shapes: as `cross_entropy`.
    ///
    /// # Panics
    /// When shapes do not fit, labels are not `i64`, or one is not a class.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let log_p = Var::leaf(tensor![[-0.5, -1.0], [-2.0, -0.25]]);
    /// assert_eq!(log_p.nll_loss(&tensor![0, 1]).item(), 0.375);
    /// ```
    #[track_caller]
    pub fn nll_loss(&self, labels: &Tensor) -> Var {
        self.nll_loss_with(labels, &Nll::default())
    }

    /// [`nll_loss`](Var::nll_loss) with class weights, an ignored label, and sum or single losses. The mean is that of the samples weighted by their
    /// classes; where none counts, it is NaN, with gradient 0.
    ///
    /// # Panics
    /// As `nll_loss`; and when the weights are not one per class.
    #[track_caller]
    pub fn nll_loss_with(&self, labels: &Tensor, options: &Nll) -> Var {
        let labels = Labels::new("nll_loss", self, labels, options.weight.as_ref(), options.ignore_index);
        labels.reduced(labels.surprise(self), options.reduce)
    }

    /// [`cross_entropy`](Var::cross_entropy) with a distribution over the classes as target, `[n, classes, …]`: the mean of −Σ target · ln softmax(x).
    ///
    /// # Panics
    /// When shapes or types differ, or there are no axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (logits, target) = (Var::leaf(tensor![[0., 0.]]), Var::constant(tensor![[0.3, 0.7]]));
    /// assert!((logits.cross_entropy_to(&target).item() - 2f64.ln()).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn cross_entropy_to(&self, target: &Var) -> Var {
        self.cross_entropy_to_with(target, &CrossEntropy::default())
    }

    /// [`cross_entropy_to`](Var::cross_entropy_to) with class weights, label smoothing, and sum or single losses. The mean is that over the
    /// samples, weights or not.
    ///
    /// # Panics
    /// As `cross_entropy_to`; and when the weights are not one per class, the smoothing is not in 0 to 1, or a label is to be ignored.
    #[track_caller]
    pub fn cross_entropy_to_with(&self, target: &Var, options: &CrossEntropy) -> Var {
        assert!(
            self.shape() == target.shape() && self.rank() >= 1,
            "cross_entropy_to: logits {} and target {} must have the same shape [n, classes, …]",
            self.to_shape(),
            target.to_shape()
        );
        assert!(options.ignore_index.is_none(), "cross_entropy_to: a distribution has no label that could be ignored");
        let axis = class_axis(self);
        let (classes, smoothing) = (self.size(axis), expect_smoothing(options.label_smoothing));
        let target =
            if smoothing > 0.0 { target * (1.0 - smoothing) + smoothing / classes as f64 } else { target.clone() };
        let mut weighted = self.log_softmax(axis) * target;
        if options.weight.is_some() {
            let weight = class_weights("cross_entropy_to", options.weight.as_ref(), classes, self.dtype());
            weighted = weighted * beside(&weight, self.rank());
        }
        options.reduce.of(&-weighted.sum_axes(&[axis], false))
    }
}

impl Labels {
    #[track_caller]
    fn new(op: &str, x: &Var, labels: &Tensor, weight: Option<&Tensor>, ignore: Option<i64>) -> Labels {
        assert!(x.rank() >= 1, "{op}: the prediction is a single number; it needs an axis of classes: [n, classes, …]");
        let axis = class_axis(x);
        let wanted: Shape = x.to_shape().reduced(&[axis as usize], false);
        if labels.dtype().is_float() && op == "cross_entropy" {
            panic!(
                "{op}: labels must be i64 class numbers, got {}; for distributions use cross_entropy_to",
                labels.dtype()
            );
        }
        expect_i64(op, labels);
        assert!(
            labels.shape() == &wanted[..],
            "{op}: a prediction {} needs labels of shape {wanted}, got {}",
            x.to_shape(),
            labels.to_shape()
        );
        let classes = x.size(axis);
        let counted = match ignore {
            Some(label) => labels.compare(Comparison::Ne, &Tensor::from(vec![label]).reshape([])),
            None => Tensor::ones(labels.shape(), DType::Bool),
        };
        let index = counted.choose(labels, &Tensor::zeros([], DType::I64));
        expect_classes(op, &index, classes);
        let counted = counted.cast(x.dtype());
        let weight = class_weights(op, weight, classes, x.dtype());
        let per_sample = weight.index_select(0, &index) * &counted; // [n, …]
        Labels { axis, index, counted, weight, per_sample }
    }

    /// −ln p\[label\], weighted.
    #[track_caller]
    fn surprise(&self, log_p: &Var) -> Var {
        let hit = log_p.gather(self.axis, &self.index.unsqueeze(self.axis)).squeeze(&[self.axis]); // [n, …]
        // What does not count is 0, even if the number there is infinite.
        let hit = hit.masked_fill(&self.counted.compare_scalar(Comparison::Eq, 0.0), 0.0);
        -(hit * Var::constant(&self.per_sample))
    }

    /// The mean is that of the samples weighted by their classes.
    #[track_caller]
    fn reduced(&self, losses: Var, reduce: Reduce) -> Var {
        match reduce {
            Reduce::Mean => match self.per_sample.sum(&[], false) {
                nothing if nothing.item() == 0.0 => losses.sum() + f64::NAN, // the mean over nothing, which nothing changes
                total => losses.sum() / Var::constant(total),
            },
            other => other.of(&losses),
        }
    }
}

/// The axis of the classes: the second, or the only one.
fn class_axis(x: &Var) -> isize {
    isize::from(x.rank() > 1)
}

/// Panics where a label is not a class.
#[track_caller]
pub(super) fn expect_classes(op: &str, labels: &Tensor, classes: usize) {
    let labels = labels.to_vec::<i64>();
    if let Some(position) = labels.iter().position(|&label| label < 0 || label >= classes as i64) {
        panic!(
            "{op}: label {} at position {position} is not one of the classes 0 to {}",
            labels[position],
            classes as i64 - 1
        );
    }
}

/// One number for each class, `[classes]`; ones where none are given.
#[track_caller]
pub(super) fn class_weights(op: &str, weight: Option<&Tensor>, classes: usize, dtype: DType) -> Tensor {
    let weight = weight.map_or_else(|| Tensor::ones([classes], dtype), |weight| weight.cast(dtype));
    assert!(
        weight.shape() == [classes],
        "{op}: {classes} classes need weights of shape [{classes}], got {}",
        weight.to_shape()
    );
    weight
}

#[track_caller]
fn expect_smoothing(smoothing: f64) -> f64 {
    assert!((0.0..=1.0).contains(&smoothing), "cross_entropy: label smoothing {smoothing} is not in 0 to 1");
    smoothing
}

/// `[classes]` as `[classes, 1…]`, to stand beside `[n, classes, …]` of `rank` axes.
fn beside(weight: &Tensor, rank: usize) -> Var {
    let mut shape = vec![1; rank.max(2) - 1];
    shape[0] = weight.len();
    Var::constant(weight.reshape(shape))
}

/// A batch and its labels, with or without further axes, or a single sample.
fn labelled(d: &mut Draw) -> (Tensor, Tensor) {
    let (n, classes) = (d.positive_size(), d.range(2, 4));
    let shape = match d.below(3) {
        0 => vec![n, classes],
        1 => vec![n, classes, d.range(1, 3)],
        _ => vec![classes],
    };
    let places = if shape.len() == 1 { vec![] } else { [&shape[..1], &shape[2..]].concat() };
    (d.reals(&shape), d.indices(&places, classes))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "cross_entropy",
        "nn.functional.cross_entropy",
        "mean of -ln softmax(x)[label]",
        "of its parts: (softmax(x) - one_hot) / n",
        |d| {
            let (n, classes) = (d.positive_size(), d.positive_size());
            let labels = d.indices(&[n], classes);
            let source = format!("x[0].cross_entropy(&tensor!{:?})", labels.to_vec::<i64>());
            Sample::new([d.reals(&[n, classes])], source, move |x| x[0].cross_entropy(&labels))
        },
    ),
    Declaration::new(
        Family::Composite,
        "cross_entropy_with",
        "nn.functional.cross_entropy",
        "the same, weighted, smoothed, reduced",
        "of its parts",
        |d| {
            let (x, labels) = labelled(d);
            let classes = x.shape()[usize::from(x.rank() > 1)];
            let options = CrossEntropy {
                reduce: Reduce::drawn(d),
                weight: Some(d.tensor(&[classes], 0.5, 2.0)),
                ignore_index: d.pick(&[None, Some(7)]),
                label_smoothing: d.pick(&[0.0, 0.3]),
            };
            let source = format!("x[0].cross_entropy_with(&tensor!{:?}, &{options:?})", labels.to_vec::<i64>());
            Sample::new([x], source, move |x| x[0].cross_entropy_with(&labels, &options))
        },
    ),
    Declaration::new(
        Family::Composite,
        "nll_loss",
        "nn.functional.nll_loss",
        "mean of -x[label]",
        "of its parts: -one_hot / n",
        |d| {
            let (x, labels) = labelled(d);
            let source = format!("x[0].nll_loss(&tensor!{:?})", labels.to_vec::<i64>());
            Sample::new([x], source, move |x| x[0].nll_loss(&labels))
        },
    ),
    Declaration::new(
        Family::Composite,
        "nll_loss_with",
        "nn.functional.nll_loss",
        "the same, weighted, reduced",
        "of its parts",
        |d| {
            let (x, labels) = labelled(d);
            let classes = x.shape()[usize::from(x.rank() > 1)];
            let options = Nll {
                reduce: Reduce::drawn(d),
                weight: Some(d.tensor(&[classes], 0.5, 2.0)),
                ignore_index: d.pick(&[None, Some(7)]),
            };
            let source = format!("x[0].nll_loss_with(&tensor!{:?}, &{options:?})", labels.to_vec::<i64>());
            Sample::new([x], source, move |x| x[0].nll_loss_with(&labels, &options))
        },
    ),
    Declaration::new(
        Family::Composite,
        "cross_entropy_to",
        "nn.functional.cross_entropy",
        "mean of -Σ t · ln softmax(x)",
        "of its parts",
        |d| {
            let shape = [d.positive_size(), d.positive_size()];
            let inputs = [d.reals(&shape), d.tensor(&shape, 0.1, 1.0)];
            Sample::new(inputs, "x[0].cross_entropy_to(&x[1])", |x| x[0].cross_entropy_to(&x[1]))
        },
    ),
    Declaration::new(
        Family::Composite,
        "cross_entropy_to_with",
        "nn.functional.cross_entropy",
        "the same, weighted, smoothed, reduced",
        "of its parts",
        |d| {
            let shape = [d.positive_size(), d.range(2, 4)];
            let options = CrossEntropy {
                reduce: Reduce::drawn(d),
                weight: Some(d.tensor(&shape[1..], 0.5, 2.0)),
                ignore_index: None,
                label_smoothing: d.pick(&[0.0, 0.3]),
            };
            let inputs = [d.reals(&shape), d.tensor(&shape, 0.1, 1.0)];
            Sample::new(inputs, format!("x[0].cross_entropy_to_with(&x[1], &{options:?})"), move |x| {
                x[0].cross_entropy_to_with(&x[1], &options)
            })
        },
    ),
];
