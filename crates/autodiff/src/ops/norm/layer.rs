//! Normalisation over the numbers of one sample.

use chainrule_tensor::Normalisation;

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

impl Var {
    /// Layer normalisation: [`standardise`](Var::standardise) over the last axes, which have the lengths `shape`, then · weight + bias.
    ///
    /// Shapes: `[…, n…]`, weight and bias `[n…]` → `[…, n…]`.
    ///
    /// Source: Ba, Kiros and Hinton, Layer Normalization, 2016.
    ///
    /// # Panics
    /// When the last axes are not `shape`, or weight or bias have another.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![F64; [1., 3.], [5., 9.]]);
    /// assert_eq!(x.layer_norm(&[2], None, None, 0.0).value().to_vec::<f64>(), [-1., 1., -1., 1.]);
    /// ```
    #[track_caller]
    pub fn layer_norm(&self, shape: &[usize], weight: Option<&Var>, bias: Option<&Var>, eps: f64) -> Var {
        self.expect_rows("layer_norm", shape, [weight, bias]);
        self.normalise("layer_norm", Normalisation { centred: true, eps }, shape, [weight, bias])
    }

    /// Root mean square normalisation: x / √(mean x² + eps) over the last axes, which have the lengths `shape`, then · weight.
    ///
    /// Shapes: `[…, n…]`, weight `[n…]` → `[…, n…]`.
    ///
    /// Source: Zhang and Sennrich, Root Mean Square Layer Normalization, 2019.
    ///
    /// # Panics
    /// When the last axes are not `shape`, or the weight has another.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![F64; 1., 7.]);
    /// assert!(x.rms_norm(&[2], None, 0.0).value().allclose(&tensor![F64; 0.2, 1.4], 1e-12, 0.0));
    /// ```
    #[track_caller]
    pub fn rms_norm(&self, shape: &[usize], weight: Option<&Var>, eps: f64) -> Var {
        self.expect_rows("rms_norm", shape, [weight, None]);
        self.normalise("rms_norm", Normalisation { centred: false, eps }, shape, [weight, None])
    }

    /// Group normalisation: [`standardise`](Var::standardise) over each group of channels of each sample, then · weight + bias per channel.
    ///
    /// Shapes: `[n, c, …]`, weight and bias `[c]` → `[n, c, …]`.
    ///
    /// Source: Wu and He, Group Normalization, 2018.
    ///
    /// # Panics
    /// When there are fewer than two axes, the channels do not divide evenly into groups, or weight or bias do not have one number per channel.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![F64; [1., 3., 10., 30.]]);
    /// assert_eq!(x.group_norm(2, None, None, 0.0).value().to_vec::<f64>(), [-1., 1., -1., 1.]);
    /// ```
    #[track_caller]
    pub fn group_norm(&self, groups: usize, weight: Option<&Var>, bias: Option<&Var>, eps: f64) -> Var {
        assert!(self.rank() >= 2, "group_norm: input {} needs two axes or more: [n, c, …]", self.to_shape());
        let channels = self.size(1);
        assert!(
            groups > 0 && channels.is_multiple_of(groups),
            "group_norm: {channels} channels (input {}) do not divide evenly into {groups} groups",
            self.to_shape()
        );
        let [weight, bias] = self.beside_channels("group_norm", [weight, bias]);
        let grouped = self.reshape([self.size(0), groups, self.shape()[1..].iter().product::<usize>() / groups]);
        grouped.standardise(&[2], eps).reshape(self.to_shape()).affine(weight.as_ref(), bias.as_ref())
    }

    /// x / (k + alpha·mean x²)^beta, the mean being that over `size` neighbouring channels, where 0 stands for those beyond the ends.
    ///
    /// Shapes: `[n, c, …]` → the same.
    ///
    /// Source: Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks, 2012.
    ///
    /// # Panics
    /// When there are fewer than two axes or `size` is 0.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![F64; [[3.], [4.]]]);
    /// assert_eq!(x.local_response_norm(2, 2.0, 0.5, 0.0).value().to_vec::<f64>(), [1.0, 0.8]);
    /// ```
    #[track_caller]
    pub fn local_response_norm(&self, size: usize, alpha: f64, beta: f64, k: f64) -> Var {
        assert!(self.rank() >= 2, "local_response_norm: input {} needs two axes or more: [n, c, …]", self.to_shape());
        assert!(size > 0, "local_response_norm: a mean over 0 channels");
        if self.len() == 0 {
            return self.clone();
        }
        let mut around = vec![(0, 0); self.rank()];
        around[1] = (size / 2, (size - 1) / 2);
        let mean = self.square().pad(&around).unfold(1, size, 1).mean_axes(&[-1], false);
        self / (mean * alpha + k).powf(beta)
    }

    /// The last axes are to have the lengths `shape`, as have all parameters, whose numbers are of the same type.
    #[track_caller]
    fn expect_rows(&self, op: &str, shape: &[usize], [weight, bias]: [Option<&Var>; 2]) {
        assert!(
            !shape.is_empty() && self.shape().ends_with(shape),
            "{op}: input {} does not end in the axes {shape:?}",
            self.to_shape()
        );
        for (what, numbers) in [("weight", weight), ("bias", bias)] {
            if let Some(numbers) = numbers.filter(|numbers| numbers.shape() != shape) {
                panic!("{op}: the {what} has shape {}, not {shape:?}", numbers.to_shape());
            }
            if let Some(numbers) = numbers.filter(|numbers| numbers.dtype() != self.dtype()) {
                panic!(
                    "{op}: the {what} is of {}, the input of {}; convert one of them with .cast()",
                    numbers.dtype(),
                    self.dtype()
                );
            }
        }
    }
}

/// The lengths of all axes, and of the last ones.
fn shapes(d: &mut Draw) -> [Vec<usize>; 2] {
    let n = if d.flag() { vec![d.range(2, 3), d.positive_size()] } else { vec![d.range(2, 4)] };
    [[vec![d.size()], n.clone()].concat(), n]
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "layer_norm",
        "nn.functional.layer_norm",
        "y · w + b, y = (x - mean) · s, s = 1/√(var + eps)",
        "x: (ĝ - mean ĝ - y · mean(ĝ · y)) · s, ĝ = g · w; w: Σ g · y; b: Σ g",
        |d| {
            let [shape, n] = shapes(d);
            let inputs = [d.distinct(&shape), d.reals(&n), d.reals(&n)];
            let source = "x[0].layer_norm(x[1].shape(), Some(&x[1]), Some(&x[2]), 0.1)";
            Sample::new(inputs, source, |x| x[0].layer_norm(x[1].shape(), Some(&x[1]), Some(&x[2]), 0.1))
        },
    ),
    Declaration::new(
        Family::Composite,
        "rms_norm",
        "nn.functional.rms_norm",
        "y · w, y = x · s, s = 1/√(mean x² + eps)",
        "x: (ĝ - y · mean(ĝ · y)) · s, ĝ = g · w; w: Σ g · y",
        |d| {
            let [shape, n] = shapes(d);
            let inputs = [d.distinct(&shape), d.reals(&n)];
            Sample::new(inputs, "x[0].rms_norm(x[1].shape(), Some(&x[1]), 0.1)", |x| {
                x[0].rms_norm(x[1].shape(), Some(&x[1]), 0.1)
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "group_norm",
        "nn.functional.group_norm",
        "(x - mean) / √(var + eps) · w + b, per group",
        "of its parts",
        |d| {
            let (n, groups, width) = (d.size(), d.range(1, 3), d.range(2, 3));
            let c = groups * width;
            let shape = if d.flag() { vec![n, c, d.range(1, 3)] } else { vec![n, c] };
            let inputs = [d.distinct(&shape), d.reals(&[c]), d.reals(&[c])];
            let source = format!("x[0].group_norm({groups}, Some(&x[1]), Some(&x[2]), 0.1)");
            Sample::new(inputs, source, move |x| x[0].group_norm(groups, Some(&x[1]), Some(&x[2]), 0.1))
        },
    ),
    Declaration::new(
        Family::Composite,
        "local_response_norm",
        "nn.functional.local_response_norm",
        "x / (k + α·mean x²)^β",
        "of its parts",
        |d| {
            let (size, beta) = (d.range(1, 4), d.pick(&[0.75, 0.5]));
            let shape = if d.flag() { vec![d.size(), d.size(), 2] } else { vec![d.size(), d.size()] };
            let source = format!("x[0].local_response_norm({size}, 0.3, {beta:?}, 1.25)");
            Sample::new([d.reals(&shape)], source, move |x| x[0].local_response_norm(size, 0.3, beta, 1.25))
        },
    ),
];
