//! Losses: how wrong a prediction is, as one number to be made small.

use chainrule_tensor::{Comparison, DType, Shape, Tensor};

use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

/// What becomes of the losses of single samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduce {
    /// Their mean (where samples have weights, the weighted mean).
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// Each stays.
    None,
}

impl Reduce {
    #[track_caller]
    fn of(self, losses: &Var) -> Var {
        match self {
            Reduce::Mean => losses.mean(),
            Reduce::Sum => losses.sum(),
            Reduce::None => losses.clone(),
        }
    }
}

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

impl Var {
    /// The mean square of the differences, as one number.
    ///
    /// # Panics
    /// When shapes or types differ. (Shapes do not broadcast: that hides mistakes.)
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let y = Var::leaf(tensor![1., 2.]);
    /// assert_eq!(y.mse_loss(&Var::constant(tensor![3., 2.])).item(), 2.0);
    /// ```
    #[track_caller]
    pub fn mse_loss(&self, target: &Var) -> Var {
        self.mse_loss_with(target, Reduce::Mean)
    }

    /// The squares of the differences, reduced as asked.
    ///
    /// # Panics
    /// When shapes or types differ.
    #[track_caller]
    pub fn mse_loss_with(&self, target: &Var, reduce: Reduce) -> Var {
        assert!(
            self.shape() == target.shape(),
            "mse_loss: prediction {} and target {} differ in shape; reshape one",
            self.to_shape(),
            target.to_shape()
        );
        reduce.of(&(self - target).square())
    }

    /// The mean of −ln softmax(x)\[label\] over all samples: how surprised the prediction is by the labels.
    ///
    /// Shapes: logits `[n, classes]` or `[n, classes, …]`, labels `[n]` or `[n, …]` of `i64` → `[]`.
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
        let classes = self.expect_labels(labels);
        let (weight, smoothing) = (options.class_weights(classes, self.dtype()), options.smoothing());
        let (labels, counted) = ignored(labels, options.ignore_index, classes);
        let counted = counted.cast(self.dtype());
        let per_sample = weight.index_select(0, &labels) * &counted; // [n, …]

        let log_p = self.log_softmax(1); // [n, classes, …]
        let hit = log_p.gather(1, &labels.unsqueeze(1)).squeeze(&[1]); // [n, …]
        let mut losses = -(hit * Var::constant(&per_sample) * (1.0 - smoothing));
        if smoothing > 0.0 {
            let spread = (&log_p * beside(&weight, self.rank())).sum_axes(&[1], false); // [n, …]
            losses = losses - spread * Var::constant(counted) * (smoothing / classes as f64);
        }
        match options.reduce {
            Reduce::Mean => match per_sample.sum(&[], false) {
                nothing if nothing.item() == 0.0 => losses.sum() + f64::NAN, // the mean over nothing, which nothing changes
                total => losses.sum() / Var::constant(total),
            },
            other => other.of(&losses),
        }
    }

    /// [`cross_entropy`](Var::cross_entropy) with a distribution over the classes as target, `[n, classes, …]`: the mean of −Σ target · ln softmax(x).
    ///
    /// # Panics
    /// When shapes or types differ, or there are fewer than two axes.
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
            self.shape() == target.shape() && self.rank() >= 2,
            "cross_entropy_to: logits {} and target {} must have the same shape [n, classes, …]",
            self.to_shape(),
            target.to_shape()
        );
        assert!(options.ignore_index.is_none(), "cross_entropy_to: a distribution has no label that could be ignored");
        let (classes, smoothing) = (self.size(1), options.smoothing());
        let target =
            if smoothing > 0.0 { target * (1.0 - smoothing) + smoothing / classes as f64 } else { target.clone() };
        let mut weighted = self.log_softmax(1) * target;
        if options.weight.is_some() {
            weighted = weighted * beside(&options.class_weights(classes, self.dtype()), self.rank());
        }
        options.reduce.of(&-weighted.sum_axes(&[1], false))
    }

    #[track_caller]
    fn expect_labels(&self, labels: &Tensor) -> usize {
        assert!(self.rank() >= 2, "cross_entropy: logits {} need two axes or more: [n, classes, …]", self.to_shape());
        let wanted: Shape = self.to_shape().reduced(&[1], false);
        assert!(
            labels.dtype() == DType::I64,
            "cross_entropy: labels must be i64 class numbers, got {}; for distributions use cross_entropy_to",
            labels.dtype()
        );
        assert!(
            labels.shape() == &wanted[..],
            "cross_entropy: logits {} need labels of shape {wanted}, got {}",
            self.to_shape(),
            labels.to_shape()
        );
        self.size(1)
    }
}

impl CrossEntropy {
    /// One number for each class, `[classes]`.
    #[track_caller]
    fn class_weights(&self, classes: usize, dtype: DType) -> Tensor {
        let ones = Tensor::ones([classes], dtype);
        let weight = self.weight.as_ref().map_or(ones, |weight| weight.cast(dtype));
        assert!(
            weight.shape() == [classes],
            "cross_entropy: {classes} classes need weights of shape [{classes}], got {}",
            weight.to_shape()
        );
        weight
    }

    #[track_caller]
    fn smoothing(&self) -> f64 {
        let smoothing = self.label_smoothing;
        assert!((0.0..=1.0).contains(&smoothing), "cross_entropy: label smoothing {smoothing} is not in 0 to 1");
        smoothing
    }
}

/// `[classes]` as `[classes, 1…]`, to stand beside `[n, classes, …]` of `rank` axes.
fn beside(weight: &Tensor, rank: usize) -> Var {
    let mut shape = vec![1; rank - 1];
    shape[0] = weight.len();
    Var::constant(weight.reshape(shape))
}

/// The labels with ignored ones replaced by 0, and a mask of those that count.
#[track_caller]
fn ignored(labels: &Tensor, ignore: Option<i64>, classes: usize) -> (Tensor, Tensor) {
    let counted = match ignore {
        Some(label) => labels.compare(Comparison::Ne, &Tensor::from(vec![label]).reshape([])),
        None => Tensor::ones(labels.shape(), DType::Bool),
    };
    let labels = counted.choose(labels, &Tensor::zeros([], DType::I64));
    if let Some(position) = labels.to_vec::<i64>().iter().position(|&label| label < 0 || label >= classes as i64) {
        panic!(
            "cross_entropy: label {} at position {position} is not one of the classes 0 to {}",
            labels.to_vec::<i64>()[position],
            classes as i64 - 1
        );
    }
    (labels, counted)
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "mse_loss", "nn.functional.mse_loss", "mean (x - t)²", "of its parts", |d| {
        let shape = d.positive_shape();
        Sample::new([d.reals(&shape), d.reals(&shape)], "x[0].mse_loss(&x[1])", |x| x[0].mse_loss(&x[1]))
    }),
    Declaration::new(
        Family::Composite,
        "mse_loss_with",
        "nn.functional.mse_loss",
        "(x - t)², reduced",
        "of its parts",
        |d| {
            let (shape, reduce) = (d.shape(), d.pick(&[Reduce::Sum, Reduce::None]));
            let source = format!("x[0].mse_loss_with(&x[1], Reduce::{reduce:?})");
            Sample::new([d.reals(&shape), d.reals(&shape)], source, move |x| x[0].mse_loss_with(&x[1], reduce))
        },
    ),
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
            let (n, classes) = (d.positive_size(), d.range(2, 4));
            let shape = if d.flag() { vec![n, classes, d.range(1, 3)] } else { vec![n, classes] };
            let labels = d.indices(&[&[n], &shape[2..]].concat(), classes);
            let options = CrossEntropy {
                reduce: d.pick(&[Reduce::Sum, Reduce::Mean, Reduce::None]),
                weight: Some(d.tensor(&[classes], 0.5, 2.0)),
                ignore_index: d.pick(&[None, Some(7)]),
                label_smoothing: d.pick(&[0.0, 0.3]),
            };
            let source = format!("x[0].cross_entropy_with(&tensor!{:?}, &{options:?})", labels.to_vec::<i64>());
            Sample::new([d.reals(&shape)], source, move |x| x[0].cross_entropy_with(&labels, &options))
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
                reduce: d.pick(&[Reduce::Sum, Reduce::Mean, Reduce::None]),
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
