//! The largest element of each window, and where it is.
//!
//! The largest of a window is the largest of its rows' largest, so one axis is folded after the other, the innermost first. Every fold keeps the
//! first of equal ones, and the last NaN, and so does the whole.

use super::dispatch::{Loop, array, vectorised};
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
        let [deep, high, wide] = self.runs.each_ref().map(Vec::len);
        let rows = Rows::new(&self.runs[2], width, depth * height);
        let pitch = rows.pitch;
        let mut narrow = Best::new(depth * height * pitch);
        let mut low = Best::new(depth * high * pitch);
        let mut best = Best::new(deep * high * pitch);
        let outputs = self.values.chunks_mut(deep * high * wide).zip(self.positions.chunks_mut(deep * high * wide));
        for (x, (values, positions)) in self.x.chunks(depth * height * width).zip(outputs) {
            rows.fold(x, &mut narrow);
            for d in 0..depth {
                fold(narrow.rows(d * height * pitch), pitch, &self.runs[1], low.rows_mut(d * high * pitch));
            }
            fold(low.rows(0), high * pitch, &self.runs[0], best.rows_mut(0));
            let rows = best.values.chunks(pitch).zip(best.positions.chunks(pitch));
            let outputs = values.chunks_mut(wide).zip(positions.chunks_mut(wide));
            for ((from, places), (values, positions)) in rows.zip(outputs) {
                values.copy_from_slice(&from[..wide]);
                positions.iter_mut().zip(places).for_each(|(position, &at)| *position = i64::from(at));
            }
        }
    }
}

/// The largest elements so far, and their positions.
struct Best<T> {
    values: Vec<T>,
    positions: Vec<u32>,
}

impl<T: Number> Best<T> {
    fn new(n: usize) -> Best<T> {
        Best { values: vec![T::ZERO; n], positions: vec![0; n] }
    }

    fn rows(&self, from: usize) -> (&[T], &[u32]) {
        (&self.values[from..], &self.positions[from..])
    }

    fn rows_mut(&mut self, from: usize) -> (&mut [T], &mut [u32]) {
        (&mut self.values[from..], &mut self.positions[from..])
    }
}

/// Windows over rows.
struct Rows<'a> {
    runs: &'a [Run],
    /// The length of a row.
    width: usize,
    /// How far apart the results of rows are.
    pitch: usize,
    /// The windows of a row from here on, `regular` of them, are as long as any, and `stride` apart.
    first: usize,
    regular: usize,
    stride: usize,
    /// Rows that are looked at as one, for long loops: a window that goes on in the next row gives a result that is of no use.
    together: usize,
}

impl<'a> Rows<'a> {
    fn new(runs: &'a [Run], width: usize, rows: usize) -> Rows<'a> {
        let len = runs.iter().map(|run| run.len).max().unwrap_or(0);
        let first = runs.iter().position(|run| run.len == len).unwrap_or(0);
        let (run, rest) = (runs[first], &runs[first + 1..]);
        let stride = rest.first().map_or(1, |next| next.start.saturating_sub(run.start).max(1));
        let follows = |(i, next): &(usize, &Run)| next.len == len && next.start == run.start + i * stride;
        let regular = 1 + (1..).zip(rest).take_while(follows).count();
        match width.is_multiple_of(stride) && width / stride >= runs.len() {
            true => Rows { runs, width, pitch: width / stride, first, regular, stride, together: rows },
            false => Rows { runs, width, pitch: runs.len(), first, regular, stride, together: 1 },
        }
    }

    #[inline(always)]
    fn fold<T: Number>(&self, x: &[T], best: &mut Best<T>) {
        let (line, run) = (self.width * self.together, self.runs[self.first]);
        let last = run.places().last().unwrap_or(run.start);
        for i in 0..x.len() / line {
            let (base, x) = (i * line, &x[i * line..][..line]);
            let inside = match self.together {
                1 => self.regular,
                rows => (rows * self.pitch - self.first).min((line - 1 - last) / self.stride + 1),
            };
            let from = i * self.together * self.pitch + self.first;
            let (values, positions) = (&mut best.values[from..][..inside], &mut best.positions[from..][..inside]);
            let done = match (self.stride, run.len) {
                (1, 2) => short::<1, 2, T>(x, base, run, values, positions),
                (1, 3) => short::<1, 3, T>(x, base, run, values, positions),
                (2, 2) => short::<2, 2, T>(x, base, run, values, positions),
                (2, 3) => short::<2, 3, T>(x, base, run, values, positions),
                (stride, _) => long(stride, x, base, run, values, positions),
            };
            for o in done..inside {
                let at = largest(run.places().map(|place| place + o * self.stride), |place| x[place]);
                (values[o], positions[o]) = (x[at], (base + at) as u32);
            }
        }
        for o in (0..self.first).chain(self.first + self.regular..self.runs.len()) {
            for (row, x) in x.chunks(self.width).enumerate() {
                let at = largest(self.runs[o].places(), |place| x[place]);
                let to = row * self.pitch + o;
                (best.values[to], best.positions[to]) = (x[at], (row * self.width + at) as u32);
            }
        }
    }
}

/// Windows of `K` elements that are `S` apart, along a line whose first element is at `base`, in a loop that becomes one over vectors. Returns how many: those
/// at the end of a line may be left out.
#[inline(always)]
fn short<const S: usize, const K: usize, T: Number>(
    x: &[T],
    base: usize,
    run: Run,
    values: &mut [T],
    positions: &mut [u32],
) -> usize {
    let taps: [&[[T; S]]; K] = array(|tap| x[run.start + tap * run.step..].as_chunks().0);
    let n = taps.iter().fold(values.len(), |n, tap| n.min(tap.len()));
    let taps: [&[[T; S]]; K] = array(|tap| &taps[tap][..n]);
    let (values, positions) = (&mut values[..n], &mut positions[..n]);
    let (start, step) = ((base + run.start) as u32, run.step as u32);
    for o in 0..n {
        let (mut value, mut position) = (taps[0][o][0], 0);
        (1..K).for_each(|tap| {
            let next = taps[tap][o][0];
            let better = better(next, value);
            value = if better { next } else { value };
            position = if better { tap as u32 * step } else { position };
        });
        values[o] = value;
        positions[o] = start + o as u32 * S as u32 + position;
    }
    n
}

/// As [`short`], for windows of any length and distance: all of them, or none where they are too few.
#[inline(always)]
fn long<T: Number>(stride: usize, x: &[T], base: usize, run: Run, values: &mut [T], positions: &mut [u32]) -> usize {
    for at in pieces(values.len()) {
        let next = |tap: usize| {
            let start = run.start + at * stride + tap * run.step;
            let x = &x[start..=start + (LANES - 1) * stride];
            let mut next = ([T::ZERO; LANES], [0; LANES]);
            for i in 0..LANES {
                next.0[i] = x[i * stride];
                next.1[i] = (base + start) as u32 + i as u32 * stride as u32;
            }
            next
        };
        let mut best = next(0);
        for tap in 1..run.len {
            best = taken(best, next(tap));
        }
        (*lanes_mut(&mut values[at..]), *lanes_mut(&mut positions[at..])) = best;
    }
    if values.len() < LANES { 0 } else { values.len() }
}

/// Folds the outer axis of `[n, inner]`.
#[inline(always)]
fn fold<T: Number>(from: (&[T], &[u32]), inner: usize, runs: &[Run], to: (&mut [T], &mut [u32])) {
    for (run, (values, positions)) in runs.iter().zip(to.0.chunks_mut(inner).zip(to.1.chunks_mut(inner))) {
        for at in pieces(inner) {
            let next = |row: usize| (*lanes(&from.0[row * inner + at..]), *lanes(&from.1[row * inner + at..]));
            let mut best = next(run.start);
            for i in 1..run.len {
                best = taken(best, next(run.start + i * run.step));
            }
            (*lanes_mut(&mut values[at..]), *lanes_mut(&mut positions[at..])) = best;
        }
        let few = if inner < LANES { inner } else { 0 };
        for i in 0..few {
            let at = largest(run.places().map(|row| row * inner + i), |place| from.0[place]);
            (values[i], positions[i]) = (from.0[at], from.1[at]);
        }
    }
}

/// Elements that are compared at once.
const LANES: usize = 8;

/// Where `n` elements are cut into pieces of [`LANES`], the last of which may overlap the one before: what is done twice gives the same. None if they
/// are fewer.
#[inline(always)]
fn pieces(n: usize) -> impl Iterator<Item = usize> {
    (0..n / LANES).map(|i| i * LANES).chain((n > LANES && !n.is_multiple_of(LANES)).then(|| n - LANES))
}

#[inline(always)]
fn lanes<T>(x: &[T]) -> &[T; LANES] {
    x.first_chunk().expect("a whole piece")
}

#[inline(always)]
fn lanes_mut<T>(x: &mut [T]) -> &mut [T; LANES] {
    x.first_chunk_mut().expect("a whole piece")
}

/// Elements and where they are, `next` wherever it is better.
#[inline(always)]
fn taken<T: Number>(best: ([T; LANES], [u32; LANES]), next: ([T; LANES], [u32; LANES])) -> ([T; LANES], [u32; LANES]) {
    // Loops over arrays, and a mask of bits, so that this becomes a comparison and two selections of vectors.
    let mut mask = [0; LANES];
    for (i, mask) in mask.iter_mut().enumerate() {
        *mask = 0u32.wrapping_sub(u32::from(better(next.0[i], best.0[i])));
    }
    let (mut values, mut positions) = ([T::ZERO; LANES], [0; LANES]);
    for i in 0..LANES {
        values[i] = if mask[i] != 0 { next.0[i] } else { best.0[i] };
    }
    for i in 0..LANES {
        positions[i] = if mask[i] != 0 { next.1[i] } else { best.1[i] };
    }
    (values, positions)
}

/// The place of the largest element among some places.
#[inline(always)]
fn largest<T: Number>(places: impl Iterator<Item = usize>, at: impl Fn(usize) -> T) -> usize {
    places.reduce(|a, b| if better(at(b), at(a)) { b } else { a }).expect("a run is not empty")
}

#[inline(always)]
fn better<T: Number>(next: T, best: T) -> bool {
    next > best || next.is_nan()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The runs of windows of `len` elements that are `step` apart, `stride` from one window to the next, over a padded axis.
    fn runs(n: usize, len: usize, step: usize, stride: usize, padding: usize) -> Vec<Run> {
        let reach = (len - 1) * step + 1;
        let run = |i: usize| {
            let mut places = (0..len).map(|j| i * stride + j * step).filter(|p| (padding..n + padding).contains(p));
            let start = places.next().expect("a window with nothing in it") - padding;
            Run { start, len: 1 + places.count(), step }
        };
        (0..(n + 2 * padding - reach) / stride + 1).map(run).collect()
    }

    #[test]
    fn the_definition_for_windows_of_many_kinds() {
        let windows =
            [(2, 1, 2, 0), (3, 1, 2, 1), (3, 1, 1, 1), (2, 1, 2, 1), (3, 2, 1, 2), (2, 1, 3, 0), (5, 1, 4, 2)];
        for (len, step, stride, padding) in windows {
            for input in [[1, 28, 28], [1, 5, 7], [3, 8, 16], [1, 14, 9], [5, 6, 40]] {
                let axes = [0, 1, 2].map(|axis| match (axis, input[0]) {
                    (0, 1) => runs(1, 1, 1, 1, 0),
                    _ => runs(input[axis], len, step, stride, padding),
                });
                let plane = input.iter().product::<usize>();
                // Few different numbers, so that many are equal, and some that are none.
                let number = |i: usize| if i % 97 == 5 { f32::NAN } else { (i * i * 31 % 23) as f32 };
                let x: Vec<f32> = (0..2 * plane).map(number).collect();
                let count = axes.iter().map(Vec::len).product::<usize>();
                let (mut values, mut positions) = (vec![0.0; 2 * count], vec![0; 2 * count]);
                max_windows(&x, input, &axes, &mut values, &mut positions);
                let mut found = values.iter().zip(&positions);
                for x in x.chunks(plane) {
                    for (d, h, w) in axes[0]
                        .iter()
                        .flat_map(|d| axes[1].iter().map(move |h| (d, h)))
                        .flat_map(|(d, h)| axes[2].iter().map(move |w| (d, h, w)))
                    {
                        let rows = d.places().flat_map(|d| h.places().map(move |h| d * input[1] + h));
                        let places = rows.flat_map(|row| w.places().map(move |w| row * input[2] + w));
                        let at = places.reduce(|a, b| if x[b] > x[a] || x[b].is_nan() { b } else { a }).unwrap();
                        let (value, &position) = found.next().unwrap();
                        assert_eq!(position as usize, at, "windows {len} {step} {stride} {padding} of {input:?}");
                        assert_eq!(value.to_bits(), x[at].to_bits());
                    }
                }
            }
        }
    }
}
