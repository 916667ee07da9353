//! Several attentions side by side, between projections.

use super::{Attention, AttentionMask};
use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

/// The weights of [`Var::multi_head_attention`], laid out as in PyTorch.
#[derive(Clone, Debug)]
pub struct Projections {
    /// For queries, keys and values, one below the other: `[3·width, width]`.
    pub input: Var,
    /// `[3·width]`
    pub input_bias: Option<Var>,
    /// For what the heads found: `[width, width]`.
    pub output: Var,
    /// `[width]`
    pub output_bias: Option<Var>,
}

impl Var {
    /// Attention by several heads: queries, keys and values are projected and cut into `heads` parts of equal width; each part attends by itself; what they find is
    /// put side by side and projected.
    ///
    /// Shapes: `[…, l, width]`, keys and values `[…, s, width]` → `[…, l, width]`. A mask has shape `[l, s]` or one that broadcasts to
    /// `[…, heads, l, s]`: for keys that are padding, `[n, 1, 1, s]`.
    ///
    /// Source: Vaswani et al., Attention is all you need, 2017.
    ///
    /// # Panics
    /// When shapes or types do not fit, or the width does not divide evenly into heads.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::attention::{Attention, Projections}, Var};
    /// # use chainrule_tensor::{DType, Rng, Tensor};
    /// let mut rng = Rng::seed(0);
    /// let mut random = |shape: &[usize]| Var::leaf(Tensor::randn(&mut rng, shape, DType::F32));
    /// let weights = Projections { input: random(&[24, 8]), input_bias: None, output: random(&[8, 8]), output_bias: None };
    /// let x = random(&[2, 5, 8]);
    /// let y = x.multi_head_attention(&x, &x, 4, &weights, Attention { causal: true, ..Default::default() });
    /// assert_eq!(y.shape(), [2, 5, 8]);
    /// ```
    #[track_caller]
    pub fn multi_head_attention(
        &self,
        key: &Var,
        value: &Var,
        heads: usize,
        weights: &Projections,
        options: Attention,
    ) -> Var {
        let op = "multi_head_attention";
        assert!(
            self.rank() >= 2 && key.rank() >= 2 && value.rank() >= 2,
            "{op}: queries {}, keys {} and values {} have shapes […, l, width] and […, s, width]",
            self.to_shape(),
            key.to_shape(),
            value.to_shape()
        );
        let width = self.size(-1);
        assert!(
            heads > 0 && width.is_multiple_of(heads),
            "{op}: a width of {width} does not divide evenly into {heads} heads"
        );
        assert!(
            weights.input.shape() == [3 * width, width] && weights.output.shape() == [width, width],
            "{op}: a width of {width} needs projections [{}, {width}] and [{width}, {width}], got {} and {}",
            3 * width,
            weights.input.to_shape(),
            weights.output.to_shape()
        );
        let output = |found: &Var| found.linear(&weights.output, weights.output_bias.as_ref());
        let itself = |x: &Var| {
            x.id() == self.id() && x.value().shares_memory(self.value()) && x.value().layout() == self.value().layout()
        };
        let plain = options.mask.is_none() && options.dropout.is_none() && options.scale.is_none() && !options.grouped;
        if plain && itself(key) && itself(value) {
            let joint = self.linear(&weights.input, weights.input_bias.as_ref());
            return output(&joint.self_attention(heads, options.causal));
        }
        let mut parts = Vec::with_capacity(3);
        for (i, x) in [self, key, value].into_iter().enumerate() {
            let weight = weights.input.narrow(0, i * width, width);
            let bias = weights.input_bias.as_ref().map(|bias| bias.narrow(0, i * width, width));
            let shape = [&x.shape()[..x.rank() - 1], &[heads, width / heads]].concat();
            parts.push(x.linear(&weight, bias.as_ref()).reshape(shape).transpose(-3, -2)); // […, heads, l, width / heads]
        }
        let found = parts[0].scaled_dot_product_attention_with(&parts[1], &parts[2], options).transpose(-3, -2);
        let shape = [&found.shape()[..found.rank() - 2], &[width]].concat();
        output(&found.reshape(shape))
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[Declaration::new(
    Family::Composite,
    "multi_head_attention",
    "nn.functional.multi_head_attention_forward",
    "attention of parts, between projections",
    "of its parts",
    |d| {
        let (heads, l, s) = (d.range(1, 2), d.range(1, 2), d.range(1, 3));
        let width = heads * d.range(1, 2);
        let batch = if d.flag() { vec![] } else { vec![d.range(1, 2)] };
        let shape = |n: usize| [&batch[..], &[n, width]].concat();
        let mut inputs = vec![];
        for n in [l, s, s] {
            inputs.push(d.tensor(&shape(n), -1.0, 1.0));
        }
        for shape in [&[3 * width, width][..], &[width, width], &[3 * width], &[width]] {
            inputs.push(d.tensor(shape, -1.0, 1.0));
        }
        let allowed = d.flag().then(|| d.mask(&[l, s]));
        let source = format!(
            "of x.tanh(): x[0].multi_head_attention(&x[1], &x[2], {heads}, &Projections {{ x[3..] }}, Attention {{ mask: {:?} }})",
            allowed.as_ref().map(|allowed| allowed.to_vec::<bool>())
        );
        Sample::new(inputs, source, move |x| {
            // Products of three far numbers are beyond what differences can tell.
            let x: Vec<Var> = x.iter().map(Var::tanh).collect();
            let weights = Projections {
                input: x[3].clone(),
                input_bias: Some(x[5].clone()),
                output: x[4].clone(),
                output_bias: Some(x[6].clone()),
            };
            let mask = allowed.clone().map(AttentionMask::Allowed);
            x[0].multi_head_attention(&x[1], &x[2], heads, &weights, Attention { mask, ..Default::default() })
        })
    },
)];
