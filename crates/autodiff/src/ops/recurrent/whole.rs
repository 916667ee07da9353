//! A recurrent cell over a whole sequence as one op.

use std::sync::{Mutex, PoisonError};

use chainrule_tensor::{DType, Recurrence, RecurrentPass, Tensor};

use super::CellWeights;
use super::sequence::step_by_step;
use crate::answers::Answers;
use crate::backward::vjp;
use crate::op::{ListOp, Saves};
use crate::var::Var;

/// The states after each step and, if there is one, the last memory, `[steps (+ 1), n, hidden]`, of input, state, weights and biases. Gates wait for the way
/// back, which makes all gradients at once.
struct Sequence {
    kind: Recurrence,
    /// Whether a way back may come, and whether it leads to the input.
    tracked: [bool; 2],
    /// The pass whose result is `states`.
    pass: Mutex<Option<RecurrentPass>>,
    answers: Answers,
}

impl Sequence {
    fn pass(&self, x: &[&Tensor]) -> RecurrentPass {
        let (start, weights) = x[1..].split_at(self.kind.states());
        let bias = (weights.len() > 2).then(|| [weights[2], weights[3]]);
        RecurrentPass::new(self.kind, x[0], start, [weights[0], weights[1]], bias)
    }

    fn gradients(&self, wants_input: bool, g: &Tensor, x: &[Var], y: &Tensor) -> Vec<Option<Tensor>> {
        let values: Vec<&Tensor> = x.iter().map(Var::value).collect();
        let kept = self.pass.lock().unwrap_or_else(PoisonError::into_inner);
        let again;
        let pass = match &*kept {
            Some(pass) if pass.states.shares_memory(y) => pass,
            _ => {
                again = self.pass(&values);
                &again
            }
        };
        let first = 1 + self.kind.states();
        let found = pass.backward([values[first], values[first + 1]], g, wants_input);
        let others = found.start.into_iter().chain(found.weights).chain(found.bias);
        let mut all: Vec<Option<Tensor>> =
            [wants_input.then_some(found.x)].into_iter().chain(others.map(Some)).collect();
        all.truncate(x.len());
        all
    }
}

/// The definition, which can be differentiated any number of times, and the oracle of the fast way.
fn composed(kind: Recurrence, x: &[Var]) -> Var {
    let (start, weights) = x[1..].split_at(kind.states());
    let (states, last) = step_by_step(kind, &x[0], start, &CellWeights::from_list(weights));
    match &last[1..] {
        [] => states,
        [memory, ..] => Var::cat(&[&states, &memory.unsqueeze(0)], 0),
    }
}

impl ListOp for Sequence {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn saves(&self) -> Saves {
        Saves::Both
    }

    fn forward(&self, x: &[&Tensor]) -> Tensor {
        let pass = self.pass(x);
        let states = pass.states.clone();
        if self.tracked[0] {
            *self.pass.lock().unwrap_or_else(PoisonError::into_inner) = Some(pass);
        }
        states
    }

    fn backward(&self, wrt: usize, g: &Var, x: &[Var], y: &Var) -> Var {
        if g.is_tracked() || x.iter().any(Var::is_tracked) {
            return vjp(&composed(self.kind, x), &[&x[wrt]], g).remove(0).expect("the states depend on all inputs");
        }
        let wants_input = wrt == 0 || self.tracked[1];
        let all = || self.gradients(wants_input, g.value(), x, y.value());
        Var::constant(self.answers.take(wrt, g.value(), all).expect("the states depend on all inputs"))
    }
}

/// The states `[steps, n, hidden]` and the last state, of an input `[steps, n, inputs]`.
#[track_caller]
pub(super) fn whole(kind: Recurrence, x: &Var, start: &[Var], weights: &CellWeights) -> (Var, Vec<Var>) {
    let mut all = vec![x];
    all.extend(start);
    all.extend([&weights.input, &weights.hidden]);
    all.extend(weights.bias.iter().flatten());
    let tracked = [all.iter().any(|x| x.is_tracked()), x.is_tracked()];
    let sequence = Sequence { kind, tracked, pass: Mutex::default(), answers: Answers::default() };
    let states = sequence.apply(&all);
    let steps = x.size(0);
    let last = (0..kind.states()).map(|i| states.select(0, (steps - 1 + i) as isize)).collect();
    (states.narrow(0, 0, steps), last)
}

/// Whether there is something to compute, all in one type with arithmetic of its own.
pub(super) fn takes(x: &Var, start: &[Var], weights: &CellWeights) -> bool {
    let mut others = start.iter().chain([&weights.input, &weights.hidden]).chain(weights.bias.iter().flatten());
    matches!(x.dtype(), DType::F32 | DType::F64)
        && others.all(|other| other.dtype() == x.dtype())
        && x.len() > 0
        && weights.hidden.len() > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::recurrent::Stack;
    use crate::ops::recurrent::sequence::run;
    use chainrule_tensor::Rng;

    const KINDS: [Recurrence; 4] = [Recurrence::Tanh, Recurrence::Relu, Recurrence::Gru, Recurrence::Lstm];

    fn drawn(rng: &mut Rng, dtype: DType, shapes: &[Vec<usize>]) -> Vec<Var> {
        shapes.iter().map(|shape| Var::leaf(Tensor::randn(rng, shape, dtype) * 0.5)).collect()
    }

    /// Values, and gradients in all leaves.
    fn agree(kind: Recurrence, leaves: &[Var], [fast, slow]: [Var; 2], rng: &mut Rng) {
        let tolerance = if fast.dtype() == DType::F64 { 1e-12 } else { 2e-5 };
        assert_eq!(fast.shape(), slow.shape());
        assert!(fast.value().allclose(slow.value(), tolerance, tolerance), "{kind:?}: values");
        let g = Tensor::randn(rng, fast.shape(), fast.dtype());
        let [fast, slow] = [fast, slow].map(|y| y.backward_from(&g));
        for (i, x) in leaves.iter().enumerate() {
            assert!(fast[x].allclose(&slow[x], 10.0 * tolerance, 10.0 * tolerance), "{kind:?}: gradient {i}");
        }
    }

    #[test]
    fn the_whole_agrees_with_steps() {
        let mut rng = Rng::seed(3);
        for (kind, dtype) in KINDS.into_iter().flat_map(|kind| [DType::F64, DType::F32].map(|dtype| (kind, dtype))) {
            for (steps, n, inputs, hidden, bias) in
                [(1, 1, 1, 1, true), (1, 3, 2, 4, true), (5, 3, 4, 7, false), (9, 1, 5, 6, true), (6, 37, 3, 16, true)]
            {
                let rows = kind.gates() * hidden;
                let mut shapes = vec![vec![n, steps, inputs]];
                shapes.resize(1 + kind.states(), vec![n, hidden]);
                shapes.extend([vec![rows, inputs], vec![rows, hidden]]);
                shapes.resize(shapes.len() + if bias { 2 } else { 0 }, vec![rows]);
                let leaves = drawn(&mut rng, dtype, &shapes);
                let all: Vec<Var> = [leaves[0].transpose(0, 1)].iter().chain(&leaves[1..]).cloned().collect();
                let (start, weights) = all[1..].split_at(kind.states());
                let (states, last) = whole(kind, &all[0], start, &CellWeights::from_list(weights));
                let fast = match &last[1..] {
                    [] => states,
                    [memory, ..] => Var::cat(&[&states, &memory.unsqueeze(0)], 0),
                };
                agree(kind, &leaves, [fast, composed(kind, &all)], &mut rng);
            }
        }
    }

    /// Two layers in both directions, put together by hand from steps.
    #[test]
    fn stacks_agree_with_steps() {
        let (steps, n, inputs, hidden) = (4, 18, 3, 5);
        let mut rng = Rng::seed(4);
        for (kind, dtype) in KINDS.into_iter().flat_map(|kind| [DType::F64, DType::F32].map(|dtype| (kind, dtype))) {
            let rows = kind.gates() * hidden;
            let mut shapes = vec![vec![steps, n, inputs]];
            shapes.resize(1 + kind.states(), vec![4, n, hidden]);
            for width in [inputs, inputs, 2 * hidden, 2 * hidden] {
                shapes.extend([vec![rows, width], vec![rows, hidden], vec![rows], vec![rows]]);
            }
            let leaves = drawn(&mut rng, dtype, &shapes);
            let (states, weights) = leaves[1..].split_at(kind.states());
            let cells: Vec<CellWeights> = weights.chunks(4).map(CellWeights::from_list).collect();

            let stack = Stack { bidirectional: true, ..Default::default() };
            let (y, last) = run(kind, &leaves[0], &states.iter().collect::<Vec<_>>(), &cells, stack);
            let fast = Var::cat(&[&y.reshape([y.len()]), &last[0].reshape([last[0].len()])], 0);

            let (mut x, mut ends) = (leaves[0].clone(), Vec::new());
            for layer in [0, 2] {
                let start = |cell: usize| states.iter().map(|s| s.select(0, cell as isize)).collect::<Vec<Var>>();
                let (there, end) = step_by_step(kind, &x, &start(layer), &cells[layer]);
                let (back, begin) = step_by_step(kind, &x.flip(&[0]), &start(layer + 1), &cells[layer + 1]);
                x = Var::cat(&[&there, &back.flip(&[0])], 2);
                ends.extend([end[0].clone(), begin[0].clone()]);
            }
            let ends = Var::stack(&ends.iter().collect::<Vec<_>>(), 0);
            let slow = Var::cat(&[&x.reshape([x.len()]), &ends.reshape([ends.len()])], 0);
            agree(kind, &leaves, [fast, slow], &mut rng);
        }
    }
}
