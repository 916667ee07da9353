//! Attention that holds no scores: they are made, used and forgotten strip by strip, and made again for the gradient.

use chainrule_tensor::{Attention, DType, Shape, Tensor};

use super::{expect, operands, usual_scale, weights};
use crate::answers::Answers;
use crate::backward::vjp;
use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// softmax(scale·q·kᵀ)·v of queries, keys and values with the same axes before the last two.
struct Flash {
    attention: Attention,
    answers: Answers,
}

/// The definition, which can be differentiated any number of times, and the oracle of the fast way.
fn composed(Attention { causal, scale }: Attention, [q, k, v]: [&Var; 3]) -> Var {
    weights(q, k, scale, None, causal).matmul(v)
}

impl Op<3> for Flash {
    fn name(&self) -> &'static str {
        "flash_attention"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, x: [&Tensor; 3]) -> Tensor {
        self.attention.forward(x)
    }
    fn backward(&self, wrt: usize, g: &Var, x: [&Var; 3], _: &Var) -> Var {
        if g.is_tracked() || x.iter().any(|x| x.is_tracked()) {
            return vjp(&composed(self.attention, x), &[x[wrt]], g).remove(0).expect("the output depends on all three");
        }
        let all = || self.attention.backward(x.map(Var::value), g.value()).map(Some).to_vec();
        Var::constant(self.answers.take(wrt, g.value(), all).expect("all three have a gradient"))
    }
}

/// Attention of a sequence to itself, from queries, keys and values that lie side by side: `[…, l, 3, heads, d]` → `[…, l, heads, d]`.
struct Joint {
    attention: Attention,
}

impl Op<1> for Joint {
    fn name(&self) -> &'static str {
        "self_attention"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        self.attention.forward_joint(x)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        if g.is_tracked() || x.is_tracked() {
            let parts = [0, 1, 2].map(|i| x.select(-3, i).transpose(-3, -2));
            let y = composed(self.attention, parts.each_ref()).transpose(-3, -2);
            return vjp(&y, &[x], g).remove(0).expect("the output depends on the input");
        }
        Var::constant(self.attention.backward_joint(x.value(), g.value()))
    }
}

impl Var {
    /// [`scaled_dot_product_attention`](Var::scaled_dot_product_attention) without mask or dropout, with memory that grows with the length of the
    /// sequences instead of its square. The scale is 1/√(width of keys) by default; with `causal`, query i looks at the keys up to i only.
    ///
    /// Shapes: `[…, l, d]`, keys `[…, s, d]`, values `[…, s, e]` → `[…, l, e]`. What stands before broadcasts.
    ///
    /// Its gradient makes the scores again, strip by strip. Gradients that are to be differentiated again hold all scores.
    ///
    /// Source: Dao, Fu, Ermon, Rudra and Ré, FlashAttention, 2022; Rabe and Staats, Self-attention does not need O(n²) memory, 2021.
    ///
    /// # Panics
    /// When shapes or types do not fit.
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
        let batch = expect("flash_attention", self, key, value);
        let attention = Attention { causal, scale: scale.unwrap_or_else(|| usual_scale(self)) };
        let (all, dtype) = ([self, key, value], self.dtype());
        if batch.count() == 0 || all.iter().any(|x| x.len() == 0 || x.dtype() != dtype) {
            return composed(attention, all);
        }
        if matches!(dtype, DType::F16 | DType::BF16) {
            let [q, k, v] = all.map(|x| x.cast(DType::F32));
            return q.flash_attention(&k, &v, causal, Some(attention.scale)).cast(dtype);
        }
        let full = |x: &Var| -> Var {
            let shape: Shape = batch.iter().chain(&x.shape()[x.rank() - 2..]).copied().collect();
            if shape[..] == *x.shape() { x.clone() } else { x.broadcast_to(shape) }
        };
        let all = all.map(full);
        Flash { attention, answers: Answers::default() }.apply(all.each_ref())
    }

    /// Attention of a sequence to itself by several heads, from queries, keys and values of all heads side by side, as one projection makes them: no
    /// head is cut out and none is put back. With `causal`, a position looks at those up to it only.
    ///
    /// Shape: `[…, l, 3·width]` → `[…, l, width]`. The first third of the last axis is the queries, head by head, then come the keys and the values.
    ///
    /// # Panics
    /// When there are fewer than two axes, or the last one does not divide evenly into three times `heads`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Rng, Tensor};
    /// let x = Var::leaf(Tensor::randn(&mut Rng::seed(0), [2, 7, 12], DType::F64));
    /// let [q, k, v] = [0, 4, 8].map(|from| x.narrow(-1, from, 4));
    /// assert!(x.self_attention(1, true).value().allclose(q.flash_attention(&k, &v, true, None).value(), 1e-12, 1e-12));
    /// ```
    #[track_caller]
    pub fn self_attention(&self, heads: usize, causal: bool) -> Var {
        assert!(self.rank() >= 2, "self_attention: needs a shape […, l, 3·width], got {}", self.to_shape());
        let last = self.size(-1);
        assert!(
            heads > 0 && last.is_multiple_of(3 * heads),
            "self_attention: a last axis of {last} (input {}) does not divide evenly into three times {heads} heads",
            self.to_shape()
        );
        let width = last / 3;
        let before = &self.shape()[..self.rank() - 1];
        let joint = self.reshape([before, &[3, heads, width / heads]].concat());
        let found = if matches!(self.dtype(), DType::F32 | DType::F64) && self.len() > 0 {
            let scale = 1.0 / ((width / heads) as f64).sqrt();
            Joint { attention: Attention { causal, scale } }.apply([&joint])
        } else {
            let [q, k, v] = [0, 1, 2].map(|i| joint.select(-3, i).transpose(-3, -2));
            q.flash_attention(&k, &v, causal, None).transpose(-3, -2)
        };
        found.reshape([before, &[width]].concat())
    }
}

/// One of two heads of a short sequence, alone or in a small batch.
fn joint(d: &mut Draw) -> Sample {
    let (heads, causal, l) = (d.range(1, 2), d.flag(), d.range(1, 3));
    let batch = if d.flag() { vec![] } else { vec![d.range(1, 2)] };
    let width = heads * d.range(1, 2);
    let x = d.tensor(&[&batch[..], &[l, 3 * width]].concat(), -1.0, 1.0);
    Sample::new([x], format!("x[0].self_attention({heads}, {causal})"), move |x| x[0].self_attention(heads, causal))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "flash_attention",
        "nn.functional.scaled_dot_product_attention",
        "softmax(q·kᵀ/√d)·v, strip by strip",
        "weights made again: wᵀ·g, …",
        |d| {
            // A query with one key, the first of a causal order, has gradient 0, which several values per key would blur by rounding.
            let causal = d.flag();
            let inputs = operands(d, 2, if causal { 1 } else { 2 });
            let source = format!("x[0].flash_attention(&x[1], &x[2], {causal}, None)");
            Sample::new(inputs, source, move |x| x[0].flash_attention(&x[1], &x[2], causal, None))
        },
    ),
    Declaration::new(
        Family::Composite,
        "self_attention",
        "nn.functional.scaled_dot_product_attention",
        "softmax(q·kᵀ/√d)·v of thirds",
        "as flash_attention",
        joint,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use chainrule_tensor::Rng;

    fn agree(fast: Var, slow: Var, inputs: &[&Var], rng: &mut Rng) {
        assert!(fast.value().allclose(slow.value(), 1e-12, 1e-12));
        let g = Tensor::randn(rng, fast.shape(), DType::F64);
        let [a, b] = [fast, slow].map(|y| y.backward_from(&g));
        for &x in inputs {
            assert!(a[x].allclose(&b[x], 1e-12, 1e-12));
        }
    }

    #[test]
    fn strips_agree_with_the_whole() {
        let mut rng = Rng::seed(5);
        for (causal, batch) in [(false, vec![]), (true, vec![2]), (true, vec![2, 3]), (false, vec![1, 3])] {
            for (l, s) in [(7, 11), (70, 70), (65, 33), (33, 65), (290, 290), (70, 900), (900, 70)] {
                let [q, k, v] = [[l, 3], [s, 3], [s, 2]]
                    .map(|last| Var::leaf(Tensor::randn(&mut rng, [&batch[..], &last].concat(), DType::F64)));
                let attention = Attention { causal, scale: 0.6 };
                let fast = q.flash_attention(&k, &v, causal, Some(0.6));
                agree(fast, composed(attention, [&q, &k, &v]), &[&q, &k, &v], &mut rng);
            }
        }
    }

    #[test]
    fn thirds_agree_with_parts() {
        let mut rng = Rng::seed(6);
        for (heads, shape) in [(1, vec![5, 12]), (2, vec![40, 12]), (2, vec![3, 40, 12]), (2, vec![1, 5, 12])] {
            let x = Var::leaf(Tensor::randn(&mut rng, &shape, DType::F64));
            let head = |third: usize| {
                let part = x.narrow(-1, 4 * third, 4);
                let cut = [&shape[..shape.len() - 1], &[heads, 4 / heads]].concat();
                part.reshape(cut).transpose(-3, -2)
            };
            let attention = Attention { causal: true, scale: ((heads as f64) / 4.0).sqrt() };
            let slow = composed(attention, [&head(0), &head(1), &head(2)]).transpose(-3, -2).flatten(-2, -1);
            agree(x.self_attention(heads, true), slow, &[&x], &mut rng);
        }
    }
}
