//! Every tensor operation against the plainest definition of it: loops over indices.
//!
//! Shapes, layouts, element types and arguments are random, but the same in every run. `PROPTEST_CASES` and
//! `PROPTEST_RNG_SEED` in the environment ask for more of them, or for others.

mod convolution;
mod elementwise;
mod indexing;
mod large;
mod linalg;
mod oracle;
mod products;
mod reductions;
mod reproducible;
mod resampling;
mod sampling;
mod views;

use std::env;

use chainrule_tensor::{DType, Rng};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const REALS: [DType; 4] = [DType::F32, DType::F64, DType::F16, DType::BF16];
const NUMBERS: [DType; 5] = [DType::F32, DType::F64, DType::F16, DType::BF16, DType::I64];
const DTYPES: [DType; 6] = [DType::F32, DType::F64, DType::F16, DType::BF16, DType::I64, DType::Bool];

fn config() -> ProptestConfig {
    let chosen = ProptestConfig::default();
    ProptestConfig {
        cases: if env::var_os("PROPTEST_CASES").is_some() { chosen.cases } else { 400 },
        rng_seed: if chosen.rng_seed == RngSeed::Random { RngSeed::Fixed(1) } else { chosen.rng_seed },
        failure_persistence: None,
        max_global_rejects: u32::MAX,
        ..chosen
    }
}

/// Shapes of up to `rank` axes.
fn shapes(rank: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop::sample::select(&[1, 2, 3, 5, 1, 2, 3, 5, 0][..]), 0..=rank)
}

fn of(dtypes: &'static [DType]) -> impl Strategy<Value = DType> {
    prop::sample::select(dtypes)
}

/// What is chosen at random inside a test: layouts and arguments.
fn choices() -> impl Strategy<Value = Choices> {
    any::<u64>().prop_map(|seed| Choices(Rng::seed(seed)))
}

#[derive(Clone, Debug)]
struct Choices(Rng);

impl Choices {
    /// A number from 0 to `n − 1`.
    fn below(&mut self, n: usize) -> usize {
        self.0.below(n)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// An axis of `rank`, counted from either end.
    fn axis(&mut self, rank: usize) -> (usize, isize) {
        let axis = self.below(rank);
        (axis, self.spelled(axis, rank))
    }

    fn spelled(&mut self, axis: usize, rank: usize) -> isize {
        if self.one_in(2) { axis as isize } else { axis as isize - rank as isize }
    }

    fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.0.shuffle(&mut order);
        order
    }

    /// Some of the axes, as sorted positions and as an argument, which names none when all are meant.
    fn axes(&mut self, rank: usize) -> (Vec<usize>, Vec<isize>) {
        let some: Vec<usize> = self.permutation(rank).into_iter().filter(|_| self.one_in(2)).collect();
        let named = some.iter().map(|&axis| self.spelled(axis, rank)).collect();
        let mut axes = if some.is_empty() { (0..rank).collect() } else { some };
        axes.sort_unstable();
        (axes, named)
    }
}
