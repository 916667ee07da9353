//! Recurrent layers.

use std::fmt;

use chainrule_autodiff::Var;
use chainrule_autodiff::ops::recurrent::{CellWeights, Stack};
use chainrule_tensor::Rng;

use crate::Module;
use crate::init;
use crate::layer::{Layer, expect_type};
use crate::layers::Dropout;

/// The weights of one cell of a recurrent layer. Rows belong to gates, in PyTorch's order.
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct RecurrentCell {
    /// For the input: `[gates·hidden, inputs]`.
    pub weight_ih: Var,
    /// For the hidden state: `[gates·hidden, hidden]`.
    pub weight_hh: Var,
    /// `[gates·hidden]`
    pub bias_ih: Option<Var>,
    /// `[gates·hidden]`
    pub bias_hh: Option<Var>,
}

impl RecurrentCell {
    /// All uniform on ±1/√hidden.
    #[track_caller]
    fn new(gates: usize, inputs: usize, hidden: usize, bias: bool, rng: &mut Rng) -> RecurrentCell {
        let bound = 1.0 / (hidden.max(1) as f64).sqrt();
        let mut leaf = |name: &str, shape: &[usize]| Var::leaf(init::uniform(shape, -bound, bound, rng)).named(name);
        let rows = gates * hidden;
        RecurrentCell {
            weight_ih: leaf("weight_ih", &[rows, inputs]),
            weight_hh: leaf("weight_hh", &[rows, hidden]),
            bias_ih: bias.then(|| leaf("bias_ih", &[rows])),
            bias_hh: bias.then(|| leaf("bias_hh", &[rows])),
        }
    }

    fn weights(&self) -> CellWeights {
        let bias = self.bias_ih.clone().zip(self.bias_hh.clone());
        CellWeights {
            input: self.weight_ih.clone(),
            hidden: self.weight_hh.clone(),
            bias: bias.map(|(input, hidden)| [input, hidden]),
        }
    }
}

/// How a recurrent layer is built.
///
/// ```
/// use chainrule_nn::{Lstm, Recurrent};
/// use chainrule_tensor::Rng;
/// let options = Recurrent { layers: 2, bidirectional: true, ..Default::default() };
/// assert_eq!(Lstm::with(8, 16, options, &mut Rng::seed(0)).cells.len(), 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recurrent {
    /// Layers on top of each other; 1 by default.
    pub layers: usize,
    /// Whether there are biases; by default there are.
    pub bias: bool,
    /// Whether samples come before steps, in input and output.
    pub batch_first: bool,
    /// Whether each layer also has a cell that goes from the end to the beginning.
    pub bidirectional: bool,
    /// The probability of dropout of what goes from layer to layer.
    pub dropout: f64,
}

impl Default for Recurrent {
    fn default() -> Recurrent {
        Recurrent { layers: 1, bias: true, batch_first: false, bidirectional: false, dropout: 0.0 }
    }
}

macro_rules! recurrent {
    ($($(#[$doc:meta])* $name:ident of $gates:literal => $method:ident, $given:ty, $last:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Module)]
        #[module(crate = crate)]
        pub struct $name {
            /// One per layer and direction: layer by layer, forward before backward.
            pub cells: Vec<RecurrentCell>,
            /// What happens between layers.
            pub dropout: Dropout,
            /// Whether each layer also has a cell that goes from the end to the beginning.
            pub bidirectional: bool,
            /// Whether samples come before steps, in input and output.
            pub batch_first: bool,
        }

        impl $name {
            /// One layer, in one direction, all numbers uniform on ±1/√hidden at first.
            #[track_caller]
            pub fn new(inputs: usize, hidden: usize, rng: &mut Rng) -> $name {
                Self::with(inputs, hidden, Recurrent::default(), rng)
            }

            /// Layers as the options say.
            ///
            /// # Panics
            /// When there are no layers or the dropout is no probability.
            #[track_caller]
            pub fn with(inputs: usize, hidden: usize, options: Recurrent, rng: &mut Rng) -> $name {
                let Recurrent { layers, bias, batch_first, bidirectional, dropout } = options;
                assert!(layers > 0, "{}: needs one layer or more", stringify!($name));
                let directions = if bidirectional { 2 } else { 1 };
                let mut cells = Vec::with_capacity(layers * directions);
                for cell in 0..layers * directions {
                    let width = if cell < directions { inputs } else { directions * hidden };
                    cells.push(RecurrentCell::new($gates, width, hidden, bias, rng));
                }
                $name { cells, dropout: Dropout::new(dropout, rng), bidirectional, batch_first }
            }

            /// The output for a sequence, and the last state of each cell. Without a state, it starts with zeros.
            ///
            /// # Panics
            /// When shapes or types do not fit.
            #[track_caller]
            pub fn run(&self, x: &Var, state: $given) -> (Var, $last) {
                expect_type(self, x, &self.cells[0].weight_ih);
                let mut noise = self.dropout.noise();
                let weights: Vec<CellWeights> = self.cells.iter().map(RecurrentCell::weights).collect();
                let dropout = noise.as_mut().map(|noise| (self.dropout.p, noise));
                let stack = Stack { bidirectional: self.bidirectional, batch_first: self.batch_first, dropout };
                x.$method(state, &weights, stack)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let first = &self.cells[0];
                let layers = self.cells.len() / if self.bidirectional { 2 } else { 1 };
                write!(f, "{}({} → {}", stringify!($name), first.weight_ih.size(1), first.weight_hh.size(1))?;
                if layers > 1 {
                    write!(f, ", {layers} layers")?;
                }
                write!(f, "{})", if self.bidirectional { ", both directions" } else { "" })
            }
        }

        /// The output for a sequence, from a state of zeros.
        impl Layer for $name {
            #[track_caller]
            fn forward(&self, x: &Var) -> Var {
                self.run(x, None).0
            }
        }
    )*};
}

recurrent! {
    /// Elman's network, tanh(Wx + b + Vh + c) step by step; see [`Var::rnn_tanh`].
    ///
    /// Shapes: `[steps, n, inputs]` and a state `[cells, n, hidden]` → `[steps, n, directions·hidden]` and `[cells, n, hidden]`, or all without n.
    ///
    /// ```
    /// use chainrule_autodiff::Var;
    /// use chainrule_nn::{Layer, Rnn};
    /// use chainrule_tensor::{DType, Rng, Tensor};
    /// let layer = Rnn::new(3, 8, &mut Rng::seed(0));
    /// assert_eq!(layer.forward(&Var::constant(Tensor::ones([7, 2, 3], DType::F32))).shape(), [7, 2, 8]);
    /// ```
    Rnn of 1 => rnn_tanh, Option<&Var>, Var;
    /// A network with rectifiers, max(Wx + b + Vh + c, 0) step by step; see [`Var::rnn_relu`], and [`Rnn`] for shapes.
    RnnRelu of 1 => rnn_relu, Option<&Var>, Var;
    /// Gated recurrent units; see [`Var::gru`], and [`Rnn`] for shapes.
    ///
    /// Source: Cho et al., Learning phrase representations using RNN encoder-decoder, 2014.
    ///
    /// ```
    /// use chainrule_autodiff::Var;
    /// use chainrule_nn::{Gru, Recurrent};
    /// use chainrule_tensor::{DType, Rng, Tensor};
    /// let layer = Gru::with(3, 8, Recurrent { batch_first: true, ..Default::default() }, &mut Rng::seed(0));
    /// let (y, h) = layer.run(&Var::constant(Tensor::ones([2, 7, 3], DType::F32)), None);
    /// assert_eq!((y.shape(), h.shape()), (&[2, 7, 8][..], &[1, 2, 8][..]));
    /// ```
    Gru of 3 => gru, Option<&Var>, Var;
    /// Long short-term memory; see [`Var::lstm`], and [`Rnn`] for shapes. The state is the hidden state and the memory.
    ///
    /// Source: Hochreiter and Schmidhuber, Long short-term memory, 1997.
    ///
    /// ```
    /// use chainrule_autodiff::Var;
    /// use chainrule_nn::Lstm;
    /// use chainrule_tensor::{DType, Rng, Tensor};
    /// let layer = Lstm::new(3, 8, &mut Rng::seed(0));
    /// let x = Var::constant(Tensor::ones([7, 2, 3], DType::F32));
    /// let (_, [h, c]) = layer.run(&x, None);
    /// let (y, _) = layer.run(&x, Some([&h, &c])); // goes on from there
    /// assert_eq!(y.shape(), [7, 2, 8]);
    /// ```
    Lstm of 4 => lstm, Option<[&Var; 2]>, [Var; 2];
}
