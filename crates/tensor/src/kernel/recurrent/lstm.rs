//! Long short-term memory: c' = f·c + i·g and h' = o·tanh c'. Gates stand in the order i, f, g, o.

use super::step::{Backward, Cell, Forward, sigmoid};
use crate::kernel::lane::Real;

pub(super) struct Lstm;

impl Cell for Lstm {
    #[inline(always)]
    fn forward<T: Real>(step: Forward<'_, T>) {
        let Forward { hidden: n, gates, h_new, c, c_new, squashed, .. } = step;
        let (h, c, c_new, squashed) = (&mut h_new[..n], &c[..n], &mut c_new[..n], &mut squashed[..n]);
        let (enter_forget, rest) = gates.split_at_mut(2 * n);
        let (new, leave) = rest.split_at_mut(n);
        sigmoid(enter_forget);
        new.iter_mut().for_each(|x| *x = x.tanh());
        sigmoid(leave);
        let (enter, forget) = enter_forget.split_at(n);
        for j in 0..n {
            c_new[j] = forget[j] * c[j] + enter[j] * new[j];
        }
        for j in 0..n {
            squashed[j] = c_new[j].tanh();
        }
        for j in 0..n {
            h[j] = leave[j] * squashed[j];
        }
    }

    #[inline(always)]
    fn backward<T: Real>(step: Backward<'_, T>) {
        let Backward { hidden: n, g, gates, c, squashed, of_h, of_c, of_gates, .. } = step;
        let (g, c, squashed, of_h, of_c) = (&g[..n], &c[..n], &squashed[..n], &mut of_h[..n], &mut of_c[..n]);
        let (enter, rest) = gates.split_at(n);
        let (forget, rest) = rest.split_at(n);
        let (new, leave) = rest.split_at(n);
        let (of_enter, rest) = of_gates.split_at_mut(n);
        let (of_forget, rest) = rest.split_at_mut(n);
        let (of_new, of_leave) = rest.split_at_mut(n);
        let (leave, of_leave) = (&leave[..n], &mut of_leave[..n]);
        for j in 0..n {
            of_h[j] = g[j] + of_h[j];
        }
        for j in 0..n {
            of_leave[j] = of_h[j] * squashed[j] * leave[j] * (T::ONE - leave[j]);
        }
        for j in 0..n {
            of_c[j] = of_c[j] + of_h[j] * leave[j] * (T::ONE - squashed[j] * squashed[j]);
        }
        for j in 0..n {
            of_enter[j] = of_c[j] * new[j] * enter[j] * (T::ONE - enter[j]);
        }
        for j in 0..n {
            of_forget[j] = of_c[j] * c[j] * forget[j] * (T::ONE - forget[j]);
        }
        for j in 0..n {
            of_new[j] = of_c[j] * enter[j] * (T::ONE - new[j] * new[j]);
        }
        for j in 0..n {
            of_c[j] = of_c[j] * forget[j];
        }
        of_h.fill(T::ZERO);
    }
}
