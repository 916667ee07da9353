//! Layers for sequences, further normalisations and losses against PyTorch's numbers; see `tests/golden/README.md`.

use chainrule_autodiff::Var;
use chainrule_autodiff::ops::loss::{BinaryCrossEntropy, Ctc};
use chainrule_nn::*;
use chainrule_tensor::Rng;

#[path = "golden/case.rs"]
#[allow(dead_code)]
mod case;
use case::{Case, assert_close, golden, list, number, sizes, tensor};

fn run(ops: &[&str], at_least: usize, check: fn(&Case)) {
    case::run("sequences.json", ops, at_least, check);
}

fn count(case: &Case, name: &str) -> usize {
    number(case.arg(name)) as usize
}

/// Compares the output, last states, and gradients of input, states and parameters.
fn compare_sequence(case: &Case, layer: &impl Module, x: &Var, states: &[(&str, Var)], y: Var, last: &[Var]) {
    for ((name, _), last) in states.iter().zip(last) {
        assert_close(&format!("{}: {name}", case.name()), last.value(), &tensor(&case.0["outputs"][*name]), 1e-12);
    }
    let parameters = layer.parameters();
    let mut variables: Vec<(&str, &Var)> = parameters.iter().map(|(path, var)| (path.as_str(), *var)).collect();
    variables.push(("x", x));
    variables.extend(states.iter().map(|(name, state)| (*name, state)));
    case.compare(y, &variables);
}

fn recurrent(case: &Case) {
    let options = Recurrent {
        layers: count(case, "layers"),
        bias: case.flag("bias"),
        batch_first: case.flag("batch_first"),
        bidirectional: case.flag("bidirectional"),
        dropout: 0.0,
    };
    let (x, h, rng) = (case.leaf("x"), case.leaf("h"), &mut Rng::seed(0));
    macro_rules! compare {
        ($layer:ident) => {{
            let layer = case.filled($layer::with(2, 2, options, rng));
            let (y, last) = layer.run(&x, Some(&h));
            compare_sequence(case, &layer, &x, &[("h", h)], y, &[last]);
        }};
    }
    match case.0["op"].as_str().unwrap() {
        "rnn" => compare!(Rnn),
        "rnn_relu" => compare!(RnnRelu),
        "gru" => compare!(Gru),
        _ => {
            let c = case.leaf("c");
            let layer = case.filled(Lstm::with(2, 2, options, rng));
            let (y, last) = layer.run(&x, Some([&h, &c]));
            compare_sequence(case, &layer, &x, &[("h", h), ("c", c)], y, &last);
        }
    }
}

#[test]
fn recurrent_layers() {
    run(&["rnn", "rnn_relu", "gru", "lstm"], 16, recurrent);
}

#[test]
fn attention_by_several_heads() {
    run(&["attention"], 3, |case| {
        let layer = MultiheadAttention::new(4, count(case, "heads"), &mut Rng::seed(0));
        let layer = case.filled(if case.flag("causal") { layer.causal() } else { layer });
        let [q, k, v] = ["q", "k", "v"].map(|name| case.leaf(name));
        let y = layer.attend(&q, &k, &v, None);
        let parameters = layer.parameters();
        let mut variables: Vec<(&str, &Var)> = parameters.iter().map(|(path, var)| (path.as_str(), *var)).collect();
        variables.extend([("q", &q), ("k", &k), ("v", &v)]);
        case.compare(y, &variables);
    });
}

#[test]
fn encoder_layers_of_transformers() {
    run(&["transformer"], 2, |case| {
        let layer = TransformerEncoderLayer::new(4, count(case, "heads"), 6, &mut Rng::seed(0)).dropout(0.0);
        let layer = if case.flag("norm_first") { layer.norm_first() } else { layer };
        let layer = if case.flag("gelu") { layer.gelu() } else { layer };
        case.compare_layer(&case.filled(layer));
    });
}

#[test]
fn group_normalisation() {
    run(&["group_norm"], 3, |case| {
        let channels = case.input("weight").len();
        case.compare_layer(&case.filled(GroupNorm::new(count(case, "groups"), channels).eps(number(case.arg("eps")))));
    });
}

#[test]
fn root_mean_square_normalisation() {
    run(&["rms_norm"], 1, |case| {
        let layer = RmsNorm::new(sizes(case.arg("shape"))).eps(number(case.arg("eps")));
        case.compare_layer(&case.filled(layer));
    });
}

#[test]
fn losses_of_several_labels() {
    run(&["multilabel_margin_loss"], 3, |case| {
        let x = case.leaf("x");
        case.compare(x.multilabel_margin_loss_with(&case.input("target"), case.reduce()), &[("x", &x)]);
    });
    run(&["multilabel_soft_margin_loss"], 3, |case| {
        let (x, target) = (case.leaf("x"), Var::constant(case.input("target")));
        let options = BinaryCrossEntropy { reduce: case.reduce(), ..Default::default() };
        case.compare(x.multilabel_soft_margin_loss_with(&target, &options), &[("x", &x)]);
    });
}

#[test]
fn temporal_classification() {
    run(&["ctc_loss"], 4, |case| {
        let (x, blank) = (case.leaf("x"), count(case, "blank"));
        let options = Ctc { reduce: case.reduce(), blank, zero_infinity: case.flag("zero_infinity") };
        let [steps, lengths] = ["input_lengths", "target_lengths"].map(|name| sizes(case.arg(name)));
        let y = x.log_softmax(2).ctc_loss_with(&case.input("target"), &steps, &lengths, &options);
        case.compare(y, &[("x", &x)]);
    });
}

#[test]
fn every_recorded_op_is_compared() {
    assert_eq!(list(&golden("sequences.json")["cases"]).len(), 16 + 3 + 2 + 3 + 1 + 3 + 3 + 4);
}
