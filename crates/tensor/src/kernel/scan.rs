//! Scans: along an axis, each element is made of the one before it.

use super::lane::Real;
use super::parallel::{SMALL, chunks_mut};
use super::reduction::{Fold, Form};
use crate::dtype::Number;

/// Computes row 0 of each plane by `first(at)` and every other by `step(at, before)`, `at` being the place in `out`. Planes are shared
/// among threads.
fn each_row<T: Number>(
    form: Form,
    out: &mut [T],
    first: impl Fn(usize) -> T + Send + Sync,
    step: impl Fn(usize, T) -> T + Send + Sync,
) {
    let Form { mid, inner, .. } = form;
    let size = mid * inner;
    if size == 0 {
        return;
    }
    let planes = (SMALL / size).max(1);
    chunks_mut(out, planes * size, |i, out| {
        for (j, plane) in out.chunks_mut(size).enumerate() {
            let start = (i * planes + j) * size;
            let (head, mut rest) = plane.split_at_mut(inner);
            head.iter_mut().zip(start..).for_each(|(o, at)| *o = first(at));
            let mut before = head;
            for m in 1..mid {
                let (now, after) = rest.split_at_mut(inner);
                for ((o, &mut b), at) in now.iter_mut().zip(before).zip(start + m * inner..) {
                    *o = step(at, b);
                }
                (before, rest) = (now, after);
            }
        }
    });
}

/// Running folds along `mid`: each element combined with all before it.
pub(crate) fn fold_on<F: Fold, T: Number>(x: &[T], form: Form, out: &mut [T]) {
    each_row(form, out, |at| x[at], |at, before| F::join(before, x[at]));
}

/// y₀ = b₀, yᵢ = aᵢ·yᵢ₋₁ + bᵢ along `mid`.
pub(crate) fn recur<T: Real>(a: &[T], b: &[T], form: Form, out: &mut [T]) {
    each_row(form, out, |at| b[at], |at, before| a[at] * before + b[at]);
}

/// ln Σ eˣ of each element and all before it along `mid`.
pub(crate) fn log_sum<T: Real>(x: &[T], form: Form, out: &mut [T]) {
    each_row(
        form,
        out,
        |at| x[at],
        |at, before| {
            let (high, low) = (x[at].maximum(before), x[at].minimum(before));
            // Equal infinities have no difference.
            let distance = if high == low { T::ZERO } else { low - high };
            high + distance.exp().log1p()
        },
    );
}
