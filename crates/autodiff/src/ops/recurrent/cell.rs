//! One step of a recurrent network.

use chainrule_tensor::{Recurrence, Tensor};

use super::{CellWeights, weights};
use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

/// The name of one step.
fn name(kind: Recurrence) -> &'static str {
    match kind {
        Recurrence::Tanh => "rnn_tanh_cell",
        Recurrence::Relu => "rnn_relu_cell",
        Recurrence::Lstm => "lstm_cell",
        Recurrence::Gru => "gru_cell",
    }
}

/// The next state, from what the input contributes, `[n, gates·hidden]`, and the state. A state is a list of one variable `[n, hidden]`, or two.
#[track_caller]
pub(super) fn step(kind: Recurrence, from_input: &Var, state: &[Var], weights: &CellWeights) -> Vec<Var> {
    let (h, size) = (&state[0], weights.size());
    let from_state = h.linear(&weights.hidden, weights.bias(1));
    let block = |x: &Var, i: usize| x.narrow(-1, i * size, size);
    match kind {
        Recurrence::Tanh => vec![(from_input + from_state).tanh()],
        Recurrence::Relu => vec![(from_input + from_state).relu()],
        Recurrence::Lstm => {
            let all = from_input + from_state;
            let [enter, forget, leave] = [0, 1, 3].map(|i| block(&all, i).sigmoid());
            let c = forget * &state[1] + enter * block(&all, 2).tanh();
            vec![leave * c.tanh(), c]
        }
        Recurrence::Gru => {
            let [reset, keep] = [0, 1].map(|i| (block(from_input, i) + block(&from_state, i)).sigmoid());
            let new = (block(from_input, 2) + reset * block(&from_state, 2)).tanh();
            vec![&new + keep * (h - &new)]
        }
    }
}

#[track_caller]
fn apply(kind: Recurrence, x: &Var, state: &[&Var], weights: &CellWeights) -> Vec<Var> {
    let op = name(kind);
    assert!(matches!(x.rank(), 1 | 2), "{op}: the input has shape [n, inputs] or [inputs], got {}", x.to_shape());
    weights.expect(op, kind.gates(), x.size(-1));
    let mut wanted = x.to_shape();
    wanted[x.rank() - 1] = weights.size();
    for state in state {
        assert!(
            state.to_shape() == wanted,
            "{op}: an input {} needs a state {wanted}, got {}",
            x.to_shape(),
            state.to_shape()
        );
    }
    let state: Vec<Var> = state.iter().map(|&state| state.clone()).collect();
    step(kind, &x.linear(&weights.input, weights.bias(0)), &state, weights)
}

impl Var {
    /// One step of Elman's network: tanh(Wx + b + Vh + c).
    ///
    /// Shapes: `[n, inputs]` and h `[n, hidden]` → `[n, hidden]`, or all without n; see [`CellWeights`], with one gate.
    ///
    /// Source: Elman, Finding structure in time, 1990.
    ///
    /// # Panics
    /// When shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::recurrent::CellWeights, Var};
    /// # use chainrule_tensor::tensor;
    /// let [input, hidden] = [1.0, 0.5].map(|w| Var::leaf(tensor![[w]]));
    /// let weights = CellWeights { input, hidden, bias: None };
    /// let (x, h) = (Var::constant(tensor![[2.]]), Var::constant(tensor![[-4.]]));
    /// assert_eq!(x.rnn_tanh_cell(&h, &weights).item(), 0.0);
    /// ```
    #[track_caller]
    pub fn rnn_tanh_cell(&self, h: &Var, weights: &CellWeights) -> Var {
        apply(Recurrence::Tanh, self, &[h], weights).remove(0)
    }

    /// One step of a network with rectifiers: max(Wx + b + Vh + c, 0). As [`rnn_tanh_cell`](Var::rnn_tanh_cell) otherwise.
    ///
    /// # Panics
    /// When shapes or types do not fit.
    #[track_caller]
    pub fn rnn_relu_cell(&self, h: &Var, weights: &CellWeights) -> Var {
        apply(Recurrence::Relu, self, &[h], weights).remove(0)
    }

    /// One step of a network with a long short-term memory c: c' = f·c + i·g and h' = o·tanh c', where the gates i, f, o are the logistic function,
    /// and g is the tanh, of Wx + b + Vh + c. Blocks of rows stand in the order i, f, g, o.
    ///
    /// Shapes: `[n, inputs]`, h and c `[n, hidden]` → h' and c' `[n, hidden]`, or all without n; see [`CellWeights`], with four gates.
    ///
    /// Source: Hochreiter and Schmidhuber, Long short-term memory, 1997; Gers, Schmidhuber and Cummins, Learning to forget, 2000.
    ///
    /// # Panics
    /// When shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::recurrent::CellWeights, Var};
    /// # use chainrule_tensor::{DType, Tensor};
    /// let zeros = |shape: &[usize]| Var::constant(Tensor::zeros(shape, DType::F32));
    /// let weights = CellWeights { input: zeros(&[8, 3]), hidden: zeros(&[8, 2]), bias: None };
    /// let [h, c] = zeros(&[5, 3]).lstm_cell([&zeros(&[5, 2]), &(zeros(&[5, 2]) + 1.0)], &weights);
    /// assert!(c.value().to_vec::<f32>().iter().all(|&c| c == 0.5)); // half forgotten
    /// # assert_eq!(h.shape(), [5, 2]);
    /// ```
    #[track_caller]
    pub fn lstm_cell(&self, [h, c]: [&Var; 2], weights: &CellWeights) -> [Var; 2] {
        apply(Recurrence::Lstm, self, &[h, c], weights).try_into().expect("a cell of this kind has two states")
    }

    /// One step of a gated recurrent unit: h' = (1 − z)·n + z·h, where z is the logistic function of its block of Wx + b + Vh + c, r likewise,
    /// and n = tanh(Wx + b + r·(Vh + c)). Blocks of rows stand in the order r, z, n.
    ///
    /// Shapes: `[n, inputs]` and h `[n, hidden]` → `[n, hidden]`, or all without n; see [`CellWeights`], with three gates.
    ///
    /// Source: Cho et al., Learning phrase representations using RNN encoder-decoder, 2014.
    ///
    /// # Panics
    /// When shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::recurrent::CellWeights, Var};
    /// # use chainrule_tensor::{DType, Tensor};
    /// let zeros = |shape: &[usize]| Var::constant(Tensor::zeros(shape, DType::F32));
    /// let weights = CellWeights { input: zeros(&[6, 3]), hidden: zeros(&[6, 2]), bias: None };
    /// let h = zeros(&[3]).gru_cell(&(zeros(&[2]) + 1.0), &weights);
    /// assert_eq!(h.value().to_vec::<f32>(), [0.5, 0.5]); // half forgotten
    /// ```
    #[track_caller]
    pub fn gru_cell(&self, h: &Var, weights: &CellWeights) -> Var {
        apply(Recurrence::Gru, self, &[h], weights).remove(0)
    }
}

/// Input and states of a small batch, or of a single sample, and weights.
fn drawn(d: &mut Draw, kind: Recurrence) -> Sample {
    let batch = if d.flag() { vec![] } else { vec![d.positive_size()] };
    let (inputs, hidden, bias) = (d.range(1, 3), d.range(1, 2), d.flag());
    let shape = |width: usize| [&batch[..], &[width]].concat();
    let states = kind.states();
    let mut x = vec![d.tensor(&shape(inputs), -1.0, 1.0)];
    x.extend((0..states).map(|_| d.tensor(&shape(hidden), -1.0, 1.0)));
    x.extend(weights(d, kind.gates(), inputs, hidden, bias));
    let state = if states == 2 { "[&x[1], &x[2]]" } else { "&x[1]" };
    let source = format!("x[0].{}({state}, &CellWeights {{ x[{}..] }})", name(kind), 1 + states);
    Sample::new(x, source, move |x| {
        let weights = CellWeights::from_list(&x[1 + states..]);
        let state: Vec<&Var> = x[1..1 + states].iter().collect();
        let next = apply(kind, &x[0], &state, &weights);
        Var::cat(&next.iter().collect::<Vec<_>>(), -1)
    })
}

/// As `drawn`, with everything above 0, where a rectifier has no corner.
fn above_zero(d: &mut Draw) -> Sample {
    let mut sample = drawn(d, Recurrence::Relu);
    sample.inputs.iter_mut().for_each(|x: &mut Tensor| *x = &*x * 0.4 + 0.5);
    sample
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "rnn_tanh_cell",
        "rnn_tanh_cell",
        "tanh(Wx + b + Vh + c)",
        "of its parts",
        |d| drawn(d, Recurrence::Tanh),
    ),
    Declaration::new(
        Family::Composite,
        "rnn_relu_cell",
        "rnn_relu_cell",
        "max(Wx + b + Vh + c, 0)",
        "of its parts",
        above_zero,
    ),
    Declaration::new(
        Family::Composite,
        "lstm_cell",
        "lstm_cell",
        "c' = f·c + i·g, h' = o·tanh c'",
        "of its parts",
        |d| drawn(d, Recurrence::Lstm),
    ),
    Declaration::new(Family::Composite, "gru_cell", "gru_cell", "(1 - z)·n + z·h", "of its parts", |d| {
        drawn(d, Recurrence::Gru)
    }),
];
