//! Attention in strips: a few queries at a time meet all their keys, so that scores are made, used and forgotten in cache. Nothing of them is kept; the
//! way back makes them again.

use std::ops::Range;

use super::buffer::Scratch;
use super::dispatch::{Loop, vectorised};
use super::gemm::{Strided, gemm_within};
use super::lane::Real;
use super::memory::ask;
use super::parallel::chunks_mut;
use super::rows::{largest, sum};
use super::transposition::{Size, transpose};
use crate::layout::Layout;
use crate::matmul::matrix;

/// Queries of a strip.
const STRIP: usize = 32;
/// Weights that the way back keeps of successive strips, so that sums over queries are long: they and their gradients lie in the second-level cache.
const KEPT: usize = 1 << 15;
/// Elements between rows of what is copied, so that rows do not lie a power of two apart.
const APART: usize = 16;
/// How many rows ahead memory is asked for: those of a head lie too far apart for the processor to foresee them.
const AHEAD: usize = 16;
/// Elements of a row that are worked on at once.
const LANES: usize = 16;

/// All lengths, and how scores become weights. Samples have `heads` matrices each of queries, keys and values.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    pub(crate) samples: usize,
    pub(crate) heads: usize,
    pub(crate) queries: usize,
    pub(crate) keys: usize,
    pub(crate) width: usize,
    pub(crate) values: usize,
    pub(crate) causal: bool,
    pub(crate) scale: f64,
}

/// A batch of matrices somewhere in a slice.
pub(crate) type Matrices<'a, T> = (&'a [T], &'a Layout);

/// Where in the memory of a sample the rows of a head go: place of the first number, and the distances of heads and rows.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) first: usize,
    pub(crate) head: usize,
    pub(crate) row: usize,
}

impl Place {
    fn at(self, head: usize, row: usize) -> usize {
        self.first + head * self.head + row * self.row
    }
}

/// The dense copy of a matrix, times a number.
fn dense<'o, T: Real>(x: Strided<'_, T>, columns: usize, times: T, out: &'o mut [T]) -> Strided<'o, T> {
    for (i, out) in out.chunks_exact_mut(columns).enumerate() {
        let Strided { data, offset, columns: step, .. } = x.from(i, 0);
        if step == 1 {
            let soon = data.get(x.from(i + AHEAD, 0).offset..).unwrap_or_default();
            soon.iter().take(columns).step_by(64 / size_of::<T>()).for_each(ask);
            out.iter_mut().zip(&data[offset..]).for_each(|(out, &x)| *out = x * times);
        } else {
            let at = |j: usize| (offset as isize + j as isize * step) as usize;
            out.iter_mut().enumerate().for_each(|(j, out)| *out = data[at(j)] * times);
        }
    }
    Strided::dense(out, columns)
}

/// The transposed copy of a matrix of some columns, which products read faster. `out` has room for its rows and [`APART`] more elements after each.
fn transposed<'o, T: Real>(x: Strided<'_, T>, columns: usize, out: &'o mut [T]) -> Strided<'o, T> {
    let Strided { data, offset, rows: stride, columns: step } = x;
    let apart = out.len() / columns;
    if step == 1 {
        let size = Size { rows: columns, columns: apart - APART, pitch: apart };
        transpose(data, offset as isize, stride, out, size, false);
    } else {
        for (j, out) in out.chunks_exact_mut(apart).enumerate() {
            let first = offset as isize + j as isize * step;
            let column = out[..apart - APART].iter_mut().enumerate();
            column.for_each(|(i, o)| *o = data[(first + i as isize * stride) as usize]);
        }
    }
    Strided::dense(out, apart)
}

/// Some queries, and the keys that they look at.
#[derive(Clone, Copy)]
struct Strip {
    from: usize,
    rows: usize,
    keys: usize,
}

impl Form {
    fn strips(self, queries: Range<usize>) -> impl Iterator<Item = Strip> {
        let end = queries.end;
        queries.step_by(STRIP).map(move |from| {
            let rows = STRIP.min(end - from);
            Strip { from, rows, keys: self.keys_before(from + rows) }
        })
    }

    /// How many keys the queries before this one look at.
    fn keys_before(self, query: usize) -> usize {
        if self.causal { self.keys.min(query) } else { self.keys }
    }

    /// How far apart rows of weights lie.
    fn pitch(self) -> usize {
        self.keys + APART
    }

    /// The weights of a strip before they are divided by their sums, and the inverses of these; `q` was multiplied by the scale, `k` is transposed.
    fn weights<T: Real>(self, strip: Strip, q: Strided<'_, T>, k: Strided<'_, T>, out: &mut [T], inverse: &mut [T]) {
        let size = (strip.rows, self.width, strip.keys);
        gemm_within(size, q.from(strip.from, 0), k, T::ZERO, (&mut *out, self.pitch()));
        vectorised(Exponentials { strip, causal: self.causal, pitch: self.pitch(), out, inverse });
    }
}

/// Writes the samples one after the other, each `[queries, heads, values]`.
pub(crate) fn forward<T: Real>(form: Form, [q, k, v]: [Matrices<'_, T>; 3], out: &mut [T]) {
    let Form { heads, queries, keys, width, values, .. } = form;
    let place = Place { first: 0, head: values, row: heads * values };
    let scale = T::from_f64(form.scale);
    chunks_mut(out, queries * heads * values, |sample, out| {
        let mut weights = Scratch::new(STRIP.min(queries) * form.pitch());
        let [mut q_rows, mut v_rows, mut k_columns] =
            [queries * width, keys * values, width * (keys + APART)].map(Scratch::new);
        let mut inverse = [T::ZERO; STRIP];
        for head in 0..heads {
            let [q, k, v] = [q, k, v].map(|(data, layout)| matrix(data, layout, sample * heads + head));
            let q = dense(q, width, scale, &mut q_rows);
            let v = if queries < STRIP { v } else { dense(v, values, T::ONE, &mut v_rows) };
            let k = transposed(k, width, &mut k_columns);
            for strip in form.strips(0..queries) {
                form.weights(strip, q, k, &mut weights, &mut inverse);
                let out = &mut out[place.at(head, strip.from)..];
                let size = (strip.rows, strip.keys, values);
                gemm_within(size, Strided::dense(&weights, form.pitch()), v, T::ZERO, (&mut *out, place.row));
                for (row, &inverse) in out.chunks_mut(place.row).zip(&inverse[..strip.rows]) {
                    row[..values].iter_mut().for_each(|x| *x = *x * inverse);
                }
            }
        }
    });
}

/// Writes the gradients of queries, keys and values to their places in the memory of each sample, which is `size` long.
pub(crate) fn backward<T: Real>(
    form: Form,
    [q, k, v, g]: [Matrices<'_, T>; 4],
    [of_q, of_k, of_v]: [Place; 3],
    size: usize,
    out: &mut [T],
) {
    let Form { heads, queries, keys, width, values, .. } = form;
    let (scale, pitch) = (T::from_f64(form.scale), form.pitch());
    let together = (KEPT / pitch / STRIP * STRIP).clamp(STRIP, queries.next_multiple_of(STRIP));
    chunks_mut(out, size, |sample, out| {
        let [mut weights, mut of_scores] = [together * pitch; 2].map(Scratch::new);
        let [mut q_rows, mut k_rows, mut g_rows] = [queries * width, keys * width, queries * values].map(Scratch::new);
        let [mut k_columns, mut v_columns] = [width, values].map(|n| Scratch::new(n * (keys + APART)));
        let mut inverse = [T::ZERO; STRIP];
        for head in 0..heads {
            let [q, k, v, g] = [q, k, v, g].map(|(data, layout)| matrix(data, layout, sample * heads + head));
            let [k_columns, v_columns] =
                [(k, width, &mut k_columns), (v, values, &mut v_columns)].map(|(x, n, out)| transposed(x, n, out));
            // Multiplied by the scale once, here: so are the gradients that are products with them.
            let (q, k) = (dense(q, width, scale, &mut q_rows), dense(k, width, scale, &mut k_rows));
            let g = dense(g, values, T::ONE, &mut g_rows);
            for start in (0..queries).step_by(together) {
                let end = queries.min(start + together);
                for strip in form.strips(start..end) {
                    let Strip { from, rows, keys } = strip;
                    let [weights, of_scores] = [&mut weights, &mut of_scores].map(|x| &mut x[(from - start) * pitch..]);
                    form.weights(strip, q, k_columns, weights, &mut inverse);
                    gemm_within((rows, values, keys), g.from(from, 0), v_columns, T::ZERO, (&mut *of_scores, pitch));
                    vectorised(Pull { strip, pitch, inverse: &inverse, weights, of_scores });
                    let out = &mut out[of_q.at(head, from)..];
                    gemm_within((rows, keys, width), Strided::dense(of_scores, pitch), k, T::ZERO, (out, of_q.row));
                }
                for key in (0..form.keys_before(end)).step_by(STRIP) {
                    // Queries before the first of these keys do not look at them.
                    let first = if form.causal { start.max(key) } else { start };
                    let beta = if start == 0 || form.causal && key >= start { T::ZERO } else { T::ONE };
                    let rows = STRIP.min(form.keys_before(end) - key);
                    for (x, y, place, n) in [(&weights, g, of_v, values), (&of_scores, q, of_k, width)] {
                        let x = Strided::dense(x, pitch).from(first - start, key).transposed();
                        let out = &mut out[place.at(head, key)..];
                        gemm_within((rows, end - first, n), x, y.from(first, 0), beta, (out, place.row));
                    }
                }
            }
            for key in form.keys_before(queries)..keys {
                out[of_k.at(head, key)..][..width].fill(T::ZERO);
                out[of_v.at(head, key)..][..values].fill(T::ZERO);
            }
        }
    });
}

/// Scores → e^(score − largest), 0 for keys after the query, and one over the sum of each row.
struct Exponentials<'a, T> {
    strip: Strip,
    causal: bool,
    pitch: usize,
    out: &'a mut [T],
    inverse: &'a mut [T],
}

impl<T: Real> Loop for Exponentials<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Strip { from, rows, keys } = self.strip;
        for (i, row) in self.out.chunks_mut(self.pitch).take(rows).enumerate() {
            let end = if self.causal { keys.min(from + i + 1) } else { keys };
            // Whole vectors, in which keys after the query weigh nothing.
            let (row, after) = row.split_at_mut(end.next_multiple_of(LANES));
            row[end..].fill(T::LOWEST);
            let top = largest(row);
            let top = if top.to_f64().is_infinite() { T::ZERO } else { top };
            let mut sums = [T::ZERO; LANES];
            for chunk in row.as_chunks_mut::<LANES>().0 {
                for (i, x) in chunk.iter_mut().enumerate() {
                    *x = (*x - top).exp();
                    sums[i] = sums[i] + *x;
                }
            }
            self.inverse[i] = T::ONE / sum([&sums], |[x]| x);
            after[..keys.saturating_sub(row.len())].fill(T::ZERO);
        }
    }
}

/// Weights are divided by their sums, and their gradients become those of the scores.
struct Pull<'a, T> {
    strip: Strip,
    pitch: usize,
    inverse: &'a [T],
    weights: &'a mut [T],
    of_scores: &'a mut [T],
}

impl<T: Real> Loop for Pull<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        for (i, weights) in self.weights.chunks_mut(self.pitch).take(self.strip.rows).enumerate() {
            let weights = &mut weights[..self.strip.keys];
            let of_scores = &mut self.of_scores[i * self.pitch..][..self.strip.keys];
            let inverse = self.inverse[i];
            let mean = sum([&*weights, &*of_scores], |[w, g]| w * g) * inverse;
            for (j, w) in weights.iter_mut().enumerate() {
                *w = *w * inverse;
                of_scores[j] = *w * (of_scores[j] - mean);
            }
        }
    }
}
