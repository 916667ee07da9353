//! Lines: the rows along one axis, each worked on by itself, and shared among threads.
//!
//! Whatever orders elements does so by integer keys, so that sorting, selecting and counting are compiled once for all element types.

use super::parallel::{SMALL, chunks_mut};
use crate::dtype::{DType, Element, each_dtype};
use crate::shape::normalise_axis;
use crate::tensor::Tensor;

/// The key of a NaN: above every number.
pub(crate) const NAN: i64 = i64::MAX;

/// Integers in the order of the elements, all NaNs being equal and largest, and −0 equal to 0.
pub(crate) fn keys(x: &Tensor) -> Tensor {
    fn key(x: f64) -> i64 {
        let bits = if x == 0.0 { 0 } else { x.to_bits() as i64 };
        if x.is_nan() { NAN } else { bits ^ ((bits >> 63) as u64 >> 1) as i64 }
    }
    match x.dtype() {
        DType::I64 => x.contiguous(),
        dtype => each_dtype!(dtype, T => {
            let x = x.contiguous();
            let from = x.as_slice::<T>().expect("contiguous() is dense");
            Tensor::build::<i64>(x.to_shape(), |out| {
                out.iter_mut().zip(from).for_each(|(o, x)| *o = key(x.to_f64()));
            })
        }),
    }
}

/// One line: its elements' keys, each with its position.
pub(crate) type Line<'a> = &'a mut [(i64, usize)];

/// `f` of every line along an axis, which gets the length `len`. A tensor without axes is a line of one.
#[track_caller]
pub(crate) fn along(op: &str, x: &Tensor, axis: isize, len: usize, f: &(dyn Fn(Line, &mut [i64]) + Sync)) -> Tensor {
    let axis = normalise_axis(op, axis, x.rank().max(1));
    if x.rank() == 0 {
        let line = along(op, &x.reshape([1]), 0, len, f);
        return if len == 1 { line.reshape([]) } else { line };
    }
    let (axis, last) = (axis as isize, x.rank() as isize - 1);
    let rows = keys(&x.transpose(axis, last));
    let n = rows.size(last);
    let mut shape = rows.to_shape();
    shape[last as usize] = len;
    let rows = rows.as_slice::<i64>().expect("keys are dense");
    let out = Tensor::build::<i64>(shape, |out| {
        let lines = (SMALL / n.max(len).max(1)).max(1);
        chunks_mut(out, lines * len, |i, out| {
            let mut line = Vec::with_capacity(n);
            for (j, out) in out.chunks_mut(len).enumerate() {
                let keys = &rows[(i * lines + j) * n..][..n];
                line.clear();
                line.extend(keys.iter().copied().zip(0..));
                f(&mut line, out);
            }
        });
    });
    out.transpose(axis, last)
}

/// The positions of the `out.len()` smallest, in order; the first of equal ones comes first.
pub(crate) fn smallest(line: Line, out: &mut [i64]) {
    let k = out.len();
    if k < line.len() {
        line.select_nth_unstable(k);
    }
    line[..k].sort_unstable();
    out.iter_mut().zip(line).for_each(|(o, &mut (_, at))| *o = at as i64);
}

/// As [`smallest`], of the largest.
pub(crate) fn largest(line: Line, out: &mut [i64]) {
    line.iter_mut().for_each(|(key, _)| *key = !*key);
    smallest(line, out);
}

/// The position of the element that would stand at `k` in order.
pub(crate) fn kth(line: Line, k: usize) -> i64 {
    line.select_nth_unstable(k).1.1 as i64
}

/// The position of the lower median.
pub(crate) fn median(line: Line) -> i64 {
    kth(line, (line.len() - 1) / 2)
}

/// The position of the lower median; that of the first NaN, if there is one.
pub(crate) fn median_or_nan(line: Line) -> i64 {
    match line.iter().find(|&&(key, _)| key == NAN) {
        Some(&(_, at)) => at as i64,
        None => median(line),
    }
}

/// The position of the lower median of what is not NaN.
pub(crate) fn nanmedian(line: Line) -> i64 {
    let numbers = line.iter().filter(|&&(key, _)| key != NAN).count();
    kth(line, numbers.saturating_sub(1) / 2)
}

/// The last position of the most frequent element, the smallest of equally frequent ones.
pub(crate) fn mode(line: Line) -> i64 {
    line.sort_unstable();
    let runs = line.chunk_by(|a, b| a.0 == b.0);
    let longest = runs.reduce(|best, run| if run.len() > best.len() { run } else { best });
    longest.and_then(<[_]>::last).expect("the line is not empty").1 as i64
}

/// For every position, that of the largest element up to it, the last of equal ones. A NaN stays the largest.
pub(crate) fn running_largest(line: Line, out: &mut [i64]) {
    let mut best = (i64::MIN, 0);
    for (o, &mut now) in out.iter_mut().zip(line) {
        best = if now.0 >= best.0 { now } else { best };
        *o = best.1 as i64;
    }
}

/// As [`running_largest`], of the smallest.
pub(crate) fn running_smallest(line: Line, out: &mut [i64]) {
    line.iter_mut().for_each(|(key, _)| *key = !*key);
    running_largest(line, out);
}

/// As [`running_smallest`], where a NaN stays the smallest.
pub(crate) fn running_smallest_or_nan(line: Line, out: &mut [i64]) {
    line.iter_mut().for_each(|(key, _)| *key = if *key == NAN { NAN } else { !*key });
    running_largest(line, out);
}

/// The distinct elements in order: where each occurs first, how often, and for every element which of them it is.
pub(crate) fn distinct(x: &Tensor) -> (Vec<i64>, Vec<i64>, Vec<i64>) {
    let mut line: Vec<(i64, usize)> = keys(x).to_vec::<i64>().into_iter().zip(0..).collect();
    line.sort_unstable();
    let (mut first, mut counts, mut which) = (Vec::new(), Vec::new(), vec![0; line.len()]);
    // A NaN equals nothing, so that each is distinct.
    let nan = x.dtype().is_float();
    for run in line.chunk_by(|a, b| a.0 == b.0 && !(nan && a.0 == NAN)) {
        run.iter().for_each(|&(_, at)| which[at] = first.len() as i64);
        first.push(run[0].1 as i64);
        counts.push(run.len() as i64);
    }
    (first, counts, which)
}
