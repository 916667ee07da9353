//! Gated recurrent units: h' = (1 − z)·n + z·h with n = tanh(a + r·b), where a is what the input, and b what the state contributes. Gates stand in the order n, r, z,
//! b: the first three get the input's product, the last three the state's. For the way back, n is kept in place of a.

use super::step::{Backward, Cell, Forward, sigmoid};
use crate::kernel::lane::Real;

pub(super) struct Gru;

impl Cell for Gru {
    #[inline(always)]
    fn forward<T: Real>(step: Forward<'_, T>) {
        let Forward { hidden: n, gates, h, h_new, .. } = step;
        let (h, h_new) = (&h[..n], &mut h_new[..n]);
        let (new, rest) = gates.split_at_mut(n);
        let (reset_keep, of_state) = rest.split_at_mut(2 * n);
        sigmoid(reset_keep);
        let (reset, keep) = reset_keep.split_at(n);
        let of_state = &of_state[..n];
        for j in 0..n {
            new[j] = (new[j] + reset[j] * of_state[j]).tanh();
        }
        for j in 0..n {
            h_new[j] = new[j] + keep[j] * (h[j] - new[j]);
        }
    }

    #[inline(always)]
    fn backward<T: Real>(step: Backward<'_, T>) {
        let Backward { hidden: n, g, gates, h, of_h, of_gates, .. } = step;
        let (g, h, of_h) = (&g[..n], &h[..n], &mut of_h[..n]);
        let (new, rest) = gates.split_at(n);
        let (reset, rest) = rest.split_at(n);
        let (keep, of_state) = rest.split_at(n);
        let (of_new, rest) = of_gates.split_at_mut(n);
        let (of_reset, rest) = rest.split_at_mut(n);
        let (of_keep, of_b) = rest.split_at_mut(n);
        let (of_state, of_b) = (&of_state[..n], &mut of_b[..n]);
        for j in 0..n {
            of_h[j] = g[j] + of_h[j];
        }
        for j in 0..n {
            of_new[j] = of_h[j] * (T::ONE - keep[j]) * (T::ONE - new[j] * new[j]);
        }
        for j in 0..n {
            of_reset[j] = of_new[j] * of_state[j] * reset[j] * (T::ONE - reset[j]);
        }
        for j in 0..n {
            of_keep[j] = of_h[j] * (h[j] - new[j]) * keep[j] * (T::ONE - keep[j]);
        }
        for j in 0..n {
            of_b[j] = of_new[j] * reset[j];
        }
        for j in 0..n {
            of_h[j] = of_h[j] * keep[j];
        }
    }
}
