//! Margins between scores: the right one is to be ahead by so much.

use chainrule_tensor::{Comparison, DType, Tensor};

use super::classes::{class_weights, expect_classes};
use super::{Reduce, expect_beside, expect_i64, positive_part};
use crate::declare::{Declaration, Draw, Family, Sample};
use crate::ops::formula::when;
use crate::var::Var;

/// Options of [`Var::multi_margin_loss_with`].
#[derive(Clone, Debug)]
pub struct MultiMargin {
    /// Mean, sum or each.
    pub reduce: Reduce,
    /// The power of what is missing: 1 or 2.
    pub p: u32,
    /// By how much the right class is to be ahead.
    pub margin: f64,
    /// How much each class counts, `[classes]`.
    pub weight: Option<Tensor>,
}

impl Default for MultiMargin {
    fn default() -> MultiMargin {
        MultiMargin { reduce: Reduce::Mean, p: 1, margin: 1.0, weight: None }
    }
}

impl Var {
    /// The mean over samples of Σ max(0, 1 − x\[label\] + x\[i\]) / classes over all i but the label: how far the right class is from being ahead of the
    /// others by 1. Slope at the corner: 0.
    ///
    /// Shapes: scores `[n, classes]` or `[classes]`, labels `[n]`, `[]` of `i64` → `[]`.
    ///
    /// # Panics
    /// When shapes do not fit, labels are not `i64`, or one is not a class.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[0.5, 0.25, -2.0, 1.0]]);
    /// assert_eq!(x.multi_margin_loss(&tensor![0]).item(), (0.75 + 1.5) / 4.0);
    /// ```
    #[track_caller]
    pub fn multi_margin_loss(&self, labels: &Tensor) -> Var {
        self.multi_margin_loss_with(labels, &MultiMargin::default())
    }

    /// [`multi_margin_loss`](Var::multi_margin_loss) with another margin, squares, class weights, and sum or single losses.
    ///
    /// # Panics
    /// As `multi_margin_loss`; and when p is neither 1 nor 2, or the weights are not one per class.
    #[track_caller]
    pub fn multi_margin_loss_with(&self, labels: &Tensor, options: &MultiMargin) -> Var {
        let op = "multi_margin_loss";
        assert!(matches!(options.p, 1 | 2), "{op}: the power is 1 or 2, got {}", options.p);
        let x = rows(op, self);
        expect_i64(op, labels);
        assert!(
            labels.rank() <= 1 && labels.len() == x.size(0) && (self.rank() < 2 || labels.rank() == 1),
            "{op}: scores {} need labels of shape [{}], got {}",
            self.to_shape(),
            x.size(0),
            labels.to_shape()
        );
        let (index, classes) = (labels.reshape([labels.len(), 1]), x.size(1));
        expect_classes(op, &index, classes);
        let missing = (&x - x.gather(1, &index) + options.margin).relu(); // [n, classes]
        let weight = class_weights(op, options.weight.as_ref(), classes, x.dtype()).index_select(0, &index); // [n, 1]
        let counts = positions(&[x.size(0), classes]).compare(Comparison::Ne, &index).cast(x.dtype()) * weight;
        let missing = if options.p == 2 { missing.square() } else { missing };
        let losses = (missing * Var::constant(counts)).sum_axes(&[1], false) / classes as f64;
        options.reduce.of(&losses.reshape(labels.to_shape()))
    }

    /// For several labels that are right at once: the mean over samples of Σ max(0, 1 − x\[j\] + x\[i\]) / classes over all j that are right and all i that
    /// are not. A row of `labels` names the right classes and ends at the first −1.
    ///
    /// Shapes: scores and labels `[n, classes]` or `[classes]` → `[]`.
    ///
    /// # Panics
    /// When shapes differ, labels are not `i64`, or one before the first −1 is not a class.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![F64; 0.1, 0.2, 0.4, 0.8]);
    /// let loss = x.multilabel_margin_loss(&tensor![3, 0, -1, 1]); // 0.25·(0.4 + 0.6 + 1.1 + 1.3)
    /// assert!((loss.item() - 0.85).abs() < 1e-12);
    /// ```
    #[track_caller]
    pub fn multilabel_margin_loss(&self, labels: &Tensor) -> Var {
        self.multilabel_margin_loss_with(labels, Reduce::Mean)
    }

    /// [`multilabel_margin_loss`](Var::multilabel_margin_loss) with sum or single losses.
    ///
    /// # Panics
    /// As `multilabel_margin_loss`.
    #[track_caller]
    pub fn multilabel_margin_loss_with(&self, labels: &Tensor, reduce: Reduce) -> Var {
        let op = "multilabel_margin_loss";
        let x = rows(op, self);
        expect_i64(op, labels);
        assert!(
            labels.shape() == self.shape(),
            "{op}: scores {} and labels {} differ in shape; fill rows of labels up with -1",
            self.to_shape(),
            labels.to_shape()
        );
        let (n, classes) = (x.size(0), x.size(1));
        let labels = labels.reshape([n, classes]);
        // 1 up to the first -1 of each row, then 0
        let named =
            labels.compare_scalar(Comparison::Lt, 0.0).cast(DType::I64).cumsum(1).compare_scalar(Comparison::Eq, 0.0);
        let index = named.choose(&labels, &Tensor::zeros([], DType::I64));
        expect_classes(op, &index, classes);
        let named = named.cast(x.dtype()); // [n, classes], by place in the row
        let right = Tensor::zeros([n, classes], x.dtype()).scatter_add(1, &index, &named); // by class
        let wrong = right.compare_scalar(Comparison::Eq, 0.0).cast(x.dtype()).unsqueeze(1); // [n, 1, classes]
        let counts = named.unsqueeze(2) * wrong; // [n, places, classes]
        let missing = (x.unsqueeze(1) - x.gather(1, &index).unsqueeze(2) + 1.0).relu();
        let losses = (missing * Var::constant(counts)).sum_axes(&[1, 2], false) / classes as f64;
        reduce.of(&if self.rank() < 2 { losses.reshape([]) } else { losses })
    }

    /// The mean of x where the target is 1, and of max(0, 1 − x) where it is −1: for distances x of pairs that belong together or not. Slope at the
    /// corner: −1.
    ///
    /// # Panics
    /// When the target does not broadcast to the prediction.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![0.5, 0.25, 3.0]);
    /// assert_eq!(x.hinge_embedding_loss(&tensor![1., -1., -1.]).item() as f32, (0.5 + 0.75) / 3.0);
    /// ```
    #[track_caller]
    pub fn hinge_embedding_loss(&self, target: &Tensor) -> Var {
        self.hinge_embedding_loss_with(target, 1.0, Reduce::Mean)
    }

    /// [`hinge_embedding_loss`](Var::hinge_embedding_loss) with another margin in place of 1, and sum or single losses. Where the target is neither 1 nor
    /// −1, both terms count.
    ///
    /// # Panics
    /// When the target does not broadcast to the prediction.
    #[track_caller]
    pub fn hinge_embedding_loss_with(&self, target: &Tensor, margin: f64, reduce: Reduce) -> Var {
        expect_beside("hinge_embedding_loss", self, "target", target.shape());
        let target = Var::constant(target.cast(self.dtype()));
        let apart = when(target.equals(1.0), 0.0, positive_part(margin - self));
        reduce.of(&(when(target.equals(-1.0), 0.0, self) + apart))
    }
}

/// Scores as `[n, classes]`.
#[track_caller]
fn rows(op: &str, x: &Var) -> Var {
    assert!(x.rank() <= 2, "{op}: scores have shape [n, classes] or [classes], got {}", x.to_shape());
    match x.rank() {
        2 => x.clone(),
        _ => x.reshape([1, x.len()]),
    }
}

/// The position of each element in its row.
fn positions(shape: &[usize; 2]) -> Tensor {
    Tensor::from((0..shape[1] as i64).collect::<Vec<_>>()).broadcast_to(shape)
}

fn scores(d: &mut Draw) -> (Tensor, Vec<usize>) {
    let shape = if d.flag() { vec![d.range(2, 4)] } else { vec![d.positive_size(), d.range(2, 4)] };
    (d.distinct(&shape), shape)
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "multi_margin_loss",
        "nn.functional.multi_margin_loss",
        "mean of Σ max(0, 1 - x[label] + x[i]) / classes",
        "of its parts",
        |d| {
            let (x, shape) = scores(d);
            let labels = d.indices(&shape[..shape.len() - 1], *shape.last().expect("an axis of classes"));
            let source = format!("x[0].multi_margin_loss(&tensor!{:?})", labels.to_vec::<i64>());
            Sample::new([x], source, move |x| x[0].multi_margin_loss(&labels))
        },
    ),
    Declaration::new(
        Family::Composite,
        "multi_margin_loss_with",
        "nn.functional.multi_margin_loss",
        "the same, weighted, squared, reduced",
        "of its parts",
        |d| {
            let (x, shape) = scores(d);
            let classes = *shape.last().expect("an axis of classes");
            let labels = d.indices(&shape[..shape.len() - 1], classes);
            let weight = d.flag().then(|| d.tensor(&[classes], 0.5, 2.0));
            let options =
                MultiMargin { reduce: Reduce::drawn(d), p: d.pick(&[1, 2]), margin: d.pick(&[1.1, 0.3]), weight };
            let source = format!("x[0].multi_margin_loss_with(&tensor!{:?}, &{options:?})", labels.to_vec::<i64>());
            Sample::new([x], source, move |x| x[0].multi_margin_loss_with(&labels, &options))
        },
    ),
    Declaration::new(
        Family::Composite,
        "multilabel_margin_loss",
        "nn.functional.multilabel_margin_loss",
        "mean of Σ max(0, 1 - x[j] + x[i]) / classes",
        "of its parts",
        |d| {
            let (x, shape) = scores(d);
            let labels = several(d, &shape);
            let source = format!("x[0].multilabel_margin_loss(&tensor!{:?})", labels.to_vec::<i64>());
            Sample::new([x], source, move |x| x[0].multilabel_margin_loss(&labels))
        },
    ),
    Declaration::new(
        Family::Composite,
        "multilabel_margin_loss_with",
        "nn.functional.multilabel_margin_loss",
        "the same, reduced",
        "of its parts",
        |d| {
            let (x, shape) = scores(d);
            let (labels, reduce) = (several(d, &shape), Reduce::drawn(d));
            let source =
                format!("x[0].multilabel_margin_loss_with(&tensor!{:?}, Reduce::{reduce:?})", labels.to_vec::<i64>());
            Sample::new([x], source, move |x| x[0].multilabel_margin_loss_with(&labels, reduce))
        },
    ),
    Declaration::new(
        Family::Composite,
        "hinge_embedding_loss",
        "nn.functional.hinge_embedding_loss",
        "mean of x, or of max(0, 1 - x)",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let target = signs(d, &shape);
            let source = format!("x[0].hinge_embedding_loss(&tensor!{:?})", target.to_vec::<f64>());
            Sample::new([d.reals(&shape)], source, move |x| x[0].hinge_embedding_loss(&target))
        },
    ),
    Declaration::new(
        Family::Composite,
        "hinge_embedding_loss_with",
        "nn.functional.hinge_embedding_loss",
        "the same, with another margin, reduced",
        "of its parts",
        |d| {
            let shape = d.positive_shape();
            let from = d.below(shape.len() + 1);
            let target = signs(d, &shape[from..]);
            let (margin, reduce) = (d.pick(&[1.0, 0.4]), Reduce::drawn(d));
            let source = format!(
                "x[0].hinge_embedding_loss_with(&tensor!{:?}, {margin:?}, Reduce::{reduce:?})",
                target.to_vec::<f64>()
            );
            Sample::new([d.reals(&shape)], source, move |x| x[0].hinge_embedding_loss_with(&target, margin, reduce))
        },
    ),
];

/// Targets of 1 and −1.
pub(super) fn signs(d: &mut Draw, shape: &[usize]) -> Tensor {
    d.indices(shape, 2).cast(DType::F64) * -2.0 + 1.0
}

/// Rows of different labels, ended by −1.
fn several(d: &mut Draw, shape: &[usize]) -> Tensor {
    let classes = *shape.last().expect("an axis of classes");
    let rows = shape.iter().product::<usize>() / classes;
    let mut labels = Vec::new();
    for _ in 0..rows {
        let count = d.below(classes + 1);
        labels.extend(d.order(classes).into_iter().enumerate().map(|(i, c)| if i < count { c as i64 } else { -1 }));
    }
    Tensor::from_vec(labels, shape)
}
