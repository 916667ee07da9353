//! Reductions: many numbers to one, in an order that depends on their count alone.
//!
//! Every tensor is first brought to the form `[outer, mid, inner]`, dense, of which `mid` disappears; axes that lie apart are folded in groups. Rows (`inner` = 1) are folded
//! in lanes and blocks that combine pairwise, so that rounding errors grow with the logarithm of the length.

use std::sync::Arc;

use super::buffer::Scratch;
use super::deferred::{Formula, Pass};
use super::dispatch::{Loop, array, vectorised};
use super::lanes;
use super::parallel::{SMALL, chunks_mut};
use crate::dtype::Number;
use crate::tensor::Tensor;

/// An associative operation with a neutral element.
pub(crate) trait Fold: Send + Sync {
    /// Whether it is frequent enough to be compiled for wide vectors.
    const WIDE: bool = true;
    /// The neutral element.
    fn start<T: Number>() -> T;
    /// The combination of two values.
    fn join<T: Number>(a: T, b: T) -> T;
}

/// The three lengths of a dense tensor whose middle part is to be folded.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    pub(crate) outer: usize,
    pub(crate) mid: usize,
    pub(crate) inner: usize,
}

impl Form {
    /// Brings `x` into the form, with the `axes`, which follow each other, in the middle; copies only what is not dense.
    #[track_caller]
    pub(crate) fn of(x: &Tensor, axes: &[usize]) -> (Tensor, Form) {
        debug_assert!(apart(axes).is_none(), "axes that lie apart have no form");
        let (start, count) = (axes.first().map_or(0, |&first| first), |lengths: &[usize]| lengths.iter().product());
        let (outer, rest) = x.shape().split_at(start);
        let (mid, inner) = rest.split_at(axes.len());
        (x.contiguous(), Form { outer: count(outer), mid: count(mid), inner: count(inner) })
    }
}

/// Sorted axes that do not all follow each other, cut before those that end them together: what is large need not be copied if these are folded first.
pub(crate) fn apart(axes: &[usize]) -> Option<[Vec<isize>; 2]> {
    let cut = (1..axes.len()).rev().find(|&i| axes[i] != axes[i - 1] + 1)?;
    Some([&axes[..cut], &axes[cut..]].map(|axes| axes.iter().map(|&axis| axis as isize).collect()))
}

const ROW: usize = 1024;
/// Columns that are folded together: the results of so many stay in the first-level cache, and rows are read in pieces long enough to be read ahead.
const STRIP: usize = 4096;
/// Columns that a thread should at least have, where planes are too few to be shared.
const SHARE: usize = 256;
const RUN: usize = 64;
/// Rows that are folded at once, so that results are loaded and stored once for all of them.
const TOGETHER: usize = 8;

/// Folds the middle of `x` into `out`, which has `outer · inner` elements.
pub(crate) fn fold<F: Fold, T: Number>(x: &[T], form: Form, out: &mut [T]) {
    let Form { mid, inner, .. } = form;
    if mid == 0 || out.is_empty() {
        return out.fill(F::start());
    }
    if inner == 1 {
        let rows = (SMALL / mid).max(1);
        chunks_mut(out, rows, |i, out| {
            for (j, o) in out.iter_mut().enumerate() {
                *o = fold_long::<F, T>(&x[(i * rows + j) * mid..][..mid]);
            }
        });
    } else if mid > (SMALL / inner).max(RUN) {
        fold_tall::<F, T>(x, form, out);
    } else if inner <= SHARE || form.outer >= 8 {
        let planes = (SMALL / (mid * inner)).max(1);
        chunks_mut(out, planes * inner, |i, out| {
            for (j, out) in out.chunks_mut(inner).enumerate() {
                let plane = &x[(i * planes + j) * mid * inner..][..mid * inner];
                for (s, out) in out.chunks_mut(STRIP).enumerate() {
                    fold_strip::<F, T>(plane, s * STRIP, inner, out);
                }
            }
        });
    } else {
        let columns = (SMALL / mid).clamp(SHARE, STRIP);
        for (plane, out) in x.chunks(mid * inner).zip(out.chunks_mut(inner)) {
            chunks_mut(out, columns, |s, out| fold_strip::<F, T>(plane, s * columns, inner, out));
        }
    }
}

/// Columns of any length: blocks of rows, which threads may share, are folded by themselves, then their results.
fn fold_tall<F: Fold, T: Number>(x: &[T], Form { outer, mid, inner }: Form, out: &mut [T]) {
    let rows = (SMALL / inner).max(RUN);
    let blocks = mid.div_ceil(rows);
    let mut parts = vec![F::start(); outer * blocks * inner];
    chunks_mut(&mut parts, inner, |i, part| {
        let first = i % blocks * rows;
        let block = &x[(i / blocks * mid + first) * inner..][..rows.min(mid - first) * inner];
        for (s, part) in part.chunks_mut(STRIP).enumerate() {
            fold_strip::<F, T>(block, s * STRIP, inner, part);
        }
    });
    fold::<F, T>(&parts, Form { outer, mid: blocks, inner }, out);
}

/// One row of any length. Rows beyond a chunk are cut into chunks of fixed size, which threads may share.
fn fold_long<F: Fold, T: Number>(x: &[T]) -> T {
    if x.len() <= SMALL {
        return fold_row::<F, T>(x);
    }
    let mut parts = vec![F::start(); x.len().div_ceil(SMALL)];
    chunks_mut(&mut parts, 1, |i, part| {
        part[0] = fold_row::<F, T>(&x[i * SMALL..x.len().min((i + 1) * SMALL)]);
    });
    fold_long::<F, T>(&parts)
}

/// One row of elements that are not computed yet, in the same order: they never go to memory.
pub(crate) fn fold_formula<F: Fold, T: Number>(formula: Arc<Formula<T>>, len: usize) -> T {
    let pass = Pass::of(formula);
    let mut parts = vec![F::start(); len.div_ceil(SMALL)];
    chunks_mut(&mut parts, 1, |i, part| {
        let mut x = Scratch::new(SMALL.min(len - i * SMALL));
        pass.run(i * SMALL, &mut x, false);
        part[0] = fold_row::<F, T>(&x);
    });
    fold_long::<F, T>(&parts)
}

fn fold_row<F: Fold, T: Number>(x: &[T]) -> T {
    if x.len() <= ROW {
        return vectorised(Row::<F, T> { x, of: std::marker::PhantomData });
    }
    let half = x.len().div_ceil(2).next_multiple_of(ROW);
    F::join(fold_row::<F, T>(&x[..half.min(x.len())]), fold_row::<F, T>(&x[half.min(x.len())..]))
}

struct Row<'a, F, T> {
    x: &'a [T],
    of: std::marker::PhantomData<F>,
}

impl<F: Fold, T: Number> Loop for Row<'_, F, T> {
    const WIDE: bool = T::WIDE && F::WIDE;
    type Out = T;
    #[inline(always)]
    fn run(self) -> T {
        lanes::fold([self.x], F::start(), &|[x]| x, |a, b| F::join(a, b))
    }
}

/// A strip of columns: rows are folded in runs, and the runs' results into `out`.
fn fold_strip<F: Fold, T: Number>(plane: &[T], column: usize, inner: usize, out: &mut [T]) {
    vectorised(Strip::<F, T> { plane, column, inner, out, of: std::marker::PhantomData });
}

struct Strip<'a, F, T> {
    plane: &'a [T],
    column: usize,
    inner: usize,
    out: &'a mut [T],
    of: std::marker::PhantomData<F>,
}

impl<F: Fold, T: Number> Loop for Strip<'_, F, T> {
    const WIDE: bool = T::WIDE && F::WIDE;
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Strip { plane, column, inner, out, .. } = self;
        out.fill(F::start());
        if plane.len() <= RUN * inner {
            return fold_run::<F, T>(plane, column, inner, out);
        }
        let mut partial = vec![F::start(); out.len()];
        for run in plane.chunks(inner * RUN) {
            partial.fill(F::start());
            fold_run::<F, T>(run, column, inner, &mut partial);
            for (i, o) in out.iter_mut().enumerate() {
                *o = F::join(*o, partial[i]);
            }
        }
    }
}

/// Folds rows into `out`, one after the other.
#[inline(always)]
fn fold_run<F: Fold, T: Number>(run: &[T], column: usize, inner: usize, out: &mut [T]) {
    let width = out.len();
    let mut groups = run.chunks_exact(inner * TOGETHER);
    for group in &mut groups {
        let rows: [&[T]; TOGETHER] = array(|r| &group[r * inner + column..][..width]);
        for (i, o) in out.iter_mut().enumerate() {
            *o = rows.iter().fold(*o, |sum, row| F::join(sum, row[i]));
        }
    }
    for row in groups.remainder().chunks(inner) {
        let row = &row[column..][..width];
        for (i, o) in out.iter_mut().enumerate() {
            *o = F::join(*o, row[i]);
        }
    }
}

/// The position along `mid` of the first element that `better` prefers to all before it. A NaN is preferred to any number.
pub(crate) fn arg<T: Number>(x: &[T], form: Form, better: impl Fn(T, T) -> bool, out: &mut [i64]) {
    for (o, out) in out.chunks_mut(form.inner.max(1)).enumerate() {
        for (i, out) in out.iter_mut().enumerate() {
            let at = |m: usize| x[(o * form.mid + m) * form.inner + i];
            let mut best = 0;
            for m in 1..form.mid {
                if !at(best).is_nan() && (better(at(m), at(best)) || at(m).is_nan()) {
                    best = m;
                }
            }
            *out = best as i64;
        }
    }
}

/// Whether any element (`want` = true) or not all (`want` = false) of the middle equals `want`.
pub(crate) fn find(x: &[bool], form: Form, want: bool, out: &mut [bool]) {
    for (o, out) in out.chunks_mut(form.inner.max(1)).enumerate() {
        for (i, out) in out.iter_mut().enumerate() {
            *out = (0..form.mid).any(|m| x[(o * form.mid + m) * form.inner + i] == want);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{DType, Tensor};

    #[test]
    fn sums_of_columns_are_exact_for_whole_numbers() {
        for (rows, columns) in [(7, 5000), (64, 3), (70, 300), (1003, 100), (200, 9000)] {
            let x = Tensor::arange(0.0, (rows * columns) as f64, 1.0, DType::F64).reshape([rows, columns]);
            let wanted = (0..columns).map(|j| (0..rows).map(|i| (i * columns + j) as f64).sum::<f64>());
            assert_eq!(x.sum(&[0], false).to_f64_vec(), wanted.collect::<Vec<_>>(), "{rows} {columns}");
        }
    }
}
