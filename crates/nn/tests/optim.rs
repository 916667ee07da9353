//! What optimisers do to whom, and when they refuse.

#[macro_use]
mod common;

use std::sync::Arc;
use std::thread;

use chainrule_autodiff::{Gradients, Var};
use chainrule_nn::*;
use chainrule_tensor::{DType, Rng, Tensor, tensor};
use common::{noise, same};

type Model = (Linear, Tanh, Linear);

fn model(seed: u64) -> Model {
    let mut rng = Rng::seed(seed);
    (Linear::new(3, 8, &mut rng), Tanh, Linear::new(8, 2, &mut rng))
}

fn gradients(model: &impl Layer, seed: u64) -> Gradients {
    model.forward(&noise(seed, [16, 3])).square().mean().backward()
}

fn optimisers() -> Vec<Box<dyn Optimizer>> {
    vec![
        Box::new(Sgd::new(0.1)),
        Box::new(Sgd::new(0.1).momentum(0.9).nesterov().weight_decay(0.01)),
        Box::new(Adam::new(0.01).weight_decay(0.01)),
        Box::new(AdamW::new(0.01)),
    ]
}

#[test]
fn training_lowers_the_loss_and_two_runs_agree_to_the_bit() {
    for (mut first, mut second) in optimisers().into_iter().zip(optimisers()) {
        let (mut a, mut b) = (model(0), model(0));
        let loss = |model: &Model| model.frozen().forward(&noise(9, [64, 3])).square().mean().item();
        let before = loss(&a);
        for t in 0..50 {
            let (from_a, from_b) = (gradients(&a, t), gradients(&b, t));
            first.step(&mut a, &from_a);
            second.step(&mut b, &from_b);
        }
        assert!(loss(&a) < 0.5 * before, "{} → {}", before, loss(&a));
        assert!(same(&a, &b));
    }
}

#[test]
fn frozen_parts_are_passed_over() {
    for mut optimizer in optimisers() {
        let mut model = model(0);
        model.0.freeze();
        let before = model.clone();
        for t in 0..3 {
            let gradients = gradients(&model, t);
            optimizer.step(&mut model, &gradients);
        }
        assert!(same(&model.0, &before.0) && !same(&model.2, &before.2));
        assert!(!model.0.weight.is_tracked() && optimizer.state().keys().all(|key| key.starts_with("2.")));

        // Thawed, the part starts with a first step of its own.
        model.0.thaw();
        let gradients = gradients(&model, 3);
        optimizer.step(&mut model, &gradients);
        let state = optimizer.state();
        assert_eq!((state["0.weight.step"].item(), state["2.weight.step"].item()), (1.0, 4.0));
    }
}

#[test]
fn a_part_can_have_an_optimiser_of_its_own() {
    let mut model = model(0).with_names();
    let before = model.clone();
    let gradients = gradients(&model, 0);
    Sgd::new(0.0).step(&mut model.0, &gradients);
    Sgd::new(0.1).step(&mut model.2, &gradients);
    assert!(same(&model.0, &before.0) && !same(&model.2, &before.2));
    assert_eq!(model.2.weight.name(), Some("2.weight"), "the longer name stays");
}

#[test]
fn a_missing_gradient_is_an_error_unless_allowed() {
    for mut optimizer in optimisers() {
        let mut model = model(0);
        let before = model.clone();
        let only_first = model.0.forward(&noise(0, [4, 3])).sum().backward();
        let message = common::panic_of(|| optimizer.step(&mut model, &only_first)).message;
        assert!(message.starts_with("step: no gradient reached \"2.weight\", \"2.bias\";"), "{message}");
        assert!(same(&model, &before) && optimizer.state().is_empty(), "nothing was changed");
    }
    let (mut first, mut sgd) = (model(0), Sgd::new(0.1));
    let only_first = first.0.forward(&noise(0, [4, 3])).sum().backward();
    assert_misuse!(sgd.step(&mut first, &only_first), "2.weight", "allow_missing");

    let mut model = model(0);
    let before = model.clone();
    let only_first = model.0.forward(&noise(0, [4, 3])).sum().backward();
    Adam::new(0.1).allow_missing().step(&mut model, &only_first);
    assert!(!same(&model.0, &before.0) && same(&model.2, &before.2));
}

#[test]
fn a_step_that_could_change_nothing_is_an_error() {
    let (mut model, mut sgd) = (model(0), Sgd::new(0.1).allow_missing());
    let old = gradients(&model, 0);
    sgd.step(&mut model, &old);
    assert_misuse!(sgd.step(&mut model, &old), "none of the 4 gradients belongs", "one step");
    model.freeze();
    assert_misuse!(sgd.step(&mut model, &old), "every parameter is frozen");
    assert_misuse!(sgd.step(&mut Relu, &old), "no parameters");
}

#[test]
fn a_parameter_that_changed_its_shape_is_an_error() {
    let (mut x, mut adam) = (Var::leaf(tensor![1., 2.]), Adam::new(0.1));
    let g = x.square().sum().backward();
    adam.step(&mut x, &g);
    let mut y = Var::leaf(tensor![1., 2., 3.]);
    let g = y.square().sum().backward();
    assert_misuse!(adam.step(&mut y, &g), "changed since the last step", "f32 [3]", "f32 [2]");
    let mut z = Var::leaf(tensor![F64; 1., 2.]);
    let g = z.square().sum().backward();
    assert_misuse!(adam.step(&mut z, &g), "f64 [2]");
}

#[test]
fn hyperparameters_are_checked() {
    assert_misuse!(Sgd::new(-0.1), "learning rate", "-0.1");
    assert_misuse!(Adam::new(f64::NAN), "learning rate", "NaN");
    assert_misuse!(Sgd::new(0.1).momentum(1.0), "momentum", "1");
    assert_misuse!(Adam::new(0.1).betas(0.9, 1.0), "betas");
    assert_misuse!(AdamW::new(0.1).weight_decay(f64::INFINITY), "weight decay");
    assert_misuse!(Adam::new(0.1).set_learning_rate(-1.0), "learning rate");
}

#[test]
fn parameters_are_updated_in_place() {
    for mut optimizer in optimisers() {
        let mut model = model(0);
        let memory =
            |model: &Model| model.parameters().iter().map(|(_, var)| var.value().memory_id()).collect::<Vec<_>>();
        let addresses = memory(&model);
        let state = |optimizer: &dyn Optimizer| {
            let state = optimizer.state().into_iter().filter(|(key, _)| !key.ends_with("step"));
            state.map(|(_, tensor)| tensor.memory_id()).collect::<Vec<_>>()
        };
        let mut states = Vec::new();
        for t in 0..3 {
            let gradients = gradients(&model, t);
            optimizer.step(&mut model, &gradients);
            states.push(state(&*optimizer));
        }
        assert_eq!(memory(&model), addresses);
        assert!(states.iter().all(|addresses| *addresses == states[0]));
    }
}

#[test]
fn halves_are_computed_in_single_precision() {
    for dtype in [DType::F16, DType::BF16] {
        let mut x = Var::leaf(tensor![F64; 1.0, -2.0, 0.5].cast(dtype));
        let mut single = Var::leaf(x.value().cast(DType::F32));
        let (mut a, mut b) = (Adam::new(0.125).eps(1e-3), Adam::new(0.125).eps(1e-3));
        let (g, h) = (x.square().sum().backward(), single.square().sum().backward());
        a.step(&mut x, &g);
        b.step(&mut single, &h);
        assert!(x.value().equal(&single.value().cast(dtype)));
        assert!(a.state()["m"].equal(&b.state()["m"].cast(dtype)) && a.state()["v"].dtype() == dtype);
    }
}

#[test]
fn empty_parameters_and_gradients_of_any_layout_are_fine() {
    let mut model = (Var::leaf(Tensor::zeros([0, 3], DType::F32)), Var::leaf(tensor![[1., 2.], [3., 4.]]));
    let weights = Var::constant(tensor![[1., 10.], [100., 1000.]]);
    let loss = (model.1.t() * &weights).sum() + model.0.sum();
    Sgd::new(1.0).step(&mut model, &loss.backward());
    assert_eq!(model.1.value().to_vec::<f32>(), [0., -98., -7., -996.]);
    // The gradient of a sum is one number, repeated; a parameter may be a view.
    let mut view = Var::leaf(tensor![[1., 2.], [3., 4.]].t());
    let gradients = view.sum().backward();
    Adam::new(1.0).step(&mut view, &gradients);
    assert!(view.value().allclose(&tensor![[0., 2.], [1., 3.]], 1e-5, 1e-5));
}

#[test]
fn a_model_is_shared_by_threads_and_their_gradients_add_up() {
    let model = Arc::new(model(0).to_dtype(DType::F64));
    let x = noise(1, [12, 3]).cast(DType::F64).value().clone();
    let loss = |model: &Model, x: &Tensor| model.forward(&Var::constant(x)).square().sum();
    let whole = loss(&model, &x).backward();
    let shards: Vec<_> = (0..3)
        .map(|i| {
            let (model, shard) = (model.clone(), x.narrow(0, 4 * i, 4));
            thread::spawn(move || loss(&model, &shard).backward())
        })
        .collect();
    let sum = shards.into_iter().map(|shard| shard.join().unwrap()).reduce(|a, b| a + b).unwrap();
    for (path, var) in model.parameters() {
        assert!(sum[var].allclose(&whole[var], 1e-12, 1e-12), "{path}");
    }
    let mut model = Arc::into_inner(model).unwrap();
    Sgd::new(0.1).step(&mut model, &sum);
}

#[test]
fn clipping_shortens_and_never_lengthens() {
    let model = model(0);
    let mut gradients = gradients(&model, 0);
    let before = gradients[&model.0.weight].clone();
    let norm = gradients.norm();
    let squares: f64 = model
        .parameters()
        .iter()
        .map(|(_, var)| (gradients[*var].to_f64_vec().iter().map(|g| g * g)).sum::<f64>())
        .sum();
    assert!((norm - squares.sqrt()).abs() < 1e-6 * norm);
    assert_eq!(gradients.clip_norm(2.0 * norm), norm);
    assert!(gradients[&model.0.weight].same_bits(&before));
    gradients.clip_norm(norm / 4.0);
    assert!(gradients[&model.0.weight].allclose(&(&before * 0.25), 1e-5, 0.0));
    assert!((gradients.norm() - norm / 4.0).abs() < 1e-6 * norm);
    gradients.clip_value(1e-3);
    assert!(gradients[&model.0.weight].to_vec::<f32>().iter().all(|g| g.abs() <= 1e-3));

    let x = Var::leaf(tensor![1., 2.]);
    let mut bad = (&x * Var::constant(tensor![f32::INFINITY, 1.])).sum().backward();
    assert_eq!(bad.clip_norm(1.0), f64::INFINITY);
    assert_eq!(bad[&x].to_vec::<f32>(), [f32::INFINITY, 1.0]);
    bad.clip_value(5.0);
    assert_eq!(bad[&x].to_vec::<f32>(), [5.0, 1.0]);
    assert_misuse!(bad.clip_norm(-1.0), "clip_norm");
    assert_misuse!(bad.clip_value(f64::NAN), "clip_value");
}
