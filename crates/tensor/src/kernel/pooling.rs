//! Which element of each window is largest.

use super::parallel::chunks_mut;
use crate::conv::Window;
use crate::dtype::Number;

/// For planes of spatial lengths `input`, writes for each window of size `kernel` the position in the plane of its largest element, the
/// first of equal ones; a NaN counts as largest. Padding is never chosen.
pub(crate) fn argmax_windows<T: Number>(
    x: &[T],
    input: &[usize],
    kernel: &[usize],
    output: &[usize],
    window: &Window,
    out: &mut [i64],
) {
    let (plane, positions) = (input.iter().product::<usize>(), output.iter().product::<usize>());
    chunks_mut(out, positions, |p, out| {
        let x = &x[p * plane..][..plane];
        for (o, best) in out.iter_mut().enumerate() {
            let mut chosen: Option<usize> = None;
            for k in 0..kernel.iter().product() {
                let Some(at) = source(o, k, input, kernel, output, window) else { continue };
                let better = chosen.is_none_or(|c| !x[c].is_nan() && (x[at] > x[c] || x[at].is_nan()));
                if better {
                    chosen = Some(at);
                }
            }
            *best = chosen.map_or(-1, |c| c as i64);
        }
    });
}

/// The position in the plane of element `k` of window `o`; `None` in the padding.
fn source(
    mut o: usize,
    mut k: usize,
    input: &[usize],
    kernel: &[usize],
    output: &[usize],
    window: &Window,
) -> Option<usize> {
    let (mut at, mut step) = (0, 1);
    for axis in (0..input.len()).rev() {
        let i = (o % output[axis]) * window.stride[axis] + (k % kernel[axis]) * window.dilation[axis];
        let i = i.checked_sub(window.padding[axis]).filter(|&i| i < input[axis])?;
        at += i * step;
        step *= input[axis];
        o /= output[axis];
        k /= kernel[axis];
    }
    Some(at)
}
