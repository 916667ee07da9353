//! One step of a run of samples, up to and after the matrix product.

use std::marker::PhantomData;

use super::APART;
use super::elman::{Relu, Tanh};
use super::gru::Gru;
use super::lstm::Lstm;
use crate::kernel::dispatch::{Loop, vectorised};
use crate::kernel::lane::{Lane, Real};
use crate::recurrent::Recurrence;

/// What a cell makes of the products. Functions see one sample, all of which is in the first-level cache: each loop writes one slice, since one that writes
/// several would not become vectors.
pub(super) trait Cell {
    /// Makes gates of sums, and the next state.
    fn forward<T: Real>(step: Forward<'_, T>);

    /// Makes the gradient of the sums, and what reaches the state before not through the product.
    fn backward<T: Real>(step: Backward<'_, T>);
}

/// One step, after the product.
pub(super) struct Forward<'a, T> {
    pub(super) hidden: usize,
    /// Sums, which become gates; for a run, rows are [`APART`] longer.
    pub(super) gates: &'a mut [T],
    pub(super) h: &'a [T],
    pub(super) h_new: &'a mut [T],
    /// The memory, and its tanh.
    pub(super) c: &'a [T],
    pub(super) c_new: &'a mut [T],
    pub(super) squashed: &'a mut [T],
}

/// One step back, up to the product.
pub(super) struct Backward<'a, T> {
    pub(super) hidden: usize,
    /// The gradient that reaches the state from above.
    pub(super) g: &'a [T],
    /// For a run, rows are [`APART`] longer, here and in `of_gates`.
    pub(super) gates: &'a [T],
    pub(super) h: &'a [T],
    pub(super) h_new: &'a [T],
    pub(super) c: &'a [T],
    pub(super) squashed: &'a [T],
    /// The gradient that reaches the state from the next step, which becomes that of the state before.
    pub(super) of_h: &'a mut [T],
    /// Likewise for the memory.
    pub(super) of_c: &'a mut [T],
    /// Of the sums.
    pub(super) of_gates: &'a mut [T],
}

struct Samples<S, C> {
    step: S,
    cell: Recurrence,
    what_it_makes: PhantomData<C>,
}

macro_rules! run_as {
    ($step:ident) => {
        impl<T: Real> $step<'_, T> {
            /// The step of all samples of a run.
            pub(super) fn run_as(self, cell: Recurrence) {
                match cell {
                    Recurrence::Tanh => self.run_of::<Tanh>(cell),
                    Recurrence::Relu => self.run_of::<Relu>(cell),
                    Recurrence::Gru => self.run_of::<Gru>(cell),
                    Recurrence::Lstm => self.run_of::<Lstm>(cell),
                }
            }

            fn run_of<C: Cell>(self, cell: Recurrence) {
                vectorised(Samples { step: self, cell, what_it_makes: PhantomData::<C> })
            }
        }
    };
}
run_as!(Forward);
run_as!(Backward);

impl<T: Real, C: Cell> Loop for Samples<Forward<'_, T>, C> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Forward { hidden, gates, h, h_new, c, c_new, squashed } = self.step;
        let (wide, memory) = (self.cell.blocks() * hidden, self.cell.memories() * hidden);
        for (at, gates) in gates.chunks_exact_mut(wide + APART).enumerate() {
            let here = at * hidden..(at + 1) * hidden;
            let memory = at * memory..(at + 1) * memory;
            C::forward(Forward {
                hidden,
                gates: &mut gates[..wide],
                h: &h[here.clone()],
                h_new: &mut h_new[here],
                c: &c[memory.clone()],
                c_new: &mut c_new[memory.clone()],
                squashed: &mut squashed[memory],
            });
        }
    }
}

impl<T: Real, C: Cell> Loop for Samples<Backward<'_, T>, C> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Backward { hidden, g, gates, h, h_new, c, squashed, of_h, of_c, of_gates } = self.step;
        let (wide, memory) = (self.cell.blocks() * hidden, self.cell.memories() * hidden);
        for (at, of_gates) in of_gates.chunks_exact_mut(wide + APART).enumerate() {
            let gates = &gates[at * (wide + APART)..][..wide];
            let here = at * hidden..(at + 1) * hidden;
            let memory = at * memory..(at + 1) * memory;
            let (of_gates, apart) = of_gates.split_at_mut(wide);
            apart.fill(T::ZERO);
            C::backward(Backward {
                hidden,
                g: &g[here.clone()],
                gates,
                h: &h[here.clone()],
                h_new: &h_new[here.clone()],
                c: &c[memory.clone()],
                squashed: &squashed[memory.clone()],
                of_h: &mut of_h[here],
                of_c: &mut of_c[memory],
                of_gates,
            });
        }
    }
}

#[inline(always)]
pub(super) fn sigmoid<T: Real>(x: &mut [T]) {
    x.iter_mut().for_each(|x| *x = Lane(*x).sigmoid().0);
}
