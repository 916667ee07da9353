//! Recurrent networks: cells, which take one step, and stacks of layers of them, which take a whole sequence. Weights are laid out as in PyTorch.

pub mod cell;
pub mod sequence;
mod whole;

pub use sequence::Stack;

use chainrule_tensor::Tensor;

use crate::declare::Draw;
use crate::var::Var;

/// The weights of one cell. Rows belong to gates, one block of `hidden` rows each.
#[derive(Clone, Debug)]
pub struct CellWeights {
    /// For the input: `[gates·hidden, inputs]`.
    pub input: Var,
    /// For the hidden state: `[gates·hidden, hidden]`.
    pub hidden: Var,
    /// Added to each of the two products: `[gates·hidden]`.
    pub bias: Option<[Var; 2]>,
}

impl CellWeights {
    /// The length of the hidden state.
    fn size(&self) -> usize {
        self.hidden.size(1)
    }

    fn bias(&self, i: usize) -> Option<&Var> {
        self.bias.as_ref().map(|bias| &bias[i])
    }

    /// Panics where shapes do not fit a cell of so many gates.
    #[track_caller]
    fn expect(&self, op: &str, gates: usize, inputs: usize) {
        let shape = |x: &Var| x.to_shape();
        assert!(
            self.hidden.rank() == 2 && self.hidden.size(0) == gates * self.size(),
            "{op}: the hidden weight needs shape [{gates}·hidden, hidden], got {}",
            shape(&self.hidden)
        );
        let rows = gates * self.size();
        assert!(
            self.input.shape() == [rows, inputs],
            "{op}: an input of width {inputs} needs an input weight [{rows}, {inputs}], got {}",
            shape(&self.input)
        );
        for bias in self.bias.iter().flatten() {
            assert!(bias.shape() == [rows], "{op}: a bias needs shape [{rows}], got {}", shape(bias));
        }
    }

    /// From variables in the order input, hidden, bias, bias.
    fn from_list(x: &[Var]) -> CellWeights {
        CellWeights {
            input: x[0].clone(),
            hidden: x[1].clone(),
            bias: (x.len() > 2).then(|| [x[2].clone(), x[3].clone()]),
        }
    }
}

/// The weights of a cell, as a list; four of them with biases, else two.
fn weights(d: &mut Draw, gates: usize, inputs: usize, hidden: usize, bias: bool) -> Vec<Tensor> {
    let rows = gates * hidden;
    let mut all = vec![d.tensor(&[rows, inputs], -1.0, 1.0), d.tensor(&[rows, hidden], -1.0, 1.0)];
    if bias {
        all.extend([d.tensor(&[rows], -1.0, 1.0), d.tensor(&[rows], -1.0, 1.0)]);
    }
    all
}
