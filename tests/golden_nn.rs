//! Layers, losses and optimisers against PyTorch's numbers; see `tests/golden/README.md`.

use std::collections::BTreeMap;

use chainrule_autodiff::Var;
use chainrule_nn::*;
use chainrule_tensor::{DType, Rng, Tensor};
use serde_json::Value;

#[path = "golden/case.rs"]
mod case;
use case::{Case, assert_close, golden, list, number, numbers, pair, sizes, tensor};

fn linear(case: &Case) {
    let layer = Linear::new(3, 2, &mut Rng::seed(0));
    let layer = if case.has("bias") { layer } else { layer.without_bias() };
    case.compare_layer(&case.filled(layer));
}

fn conv2d(case: &Case) {
    let weight = case.input("weight");
    let groups = case.arg("groups").as_u64().unwrap() as usize;
    let &[outputs, inputs, height, width] = weight.shape() else { panic!("{}", case.name()) };
    let layer = Conv2d::new(inputs * groups, outputs, [height, width], &mut Rng::seed(0))
        .stride(pair(case.arg("stride")))
        .padding(pair(case.arg("padding")))
        .dilation(pair(case.arg("dilation")))
        .groups(groups);
    let layer = if case.has("bias") { layer } else { layer.without_bias() };
    case.compare_layer(&case.filled(layer));
}

fn batch_norm(case: &Case) {
    let layer = BatchNorm::new(case.input("running_mean").len())
        .momentum(number(case.arg("momentum")))
        .eps(number(case.arg("eps")));
    let mut layer = case.filled(if case.has("weight") { layer } else { layer.without_affine() });
    layer.set_mode(if case.flag("training") { Mode::Training } else { Mode::Inference });
    case.compare_layer(&layer);
    for (name, buffer) in layer.buffers() {
        let wanted = tensor(&case.0["outputs"][&name]);
        assert_close(&format!("{}: {name}", case.name()), &buffer.get(), &wanted, 1e-14);
    }
}

fn layer_norm(case: &Case) {
    let layer = LayerNorm::new(sizes(case.arg("normalized_shape"))).eps(number(case.arg("eps")));
    case.compare_layer(&case.filled(if case.has("weight") { layer } else { layer.without_affine() }));
}

fn embedding(case: &Case) {
    let layer = case.filled(Embedding::new(5, 3, &mut Rng::seed(0)));
    case.compare(layer.lookup(&case.input("indices")), &[("weight", &layer.weight)]);
}

fn cross_entropy_loss(case: &Case) {
    let (logits, target) = (case.leaf("logits"), case.input("target"));
    let mut options = CrossEntropy {
        reduce: case.reduce(),
        weight: case.has("weight").then(|| case.input("weight")),
        ignore_index: case.arg("ignore_index").as_i64(),
        label_smoothing: number(case.arg("label_smoothing")),
    };
    if target.dtype() == DType::I64 {
        return case.compare(logits.cross_entropy_with(&target, &options), &[("logits", &logits)]);
    }
    options.ignore_index = None;
    let target = Var::leaf(target);
    let y = logits.cross_entropy_to_with(&target, &options);
    case.compare(y, &[("logits", &logits), ("target", &target)]);
}

fn mse(case: &Case) {
    let (x, target) = (case.leaf("x"), case.leaf("target"));
    case.compare(x.mse_loss_with(&target, case.reduce()), &[("x", &x), ("target", &target)]);
}

fn max_pool(case: &Case) {
    case.compare_layer(
        &MaxPool2d::new(pair(case.arg("kernel_size")))
            .stride(pair(case.arg("stride")))
            .padding(pair(case.arg("padding")))
            .dilation(pair(case.arg("dilation")))
            .ceil_mode(case.flag("ceil_mode")),
    );
}

fn avg_pool(case: &Case) {
    case.compare_layer(
        &AvgPool2d::new(pair(case.arg("kernel_size")))
            .stride(pair(case.arg("stride")))
            .padding(pair(case.arg("padding")))
            .ceil_mode(case.flag("ceil_mode"))
            .count_padding(case.flag("count_include_pad")),
    );
}

fn softmaxes(case: &Case) {
    let axis = case.arg("dim").as_i64().unwrap() as isize;
    match case.0["op"].as_str().unwrap() {
        "softmax" => case.compare_layer(&Softmax { axis }),
        "log_softmax" => case.compare_layer(&LogSoftmax { axis }),
        _ => {
            let x = case.leaf("x");
            let y = x.logsumexp(&[axis], case.flag("keepdim"));
            if case.name() == "logsumexp/all_masked" {
                // The slope is 0 here and NaN in PyTorch; docs/conformance.md says why.
                assert_close(case.name(), y.value(), &tensor(&case.0["outputs"]["y"]), 0.0);
                return assert!(y.sum().backward()[&x].to_f64_vec().iter().all(|&slope| slope == 0.0));
            }
            case.compare(y, &[("x", &x)]);
        }
    }
}

/// Runs every case of the ops in layers.json.
fn run(ops: &[&str], at_least: usize, check: fn(&Case)) {
    case::run("layers.json", ops, at_least, check);
}

#[test]
fn linear_layers() {
    run(&["linear"], 4, linear);
}

#[test]
fn convolutions() {
    run(&["conv2d"], 10, conv2d);
}

#[test]
fn batch_normalisation_and_its_running_statistics() {
    run(&["batch_norm"], 15, batch_norm);
}

#[test]
fn layer_normalisation() {
    run(&["layer_norm"], 5, layer_norm);
}

#[test]
fn embeddings() {
    run(&["embedding"], 2, embedding);
}

#[test]
fn cross_entropies() {
    run(&["cross_entropy"], 28, cross_entropy_loss);
}

#[test]
fn mean_square_errors() {
    run(&["mse_loss"], 3, mse);
}

#[test]
fn max_pooling() {
    run(&["max_pool2d"], 11, max_pool);
}

#[test]
fn average_pooling() {
    run(&["avg_pool2d"], 9, avg_pool);
}

#[test]
fn softmax_and_its_logarithm() {
    run(&["softmax", "log_softmax", "logsumexp"], 29, softmaxes);
}

#[test]
fn every_recorded_op_is_compared() {
    let file = golden("layers.json");
    assert_eq!(list(&file["cases"]).len(), 4 + 10 + 15 + 5 + 2 + 28 + 3 + 11 + 9 + 29);
}

#[derive(Clone, Module)]
struct Parameters {
    weight: Var,
    bias: Var,
}

fn sgd(args: &Value) -> Sgd {
    let optimizer = Sgd::new(number(&args["lr"]))
        .momentum(number(&args["momentum"]))
        .dampening(number(&args["dampening"]))
        .weight_decay(number(&args["weight_decay"]));
    if args["nesterov"].as_bool().unwrap() { optimizer.nesterov() } else { optimizer }
}

fn adam(args: &Value) -> Adam {
    let betas = numbers(&args["betas"]);
    Adam::new(number(&args["lr"]))
        .betas(betas[0], betas[1])
        .eps(number(&args["eps"]))
        .weight_decay(number(&args["weight_decay"]))
}

fn adamw(args: &Value) -> AdamW {
    let betas = numbers(&args["betas"]);
    AdamW::new(number(&args["lr"]))
        .betas(betas[0], betas[1])
        .eps(number(&args["eps"]))
        .weight_decay(number(&args["weight_decay"]))
}

/// Takes the recorded steps. In the middle, the optimiser is replaced by a new one that is given its state.
fn take_steps<O: Optimizer>(file: &Value, case: &Value, new: fn(&Value) -> O) {
    let name = case["name"].as_str().unwrap();
    let leaf = |name: &str| Var::leaf(tensor(&file["parameters"][name])).named(name);
    let mut model = Parameters { weight: leaf("weight"), bias: leaf("bias") };
    let mut optimizer = new(&case["args"]);
    for (t, (gradient, wanted)) in list(&file["gradients"]).iter().zip(list(&case["steps"])).enumerate() {
        let given = |var: &Var, name: &str| Tensor::from_vec(numbers(&gradient[name]), var.shape());
        let loss = [(&model.weight, "weight"), (&model.bias, "bias")]
            .map(|(var, name)| (var * Var::constant(given(var, name))).sum());
        let [weight, bias] = loss;
        optimizer.step(&mut model, &(weight + bias).backward());
        for (path, var) in model.parameters() {
            let what = format!("{name}: {path} after step {}", t + 1);
            let wanted = Tensor::from_vec(numbers(&wanted[path.as_str()]), var.shape());
            assert_close(&what, var.value(), &wanted, 1e-12);
        }
        if t == 5 {
            let mut successor = new(&case["args"]);
            successor.load_state(&optimizer.state(), &model).unwrap();
            optimizer = successor;
        }
    }
}

#[test]
fn optimisers_step_by_step() {
    let file = golden("optimizers.json");
    let mut steps: BTreeMap<&str, usize> = BTreeMap::new();
    for case in list(&file["cases"]) {
        let optimizer = case["optimizer"].as_str().unwrap();
        match optimizer {
            "SGD" => take_steps(&file, case, sgd),
            "Adam" => take_steps(&file, case, adam),
            "AdamW" => take_steps(&file, case, adamw),
            other => panic!("no optimiser is called {other}"),
        }
        *steps.entry(optimizer).or_default() += list(&case["steps"]).len();
    }
    assert_eq!(steps, BTreeMap::from([("SGD", 7 * 12), ("Adam", 3 * 12), ("AdamW", 12)]));
}
