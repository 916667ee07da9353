//! Long short-term memory over a whole sequence, and back through time.
//!
//! Samples go through all steps in runs of a few, which threads share: no step waits for another thread, and the weights stay in the second-level
//! cache. Input and state of a step lie side by side, so that one matrix product per step makes all its gates, and one product over all steps the
//! gradients of all weights.

use super::dispatch::{Loop, vectorised};
use super::gemm::{Strided, gemm};
use super::lane::{Lane, Real};
use super::parallel::chunks_mut;
use crate::dtype::Number;
use crate::tensor::Tensor;

/// Samples of a run at most.
const RUN: usize = 16;
/// Elements between rows of weights and of gradients of gates beyond their length, so that rows do not lie a power of two apart, where they would push
/// each other out of cache.
const APART: usize = 16;

/// What a run of samples leaves for the way back. `k` is inputs + hidden.
pub(crate) struct Run {
    /// The first sample, and how many.
    samples: (usize, usize),
    /// Input and state before each step, and the last state: `[steps + 1, samples, k]`.
    xh: Tensor,
    /// The gates i, f, g, o of each step: `[steps, samples, 4·hidden]`.
    gates: Tensor,
    /// The memory before each step, and the last: `[steps + 1, samples, hidden]`.
    cells: Tensor,
    /// tanh of the memory after each step: `[steps, samples, hidden]`.
    squashed: Tensor,
}

/// All lengths.
#[derive(Clone, Copy)]
pub(crate) struct Lengths {
    pub(crate) steps: usize,
    pub(crate) n: usize,
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
}

impl Lengths {
    fn k(self) -> usize {
        self.inputs + self.hidden
    }

    /// Runs of nearly equal length.
    fn runs(self) -> Vec<(usize, usize)> {
        let count = self.n.div_ceil(RUN);
        let first = |i: usize| i * self.n / count;
        (0..count).map(|i| (first(i), first(i + 1) - first(i))).collect()
    }
}

/// Both weights side by side: `[4·hidden, k]`.
fn joined(input: &Tensor, hidden: &Tensor) -> Tensor {
    Tensor::cat(&[input, hidden], 1)
}

fn dense<T: Number>(x: &Tensor) -> &[T] {
    x.as_slice().expect("made dense")
}

/// The states after each step and the last memory, `[steps + 1, n, hidden]`, and what the way back needs. The input `[steps, n, inputs]` may lie in
/// memory in any way; `start` is h and c.
pub(crate) fn forward<T: Real>(
    lengths: Lengths,
    x: &Tensor,
    start: [&Tensor; 2],
    weights: [&Tensor; 2],
    bias: Option<&Tensor>,
) -> (Tensor, Vec<Run>) {
    let Lengths { steps, hidden, .. } = lengths;
    let (k, wide) = (lengths.k(), 4 * hidden);
    let by_rows = joined(weights[0], weights[1]).t().contiguous();
    let by_rows = Tensor::build::<T>([k, wide + APART], |out| {
        for (out, row) in out.chunks_mut(wide + APART).zip(dense::<T>(&by_rows).chunks(wide)) {
            out[..wide].copy_from_slice(row);
        }
    });
    let zeros = vec![T::ZERO; wide];
    let (w, bias) = (dense::<T>(&by_rows), bias.map_or(&zeros[..], |bias| dense(bias)));
    let samples = lengths.runs();
    let mut runs: Vec<Option<Run>> = samples.iter().map(|_| None).collect();
    chunks_mut(&mut runs, 1, |i, run| {
        let (first, m) = samples[i];
        let part = |x: &Tensor, axis: isize| x.narrow(axis, first, m).contiguous();
        let (x, h, c) = (part(x, 1), part(start[0], 0), part(start[1], 0));
        let mut xh = Tensor::build::<T>([steps + 1, m, k], |xh| {
            for (xh, x) in xh.chunks_mut(k).zip(dense::<T>(&x).chunks(lengths.inputs)) {
                xh[..lengths.inputs].copy_from_slice(x);
            }
            xh[steps * m * k..].fill(T::ZERO);
            for (xh, h) in xh.chunks_mut(k).zip(dense::<T>(&h).chunks(hidden)) {
                xh[lengths.inputs..].copy_from_slice(h);
            }
        });
        let mut cells = Tensor::build::<T>([steps + 1, m, hidden], |cells| {
            cells[..m * hidden].copy_from_slice(dense(&c));
        });
        let mut squashed = Tensor::build::<T>([steps, m, hidden], |_| ());
        let gates = Tensor::build::<T>([steps, m, wide], |gates| {
            let (xh, cells, squashed) = (xh.make_mut::<T>(), cells.make_mut::<T>(), squashed.make_mut::<T>());
            for (t, gates) in gates.chunks_mut(m * wide).enumerate() {
                let (before, after) = xh.split_at_mut((t + 1) * m * k);
                gemm(
                    (m, k, wide),
                    Strided::dense(&before[t * m * k..], k),
                    Strided::dense(w, wide + APART),
                    T::ZERO,
                    gates,
                );
                let (c, c_new) = cells.split_at_mut((t + 1) * m * hidden);
                let (c, squashed) = (&c[t * m * hidden..], &mut squashed[t * m * hidden..]);
                vectorised(Forward { lengths, bias, gates, c, c_new, squashed, xh: after });
            }
        });
        run[0] = Some(Run { samples: (first, m), xh, gates, cells, squashed });
    });
    let runs: Vec<Run> = runs.into_iter().map(|run| run.expect("every run was made")).collect();
    let states: Vec<Tensor> = runs
        .iter()
        .map(|run| {
            let h = run.xh.narrow(0, 1, steps).narrow(2, lengths.inputs, hidden);
            Tensor::cat(&[&h, &run.cells.narrow(0, steps, 1)], 0)
        })
        .collect();
    let states = Tensor::cat(&states.iter().collect::<Vec<_>>(), 1);
    (states, runs)
}

/// What follows the product of one step.
struct Forward<'a, T> {
    lengths: Lengths,
    bias: &'a [T],
    gates: &'a mut [T],
    c: &'a [T],
    c_new: &'a mut [T],
    squashed: &'a mut [T],
    xh: &'a mut [T],
}

impl<T: Real> Loop for Forward<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Lengths { inputs, hidden, .. } = self.lengths;
        let parts = self.gates.chunks_exact_mut(4 * hidden).zip(self.xh.chunks_exact_mut(inputs + hidden));
        for (at, (gates, xh)) in parts.enumerate() {
            let (bias_if, bias_go) = self.bias.split_at(2 * hidden);
            let (bias_g, bias_o) = bias_go.split_at(hidden);
            let (enter_forget, rest) = gates.split_at_mut(2 * hidden);
            let (new, leave) = rest.split_at_mut(hidden);
            sigmoid(enter_forget, bias_if);
            new.iter_mut().zip(bias_g).for_each(|(a, &b)| *a = (*a + b).tanh());
            sigmoid(leave, bias_o);
            let here = at * hidden..(at + 1) * hidden;
            let (c, c_new) = (&self.c[here.clone()], &mut self.c_new[here.clone()]);
            let (squashed, h) = (&mut self.squashed[here], &mut xh[inputs..]);
            let (enter, forget) = enter_forget.split_at(hidden);
            for j in 0..hidden {
                let now = forget[j] * c[j] + enter[j] * new[j];
                c_new[j] = now;
                squashed[j] = now.tanh();
                h[j] = leave[j] * squashed[j];
            }
        }
    }
}

#[inline(always)]
fn sigmoid<T: Real>(x: &mut [T], bias: &[T]) {
    x.iter_mut().zip(bias).for_each(|(x, &b)| *x = Lane(*x + b).sigmoid().0);
}

/// The gradients of input (if it is wanted), h, c, both weights, and bias, given that of the states and the last memory.
pub(crate) fn backward<T: Real>(
    lengths: Lengths,
    runs: &[Run],
    weights: [&Tensor; 2],
    g: &Tensor,
    wants_input: bool,
) -> [Tensor; 6] {
    let Lengths { steps, inputs, hidden, .. } = lengths;
    let (k, wide) = (lengths.k(), 4 * hidden);
    let apart = wide + APART;
    let w = joined(weights[0], weights[1]);
    // Products reach as far to the left as somebody asks for.
    let skip = if wants_input { 0 } else { inputs };
    let width = k - skip;
    let mut found: Vec<Option<[Tensor; 3]>> = runs.iter().map(|_| None).collect();
    chunks_mut(&mut found, 1, |i, found| {
        let run = &runs[i];
        let (first, m) = run.samples;
        let (w, g) = (dense::<T>(&w), g.narrow(1, first, m).contiguous());
        let g = dense::<T>(&g);
        let (gates, cells, squashed) = (dense::<T>(&run.gates), dense::<T>(&run.cells), dense::<T>(&run.squashed));
        let mut of_c = g[steps * m * hidden..].to_vec();
        let mut of_xh = Tensor::build::<T>([steps + 1, m, width], |all| all[steps * m * width..].fill(T::ZERO));
        let of_gates = Tensor::build::<T>([steps, m, apart], |of_gates| {
            let of_xh = of_xh.make_mut::<T>();
            for t in (0..steps).rev() {
                let now = |width: usize| t * m * width..(t + 1) * m * width;
                let of_gates = &mut of_gates[t * m * apart..][..m * apart];
                vectorised(Backward {
                    hidden,
                    width,
                    g: &g[now(hidden)],
                    of_xh: &of_xh[(t + 1) * m * width..],
                    gates: &gates[now(wide)],
                    c: &cells[now(hidden)],
                    squashed: &squashed[now(hidden)],
                    of_c: &mut of_c,
                    of_gates,
                });
                let (a, b) = (Strided::dense(of_gates, apart), Strided::dense(&w[skip..], k));
                gemm((m, wide, width), a, b, T::ZERO, &mut of_xh[t * m * width..][..m * width]);
            }
        });
        let of_c = Tensor::from_vec(of_c, [m, hidden]);
        found[0] = Some([of_gates, of_xh, of_c]);
    });
    let found: Vec<[Tensor; 3]> = found.into_iter().map(|found| found.expect("every run was made")).collect();

    let mut of_bias: Option<Tensor> = None;
    let of_weights = Tensor::build::<T>([wide, k], |out| {
        for (i, (run, [of_gates, ..])) in runs.iter().zip(&found).enumerate() {
            let samples = steps * run.samples.1;
            let a = Strided::dense(dense::<T>(of_gates), apart).transposed();
            let beta = if i == 0 { T::ZERO } else { T::ONE };
            gemm((wide, samples, k), a, Strided::dense(dense(&run.xh), k), beta, out);
            let sum = of_gates.sum(&[0, 1], false).narrow(0, 0, wide);
            match &mut of_bias {
                Some(of_bias) => of_bias.accumulate(&sum),
                none => *none = Some(sum),
            }
        }
    });
    let along = |f: &dyn Fn(&[Tensor; 3]) -> Tensor, axis: isize| {
        let parts: Vec<Tensor> = found.iter().map(f).collect();
        Tensor::cat(&parts.iter().collect::<Vec<_>>(), axis)
    };
    let of_x = match wants_input {
        true => along(&|[_, of_xh, _]| of_xh.narrow(0, 0, steps).narrow(2, 0, inputs), 1),
        false => Tensor::zeros([0], T::DTYPE),
    };
    [
        of_x,
        along(&|[_, of_xh, _]| of_xh.select(0, 0).narrow(1, width - hidden, hidden), 0),
        along(&|[_, _, of_c]| of_c.clone(), 0),
        of_weights.narrow(1, 0, inputs).contiguous(),
        of_weights.narrow(1, inputs, hidden).contiguous(),
        of_bias.expect("there are runs"),
    ]
}

/// One step back, up to the product.
struct Backward<'a, T> {
    hidden: usize,
    width: usize,
    g: &'a [T],
    /// The gradient of the next step's input and state.
    of_xh: &'a [T],
    gates: &'a [T],
    c: &'a [T],
    squashed: &'a [T],
    of_c: &'a mut [T],
    of_gates: &'a mut [T],
}

impl<T: Real> Loop for Backward<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let n = self.hidden;
        let rows = self.gates.chunks_exact(4 * n).zip(self.of_gates.chunks_exact_mut(4 * n + APART));
        for (at, ((gates, of_gates), of_xh)) in rows.zip(self.of_xh.chunks_exact(self.width)).enumerate() {
            let here = at * n..(at + 1) * n;
            let (g, c, squashed) = (&self.g[here.clone()], &self.c[here.clone()], &self.squashed[here.clone()]);
            let (of_c, of_h) = (&mut self.of_c[here], &of_xh[self.width - n..]);
            let (enter, rest) = gates.split_at(n);
            let (forget, rest) = rest.split_at(n);
            let (new, leave) = rest.split_at(n);
            let (of_enter, rest) = of_gates.split_at_mut(n);
            let (of_forget, rest) = rest.split_at_mut(n);
            let (of_new, rest) = rest.split_at_mut(n);
            let (of_leave, apart) = rest.split_at_mut(n);
            apart.fill(T::ZERO);
            for j in 0..n {
                let (of_h, y) = (g[j] + of_h[j], squashed[j]);
                of_leave[j] = of_h * y * leave[j] * (T::ONE - leave[j]);
                let of_now = of_c[j] + of_h * leave[j] * (T::ONE - y * y);
                of_enter[j] = of_now * new[j] * enter[j] * (T::ONE - enter[j]);
                of_forget[j] = of_now * c[j] * forget[j] * (T::ONE - forget[j]);
                of_new[j] = of_now * enter[j] * (T::ONE - new[j] * new[j]);
                of_c[j] = of_now * forget[j];
            }
        }
    }
}
