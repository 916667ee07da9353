//! Positions as rotations.

use chainrule_tensor::Tensor;

use crate::declare::{Declaration, Sample};
use crate::var::Var;

impl Var {
    /// Rotary position embedding: at position m, each pair (x₂ᵢ, x₂ᵢ₊₁) is turned by the angle m·`base`^(−2i/d), so that products of queries and keys
    /// depend on how far apart they are. Positions count from `start`; the base is usually 10 000.
    ///
    /// Shape: `[…, steps, d]` → the same.
    ///
    /// Source: Su et al., RoFormer, 2021.
    ///
    /// # Panics
    /// When there are fewer than two axes or d is odd.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![F64; [1., 0.], [1., 0.]]);
    /// let y = x.rope(0, 1e4);
    /// assert!(y.value().allclose(&tensor![F64; [1., 0.], [1f64.cos(), 1f64.sin()]], 1e-12, 0.0));
    /// ```
    #[track_caller]
    pub fn rope(&self, start: usize, base: f64) -> Var {
        assert!(
            self.rank() >= 2 && self.size(-1).is_multiple_of(2),
            "rope: the input needs shape […, steps, d] with an even d, got {}",
            self.to_shape()
        );
        let (steps, pairs) = (self.size(-2), self.size(-1) / 2);
        let angle = |i: usize| {
            let (step, pair) = (i / pairs, i % pairs);
            (start + step) as f64 * base.powf(-(pair as f64) / pairs as f64)
        };
        let table = |f: fn(f64) -> f64| {
            let numbers = (0..steps * pairs).map(|i| f(angle(i))).collect();
            Var::constant(Tensor::from_vec(numbers, [steps, pairs]).cast(self.dtype()))
        };
        let (cos, sin) = (table(f64::cos), table(f64::sin));
        let before = &self.shape()[..self.rank() - 1];
        let both = self.reshape([before, &[pairs, 2]].concat());
        let (a, b) = (both.select(-1, 0), both.select(-1, 1));
        let turned = Var::stack(&[&(&a * &cos - &b * &sin), &(a * sin + b * cos)], -1);
        turned.reshape(self.to_shape())
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[Declaration::linear(
    "rope",
    "torchtune.modules.RotaryPositionalEmbeddings",
    "pairs turned by the angle m·base^(-2i/d)",
    "pairs turned back",
    |d| {
        let shape = if d.flag() { vec![2, d.size(), 2 * d.range(1, 2)] } else { vec![d.size(), 2 * d.range(1, 2)] };
        let start = d.below(5);
        let source = format!("x[0].rope({start}, 100.0)");
        Sample::new([d.reals(&shape)], source, move |x| x[0].rope(start, 100.0))
    },
)];
