//! The models, as a user would write them.

use chainrule::prelude::*;

use crate::{Step, normal};

/// Linear layers of these sizes with ReLU between them.
pub fn mlp(rng: &mut Rng, sizes: &[usize], batch: usize) -> Step {
    let mut model = Sequential::new();
    for (i, pair) in sizes.windows(2).enumerate() {
        if i > 0 {
            model = model.add(Relu);
        }
        model = model.add(Linear::new(pair[0], pair[1], rng));
    }
    classifier(rng, model, &[batch, sizes[0]])
}

/// Two convolutions, a pool and two linear layers on pictures of 28 × 28.
pub fn cnn(rng: &mut Rng) -> Step {
    let model = sequential![
        Conv2d::new(1, 32, 3, rng).padding(1),
        Relu,
        Conv2d::new(32, 64, 3, rng).padding(1),
        Relu,
        MaxPool2d::new(2),
        Dropout::new(0.25, rng),
        Flatten,
        Linear::new(64 * 14 * 14, 128, rng),
        Relu,
        Linear::new(128, 10, rng),
    ];
    classifier(rng, model, &[64, 1, 28, 28])
}

/// One step of training a model to tell ten classes apart.
fn classifier(rng: &mut Rng, mut model: Sequential, input: &[usize]) -> Step {
    let x = Var::constant(normal(rng, input));
    let labels = Tensor::randint(rng, input[0], 0, 10);
    let mut adam = Adam::new(1e-3);
    Box::new(move || {
        let loss = model.forward(&x).cross_entropy(&labels);
        adam.step(&mut model, &loss.backward());
    })
}
