//! Functions of one number at awkward places: kinks, ends of domains, numbers that are not finite.

use chainrule_autodiff::{Var, grad};
use chainrule_tensor::{DType, Rng, Tensor, tensor};

const INF: f64 = f64::INFINITY;

fn slope(f: impl Fn(&Var) -> Var, x: f64) -> f64 {
    let x = Var::leaf(x);
    f(&x).backward()[&x].item()
}

fn second(f: impl Fn(&Var) -> Var, x: f64) -> f64 {
    let x = Var::leaf(x);
    let first = grad(&f(&x), &[&x]).remove(0);
    if first.is_tracked() { first.backward().get(&x).map_or(0.0, Tensor::item) } else { 0.0 }
}

#[test]
fn nothing_passes_where_a_function_is_flat() {
    type Function = fn(&Var) -> Var;
    let flat: [(&str, Function, f64); 9] = [
        ("relu", |x| x.relu(), 0.0),
        ("relu6", |x| x.relu6(), -1.0),
        ("hardtanh", |x| x.hardtanh(0.0, 1.0), 0.0),
        ("hardsigmoid", |x| x.hardsigmoid(), -4.0),
        ("hardswish", |x| x.hardswish(), -3.0),
        ("softshrink", |x| x.softshrink(0.5), 0.25),
        ("hardshrink", |x| x.hardshrink(0.5), 0.25),
        ("threshold", |x| x.threshold(0.5, 0.0), 0.25),
        ("clamp", |x| x.clamp(0.0, 1.0), -1.0),
    ];
    for (name, f, x) in flat {
        // The slope of the root at 0 is infinite.
        assert_eq!(slope(|x| f(x).sqrt(), x), 0.0, "{name}");
        assert_eq!(second(f, x), 0.0, "{name}");
    }
}

#[test]
fn what_a_branch_leaves_out_does_not_leak() {
    for x in [-1000.0, 1000.0] {
        for f in [Var::elu, Var::celu, |x: &Var, alpha| x.softplus_with(alpha, 20.0)] {
            assert!(slope(|x| f(x, 0.5), x).is_finite() && second(|x| f(x, 0.5), x).abs() < 1e-200, "at {x}");
        }
        for f in [Var::selu, Var::log_sigmoid, Var::softplus, Var::silu, Var::gelu, Var::gelu_tanh, Var::mish] {
            assert!(slope(f, x).is_finite() && second(f, x).abs() < 1e-200, "at {x}");
        }
    }
    assert_eq!((slope(|x| x.xlog1py(-1.0), 0.0), second(|x| x.xlog1py(-1.0), 0.0)), (0.0, 0.0));
}

#[test]
fn functions_end_where_their_domains_do() {
    let values = |f: fn(&Var) -> Var, x: Tensor| f(&Var::constant(x)).value().to_f64_vec();
    assert_eq!(values(Var::erfinv, tensor![F64; -1.0, 0.0, 1.0]), [-INF, 0.0, INF]);
    assert_eq!(values(Var::ndtri, tensor![F64; 0.0, 0.5, 1.0]), [-INF, 0.0, INF]);
    assert_eq!(values(Var::logit, tensor![F64; 0.0, 0.5, 1.0]), [-INF, 0.0, INF]);
    assert_eq!(values(Var::entr, tensor![F64; 0.0, 1.0, -1.0]), [0.0, 0.0, -INF]);
    assert_eq!(values(Var::lgamma, tensor![F64; 0.0, 1.0, -3.0]), [INF, 0.0, INF]);
    assert_eq!(values(Var::i0e, tensor![F64; 0.0, INF]), [1.0, 0.0]);
    assert_eq!(values(Var::i0, tensor![F64; 0.0, INF, -INF]), [1.0, INF, INF]);
    assert_eq!(values(Var::modified_bessel_k0, tensor![F64; 0.0, INF]), [INF, 0.0]);
    for f in [Var::erfinv, Var::ndtri, Var::logit] {
        assert!(values(f, tensor![F64; -1.5, f64::NAN]).iter().all(|y| y.is_nan()));
    }
    let all =
        [Var::lgamma, Var::digamma, Var::sinc, Var::i0, Var::i1e, Var::modified_bessel_k1, Var::log_ndtr, Var::erfcx];
    assert!(all.iter().all(|f| values(*f, tensor![F64; f64::NAN])[0].is_nan()));
}

#[test]
fn incomplete_gamma_functions_at_the_edges() {
    let (a, x) = (tensor![F64; 0.0, 2.0, 2.0, 0.0, -1.0], Var::constant(tensor![F64; 2.0, 0.0, INF, 0.0, 1.0]));
    let p = Var::igamma(&a, &x).value().to_f64_vec();
    assert_eq!(p[..3], [1.0, 0.0, 1.0]);
    assert!(p[3].is_nan() && p[4].is_nan());
    assert_eq!(Var::igammac(&a, &x).value().to_f64_vec()[..3], [0.0, 1.0, 0.0]);
}

#[test]
fn numbers_in_place_of_what_is_not_finite() {
    let x = Var::leaf(tensor![F64; f64::NAN, INF, -INF, 2.0]);
    let y = x.nan_to_num_with(1.0, Some(7.0), Some(-7.0));
    assert_eq!(y.value().to_f64_vec(), [1.0, 7.0, -7.0, 2.0]);
    assert_eq!(y.sum().backward()[&x].to_f64_vec(), [0.0, 0.0, 0.0, 1.0]);
    for (dtype, largest) in [(DType::F16, 65504.0), (DType::F64, f64::MAX)] {
        let y = Var::constant(Tensor::scalar(INF, dtype)).nan_to_num();
        assert_eq!((y.item(), y.dtype()), (largest, dtype));
    }
}

#[test]
fn limits_that_cross() {
    let x = Var::leaf(tensor![F64; 0.0, 3.0]);
    let (low, high) = (Var::leaf(2.0), Var::leaf(1.0));
    let y = x.clamp(low.cast(DType::F64), high.cast(DType::F64));
    assert_eq!(y.value().to_f64_vec(), [1.0, 1.0]);
    assert_eq!(y.sum().backward()[&high].item(), 2.0);
    assert_eq!(x.clamp(2.0, 1.0).value().to_f64_vec(), [1.0, 1.0]);
    assert!(x.clamp(f64::NAN, 1.0).value().isnan().to_vec::<bool>()[0]);
}

#[test]
fn halves_take_special_functions() {
    let x = Var::leaf(tensor![0.5, 2.0].cast(DType::BF16));
    let y = x.lgamma();
    assert_eq!(y.dtype(), DType::BF16);
    assert_eq!(y.sum().backward()[&x].dtype(), DType::BF16);
}

#[test]
fn a_hard_choice_is_one_hot_and_has_the_soft_gradient() {
    let x = Var::leaf(tensor![F64; [0.1, 0.2, 0.3], [3.0, 2.0, 1.0]]);
    let choose = |hard| x.gumbel_softmax(0.5, hard, -1, &mut Rng::seed(3));
    let (soft, hard) = (choose(false), choose(true));
    let largest = hard.value().max(&[1], false);
    assert!(largest.allclose(&tensor![F64; 1.0, 1.0], 1e-12, 0.0));
    assert_eq!(hard.value().argmax(1, false).to_vec::<i64>(), soft.value().argmax(1, false).to_vec::<i64>());
    let weights = Var::constant(tensor![F64; 1.0, -2.0, 3.0]);
    let gradient = |y: &Var| (y * &weights).sum().backward()[&x].clone();
    assert!(gradient(&hard).equal(&gradient(&soft)));
}

#[test]
#[should_panic(expected = "prelu: weights of shape [3] for 2 channels")]
fn prelu_names_its_channels() {
    Var::leaf(tensor![[1., 2.]]).prelu(&Var::leaf(tensor![1., 2., 3.]));
}

#[test]
#[should_panic(expected = "glu: axis 0 of [3] has an odd length, 3")]
fn a_gate_needs_halves() {
    Var::leaf(tensor![1., 2., 3.]).glu(0);
}
