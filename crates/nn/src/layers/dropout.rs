//! The dropout layer.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use chainrule_autodiff::Var;
use chainrule_tensor::Rng;

use crate::Module;
use crate::layer::Layer;
use crate::part::Mode;

/// In training, each number 0 with probability `p`, else divided by 1 − p; in inference, the input as it is. Which it is, the
/// field `mode` says; see [`Module::set_mode`] and [`Module::frozen`].
///
/// The layer draws from a stream of its own, each call from another place of it: the n-th call drops the same numbers in every run. A clone
/// goes on from where the original is.
///
/// Source: Srivastava et al., Dropout, 2014.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Dropout, Layer, Module};
/// use chainrule_tensor::{DType, Rng, Tensor};
/// let dropout = Dropout::new(0.5, &mut Rng::seed(0));
/// let x = Var::constant(Tensor::ones([100], DType::F32));
/// assert!(dropout.forward(&x).value().to_vec::<f32>().contains(&0.0));
/// assert!(dropout.frozen().forward(&x).value().equal(x.value()));
/// ```
#[derive(Debug, Module)]
#[module(crate = crate)]
pub struct Dropout {
    /// The probability of being dropped.
    pub p: f64,
    /// Whether anything is dropped at all.
    pub mode: Mode,
    seed: u64,
    #[module(skip)]
    calls: AtomicU64,
}

impl Dropout {
    /// A layer that drops with probability `p`, and whose stream is seeded from `rng`.
    ///
    /// # Panics
    /// When `p` is no probability.
    #[track_caller]
    pub fn new(p: f64, rng: &mut Rng) -> Dropout {
        assert!((0.0..=1.0).contains(&p), "Dropout: {p} is no probability (0 to 1)");
        Dropout { p, mode: Mode::Training, seed: rng.next_u64(), calls: AtomicU64::new(0) }
    }

    /// The random numbers of the next call; none where nothing is dropped.
    pub(crate) fn noise(&self) -> Option<Rng> {
        if self.mode == Mode::Inference || self.p == 0.0 {
            return None;
        }
        Some(Rng::seed(self.seed.wrapping_add(self.calls.fetch_add(1, Ordering::Relaxed))))
    }
}

impl Clone for Dropout {
    fn clone(&self) -> Dropout {
        let calls = AtomicU64::new(self.calls.load(Ordering::Relaxed));
        Dropout { p: self.p, mode: self.mode, seed: self.seed, calls }
    }
}

impl fmt::Display for Dropout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dropout({})", self.p)
    }
}

impl Layer for Dropout {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        match self.noise() {
            Some(mut noise) => x.dropout(self.p, &mut noise),
            None => x.clone(),
        }
    }
}
