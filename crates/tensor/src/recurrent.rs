//! Recurrent networks over whole sequences, for those who compute their gradients.

use crate::dtype::{DType, each_real};
use crate::kernel::lstm::{Lengths, Run, backward, forward};
use crate::tensor::Tensor;

/// A pass of a long short-term memory over a sequence, with all that the way back needs.
pub struct LstmPass {
    lengths: Lengths,
    runs: Vec<Run>,
    /// The states after each step, and the last memory: `[steps + 1, n, hidden]`.
    pub states: Tensor,
}

/// The gradients of everything that a [`LstmPass`] read.
pub struct LstmGradients {
    /// Of the input; empty where it was not wanted.
    pub x: Tensor,
    /// Of the first h and c: `[n, hidden]`.
    pub start: [Tensor; 2],
    /// Of the weights for the input and for the state.
    pub weights: [Tensor; 2],
    /// Of the bias: `[4·hidden]`.
    pub bias: Tensor,
}

impl LstmPass {
    /// Goes through the sequence: for each step c' = f·c + i·g and h' = o·tanh c', where the gates i, f, o are the logistic function, and g is the tanh,
    /// of Wx + Vh + b.
    ///
    /// Shapes: `[steps, n, inputs]`, h and c `[n, hidden]`, weights `[4·hidden, inputs]` and `[4·hidden, hidden]`, bias `[4·hidden]`. No length is 0.
    ///
    /// # Panics
    /// When shapes do not fit, or the elements are not `f32` or `f64`.
    ///
    /// ```
    /// use chainrule_tensor::{DType, LstmPass, Tensor};
    /// let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32);
    /// let start = [&zeros(&[5, 2]), &Tensor::ones([5, 2], DType::F32)];
    /// let pass = LstmPass::new(&zeros(&[7, 5, 3]), start, [&zeros(&[8, 3]), &zeros(&[8, 2])], None);
    /// assert_eq!(pass.states.shape(), [8, 5, 2]);
    /// assert_eq!(pass.states.at::<f32>(&[7, 0, 0]), 0.5f32.powi(7)); // half forgotten at each step
    /// ```
    #[track_caller]
    pub fn new(x: &Tensor, start: [&Tensor; 2], weights: [&Tensor; 2], bias: Option<&Tensor>) -> LstmPass {
        let (steps, n, inputs, hidden) = (x.size(0), x.size(1), x.size(2), start[0].size(1));
        let lengths = Lengths { steps, n, inputs, hidden };
        let bias = bias.map(Tensor::contiguous);
        let (states, runs) = each_real!("lstm", x, T => {
            forward::<T>(lengths, x, start, weights, bias.as_ref())
        }, half => panic!("lstm: halves are stored, not computed with; convert them with .cast(DType::{:?})", DType::F32));
        LstmPass { lengths, runs, states }
    }

    /// Goes back through the sequence, given the gradient of the states and the last memory.
    ///
    /// # Panics
    /// When its shape or type differs from theirs.
    #[track_caller]
    pub fn backward(&self, weights: [&Tensor; 2], g: &Tensor, wants_input: bool) -> LstmGradients {
        let [x, h, c, input, hidden, bias] = each_real!("lstm", g, T => {
            backward::<T>(self.lengths, &self.runs, weights, g, wants_input)
        }, half => unreachable!("a pass holds no halves"));
        LstmGradients { x, start: [h, c], weights: [input, hidden], bias }
    }
}
