//! Attention in strips: a few queries at a time meet all their keys, so that scores are made, used and forgotten in cache. Nothing of them is kept; the
//! way back makes them again.

use super::dispatch::{Loop, vectorised};
use super::gemm::{Strided, gemm};
use super::lane::Real;
use super::parallel::chunks_mut;
use super::rows::{largest, sum};
use super::transposition::{Size, transpose};
use crate::layout::Layout;
use crate::matmul::matrix;

/// Queries of a strip.
const STRIP: usize = 32;
/// Elements between rows of what is transposed beyond their length, so that rows do not lie a power of two apart.
const APART: usize = 16;
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
    fn write<T: Copy>(self, head: usize, row: usize, width: usize, from: &[T], out: &mut [T]) {
        for (i, from) in from.chunks_exact(width).enumerate() {
            out[self.first + head * self.head + (row + i) * self.row..][..width].copy_from_slice(from);
        }
    }
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
    fn strips(self) -> impl Iterator<Item = Strip> {
        (0..self.queries).step_by(STRIP).map(move |from| {
            let rows = STRIP.min(self.queries - from);
            Strip { from, rows, keys: if self.causal { self.keys.min(from + rows) } else { self.keys } }
        })
    }

    /// The weights of a strip before they are divided by their sums, and the inverses of these; `k` is transposed.
    fn weights<T: Real>(self, strip: Strip, q: Strided<'_, T>, k: Strided<'_, T>, out: &mut [T], inverse: &mut [T]) {
        gemm((strip.rows, self.width, strip.keys), q.from(strip.from, 0), k, T::ZERO, out);
        vectorised(Exponentials { strip, causal: self.causal, scale: T::from_f64(self.scale), out, inverse });
    }
}

/// Writes the samples one after the other, each `[queries, heads, values]`.
pub(crate) fn forward<T: Real>(form: Form, [q, k, v]: [Matrices<'_, T>; 3], out: &mut [T]) {
    let Form { heads, queries, keys, width, values, .. } = form;
    let place = Place { first: 0, head: values, row: heads * values };
    chunks_mut(out, queries * heads * values, |sample, out| {
        let (mut scores, mut found) = (vec![T::ZERO; STRIP * keys], vec![T::ZERO; STRIP * values]);
        let (mut k_columns, mut inverse) = (vec![T::ZERO; width * (keys + APART)], [T::ZERO; STRIP]);
        for head in 0..heads {
            let [q, k, v] = [q, k, v].map(|(data, layout)| matrix(data, layout, sample * heads + head));
            let k = transposed(k, width, &mut k_columns);
            for strip in form.strips() {
                let (scores, found) = (&mut scores[..strip.rows * strip.keys], &mut found[..strip.rows * values]);
                form.weights(strip, q, k, scores, &mut inverse);
                gemm((strip.rows, strip.keys, values), Strided::dense(scores, strip.keys), v, T::ZERO, found);
                for (row, &inverse) in found.chunks_exact_mut(values).zip(&inverse) {
                    row.iter_mut().for_each(|x| *x = *x * inverse);
                }
                place.write(head, strip.from, values, found, out);
            }
        }
    });
}

/// Writes the gradients of queries, keys and values to their places in the memory of each sample, which is `size` long.
pub(crate) fn backward<T: Real>(
    form: Form,
    [q, k, v, g]: [Matrices<'_, T>; 4],
    places: [Place; 3],
    size: usize,
    out: &mut [T],
) {
    let Form { heads, keys, width, values, .. } = form;
    let scale = T::from_f64(form.scale);
    chunks_mut(out, size, |sample, out| {
        let (mut weights, mut of_scores) = (vec![T::ZERO; STRIP * keys], vec![T::ZERO; STRIP * keys]);
        let (mut of_q, mut of_k, mut of_v) =
            (vec![T::ZERO; STRIP * width], vec![T::ZERO; keys * width], vec![T::ZERO; keys * values]);
        let [mut k_columns, mut v_columns] = [width, values].map(|n| vec![T::ZERO; n * (keys + APART)]);
        let mut inverse = [T::ZERO; STRIP];
        for head in 0..heads {
            let [q, k, v, g] = [q, k, v, g].map(|(data, layout)| matrix(data, layout, sample * heads + head));
            let k_columns = transposed(k, width, &mut k_columns);
            let v_columns = transposed(v, values, &mut v_columns);
            of_k.fill(T::ZERO);
            of_v.fill(T::ZERO);
            for strip in form.strips() {
                let Strip { from, rows, keys } = strip;
                let (g, q_rows) = (g.from(from, 0), q.from(from, 0));
                let (weights, of_scores) = (&mut weights[..rows * keys], &mut of_scores[..rows * keys]);
                form.weights(strip, q, k_columns, weights, &mut inverse);
                gemm((rows, values, keys), g, v_columns, T::ZERO, of_scores);
                vectorised(Pull { keys, scale, inverse: &inverse, weights, of_scores });
                let [w, s] = [&*weights, &*of_scores].map(|x| Strided::dense(x, keys));
                gemm((keys, rows, values), w.transposed(), g, T::ONE, &mut of_v[..keys * values]);
                gemm((keys, rows, width), s.transposed(), q_rows, T::ONE, &mut of_k[..keys * width]);
                gemm((rows, keys, width), s, k, T::ZERO, &mut of_q[..rows * width]);
                places[0].write(head, from, width, &of_q[..rows * width], out);
            }
            places[1].write(head, 0, width, &of_k, out);
            places[2].write(head, 0, values, &of_v, out);
        }
    });
}

/// Scores → e^(scale·score − largest), 0 for keys after the query, and one over the sum of each row.
struct Exponentials<'a, T> {
    strip: Strip,
    causal: bool,
    scale: T,
    out: &'a mut [T],
    inverse: &'a mut [T],
}

impl<T: Real> Loop for Exponentials<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Strip { from, keys, .. } = self.strip;
        for (i, (row, inverse)) in self.out.chunks_exact_mut(keys).zip(self.inverse).enumerate() {
            let end = if self.causal { keys.min(from + i + 1) } else { keys };
            // Whole vectors, in which keys after the query weigh nothing.
            let (row, after) = row.split_at_mut(end.next_multiple_of(LANES).min(keys));
            row.iter_mut().for_each(|x| *x = *x * self.scale);
            row[end..].fill(T::LOWEST);
            let top = largest(row);
            let top = if top.to_f64().is_infinite() { T::ZERO } else { top };
            row.iter_mut().for_each(|x| *x = (*x - top).exp());
            after.fill(T::ZERO);
            *inverse = T::ONE / sum([&*row], |[x]| x);
        }
    }
}

/// Weights are divided by their sums, and their gradients become those of the scores.
struct Pull<'a, T> {
    keys: usize,
    scale: T,
    inverse: &'a [T],
    weights: &'a mut [T],
    of_scores: &'a mut [T],
}

impl<T: Real> Loop for Pull<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let rows = self.weights.chunks_exact_mut(self.keys).zip(self.of_scores.chunks_exact_mut(self.keys));
        for ((weights, of_scores), &inverse) in rows.zip(self.inverse) {
            weights.iter_mut().for_each(|w| *w = *w * inverse);
            let mean = sum([&*weights, &*of_scores], |[w, g]| w * g);
            of_scores.iter_mut().zip(weights).for_each(|(g, &mut w)| *g = w * (*g - mean) * self.scale);
        }
    }
}
