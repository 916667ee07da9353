//! Normalisation: mean 0 and variance 1, along chosen axes.

use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

impl Var {
    /// (x − mean) / √(variance + eps) along the axes, both taken over the data itself.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let y = Var::constant(tensor![F64; 1., 3.]).standardise(&[0], 0.0);
    /// assert_eq!(y.value().to_vec::<f64>(), [-1., 1.]);
    /// ```
    #[track_caller]
    pub fn standardise(&self, axes: &[isize], eps: f64) -> Var {
        let centred = self - self.mean_axes(axes, true);
        let variance = centred.square().mean_axes(axes, true);
        centred * (variance + eps).rsqrt()
    }

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
        assert!(
            !shape.is_empty() && self.shape().ends_with(shape),
            "layer_norm: input {} does not end in the axes {shape:?}",
            self.to_shape()
        );
        for (what, numbers) in [("weight", weight), ("bias", bias)] {
            if let Some(numbers) = numbers.filter(|numbers| numbers.shape() != shape) {
                panic!("layer_norm: the {what} has shape {}, not {shape:?}", numbers.to_shape());
            }
        }
        let axes: Vec<isize> = (1..=shape.len() as isize).map(|i| -i).collect();
        self.standardise(&axes, eps).affine(weight, bias)
    }

    /// Batch normalisation with the batch's own statistics: [`standardise`](Var::standardise) over all axes but the second, then · weight + bias per
    /// channel.
    ///
    /// Shapes: `[n, c, …]`, weight and bias `[c]` → `[n, c, …]`.
    ///
    /// Source: Ioffe and Szegedy, Batch Normalization, 2015.
    ///
    /// # Panics
    /// When there are fewer than two axes, or weight or bias do not have one number per channel.
    #[track_caller]
    pub fn batch_norm(&self, weight: Option<&Var>, bias: Option<&Var>, eps: f64) -> Var {
        let axes: Vec<isize> = (0..self.rank() as isize).filter(|&axis| axis != 1).collect();
        let [weight, bias] = self.both_per_channel(weight, bias);
        self.standardise(&axes, eps).affine(weight.as_ref(), bias.as_ref())
    }

    /// Batch normalisation with given statistics, as models are used after training: (x − mean) / √(variance + eps) · weight + bias per
    /// channel.
    ///
    /// # Panics
    /// When there are fewer than two axes, or one of the four does not have one number per channel.
    #[track_caller]
    pub fn batch_norm_with(
        &self,
        [mean, variance]: [&Var; 2],
        weight: Option<&Var>,
        bias: Option<&Var>,
        eps: f64,
    ) -> Var {
        let [weight, bias] = self.both_per_channel(weight, bias);
        let scale = (self.per_channel(variance) + eps).rsqrt();
        let scale = match weight {
            Some(weight) => scale * weight,
            None => scale,
        };
        ((self - self.per_channel(mean)) * scale).affine(None, bias.as_ref())
    }

    /// This variable · weight + bias, where there are any.
    #[track_caller]
    fn affine(self, weight: Option<&Var>, bias: Option<&Var>) -> Var {
        let scaled = match weight {
            Some(weight) => self * weight,
            None => self,
        };
        match bias {
            Some(bias) => scaled + bias,
            None => scaled,
        }
    }

    #[track_caller]
    fn both_per_channel(&self, weight: Option<&Var>, bias: Option<&Var>) -> [Option<Var>; 2] {
        let mut both = [None, None];
        for (slot, numbers) in both.iter_mut().zip([weight, bias]) {
            if let Some(numbers) = numbers {
                *slot = Some(self.per_channel(numbers));
            }
        }
        both
    }

    /// `[c]` as `[c, 1, …]`, to stand beside this variable `[n, c, …]`.
    #[track_caller]
    fn per_channel(&self, numbers: &Var) -> Var {
        assert!(self.rank() >= 2, "batch_norm: input {} needs two axes or more: [n, c, …]", self.to_shape());
        assert!(
            numbers.shape() == [self.size(1)],
            "batch_norm: input {} has {} channels, but a parameter has shape {}",
            self.to_shape(),
            self.size(1),
            numbers.to_shape()
        );
        let mut shape = vec![1; self.rank() - 1];
        shape[0] = numbers.len();
        numbers.reshape(shape)
    }
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "standardise", "", "(x - mean) / √(var + eps)", "of its parts", |d| {
        let shape = [d.positive_size(), d.range(2, 4)];
        Sample::new([d.distinct(&shape)], "x[0].standardise(&[1], 0.1)", |x| x[0].standardise(&[1], 0.1))
    }),
    Declaration::new(
        Family::Composite,
        "layer_norm",
        "nn.functional.layer_norm",
        "(x - mean) / √(var + eps) · w + b",
        "of its parts",
        |d| {
            let n = if d.flag() { vec![d.range(2, 3), d.positive_size()] } else { vec![d.range(2, 4)] };
            let shape = [vec![d.size()], n.clone()].concat();
            let inputs = [d.distinct(&shape), d.reals(&n), d.reals(&n)];
            let source = "x[0].layer_norm(x[1].shape(), Some(&x[1]), Some(&x[2]), 0.1)";
            Sample::new(inputs, source, |x| x[0].layer_norm(x[1].shape(), Some(&x[1]), Some(&x[2]), 0.1))
        },
    ),
    Declaration::new(
        Family::Composite,
        "batch_norm",
        "nn.functional.batch_norm",
        "(x - mean) / √(var + eps) · w + b",
        "of its parts",
        |d| {
            let c = d.positive_size();
            let shape = if d.flag() { vec![d.range(2, 3), c, d.range(1, 3)] } else { vec![d.range(2, 4), c] };
            let inputs = [d.distinct(&shape), d.reals(&[c]), d.reals(&[c])];
            Sample::new(inputs, "x[0].batch_norm(Some(&x[1]), Some(&x[2]), 0.1)", |x| {
                x[0].batch_norm(Some(&x[1]), Some(&x[2]), 0.1)
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "batch_norm_with",
        "nn.functional.batch_norm",
        "(x - m) / √(v + eps) · w + b",
        "of its parts",
        |d| {
            let c = d.positive_size();
            let (n, positive) = (d.size(), |d: &mut crate::declare::Draw| d.tensor(&[c], 0.3, 2.0));
            let inputs = [d.reals(&[n, c]), d.reals(&[c]), positive(d), d.reals(&[c]), d.reals(&[c])];
            Sample::new(inputs, "x[0].batch_norm_with([&x[1], &x[2]], Some(&x[3]), Some(&x[4]), 0.1)", |x| {
                x[0].batch_norm_with([&x[1], &x[2]], Some(&x[3]), Some(&x[4]), 0.1)
            })
        },
    ),
];
