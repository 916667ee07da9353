//! The encoder layer of a transformer.

use std::fmt;

use chainrule_autodiff::Var;
use chainrule_tensor::Rng;

use crate::Module;
use crate::layer::Layer;
use crate::layers::{AttentionMask, Dropout, LayerNorm, Linear, MultiheadAttention};

/// Attention of a sequence to itself, then two fully connected layers on each step, both around a shortcut and each followed by layer
/// normalisation, or, with `norm_first`, preceded by it. Paths are those of PyTorch.
///
/// Shape: `[…, steps, width]` → the same.
///
/// Source: Vaswani et al., Attention is all you need, 2017; for `norm_first` Xiong et al., On layer normalization in the transformer architecture, 2020.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Layer, TransformerEncoderLayer};
/// use chainrule_tensor::{DType, Rng, Tensor};
/// let mut rng = Rng::seed(0);
/// let encoder: Vec<_> = (0..2).map(|_| TransformerEncoderLayer::new(8, 2, 32, &mut rng)).collect();
/// assert_eq!(encoder.forward(&Var::constant(Tensor::ones([3, 5, 8], DType::F32))).shape(), [3, 5, 8]);
/// ```
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct TransformerEncoderLayer {
    /// Attention of the sequence to itself.
    pub self_attn: MultiheadAttention,
    /// The first fully connected layer.
    pub linear1: Linear,
    /// Between the two.
    pub dropout: Dropout,
    /// The second fully connected layer.
    pub linear2: Linear,
    /// For attention.
    pub norm1: LayerNorm,
    /// For the fully connected layers.
    pub norm2: LayerNorm,
    /// After attention.
    pub dropout1: Dropout,
    /// After the fully connected layers.
    pub dropout2: Dropout,
    /// Whether normalisation comes first.
    pub norm_first: bool,
    /// Whether the activation is [`Var::gelu`] instead of [`Var::relu`].
    pub gelu: bool,
}

impl TransformerEncoderLayer {
    /// A layer of this width with so many heads and hidden units, dropout 0.1, rectifiers, and normalisation last.
    ///
    /// # Panics
    /// When the width does not divide evenly into heads.
    #[track_caller]
    pub fn new(width: usize, heads: usize, hidden: usize, rng: &mut Rng) -> TransformerEncoderLayer {
        TransformerEncoderLayer {
            self_attn: MultiheadAttention::new(width, heads, rng),
            linear1: Linear::new(width, hidden, rng),
            dropout: Dropout::new(0.0, rng),
            linear2: Linear::new(hidden, width, rng),
            norm1: LayerNorm::new([width]),
            norm2: LayerNorm::new([width]),
            dropout1: Dropout::new(0.0, rng),
            dropout2: Dropout::new(0.0, rng),
            norm_first: false,
            gelu: false,
        }
        .dropout(0.1)
    }

    /// With another dropout, in all four places.
    ///
    /// # Panics
    /// When `p` is no probability.
    #[track_caller]
    pub fn dropout(mut self, p: f64) -> TransformerEncoderLayer {
        self.self_attn = self.self_attn.dropout(p);
        for dropout in [&mut self.dropout, &mut self.dropout1, &mut self.dropout2] {
            dropout.p = p;
        }
        self
    }

    /// With normalisation first.
    pub fn norm_first(mut self) -> TransformerEncoderLayer {
        self.norm_first = true;
        self
    }

    /// With [`Var::gelu`] as activation.
    pub fn gelu(mut self) -> TransformerEncoderLayer {
        self.gelu = true;
        self
    }

    /// Where step i looks at the steps up to i only.
    pub fn causal(mut self) -> TransformerEncoderLayer {
        self.self_attn = self.self_attn.causal();
        self
    }

    /// The output for a sequence with a mask; see [`MultiheadAttention::attend`].
    ///
    /// # Panics
    /// When shapes or types do not fit.
    #[track_caller]
    pub fn encode(&self, x: &Var, mask: Option<AttentionMask>) -> Var {
        let attention = |x: &Var| self.dropout1.forward(&self.self_attn.attend(x, x, x, mask.clone()));
        let connected = |x: &Var| {
            let hidden = self.linear1.forward(x);
            let active = if self.gelu { hidden.gelu() } else { hidden.relu() };
            self.dropout2.forward(&self.linear2.forward(&self.dropout.forward(&active)))
        };
        if self.norm_first {
            let x = x + attention(&self.norm1.forward(x));
            return &x + connected(&self.norm2.forward(&x));
        }
        let x = self.norm1.forward(&(x + attention(x)));
        self.norm2.forward(&(&x + connected(&x)))
    }
}

impl fmt::Display for TransformerEncoderLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransformerEncoderLayer({}, {} hidden)", self.self_attn, self.linear1.weight.size(0))
    }
}

impl Layer for TransformerEncoderLayer {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        self.encode(x, None)
    }
}
