//! Dropout: noise that keeps units from relying on each other.

use chainrule_tensor::{Rng, Tensor};

use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

impl Var {
    /// Each element 0 with probability `p`, else divided by 1 − p, so that the mean stays.
    ///
    /// Source: Srivastava et al., Dropout, 2014.
    ///
    /// # Panics
    /// When `p` is no probability.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Rng, Tensor};
    /// let x = Var::constant(Tensor::ones([1000], DType::F32));
    /// let y = x.dropout(0.5, &mut Rng::seed(1));
    /// assert!(y.value().to_vec::<f32>().iter().all(|&v| v == 0.0 || v == 2.0));
    /// ```
    #[track_caller]
    pub fn dropout(&self, p: f64, rng: &mut Rng) -> Var {
        assert!((0.0..=1.0).contains(&p), "dropout: {p} is no probability (0 to 1)");
        let kept = Tensor::bernoulli(rng, self.shape(), 1.0 - p, self.dtype());
        self * Var::constant(if p < 1.0 { kept / (1.0 - p) } else { kept })
    }
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[Declaration::new(
    Family::Composite,
    "dropout",
    "nn.functional.dropout",
    "x · mask / (1 - p)",
    "g · mask / (1 - p)",
    |d| {
        let (shape, seed) = (d.shape(), d.below(100) as u64);
        let source = format!("x[0].dropout(0.4, &mut Rng::seed({seed}))");
        Sample::new([d.reals(&shape)], source, move |x| x[0].dropout(0.4, &mut Rng::seed(seed)))
    },
)];
