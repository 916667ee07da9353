//! Training is the same, bit for bit, with any number of threads and in every run.

#[path = "../benches/workloads/models.rs"]
mod models;

use chainrule::prelude::*;
use chainrule::tensor::parallel::set_threads;
use models::Training;

fn normal(rng: &mut Rng, shape: &[usize]) -> Tensor {
    Tensor::randn(rng, shape, DType::F32)
}

type Model = fn(&mut Rng) -> Training;

/// The losses of the first steps. Each depends on all that came before, to the last bit of every parameter.
fn losses(model: Model, threads: usize) -> [u64; 4] {
    set_threads(threads).unwrap();
    let mut step = model(&mut Rng::seed(5));
    std::array::from_fn(|_| step().to_bits())
}

#[test]
fn any_number_of_threads_in_every_run() {
    let models: [(&str, Model); 5] = [
        ("mlp", |rng| models::mlp(rng, &[784, 128, 10], 64)),
        ("mlp_big", |rng| models::mlp(rng, &[784, 1024, 1024, 10], 256)),
        ("cnn", models::cnn),
        ("lstm", models::lstm),
        ("gpt", models::gpt),
    ];
    for (name, model) in models {
        let one = losses(model, 1);
        assert!(one[0] != one[3], "{name} does not learn");
        for threads in [2, 8, 2] {
            assert_eq!(losses(model, threads), one, "{name} with {threads} threads");
        }
    }
}
