//! Attention whose cost grows with the length of sequences instead of its square.

use super::{expect, operands};
use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

impl Var {
    /// Attention with weights φ(q)·φ(k) in place of a softmax, where φ(x) = elu(x) + 1: the sum over keys is made once for all queries.
    ///
    /// Shapes: `[…, l, d]`, keys `[…, s, d]`, values `[…, s, e]` → `[…, l, e]`. What stands before broadcasts.
    ///
    /// Source: Katharopoulos, Vyas, Pappas and Fleuret, Transformers are RNNs, 2020.
    ///
    /// # Panics
    /// When shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (q, k) = (Var::leaf(tensor![[1.]]), Var::leaf(tensor![[0.], [1.]]));
    /// let y = q.linear_attention(&k, &Var::leaf(tensor![[3.], [6.]])); // weights 2·1 and 2·2
    /// assert_eq!(y.item(), 5.0);
    /// ```
    #[track_caller]
    pub fn linear_attention(&self, key: &Var, value: &Var) -> Var {
        expect("linear_attention", self, key, value);
        let feature = |x: &Var| x.elu(1.0) + 1.0;
        let (q, k) = (feature(self), feature(key));
        let sums = k.sum_axes(&[-2], true); // […, 1, d]
        q.matmul(&k.t().matmul(value)) / (q * sums).sum_axes(&[-1], true)
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[Declaration::new(
    Family::Composite,
    "linear_attention",
    "",
    "φ(q)·(φ(k)ᵀ·v) / φ(q)·Σφ(k)",
    "of its parts",
    |d| Sample::new(operands(d, 1, 2), "x[0].linear_attention(&x[1], &x[2])", |x| x[0].linear_attention(&x[1], &x[2])),
)];
