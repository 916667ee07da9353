//! Saving and loading, and everything that can be wrong with a file.

mod common;

use std::fs;

use chainrule_autodiff::Var;
use chainrule_nn::state::Mismatch;
use chainrule_nn::*;
use chainrule_tensor::io::{FileError, Tensors, safetensors};
use chainrule_tensor::{DType, Rng, Tensor, tensor};
use common::{noise, same};

type Model = (Linear, BatchNorm, Relu, Linear);

fn model(seed: u64) -> Model {
    let mut rng = Rng::seed(seed);
    let model = (Linear::new(3, 4, &mut rng), BatchNorm::new(4), Relu, Linear::new(4, 2, &mut rng).without_bias());
    model.forward(&noise(seed, [8, 3])); // running statistics of its own
    model
}

fn mismatch(result: Result<(), StateError>) -> Mismatch {
    match result {
        Err(StateError::Mismatch(mismatch)) => *mismatch,
        other => panic!("a mismatch was expected, not {other:?}"),
    }
}

#[test]
fn what_is_loaded_is_what_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16] {
        let (saved, mut loaded) = (model(0).to_dtype(dtype), model(1).to_dtype(dtype));
        assert!(!same(&saved, &loaded));
        saved.save(&path).unwrap();
        loaded.load(&path).unwrap();
        assert!(same(&saved, &loaded), "{dtype}");
        assert!(loaded.parameters().iter().all(|(_, var)| var.is_tracked()));
        assert_eq!(loaded.3.weight.name(), Some("3.weight"));
    }
    let (tensors, metadata) = safetensors::load(&path).unwrap();
    assert_eq!(
        tensors.keys().collect::<Vec<_>>(),
        "0.bias 0.weight 1.bias 1.running_mean 1.running_var 1.weight 3.weight".split(' ').collect::<Vec<_>>()
    );
    assert!(metadata["made_by"].starts_with("chainrule "));
}

#[test]
fn frozen_parameters_load_and_stay_frozen() {
    let (saved, mut loaded) = (model(0), model(1));
    loaded.0.freeze();
    loaded.load_state(&saved.state()).unwrap();
    assert!(same(&saved, &loaded));
    assert!(!loaded.0.weight.is_tracked() && loaded.3.weight.is_tracked());
}

#[test]
fn a_misfit_lists_everything_and_changes_nothing() {
    let mut state = model(0).state();
    state.remove("0.bias");
    state.insert("5.weight".into(), tensor![1.]);
    state.insert("3.weight".into(), tensor![[1., 2.]]);
    state.insert("1.running_var".into(), Tensor::ones([4], DType::F64));
    let mut target = model(1);
    let before = target.clone();
    let ids: Vec<_> = target.parameters().iter().map(|(_, var)| var.id()).collect();

    let error = target.load_state(&state).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the saved numbers do not fit; missing: \"0.bias\"; unexpected: \"5.weight\"; different: \"1.running_var\" is f32 [4], \
         saved as f64 [4], \"3.weight\" is f32 [2, 4], saved as f32 [1, 2]"
    );
    let found = mismatch(Err(error));
    assert_eq!((found.missing, found.unexpected), (vec!["0.bias".to_string()], vec!["5.weight".to_string()]));
    assert_eq!(found.different.iter().map(|d| d.path.as_str()).collect::<Vec<_>>(), ["1.running_var", "3.weight"]);
    assert!(same(&target, &before));
    assert_eq!(target.parameters().iter().map(|(_, var)| var.id()).collect::<Vec<_>>(), ids);
}

#[test]
fn a_file_that_does_not_fit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.safetensors");
    Linear::new(2, 2, &mut Rng::seed(0)).save(&path).unwrap();
    let error = model(0).load(&path).unwrap_err();
    assert!(error.to_string().contains("other.safetensors does not fit; missing: \"0.bias\""), "{error}");
    assert_eq!(mismatch(Err(error)).file, Some(path.clone()));

    assert!(matches!(model(0).load(folder.path().join("none")), Err(StateError::File(FileError::Missing { .. }))));
    assert!(matches!(model(0).save(folder.path().join("no/such/folder/x")), Err(StateError::File(_))));
    for broken in
        [&b""[..], b"\x10\0\0\0\0\0\0\0{}", b"\xff\xff\xff\xff\xff\xff\xff\xff", &fs::read(&path).unwrap()[..60]]
    {
        fs::write(&path, broken).unwrap();
        assert!(matches!(model(0).load(&path), Err(StateError::File(_))), "{broken:?}");
    }
}

#[test]
fn messages_stay_short_whatever_the_file_says() {
    let state: Tensors = (0..5000).map(|i| (format!("{i}{}", "é\n".repeat(5000)), tensor![1.])).collect();
    let message = model(0).load_state(&state).unwrap_err().to_string();
    assert!(message.len() < 5000 && message.contains("and 4990 more") && !message.contains('\n'), "{message}");
}

#[test]
fn a_bare_parameter_is_a_model_too() {
    let (saved, mut loaded) = (Var::leaf(tensor![1., 2.]), Var::leaf(tensor![0., 0.]));
    loaded.load_state(&saved.state()).unwrap();
    assert!(loaded.value().equal(saved.value()));
}

struct Clash(Var, Var);
impl Module for Clash {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, '_>) {
        visitor.field("x", &self.0);
        visitor.field("x", &self.1);
    }
    fn visit_mut(&mut self, visitor: &mut VisitorMut<'_>) {
        visitor.field("x", &mut self.0);
        visitor.field("x", &mut self.1);
    }
}

#[test]
#[should_panic(expected = "two parts of the model have the path \"x\"")]
fn two_parts_with_one_path_are_noticed() {
    Clash(Var::leaf(1.0), Var::leaf(2.0)).state();
}

fn train(model: &mut Model, optimizer: &mut impl Optimizer, steps: std::ops::Range<u64>) {
    for t in steps {
        let loss = model.forward(&noise(100 + t, [8, 3])).square().mean();
        optimizer.step(model, &loss.backward());
    }
}

#[test]
fn training_goes_on_where_it_was_saved() {
    fn check<O: Optimizer>(new: impl Fn() -> O) {
        let folder = tempfile::tempdir().unwrap();
        let (weights, state) = (folder.path().join("m"), folder.path().join("o"));
        let (mut whole, mut optimizer) = (model(0), new());
        train(&mut whole, &mut optimizer, 0..6);

        let (mut first, mut optimizer) = (model(0), new());
        train(&mut first, &mut optimizer, 0..3);
        first.save(&weights).unwrap();
        optimizer.save(&state).unwrap();

        let (mut second, mut optimizer) = (model(1), new());
        second.load(&weights).unwrap();
        optimizer.load(&state, &second).unwrap();
        train(&mut second, &mut optimizer, 3..6);
        assert!(same(&whole, &second));
    }
    check(|| Sgd::new(0.1));
    check(|| Sgd::new(0.1).momentum(0.9).dampening(0.1));
    check(|| Adam::new(0.01));
    check(|| AdamW::new(0.01));
}

#[test]
fn an_optimisers_state_is_checked_against_the_model() {
    let mut trained = model(0);
    let mut adam = Adam::new(0.01);
    train(&mut trained, &mut adam, 0..2);
    let good = adam.state();
    assert_eq!(good["0.bias.step"].item(), 2.0);
    assert_eq!((good.len(), good["0.weight.v"].shape()), (5 * 3, &[4, 3][..]));

    let broken = |change: &dyn Fn(&mut Tensors)| {
        let mut state = good.clone();
        change(&mut state);
        let mut fresh = Adam::new(0.01);
        let error = fresh.load_state(&state, &trained).unwrap_err();
        assert!(fresh.state().is_empty(), "nothing was changed");
        error
    };
    let error = broken(&|state| {
        state.remove("0.weight.m");
        state.insert("9.weight.m".into(), tensor![1.]);
        state.insert("0.weight.velocity".into(), tensor![1.]);
        state.insert("0.bias.v".into(), tensor![1.]);
        state.insert("1.bias.step".into(), tensor![1.]);
    });
    let found = mismatch(Err(error));
    assert_eq!(found.missing, ["0.weight.m"]);
    assert_eq!(found.unexpected, ["0.weight.velocity", "9.weight.m"]);
    assert_eq!(found.different.iter().map(|d| d.path.as_str()).collect::<Vec<_>>(), ["0.bias.v", "1.bias.step"]);
    for steps in [0, -3, i64::MIN] {
        let error = broken(&|state| {
            state.insert("0.bias.step".into(), Tensor::from(vec![steps]).reshape([]));
        });
        assert_eq!(error.to_string(), format!("\"0.bias\" is said to have made {steps} steps"));
    }
    let mut other = Sgd::new(0.1).momentum(0.9);
    assert_eq!(mismatch(other.load_state(&good, &trained)).unexpected.len(), 10);

    // A count as large as a file can claim is no trouble.
    let mut state = good.clone();
    state.insert("0.bias.step".into(), Tensor::from(vec![i64::MAX]).reshape([]));
    adam.load_state(&state, &trained).unwrap();
    train(&mut trained, &mut adam, 2..3);
    assert!(trained.0.bias.as_ref().unwrap().value().all_finite());
}
