//! Recurrent networks over whole sequences, for those who compute their gradients.

use crate::dtype::{DType, each_real};
use crate::kernel::recurrent::{Gradients, Network, Run, backward, forward};
use crate::tensor::Tensor;

/// The kinds of recurrent cells. Each makes a new state of sums of Wx + b and Vh + c, whose rows are cut into blocks, one per gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recurrence {
    /// h' is the tanh of the sum.
    Tanh,
    /// h' is the sum where it is positive, else 0.
    Relu,
    /// h' = (1 − z)·n + z·h, where r and z are the logistic function of their sums, and n = tanh(Wx + b + r·(Vh + c)). Blocks in the order r, z, n.
    Gru,
    /// c' = f·c + i·g and h' = o·tanh c', where i, f, o are the logistic function, and g is the tanh, of their sums. Blocks in the order i, f, g, o.
    Lstm,
}

impl Recurrence {
    /// Blocks of rows in the weights.
    ///
    /// ```
    /// assert_eq!(chainrule_tensor::Recurrence::Gru.gates(), 3);
    /// ```
    pub fn gates(self) -> usize {
        match self {
            Recurrence::Tanh | Recurrence::Relu => 1,
            Recurrence::Gru => 3,
            Recurrence::Lstm => 4,
        }
    }

    /// Blocks in the gates of a sample: more than in the weights, where what input and state contribute stays apart.
    pub(crate) fn blocks(self) -> usize {
        if self == Recurrence::Gru { 4 } else { self.gates() }
    }

    /// Memories besides the state h.
    pub(crate) fn memories(self) -> usize {
        usize::from(self == Recurrence::Lstm)
    }

    /// How many tensors its state is: h alone, or h and c.
    ///
    /// ```
    /// assert_eq!(chainrule_tensor::Recurrence::Lstm.states(), 2);
    /// ```
    pub fn states(self) -> usize {
        1 + self.memories()
    }

    /// The name of the op that goes through a sequence.
    ///
    /// ```
    /// assert_eq!(chainrule_tensor::Recurrence::Tanh.name(), "rnn_tanh");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Recurrence::Tanh => "rnn_tanh",
            Recurrence::Relu => "rnn_relu",
            Recurrence::Gru => "gru",
            Recurrence::Lstm => "lstm",
        }
    }
}

/// A pass of a recurrent cell over a sequence, with all that the way back needs.
pub struct RecurrentPass {
    network: Network,
    runs: Vec<Run>,
    /// The states after each step, and the last memory of cells that have one: `[steps, n, hidden]` or `[steps + 1, n, hidden]`.
    pub states: Tensor,
}

/// The gradients of everything that a [`RecurrentPass`] read.
pub struct RecurrentGradients {
    /// Of the input; empty where it was not wanted.
    pub x: Tensor,
    /// Of the first h and, for cells that have a memory, of the first c: `[n, hidden]`.
    pub start: Vec<Tensor>,
    /// Of the weights for the input and for the state.
    pub weights: [Tensor; 2],
    /// Of the biases: `[gates·hidden]`.
    pub bias: [Tensor; 2],
}

impl RecurrentPass {
    /// Goes through the sequence.
    ///
    /// Shapes: `[steps, n, inputs]`, h and c (a [`Recurrence::Lstm`] has both, others h alone) `[n, hidden]`, weights W `[gates·hidden, inputs]` and V
    /// `[gates·hidden, hidden]`, biases `[gates·hidden]`. No length is 0.
    ///
    /// # Panics
    /// When shapes do not fit, or the elements are not `f32` or `f64`.
    ///
    /// ```
    /// use chainrule_tensor::{DType, Recurrence, RecurrentPass, Tensor};
    /// let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32);
    /// let (x, h) = (zeros(&[7, 5, 3]), Tensor::ones([5, 2], DType::F32));
    /// let pass = RecurrentPass::new(Recurrence::Gru, &x, &[&h], [&zeros(&[6, 3]), &zeros(&[6, 2])], None);
    /// assert_eq!(pass.states.shape(), [7, 5, 2]);
    /// assert_eq!(pass.states.at::<f32>(&[6, 0, 0]), 0.5f32.powi(7)); // half forgotten at each step
    /// ```
    #[track_caller]
    pub fn new(
        cell: Recurrence,
        x: &Tensor,
        start: &[&Tensor],
        weights: [&Tensor; 2],
        bias: Option<[&Tensor; 2]>,
    ) -> RecurrentPass {
        let op = cell.name();
        assert!(start.len() == cell.states(), "{op}: {} states are too few or too many", start.len());
        let (steps, n, inputs, hidden) = (x.size(0), x.size(1), x.size(2), start[0].size(1));
        let network = Network { cell, steps, n, inputs, hidden };
        let (states, runs) = each_real!(op, x, T => {
            forward::<T>(network, x, start, weights, bias)
        }, half => panic!("{op}: halves are stored, not computed with; convert them with .cast(DType::{:?})", DType::F32));
        RecurrentPass { network, runs, states }
    }

    /// Goes back through the sequence, given the gradient of `states`.
    ///
    /// # Panics
    /// When its shape or type differs from theirs.
    #[track_caller]
    pub fn backward(&self, weights: [&Tensor; 2], g: &Tensor, wants_input: bool) -> RecurrentGradients {
        let Gradients { x, start, weights, bias } = each_real!(self.network.cell.name(), g, T => {
            backward::<T>(self.network, &self.runs, weights, g, wants_input)
        }, half => unreachable!("a pass holds no halves"));
        RecurrentGradients { x, start, weights, bias }
    }
}
