//! Recurrent networks over a whole sequence, and back through time.
//!
//! Samples go through all steps in runs of a few, which threads share: no step waits for another thread, and the weights stay in the second-level
//! cache. What the input contributes to the gates is one product over all steps; the state's part is one product per step. Gradients of input and weights are
//! products over all steps again.
//!
//! A sample's gates lie side by side. Where a cell needs what input and state contribute to a gate apart, it has a block for each: the input's product is
//! added to the first blocks of the row, the state's to the last ones, and those between get both.

mod elman;
mod gru;
mod lstm;
mod step;

use self::step::{Backward, Forward};
use super::gemm::{Strided, gemm, gemm_within};
use super::lane::Real;
use super::parallel::chunks_mut;
use crate::dtype::Number;
use crate::recurrent::Recurrence;
use crate::tensor::Tensor;

/// Samples of a run at most.
const RUN: usize = 16;
/// Elements between rows of weights, gates, and their gradients beyond their length, so that rows do not lie a power of two apart, where they would push
/// each other out of cache.
const APART: usize = 16;

/// What a run of samples leaves for the way back.
pub(crate) struct Run {
    /// The first sample, and how many.
    samples: (usize, usize),
    /// `[steps, samples, inputs]`
    x: Tensor,
    /// The state before each step, and the last: `[steps + 1, samples, hidden]`.
    h: Tensor,
    /// The gates of each step: `[steps, samples, blocks·hidden + APART]`.
    gates: Tensor,
    /// The memory before each step, and the last: `[steps + 1, samples, hidden]`; empty for cells without.
    cells: Tensor,
    /// tanh of the memory after each step: `[steps, samples, hidden]`; empty for cells without.
    squashed: Tensor,
}

/// The kind of cell and all lengths.
#[derive(Clone, Copy)]
pub(crate) struct Network {
    pub(crate) cell: Recurrence,
    pub(crate) steps: usize,
    pub(crate) n: usize,
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
}

impl Network {
    /// Rows of the weights.
    fn rows(self) -> usize {
        self.cell.gates() * self.hidden
    }

    /// How far apart the gates of samples begin.
    fn wide(self) -> usize {
        self.cell.blocks() * self.hidden + APART
    }

    /// Where the state's part of a sample's gates begins.
    fn of_state(self) -> usize {
        (self.cell.blocks() - self.cell.gates()) * self.hidden
    }

    /// The length of a sample's memory.
    fn memory(self) -> usize {
        self.cell.memories() * self.hidden
    }

    /// Runs of nearly equal length.
    fn runs(self) -> Vec<(usize, usize)> {
        let count = self.n.div_ceil(RUN);
        let first = |i: usize| i * self.n / count;
        (0..count).map(|i| (first(i), first(i + 1) - first(i))).collect()
    }

    /// Weights or bias of the input, rows in the order of the gates that its product is added to: those to which the state adds nothing come first.
    fn in_order(self, x: &Tensor) -> Tensor {
        rotated(x, self.rows() - self.of_state())
    }

    /// The inverse of `in_order`.
    fn as_given(self, x: &Tensor) -> Tensor {
        rotated(x, self.of_state())
    }

    /// What gates are before anything is added.
    fn bias<T: Number>(self, bias: Option<[&Tensor; 2]>) -> Vec<T> {
        let mut sums = vec![T::ZERO; self.wide()];
        if let Some([input, state]) = bias {
            let (input, state) = (self.in_order(input).contiguous(), state.contiguous());
            sums[..self.rows()].copy_from_slice(dense(&input));
            sums[self.of_state()..].iter_mut().zip(dense::<T>(&state)).for_each(|(sum, &b)| *sum = sum.plus(b));
        }
        sums
    }
}

/// Rows from `first` on, and then those before.
fn rotated(x: &Tensor, first: usize) -> Tensor {
    let rows = x.size(0);
    if first.is_multiple_of(rows) {
        return x.contiguous();
    }
    Tensor::cat(&[&x.narrow(0, first, rows - first), &x.narrow(0, 0, first)], 0)
}

/// A copy whose rows are `APART` further apart than they are long.
fn spaced<T: Number>(x: &Tensor) -> Tensor {
    let (rows, width) = (x.size(0), x.size(1));
    let x = x.contiguous();
    Tensor::build::<T>([rows, width + APART], |out| {
        for (out, row) in out.chunks_mut(width + APART).zip(dense::<T>(&x).chunks(width)) {
            out[..width].copy_from_slice(row);
        }
    })
}

fn dense<T: Number>(x: &Tensor) -> &[T] {
    x.as_slice().expect("made dense")
}

/// The states after each step and, where a cell has one, the last memory, `[steps (+ 1), n, hidden]`, and what the way back needs. The input `[steps, n, inputs]`
/// may lie in memory in any way; `start` is h and the memory.
pub(crate) fn forward<T: Real>(
    network: Network,
    x: &Tensor,
    start: &[&Tensor],
    weights: [&Tensor; 2],
    bias: Option<[&Tensor; 2]>,
) -> (Tensor, Vec<Run>) {
    let Network { cell, steps, inputs, hidden, .. } = network;
    let (rows, wide, memory) = (network.rows(), network.wide(), network.memory());
    let (for_input, for_state) = (network.in_order(weights[0]), spaced::<T>(&weights[1].t()));
    let for_input = Strided::dense(dense::<T>(&for_input), inputs).transposed();
    let for_state = Strided::dense(dense::<T>(&for_state), rows + APART);
    let bias = network.bias::<T>(bias);
    let samples = network.runs();
    let mut runs: Vec<Option<Run>> = samples.iter().map(|_| None).collect();
    chunks_mut(&mut runs, 1, |i, run| {
        let (first, m) = samples[i];
        let part = |x: &Tensor, axis: isize| x.narrow(axis, first, m).contiguous();
        let first_of = |x: &Tensor, count: usize| {
            let x = part(x, 0);
            Tensor::build::<T>([count, m, hidden], |all| all[..m * hidden].copy_from_slice(dense(&x)))
        };
        let x = part(x, 1);
        let mut h = first_of(start[0], steps + 1);
        let empty = || Tensor::zeros([0], T::DTYPE);
        let mut cells = start.get(1).map_or_else(empty, |c| first_of(c, steps + 1));
        let mut squashed = Tensor::build::<T>([steps, m, memory], |_| ());
        let gates = Tensor::build::<T>([steps, m, wide], |gates| {
            let (h, cells, squashed) = (h.make_mut::<T>(), cells.make_mut::<T>(), squashed.make_mut::<T>());
            gates.chunks_mut(wide).for_each(|gates| gates.copy_from_slice(&bias));
            let x = Strided::dense(dense::<T>(&x), inputs);
            gemm_within((steps * m, inputs, rows), x, for_input, T::ONE, (gates, wide));
            for (t, gates) in gates.chunks_mut(m * wide).enumerate() {
                let (h, h_new) = h[t * m * hidden..].split_at_mut(m * hidden);
                let of_state = (&mut gates[network.of_state()..], wide);
                gemm_within((m, hidden, rows), Strided::dense(h, hidden), for_state, T::ONE, of_state);
                let (c, c_new) = cells[t * m * memory..].split_at_mut(m * memory);
                let squashed = &mut squashed[t * m * memory..];
                Forward { hidden, gates, h, h_new, c, c_new, squashed }.run_as(cell);
            }
        });
        run[0] = Some(Run { samples: (first, m), x, h, gates, cells, squashed });
    });
    let runs: Vec<Run> = runs.into_iter().map(|run| run.expect("every run was made")).collect();
    let states = runs.iter().map(|run| {
        let h = run.h.narrow(0, 1, steps);
        if memory == 0 { h } else { Tensor::cat(&[&h, &run.cells.narrow(0, steps, 1)], 0) }
    });
    let states: Vec<Tensor> = states.collect();
    let states = Tensor::cat(&states.iter().collect::<Vec<_>>(), 1);
    (states, runs)
}

/// The gradients of a pass.
pub(crate) struct Gradients {
    /// Empty where it is not wanted.
    pub(crate) x: Tensor,
    /// Of h, and of the memory where a cell has one.
    pub(crate) start: Vec<Tensor>,
    pub(crate) weights: [Tensor; 2],
    pub(crate) bias: [Tensor; 2],
}

/// The gradients, given that of the result of `forward`.
pub(crate) fn backward<T: Real>(
    network: Network,
    runs: &[Run],
    weights: [&Tensor; 2],
    g: &Tensor,
    wants_input: bool,
) -> Gradients {
    let Network { cell, steps, inputs, hidden, .. } = network;
    let (rows, wide, memory, of_state) = (network.rows(), network.wide(), network.memory(), network.of_state());
    let (for_input, for_state) = (network.in_order(weights[0]), spaced::<T>(weights[1]));
    let for_input = Strided::dense(dense::<T>(&for_input), inputs);
    let for_state = Strided::dense(dense::<T>(&for_state), hidden + APART);
    let mut found: Vec<Option<[Tensor; 4]>> = runs.iter().map(|_| None).collect();
    chunks_mut(&mut found, 1, |i, found| {
        let run = &runs[i];
        let (first, m) = run.samples;
        let g = g.narrow(1, first, m).contiguous();
        let (g, of_last) = dense::<T>(&g).split_at(steps * m * hidden);
        let (h, gates) = (dense::<T>(&run.h), dense::<T>(&run.gates));
        let (cells, squashed) = (dense::<T>(&run.cells), dense::<T>(&run.squashed));
        let mut of_c = of_last.to_vec();
        let mut of_h = vec![T::ZERO; m * hidden];
        let of_gates = Tensor::build::<T>([steps, m, wide], |of_gates| {
            for (t, of_gates) in of_gates.chunks_mut(m * wide).enumerate().rev() {
                let now = |width: usize| t * m * width..(t + 1) * m * width;
                Backward {
                    hidden,
                    g: &g[now(hidden)],
                    gates: &gates[now(wide)],
                    h: &h[now(hidden)],
                    h_new: &h[(t + 1) * m * hidden..],
                    c: &cells[now(memory)],
                    squashed: &squashed[now(memory)],
                    of_h: &mut of_h,
                    of_c: &mut of_c,
                    of_gates,
                }
                .run_as(cell);
                let of_gates = Strided::dense(of_gates, wide).from(0, of_state);
                gemm((m, rows, hidden), of_gates, for_state, T::ONE, &mut of_h);
            }
        });
        let of_x = match wants_input {
            true => Tensor::build::<T>([steps, m, inputs], |of_x| {
                let of_gates = Strided::dense(dense::<T>(&of_gates), wide);
                gemm((steps * m, rows, inputs), of_gates, for_input, T::ZERO, of_x);
            }),
            false => Tensor::zeros([0], T::DTYPE),
        };
        let of_c = Tensor::from_vec(of_c, [memory / hidden * m, hidden]);
        found[0] = Some([of_gates, of_x, Tensor::from_vec(of_h, [m, hidden]), of_c]);
    });
    let found: Vec<[Tensor; 4]> = found.into_iter().map(|found| found.expect("every run was made")).collect();

    let of_weights = |width: usize, first: usize, of: &dyn Fn(&Run) -> &Tensor| {
        Tensor::build::<T>([rows, width], |out| {
            for (i, (run, [of_gates, ..])) in runs.iter().zip(&found).enumerate() {
                let samples = steps * run.samples.1;
                let of_gates = Strided::dense(dense::<T>(of_gates), wide).from(0, first).transposed();
                let beta = if i == 0 { T::ZERO } else { T::ONE };
                gemm((rows, samples, width), of_gates, Strided::dense(dense(of(run)), width), beta, out);
            }
        })
    };
    let mut of_bias = found[0][0].sum(&[0, 1], false);
    found[1..].iter().for_each(|[of_gates, ..]| of_bias.accumulate(&of_gates.sum(&[0, 1], false)));
    let along = |part: usize, axis: isize| {
        let parts: Vec<&Tensor> = found.iter().map(|found| &found[part]).collect();
        Tensor::cat(&parts, axis)
    };
    Gradients {
        x: along(1, if wants_input { 1 } else { 0 }),
        start: (2..3 + memory / hidden).map(|part| along(part, 0)).collect(),
        weights: [network.as_given(&of_weights(inputs, 0, &|run| &run.x)), of_weights(hidden, of_state, &|run| &run.h)],
        bias: [network.as_given(&of_bias.narrow(0, 0, rows)), of_bias.narrow(0, of_state, rows).contiguous()],
    }
}
