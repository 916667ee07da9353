//! A long short-term memory over a whole sequence as one op.

use std::sync::{Mutex, PoisonError};

use chainrule_tensor::{DType, LstmPass, Tensor};

use super::CellWeights;
use super::cell::Kind;
use super::sequence::step_by_step;
use crate::answers::Answers;
use crate::backward::vjp;
use crate::op::{ListOp, Saves};
use crate::var::Var;

/// The states after each step and the last memory, `[steps + 1, n, hidden]`, of input, h, c, weights and biases. Gates wait for the way back, which
/// makes all gradients at once.
struct Sequence {
    /// Whether a way back may come, and whether it leads to the input.
    tracked: [bool; 2],
    /// The pass whose result is `states`.
    pass: Mutex<Option<LstmPass>>,
    answers: Answers,
}

impl Sequence {
    fn pass(x: &[&Tensor]) -> LstmPass {
        let bias = (x.len() > 5).then(|| x[5] + x[6]);
        LstmPass::new(x[0], [x[1], x[2]], [x[3], x[4]], bias.as_ref())
    }

    fn gradients(&self, wants_input: bool, g: &Tensor, x: &[Var], y: &Tensor) -> Vec<Option<Tensor>> {
        let values: Vec<&Tensor> = x.iter().map(Var::value).collect();
        let kept = self.pass.lock().unwrap_or_else(PoisonError::into_inner);
        let again;
        let pass = match &*kept {
            Some(pass) if pass.states.shares_memory(y) => pass,
            _ => {
                again = Sequence::pass(&values);
                &again
            }
        };
        let found = pass.backward([values[3], values[4]], g, wants_input);
        let ([h, c], [input, hidden]) = (found.start, found.weights);
        let mut all = vec![wants_input.then_some(found.x), Some(h), Some(c), Some(input), Some(hidden)];
        all.resize(x.len(), Some(found.bias));
        all
    }
}

/// The definition, which can be differentiated any number of times, and the oracle of the fast way.
fn composed(x: &[Var]) -> Var {
    let (states, last) = step_by_step(Kind::Lstm, &x[0], &x[1..3], &CellWeights::from_list(&x[3..]));
    Var::cat(&[&states, &last[1].unsqueeze(0)], 0)
}

impl ListOp for Sequence {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn saves(&self) -> Saves {
        Saves::Both
    }

    fn forward(&self, x: &[&Tensor]) -> Tensor {
        let pass = Sequence::pass(x);
        let states = pass.states.clone();
        if self.tracked[0] {
            *self.pass.lock().unwrap_or_else(PoisonError::into_inner) = Some(pass);
        }
        states
    }

    fn backward(&self, wrt: usize, g: &Var, x: &[Var], y: &Var) -> Var {
        if g.is_tracked() || x.iter().any(Var::is_tracked) {
            return vjp(&composed(x), &[&x[wrt]], g).remove(0).expect("the states depend on all inputs");
        }
        let wants_input = wrt == 0 || self.tracked[1];
        let all = || self.gradients(wants_input, g.value(), x, y.value());
        Var::constant(self.answers.take(wrt, g.value(), all).expect("the states depend on all inputs"))
    }
}

/// The states `[steps, n, hidden]` and the last h and c, of an input `[steps, n, inputs]`.
#[track_caller]
pub(super) fn whole(x: &Var, start: &[Var], weights: &CellWeights) -> (Var, Vec<Var>) {
    let mut all = vec![x, &start[0], &start[1], &weights.input, &weights.hidden];
    all.extend(weights.bias.iter().flatten());
    let tracked = [all.iter().any(|x| x.is_tracked()), x.is_tracked()];
    let sequence = Sequence { tracked, pass: Mutex::default(), answers: Answers::default() };
    let states = sequence.apply(&all);
    let steps = x.size(0);
    let last = vec![states.select(0, steps as isize - 1), states.select(0, steps as isize)];
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
    use chainrule_tensor::Rng;

    #[test]
    fn the_whole_agrees_with_steps() {
        let mut rng = Rng::seed(3);
        for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 2e-5)] {
            for (steps, n, inputs, hidden, bias) in [(1, 1, 1, 1, true), (5, 3, 4, 7, false), (6, 37, 3, 16, true)] {
                let rows = 4 * hidden;
                let mut shapes = vec![
                    vec![n, steps, inputs],
                    vec![n, hidden],
                    vec![n, hidden],
                    vec![rows, inputs],
                    vec![rows, hidden],
                ];
                shapes.resize(if bias { 7 } else { 5 }, vec![rows]);
                let leaves: Vec<Var> =
                    shapes.iter().map(|s| Var::leaf(Tensor::randn(&mut rng, s, dtype) * 0.5)).collect();
                let inputs: Vec<Var> = [leaves[0].transpose(0, 1)].iter().chain(&leaves[1..]).cloned().collect();
                let (states, last) = whole(&inputs[0], &inputs[1..3], &CellWeights::from_list(&inputs[3..]));
                let fast = Var::cat(&[&states, &last[1].unsqueeze(0)], 0);
                let slow = composed(&inputs);
                assert!(fast.value().allclose(slow.value(), tolerance, tolerance));
                let g = Tensor::randn(&mut rng, fast.shape(), dtype);
                let [fast, slow] = [fast, slow].map(|y| y.backward_from(&g));
                for x in &leaves {
                    assert!(fast[x].allclose(&slow[x], 10.0 * tolerance, 10.0 * tolerance));
                }
            }
        }
    }
}
