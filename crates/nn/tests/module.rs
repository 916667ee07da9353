//! Finding, freezing and describing the parts of a model.

#[macro_use]
mod common;

use std::collections::BTreeMap;
use std::marker::PhantomData;

use chainrule_autodiff::{Reach, Var};
use chainrule_nn::visit::Part;
use chainrule_nn::*;
use chainrule_tensor::{DType, Rng, Tensor, Window};
use common::{noise, paths};

fn linear(seed: u64, inputs: usize, outputs: usize) -> Linear {
    Linear::new(inputs, outputs, &mut Rng::seed(seed))
}

#[derive(Clone, Module)]
#[module(crate = chainrule_nn)]
struct Everything {
    own: Var,
    layer: Linear,
    list: Vec<Linear>,
    array: [Linear; 2],
    pair: (Linear, Relu, Var),
    maybe: Option<Linear>,
    absent: Option<Linear>,
    boxed: Box<Linear>,
    by_name: BTreeMap<String, Linear>,
    nested: Vec<Vec<Var>>,
    norm: BatchNorm,
    r#type: Var,
    width: usize,
    rate: f64,
    name: String,
    on: bool,
    window: Window,
    act: fn(&Var) -> Var,
    marker: PhantomData<std::fs::File>,
    #[module(skip)]
    hidden: Option<Var>,
    last: Var,
}

fn everything() -> Everything {
    let leaf = || Var::leaf(1.0);
    Everything {
        own: leaf(),
        layer: linear(1, 2, 3),
        list: vec![linear(2, 1, 1), linear(3, 1, 1)],
        array: [linear(4, 1, 1), linear(5, 1, 1).without_bias()],
        pair: (linear(6, 1, 1), Relu, leaf()),
        maybe: Some(linear(7, 1, 1)),
        absent: None,
        boxed: Box::new(linear(8, 1, 1)),
        by_name: BTreeMap::from([("b".into(), linear(9, 1, 1)), ("a".into(), linear(10, 1, 1))]),
        nested: vec![vec![], vec![leaf(), leaf()]],
        norm: BatchNorm::new(2),
        r#type: leaf(),
        width: 3,
        rate: 0.5,
        name: "x".into(),
        on: true,
        window: Window::new(2),
        act: |x| x.relu(),
        marker: PhantomData,
        hidden: Some(leaf()),
        last: leaf(),
    }
}

#[test]
fn a_path_is_made_of_fields_and_positions() {
    assert!(everything().hidden.is_some(), "and is in no path");
    let expected = "own layer.weight layer.bias list.0.weight list.0.bias list.1.weight list.1.bias array.0.weight array.0.bias \
                    array.1.weight pair.0.weight pair.0.bias pair.2 maybe.weight maybe.bias boxed.weight boxed.bias \
                    by_name.a.weight by_name.a.bias by_name.b.weight by_name.b.bias nested.1.0 nested.1.1 norm.weight norm.bias type last";
    assert_eq!(paths(&everything()), expected.split_whitespace().collect::<Vec<_>>());
    let buffers: Vec<String> = everything().buffers().into_iter().map(|(path, _)| path).collect();
    assert_eq!(buffers, ["norm.running_mean", "norm.running_var"]);
}

#[test]
fn both_walks_see_the_same_parts_in_the_same_order() {
    let mut model = everything();
    let (mut read, mut changed) = (Vec::new(), Vec::new());
    model.visit(&mut Visitor::new(&mut |path, part| read.push((path.to_string(), format!("{part:?}")))));
    model.visit_mut(&mut VisitorMut::new(&mut |path, part| changed.push((path.to_string(), format!("{part:?}")))));
    assert_eq!(read, changed);
    assert!(read.iter().any(|(path, part)| path == "norm.mode" && part == "Mode(Training)"));
}

#[derive(Clone, Module)]
#[module(crate = chainrule_nn)]
struct Stack<L, const N: usize, T = ()>
where
    T: Clone,
{
    layers: [L; N],
    tag: PhantomData<T>,
    #[module(skip)]
    extra: Option<T>,
}

#[derive(Clone, Module)]
#[module(crate = chainrule_nn)]
enum Block<A> {
    Plain,
    Tuple(Linear, A),
    Named { gate: Linear, setting: usize },
}

#[derive(Module)]
#[module(crate = chainrule_nn)]
struct Tree<M> {
    here: M,
    below: Vec<Tree<M>>,
    next: Option<Box<Tree<M>>>,
}

#[derive(Clone, Module)]
#[module(crate = chainrule_nn)]
struct Wrapper(Linear, usize, Var);

#[derive(Module)]
#[module(crate = chainrule_nn)]
struct Named<'n> {
    name: &'static str,
    #[module(skip)]
    of: &'n str,
    layer: Linear,
}

#[test]
fn derive_takes_generics_tuples_and_enums() {
    // A skipped or phantom parameter need not be a module.
    #[derive(Clone)]
    struct NoModule;
    let stack = Stack::<Linear, 2, NoModule> {
        layers: [linear(0, 1, 1), linear(1, 1, 1)],
        tag: PhantomData,
        extra: Some(NoModule),
    };
    assert_eq!(paths(&stack), ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]);
    assert!(stack.clone().extra.is_some());

    let blocks: Vec<Block<Var>> = vec![
        Block::Plain,
        Block::Tuple(linear(0, 1, 1), Var::leaf(0.0)),
        Block::Named { gate: linear(1, 1, 1), setting: 3 },
    ];
    assert_eq!(paths(&blocks), ["1.0.weight", "1.0.bias", "1.1", "2.gate.weight", "2.gate.bias"]);

    let leaf = |here| Tree { here: Var::leaf(here), below: vec![], next: None };
    let tree = Tree { here: Var::leaf(0.0), below: vec![leaf(1.0), leaf(2.0)], next: Some(Box::new(leaf(3.0))) };
    assert_eq!(paths(&tree), ["here", "below.0.here", "below.1.here", "next.here"]);

    assert_eq!(paths(&Wrapper(linear(0, 1, 1), 7, Var::leaf(0.0))), ["0.weight", "0.bias", "2"]);
    let named = Named { name: "a", of: "b", layer: linear(0, 1, 1) };
    assert_eq!((paths(&named), named.name, named.of), (vec!["layer.weight".into(), "layer.bias".into()], "a", "b"));
}

#[derive(Clone, Module)]
#[module(crate = chainrule_nn)]
struct Net {
    encoder: (Linear, BatchNorm, Dropout),
    head: Linear,
}

impl Net {
    fn new(seed: u64) -> Net {
        let mut rng = Rng::seed(seed);
        Net {
            encoder: (Linear::new(3, 4, &mut rng), BatchNorm::new(4), Dropout::new(0.5, &mut rng)),
            head: Linear::new(4, 2, &mut rng),
        }
    }

    fn forward(&self, x: &Var) -> Var {
        self.head.forward(&self.encoder.forward(x))
    }
}

fn modes(model: &impl Module) -> Vec<Mode> {
    let mut found = Vec::new();
    model.visit(&mut Visitor::new(&mut |_, part| {
        if let Part::Mode(mode) = part {
            found.push(*mode);
        }
    }));
    found
}

#[test]
fn a_frozen_copy_records_nothing_and_is_a_function() {
    let (model, x) = (Net::new(0), noise(1, [8, 3]));
    model.forward(&x);
    let frozen = model.frozen();
    assert!(frozen.parameters().iter().all(|(_, var)| !var.is_tracked()));
    let before = frozen.state();
    let (once, twice) = (frozen.forward(&x), frozen.forward(&x));
    assert!(!once.is_tracked() && once.tape().is_empty());
    assert!(once.value().same_bits(twice.value()));
    assert!(frozen.state().iter().all(|(path, tensor)| tensor.same_bits(&before[path])), "statistics stay");

    // The model itself goes on learning: it is tracked, drops, and its statistics move, the copy's do not.
    assert!(model.forward(&x).is_tracked() && modes(&model) == [Mode::Training; 2]);
    assert!(!model.encoder.1.running_mean.get().equal(&frozen.encoder.1.running_mean.get()));
}

#[test]
fn freezing_a_part_is_undone_by_thawing_it() {
    let mut model = Net::new(0);
    model.encoder.freeze();
    let (encoder, head) = (model.encoder.parameters(), model.head.parameters());
    assert!(encoder.iter().all(|(_, var)| !var.is_tracked()) && head.iter().all(|(_, var)| var.is_tracked()));
    assert_eq!(modes(&model), [Mode::Inference; 2]);

    let (gradients, report) = model.forward(&noise(1, [8, 3])).sum().backward_report(model.parameters());
    assert_eq!(gradients.len(), 2);
    assert_eq!(
        (report.of("encoder.0.weight"), report.of("head.weight")),
        (Some(Reach::Constant), Some(Reach::Reached))
    );

    let before = model.state();
    model.thaw();
    assert!(model.parameters().iter().all(|(_, var)| var.is_tracked()));
    assert_eq!((modes(&model), model.encoder.0.weight.name()), (vec![Mode::Training; 2], Some("encoder.0.weight")));
    assert!(model.state().iter().all(|(path, tensor)| tensor.same_bits(&before[path])));
}

#[test]
fn freezing_by_pattern_and_what_it_says_when_nothing_fits() {
    let trainable = |model: &Net| -> Vec<String> {
        let all = model.parameters().into_iter();
        all.filter(|(_, var)| var.is_tracked()).map(|(path, _)| path).collect()
    };
    let mut model = Net::new(0);
    model.freeze_matching("encoder.*");
    assert_eq!(trainable(&model), ["head.weight", "head.bias"]);
    model.thaw_matching("*.weight");
    assert_eq!(trainable(&model), ["encoder.0.weight", "encoder.1.weight", "head.weight", "head.bias"]);
    assert_eq!(modes(&model), [Mode::Inference; 2], "no mode is called weight");
    model.thaw_matching("encoder.1.mode");
    assert_eq!(modes(&model), [Mode::Training, Mode::Inference]);

    assert_misuse!(model.freeze_matching("decoder.*"), "freeze_matching", "decoder.*", "encoder.0.weight");
    assert_misuse!(model.freeze_matching("encoder"), "is the path of no parameter", "encoder.*");
    assert_misuse!(model.thaw_matching(""), "thaw_matching");
}

#[test]
fn mode_is_switched_without_freezing() {
    let mut model = Net::new(0);
    model.set_mode(Mode::Inference);
    assert_eq!((modes(&model), model.summary().frozen()), (vec![Mode::Inference; 2], 0));
}

#[test]
fn names_are_paths_and_places_are_the_users() {
    let model = Net::new(0).with_names();
    for (path, var) in model.parameters() {
        assert_eq!(var.name(), Some(path.as_str()));
    }
    let x = noise(1, [2, 3]);
    let tape = model.forward(&x).tape();
    assert!(tape.to_string().contains("leaf \"encoder.0.weight\""), "{tape}");
    assert!(tape.iter().all(|entry| entry.at().file() == file!()), "{tape}");

    let mut model = model;
    model.freeze();
    let line = line!() + 1;
    model.thaw();
    let at = model.head.weight.tape().iter().next().map(|entry| (entry.at().file(), entry.at().line()));
    assert_eq!(at, Some((file!(), line)));
}

#[derive(Clone, Module)]
#[module(crate = chainrule_nn)]
struct Tied {
    table: Embedding,
    output: Linear,
}

impl Tied {
    fn new() -> Tied {
        let mut rng = Rng::seed(3);
        let table = Embedding::new(5, 4, &mut rng);
        let mut output = Linear::new(4, 5, &mut rng);
        output.weight = table.weight.clone();
        Tied { table, output }
    }

    fn holds(&self) -> bool {
        let (a, b) = (&self.table.weight, &self.output.weight);
        a.id() == b.id() && a.value().shares_memory(b.value()) && a.is_tracked()
    }

    fn loss(&self) -> Var {
        let words = Tensor::arange(0.0, 5.0, 1.0, DType::I64);
        self.output.forward(&self.table.lookup(&words)).cross_entropy(&words)
    }
}

#[test]
fn a_tied_parameter_is_one_parameter() {
    let mut model = Tied::new();
    assert_eq!(paths(&model), ["table.weight", "output.bias"]);
    assert_eq!(model.state().keys().collect::<Vec<_>>(), ["output.bias", "table.weight"]);
    assert_eq!((model.summary().trainable(), model.summary().rows().len()), (25, 3));
    assert!(model.summary().to_string().contains("= table.weight"));

    // One step of plain descent moves it by the sum of both places' gradients, once.
    let before = model.table.weight.value().clone();
    let gradients = model.loss().backward();
    let expected = &before - &gradients[&model.table.weight] * 0.5;
    Sgd::new(0.5).step(&mut model, &gradients);
    assert!(model.holds() && model.table.weight.value().allclose(&expected, 1e-6, 1e-7));

    model.freeze();
    model.thaw();
    assert!(model.holds());
    model = model.to_dtype(DType::F64).with_names();
    assert!(model.holds() && model.output.weight.name() == Some("table.weight"));
    model.load_state(&model.state()).unwrap();
    assert!(model.holds());
    model.thaw_matching("*.weight");
    assert!(model.holds(), "thawing what is not frozen changes nothing");
}

#[test]
fn clones_share_until_one_changes() {
    let mut model = Net::new(0);
    let copy = model.clone();
    assert_eq!(copy.head.weight.id(), model.head.weight.id());
    let before = copy.state();
    let gradients = model.forward(&noise(1, [8, 3])).sum().backward();
    Sgd::new(1.0).step(&mut model, &gradients);
    assert!(!model.head.weight.value().equal(copy.head.weight.value()));
    assert!(copy.state().iter().all(|(path, tensor)| tensor.same_bits(&before[path])));
}

#[test]
fn conversion_makes_a_new_model_of_the_other_type() {
    let model = Net::new(0);
    let double = model.to_dtype(DType::F64);
    assert!(double.state().values().all(|tensor| tensor.dtype() == DType::F64));
    assert!(model.state().values().all(|tensor| tensor.dtype() == DType::F32));
    assert_eq!(double.forward(&noise(1, [8, 3]).cast(DType::F64)).dtype(), DType::F64);
    assert!(double.parameters().iter().all(|(path, var)| var.is_tracked() && var.name() == Some(path)));
    assert_misuse!(model.to_dtype(DType::I64), "to_dtype", "i64");
    let counted = (Buffer::new(Tensor::arange(0.0, 3.0, 1.0, DType::I64)), linear(0, 1, 1));
    assert_eq!(counted.to_dtype(DType::F16).0.get().dtype(), DType::I64);
}

#[test]
fn the_summary_is_a_table() {
    let mut model = Net::new(0);
    model.head.freeze();
    let expected = "\
path                    shape   type  count  kind
encoder.0.weight        [4, 3]  f32      12  trainable
encoder.0.bias          [4]     f32       4  trainable
encoder.1.weight        [4]     f32       4  trainable
encoder.1.bias          [4]     f32       4  trainable
encoder.1.running_mean  [4]     f32       4  buffer
encoder.1.running_var   [4]     f32       4  buffer
head.weight             [2, 4]  f32       8  frozen
head.bias               [2]     f32       2  frozen
34 parameters (136 bytes): 24 trainable, 10 frozen";
    assert_eq!(model.summary().to_string(), expected);
    let large = linear(0, 1234, 1000).summary().to_string();
    assert!(large.ends_with("1,235,000 parameters (4,940,000 bytes): 1,235,000 trainable, 0 frozen"), "{large}");
    assert_eq!(Relu.summary().to_string().lines().count(), 2);
}
