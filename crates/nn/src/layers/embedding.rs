//! The embedding layer.

use std::fmt;

use chainrule_autodiff::Var;
use chainrule_tensor::{DType, Rng, Tensor};

use crate::Module;
use crate::layer::Layer;

/// A table with one row of numbers for each word.
///
/// Shapes: `[…]` of `i64` → `[…, width]`; parameter `weight` `[words, width]`, from the standard normal distribution at first.
///
/// ```
/// use chainrule_nn::Embedding;
/// use chainrule_tensor::{tensor, Rng};
/// let words = Embedding::new(1000, 16, &mut Rng::seed(0));
/// let y = words.lookup(&tensor![[3, 1, 3], [0, 999, 2]]);
/// assert_eq!(y.shape(), [2, 3, 16]);
/// assert_eq!(y.sum().backward()[&words.weight].at::<f32>(&[3, 0]), 2.0);
/// ```
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct Embedding {
    /// `[words, width]`
    pub weight: Var,
}

impl Embedding {
    /// A table of so many words, each a row of `width` random numbers.
    #[track_caller]
    pub fn new(words: usize, width: usize, rng: &mut Rng) -> Embedding {
        Embedding { weight: Var::leaf(Tensor::randn(rng, [words, width], DType::F32)).named("weight") }
    }

    /// The rows of the words with these numbers.
    ///
    /// # Panics
    /// When a number is not that of a word, or not `i64`.
    #[track_caller]
    pub fn lookup(&self, words: &Tensor) -> Var {
        assert!(
            words.dtype() == DType::I64,
            "{self}: words are numbered by i64, got {}; convert them with .cast(DType::I64)",
            words.dtype()
        );
        let count = self.weight.size(0) as i64;
        if let Some(word) = words.to_vec::<i64>().into_iter().find(|word| !(0..count).contains(word)) {
            panic!("{self}: there is no word {word}; they are numbered from 0 to {}", count - 1);
        }
        self.weight.embedding(words)
    }
}

impl fmt::Display for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Embedding({} × {})", self.weight.size(0), self.weight.size(1))
    }
}

/// For a constant of `i64`: [`Embedding::lookup`].
impl Layer for Embedding {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        self.lookup(x.value())
    }
}
