//! Which element of each window is largest.

use super::parallel::chunks_mut;
use crate::dtype::Number;

/// The places along one axis that a window sees: `len` of them, `step` apart, from `start` on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) step: usize,
}

impl Run {
    pub(crate) fn places(self) -> impl Iterator<Item = usize> {
        (0..self.len).map(move |i| self.start + i * self.step)
    }
}

/// For planes of spatial lengths `input`, writes for each window, one run per axis, the position in the plane of its largest element: the
/// first of equal ones, the last NaN if there is one. No run is empty.
pub(crate) fn argmax_windows<T: Number>(x: &[T], input: [usize; 3], runs: &[Vec<Run>; 3], out: &mut [i64]) {
    let plane = input.iter().product::<usize>();
    chunks_mut(out, runs.iter().map(Vec::len).product(), |p, out| {
        let x = &x[p * plane..][..plane];
        let mut out = out.iter_mut();
        for &depth in &runs[0] {
            for &height in &runs[1] {
                for (&width, out) in runs[2].iter().zip(&mut out) {
                    *out = largest(x, input, [depth, height, width]) as i64;
                }
            }
        }
    });
}

fn largest<T: Number>(x: &[T], [_, rows, columns]: [usize; 3], [depth, height, width]: [Run; 3]) -> usize {
    let mut best = (depth.start * rows + height.start) * columns + width.start;
    for i in depth.places() {
        for j in height.places() {
            let row = (i * rows + j) * columns;
            for at in width.places().map(|k| row + k) {
                if x[at] > x[best] || x[at].is_nan() {
                    best = at;
                }
            }
        }
    }
    best
}
