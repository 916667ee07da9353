//! Layers, losses and optimisers against PyTorch's numbers; see `tests/golden/README.md`.

use std::collections::BTreeMap;

use chainrule_autodiff::Var;
use chainrule_nn::*;
use chainrule_tensor::{DType, Rng, Tensor};
use serde_json::Value;

fn golden(file: &str) -> Value {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("a list was expected, not {value}"))
}

fn sizes(value: &Value) -> Vec<usize> {
    list(value).iter().map(|n| n.as_u64().unwrap() as usize).collect()
}

fn pair(value: &Value) -> [usize; 2] {
    sizes(value).try_into().unwrap()
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some(text) => text.parse().unwrap(),
        None => value.as_f64().unwrap(),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

fn tensor(value: &Value) -> Tensor {
    let shape = sizes(&value["shape"]);
    match value["dtype"].as_str().unwrap() {
        "f64" => Tensor::from_vec(numbers(&value["data"]), shape),
        "i64" => Tensor::from_vec(list(&value["data"]).iter().map(|n| n.as_i64().unwrap()).collect(), shape),
        other => panic!("element type {other}"),
    }
}

/// Non-finite numbers must be the same; all others within `tolerance` of the largest there is, or of 1.
fn assert_close(what: &str, got: &Tensor, wanted: &Tensor, tolerance: f64) {
    assert_eq!((got.shape(), got.dtype()), (wanted.shape(), wanted.dtype()), "{what}");
    let (got, wanted) = (got.to_f64_vec(), wanted.to_f64_vec());
    let scale = wanted.iter().filter(|x| x.is_finite()).fold(1.0, |scale: f64, x| scale.max(x.abs()));
    for (i, (a, b)) in got.iter().zip(&wanted).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * scale;
        assert!(same, "{what}, element {i}: {a:e}, but PyTorch says {b:e}");
    }
}

/// One recorded call.
struct Case<'a>(&'a Value);

impl Case<'_> {
    fn name(&self) -> &str {
        self.0["name"].as_str().unwrap()
    }

    fn arg(&self, name: &str) -> &Value {
        &self.0["args"][name]
    }

    fn flag(&self, name: &str) -> bool {
        self.arg(name).as_bool().unwrap()
    }

    fn has(&self, input: &str) -> bool {
        !self.0["inputs"][input].is_null()
    }

    fn input(&self, name: &str) -> Tensor {
        tensor(&self.0["inputs"][name])
    }

    fn leaf(&self, name: &str) -> Var {
        Var::leaf(self.input(name)).named(name)
    }

    fn reduce(&self) -> Reduce {
        match self.arg("reduction").as_str().unwrap() {
            "mean" => Reduce::Mean,
            "sum" => Reduce::Sum,
            _ => Reduce::None,
        }
    }

    /// The layer in `f64` with the recorded inputs of the same names as parameters and buffers.
    fn filled<M: Module + Clone>(&self, layer: M) -> M {
        let mut layer = layer.to_dtype(DType::F64);
        let state = layer.state().into_keys().map(|name| (name.clone(), self.input(&name))).collect();
        layer.load_state(&state).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        layer
    }

    /// Compares the output, and the gradients with respect to every variable that has one on record.
    fn compare(&self, y: Var, variables: &[(&str, &Var)]) {
        let wanted = tensor(&self.0["outputs"]["y"]);
        assert_close(&format!("{}: y", self.name()), y.value(), &wanted, 1e-11);
        let gradients = y.backward_from(tensor(&self.0["cotangent"]));
        let recorded = self.0["grads"].as_object().unwrap();
        assert_eq!(recorded.len(), variables.len(), "{}: all recorded gradients are compared", self.name());
        for (name, variable) in variables {
            let what = format!("{}: gradient of {name}", self.name());
            assert_close(&what, &gradients[*variable], &tensor(&recorded[*name]), 1e-11);
        }
    }

    /// Compares a layer's output, and the gradients of its input and its parameters.
    fn compare_layer(&self, layer: &impl Layer) {
        let x = self.leaf("x");
        let y = layer.forward(&x);
        let parameters = layer.parameters();
        let mut variables: Vec<(&str, &Var)> = parameters.iter().map(|(path, var)| (path.as_str(), *var)).collect();
        variables.push(("x", &x));
        self.compare(y, &variables);
    }
}

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
            case.compare(x.logsumexp(&[axis], case.flag("keepdim")), &[("x", &x)]);
        }
    }
}

/// Runs every case of the ops, and fails where there are fewer than there should be.
fn run(ops: &[&str], at_least: usize, check: fn(&Case)) {
    let file = golden("layers.json");
    let cases = list(&file["cases"]).iter().filter(|case| ops.contains(&case["op"].as_str().unwrap()));
    let done = cases.map(|case| check(&Case(case))).count();
    assert!(done >= at_least, "{ops:?}: {done} cases, {at_least} at least were recorded");
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
