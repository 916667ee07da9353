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

/// Two layers of recurrent cells in both directions over 37 samples: states, and gradients of everything.
fn recurrent(threads: usize) -> Vec<Tensor> {
    set_threads(threads).unwrap();
    let rng = &mut Rng::seed(6);
    let options = Recurrent { layers: 2, bidirectional: true, ..Default::default() };
    let x = Var::leaf(normal(rng, &[9, 37, 20]));
    let mut found = Vec::new();
    macro_rules! layers {
        ($($layer:ident)*) => {$(
            let layer = $layer::with(20, 48, options, rng);
            let y = layer.forward(&x);
            found.push(y.value().clone());
            let gradients = y.square().mean().backward();
            found.push(gradients[&x].clone());
            for cell in &layer.cells {
                found.extend([&cell.weight_ih, &cell.weight_hh].map(|w| gradients[w].clone()));
                found.extend([&cell.bias_ih, &cell.bias_hh].map(|b| gradients[b.as_ref().unwrap()].clone()));
            }
        )*};
    }
    layers!(Rnn RnnRelu Gru Lstm);
    found
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
    let one = recurrent(1);
    for threads in [2, 8, 3] {
        for (i, (a, b)) in recurrent(threads).iter().zip(&one).enumerate() {
            assert_eq!(a.to_vec::<f32>(), b.to_vec::<f32>(), "result {i} with {threads} threads");
        }
    }
}
