//! Wrong rules must be caught, shrunk and named before right ones are believed.

use chainrule_autodiff::{Op, Saves, Var};
use chainrule_check::{Check, Diagnosis, Draw, Failure, Property, check, check_op_drawn};
use chainrule_tensor::{DType, Tensor, tensor};

type Rule = fn(usize, &Var, [&Var; 2]) -> Var;

/// The matrix product, with a rule to be tried.
struct MatMul(Rule);
impl Op<2> for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        a.matmul(b)
    }
    fn backward(&self, wrt: usize, g: &Var, x: [&Var; 2], _: &Var) -> Var {
        (self.0)(wrt, g, x)
    }
}

/// The product, with a rule to be tried.
struct Product(Rule);
impl Op<2> for Product {
    fn name(&self) -> &'static str {
        "product"
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        a * b
    }
    fn backward(&self, wrt: usize, g: &Var, x: [&Var; 2], _: &Var) -> Var {
        (self.0)(wrt, g, x)
    }
}

/// x³, with a rule to be tried.
struct Cube {
    rule: fn(&Var, &Var) -> Var,
    saves: Saves,
}
impl Op<1> for Cube {
    fn name(&self) -> &'static str {
        "cube"
    }
    fn saves(&self) -> Saves {
        self.saves
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        &(x * x) * x
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        (self.rule)(g, x)
    }
}

fn matrices(draw: &mut Draw) -> [Tensor; 2] {
    let [m, k, n] = [draw.size(), draw.size(), draw.size()];
    [draw.reals(&[m, k]), draw.reals(&[k, n])]
}

fn same_shape(draw: &mut Draw) -> [Tensor; 2] {
    let shape = draw.shape();
    [draw.reals(&shape), draw.reals(&shape)]
}

fn cube(rule: fn(&Var, &Var) -> Var) -> Option<Failure> {
    cube_saving(rule, Saves::Inputs)
}

fn cube_saving(rule: fn(&Var, &Var) -> Var, saves: Saves) -> Option<Failure> {
    let verdict = check_op_drawn(move |draw| {
        let shape = draw.shape();
        (Cube { rule, saves }, [draw.reals(&shape)])
    });
    verdict.result().err().map(|failure| *failure)
}

fn product(rule: Rule, inputs: fn(&mut Draw) -> [Tensor; 2]) -> Option<Failure> {
    check_op_drawn(move |draw| (Product(rule), inputs(draw))).result().err().map(|failure| *failure)
}

fn matmul(rule: Rule) -> Option<Failure> {
    check_op_drawn(move |draw| (MatMul(rule), matrices(draw))).result().err().map(|failure| *failure)
}

/// The failure is there, and was shrunk to so few elements.
fn small(failure: Option<Failure>, elements: usize) -> Failure {
    let failure = failure.expect("a wrong rule must be caught");
    let count: usize = failure.inputs().iter().map(Tensor::len).sum();
    assert!(count <= elements, "{count} elements are left:\n{failure}");
    failure
}

#[test]
fn the_right_rules_pass() {
    assert!(cube(|g, x| g * (3.0 * x * x)).is_none());
    assert!(product(|wrt, g, [a, b]| if wrt == 0 { g * b } else { g * a }, same_shape).is_none());
    assert!(product(|wrt, g, [a, b]| if wrt == 0 { g * b } else { g * a }, broadcasting).is_none());
    assert!(matmul(|wrt, g, [a, b]| if wrt == 0 { g.matmul(&b.t()) } else { a.t().matmul(g) }).is_none());
}

fn broadcasting(draw: &mut Draw) -> [Tensor; 2] {
    let [a, b] = draw.broadcasting_shapes();
    [draw.reals(&a), draw.reals(&b)]
}

#[test]
fn a_wrong_sign_is_named() {
    let failure = small(cube(|g, x| -g * (3.0 * x * x)), 1);
    assert_eq!(failure.diagnosis(), Some(&Diagnosis::SignFlipped), "{failure}");
}

#[test]
fn a_wrong_factor_is_named() {
    let failure = small(cube(|g, x| g * (6.0 * x * x)), 1);
    assert_eq!(failure.diagnosis(), Some(&Diagnosis::Factor(2.0)), "{failure}");
}

#[test]
fn a_forgotten_incoming_gradient_is_named() {
    let failure = small(cube(|_, x| 3.0 * x * x), 1);
    assert!(failure.to_string().contains("ignores its incoming gradient"), "{failure}");
}

#[test]
fn a_transposed_gradient_is_caught() {
    let square = |draw: &mut Draw| {
        let n = draw.positive_size();
        [draw.reals(&[n, n]), draw.reals(&[n, n])]
    };
    let rule: Rule = |wrt, g, [a, b]| if wrt == 0 { b.matmul(&g.t()) } else { a.t().matmul(g) };
    let verdict = check_op_drawn(|draw| (MatMul(rule), square(draw)));
    let failure = small(verdict.result().err().map(|failure| *failure), 8);
    assert_eq!(failure.argument(), Some(0), "{failure}");
    assert!(failure.to_string().contains("transposed"), "{failure}");
}

#[test]
fn a_missing_term_is_caught_for_its_argument() {
    let rule: Rule = |wrt, g, [a, b]| if wrt == 0 { g * b } else { Var::constant(a.value().zeros_like()) };
    let failure = small(product(rule, same_shape), 2);
    assert_eq!(failure.argument(), Some(1), "{failure}");
}

#[test]
fn the_other_arguments_gradient_is_caught() {
    let rule: Rule = |wrt, g, [a, b]| if wrt == 0 { g * a } else { g * b };
    small(product(rule, same_shape), 2);
}

#[test]
fn a_missing_reduction_is_caught() {
    /// Sums of rows, with a rule that hands out the first row's gradient once instead of to all columns.
    struct RowSums;
    impl Op<1> for RowSums {
        fn name(&self) -> &'static str {
            "row_sums"
        }
        fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
            x.sum(&[1], false)
        }
        fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
            let first = g.unsqueeze(1);
            first.pad(&[(0, 0), (0, x.size(1) - 1)])
        }
    }
    let verdict = check_op_drawn(|draw| {
        let shape = [draw.positive_size(), draw.positive_size()];
        (RowSums, [draw.reals(&shape)])
    });
    small(verdict.result().err().map(|failure| *failure), 2);
}

#[test]
fn a_rule_that_reads_what_it_did_not_save_is_reported_as_such() {
    let failure = small(cube_saving(|g, x| g * (3.0 * x * x), Saves::Output), 1);
    assert!(failure.to_string().contains("saves()"), "{failure}");
}

#[test]
fn a_rule_that_cannot_be_differentiated_again_is_caught() {
    let failure = small(cube(|g, x| g * (3.0 * x * x.detach())), 1);
    assert_ne!(failure.property(), Property::Gradient, "the first derivative is right: {failure}");
    let first_only = Check::new().order(1).op_drawn(|draw| {
        let shape = draw.shape();
        (Cube { rule: |g, x| g * (3.0 * x * x.detach()), saves: Saves::Inputs }, [draw.reals(&shape)])
    });
    first_only.assert();
}

#[test]
fn a_cut_inside_a_closure_is_caught() {
    assert!(!check(|x| &x[0] * &x[0].detach(), &[tensor![1., 2.]]).passed());
}

#[test]
fn rules_wrong_only_off_the_square_or_at_zero_are_caught() {
    let not_square: Rule = |wrt, g, [a, b]| {
        let right = if wrt == 0 { g.matmul(&b.t()) } else { a.t().matmul(g) };
        if a.size(0) == a.size(1) { right } else { right * 2.0 }
    };
    small(matmul(not_square), 4);
    let wrong_at_zero = cube(|g, x| {
        let zero = x.value().compare_scalar(chainrule_tensor::Comparison::Eq, 0.0);
        g * (3.0 * x * x) + Var::constant(zero.cast(DType::F64).cast(x.dtype()))
    });
    small(wrong_at_zero, 1);
}

#[test]
fn scales_do_not_matter() {
    for scale in [1e-6, 1.0, 1e6] {
        let x = tensor![F64; 0.3, -1.2, 2.5] * scale;
        check(|x| x[0].square().sum(), std::slice::from_ref(&x)).assert();
        check(move |x| (&x[0] / scale).tanh(), &[x]).assert();
    }
}

#[test]
fn kinks_are_no_failures() {
    let verdict = check(|x| x[0].relu(), &[tensor![F64; -1.0, 0.0, 1.0]]);
    assert!(!verdict.kinks().is_empty());
    verdict.assert();
}

#[test]
fn constants_linear_functions_and_empty_tensors_pass() {
    check(|_| Var::constant(2.0), &[tensor![F64; 1.0]]).assert();
    check(|x| &x[0] * 3.0 + 1.0, &[tensor![F64; 1.0, 2.0]]).assert();
    check(|x| x[0].exp(), &[Tensor::from(0.5)]).assert();
    check(|x| x[0].exp().sum(), &[Tensor::zeros([0, 3], DType::F64)]).assert();
}
