//! Attention by several heads.

use std::fmt;

use chainrule_autodiff::Var;
use chainrule_autodiff::ops::attention::{Attention, Projections};
use chainrule_tensor::{Rng, Tensor};

use crate::Module;
use crate::init::{self, Gain};
use crate::layer::{Layer, expect_type};
use crate::layers::{Dropout, Linear};

pub use chainrule_autodiff::ops::attention::AttentionMask;

/// Attention by several heads, between projections; see [`Var::multi_head_attention`]. Samples come before steps.
///
/// Shapes: queries `[…, l, width]`, keys and values `[…, s, width]` → `[…, l, width]`. The projections for queries, keys and values are one parameter,
/// `in_proj_weight` `[3·width, width]`, as in PyTorch, whose paths these are.
///
/// Source: Vaswani et al., Attention is all you need, 2017.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Layer, MultiheadAttention};
/// use chainrule_tensor::{DType, Rng, Tensor};
/// let attention = MultiheadAttention::new(8, 2, &mut Rng::seed(0));
/// let [x, memory] = [5, 9].map(|n| Var::constant(Tensor::ones([3, n, 8], DType::F32)));
/// assert_eq!(attention.forward(&x).shape(), [3, 5, 8]); // to itself
/// assert_eq!(attention.attend(&x, &memory, &memory, None).shape(), [3, 5, 8]);
/// ```
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct MultiheadAttention {
    /// `[3·width, width]`
    pub in_proj_weight: Var,
    /// `[3·width]`, zeros at first.
    pub in_proj_bias: Option<Var>,
    /// What is made of what the heads found. The bias is 0 at first.
    pub out_proj: Linear,
    /// How many heads there are.
    pub heads: usize,
    /// Whether step i looks at the steps up to i only, where no mask is given.
    pub causal: bool,
    /// Dropout of the weights; 0 by default.
    pub dropout: Dropout,
}

impl MultiheadAttention {
    /// A layer of this width, which the heads share.
    ///
    /// # Panics
    /// When the width does not divide evenly into heads.
    #[track_caller]
    pub fn new(width: usize, heads: usize, rng: &mut Rng) -> MultiheadAttention {
        assert!(
            heads > 0 && width.is_multiple_of(heads),
            "MultiheadAttention: a width of {width} does not divide evenly into {heads} heads"
        );
        let weight = init::xavier_uniform([3 * width, width], Gain::Linear, rng);
        let mut out_proj = Linear::new(width, width, rng);
        if let Some(bias) = &mut out_proj.bias {
            bias.update(|bias| *bias = init::zeros([width]));
        }
        MultiheadAttention {
            in_proj_weight: Var::leaf(weight).named("in_proj_weight"),
            in_proj_bias: Some(Var::leaf(init::zeros([3 * width])).named("in_proj_bias")),
            out_proj,
            heads,
            causal: false,
            dropout: Dropout::new(0.0, rng),
        }
    }

    /// With dropout of the weights.
    ///
    /// # Panics
    /// When `p` is no probability.
    #[track_caller]
    pub fn dropout(mut self, p: f64) -> MultiheadAttention {
        assert!((0.0..=1.0).contains(&p), "dropout: {p} is no probability (0 to 1)");
        self.dropout.p = p;
        self
    }

    /// Where step i looks at the steps up to i only.
    pub fn causal(mut self) -> MultiheadAttention {
        self.causal = true;
        self
    }

    /// Leaves the biases out.
    pub fn without_bias(mut self) -> MultiheadAttention {
        self.in_proj_bias = None;
        self.out_proj = self.out_proj.without_bias();
        self
    }

    /// What queries find with keys and values. A mask has shape `[l, s]`, or one that broadcasts to `[…, heads, l, s]`: for keys that are padding,
    /// `[n, 1, 1, s]`.
    ///
    /// # Panics
    /// When shapes or types do not fit.
    #[track_caller]
    pub fn attend(&self, query: &Var, key: &Var, value: &Var, mask: Option<AttentionMask>) -> Var {
        expect_type(self, query, &self.in_proj_weight);
        let weights = Projections {
            input: self.in_proj_weight.clone(),
            input_bias: self.in_proj_bias.clone(),
            output: self.out_proj.weight.clone(),
            output_bias: self.out_proj.bias.clone(),
        };
        let mut noise = self.dropout.noise();
        let dropout = noise.as_mut().map(|noise| (self.dropout.p, noise));
        let causal = self.causal && mask.is_none();
        let options = Attention { mask, causal, dropout, ..Default::default() };
        query.multi_head_attention(key, value, self.heads, &weights, options)
    }
}

impl fmt::Display for MultiheadAttention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MultiheadAttention({}, {} heads)", self.out_proj.weight.size(0), self.heads)
    }
}

/// Attention of a sequence to itself.
impl Layer for MultiheadAttention {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        self.attend(x, x, x, None)
    }
}

/// Adds waves of many lengths to a sequence, from which positions can be told: sin(m/10000^(2i/d)) and cos of the same in turns, then dropout.
///
/// Shape: `[…, steps, width]` → the same.
///
/// Source: Vaswani et al., Attention is all you need, 2017.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Layer, PositionalEncoding};
/// use chainrule_tensor::{tensor, DType, Rng, Tensor};
/// let encoding = PositionalEncoding::new(0.0, &mut Rng::seed(0));
/// let y = encoding.forward(&Var::constant(Tensor::zeros([2, 2], DType::F64)));
/// assert!(y.value().allclose(&tensor![F64; [0., 1.], [1f64.sin(), 1f64.cos()]], 1e-12, 0.0));
/// ```
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct PositionalEncoding {
    /// What happens afterwards.
    pub dropout: Dropout,
}

impl PositionalEncoding {
    /// With dropout afterwards.
    ///
    /// # Panics
    /// When `p` is no probability.
    #[track_caller]
    pub fn new(p: f64, rng: &mut Rng) -> PositionalEncoding {
        PositionalEncoding { dropout: Dropout::new(p, rng) }
    }
}

impl Layer for PositionalEncoding {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        assert!(x.rank() >= 2, "PositionalEncoding: needs an input of shape […, steps, width], got {}", x.to_shape());
        let (steps, width) = (x.size(-2), x.size(-1));
        let wave = |i: usize| {
            let (step, place) = (i / width, i % width);
            let angle = step as f64 / 1e4f64.powf((place - place % 2) as f64 / width as f64);
            if place % 2 == 0 { angle.sin() } else { angle.cos() }
        };
        let waves = Tensor::from_vec((0..steps * width).map(wave).collect(), [steps, width]).cast(x.dtype());
        self.dropout.forward(&(x + Var::constant(waves)))
    }
}
