//! Layers beyond the recorded numbers: misuse, statistics, randomness.

#[macro_use]
mod common;

use chainrule_autodiff::Var;
use chainrule_nn::init::{Fan, Gain};
use chainrule_nn::*;
use chainrule_tensor::{DType, Rng, Tensor, tensor};
use common::noise;

fn rng() -> Rng {
    Rng::seed(5)
}

#[test]
fn a_wrong_input_is_told_on_the_users_line() {
    let layer = Linear::new(784, 10, &mut rng());
    assert_misuse!(layer.forward(&noise(0, [64, 128])), "Linear(784 → 10)", "[…, 784]", "[64, 128]");
    assert_misuse!(layer.forward(&noise(0, [64, 28, 28])), ".flatten(1, -1)");
    assert_misuse!(layer.forward(&noise(0, [])), "Linear(784 → 10)", "[]");
    let double = noise(0, [2, 784]).cast(DType::F64);
    assert_misuse!(layer.forward(&double), "Linear(784 → 10)", ".cast(DType::F32)", ".to_dtype(DType::F64)");

    let conv = Conv2d::new(3, 8, 3, &mut rng()).padding(1);
    assert_misuse!(
        conv.forward(&noise(0, [2, 4, 8, 8])),
        "Conv2d(3 → 8, kernel [3, 3], padding [1, 1])",
        "[n, 3, height, width]"
    );
    assert_misuse!(conv.forward(&noise(0, [3, 8, 8])), ".unsqueeze(0)");
    assert_misuse!(Conv2d::new(1, 8, 3, &mut rng()).forward(&noise(0, [5, 8, 8])), ".unsqueeze(1)");
    assert_misuse!(Conv1d::new(3, 8, 9, &mut rng()).forward(&noise(0, [2, 3, 8])), "kernel is larger");
    assert_misuse!(Conv3d::new(3, 8, 1, &mut rng()).forward(&noise(0, [2, 3, 8])), "[n, 3, depth, height, width]");
    assert_misuse!(Conv2d::new(3, 8, 3, &mut rng()).groups(2), "3 and 8 channels", "2 groups");
    assert_misuse!(Conv2d::new(4, 8, 3, &mut rng()).groups(2).groups(2), "already has groups");
    assert_misuse!(Conv2d::new(4, 8, 3, &mut rng()).stride(0), "stride");

    assert_misuse!(BatchNorm::new(3).forward(&noise(0, [4, 5])), "BatchNorm(3)", "[n, 3, …]", "[4, 5]");
    assert_misuse!(BatchNorm::new(3).forward(&noise(0, [3])), "BatchNorm(3)");
    assert_misuse!(BatchNorm::new(3).momentum(1.5), "momentum");
    assert_misuse!(LayerNorm::new([2, 3]).forward(&noise(0, [4, 3])), "LayerNorm([2, 3])", "[4, 3]");
    assert_misuse!(LayerNorm::new([]), "LayerNorm");
    assert_misuse!(Dropout::new(1.5, &mut rng()), "Dropout", "1.5");
    assert_misuse!(MaxPool2d::new(2).forward(&noise(0, [4])), "MaxPool2d", "[4]");
    assert_misuse!(AvgPool2d::new([2, 0]), "pooling", "[2, 0]");
    assert_misuse!(MaxPool2d::new(5).forward(&noise(0, [1, 1, 4, 4])), "MaxPool2d(kernel [5, 5])", "[1, 1, 4, 4]");
    assert_misuse!(Flatten.forward(&noise(0, [4])), "Flatten");
    assert_misuse!(GroupNorm::new(3, 8), "GroupNorm", "8 channels", "3 groups");
    assert_misuse!(InstanceNorm::new(3).forward(&noise(0, [2, 4, 5])), "InstanceNorm(3)", "[n, 3, …]", "[2, 4, 5]");
    assert_misuse!(RmsNorm::new([3]).forward(&noise(0, [2, 4])), "rms_norm", "[2, 4]", "[3]");
    assert_misuse!(MultiheadAttention::new(8, 3, &mut rng()), "MultiheadAttention", "width of 8", "3 heads");
    assert_misuse!(Lstm::new(3, 4, &mut rng()).forward(&noise(0, [5, 2, 6])), "lstm", "width 6", "[16, 6]", "[16, 3]");
    let gru = Gru::new(3, 4, &mut rng());
    assert_misuse!(gru.run(&noise(0, [5, 2, 3]), Some(&noise(0, [2, 4]))), "gru", "[1, 2, 4]", "[2, 4]");
    assert_misuse!(gru.forward(&noise(0, [5, 2, 3]).cast(DType::F64)), "Gru(3 → 4)", ".cast(DType::F32)");
    let words = Embedding::new(5, 2, &mut rng());
    assert_misuse!(words.lookup(&tensor![0, 5]), "Embedding(5 × 2)", "no word 5", "0 to 4");
    assert_misuse!(words.lookup(&tensor![-1]), "no word -1");
    assert_misuse!(words.lookup(&tensor![1.]), "i64", "f32");
}

#[test]
fn layers_in_a_row_keep_the_users_line() {
    let x = noise(0, [2, 5]);
    let layers = || [Linear::new(4, 4, &mut rng()), Linear::new(4, 4, &mut rng())];
    let [a, b] = layers();
    assert_misuse!((a, Relu, b).forward(&x), "Linear(4 → 4)");
    assert_misuse!(layers().forward(&x), "Linear(4 → 4)");
    assert_misuse!(layers().to_vec().forward(&x), "Linear(4 → 4)");
    assert_misuse!(Box::new(layers()).forward(&x), "Linear(4 → 4)");
    let model = sequential![sequential![Relu], Linear::new(5, 4, &mut rng()), Linear::new(5, 4, &mut rng())];
    assert_misuse!(model.forward(&x), "Linear(5 → 4)", "[2, 4]");

    let model =
        sequential![Linear::new(5, 4, &mut rng()), Gelu, BatchNorm::new(4), LayerNorm::new(4), Softmax { axis: 1 }];
    let line = line!() + 1;
    let tape = model.forward(&x).tape();
    let here =
        |entry: &&std::sync::Arc<chainrule_autodiff::Node>| (entry.at().file(), entry.at().line()) == (file!(), line);
    assert_eq!(tape.iter().filter(|entry| !entry.is_leaf()).filter(here).count(), tape.len() - 6, "{tape}");
}

/// A layer of a user's, with lines of its own.
#[derive(Clone, Module)]
#[module(crate = chainrule_nn)]
struct Twice(Linear);

impl Layer for Twice {
    fn forward(&self, x: &Var) -> Var {
        let once = self.0.forward(x).relu();
        self.0.forward(&once) * 2.0
    }
}

#[test]
fn a_sequence_takes_anyones_layers_and_stays_a_module() {
    let mut model =
        sequential![Linear::new(3, 3, &mut rng()), Twice(Linear::new(3, 3, &mut rng())), Dropout::new(0.5, &mut rng())];
    assert_eq!(common::paths(&model), ["0.weight", "0.bias", "1.0.weight", "1.0.bias"]);
    let x = noise(0, [2, 3]);
    let (first, twice) = (model.get::<Linear>(0).unwrap(), model.get::<Twice>(1).unwrap());
    let by_hand = twice.forward(&first.forward(&x));
    assert!(model.frozen().forward(&x).value().same_bits(by_hand.value()));
    assert!(model.frozen().parameters().iter().all(|(_, var)| !var.is_tracked()));
    model.get_mut::<Linear>(0).unwrap().freeze();
    assert_eq!((model.summary().frozen(), model.len(), model.get::<Relu>(7)), (12, 3, None));
    assert!(Sequential::new().is_empty() && Sequential::new().forward(&x).value().same_bits(x.value()));
    assert!(format!("{model:?}").contains("1.0.weight"));
    fn shareable<T: Send + Sync + Clone + 'static>(_: &T) {}
    shareable(&model);
}

#[test]
fn batch_norm_needs_more_than_one_number_per_channel() {
    let norm = BatchNorm::new(2);
    assert_misuse!(norm.forward(&noise(0, [1, 2])), "BatchNorm(2)", "1 numbers per channel", "[1, 2]");
    assert_misuse!(norm.forward(&noise(0, [0, 2])), "0 numbers per channel");
    assert!(norm.running_mean.get().equal(&Tensor::zeros([2], DType::F32)), "nothing was remembered");
    assert_eq!(norm.forward(&noise(0, [1, 2, 3])).shape(), [1, 2, 3]);
    assert_eq!(norm.frozen().forward(&noise(0, [1, 2])).shape(), [1, 2]);
    assert_eq!(norm.frozen().forward(&noise(0, [0, 2])).shape(), [0, 2]);
}

#[test]
fn running_statistics_follow_the_batches_and_rest_in_inference() {
    let norm = BatchNorm::new(2).momentum(1.0);
    let x = noise(0, [50, 2, 3]);
    let y = norm.forward(&x);
    assert!(norm.running_mean.get().allclose(&x.value().mean(&[0, 2], false), 1e-5, 1e-6));
    let unbiased = x.var_axes(&[0, 2], 1.0, false);
    assert!(norm.running_var.get().allclose(unbiased.value(), 1e-4, 0.0));
    let again = norm.frozen().forward(&x);
    assert!(again.value().allclose(y.value(), 0.02, 0.02), "by the unbiased variance instead of the biased");

    let before = norm.clone();
    let frozen = norm.frozen();
    frozen.forward(&noise(1, [50, 2, 3]));
    assert!(common::same(&frozen, &before));
    norm.forward(&noise(1, [50, 2, 3]));
    assert!(!common::same(&norm, &before), "a clone has statistics of its own");
}

#[test]
fn statistics_survive_many_threads() {
    let norm = BatchNorm::new(1).momentum(0.5);
    let x = Var::constant(tensor![[1.], [3.]]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| drop(norm.forward(&x))));
        }
    });
    assert_eq!((norm.running_mean.get().item(), norm.running_var.get().item()), (2.0, 2.0));
}

#[test]
fn dropout_repeats_itself_from_run_to_run_and_not_from_call_to_call() {
    let x = Var::constant(Tensor::ones([10_000], DType::F32));
    let dropout = || Dropout::new(0.3, &mut Rng::seed(1));
    let (a, b) = (dropout(), dropout());
    let first = a.forward(&x);
    assert!(first.value().same_bits(b.forward(&x).value()));
    let clone = a.clone();
    let second = a.forward(&x);
    assert!(!second.value().equal(first.value()));
    assert!(second.value().same_bits(clone.forward(&x).value()), "a clone goes on from there");
    let kept = first.value().to_vec::<f32>().iter().filter(|&&v| v != 0.0).count() as f64 / 1e4;
    assert!((kept - 0.7).abs() < 0.02 && (first.mean().item() - 1.0).abs() < 0.02);

    let mut rng = Rng::seed(1);
    let (one, other) = (Dropout::new(0.3, &mut rng), Dropout::new(0.3, &mut rng));
    assert!(!one.forward(&x).value().equal(other.forward(&x).value()), "two layers drop different numbers");
    assert!(Dropout::new(0.0, &mut rng).forward(&x).value().same_bits(x.value()));
    assert_eq!(Dropout::new(1.0, &mut rng).forward(&x).sum().item(), 0.0);
}

/// Mean, standard deviation and the largest magnitude.
fn spread(t: &Tensor) -> (f64, f64, f64) {
    let x = t.to_f64_vec();
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / x.len() as f64;
    (mean, variance.sqrt(), x.iter().fold(0.0, |m: f64, x| m.max(x.abs())))
}

#[test]
fn initialisers_have_the_spread_they_promise() {
    let shape = [200, 50, 3, 2]; // fan in 300, fan out 1200
    let rng = &mut rng();
    let near = |a: f64, b: f64| (a - b).abs() < 0.02 * b;
    let cases: [(Tensor, f64, bool); 8] = [
        (init::xavier_uniform(shape, Gain::Linear, rng), (2f64 / 1500.0).sqrt(), true),
        (init::xavier_normal(shape, Gain::Tanh, rng), 5.0 / 3.0 * (2f64 / 1500.0).sqrt(), false),
        (init::kaiming_uniform(shape, Fan::In, Gain::Relu, rng), (2f64 / 300.0).sqrt(), true),
        (init::kaiming_uniform(shape, Fan::Out, Gain::LeakyRelu(0.5), rng), (1.6f64 / 1200.0).sqrt(), true),
        (init::kaiming_normal(shape, Fan::Out, Gain::Sigmoid, rng), (1f64 / 1200.0).sqrt(), false),
        (init::kaiming_normal(shape, Fan::In, Gain::Other(3.0), rng), 3.0 * (1f64 / 300.0).sqrt(), false),
        (init::uniform(shape, -2.0, 2.0, rng), 2.0 / 3f64.sqrt(), true),
        (init::normal(shape, 0.0, 0.7, rng), 0.7, false),
    ];
    for (i, (tensor, deviation, uniform)) in cases.iter().enumerate() {
        let (mean, found, largest) = spread(tensor);
        assert!(mean.abs() < 0.02 * deviation && near(found, *deviation), "case {i}: {mean} {found} {deviation}");
        let bound = deviation * 3f64.sqrt();
        assert!(
            if *uniform { largest <= bound * 1.000001 } else { largest > 1.5 * bound },
            "case {i}: {largest} {bound}"
        );
    }
    assert_eq!(init::zeros([2]).to_vec::<f32>(), [0., 0.]);
    assert_eq!(init::ones([2]).to_vec::<f32>(), [1., 1.]);
    assert_eq!(init::constant([2], 0.5).to_vec::<f32>(), [0.5, 0.5]);
    assert_misuse!(init::kaiming_normal([3], Fan::In, Gain::Relu, rng), "fans", "[3]");
}

#[test]
fn affine_layers_start_as_in_pytorch() {
    let bounded = |t: &Tensor, bound: f64| {
        let (mean, deviation, largest) = spread(t);
        assert!(largest <= bound * 1.000001 && largest > 0.9 * bound, "{largest} {bound}");
        assert!(mean.abs() < 0.2 * bound && (deviation * 3f64.sqrt() / bound - 1.0).abs() < 0.2);
    };
    let linear = Linear::new(300, 100, &mut rng());
    bounded(linear.weight.value(), 1.0 / 300f64.sqrt());
    bounded(linear.bias.as_ref().unwrap().value(), 1.0 / 300f64.sqrt());
    for groups in [1, 4] {
        let conv = Conv2d::new(8, 100, [3, 2], &mut rng()).groups(groups);
        assert_eq!(conv.weight.shape(), [100, 8 / groups, 3, 2]);
        bounded(conv.weight.value(), 1.0 / (48.0 / groups as f64).sqrt());
        bounded(conv.bias.as_ref().unwrap().value(), 1.0 / (48.0 / groups as f64).sqrt());
    }
    let (a, b) = (Linear::new(3, 2, &mut rng()), Linear::new(3, 2, &mut rng()));
    assert!(common::same(&a, &b), "one seed, one layer");
    assert_eq!(Linear::new(0, 2, &mut rng()).forward(&noise(0, [4, 0])).shape(), [4, 2]);
}

#[test]
fn activations_are_their_functions() {
    let x = noise(0, [4, 3]);
    let check = |layer: &dyn Layer, y: Var| assert!(layer.forward(&x).value().same_bits(y.value()));
    check(&Relu, x.relu());
    check(&Tanh, x.tanh());
    check(&Sigmoid, x.sigmoid());
    check(&Gelu, x.gelu());
    check(&Silu, x.silu());
    check(&Softplus, x.softplus());
    check(&LeakyRelu::default(), x.leaky_relu(0.01));
    check(&Elu { alpha: 0.5 }, x.elu(0.5));
    check(&Softmax { axis: -1 }, x.softmax(1));
    check(&LogSoftmax { axis: 0 }, x.log_softmax(0));
    check(&Flatten, x.clone());
}

#[test]
fn dropout_between_recurrent_layers_is_in_training_alone() {
    let options = Recurrent { layers: 2, dropout: 0.5, ..Default::default() };
    let mut layer = Gru::with(3, 16, options, &mut rng());
    let x = noise(0, [4, 2, 3]);
    let calls = |layer: &Gru| [layer.forward(&x), layer.forward(&x)].map(|y| y.value().clone());
    let [a, b] = calls(&layer);
    assert!(!a.equal(&b), "each call drops other numbers");
    layer.set_mode(Mode::Inference);
    let [a, b] = calls(&layer);
    assert!(a.equal(&b));
}

#[test]
fn a_causal_layer_does_not_see_the_future() {
    let layer = TransformerEncoderLayer::new(4, 2, 8, &mut rng()).causal().dropout(0.0);
    let x = Var::leaf(noise(0, [5, 4]).value());
    let gradients = layer.forward(&x).narrow(0, 0, 3).square().sum().backward();
    let seen = gradients[&x].to_vec::<f32>();
    assert!(seen[..12].iter().any(|&g| g != 0.0) && seen[12..].iter().all(|&g| g == 0.0), "{seen:?}");
}

#[test]
fn instance_normalisation_follows_its_input_when_asked() {
    let mut layer = InstanceNorm::new(2).tracking();
    let x = Var::constant(tensor![[[1., 3.], [10., 30.]]]);
    layer.forward(&x);
    let mean = layer.running_mean.as_ref().unwrap().get();
    assert!(mean.allclose(&tensor![0.2, 2.], 1e-6, 0.0)); // 0.9·0 + 0.1·mean
    layer.set_mode(Mode::Inference);
    assert!(layer.forward(&x).mean().item() > 1.0); // not the input's own mean, which would leave 0
}
