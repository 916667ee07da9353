//! An exam for the checker: ops as people write them, each with one mistake that people make. All must be caught, made small, and called by
//! their names.

use std::sync::Mutex;

use chainrule_autodiff::{Op, Saves, Var};
use chainrule_check::{Draw, Verdict, check_op_drawn};
use chainrule_tensor::{Comparison, Rng, Tensor};

/// An op made of two functions.
struct User<const N: usize> {
    name: &'static str,
    saves: Saves,
    value: fn([&Var; N]) -> Var,
    rule: fn(usize, &Var, [&Var; N], &Var) -> Var,
}

impl<const N: usize> Op<N> for User<N> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn saves(&self) -> Saves {
        self.saves
    }
    fn forward(&self, x: [&Tensor; N]) -> Tensor {
        let x = x.map(Var::constant);
        (self.value)(x.each_ref()).value().clone()
    }
    fn backward(&self, wrt: usize, g: &Var, x: [&Var; N], y: &Var) -> Var {
        (self.rule)(wrt, g, x, y)
    }
}

type Inputs<const N: usize> = fn(&mut Draw) -> [Tensor; N];

fn user<const N: usize>(
    name: &'static str,
    inputs: Inputs<N>,
    value: fn([&Var; N]) -> Var,
    rule: fn(usize, &Var, [&Var; N], &Var) -> Var,
) -> Verdict {
    check_op_drawn(move |draw| (User { name, saves: Saves::Both, value, rule }, inputs(draw)))
}

fn any(draw: &mut Draw) -> [Tensor; 1] {
    let shape = draw.shape();
    [draw.reals(&shape)]
}

fn positive(draw: &mut Draw) -> [Tensor; 1] {
    let shape = draw.shape();
    [draw.tensor(&shape, 0.3, 3.0)]
}

fn rows(draw: &mut Draw) -> [Tensor; 1] {
    let shape = [draw.positive_size(), draw.positive_size()];
    [draw.reals(&shape)]
}

fn pair(draw: &mut Draw) -> [Tensor; 2] {
    let shape = draw.shape();
    [draw.tensor(&shape, 0.3, 3.0), draw.tensor(&shape, 0.3, 3.0)]
}

/// A mistake: what is wrong, the verdict, and words that a diagnosis that found it has.
type Question = (&'static str, fn() -> Verdict, &'static [&'static str]);

const QUESTIONS: &[Question] = &[
    ("x³ with 3x³", || user("cube", any, |[x]| x * x * x, |_, g, [x], _| g * (3.0 * x * x * x)), &["x[0]", "extra"]),
    (
        "a sigmoid whose rule has 1 + y for 1 − y",
        || user("sigmoid", any, |[x]| x.sigmoid(), |_, g, _, y| g * y * (1.0 + y)),
        &["y"],
    ),
    (
        "a tanh whose slope is taken at the output",
        || user("tanh", any, |[x]| x.tanh(), |_, g, _, y| g * (1.0 - y.tanh().square())),
        &["output"],
    ),
    (
        "a norm whose rule forgets to divide by it",
        || user("norm", rows, |[x]| (x.square().sum() + 0.5).sqrt(), |_, g, [x], _| g * x),
        &["times y"],
    ),
    (
        "a softmax treated like a sigmoid",
        || user("softmax", rows, |[x]| x.softmax(1), |_, g, _, y| g * y * (1.0 - y)),
        &["share"],
    ),
    (
        "a mean without its division",
        || user("mean", rows, |[x]| x.mean_axes(&[1], true), |_, g, [x], _| g.broadcast_to(x.shape())),
        &["count"],
    ),
    (
        "a layer whose weight gradient is the wrong way round",
        || {
            let inputs: Inputs<2> = |draw| {
                let [n, i, o] = [draw.positive_size(), draw.positive_size(), draw.positive_size()];
                [draw.reals(&[n, i]), draw.reals(&[o, i])]
            };
            let rule = |wrt: usize, g: &Var, [x, w]: [&Var; 2], _: &Var| match wrt {
                0 => g.matmul(w),
                _ => x.t().matmul(g),
            };
            user("layer", inputs, |[x, w]| x.matmul(&w.t()), rule)
        },
        &["transposed"],
    ),
    (
        "a bias summed over the wrong axis",
        || {
            let inputs: Inputs<2> = |draw| {
                let [n, m] = [draw.positive_size(), draw.positive_size()];
                [draw.reals(&[n, m]), draw.reals(&[m])]
            };
            let rule = |wrt: usize, g: &Var, _: [&Var; 2], _: &Var| match wrt {
                0 => g.clone(),
                _ => g.sum_axes(&[1], false),
            };
            user("bias", inputs, |[x, b]| x + b, rule)
        },
        &["axis"],
    ),
    (
        "a table of rows that is written to instead of added to",
        || {
            struct Lookup(Tensor);
            impl Op<1> for Lookup {
                fn name(&self) -> &'static str {
                    "lookup"
                }
                fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
                    x.index_select(0, &self.0)
                }
                fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
                    // For each row of the table the last place that it was read from.
                    let index = self.0.to_vec::<i64>();
                    let rows: Vec<Var> = (0..x.size(0))
                        .map(|row| match index.iter().rposition(|&i| i as usize == row) {
                            Some(at) => g.narrow(0, at, 1),
                            None => Var::constant(x.value().narrow(0, 0, 1).zeros_like()),
                        })
                        .collect();
                    Var::cat(&rows.iter().collect::<Vec<_>>(), 0)
                }
            }
            check_op_drawn(|draw| {
                let [n, m, k] = [draw.positive_size(), draw.positive_size(), draw.positive_size()];
                (Lookup(draw.indices(&[k], n)), [draw.reals(&[n, m])])
            })
        },
        &["add up"],
    ),
    (
        "a running sum whose rule runs the same way",
        || user("cumsum", rows, |[x]| x.cumsum(1), |_, g, _, _| g.cumsum(1)),
        &["adjoint"],
    ),
    (
        "a leaky ramp whose rule forgets the leak",
        || user("leaky", any, |[x]| x.leaky_relu(0.2), |_, g, _, _| g.clone()),
        &["x[0] <", "5"],
    ),
    (
        "a rule that clips its gradient",
        || {
            user(
                "product",
                pair,
                |[a, b]| a * b,
                |wrt, g, [a, b], _| {
                    let g = g.relu() - (-g).relu().min_with(0.5);
                    if wrt == 0 { g * b } else { g * a }
                },
            )
        },
        &["linear"],
    ),
    (
        "a quotient with a wrong sign",
        || {
            user(
                "quotient",
                pair,
                |[a, b]| a / b,
                |wrt, g, [a, b], _| match wrt {
                    0 => g / b,
                    _ => g * a / b.square(),
                },
            )
        },
        &["sign"],
    ),
    (
        "an op that draws its own noise",
        || {
            struct Noisy(Mutex<Rng>);
            impl Op<1> for Noisy {
                fn name(&self) -> &'static str {
                    "noisy"
                }
                fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
                    x + Tensor::uniform(&mut self.0.lock().unwrap(), x.shape(), 0.0, 0.1, x.dtype())
                }
                fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
                    g.clone()
                }
            }
            check_op_drawn(|draw| (Noisy(Mutex::new(Rng::seed(1))), any(draw)))
        },
        &["deterministic"],
    ),
    (
        "a constant of one type",
        || {
            user(
                "scaled",
                any,
                |[x]| x * Var::constant(Tensor::scalar(3.0, x.dtype())),
                |_, g, _, _| g * Var::constant(Tensor::scalar(3.0, chainrule_tensor::DType::F64)),
            )
        },
        &["f64", "f32"],
    ),
    (
        "a rule computed outside the tape",
        || user("square", any, |[x]| x.square(), |_, g, [x], _| g * Var::constant(x.value() * 2.0)),
        &["does not know"],
    ),
    (
        "a rule that remembers the first input that it saw",
        || {
            struct Remembers(Mutex<Option<Tensor>>);
            impl Op<1> for Remembers {
                fn name(&self) -> &'static str {
                    "remembers"
                }
                fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
                    self.0.lock().unwrap().get_or_insert_with(|| x.deep_copy());
                    x * x
                }
                fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
                    let x = self.0.lock().unwrap().clone().unwrap();
                    g * Var::constant(x.cast(g.dtype())) * 2.0
                }
            }
            check_op_drawn(|draw| (Remembers(Mutex::new(None)), any(draw)))
        },
        &["does not"],
    ),
    (
        "logsumexp without its normaliser",
        || user("logsumexp", rows, |[x]| x.logsumexp(&[1], true), |_, g, [x], _| g * x.exp()),
        &["y", "extra"],
    ),
    (
        "a mirror whose rule does not mirror",
        || user("mirror", rows, |[x]| x.flip(&[1]), |_, g, _, _| g.clone()),
        &["reversed", "axis 1"],
    ),
    (
        "a product of three that forgets one",
        || {
            let inputs: Inputs<3> = |draw| {
                let shape = draw.shape();
                [draw.reals(&shape), draw.reals(&shape), draw.reals(&shape)]
            };
            user(
                "triple",
                inputs,
                |[a, b, c]| a * b * c,
                |wrt, g, [a, b, c], _| match wrt {
                    0 => g * b,
                    1 => g * a * c,
                    _ => g * a * b,
                },
            )
        },
        &["x[2]", "missing"],
    ),
    (
        "weight decay inside a rule",
        || user("sine", any, |[x]| x.sin(), |_, g, [x], _| g * x.cos() + 0.01 * x),
        &["without"],
    ),
    (
        "a rule that reads what it did not save",
        || {
            check_op_drawn(|draw| {
                let rule = |_: usize, g: &Var, _: [&Var; 1], y: &Var| g * y;
                (User { name: "exp", saves: Saves::Inputs, value: |[x]| x.exp(), rule }, any(draw))
            })
        },
        &["saves()"],
    ),
    (
        "repeated elements gathered as if they were tiled",
        || {
            // [n] → [n, 2] → [2n]: a, a, b, b, …
            let value = |[x]: [&Var; 1]| {
                let n = x.len();
                Var::stack(&[x, x], 1).reshape([2 * n])
            };
            let inputs: Inputs<1> = |draw| {
                let n = draw.positive_size();
                [draw.reals(&[n])]
            };
            user("repeat", inputs, value, |_, g, [x], _| g.reshape([2, x.len()]).sum_axes(&[0], false))
        },
        &["place"],
    ),
    (
        "padding cut off one too far",
        || user("pad", rows, |[x]| x.pad(&[(0, 0), (1, 1)]), |_, g, [x], _| g.narrow(1, 0, x.size(1))),
        &["shifted"],
    ),
    (
        "a smooth loss whose rule forgets its linear part",
        || {
            let value = |[x]: [&Var; 1]| {
                let far = x.abs().value().compare_scalar(Comparison::Gt, 1.0);
                Var::choose(&far, &(x.abs() - 0.5), &(x.square() * 0.5))
            };
            user("smooth", any, value, |_, g, [x], _| g * x)
        },
        &["x[0]", "only where"],
    ),
    (
        "logarithms with the reciprocal's reciprocal",
        || user("log", positive, |[x]| x.log(), |_, g, [x], _| g * x),
        &["reciprocal"],
    ),
    ("a square root whose rule is the value", || user("root", positive, |[x]| x.sqrt(), |_, g, _, y| g * y), &["y"]),
];

/// The same again, other mistakes.
const MORE: &[Question] = &[
    (
        "an inner derivative left out",
        || user("chirp", any, |[x]| x.square().sin(), |_, g, [x], _| g * x.square().cos()),
        &["missing", "2 · x[0]"],
    ),
    (
        "a product rule with one term",
        || user("gaussian", any, |[x]| x * (x.square() * -0.5).exp(), |_, g, [x], _| g * (x.square() * -0.5).exp()),
        &["times"],
    ),
    ("the function itself for its slope", || user("sine", any, |[x]| x.sin(), |_, g, _, y| g * y), &["y"]),
    (
        "deviations from a mean that counts as constant",
        || user("centred", rows, |[x]| x - x.mean_axes(&[1], true), |_, g, _, _| g.clone()),
        &["share"],
    ),
    (
        "a variance of the sample with the population's rule",
        || {
            let inputs: Inputs<1> = |draw| {
                let n = draw.range(2, 5);
                [draw.reals(&[n])]
            };
            user(
                "variance",
                inputs,
                |[x]| x.var_axes(&[0], 1.0, false),
                |_, g, [x], _| g * (x - x.mean()) * (2.0 / x.len() as f64),
            )
        },
        &["off by one"],
    ),
    (
        "a mask the wrong way round",
        || {
            user(
                "ramp",
                any,
                |[x]| x.relu(),
                |_, g, [x], _| g * Var::constant(x.value().compare_scalar(Comparison::Lt, 0.0).cast(x.dtype())),
            )
        },
        &["inverted"],
    ),
    (
        "a clamp that lets everything through",
        || user("clamp", any, |[x]| x - (x - 1.0).relu(), |_, g, _, _| g.clone()),
        &["x[0] > 1", "none"],
    ),
    (
        "an absolute value without its sign",
        || user("size", any, |[x]| x.abs(), |_, g, _, _| g.clone()),
        &["x[0] < 0", "sign"],
    ),
    (
        "upsampling that takes one of two",
        || {
            let value = |[x]: [&Var; 1]| Var::stack(&[x, x], 1).reshape([2 * x.len()]);
            let inputs: Inputs<1> = |draw| {
                let n = draw.positive_size();
                [draw.reals(&[n])]
            };
            user("double", inputs, value, |_, g, [x], _| g.reshape([x.len(), 2]).select(1, 0))
        },
        &["sum is missing"],
    ),
    (
        "a dot product whose arguments were mistaken for each other",
        || user("dot", pair, |[a, b]| (a * b).sum(), |wrt, g, [a, b], _| if wrt == 0 { g * a } else { g * b }),
        &["x[1]"],
    ),
    ("a sign inside", || user("softplus", any, |[x]| x.softplus(), |_, g, [x], _| g * (-x).sigmoid()), &["-x[0]"]),
    (
        "a rule that sums what it should not",
        || user("double", any, |[x]| x * 2.0, |_, g, [x], _| (g * 2.0).sum().broadcast_to(x.shape())),
        &["Jacobian"],
    ),
    (
        "log-softmax that forgets the sum over its gradient",
        || user("log_softmax", rows, |[x]| x.log_softmax(1), |_, g, _, y| g - y.exp()),
        &["without"],
    ),
    (
        "the gradient of one row for all",
        || user("square", rows, |[x]| x.square(), |_, g, [x], _| (g * x * 2.0).narrow(0, 0, 1).broadcast_to(x.shape())),
        &["place"],
    ),
];

trait MinWith {
    fn min_with(&self, most: f64) -> Var;
}
impl MinWith for Var {
    fn min_with(&self, most: f64) -> Var {
        self - (self - most).relu()
    }
}

/// Elements that the simplest failing sample may have.
const SMALL: usize = 8;

#[test]
fn wrong_ops_are_caught_made_small_and_named() {
    let mut unnamed = Vec::new();
    for (mistake, verdict, words) in QUESTIONS.iter().chain(MORE) {
        let verdict = verdict();
        let failure = verdict.failure().unwrap_or_else(|| panic!("{mistake}: not caught"));
        let elements: usize = failure.inputs().iter().map(Tensor::len).sum();
        assert!(elements <= SMALL, "{mistake}: {elements} elements are left:\n{failure}");
        let diagnosis = failure.diagnosis().map_or(String::new(), ToString::to_string);
        if std::env::var("EXAM").is_ok() {
            println!("== {mistake}\n{failure}\n");
        }
        if !words.iter().all(|word| diagnosis.contains(word)) {
            unnamed.push(format!("{mistake}: {words:?} not in {diagnosis:?}"));
        }
    }
    // A few may stay without a name, as long as they are caught.
    let all = QUESTIONS.len() + MORE.len();
    assert!(10 * unnamed.len() <= all, "{} of {all} have no name:\n{}", unnamed.len(), unnamed.join("\n"));
}
