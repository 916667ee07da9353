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

    /// Layer normalisation: [`standardise`](Var::standardise) over the last axes, as many as `weight` has, then · weight + bias.
    ///
    /// Shapes: `[…, n…]`, weight and bias `[n…]` → `[…, n…]`.
    ///
    /// Source: Ba, Kiros and Hinton, Layer Normalization, 2016.
    ///
    /// # Panics
    /// When the last axes are not those of `weight` and `bias`.
    #[track_caller]
    pub fn layer_norm(&self, weight: &Var, bias: Option<&Var>, eps: f64) -> Var {
        let n = weight.rank();
        assert!(
            n > 0 && self.shape().ends_with(weight.shape()) && bias.is_none_or(|b| b.shape() == weight.shape()),
            "layer_norm: input {} must end in the shape of the weight, {}, and of the bias{}",
            self.to_shape(),
            weight.to_shape(),
            bias.map_or(String::new(), |b| format!(", {}", b.to_shape()))
        );
        let axes: Vec<isize> = (1..=n as isize).map(|i| -i).collect();
        let y = self.standardise(&axes, eps) * weight;
        match bias {
            Some(bias) => y + bias,
            None => y,
        }
    }

    /// Batch normalisation with the batch's own statistics: [`standardise`](Var::standardise) over all axes but the second, then · weight + bias per
    /// channel.
    ///
    /// Shapes: `[n, c, …]`, weight and bias `[c]` → `[n, c, …]`.
    ///
    /// Source: Ioffe and Szegedy, Batch Normalization, 2015.
    ///
    /// # Panics
    /// When there are fewer than two axes, or `weight` or `bias` do not have one number per channel.
    #[track_caller]
    pub fn batch_norm(&self, weight: &Var, bias: &Var, eps: f64) -> Var {
        let axes = self.channel_axes("batch_norm", [weight, bias]);
        self.standardise(&axes, eps) * weight.per_channel(self.rank()) + bias.per_channel(self.rank())
    }

    /// Batch normalisation with given statistics, as models are used after training: (x − mean) / √(variance + eps) · weight + bias per
    /// channel.
    ///
    /// # Panics
    /// When there are fewer than two axes, or one of the four does not have one number per channel.
    #[track_caller]
    pub fn batch_norm_with(&self, [mean, variance]: [&Var; 2], weight: &Var, bias: &Var, eps: f64) -> Var {
        self.channel_axes("batch_norm", [weight, bias]);
        self.channel_axes("batch_norm", [mean, variance]);
        let rank = self.rank();
        let scale = (variance + eps).rsqrt() * weight;
        (self - mean.per_channel(rank)) * scale.per_channel(rank) + bias.per_channel(rank)
    }

    /// `[c]` as `[c, 1, …]`, to stand beside `[n, c, …]` of `rank` axes.
    #[track_caller]
    fn per_channel(&self, rank: usize) -> Var {
        let mut shape = vec![1; rank - 1];
        shape[0] = self.len();
        self.reshape(shape)
    }

    /// All axes but the second, after checking that there is one number per channel.
    #[track_caller]
    fn channel_axes(&self, op: &str, per_channel: [&Var; 2]) -> Vec<isize> {
        assert!(self.rank() >= 2, "{op}: input {} needs two axes or more: [n, c, …]", self.to_shape());
        for numbers in per_channel {
            assert!(
                numbers.shape() == [self.size(1)],
                "{op}: input {} has {} channels, but a parameter has shape {}",
                self.to_shape(),
                self.size(1),
                numbers.to_shape()
            );
        }
        (0..self.rank() as isize).filter(|&axis| axis != 1).collect()
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
            let source = "x[0].layer_norm(&x[1], Some(&x[2]), 0.1)";
            Sample::new(inputs, source, |x| x[0].layer_norm(&x[1], Some(&x[2]), 0.1))
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
            Sample::new(inputs, "x[0].batch_norm(&x[1], &x[2], 0.1)", |x| x[0].batch_norm(&x[1], &x[2], 0.1))
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
            Sample::new(inputs, "x[0].batch_norm_with([&x[1], &x[2]], &x[3], &x[4], 0.1)", |x| {
                x[0].batch_norm_with([&x[1], &x[2]], &x[3], &x[4], 0.1)
            })
        },
    ),
];
