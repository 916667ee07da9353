//! Recurrent networks over whole sequences: layers on top of each other, in one direction or both.

use chainrule_tensor::{Recurrence, Rng, Tensor};

use super::cell::step;
use super::whole::{takes, whole};
use super::{CellWeights, weights};
use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

/// How cells are put together to layers.
///
/// ```
/// use chainrule_autodiff::ops::recurrent::Stack;
/// let stack = Stack { bidirectional: true, ..Default::default() };
/// assert!(!stack.batch_first && stack.dropout.is_none());
/// ```
#[derive(Debug, Default)]
pub struct Stack<'a> {
    /// Whether each layer also has a cell that goes from the end to the beginning.
    pub bidirectional: bool,
    /// Whether the axis of the samples stands before that of time, in input and output.
    pub batch_first: bool,
    /// What becomes of the output of each layer but the last: [`Var::dropout`].
    pub dropout: Option<(f64, &'a mut Rng)>,
}

impl Var {
    /// Elman's network over a sequence, in layers: output and last state. The weights are one per cell, layer by layer, and within a layer forward
    /// before backward. Without a state, it starts with zeros.
    ///
    /// Shapes: `[steps, n, inputs]` and a state `[cells, n, hidden]` → `[steps, n, directions·hidden]` and `[cells, n, hidden]`, or all without n. See
    /// [`rnn_tanh_cell`](Var::rnn_tanh_cell).
    ///
    /// # Panics
    /// When shapes or types do not fit, or there are no weights.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::recurrent::{CellWeights, Stack}, Var};
    /// # use chainrule_tensor::{tensor, DType, Tensor};
    /// let [input, hidden] = [1.0, 0.5].map(|w| Var::leaf(tensor![[w]]));
    /// let weights = CellWeights { input, hidden, bias: None };
    /// let x = Var::constant(Tensor::ones([7, 3, 1], DType::F32));
    /// let (y, h) = x.rnn_tanh(None, &[weights], Stack::default());
    /// assert_eq!((y.shape(), h.shape()), (&[7, 3, 1][..], &[1, 3, 1][..]));
    /// ```
    #[track_caller]
    pub fn rnn_tanh(&self, state: Option<&Var>, weights: &[CellWeights], stack: Stack) -> (Var, Var) {
        let (y, mut last) = run(Recurrence::Tanh, self, state.as_slice(), weights, stack);
        (y, last.remove(0))
    }

    /// A network with rectifiers over a sequence; see [`rnn_relu_cell`](Var::rnn_relu_cell), and [`rnn_tanh`](Var::rnn_tanh) for shapes.
    ///
    /// # Panics
    /// As `rnn_tanh`.
    #[track_caller]
    pub fn rnn_relu(&self, state: Option<&Var>, weights: &[CellWeights], stack: Stack) -> (Var, Var) {
        let (y, mut last) = run(Recurrence::Relu, self, state.as_slice(), weights, stack);
        (y, last.remove(0))
    }

    /// A gated recurrent unit over a sequence; see [`gru_cell`](Var::gru_cell), and [`rnn_tanh`](Var::rnn_tanh) for shapes.
    ///
    /// # Panics
    /// As `rnn_tanh`.
    #[track_caller]
    pub fn gru(&self, state: Option<&Var>, weights: &[CellWeights], stack: Stack) -> (Var, Var) {
        let (y, mut last) = run(Recurrence::Gru, self, state.as_slice(), weights, stack);
        (y, last.remove(0))
    }

    /// A long short-term memory over a sequence: output, and last h and c. See [`lstm_cell`](Var::lstm_cell), and [`rnn_tanh`](Var::rnn_tanh) for shapes;
    /// the state is h and c.
    ///
    /// # Panics
    /// As `rnn_tanh`.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::recurrent::{CellWeights, Stack}, Var};
    /// # use chainrule_tensor::{DType, Rng, Tensor};
    /// let mut rng = Rng::seed(0);
    /// let mut random = |shape: &[usize]| Var::leaf(Tensor::randn(&mut rng, shape, DType::F32));
    /// let mut cell = |inputs| CellWeights { input: random(&[8, inputs]), hidden: random(&[8, 2]), bias: None };
    /// let two_layers = [cell(3), cell(2)];
    /// let (y, [h, c]) = Var::constant(Tensor::ones([7, 3], DType::F32)).lstm(None, &two_layers, Stack::default());
    /// assert_eq!((y.shape(), h.shape(), c.shape()), (&[7, 2][..], &[2, 2][..], &[2, 2][..]));
    /// ```
    #[track_caller]
    pub fn lstm(&self, state: Option<[&Var; 2]>, weights: &[CellWeights], stack: Stack) -> (Var, [Var; 2]) {
        let state = state.as_ref().map_or(&[][..], |state| &state[..]);
        let (y, last) = run(Recurrence::Lstm, self, state, weights, stack);
        (y, last.try_into().expect("a cell of this kind has two states"))
    }

    /// The parts of an axis, one by one. Halves of halves, so that gradients are put together in n·log n instead of n² steps.
    fn parts(&self, axis: isize) -> Vec<Var> {
        match self.size(axis) {
            0 => vec![],
            1 => vec![self.squeeze(&[axis])],
            n => {
                let mut parts = self.narrow(axis, 0, n / 2).parts(axis);
                parts.extend(self.narrow(axis, n / 2, n - n / 2).parts(axis));
                parts
            }
        }
    }
}

#[track_caller]
pub(super) fn run(
    kind: Recurrence,
    x: &Var,
    state: &[&Var],
    weights: &[CellWeights],
    mut stack: Stack,
) -> (Var, Vec<Var>) {
    let op = kind.name();
    assert!(
        matches!(x.rank(), 2 | 3),
        "{op}: the input has shape [steps, n, inputs] or [steps, inputs], got {}",
        x.to_shape()
    );
    let (single, directions) = (x.rank() == 2, if stack.bidirectional { 2 } else { 1 });
    assert!(
        !weights.is_empty() && weights.len().is_multiple_of(directions),
        "{op}: layers of {directions} cells each need as many weights, got {}",
        weights.len()
    );
    let time = isize::from(stack.batch_first); // its axis
    let mut x = if single { x.unsqueeze(1) } else { x.transpose(0, time) }; // [steps, n, inputs]
    assert!(x.size(0) > 0, "{op}: the sequence has no steps");
    let starts = starts(kind, state, weights, &x, single);
    let mut last: Vec<Vec<Var>> = Vec::new();
    for (layer, cells) in weights.chunks(directions).enumerate() {
        if let (Some((p, rng)), true) = (&mut stack.dropout, layer > 0) {
            x = x.dropout(*p, rng);
        }
        let mut outputs = Vec::new();
        for (direction, cell) in cells.iter().enumerate() {
            cell.expect(op, kind.gates(), x.size(2));
            let forward = if direction == 0 { x.clone() } else { x.flip(&[0]) };
            let start = &starts[last.len()];
            let (states, state) = match takes(&x, start, cell) {
                true => whole(kind, &forward, start, cell),
                false => step_by_step(kind, &forward, start, cell),
            };
            outputs.push(if direction == 0 { states } else { states.flip(&[0]) });
            last.push(state);
        }
        x = match &outputs[..] {
            [forward] => forward.clone(),
            _ => Var::cat(&outputs.iter().collect::<Vec<_>>(), 2),
        };
    }
    let states = (0..last[0].len()).map(|i| {
        let of_cells: Vec<&Var> = last.iter().map(|state| &state[i]).collect();
        let states = Var::stack(&of_cells, 0);
        if single { states.squeeze(&[1]) } else { states }
    });
    let states = states.collect();
    let y = if single { x.squeeze(&[1]) } else { x.transpose(0, time) };
    (y, states)
}

/// The states `[steps, n, hidden]` and the last state of a cell that goes through an input `[steps, n, inputs]`.
#[track_caller]
pub(super) fn step_by_step(kind: Recurrence, x: &Var, start: &[Var], cell: &CellWeights) -> (Var, Vec<Var>) {
    let (mut steps, mut state) = (x.linear(&cell.input, cell.bias(0)).parts(0), start.to_vec());
    for at in &mut steps {
        state = step(kind, at, &state, cell);
        *at = state[0].clone();
    }
    (Var::stack(&steps.iter().collect::<Vec<_>>(), 0), state)
}

/// What each cell starts with.
#[track_caller]
fn starts(kind: Recurrence, state: &[&Var], weights: &[CellWeights], x: &Var, single: bool) -> Vec<Vec<Var>> {
    let op = kind.name();
    let (cells, n, hidden) = (weights.len(), x.size(1), weights[0].size());
    if state.is_empty() {
        let zeros = Var::constant(Tensor::zeros([n, hidden], x.dtype()));
        return vec![vec![zeros; kind.states()]; cells];
    }
    let wanted = if single { vec![cells, hidden] } else { vec![cells, n, hidden] };
    for state in state {
        assert!(
            state.shape() == wanted,
            "{op}: {cells} cells and {n} samples need a state of shape {wanted:?}, got {}",
            state.to_shape()
        );
    }
    let start = |cell: usize| state.iter().map(|state| state.select(0, cell as isize).reshape([n, hidden])).collect();
    (0..cells).map(start).collect()
}

/// A short sequence through up to two layers, in one direction or both.
fn drawn(d: &mut Draw, kind: Recurrence) -> Sample {
    let op = kind.name();
    let (layers, bidirectional, batch_first) = (d.range(1, 2), d.flag(), d.flag());
    let (steps, n, inputs, hidden) = (d.range(1, 3), d.range(1, 2), d.range(1, 2), d.range(1, 2));
    let (bias, single) = (d.flag(), d.flag());
    let directions = if bidirectional { 2 } else { 1 };
    let (cells, states) = (layers * directions, kind.states());
    let shape = match (single, batch_first) {
        (true, _) => vec![steps, inputs],
        (_, true) => vec![n, steps, inputs],
        _ => vec![steps, n, inputs],
    };
    let of_state = if single { vec![cells, hidden] } else { vec![cells, n, hidden] };
    let mut x = vec![d.tensor(&shape, -1.0, 1.0)];
    x.extend((0..states).map(|_| d.tensor(&of_state, -1.0, 1.0)));
    for cell in 0..cells {
        let width = if cell < directions { inputs } else { directions * hidden };
        x.extend(weights(d, kind.gates(), width, hidden, bias));
    }
    let source = format!(
        "x[0].{op}(x[1..{}], x[{}..] of {cells} cells, Stack {{ bidirectional: {bidirectional}, batch_first: {batch_first} }})",
        1 + states,
        1 + states
    );
    Sample::new(x, source, move |x| {
        let cells: Vec<CellWeights> =
            x[1 + states..].chunks(if bias { 4 } else { 2 }).map(CellWeights::from_list).collect();
        let state: Vec<&Var> = x[1..1 + states].iter().collect();
        let stack = Stack { bidirectional, batch_first, dropout: None };
        let (y, last) = run(kind, &x[0], &state, &cells, stack);
        let flat: Vec<Var> = [&y].into_iter().chain(&last).map(|y| y.reshape([y.len()])).collect();
        Var::cat(&flat.iter().collect::<Vec<_>>(), 0)
    })
}

/// As `drawn`, with everything above 0, where a rectifier has no corner.
fn above_zero(d: &mut Draw) -> Sample {
    let mut sample = drawn(d, Recurrence::Relu);
    sample.inputs.iter_mut().for_each(|x: &mut Tensor| *x = &*x * 0.3 + 0.4);
    sample
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "rnn_tanh", "rnn_tanh", "rnn_tanh_cell, step by step", "of its parts", |d| {
        drawn(d, Recurrence::Tanh)
    }),
    Declaration::new(
        Family::Composite,
        "rnn_relu",
        "rnn_relu",
        "rnn_relu_cell, step by step",
        "of its parts",
        above_zero,
    ),
    Declaration::new(Family::Composite, "lstm", "lstm", "lstm_cell, step by step", "of its parts", |d| {
        drawn(d, Recurrence::Lstm)
    }),
    Declaration::new(Family::Composite, "gru", "gru", "gru_cell, step by step", "of its parts", |d| {
        drawn(d, Recurrence::Gru)
    }),
];
