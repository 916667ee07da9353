//! Models made of layers, checked as wholes: every parameter of a small convolutional network and of a classifier.

use chainrule::prelude::*;
use chainrule_check::{Verdict, check_model};

fn checked<M: Module + Clone>(model: &M, loss: impl Fn(&M) -> Var) -> Verdict {
    let model = model.to_dtype(DType::F64);
    check_model(model.parameters(), |p| loss(&model.with_parameters(p)))
}

#[test]
fn a_classifier() {
    let mut rng = Rng::seed(0);
    let model = (Linear::new(5, 8, &mut rng), LayerNorm::new([8]), Linear::new(8, 3, &mut rng));
    let x = Var::constant(Tensor::randn(&mut rng, [6, 5], DType::F64));
    let labels = Tensor::randint(&mut rng, [6], 0, 3);
    checked(&model, |m| m.2.forward(&m.1.forward(&m.0.forward(&x)).tanh()).cross_entropy(&labels)).assert();
}

#[test]
fn a_convolutional_network() {
    let mut rng = Rng::seed(0);
    let model = (Conv2d::new(1, 3, 3, &mut rng), Linear::new(12, 2, &mut rng));
    let x = Var::constant(Tensor::randn(&mut rng, [2, 1, 6, 6], DType::F64));
    let labels = Tensor::randint(&mut rng, [2], 0, 2);
    let loss = |m: &(Conv2d, Linear)| {
        let hidden = m.0.forward(&x).relu().max_pool(&[2, 2], &Window::new(2).stride(&[2, 2]));
        m.1.forward(&hidden.flatten(1, -1)).cross_entropy(&labels)
    };
    checked(&model, loss).assert();
}
