//! Weighted sums of a few positions along one axis.

use super::parallel::{SMALL, chunks_mut};
use crate::dtype::Number;
use crate::resample::Taps;

/// `x` as `[outer, inputs, inner]` to `out` as `[outer, outputs, inner]`.
pub(crate) fn resample<T: Number>(x: &[T], taps: &Taps, inner: usize, out: &mut [T]) {
    let (inputs, outputs) = (taps.inputs(), taps.outputs());
    let weights: Vec<Vec<(usize, T)>> = (0..outputs)
        .map(|o| taps.row(o).iter().map(|&(at, weight)| (at * inner, T::from_f64(weight))).collect())
        .collect();
    let rows = (SMALL / inner.max(1)).max(1);
    chunks_mut(out, rows * inner, |i, chunk| {
        for (row, out) in (i * rows..).zip(chunk.chunks_mut(inner.max(1))) {
            let x = &x[row / outputs * inputs * inner..];
            out.fill(T::ZERO);
            for &(at, weight) in &weights[row % outputs] {
                out.iter_mut().zip(&x[at..]).for_each(|(o, &v)| *o = o.plus(v.times(weight)));
            }
        }
    });
}
