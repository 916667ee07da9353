//! Attention in tiles: scores are made, used and forgotten part by part, and made again for the gradient.

use chainrule_tensor::{Shape, Tensor};

use super::{expect, operands, triangle, usual_scale};
use crate::backward::vjp;
use crate::declare::{Declaration, Family, Sample};
use crate::op::Op;
use crate::var::Var;

/// Queries and keys of one tile.
const TILE: usize = 128;

/// softmax(scale·q·kᵀ)·v, and beside it as last column the logarithms of what the softmax divides by, from which its rule gets the
/// weights back: `[b, l, e + 1]`.
struct Flash {
    causal: bool,
    scale: f64,
    tile: usize,
}

/// A run of positions.
#[derive(Clone, Copy)]
struct Run {
    from: usize,
    len: usize,
}

impl Run {
    fn of(self, x: &Var) -> Var {
        x.narrow(1, self.from, self.len)
    }
}

impl Flash {
    fn runs(&self, n: usize) -> impl Iterator<Item = Run> + use<> {
        let tile = self.tile;
        (0..n).step_by(tile).map(move |from| Run { from, len: tile.min(n - from) })
    }

    /// Whether a tile has scores that count.
    fn counts(&self, rows: Run, columns: Run) -> bool {
        !self.causal || columns.from < rows.from + rows.len
    }

    /// The scores of a tile, −∞ where the key comes after the query.
    fn scores(&self, q: &Var, k: &Var, rows: Run, columns: Run) -> Var {
        let scores = (rows.of(q) * self.scale).matmul(&columns.of(k).t());
        if !self.causal || columns.from + columns.len <= rows.from + 1 {
            return scores;
        }
        let lowest = Var::constant(Tensor::scalar(f64::NEG_INFINITY, q.dtype()));
        Var::choose(&triangle(rows.len, columns.len, rows.from, columns.from), &scores, &lowest)
    }

    /// The output for some queries, with one pass over the keys: sums are scaled down whenever a larger score turns up.
    fn rows(&self, q: &Var, k: &Var, v: &Var, rows: Run) -> Var {
        let mut running: Option<[Var; 3]> = None; // largest score, sum of weights, sum of weighted values
        for columns in self.runs(k.size(1)).filter(|&columns| self.counts(rows, columns)) {
            let scores = self.scores(q, k, rows, columns);
            let top = scores.amax(&[2], true);
            let top = running.as_ref().map_or(top.clone(), |[before, ..]| before.maximum(&top));
            let weights = (scores - &top).exp();
            let (sum, values) = (weights.sum_axes(&[2], true), weights.matmul(&columns.of(v)));
            running = Some(match running {
                None => [top, sum, values],
                Some([before, sums, sum_of_values]) => {
                    let shrink = (before - &top).exp();
                    [top, sums * &shrink + sum, sum_of_values * shrink + values]
                }
            });
        }
        let [top, sum, values] = running.expect("there are keys");
        Var::cat(&[&(values / &sum), &(top + sum.log())], 2)
    }

    /// The same in one go: what can be differentiated any number of times, and the oracle of the tiles.
    fn composite(&self, q: &Var, k: &Var, v: &Var) -> Var {
        let (rows, columns) = (Run { from: 0, len: q.size(1) }, Run { from: 0, len: k.size(1) });
        let scores = self.scores(q, k, rows, columns);
        Var::cat(&[&scores.softmax(2).matmul(v), &scores.logsumexp(&[2], true)], 2)
    }
}

impl Op<3> for Flash {
    fn name(&self) -> &'static str {
        "flash_attention"
    }
    fn forward(&self, x: [&Tensor; 3]) -> Tensor {
        let [q, k, v] = x.map(Var::constant);
        let parts: Vec<Var> = self.runs(q.size(1)).map(|rows| self.rows(&q, &k, &v, rows)).collect();
        Var::cat(&parts.iter().collect::<Vec<_>>(), 1).value().clone()
    }
    fn backward(&self, wrt: usize, g: &Var, x: [&Var; 3], y: &Var) -> Var {
        if g.is_tracked() || x.iter().any(|x| x.is_tracked()) {
            return vjp(&self.composite(x[0], x[1], x[2]), &[x[wrt]], g)
                .remove(0)
                .expect("the output depends on all three");
        }
        let ([q, k, v], e) = (x, x[2].size(2));
        let (g_out, g_log) = (g.narrow(2, 0, e), g.narrow(2, e, 1));
        let by_sum = (&g_out * y.narrow(2, 0, e)).sum_axes(&[2], true) - g_log;
        let log = y.narrow(2, e, 1);
        let mut sums: Vec<Option<Var>> = vec![None; x[wrt].size(1).div_ceil(self.tile)];
        for rows in self.runs(q.size(1)) {
            for columns in self.runs(k.size(1)).filter(|&columns| self.counts(rows, columns)) {
                let weights = (self.scores(q, k, rows, columns) - rows.of(&log)).exp();
                let of_scores = || {
                    let of_weights = rows.of(&g_out).matmul(&columns.of(v).t());
                    &weights * (of_weights - rows.of(&by_sum)) * self.scale
                };
                let (run, part) = match wrt {
                    0 => (rows, of_scores().matmul(&columns.of(k))),
                    1 => (columns, of_scores().t().matmul(&rows.of(q))),
                    _ => (columns, weights.t().matmul(&rows.of(&g_out))),
                };
                let sum = &mut sums[run.from / self.tile];
                *sum = Some(sum.take().map_or_else(|| part.clone(), |sum| sum + &part));
            }
        }
        let zero = |run: Run| Var::constant(run.of(x[wrt]).value().zeros_like()); // keys that no query looks at
        let runs = self.runs(x[wrt].size(1));
        let parts: Vec<Var> = sums.into_iter().zip(runs).map(|(sum, run)| sum.unwrap_or_else(|| zero(run))).collect();
        Var::cat(&parts.iter().collect::<Vec<_>>(), 1)
    }
}

impl Var {
    /// [`scaled_dot_product_attention`](Var::scaled_dot_product_attention) in tiles, with memory that grows with the length of the sequences instead of its
    /// square. The scale is 1/√(width of keys) by default; with `causal`, query i looks at the keys up to i only.
    ///
    /// Shapes: `[…, l, d]`, keys `[…, s, d]`, values `[…, s, e]` → `[…, l, e]`. What stands before broadcasts.
    ///
    /// Its gradient makes the scores again, tile by tile. Gradients that are to be differentiated again hold all scores.
    ///
    /// Source: Dao, Fu, Ermon, Rudra and Ré, FlashAttention, 2022; Milakov and Gimelshein, Online normalizer calculation for softmax, 2018.
    ///
    /// # Panics
    /// When shapes or types do not fit, or there are no keys.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Rng, Tensor};
    /// let mut rng = Rng::seed(0);
    /// let [q, k, v] = [300, 400, 400].map(|n| Var::leaf(Tensor::randn(&mut rng, [2, n, 8], DType::F64)));
    /// let y = q.flash_attention(&k, &v, false, None);
    /// let plain = (q.matmul(&k.t()) / 8f64.sqrt()).softmax(-1).matmul(&v);
    /// assert!(y.value().allclose(plain.value(), 1e-10, 1e-10));
    /// ```
    #[track_caller]
    pub fn flash_attention(&self, key: &Var, value: &Var, causal: bool, scale: Option<f64>) -> Var {
        tiled(self, key, value, causal, scale, TILE)
    }
}

#[track_caller]
fn tiled(query: &Var, key: &Var, value: &Var, causal: bool, scale: Option<f64>, tile: usize) -> Var {
    let batch = expect("flash_attention", query, key, value);
    let (l, s, e) = (query.size(-2), key.size(-2), value.size(-1));
    assert!(s > 0, "flash_attention: there are no keys (shape {})", key.to_shape());
    let shape: Shape = batch.iter().copied().chain([l, e]).collect();
    if batch.count() * l == 0 {
        return query.sum_axes(&[-1], true).broadcast_to(shape);
    }
    let flat = |x: &Var| {
        let last = &x.shape()[x.rank() - 2..];
        let full: Shape = batch.iter().chain(last).copied().collect();
        x.broadcast_to(full).reshape([batch.count(), last[0], last[1]])
    };
    let scale = scale.unwrap_or_else(|| usual_scale(query));
    let y = Flash { causal, scale, tile }.apply([&flat(query), &flat(key), &flat(value)]);
    y.narrow(2, 0, e).reshape(shape)
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[Declaration::new(
    Family::Composite,
    "flash_attention",
    "nn.functional.scaled_dot_product_attention",
    "softmax(q·kᵀ/√d)·v, in tiles",
    "weights made again: wᵀ·g, …",
    |d| {
        // A query with one key, the first of a causal order, has gradient 0, which several values per key would blur by rounding.
        let (causal, tile) = (d.flag(), d.range(1, 2));
        let inputs = operands(d, 2, if causal { 1 } else { 2 });
        let source = format!("tiled(&x[0], &x[1], &x[2], {causal}, None, {tile})");
        Sample::new(inputs, source, move |x| tiled(&x[0], &x[1], &x[2], causal, None, tile))
    },
)];

#[cfg(test)]
mod tests {
    use super::*;
    use chainrule_tensor::{DType, Rng};

    #[test]
    fn tiles_agree_with_the_whole() {
        let mut rng = Rng::seed(5);
        for (causal, tile) in [(false, 4), (true, 4), (true, 3), (false, 64)] {
            let [q, k, v] =
                [[2, 7, 3], [2, 11, 3], [2, 11, 2]].map(|s| Var::leaf(Tensor::randn(&mut rng, s, DType::F64)));
            let op = || Flash { causal, scale: 0.6, tile };
            let g = Tensor::randn(&mut rng, [2, 7, 3], DType::F64);
            let whole = op().composite(&q, &k, &v);
            let tiles = op().apply([&q, &k, &v]);
            assert!(tiles.value().allclose(whole.value(), 1e-12, 1e-12));
            let [a, b] = [tiles, whole].map(|y| y.backward_from(&g));
            for x in [&q, &k, &v] {
                assert!(a[x].allclose(&b[x], 1e-12, 1e-12));
            }
        }
    }
}
