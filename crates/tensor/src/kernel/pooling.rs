//! The largest element of each window, and where it is.
//!
//! The largest of a window is the largest of its rows' largest, so one axis is folded after the other, the innermost first. Every fold keeps the
//! first of equal ones, and the last NaN, and so does the whole.

use super::dispatch::{Loop, vectorised};
use super::parallel::{SMALL, chunks_mut};
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

/// For planes of spatial lengths `input`, writes for each window, one run per axis, its largest element and that one's position in the plane: the
/// first of equal ones, the last NaN if there is one. No run is empty.
pub(crate) fn max_windows<T: Number>(
    x: &[T],
    input: [usize; 3],
    runs: &[Vec<Run>; 3],
    values: &mut [T],
    positions: &mut [i64],
) {
    let plane: usize = input.iter().product();
    assert!(u32::try_from(plane).is_ok(), "a plane of {plane} elements is too large to pool");
    let windows = runs.iter().map(Vec::len).product::<usize>().max(1);
    let together = (SMALL / plane).max(1); // planes
    let outputs = values.chunks_mut(together * windows).zip(positions.chunks_mut(together * windows));
    chunks_mut(&mut outputs.collect::<Vec<_>>(), 1, |i, outputs| {
        for (values, positions) in outputs {
            let x = &x[i * together * plane..][..values.len() / windows * plane];
            vectorised(Planes { x, input, runs, values, positions });
        }
    });
}

/// Writes what stands at `positions` of each plane of `x`.
pub(crate) fn pick<T: Number>(x: &[T], plane: usize, positions: &[i64], windows: usize, out: &mut [T]) {
    let together = (SMALL / windows.max(1)).max(1); // planes
    chunks_mut(out, together * windows, |i, out| {
        let planes = x.chunks(plane).zip(positions.chunks(windows)).skip(i * together);
        for ((x, positions), out) in planes.zip(out.chunks_mut(windows)) {
            out.iter_mut().zip(positions).for_each(|(o, &at)| *o = x[at as usize]);
        }
    });
}

/// Writes planes of zeros, to which `g` is added at `positions`.
pub(crate) fn place<T: Number>(g: &[T], plane: usize, positions: &[i64], windows: usize, out: &mut [T]) {
    let together = (SMALL / plane).max(1); // planes
    chunks_mut(out, together * plane, |i, out| {
        for (p, out) in (i * together..).zip(out.chunks_mut(plane)) {
            let here = p * windows..(p + 1) * windows;
            out.fill(T::ZERO);
            for (&at, &g) in positions[here.clone()].iter().zip(&g[here]) {
                out[at as usize] = out[at as usize].plus(g);
            }
        }
    });
}

struct Planes<'a, T> {
    x: &'a [T],
    input: [usize; 3],
    runs: &'a [Vec<Run>; 3],
    values: &'a mut [T],
    positions: &'a mut [i64],
}

impl<T: Number> Loop for Planes<'_, T> {
    const WIDE: bool = T::WIDE;
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let [depth, height, width] = self.input;
        let [_, high, wide] = self.runs.each_ref().map(Vec::len);
        let rows = Rows::new(&self.runs[2], width, depth * height);
        let mut narrow = Best::new(depth * height * wide);
        let mut low = Best::new(depth * high * wide);
        let mut chosen = vec![0; self.runs[0].len() * high * wide];
        let outputs = self.values.chunks_mut(chosen.len()).zip(self.positions.chunks_mut(chosen.len()));
        for (x, (values, positions)) in self.x.chunks(depth * height * width).zip(outputs) {
            rows.fold(x, &mut narrow);
            for d in 0..depth {
                let (from, to) = (d * height * wide, d * high * wide..(d + 1) * high * wide);
                let from = (&narrow.values[from..], &narrow.positions[from..]);
                fold(from, wide, &self.runs[1], (&mut low.values[to.clone()], &mut low.positions[to]));
            }
            fold((&low.values, &low.positions), high * wide, &self.runs[0], (values, &mut chosen));
            positions.iter_mut().zip(&chosen).for_each(|(wide, &at)| *wide = i64::from(at));
        }
    }
}

/// The largest elements so far, and their positions.
struct Best<T> {
    values: Vec<T>,
    positions: Vec<u32>,
    /// One element of each window.
    next: Vec<T>,
}

impl<T: Number> Best<T> {
    fn new(n: usize) -> Best<T> {
        Best { values: vec![T::ZERO; n], positions: vec![0; n], next: vec![T::ZERO; n] }
    }
}

/// Windows over rows.
struct Rows<'a> {
    runs: &'a [Run],
    /// The length of a row.
    width: usize,
    /// The windows from here on, `whole` of them, are as long as any, and `stride` apart.
    first: usize,
    whole: usize,
    stride: usize,
    /// How many windows there are in a row.
    count: usize,
}

impl<'a> Rows<'a> {
    fn new(runs: &'a [Run], width: usize, rows: usize) -> Rows<'a> {
        let len = runs.iter().map(|run| run.len).max().unwrap_or(0);
        let first = runs.iter().position(|run| run.len == len).unwrap_or(0);
        let (run, rest) = (runs[first], &runs[first + 1..]);
        let stride = rest.first().map_or(1, |next| next.start.saturating_sub(run.start).max(1));
        let regular = |(i, next): &(usize, &Run)| next.len == len && next.start == run.start + i * stride;
        let whole = 1 + (1..).zip(rest).take_while(regular).count();
        let alone = run.start + (run.len - 1) * run.step < stride;
        match whole == runs.len() && width == whole * stride && alone {
            // Windows that fill the rows and stay within them do not see where a row ends.
            true => Rows { runs, width: width * rows, first, whole: whole * rows, stride, count: whole * rows },
            false => Rows { runs, width, first, whole, stride, count: runs.len() },
        }
    }

    #[inline(always)]
    fn fold<T: Number>(&self, x: &[T], best: &mut Best<T>) {
        let outputs = best.values.chunks_mut(self.count).zip(best.positions.chunks_mut(self.count));
        for (row, (x, (values, positions))) in x.chunks(self.width).zip(outputs).enumerate() {
            let base = row * self.width;
            let inside = self.first..self.first + self.whole;
            let edges = (0..self.first).chain(inside.end..self.count);
            for o in edges {
                let run = self.runs[o];
                let at = run.places().skip(1).fold(run.start, |a, b| if better(x[b], x[a]) { b } else { a });
                (values[o], positions[o]) = (x[at], (base + at) as u32);
            }
            let (values, positions) = (&mut values[inside.clone()], &mut positions[inside]);
            let run = self.runs[self.first];
            copy_every(&x[run.start..], self.stride, values);
            for (o, position) in positions.iter_mut().enumerate() {
                *position = (base + run.start + o * self.stride) as u32;
            }
            for at in run.places().skip(1) {
                let next = &mut best.next[..values.len()];
                copy_every(&x[at..], self.stride, next);
                let (start, stride) = ((base + at) as u32, self.stride as u32);
                for (o, ((value, position), &next)) in (0u32..).zip(values.iter_mut().zip(&mut *positions).zip(&*next))
                {
                    let better = better(next, *value);
                    *value = if better { next } else { *value };
                    *position = if better { start + o * stride } else { *position };
                }
            }
        }
    }
}

/// Folds the outer axis of `[n, inner]`.
#[inline(always)]
fn fold<T: Number>(from: (&[T], &[u32]), inner: usize, runs: &[Run], to: (&mut [T], &mut [u32])) {
    for (run, (values, positions)) in runs.iter().zip(to.0.chunks_mut(inner).zip(to.1.chunks_mut(inner))) {
        let row = |at: usize| (&from.0[at * inner..][..inner], &from.1[at * inner..][..inner]);
        let (first, places) = row(run.start);
        values.copy_from_slice(first);
        positions.copy_from_slice(places);
        for at in run.places().skip(1) {
            let (next, places) = row(at);
            for ((value, position), (&next, &at)) in values.iter_mut().zip(&mut *positions).zip(next.iter().zip(places))
            {
                let better = better(next, *value);
                *value = if better { next } else { *value };
                *position = if better { at } else { *position };
            }
        }
    }
}

#[inline(always)]
fn better<T: Number>(next: T, best: T) -> bool {
    next > best || next.is_nan()
}

/// Every `stride`-th element.
#[inline(always)]
fn copy_every<T: Number>(x: &[T], stride: usize, out: &mut [T]) {
    match stride {
        1 => out.copy_from_slice(&x[..out.len()]),
        2 => {
            let (pairs, rest) = x.as_chunks::<2>();
            out.iter_mut().zip(pairs).for_each(|(o, pair)| *o = pair[0]);
            out.iter_mut().skip(pairs.len()).zip(rest).for_each(|(o, &x)| *o = x);
        }
        _ => out.iter_mut().zip(x.iter().step_by(stride)).for_each(|(o, &x)| *o = x),
    }
}
