//! Whole models: a wrong rule deep inside is found from the loss, and named with its source line.

use chainrule_autodiff::{Op, Var};
use chainrule_check::{Diagnosis, check_model};
use chainrule_tensor::{DType, Rng, Tensor};

/// A squashing function with a rule to be tried.
struct Squash {
    right: bool,
}
impl Op<1> for Squash {
    fn name(&self) -> &'static str {
        "squash"
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        Var::constant(x).tanh().value().clone()
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], y: &Var) -> Var {
        let slope = 1.0 - y.square();
        g * if self.right { slope } else { slope * 2.0 }
    }
}

/// What varies between the models under test.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Right,
    WrongRule,
    Cut,
    OffTape,
}

fn parameters(dtype: DType) -> Vec<(String, Var)> {
    let mut rng = Rng::seed(1);
    let mut leaf =
        |name: &str, shape: &[usize]| (name.to_string(), Var::leaf(Tensor::randn(&mut rng, shape, dtype) * 0.5));
    vec![leaf("hidden.weight", &[12, 7]), leaf("hidden.bias", &[12]), leaf("output.weight", &[3, 12])]
}

/// Two layers and a loss; the data is of the type given, whatever that of the parameters.
fn loss(p: &[Var], kind: Kind, dtype: DType) -> Var {
    let mut rng = Rng::seed(2);
    let x = Var::constant(Tensor::randn(&mut rng, [16, 7], dtype));
    let labels = Tensor::randint(&mut rng, [16], 0, 3);
    let hidden = x.linear(&p[0], Some(&p[1]));
    let hidden = match kind {
        Kind::Cut => hidden.detach().relu() + &p[1],
        Kind::OffTape => hidden.relu() * Var::constant(p[0].value().mean(&[], false)),
        kind => Squash { right: kind == Kind::Right }.apply([&hidden]),
    };
    hidden.linear(&p[2], None).cross_entropy(&labels)
}

fn verdict(kind: Kind, dtype: DType, fixed: bool) -> chainrule_check::Verdict {
    let parameters = parameters(dtype);
    check_model(parameters.iter().map(|(name, p)| (name.clone(), p)), |p| {
        loss(p, kind, if fixed { dtype } else { p[0].dtype() })
    })
}

#[test]
fn right_models_pass_in_every_type() {
    verdict(Kind::Right, DType::F64, false).assert();
    verdict(Kind::Right, DType::F32, false).assert();
    let single = verdict(Kind::Right, DType::F32, true);
    assert!(single.to_string().contains("f32"), "{single}");
    single.assert();
}

#[test]
fn a_wrong_rule_deep_inside_is_named() {
    for (dtype, fixed) in [(DType::F64, false), (DType::F32, true)] {
        let verdict = verdict(Kind::WrongRule, dtype, fixed);
        let failure = verdict.failure().expect("it is wrong");
        println!("{failure}\n");
        assert_eq!(failure.diagnosis(), Some(&Diagnosis::Factor(2.0)), "{failure}");
        let cause = failure.cause().expect("the rule is found");
        let (op, at) = cause.ops().next().expect("the op is on its own tape");
        assert!(op == "squash" && at.contains("models.rs"), "{failure}");
        assert!(failure.to_string().contains("hidden."), "{failure}");
    }
}

#[test]
fn what_no_tape_has_seen_is_told_from_wrong_rules() {
    let cut = verdict(Kind::Cut, DType::F64, false);
    println!("{cut}\n");
    assert_eq!(cut.failure().and_then(|f| f.diagnosis()), Some(&Diagnosis::NotReached), "{cut}");
    let off = verdict(Kind::OffTape, DType::F64, false);
    println!("{off}\n");
    assert_eq!(off.failure().and_then(|f| f.diagnosis()), Some(&Diagnosis::OffTape), "{off}");
}
