//! Elman's networks: h' is the tanh of the sum, or the sum where it is positive.

use super::step::{Backward, Cell, Forward};
use crate::kernel::lane::{Lane, Real, when};

pub(super) struct Tanh;
pub(super) struct Relu;

#[inline(always)]
fn forward<T: Real>(step: Forward<'_, T>, f: impl Fn(Lane<T>) -> Lane<T>) {
    let sums = &step.gates[..step.h_new.len()];
    for (j, h) in step.h_new.iter_mut().enumerate() {
        *h = f(Lane(sums[j])).0;
    }
}

/// `pull` takes what reaches the result, and the result.
#[inline(always)]
fn backward<T: Real>(step: Backward<'_, T>, pull: impl Fn(Lane<T>, Lane<T>) -> Lane<T>) {
    let Backward { hidden: n, g, h_new, of_h, of_gates, .. } = step;
    let (g, y, of_h, of_gates) = (&g[..n], &h_new[..n], &mut of_h[..n], &mut of_gates[..n]);
    for j in 0..n {
        of_gates[j] = pull(Lane(g[j] + of_h[j]), Lane(y[j])).0;
        of_h[j] = T::ZERO;
    }
}

impl Cell for Tanh {
    #[inline(always)]
    fn forward<T: Real>(step: Forward<'_, T>) {
        forward(
            step,
            #[inline(always)]
            |sum| sum.tanh(),
        );
    }

    #[inline(always)]
    fn backward<T: Real>(step: Backward<'_, T>) {
        backward(
            step,
            #[inline(always)]
            |g, y| g * (1.0 - y * y),
        );
    }
}

impl Cell for Relu {
    #[inline(always)]
    fn forward<T: Real>(step: Forward<'_, T>) {
        forward(
            step,
            #[inline(always)]
            |sum| sum.maximum(0.0),
        );
    }

    #[inline(always)]
    fn backward<T: Real>(step: Backward<'_, T>) {
        backward(
            step,
            #[inline(always)]
            |g, y| when(y.at_most(0.0), 0.0, g),
        );
    }
}
