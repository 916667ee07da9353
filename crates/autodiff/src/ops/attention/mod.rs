//! Attention: each query takes a mean of values, weighted by how well their keys go with it.
//!
//! - this file: the plain formula, with masks and dropout.
//! - [`flash`]: the same strip by strip, without ever holding all weights.
//! - [`heads`]: several attentions side by side, between projections.
//! - [`rope`]: positions as rotations.
//! - [`linear`]: attention whose cost grows with the length instead of its square.

pub mod flash;
pub mod heads;
pub mod linear;
pub mod rope;

pub use heads::Projections;

use chainrule_tensor::{Comparison, DType, Rng, Shape, Tensor, broadcast_shapes};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

/// Which keys a query may look at, or how much it is inclined to. Broadcast to `[…, queries, keys]`.
#[derive(Clone, Debug)]
pub enum AttentionMask {
    /// `bool`: true where it may. A query that may look at no key gets 0.
    Allowed(Tensor),
    /// Real: added to the scores.
    Bias(Var),
}

/// Options of [`Var::scaled_dot_product_attention_with`].
///
/// ```
/// use chainrule_autodiff::ops::attention::Attention;
/// let options = Attention { causal: true, ..Default::default() };
/// assert!(options.mask.is_none());
/// ```
#[derive(Debug, Default)]
pub struct Attention<'a> {
    /// Which keys a query may look at.
    pub mask: Option<AttentionMask>,
    /// Whether query i may look at the keys up to i only.
    pub causal: bool,
    /// What becomes of the weights: [`Var::dropout`].
    pub dropout: Option<(f64, &'a mut Rng)>,
    /// What scores are multiplied by; 1/√(width of keys) by default.
    pub scale: Option<f64>,
    /// Whether several heads of queries (axis −3) share one of keys and values.
    pub grouped: bool,
}

impl Var {
    /// Attention of this variable, the queries, to keys and values: softmax(q·kᵀ/√d)·v.
    ///
    /// Shapes: `[…, l, d]`, keys `[…, s, d]`, values `[…, s, e]` → `[…, l, e]`. What stands before broadcasts.
    ///
    /// Without mask and dropout it is computed strip by strip; see [`flash_attention`](Var::flash_attention).
    ///
    /// Source: Vaswani et al., Attention is all you need, 2017.
    ///
    /// # Panics
    /// When shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let query = Var::leaf(tensor![[0., 100.]]);
    /// let key = Var::leaf(tensor![[1., 0.], [0., 1.]]);
    /// let value = Var::leaf(tensor![[3.], [7.]]);
    /// assert_eq!(query.scaled_dot_product_attention(&key, &value).item(), 7.0);
    /// ```
    #[track_caller]
    pub fn scaled_dot_product_attention(&self, key: &Var, value: &Var) -> Var {
        self.scaled_dot_product_attention_with(key, value, Attention::default())
    }

    /// [`scaled_dot_product_attention`](Var::scaled_dot_product_attention) with a mask, dropout of weights, another scale, or shared heads.
    ///
    /// # Panics
    /// As `scaled_dot_product_attention`; and when the mask does not broadcast, both a mask and `causal` are given, or heads cannot be shared evenly.
    #[track_caller]
    pub fn scaled_dot_product_attention_with(&self, key: &Var, value: &Var, options: Attention) -> Var {
        let Attention { mask, causal, dropout, scale, grouped } = options;
        let op = "scaled_dot_product_attention";
        assert!(!(causal && mask.is_some()), "{op}: causal is a mask already; give one of the two");
        let [key, value] = if grouped { [key, value].map(|x| shared(self, x)) } else { [key.clone(), value.clone()] };
        expect(op, self, &key, &value);
        let scale = scale.unwrap_or_else(|| usual_scale(self));
        if mask.is_none() && dropout.is_none() {
            return self.flash_attention(&key, &value, causal, Some(scale));
        }
        let mut weights = weights(self, &key, scale, mask.as_ref(), causal);
        if let Some((p, rng)) = dropout {
            weights = weights.dropout(p, rng);
        }
        weights.matmul(&value)
    }
}

/// Softmax of the scores, 0 for queries that may look at nothing.
#[track_caller]
fn weights(query: &Var, key: &Var, scale: f64, mask: Option<&AttentionMask>, causal: bool) -> Var {
    let scores = (query * scale).matmul(&key.t());
    let allowed = match mask {
        _ if causal => Some(triangle(scores.size(-2), scores.size(-1))),
        Some(AttentionMask::Allowed(allowed)) => Some(allowed.clone()),
        _ => None,
    };
    let scores = match (allowed, mask) {
        (Some(allowed), _) => {
            assert!(
                allowed.dtype() == DType::Bool,
                "scaled_dot_product_attention: a mask of what is allowed holds bool, got {}; add others as Bias",
                allowed.dtype()
            );
            let lowest = Var::constant(Tensor::scalar(f64::NEG_INFINITY, scores.dtype()));
            Var::choose(&allowed, &scores, &lowest)
        }
        (None, Some(AttentionMask::Bias(bias))) => scores + bias,
        _ => scores,
    };
    if scores.len() == 0 {
        return scores.softmax(-1);
    }
    let nothing = scores.value().max(&[-1], true).compare_scalar(Comparison::Eq, f64::NEG_INFINITY);
    if !nothing.to_vec::<bool>().contains(&true) {
        return scores.softmax(-1);
    }
    scores.masked_fill(&nothing, 0.0).softmax(-1).masked_fill(&nothing, 0.0)
}

/// Where the key is not after the query.
fn triangle(rows: usize, columns: usize) -> Tensor {
    let positions = |n: usize| Tensor::from((0..n as i64).collect::<Vec<_>>());
    positions(rows).unsqueeze(1).compare(Comparison::Ge, &positions(columns).unsqueeze(0))
}

/// Each head of keys or values, repeated for the heads of queries that share it.
#[track_caller]
fn shared(query: &Var, x: &Var) -> Var {
    let op = "scaled_dot_product_attention";
    assert!(
        query.rank() >= 3 && x.rank() >= 3,
        "{op}: heads are shared along axis -3; got shapes {} and {}",
        query.to_shape(),
        x.to_shape()
    );
    let (heads, of) = (x.size(-3), query.size(-3));
    assert!(heads > 0 && of.is_multiple_of(heads), "{op}: {of} heads of queries cannot share {heads} heads evenly");
    let mut wide: Shape = x.to_shape();
    let axis = x.rank() - 3;
    wide[axis] = of;
    let mut repeated = x.unsqueeze(-3).to_shape();
    repeated[axis + 1] = of / heads;
    x.unsqueeze(-3).broadcast_to(repeated).reshape(wide)
}

fn usual_scale(query: &Var) -> f64 {
    1.0 / (query.size(-1) as f64).sqrt()
}

/// Panics where shapes do not fit; returns that of what stands before the last two axes.
#[track_caller]
fn expect(op: &str, query: &Var, key: &Var, value: &Var) -> Shape {
    let shapes = [query, key, value].map(Var::to_shape);
    let fits =
        shapes.iter().all(|shape| shape.len() >= 2) && query.size(-1) == key.size(-1) && key.size(-2) == value.size(-2);
    let [q, k, v] = &shapes;
    assert!(fits, "{op}: queries {q}, keys {k} and values {v} are not […, l, d], […, s, d] and […, s, e]");
    let before = |shape: &Shape| Shape::from(&shape[..shape.len() - 2]);
    let both = broadcast_shapes(&before(q), &before(k)).and_then(|both| broadcast_shapes(&both, &before(v)));
    let Some(both) = both else { panic!("{op}: the axes before the last two of {q}, {k} and {v} do not broadcast") };
    both
}

/// Queries, at least so many keys, and at most so many values per key, for a small batch.
fn operands(d: &mut Draw, keys: usize, values: usize) -> [Tensor; 3] {
    let batch = if d.flag() { vec![] } else { vec![d.range(1, 2)] };
    let (l, s, width, e) = (d.range(1, 3), d.range(keys, 3), d.range(1, 2), d.range(1, values));
    let shape = |n: usize, width: usize| [&batch[..], &[n, width]].concat();
    [d.tensor(&shape(l, width), -1.0, 1.0), d.tensor(&shape(s, width), -1.0, 1.0), d.tensor(&shape(s, e), -1.0, 1.0)]
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "scaled_dot_product_attention",
        "nn.functional.scaled_dot_product_attention",
        "softmax(q·kᵀ/√d)·v",
        "of its parts",
        |d| {
            Sample::new(operands(d, 1, 2), "x[0].scaled_dot_product_attention(&x[1], &x[2])", |x| {
                x[0].scaled_dot_product_attention(&x[1], &x[2])
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "scaled_dot_product_attention_with",
        "nn.functional.scaled_dot_product_attention",
        "the same, masked, with dropout",
        "of its parts",
        |d| {
            let mut inputs = operands(d, 1, 2).to_vec();
            let (l, s) = (inputs[0].size(-2), inputs[1].size(-2));
            let scale = d.pick(&[None, Some(0.7)]);
            let (kind, dropout) = (d.below(4), d.flag());
            let allowed = d.mask(&[l, s]);
            if kind == 3 {
                inputs.push(d.tensor(&[l, s], -1.0, 1.0));
            }
            let source = format!(
                "x[0].scaled_dot_product_attention_with(&x[1], &x[2], Attention {{ scale: {scale:?}, {} }})",
                ["", "causal", &format!("mask: Allowed({:?})", allowed.to_vec::<bool>()), "mask: Bias(x[3])"][kind]
            );
            Sample::new(inputs, source, move |x| {
                let mask = match kind {
                    2 => Some(AttentionMask::Allowed(allowed.clone())),
                    3 => Some(AttentionMask::Bias(x[3].clone())),
                    _ => None,
                };
                let mut rng = Rng::seed(1);
                let dropout = dropout.then_some((0.3, &mut rng));
                let options = Attention { mask, causal: kind == 1, dropout, scale, grouped: false };
                x[0].scaled_dot_product_attention_with(&x[1], &x[2], options)
            })
        },
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use chainrule_tensor::tensor;

    #[test]
    fn a_query_that_may_look_at_nothing_gets_nothing() {
        let [q, k, v] = [tensor![[1.], [2.]], tensor![[3.], [4.]], tensor![[5.], [6.]]].map(Var::leaf);
        let mask = Some(AttentionMask::Allowed(tensor![[false, false], [false, true]]));
        let y = q.scaled_dot_product_attention_with(&k, &v, Attention { mask, ..Default::default() });
        assert_eq!(y.value().to_vec::<f32>(), [0., 6.]);
        let gradients = y.sum().backward();
        assert!([&q, &k].iter().all(|&x| gradients[x].to_vec::<f32>() == [0., 0.]));
        assert_eq!(gradients[&v].to_vec::<f32>(), [0., 1.]);
    }

    #[test]
    fn shared_heads_are_heads_repeated() {
        let mut rng = Rng::seed(0);
        let mut random = |shape: &[usize]| Var::leaf(Tensor::randn(&mut rng, shape, DType::F64));
        let (q, k, v) = (random(&[2, 6, 3, 4]), random(&[2, 2, 5, 4]), random(&[2, 2, 5, 1]));
        let y = q.scaled_dot_product_attention_with(&k, &v, Attention { grouped: true, ..Default::default() });
        let head = |x: &Var, i: isize| x.select(1, i);
        for i in 0..6 {
            let alone = head(&q, i).scaled_dot_product_attention(&head(&k, i / 3), &head(&v, i / 3));
            assert!(head(&y, i).value().allclose(alone.value(), 1e-12, 1e-12));
        }
    }
}
